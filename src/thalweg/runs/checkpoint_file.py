"""A checkpoint as a file: `checkpoint-` and the iteration, in the safetensors format."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np

from .. import __version__
from ..descent.checkpoint import Checkpoint
from ..errors import RunError
from ..storage import Fault, TensorFileError, packed, unpacked, write_whole

__all__ = ["VERSION", "Damaged", "checkpoint_files", "read_checkpoint", "write_checkpoint"]

VERSION = 1
"""Of the format. A file of a later one is refused."""

_KIND = "thalweg_checkpoint"
_NAME = re.compile(r"checkpoint-(\d{12})\.safetensors")
_STATE = "state."


class Damaged(Exception):  # noqa: N818  # it is caught, and told of in a note
    """A checkpoint that is not as it was written."""


def checkpoint_files(folder: Path) -> list[Path]:
    """The checkpoints in a folder, the latest first."""
    return sorted((file for file in folder.iterdir() if _NAME.fullmatch(file.name)), reverse=True)


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Writes a checkpoint whole; it is on disk when this returns. Raises OSError if it cannot be written."""
    tensors = {_STATE + name: array for name, array in checkpoint.state.items()}
    tensors |= {"history": checkpoint.rows, "validation": checkpoint.checks, "best": checkpoint.best}
    best_loss = checkpoint.best_loss if math.isfinite(checkpoint.best_loss) else None
    description = {
        "iteration": checkpoint.iteration,
        "next_record": checkpoint.next_record,
        "seconds": checkpoint.seconds,
        "best_step": checkpoint.best_step,
        "best_loss": best_loss,
    }
    file = folder / f"checkpoint-{checkpoint.iteration:012}.safetensors"
    write_whole(file, packed(_KIND, VERSION, tensors, description, __version__))
    return file


def read_checkpoint(file: Path) -> Checkpoint:
    """Reads a checkpoint. Raises Damaged if it is not as it was written, and RunError if it is of a later version."""
    try:
        tensors, plain = unpacked(_KIND, VERSION, file.read_bytes())
    except TensorFileError as error:
        if error.fault in (Fault.DAMAGED, Fault.FOREIGN):
            raise Damaged(str(error)) from None
        raise RunError(
            f"{file} was written by a later thalweg ({error}). Update: pip install -U thalweg. Nothing was changed; without this "
            "file the run would go on from the checkpoint before it."
        ) from None
    except OSError as error:
        raise Damaged(f"it cannot be read: {error.strerror or error}") from None
    return Checkpoint(
        {name.removeprefix(_STATE): array for name, array in tensors.items() if name.startswith(_STATE)},
        plain["iteration"],
        plain["next_record"],
        plain["seconds"],
        tensors["history"],
        tensors["validation"],
        tensors["best"],
        plain["best_step"],
        np.inf if plain["best_loss"] is None else plain["best_loss"],
    )

"""Model files: arrays and a description of the model in the safetensors format; written whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import ModelFileError
from ..graph import Array
from ..storage import Fault, TensorFileError, packed, unpacked, write_whole

__all__ = ["VERSION", "load_model", "save_model"]

VERSION = 1
"""Of the format. A file of a later one is refused."""

_KIND = "thalweg"


def save_model(path: str | Path, tensors: Mapping[str, Array], description: Mapping[str, Any]) -> None:
    """Writes a model. A file that is there stays as it is until the new one is whole.

    tensors: arrays of any shape and order. description: anything that JSON can hold.
    Raises ModelFileError if the folder cannot be written to, or the disk is full.
    """
    try:
        write_whole(path, packed(_KIND, VERSION, tensors, description, __version__))
    except OSError as error:
        raise ModelFileError(
            f"the model cannot be written to {path}: {error.strerror or error}. Nothing was changed there. "
            "Choose another place with --output."
        ) from None


def load_model(path: str | Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """The tensors and the description. Raises ModelFileError if the file is missing, damaged, later, or no model."""
    file = Path(path)
    try:
        return unpacked(_KIND, VERSION, _content(file))
    except TensorFileError as error:
        raise ModelFileError(_sentence(file, error)) from None


def _sentence(file: Path, error: TensorFileError) -> str:
    if error.fault is Fault.LATER:
        return f"{file} was written by a later thalweg ({error}). Update: pip install -U thalweg"
    if error.fault is Fault.EARLIER:
        return f"{file} was written by an earlier thalweg ({error}). Fit it again."
    if error.fault is Fault.DAMAGED:
        return f"the model {file} is damaged: {error}. Fit it again."
    return f"{file} is no thalweg model, or its beginning is damaged. Make one with: thalweg fit TABLE --target COLUMN"


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise ModelFileError(f"there is no model {file}. Make one with: thalweg fit TABLE --target COLUMN") from None
    except OSError as error:
        raise ModelFileError(f"the model {file} cannot be read: {error.strerror or error}.") from None

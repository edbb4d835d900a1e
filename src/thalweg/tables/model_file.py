"""Model files: the safetensors format, which cannot execute code; written whole or not at all.

The metadata hold a version, a description as JSON, and a digest of the tensors.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from ..errors import ModelFileError
from ..graph import Array

__all__ = ["VERSION", "load_model", "save_model"]

VERSION = 1


def _digest(tensors: Mapping[str, Array], description: str) -> str:
    digest = hashlib.sha256(description.encode())
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def save_model(path: str | Path, tensors: Mapping[str, Array], description: Mapping[str, Any]) -> None:
    """Writes a model. A file that is there stays as it is until the new one is whole.

    Raises ModelFileError if the folder cannot be written to, or the disk is full.
    """
    file = Path(path)
    whole = {name: np.array(array, order="C") for name, array in tensors.items()}
    text = json.dumps(description, ensure_ascii=False)
    metadata = {"thalweg": str(VERSION), "description": text, "digest": _digest(whole, text)}
    content = safetensors.numpy.save(whole, metadata)
    name = None
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o644)
        os.replace(name, file)
    except OSError as error:
        if name is not None:
            with contextlib.suppress(OSError):
                os.unlink(name)
        raise ModelFileError(
            f"the model cannot be written to {file}: {error.strerror or error}. Nothing was changed there; "
            "choose another place with --output."
        ) from None


def load_model(path: str | Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """The tensors and the description. Raises ModelFileError if the file is missing, damaged, later, or no model."""
    file = Path(path)
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise ModelFileError(f"there is no model {file}. Make one with: thalweg fit TABLE --target COLUMN") from None
    except OSError as error:
        raise ModelFileError(f"the model {file} cannot be read: {error.strerror or error}") from None
    try:
        length = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + length])["__metadata__"]
        version, text = int(metadata["thalweg"]), str(metadata["description"])
    except (ValueError, KeyError, TypeError):
        raise ModelFileError(f"{file} is no thalweg model, or its beginning is damaged") from None
    if version > VERSION:
        raise ModelFileError(
            f"{file} was written by a later thalweg (format {version}; this one reads {VERSION}). "
            "Update: pip install -U thalweg"
        )
    try:
        tensors = dict(safetensors.numpy.load(content))
    except (safetensors.SafetensorError, ValueError):
        raise ModelFileError(f"the model {file} is damaged: its numbers cannot be read. Fit it again.") from None
    if _digest(tensors, text) != metadata.get("digest"):
        raise ModelFileError(f"the model {file} is damaged: its contents do not match its digest. Fit it again.")
    return tensors, json.loads(text)

"""Model files: the safetensors format, which cannot execute code; written whole or not at all.

The metadata hold the version of the format, the version of thalweg, a description as JSON (the caller's: model kind,
encoding, target, features, scores, ...) and a digest (SHA-256) of description and tensors, which is verified when loading.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from .. import __version__
from ..errors import ModelFileError
from ..graph import Array
from .atomic import write_whole

__all__ = ["VERSION", "load_model", "save_model"]

VERSION = 1
"""Of the format. A file of a later one is refused."""


def save_model(path: str | Path, tensors: Mapping[str, Array], description: Mapping[str, Any]) -> None:
    """Writes a model. A file that is there stays as it is until the new one is whole.

    tensors: arrays of any shape and order. description: anything that JSON can hold.
    Raises ModelFileError if the folder cannot be written to, or the disk is full.
    """
    # safetensors takes an array's memory as it lies, so that one in another order would be garbled.
    whole = {name: np.array(array, order="C") for name, array in tensors.items()}
    text = json.dumps(description, ensure_ascii=False)
    metadata = {
        "thalweg": str(VERSION),
        "thalweg_version": __version__,
        "description": text,
        "digest": _digest(whole, text),
    }
    try:
        write_whole(path, safetensors.numpy.save(whole, metadata))
    except OSError as error:
        raise ModelFileError(
            f"the model cannot be written to {path}: {error.strerror or error}. Nothing was changed there. "
            "Choose another place with --output."
        ) from None


def load_model(path: str | Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """The tensors and the description. Raises ModelFileError if the file is missing, damaged, later, or no model."""
    file = Path(path)
    content = _content(file)
    metadata = _metadata(content, file)
    try:
        tensors = dict(safetensors.numpy.load(content))
    except (safetensors.SafetensorError, ValueError):
        raise ModelFileError(f"the model {file} is damaged: its numbers cannot be read. Fit it again.") from None
    if _digest(tensors, metadata["description"]) != metadata.get("digest"):
        raise ModelFileError(f"the model {file} is damaged: its contents do not match its digest. Fit it again.")
    return tensors, json.loads(metadata["description"])


def _digest(tensors: Mapping[str, Array], description: str) -> str:
    digest = hashlib.sha256(description.encode())
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise ModelFileError(f"there is no model {file}. Make one with: thalweg fit TABLE --target COLUMN") from None
    except OSError as error:
        raise ModelFileError(f"the model {file} cannot be read: {error.strerror or error}.") from None


def _metadata(content: bytes, file: Path) -> dict[str, str]:
    """The metadata of a model of a version that can be read. Looked at first: a later format may hold other tensors."""
    try:
        length = int.from_bytes(content[:8], "little")
        metadata: dict[str, str] = json.loads(content[8 : 8 + length])["__metadata__"]
        version = int(metadata["thalweg"])
        json.loads(metadata["description"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ModelFileError(
            f"{file} is no thalweg model, or its beginning is damaged. Make one with: thalweg fit TABLE --target COLUMN"
        ) from None
    if version > VERSION:
        raise ModelFileError(
            f"{file} was written by a later thalweg (format {version}; this one reads {VERSION}). "
            "Update: pip install -U thalweg"
        )
    return metadata

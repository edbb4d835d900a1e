"""Named arrays with a description, as bytes in the safetensors format, which cannot execute code.

The metadata hold the version of the format under the name of the kind of file, the version of thalweg, a description as JSON
and a digest (SHA-256) of description and arrays, which is verified when they are read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import Enum
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from ..errors import ThalwegError
from ..graph import Array

__all__ = ["Fault", "TensorFileError", "packed", "unpacked"]


class Fault(Enum):
    """Why a file cannot be read."""

    FOREIGN = "foreign"
    LATER = "later"
    EARLIER = "earlier"
    DAMAGED = "damaged"


class TensorFileError(ThalwegError, ValueError):
    """Bytes that hold no arrays of this kind; whoever reads the file says what that means there. fault: why."""

    def __init__(self, fault: Fault, sentence: str) -> None:
        super().__init__(sentence)
        self.fault = fault


def packed(
    kind: str, version: int, tensors: Mapping[str, Array], description: Mapping[str, Any], thalweg_version: str
) -> bytes:
    """The bytes of a file. kind, version: of the format. tensors: arrays of any shape and order. description: for JSON."""
    # safetensors takes an array's memory as it lies, so that one in another order would be garbled.
    whole = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    text = json.dumps(description, ensure_ascii=False)
    metadata = {
        kind: str(version),
        "thalweg_version": thalweg_version,
        "description": text,
        "digest": _digest(whole, text),
    }
    return _in_order(safetensors.numpy.save(whole, metadata))


def _in_order(content: bytes) -> bytes:
    """The same file with its metadata in the order of their names: the library's order differs from process to process."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # so that the arrays stay aligned
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


def unpacked(kind: str, version: int, content: bytes) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays and the description.

    Raises TensorFileError if the bytes are another kind's (FOREIGN), of another version of the format (LATER,
    EARLIER), or not as they were written (DAMAGED).
    """
    metadata = _metadata(kind, version, content)
    try:
        tensors = dict(safetensors.numpy.load(content))
    except (safetensors.SafetensorError, ValueError):
        raise TensorFileError(Fault.DAMAGED, "its numbers cannot be read") from None
    if _digest(tensors, metadata["description"]) != metadata.get("digest"):
        raise TensorFileError(Fault.DAMAGED, "its contents do not match its digest")
    return tensors, json.loads(metadata["description"])


def _digest(tensors: Mapping[str, Array], description: str) -> str:
    digest = hashlib.sha256(description.encode())
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.data if array.size else b"")
    return digest.hexdigest()


def _metadata(kind: str, version: int, content: bytes) -> dict[str, str]:
    """The metadata, if this version can read the rest. Looked at first: a later format may hold other tensors."""
    try:
        length = int.from_bytes(content[:8], "little")
        metadata: dict[str, str] = json.loads(content[8 : 8 + length])["__metadata__"]
        found = int(metadata[kind])
        json.loads(metadata["description"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise TensorFileError(Fault.FOREIGN, "its beginning is another file's, or damaged") from None
    if found != version:
        fault = Fault.LATER if found > version else Fault.EARLIER
        raise TensorFileError(fault, f"format {found}; this one reads {version}")
    return metadata

"""What tells arrays from others, in every process."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from ..graph import Array

__all__ = ["digest_of"]


def digest_of(arrays: Iterable[Array]) -> str:
    """The beginning of a SHA-256 of the arrays: their dtypes, shapes and contents.

    >>> digest_of([np.zeros(3)]) == digest_of([np.zeros(3)]) != digest_of([np.zeros(4)])
    True
    """
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]

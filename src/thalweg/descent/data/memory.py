"""Memory: its size as people write it, and arrays whose memory goes back to the system."""

from __future__ import annotations

import math
import mmap
import re
from contextlib import suppress
from typing import Any

import numpy as np

from ...errors import ArgumentError
from ...graph import Array

__all__ = ["bytes_of", "mapped", "size_text"]

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?\s*", re.IGNORECASE)
SMALLEST = 16_000_000


def bytes_of(memory: int | str) -> int:
    """A size in bytes. Raises ArgumentError if it is none, or less than 16 MB.

    >>> bytes_of("2 GB"), bytes_of("1.5GiB"), bytes_of(10**8)
    (2000000000, 1610612736, 100000000)
    """
    found = _SIZE.fullmatch(memory) if isinstance(memory, str) else None
    if found is not None:
        size = int(float(found[1]) * _UNITS[(found[2] or "").lower()])
    elif isinstance(memory, int | np.integer) and not isinstance(memory, bool):
        size = int(memory)
    else:
        raise ArgumentError(f'memory={memory!r}: expected a number of bytes, or text such as "2 GB" or "500 MB"')
    if size < SMALLEST:
        raise ArgumentError(f"memory={memory!r} is too small: streaming needs {size_text(SMALLEST)} at least")
    return size


def size_text(size: float) -> str:
    """A size as a person writes it.

    >>> size_text(2_500_000_000), size_text(16_000_000), size_text(100)
    ('2.5 GB', '16 MB', '100 bytes')
    """
    for unit, name in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size:.0f} bytes"


def mapped(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """An array whose memory goes back to the system at once when it is no longer used, unlike what the heap gives.

    Where the system has them it lies in large pages, which the system hands out about ten times as fast.
    """
    size = math.prod(shape) * dtype.itemsize
    if not size:
        return np.empty(shape, dtype)
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE) if hasattr(mmap, "MAP_PRIVATE") else mmap.mmap(-1, size)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # a system may have been built without
            memory.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(memory, dtype).reshape(shape)

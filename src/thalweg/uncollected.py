"""Making graphs without Python's search for garbage: of ten thousand nodes none is garbage, and each search looks at all of them again."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["uncollected"]

_lock = threading.Lock()
_working: list[bool] = []
"""Of all threads that make graphs now; the first is whether the search was on before."""


@contextmanager
def uncollected() -> Iterator[None]:
    """No search for garbage that refers to itself; whatever else is no longer used is freed as ever.

    >>> with uncollected():
    ...     nodes = [object() for _ in range(10_000)]
    >>> gc.isenabled()
    True
    """
    with _lock:
        _working.append(_working[0] if _working else gc.isenabled())
        gc.disable()
    try:
        yield
    finally:
        with _lock:
            if _working.pop() and not _working:
                gc.enable()

"""Threads that help with one call of a program, for as long as it lasts."""

from __future__ import annotations

import _thread
import ctypes
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

__all__ = ["helpers"]


class helpers:  # noqa: N801  # a context manager, in lower case as those of the standard library
    """While it is entered, each of the argument lists has a thread that has called `function` with it.

    Nothing waits for the threads to begin: what they help with goes on without them until then, or for good if the system has no more
    threads. At the end all have returned. memory: what they work with; it lives as long as any of them.
    """

    def __init__(self, function: Callable[..., object], arguments: Sequence[Sequence[Any]], memory: object) -> None:
        self._function, self._arguments, self._memory = function, arguments, memory
        self._ends: list[_thread.LockType] = []

    def __enter__(self) -> None:
        processor = _processor()
        for arguments in self._arguments:
            end = _thread.allocate_lock()
            end.acquire()
            with suppress(RuntimeError):
                _thread.start_new_thread(self._help, (processor, arguments, end))
                self._ends.append(end)

    def __exit__(self, *error: object) -> None:
        for end in self._ends:
            end.acquire()

    def _help(self, processor: int | None, arguments: Sequence[Any], end: _thread.LockType) -> None:
        try:
            _leave(processor)
            self._function(*arguments)
        finally:
            end.release()


def _leave(processor: int | None) -> None:
    """Moves this thread to another processor, if it is on the one that another thread needs.

    Linux may let a thread begin where it was made, and take ten milliseconds to part the two.
    """
    if sys.platform == "linux" and processor is not None and processor == _processor():
        allowed = os.sched_getaffinity(0)
        others = allowed - {processor}
        if others:
            os.sched_setaffinity(0, others)
            os.sched_setaffinity(0, allowed)


def _processor() -> int | None:
    """The processor that this thread runs on, where the system tells."""
    tell = _teller()
    return None if tell is None else tell()


@cache
def _teller() -> Callable[[], int] | None:
    return getattr(ctypes.CDLL(None), "sched_getcpu", None) if sys.platform == "linux" else None

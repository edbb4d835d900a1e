"""Threads that help with one call of a program, for as long as it lasts."""

from __future__ import annotations

import _thread
import ctypes
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

__all__ = ["helpers"]

_SECONDS_TO_BEGIN = 2e-4


class helpers:  # noqa: N801  # a context manager, in lower case as those of the standard library
    """While it is entered, each of the argument lists has a thread that has called `function` with it.

    Nothing waits long for the threads to begin: what they help with goes on without them until then, or for good if the system has no
    more threads. At the end, however it comes, `send_home` is called, and all return. memory: what they work with; it lives as long as
    any of them.
    """

    def __init__(
        self,
        function: Callable[..., object],
        arguments: Sequence[Sequence[Any]],
        send_home: Callable[[], object],
        memory: object,
    ) -> None:
        self._function, self._arguments, self._send_home, self._memory = function, arguments, send_home, memory
        self._begun: list[int] = []
        self._ends: list[_thread.LockType] = []

    def __enter__(self) -> None:
        try:
            self._begin()
        except BaseException:  # a Ctrl-C
            self._send_home()
            raise

    def _begin(self) -> None:
        system, processor = _system(), None
        if system is not None:
            processor = system.sched_getcpu()
        for arguments in self._arguments:
            end = _thread.allocate_lock()
            end.acquire()
            with suppress(RuntimeError):
                _thread.start_new_thread(self._help, (processor, arguments, end))
                self._ends.append(end)
        if system is not None:
            latest = time.perf_counter() + _SECONDS_TO_BEGIN
            while len(self._begun) < len(self._ends) and time.perf_counter() < latest:
                system.sched_yield()

    def __exit__(self, *error: object) -> None:
        self._send_home()
        for end in self._ends:
            end.acquire()

    def _help(self, processor: int | None, arguments: Sequence[Any], end: _thread.LockType) -> None:
        try:
            self._begun.append(1)
            if processor is not None:
                _leave(processor)
            self._function(*arguments)
        finally:
            end.release()


def _leave(processor: int) -> None:
    """Moves this thread to another processor, if it is on the one that the thread needs which it helps.

    Linux may let a thread begin where it was made, and take ten milliseconds to part the two.
    """
    system = _system()
    if system is None or system.sched_getcpu() != processor:
        return
    allowed = os.sched_getaffinity(0)
    for processors in (allowed - {processor}, allowed):
        if processors:
            mask = sum(1 << number for number in processors)
            size = -(-mask.bit_length() // 64) * 8
            system.sched_setaffinity(0, size, mask.to_bytes(size, "little"))


@cache
def _system() -> Any:
    """The system's C functions, where it has those that are needed; other threads run while they are called."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    names = ("sched_getcpu", "sched_setaffinity", "sched_yield")
    return library if all(hasattr(library, name) for name in names) else None

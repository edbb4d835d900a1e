"""Work that another thread does, while the one that asked for it goes on."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

__all__ = ["beside", "unforked"]

T = TypeVar("T")

_at_work: set[threading.Event] = set()
_gate = threading.Lock()
"""Held while work begins, and while the process forks: a fork has none of the threads, and would wait for them for ever."""
_here = threading.local()
"""ended: of the work that this thread does, if it does any."""


def beside(make: Callable[[], T]) -> Callable[[], T]:
    """Begins the work in a thread of its own; returns what waits for its end and returns, or raises, what came of it.

    Where no thread can be begun, the work is done now. Who is interrupted while they wait may wait once more.

    >>> found = beside(lambda: 6 * 7)
    >>> found()
    42
    """
    results: list[T] = []
    errors: list[BaseException] = []
    # Not the thread is waited for: if that is interrupted, some versions of Python take the thread to have ended.
    ended = threading.Event()

    def work() -> None:
        _here.ended = ended
        try:
            results.append(make())
        except BaseException as error:
            errors.append(error)
        finally:
            ended.set()
            _at_work.discard(ended)

    def wait() -> T:
        ended.wait()
        if errors:
            raise errors[0]
        return results[0]

    _begin(ended)
    try:
        threading.Thread(target=work, name="thalweg beside").start()
    except RuntimeError:  # the system has no more, or Python is about to end
        _at_work.discard(ended)
        found = make()
        return lambda: found
    return wait


@contextmanager
def unforked() -> Iterator[None]:
    """Work of this thread that a fork may not cut in two, since it holds a lock: a fork waits until it is done."""
    if hasattr(_here, "ended"):
        yield
        return
    ended = threading.Event()
    _begin(ended)
    _here.ended = ended
    try:
        yield
    finally:
        del _here.ended
        ended.set()
        _at_work.discard(ended)


def _begin(ended: threading.Event) -> None:
    if hasattr(_here, "ended"):  # a part of work that forks wait for already
        _at_work.add(ended)
        return
    with _gate:
        _at_work.add(ended)


def _before_fork() -> None:
    _gate.acquire()
    while others := _at_work - {getattr(_here, "ended", None)}:
        for ended in others:
            ended.wait()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_gate.release, after_in_child=_gate.release)

"""Work that other threads do: while the one that asked for it goes on, or together with it."""

from __future__ import annotations

import contextvars
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

__all__ = ["beside", "shared", "unforked"]

S = TypeVar("S")
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


def shared(work: Callable[[S], T], items: Iterable[S], threads: int) -> list[T]:
    """What comes of the work on each item, in their order: this thread and others share them, so many in all.

    It pays where NumPy does long operations, for which it needs no lock of Python's. What NumPy does about overflows is as here. Of
    several errors that of the first item is raised, as if one thread had done all.

    >>> shared(lambda x: x * x, [1, 2, 3], threads=2)
    [1, 4, 9]
    """
    left = deque(enumerate(items))
    found: dict[int, T] = {}
    errors: dict[int, BaseException] = {}

    def take() -> None:
        while left and not errors:
            try:
                place, item = left.popleft()
            except IndexError:  # another took the last one
                return
            try:
                found[place] = work(item)
            except BaseException as error:
                errors[place] = error

    contexts = [contextvars.copy_context() for _ in range(min(threads, len(left)) - 1)]
    waits = [beside(partial(context.run, take)) for context in contexts]
    take()
    for wait in waits:
        wait()
    if errors:
        raise errors[min(errors)]
    return [found[place] for place in sorted(found)]


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

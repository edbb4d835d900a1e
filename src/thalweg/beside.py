"""Work that other threads do: while the one that asked for it goes on, or together with it."""

from __future__ import annotations

import contextvars
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

__all__ = ["beside", "shared"]

S = TypeVar("S")
T = TypeVar("T")

_at_work: set[threading.Thread] = set()


def beside(make: Callable[[], T]) -> Callable[[], T]:
    """Begins the work in a thread of its own; returns what waits for its end and returns, or raises, what came of it.

    >>> found = beside(lambda: 6 * 7)
    >>> found()
    42
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(make())
        except BaseException as error:
            errors.append(error)
        finally:
            _at_work.discard(thread)

    def wait() -> T:
        thread.join()
        if errors:
            raise errors[0]
        return results[0]

    thread = threading.Thread(target=work, name="thalweg beside")
    _at_work.add(thread)
    thread.start()
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


def _wait_for_all() -> None:
    for thread in list(_at_work):
        thread.join()


if hasattr(os, "register_at_fork"):  # a fork has none of the threads, and would wait for ever
    os.register_at_fork(before=_wait_for_all)

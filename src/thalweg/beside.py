"""Work that another thread does, while the one that asked for it goes on."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TypeVar

__all__ = ["beside"]

T = TypeVar("T")

_at_work: set[threading.Event] = set()


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

    _at_work.add(ended)
    try:
        threading.Thread(target=work, name="thalweg beside").start()
    except RuntimeError:  # the system has no more, or Python is about to end
        _at_work.discard(ended)
        found = make()
        return lambda: found
    return wait


def _wait_for_all() -> None:
    while _at_work:
        for ended in list(_at_work):
            ended.wait()


if hasattr(os, "register_at_fork"):  # a fork has none of the threads, and would wait for ever
    os.register_at_fork(before=_wait_for_all)

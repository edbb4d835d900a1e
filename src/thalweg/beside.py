"""Work that another thread does, while the one that asked for it goes on."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TypeVar

__all__ = ["beside"]

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


def _wait_for_all() -> None:
    for thread in list(_at_work):
        thread.join()


if hasattr(os, "register_at_fork"):  # a fork has none of the threads, and would wait for ever
    os.register_at_fork(before=_wait_for_all)

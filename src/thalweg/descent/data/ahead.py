"""Making things ahead: a thread works on the next while the present one is used."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from queue import SimpleQueue
from typing import Generic, TypeVar

__all__ = ["Ahead"]

T = TypeVar("T")


class Ahead(Generic[T]):
    """The items of an iterator, made by a thread. Used in a `with` statement, which ends the thread.

    slots: so many items exist at the same time: one that is used, the others made ahead. An item is used until the next is asked
    for. What the iterator raises is raised where its item is asked for.
    """

    def __init__(self, items: Iterator[T], slots: int) -> None:
        self._items = items
        self._room = threading.Semaphore(slots)
        self._made: SimpleQueue[tuple[bool, T | BaseException | None]] = SimpleQueue()
        self._is_first = True
        self._is_ended = False
        self._thread = threading.Thread(target=self._work, name="thalweg-reader", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            while True:
                self._room.acquire()
                if self._is_ended:
                    return
                self._made.put((True, next(self._items)))
        except StopIteration:
            self._made.put((False, None))
        except BaseException as error:  # it is raised again where the item is asked for
            self._made.put((False, error))
        finally:
            with suppress(AttributeError):  # not every iterator is a generator
                self._items.close()  # type: ignore[attr-defined]  # a generator's

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        if self._is_ended:
            raise StopIteration
        if not self._is_first:
            self._room.release()
        self._is_first = False
        is_item, found = self._made.get()
        if is_item:
            return found  # type: ignore[return-value]  # an item
        self._is_ended = True
        if isinstance(found, BaseException):
            raise found
        raise StopIteration

    def __enter__(self) -> Ahead[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the thread."""
        self._is_ended = True
        self._room.release()
        self._thread.join()

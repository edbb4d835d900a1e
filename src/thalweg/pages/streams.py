"""Server-sent events: what happens, told to every viewer as it happens, and to those who come late from the beginning."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Event", "Stream"]

_BETWEEN_SENDS = 1 / 60
_SIGN_OF_LIFE = 15.0


@dataclass(frozen=True)
class Event:
    """Something that a page is told. name: what the page listens for. data: plain values, without NaN."""

    name: str
    data: Any


Since = Callable[[int], tuple[Sequence[Event], int]]


class Stream:
    """Events for any number of viewers.

    since: (position) → (what happened after it, the new position). 0 stands for a viewer who knows nothing: a page that was
    opened or reloaded. It is called from the viewers' own threads, at most 60 times a second for each, so that a slow
    viewer holds up nobody, and misses nothing that `since` still tells. Who makes events only calls `wake`.
    """

    def __init__(self, since: Since) -> None:
        self._since = since
        self._changed = threading.Condition()
        self._version = 0
        self._is_closed = False
        self._viewers = 0
        self._served = 0

    @property
    def viewers(self) -> int:
        """How many are connected."""
        return self._viewers

    def wake(self) -> None:
        """There is something new."""
        with self._changed:
            self._version += 1
            self._changed.notify_all()

    def close(self) -> None:
        """There will be nothing new. Viewers get what they have not seen, and the event "end"."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def wait_until_served(self, first: float, others: float) -> bool:
        """After `close`: waits until somebody has seen everything, up to `first` seconds, and then for the others.

        Returns whether somebody has.
        """
        with self._changed:
            is_served = self._changed.wait_for(lambda: self._served > 0, first)
            if self._viewers:
                self._changed.wait_for(lambda: self._viewers == 0, others)
            return is_served

    def chunks(self, position: int) -> Iterator[bytes]:
        """The bytes for one viewer who knows everything up to a position."""
        with self._changed:
            self._viewers += 1
        try:
            yield b"retry: 1000\n\n"
            yield from self._told(position)
            with self._changed:
                self._served += 1
        finally:
            with self._changed:
                self._viewers -= 1
                self._changed.notify_all()

    def _told(self, position: int) -> Iterator[bytes]:
        while True:
            with self._changed:
                version, is_last = self._version, self._is_closed
            events, position = self._since(position)
            if events:
                yield b"".join(_encoded(event, position) for event in events)
            if is_last:
                yield _encoded(Event("end", {}), position)
                return
            time.sleep(_BETWEEN_SENDS)
            with self._changed:
                is_new = self._changed.wait_for(lambda v=version: self._is_closed or self._version != v, _SIGN_OF_LIFE)  # type: ignore[misc]
            if not is_new:
                yield b": still here\n\n"


def _encoded(event: Event, position: int) -> bytes:
    data = json.dumps(event.data, allow_nan=False, separators=(",", ":"))
    return f"id: {position}\nevent: {event.name}\ndata: {data}\n\n".encode()

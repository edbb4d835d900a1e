"""Which line of the user's code a node comes from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ..errors import SourceLine, user_line

__all__ = ["current_source", "derived_from"]

_derived_from: ContextVar[tuple[SourceLine | None] | None] = ContextVar("derived_from", default=None)


def current_source() -> SourceLine | None:
    """The line that new nodes belong to: the user's line, or the one they are derived from."""
    derived = _derived_from.get()
    return user_line() if derived is None else derived[0]


@contextmanager
def derived_from(source: SourceLine | None) -> Iterator[None]:
    """Nodes that a transformation makes within this context belong to the line of the node they derive from."""
    token = _derived_from.set((source,))
    try:
        yield
    finally:
        _derived_from.reset(token)

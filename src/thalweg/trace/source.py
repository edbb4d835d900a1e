"""Which line of the user's code a node comes from."""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextvars import ContextVar, Token

from ..errors import SourceLine, user_line

__all__ = ["at_line", "current_source", "derived_from"]

_derived_from: ContextVar[tuple[SourceLine | None] | None] = ContextVar("derived_from", default=None)


def current_source() -> SourceLine | None:
    """The line that new nodes belong to: the user's line, or the one they are derived from."""
    derived = _derived_from.get()
    return user_line() if derived is None else derived[0]


def at_line() -> str:
    """How the message of an error begins: with the user's line, where there is one."""
    line = current_source()
    return "" if line is None else f"{line}: "


def derived_from(source: SourceLine | None) -> AbstractContextManager[None]:
    """Nodes that a transformation makes within this context belong to the line of the node they derive from."""
    return _Derived(source)


class _Derived:
    """A class of its own enters and leaves faster than a generator, and transformations do so at each node."""

    __slots__ = ("_source", "_token")

    def __init__(self, source: SourceLine | None) -> None:
        self._source = source

    def __enter__(self) -> None:
        self._token: Token[tuple[SourceLine | None] | None] = _derived_from.set((self._source,))

    def __exit__(self, *_: object) -> None:
        _derived_from.reset(self._token)

"""How many threads share the work on a table in memory."""

from __future__ import annotations

from ..compile.processors import available_processors

__all__ = ["threads_for"]

_FEW = 1 << 19
"""Values that are gone through in less time than a thread takes to begin."""


def threads_for(values: int) -> int:
    """One for each processor, unless there are few values.

    >>> threads_for(1000)
    1
    """
    return available_processors() if values > _FEW else 1

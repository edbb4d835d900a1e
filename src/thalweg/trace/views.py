"""Which traced values are views of others, as in NumPy, and what becomes of them when something is assigned."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .rules import FUNCTIONS, begin_assigning
from .shadows import owner_of

if TYPE_CHECKING:
    from .traced import Traced

__all__ = ["CERTAIN_VIEWS", "REARRANGING", "VIEWS", "WRITING", "View", "array_of", "assignable", "is_basic"]

CERTAIN_VIEWS: frozenset[Callable[..., Any]] = frozenset(
    {
        *(np.transpose, np.permute_dims, np.swapaxes, np.moveaxis, np.rollaxis, np.expand_dims, np.squeeze, np.real),
        *(np.atleast_1d, np.atleast_2d, np.atleast_3d, np.broadcast_to, np.diagonal, np.flip, np.fliplr, np.flipud),
        *(np.rot90, np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit),
    }
)
"""NumPy's functions that return views of their first argument."""

VIEWS = CERTAIN_VIEWS | {np.reshape, np.ravel}
"""These return views where they can, which depends on how the argument lies in memory."""

REARRANGING = VIEWS | {np.copy, np.take, np.roll, np.repeat, np.tile}
"""NumPy's functions that only move the elements of their first argument."""

WRITING = frozenset({np.copyto, np.putmask, np.fill_diagonal, np.put, np.put_along_axis})
"""NumPy's functions that write into their first argument."""


class View(NamedTuple):
    """Where a value that is a view comes from. base: the value it is a view of. functions: what was applied to that, one after the other.
    is_certain: it is a view however the base lies in memory; else it may turn out to be a copy.
    """

    base: Traced
    functions: tuple[Callable[[Any], Any], ...]
    is_certain: bool


def array_of(x: Traced) -> Any:
    """The array that a value has become, or is a view of, since something was assigned to it; None if nothing was."""
    origin = x.origin
    if type(origin) is not View:
        return origin
    found = owner = array_of(origin.base)
    if owner is None:
        return None
    for function in origin.functions:
        found = function(found)
    is_view = isinstance(found, np.ndarray) and owner_of(found) is owner_of(owner)
    x.origin = found if is_view else None  # NumPy makes copies where views are impossible
    return x.origin


def assignable(x: Traced) -> Any:
    """The array that a value, and what it is a view of, becomes by an assignment."""
    found = array_of(x)
    if found is None and x.origin is not None:
        assignable(x.origin.base)
        found = array_of(x)
    if found is None:
        x.origin = found = FUNCTIONS[begin_assigning](x)
    return found


def is_basic(index: Any) -> bool:
    """Whether x[index] is a view of x: an index of integers, slices, `...` and new axes."""
    items = index if isinstance(index, tuple) else (index,)
    return all(item is None or item is Ellipsis or isinstance(item, slice | int | np.integer) for item in items)

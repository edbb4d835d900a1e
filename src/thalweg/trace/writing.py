"""NumPy's functions that write into an array: made of assignments."""

from __future__ import annotations

from typing import Any

import numpy

from ..errors import TracingError
from ..ops.indexing import scatter_add
from .reductions import implements
from .rules import UFUNCS
from .source import at_line
from .traced import as_traced
from .ufuncs import cast

np: Any = numpy
"""NumPy, whose type stubs do not know that its functions accept traced values."""

__all__: list[str] = []


@implements(np.copyto)
def _copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    dst[...] = src if where is True else np.where(where, src, as_traced(dst))


@implements(np.putmask)
def _putmask(a: Any, mask: Any, values: Any) -> None:
    values = as_traced(values)
    if values.size not in (1, a.size):
        values = np.take(values.reshape(-1), np.arange(a.size) % values.size)
    a[...] = np.where(mask, values.reshape(()) if values.size == 1 else values.reshape(a.shape), as_traced(a))


@implements(np.fill_diagonal)
def _fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    if wrap:
        raise TracingError(f"{at_line()}np.fill_diagonal is traced without wrap=True")
    count = min(a.shape)
    a[(np.arange(count),) * a.ndim] = val


@implements(np.put)
def _put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    places = np.take(np.arange(a.size), np.ravel(ind), mode=mode)
    values = as_traced(v).reshape(-1)
    if values.size not in (1, len(places)):
        values = values[np.arange(len(places)) % values.size]
    a[np.unravel_index(places, a.shape)] = values


@implements(np.put_along_axis)
def _put_along_axis(arr: Any, indices: Any, values: Any, axis: int) -> None:
    grid: list[Any] = list(np.indices(np.shape(indices), sparse=True))
    grid[axis] = indices
    arr[tuple(grid)] = values


def _add_at(a: Any, indices: Any, b: Any) -> None:
    """Adds all that comes to an element, also where an index stands several times."""
    places = np.arange(a.size).reshape(a.shape)[indices]
    added = cast(np.broadcast_to(as_traced(b), places.shape), a.dtype).reshape(-1)
    total = added.apply(scatter_add, places.reshape(-1), axis=0, extent=a.size)
    a[...] = as_traced(a) + total.reshape(a.shape)


def _subtract_at(a: Any, indices: Any, b: Any) -> None:
    _add_at(a, indices, -as_traced(b))


UFUNCS["add.at"] = _add_at
UFUNCS["subtract.at"] = _subtract_at

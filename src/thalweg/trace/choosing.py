"""NumPy's functions that choose elements: diagonals, triangles, by index, by condition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from ..ops.indexing import take as take_primitive
from .indexing import counted_from_start, getitem
from .reductions import implements, normalise_axis
from .structure import placed
from .traced import Traced, as_traced

np: Any = numpy
"""NumPy, whose type stubs do not know that its functions accept traced values."""


# Diagonals and triangles
@implements(np.diagonal)
def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Traced:
    x = np.moveaxis(as_traced(a), (axis1, axis2), (-2, -1))
    rows, columns = x.shape[-2:]
    first_row, first_column = max(-offset, 0), max(offset, 0)
    length = max(min(rows - first_row, columns - first_column), 0)
    merged = x.reshape((*x.shape[:-2], rows * columns))
    start = first_row * columns + first_column
    stop = start + (length - 1) * (columns + 1) + 1
    return getitem(merged, (..., slice(start, stop, columns + 1) if length else slice(0, 0)))


@implements(np.diag)
def _diag(v: Any, k: int = 0) -> Traced:
    x = as_traced(v)
    if x.ndim == 2:
        return _diagonal(x, k)
    size = x.size + abs(k)
    start = k if k >= 0 else -k * size
    flat = placed([x], [(start,)], [(size + 1,)], (size * size,))
    return flat.reshape((size, size))


@implements(np.trace)
def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Traced:
    return np.sum(_diagonal(a, offset, axis1, axis2), axis=-1)


@implements(np.tril)
def _tril(m: Any, k: int = 0) -> Traced:
    x = as_traced(m)
    return np.where(np.tri(*x.shape[-2:], k=k, dtype=bool), x, 0)


@implements(np.triu)
def _triu(m: Any, k: int = 0) -> Traced:
    x = as_traced(m)
    return np.where(np.tri(*x.shape[-2:], k=k - 1, dtype=bool), 0, x)


# Choosing
@implements(np.take)
def _take(a: Any, indices: Any, axis: int | None = None, mode: str = "raise") -> Traced:
    x = as_traced(a)
    if axis is None:
        x, axis = x.reshape(-1), 0
    axis = normalise_axis(axis, x.ndim)
    index = indices if isinstance(indices, Traced) else np.asarray(indices)
    return getitem(x, (slice(None),) * axis + (index,))


@implements(np.take_along_axis)
def _take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Traced:
    x = as_traced(arr)
    if axis is None:
        x, axis = x.reshape(-1), 0
    axis = normalise_axis(axis, x.ndim)
    normal = as_traced(counted_from_start(indices, x.shape[axis], x.shape))
    shape = tuple(max(a, b) if i != axis else 0 for i, (a, b) in enumerate(zip(x.shape, normal.shape, strict=True)))
    x = np.broadcast_to(x, tuple(x.shape[i] if i == axis else n for i, n in enumerate(shape)))
    wide = np.broadcast_to(normal, tuple(normal.shape[i] if i == axis else n for i, n in enumerate(shape)))
    return x.apply(take_primitive, wide, axis=axis)


@implements(np.select)
def _select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Traced:
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = np.where(condition, choice, result)
    return result

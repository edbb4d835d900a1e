"""NumPy's functions that create arrays: grids of given vectors, and arrays of a traced one's shape."""

from __future__ import annotations

import math
from typing import Any

import numpy

from .reductions import implements
from .traced import as_traced
from .ufuncs import cast

np: Any = numpy
"""NumPy, whose type stubs do not know that its functions accept traced values."""


@implements(np.meshgrid)
def _meshgrid(*xi: Any, indexing: str = "xy", copy: bool = True, sparse: bool = False) -> list[Any]:
    vectors = [as_traced(x).reshape(-1) for x in xi]
    order = list(range(len(vectors)))
    if indexing == "xy" and len(vectors) > 1:
        order[0], order[1] = 1, 0
    shape = [0] * len(vectors)
    for vector, axis in zip(vectors, order, strict=True):
        shape[axis] = vector.size
    grids = [
        v.reshape(tuple(v.size if i == axis else 1 for i in range(len(shape))))
        for v, axis in zip(vectors, order, strict=True)
    ]
    return grids if sparse else [np.broadcast_to(grid, tuple(shape)) for grid in grids]


def _filled(a: Any, value: Any, dtype: Any, shape: Any) -> Any:
    kind = np.dtype(a.dtype if dtype is None else dtype)
    return np.full(a.shape if shape is None else shape, value if kind.kind == "f" or value == value else 0, kind)


@implements(np.zeros_like)
def _zeros_like(a: Any, dtype: Any = None, shape: Any = None, **_: Any) -> Any:
    return _filled(a, 0, dtype, shape)


@implements(np.ones_like)
def _ones_like(a: Any, dtype: Any = None, shape: Any = None, **_: Any) -> Any:
    return _filled(a, 1, dtype, shape)


@implements(np.empty_like)
def _empty_like(prototype: Any, dtype: Any = None, shape: Any = None, **_: Any) -> Any:
    return _filled(prototype, math.nan, dtype, shape)


@implements(np.full_like)
def _full_like(a: Any, fill_value: Any, dtype: Any = None, shape: Any = None, **_: Any) -> Any:
    like = as_traced(a)
    value = cast(as_traced(fill_value), like.dtype if dtype is None else np.dtype(dtype))
    return np.broadcast_to(value, like.shape if shape is None else shape)

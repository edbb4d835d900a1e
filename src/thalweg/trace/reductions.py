"""How NumPy's reductions are traced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from ..graph import Primitive, Shape
from ..ops.reduction import maximum_reduce, minimum_reduce, sum_
from .rules import FUNCTIONS, UFUNCS
from .traced import Traced, as_traced
from .ufuncs import FLOAT64, cast

np: Any = numpy
"""NumPy, whose type stubs do not know that its functions accept traced values."""

__all__ = ["as_floating", "count", "implements", "normalise_axes", "normalise_axis", "reduced"]


def implements(*functions: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enters a function into the table as the way the given NumPy functions are traced."""

    def enter(traced: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            FUNCTIONS[function] = traced
        return traced

    return enter


def normalise_axes(axis: Any, ndim: int) -> Shape:
    """The axes as a sorted tuple of numbers from 0."""
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, tuple | list) else (axis,)
    return tuple(sorted(np.lib.array_utils.normalize_axis_tuple(axes, ndim)))


def normalise_axis(axis: int, ndim: int) -> int:
    """The axis as a number from 0."""
    return int(np.lib.array_utils.normalize_axis_tuple(axis, ndim)[0])


def reduced(x: Traced, primitive: Primitive, axis: Any, keepdims: bool) -> Traced:
    """x with some axes reduced by a primitive."""
    axes = normalise_axes(axis, x.ndim)
    result = x.apply(primitive, axes=axes) if axes else x
    if not keepdims:
        return result
    return result.reshape(tuple(1 if i in axes else extent for i, extent in enumerate(x.shape)))


@implements(np.sum)
def _sum(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Traced:
    x = as_traced(a)
    x = x.astype(dtype) if dtype is not None else cast(x, np.dtype(np.int64)) if x.dtype.kind == "b" else x
    return reduced(x, sum_, axis, keepdims)


@implements(np.max, np.amax)
def _max(a: Any, axis: Any = None, keepdims: bool = False) -> Traced:
    return reduced(as_traced(a), maximum_reduce, axis, keepdims)


@implements(np.min, np.amin)
def _min(a: Any, axis: Any = None, keepdims: bool = False) -> Traced:
    return reduced(as_traced(a), minimum_reduce, axis, keepdims)


def count(x: Traced, axis: Any) -> int:
    """How many elements are reduced into one."""
    return int(np.prod([x.shape[i] for i in normalise_axes(axis, x.ndim)], dtype=int))


def as_floating(x: Traced) -> Traced:
    """x, as float64 if it holds integers or booleans."""
    return x if x.dtype.kind == "f" else cast(x, FLOAT64)


@implements(np.mean)
def _mean(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Traced:
    x = as_floating(as_traced(a))
    x = x if dtype is None else x.astype(dtype)
    return reduced(x, sum_, axis, keepdims) / count(x, axis)


UFUNCS["add.reduce"] = lambda a, axis=0, dtype=None, keepdims=False, **_: _sum(a, axis, dtype, keepdims)
UFUNCS["maximum.reduce"] = lambda a, axis=0, keepdims=False, **_: _max(a, axis, keepdims)
UFUNCS["minimum.reduce"] = lambda a, axis=0, keepdims=False, **_: _min(a, axis, keepdims)

"""NumPy's functions that put values in order, or find the largest. Derivatives go through the order: each sorted value is one of the elements.

Where elements are equal, the order that they had decides which of them it is: one of the subgradients.
"""

from __future__ import annotations

import math
from typing import Any

import numpy

from ..errors import ArgumentError, TracingError
from ..ops.indexing import argsort
from ..ops.indexing import take as take_primitive
from .reductions import as_floating, implements, normalise_axes, normalise_axis
from .source import at_line
from .traced import Traced, as_traced

np: Any = numpy
"""NumPy, whose type stubs do not know that its functions accept traced values."""

__all__: list[str] = []


def _with_last(a: Any, axis: int | None) -> tuple[Traced, int]:
    """The values with an axis moved to the end, and where it was; flat for None."""
    x = as_traced(a)
    if axis is None:
        return x.reshape(-1), 0
    axis = normalise_axis(axis, x.ndim)
    return np.moveaxis(x, axis, -1), axis


def _sorted(x: Traced) -> Traced:
    return x.apply(take_primitive, x.apply(argsort), axis=x.ndim - 1)


@implements(np.argsort)
def _argsort(a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Traced:
    x, axis = _with_last(a, axis)
    return np.moveaxis(x.apply(argsort), -1, axis)


@implements(np.sort)
def _sort(a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Traced:
    x, axis = _with_last(a, axis)
    return np.moveaxis(_sorted(x), -1, axis)


def _first(x: Traced, extremum: Any, axis: int | None, keepdims: bool) -> Traced:
    """The first position of the extremum, or of NaN."""
    last, axis = _with_last(x, axis)
    is_there = np.equal(last, extremum(last, axis=-1, keepdims=True)) | np.isnan(last)
    count = last.shape[-1]
    found = np.min(np.where(is_there, np.arange(count), count - 1), axis=-1)
    return np.expand_dims(found, axis) if keepdims else found


@implements(np.argmax)
def _argmax(a: Any, axis: int | None = None, out: Any = None, *, keepdims: bool = False) -> Traced:
    return _first(as_traced(a), np.max, axis, keepdims)


@implements(np.argmin)
def _argmin(a: Any, axis: int | None = None, out: Any = None, *, keepdims: bool = False) -> Traced:
    return _first(as_traced(a), np.min, axis, keepdims)


@implements(np.partition)
def _partition(a: Any, kth: Any, axis: int | None = -1, kind: Any = None, order: Any = None) -> Traced:
    return _sort(a, axis)


@implements(np.argpartition)
def _argpartition(a: Any, kth: Any, axis: int | None = -1, kind: Any = None, order: Any = None) -> Traced:
    return _argsort(a, axis)


def _merged(a: Any, axis: Any) -> tuple[Traced, tuple[int, ...], tuple[int, ...]]:
    """Floating-point values with the given axes as one at the end; the shape of the others, without those axes and with ones for them."""
    x = as_floating(as_traced(a))
    axes = normalise_axes(axis, x.ndim)
    others = tuple(i for i in range(x.ndim) if i not in axes)
    rest = tuple(x.shape[i] for i in others)
    count = math.prod(x.shape[i] for i in axes)
    if not count:
        raise TracingError(f"{at_line()}an order statistic (median, quantile, percentile) of no elements")
    kept = tuple(1 if i in axes else extent for i, extent in enumerate(x.shape))
    return np.transpose(x, (*others, *axes)).reshape((*rest, count)), rest, kept


def _at(x: Traced, positions: list[int]) -> list[Traced]:
    """The elements at some places of the order along the last axis; all NaN where there is one among the elements."""
    order = x.apply(argsort)
    chosen = order[..., np.array([*positions, x.shape[-1] - 1])]
    values = x.apply(take_primitive, chosen, axis=x.ndim - 1)
    last = values[..., -1]
    return [np.where(np.isnan(last), last, values[..., i]) for i in range(len(positions))]


_METHODS = ("linear", "lower", "higher", "nearest", "midpoint")


@implements(np.quantile)
def _quantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Traced:
    if isinstance(q, Traced):
        raise TracingError(f"{at_line()}np.quantile is traced for q that is known, not for a traced one")
    if method not in _METHODS:
        raise TracingError(f"{at_line()}np.quantile is traced with method= one of {', '.join(_METHODS)}")
    if weights is not None:
        raise TracingError(f"{at_line()}np.quantile is traced without weights=")
    x, rest, kept = _merged(a, axis)
    x = x if isinstance(q, int | float) else x.astype(np.float64)  # as NumPy: an array of q is of float64
    wanted = np.asarray(q, np.float64)
    if not ((wanted >= 0) & (wanted <= 1)).all():
        raise ArgumentError(f"{at_line()}quantiles lie between 0 and 1, percentiles between 0 and 100")
    places = wanted.reshape(-1) * (x.shape[-1] - 1)
    below, above = np.floor(places).astype(int).tolist(), np.ceil(places).astype(int).tolist()
    if method == "lower":
        values = _at(x, below)
    elif method == "higher":
        values = _at(x, above)
    elif method == "nearest":
        values = _at(x, np.rint(places).astype(int).tolist())
    else:
        pairs = _at(x, [*below, *above])
        shares = (places - np.floor(places)).tolist() if method == "linear" else [0.5] * len(below)
        values = [_between(*ends) for ends in zip(pairs[: len(below)], pairs[len(below) :], shares, strict=True)]
    shape = kept if keepdims else rest
    return np.stack(values).reshape((*wanted.shape, *shape))


def _between(low: Traced, high: Traced, share: float) -> Traced:
    """From one to the other, exact at both ends."""
    if share == 0.0:
        return low
    return low + (high - low) * share if share < 0.5 else high - (high - low) * (1 - share)


@implements(np.percentile)
def _percentile(a: Any, q: Any, *args: Any, **kwargs: Any) -> Traced:
    shares = q / 100 if isinstance(q, Traced | int | float) else np.true_divide(q, 100)
    return _quantile(a, shares, *args, **kwargs)


@implements(np.median)
def _median(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False) -> Traced:
    x, rest, kept = _merged(a, axis)
    count = x.shape[-1]
    low, high = _at(x, [(count - 1) // 2, count // 2])
    middle = low if count % 2 else (low + high) / 2
    return middle.reshape(kept if keepdims else rest)


@implements(np.nanmedian)
def _nanmedian(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False
) -> Traced:
    x, rest, kept = _merged(a, axis)
    count = np.sum(~np.isnan(x), axis=-1, keepdims=True)
    order = x.apply(argsort)
    ends = np.concatenate([(count - 1) // 2, count // 2], axis=-1)
    places = order.apply(take_primitive, np.maximum(ends, 0), axis=x.ndim - 1)
    values = x.apply(take_primitive, places, axis=x.ndim - 1)
    return (np.sum(values, axis=-1) / 2).reshape(kept if keepdims else rest)

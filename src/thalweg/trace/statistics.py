"""Reductions that are composed of others: products, variances, norms, running sums."""

from __future__ import annotations

from typing import Any

import numpy

from ..errors import TracingError
from ..graph import Shape
from ..ops.reduction import cumulative_sum, logsumexp, norm
from .reductions import as_floating, count, implements, normalise_axes, reduced
from .rules import UFUNCS
from .source import at_line
from .traced import Traced, as_traced
from .ufuncs import cast

np: Any = numpy
"""NumPy, whose type stubs do not know that its functions accept traced values."""


@implements(np.prod)
def _prod(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Traced:
    """As a tree of products, whose derivative is right where elements are zero."""
    x = as_traced(a)
    x = x if dtype is None else x.astype(dtype)
    axes = normalise_axes(axis, x.ndim)
    kept = tuple(1 if i in axes else extent for i, extent in enumerate(x.shape))
    others = tuple(i for i in range(x.ndim) if i not in axes)
    flat = np.transpose(x, (*axes, *others)).reshape((-1, *(x.shape[i] for i in others)))
    while flat.shape[0] > 1:
        half = flat.shape[0] // 2
        halves = flat[:half] * flat[half : 2 * half]
        flat = np.concatenate([halves, flat[2 * half :]]) if flat.shape[0] % 2 else halves
    result = flat.reshape(flat.shape[1:]) if flat.shape[0] else as_traced(np.ones(flat.shape[1:], x.dtype))
    return result.reshape(kept) if keepdims else result


@implements(np.var)
def _var(
    a: Any, axis: Any = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False, correction: Any = None
) -> Traced:
    x = as_floating(as_traced(a))
    deviation = x - np.mean(x, axis=axis, keepdims=True)
    freedom = count(x, axis) - (ddof if correction is None else correction)
    return np.sum(deviation * deviation, axis=axis, keepdims=keepdims) / freedom


@implements(np.std)
def _std(a: Any, axis: Any = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False) -> Traced:
    return np.sqrt(_var(a, axis, dtype, ddof, keepdims))


@implements(np.average)
def _average(a: Any, axis: Any = None, weights: Any = None, keepdims: bool = False) -> Traced:
    if weights is None:
        return np.mean(a, axis=axis, keepdims=keepdims)
    x, w = as_traced(a), as_traced(weights)
    if w.shape != x.shape:
        axes = normalise_axes(axis, x.ndim)
        w = w.reshape(tuple(x.shape[i] if i in axes else 1 for i in range(x.ndim)))
    total = np.sum(np.broadcast_to(w, x.shape), axis=axis, keepdims=keepdims)
    return np.sum(x * w, axis=axis, keepdims=keepdims) / total


@implements(np.ptp)
def _ptp(a: Any, axis: Any = None, keepdims: bool = False) -> Traced:
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


@implements(np.cumsum)
def _cumsum(a: Any, axis: int | None = None, dtype: Any = None) -> Traced:
    x = as_traced(a)
    x = cast(x, np.dtype(np.int64)) if x.dtype.kind == "b" else x
    if axis is None:
        x, axis = x.reshape(-1), 0
    (axis,) = np.lib.array_utils.normalize_axis_tuple(axis, x.ndim)
    return x.apply(cumulative_sum, axis=axis, is_reversed=False)


@implements(np.cumprod)
def _cumprod(a: Any, axis: int | None = None, dtype: Any = None) -> Traced:
    """Doubling: after k rounds every element is the product of the 2^k elements up to it."""
    x = as_traced(a)
    if axis is None:
        x, axis = x.reshape(-1), 0
    x = np.moveaxis(x, axis, 0)
    shift = 1
    while shift < x.shape[0]:
        x = np.concatenate([x[:shift], x[shift:] * x[:-shift]])
        shift *= 2
    return np.moveaxis(x, 0, axis)


@implements(np.any)
def _any(a: Any, axis: Any = None, keepdims: bool = False) -> Traced:
    truth = np.not_equal(a, 0).astype(np.int64)
    return np.max(truth, axis=axis, keepdims=keepdims) > 0


@implements(np.all)
def _all(a: Any, axis: Any = None, keepdims: bool = False) -> Traced:
    truth = np.not_equal(a, 0).astype(np.int64)
    return np.min(truth, axis=axis, keepdims=keepdims) > 0


@implements(np.count_nonzero)
def _count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Traced:
    return np.sum(np.not_equal(a, 0), axis=axis, keepdims=keepdims)


@implements(np.nansum)
def _nansum(a: Any, axis: Any = None, keepdims: bool = False) -> Traced:
    return np.sum(np.where(np.isnan(a), 0, a), axis=axis, keepdims=keepdims)


@implements(np.nanmean)
def _nanmean(a: Any, axis: Any = None, keepdims: bool = False) -> Traced:
    total = np.nansum(a, axis=axis, keepdims=keepdims)
    return total / np.sum(~np.isnan(a), axis=axis, keepdims=keepdims).astype(total.dtype)


@implements(np.diff)
def _diff(a: Any, n: int = 1, axis: int = -1) -> Traced:
    x = np.moveaxis(as_traced(a), axis, 0)
    for _ in range(n):
        x = x[1:] - x[:-1]
    return np.moveaxis(x, 0, axis)


@implements(np.linalg.norm)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Traced:
    x = as_floating(as_traced(x))
    axes: Shape = normalise_axes(axis, x.ndim)
    if len(axes) == 1 or (ord is None or ord == "fro"):
        return _vector_norm(x, 2 if ord in (None, "fro") else ord, axes, keepdims)
    row, column = axes[-2:]
    size = np.absolute(x)
    if ord in (1, -1, np.inf, -np.inf):
        inner, outer = (row, column) if abs(ord) == 1 else (column, row)
        pick = np.max if ord > 0 else np.min
        summed = np.sum(size, axis=inner, keepdims=True)
        result = pick(summed, axis=outer, keepdims=True)
        return result if keepdims else np.squeeze(result, axis=axes)
    raise TracingError(
        f"{at_line()}np.linalg.norm(ord={ord!r}) of a matrix needs its singular values, which are not traced. "
        "Use ord='fro', 1 or np.inf."
    )


def _vector_norm(x: Traced, ord: Any, axes: Shape, keepdims: bool) -> Traced:
    if ord == 2:
        return reduced(x, norm, axes, keepdims)
    size = np.absolute(x)
    if ord == np.inf:
        return np.max(size, axis=axes, keepdims=keepdims)
    if ord == -np.inf:
        return np.min(size, axis=axes, keepdims=keepdims)
    if ord == 0:
        return np.sum(np.not_equal(x, 0).astype(x.dtype), axis=axes, keepdims=keepdims)
    if ord == 1:
        return np.sum(size, axis=axes, keepdims=keepdims)
    return np.sum(size**ord, axis=axes, keepdims=keepdims) ** (1 / ord)


def traced_logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False) -> Traced:
    """log(sum(b · exp(a))), as scipy.special.logsumexp."""
    x = as_floating(as_traced(a))
    if b is None:
        return reduced(x, logsumexp, axis, keepdims)
    factor = np.broadcast_to(b, np.broadcast_shapes(x.shape, np.shape(b)))
    x = np.broadcast_to(x, factor.shape)
    largest = reduced(x, logsumexp, axis, True)
    total = np.log(np.sum(factor * np.exp(x - largest), axis=axis, keepdims=True)) + largest
    if keepdims:
        return total
    return np.squeeze(total, axis=normalise_axes(axis, x.ndim))


def traced_log_softmax(x: Any, axis: Any = None) -> Traced:
    """log(exp(x) / sum(exp(x))), as scipy.special.log_softmax."""
    value = as_floating(as_traced(x))
    return value - traced_logsumexp(value, axis, keepdims=True)


def traced_softmax(x: Any, axis: Any = None) -> Traced:
    """exp(x) / sum(exp(x)), as scipy.special.softmax."""
    return np.exp(traced_log_softmax(x, axis))


UFUNCS["multiply.reduce"] = lambda a, axis=0, dtype=None, keepdims=False, **_: _prod(a, axis, dtype, keepdims)
UFUNCS["add.accumulate"] = lambda a, axis=0, dtype=None, **_: _cumsum(a, axis)
UFUNCS["multiply.accumulate"] = lambda a, axis=0, dtype=None, **_: _cumprod(a, axis)
UFUNCS["logaddexp.reduce"] = lambda a, axis=0, keepdims=False, **_: traced_logsumexp(a, axis, keepdims=keepdims)
UFUNCS["logical_and.reduce"] = lambda a, axis=0, keepdims=False, **_: _all(a, axis, keepdims)
UFUNCS["logical_or.reduce"] = lambda a, axis=0, keepdims=False, **_: _any(a, axis, keepdims)


def _outer(name: str) -> Any:
    def outer(a: Any, b: Any, **_: Any) -> Any:
        left, right = as_traced(a), as_traced(b)
        return UFUNCS[name](left.reshape((*left.shape, *(1 for _ in right.shape))), right)

    return outer


for _name in ("add", "subtract", "multiply", "divide", "maximum", "minimum", "power", "hypot", "logaddexp"):
    UFUNCS[f"{_name}.outer"] = _outer(_name)

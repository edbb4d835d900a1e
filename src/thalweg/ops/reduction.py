"""Reductions and scans. The reduced axes vanish; tracing puts them back where NumPy's keepdims asks for it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph import Array, ArrayType, Primitive, Shape
from .declare import apply, linear, primitive, shifted
from .elementwise import detach


def _infer_reduction(x: ArrayType, axes: Shape) -> ArrayType:
    return ArrayType(tuple(extent for axis, extent in enumerate(x.shape) if axis not in axes), x.dtype)


def spread(y: Any, x: Any, axes: Shape) -> Any:
    """A reduced value, broadcast back to the shape of `x`."""
    kept = tuple(1 if axis in axes else extent for axis, extent in enumerate(x.shape))
    return np.broadcast_to(y.reshape(kept), x.shape)


sum_: Primitive = linear(
    "sum",
    _infer_reduction,
    lambda x, axes: np.sum(x, axis=axes, dtype=x.dtype),
    lambda adjoint, y, x, axes: spread(adjoint, x, axes),
    lambda x, axes: apply(sum_, x, axes=shifted(axes)),
)


# maximum and minimum: where several elements are equal, each gets an equal share
def _share_of_extremum(y: Any, x: Any, axes: Shape) -> Any:
    is_extremum = (x == spread(y, x, axes)).astype(x.dtype)
    return is_extremum / spread(np.sum(is_extremum, axis=axes), x, axes)


def _jvp_extremum(tangents: tuple[Any, ...], y: Any, x: Any, axes: Shape) -> Any:
    return np.sum(tangents[0] * _share_of_extremum(y, x, axes), axis=axes)


def _vjp_extremum(adjoint: Any, y: Any, x: Any, axes: Shape) -> Any:
    return spread(adjoint, x, axes) * _share_of_extremum(y, x, axes)


def _extremum(name: str, evaluate: Any) -> Primitive:
    def batch(is_batched: tuple[bool, ...], x: Any, axes: Shape) -> Any:
        return apply(declared, x, axes=shifted(axes))

    declared = Primitive(
        name,
        _infer_reduction,
        lambda x, axes: evaluate(x, axis=axes),
        _jvp_extremum,
        (_vjp_extremum,),
        batch,
    )
    return primitive(declared)


maximum_reduce = _extremum("maximum_reduce", np.max)
minimum_reduce = _extremum("minimum_reduce", np.min)


# cumulative sum along one axis, forwards or backwards
def _cumulate(x: Array, axis: int, is_reversed: bool) -> Array:
    if is_reversed:
        return np.flip(np.cumsum(np.flip(x, axis), axis, dtype=x.dtype), axis)
    return np.cumsum(x, axis, dtype=x.dtype)


cumulative_sum: Primitive = linear(
    "cumulative_sum",
    lambda x, axis, is_reversed: x,
    _cumulate,
    lambda adjoint, y, x, axis, is_reversed: apply(cumulative_sum, adjoint, axis=axis, is_reversed=not is_reversed),
    lambda x, axis, is_reversed: apply(cumulative_sum, x, axis=axis + 1, is_reversed=is_reversed),
)


# Composites: stable whatever the size of their operands, with finite derivatives
def _composite(name: str, evaluate: Any, slope: Any, expansion: Any) -> Primitive:
    """A reduction with ∂y/∂x = slope(y spread to x, x), expanded only when it is compiled."""

    def jvp(tangents: tuple[Any, ...], y: Any, x: Any, axes: Shape) -> Any:
        return np.sum(tangents[0] * slope(spread(y, x, axes), x), axis=axes)

    def vjp(adjoint: Any, y: Any, x: Any, axes: Shape) -> Any:
        return spread(adjoint, x, axes) * slope(spread(y, x, axes), x)

    def batch(is_batched: tuple[bool, ...], x: Any, axes: Shape) -> Any:
        return apply(declared, x, axes=shifted(axes))

    declared = Primitive(name, _infer_reduction, evaluate, jvp, (vjp,), batch, expansion)
    return primitive(declared)


def _largest_finite(x: Any, axes: Shape) -> Any:
    """The maximum as a constant of differentiation, 0 where it is infinite."""
    largest = apply(maximum_reduce, x, axes=axes)
    return apply(detach, np.where(np.isfinite(largest), largest, 0))


def _expand_logsumexp(x: Any, axes: Shape) -> Any:
    largest = _largest_finite(x, axes)
    return largest + np.log(np.sum(np.exp(x - spread(largest, x, axes)), axis=axes))


def _evaluate_logsumexp(x: Array, axes: Shape) -> Array:
    largest = np.max(x, axis=axes, keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0)
    total = np.log(np.sum(np.exp(x - largest), axis=axes))
    return np.asarray(total + np.squeeze(largest, axis=axes))


logsumexp = _composite(
    "logsumexp",
    _evaluate_logsumexp,
    lambda y, x: np.where(np.isfinite(y), np.exp(x - np.where(np.isfinite(y), y, 0)), 0),
    _expand_logsumexp,
)
"""log(sum(exp(x)))."""


def _expand_norm(x: Any, axes: Shape) -> Any:
    largest = _largest_finite(np.absolute(x), axes)
    scale = np.where(largest == 0, 1, largest)
    scaled = x / spread(scale, x, axes)
    return scale * np.sqrt(np.sum(scaled * scaled, axis=axes))


def _evaluate_norm(x: Array, axes: Shape) -> Array:
    largest = np.max(np.abs(x), axis=axes, keepdims=True)
    scale = np.where((largest == 0) | ~np.isfinite(largest), 1, largest)
    scaled = x / scale
    return np.asarray(np.squeeze(scale, axis=axes) * np.sqrt(np.sum(scaled * scaled, axis=axes)))


norm = _composite(
    "norm",
    _evaluate_norm,
    lambda y, x: np.where(y == 0, 0, x / np.where(y == 0, 1, y)),
    _expand_norm,
)
"""sqrt(sum(x**2)), the Euclidean norm; its slope at 0 is taken as 0."""

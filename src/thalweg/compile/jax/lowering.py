"""One lowering for each primitive: traced JAX values in, a traced JAX value out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ...graph import Node, Shape

__all__ = ["LOWERINGS", "lower"]

Value = Any
"""A traced JAX array."""

Lowering = Callable[..., Value]


# Elementwise
def _expit(x: Value) -> Value:
    return 1 / (1 + jnp.exp(-x))


def _softplus(x: Value) -> Value:
    return jnp.maximum(x, 0) + jnp.log1p(jnp.exp(-jnp.absolute(x)))


def _polygamma(x: Value, order: int) -> Value:
    return lax.digamma(x) if order == 0 else jax.scipy.special.polygamma(order, x)


def _convert(x: Value, dtype: Any) -> Value:
    return x.astype(dtype)


# Reductions
def _sum(x: Value, axes: Shape) -> Value:
    return jnp.any(x, axis=axes) if x.dtype == np.bool_ else jnp.sum(x, axis=axes, dtype=x.dtype)


def _cumulative_sum(x: Value, axis: int, is_reversed: bool) -> Value:
    return lax.cumsum(x, axis, reverse=is_reversed)


# Structure
def _slice(x: Value, window: Any, shape: Shape) -> Value:
    """A window whose strides may be negative: those axes are read forwards, then turned round."""
    starts, limits, strides, turned = [], [], [], []
    for axis, (size, start, stride) in enumerate(zip(shape, *window, strict=True)):
        last = start + (size - 1) * stride
        if stride < 0:
            turned.append(axis)
            start, last = last, start
        starts.append(start if size else 0)
        limits.append(last + 1 if size else 0)
        strides.append(abs(stride))
    found = lax.slice(x, starts, limits, strides)
    return lax.rev(found, turned) if turned else found


_MOST_PADDED = 4
"""More pieces than these are written one after the other into zeros."""


def _place(*pieces: Value, windows: Any, shape: Shape) -> Value:
    joined = _joined(pieces, windows, shape)
    if joined is not None:
        return joined
    if len(pieces) <= _MOST_PADDED:
        return reduce(lax.add, (_padded(x, window, shape) for x, window in zip(pieces, windows, strict=True)))
    result = jnp.zeros(shape, pieces[0].dtype)
    for piece, (starts, strides) in zip(pieces, windows, strict=True):
        grid = np.ix_(
            *(start + stride * np.arange(n) for start, stride, n in zip(starts, strides, piece.shape, strict=True))
        )
        result = result.at[grid].add(piece, unique_indices=True)
    return result


def _joined(pieces: Sequence[Value], windows: Any, shape: Shape) -> Value | None:
    """Pieces that lie one after the other along one axis and fill the result; None if they do not."""
    if any(stride != 1 for _, strides in windows for stride in strides):
        return None
    split = [axis for axis, extent in enumerate(shape) if any(x.shape[axis] != extent for x in pieces)]
    if len(split) != 1:
        return pieces[0] if not split and len(pieces) == 1 else None
    (axis,) = split
    order = sorted(range(len(pieces)), key=lambda number: windows[number][0][axis])
    end = 0
    for number in order:
        if windows[number][0][axis] != end:
            return None
        end += pieces[number].shape[axis]
    return lax.concatenate([pieces[number] for number in order], axis) if end == shape[axis] else None


def _padded(x: Value, window: Any, shape: Shape) -> Value:
    """One piece among zeros."""
    if x.size == 0:
        return jnp.zeros(shape, x.dtype)
    turned, config = [], []
    for axis, (extent, start, stride) in enumerate(zip(shape, *window, strict=True)):
        size = x.shape[axis]
        first = start
        if stride < 0:
            turned.append(axis)
            first = start + (size - 1) * stride
        config.append((first, extent - first - (size - 1) * abs(stride) - 1, abs(stride) - 1))
    turned_round = lax.rev(x, turned) if turned else x
    return lax.pad(turned_round, jnp.zeros((), x.dtype), config)


# Indexing
def _take(x: Value, indices: Value, axis: int) -> Value:
    return jnp.take_along_axis(x, indices, axis, mode="clip")


def _scatter_add(x: Value, indices: Value, axis: int, extent: int) -> Value:
    if x.shape[axis] == 1:  # compared with every place, which a GPU does in the kernels before and after
        shape = (*x.shape[:axis], extent, *x.shape[axis + 1 :])
        is_here = lax.broadcasted_iota(indices.dtype, shape, axis) == indices
        return jnp.where(is_here, x, jnp.zeros((), x.dtype))
    grid: list[Any] = list(np.indices(x.shape, sparse=True))
    grid[axis] = indices
    return jnp.zeros((*x.shape[:axis], extent, *x.shape[axis + 1 :]), x.dtype).at[tuple(grid)].add(x)


def _argsort(x: Value) -> Value:
    return jnp.argsort(x, axis=-1, stable=True).astype(np.int64)


# Linear algebra: NaN where there is no result, as in the reference
def _solve(a: Value, b: Value) -> Value:
    factors, _, order = lax.linalg.lu(a)
    is_singular = jnp.any(jnp.diagonal(factors, axis1=-2, axis2=-1) == 0, axis=-1)[..., None, None]
    moved = jnp.take_along_axis(b, order[..., None], -2)
    inner = lax.linalg.triangular_solve(factors, moved, left_side=True, lower=True, unit_diagonal=True)
    return jnp.where(is_singular, jnp.nan, lax.linalg.triangular_solve(factors, inner, left_side=True, lower=False))


def _cholesky(a: Value) -> Value:
    return lax.linalg.cholesky(a, symmetrize_input=False)


def _slogdet(a: Value) -> Value:
    return jnp.stack(jnp.linalg.slogdet(a), axis=-1)


# Products
def _dot(a: Value, b: Value, contract: Any, batch: Any, precision: str = "full") -> Value:
    """A product in float32 may read its operands with fewer bits; its totals are float32 all the same."""
    numbers = (contract, batch)
    if a.dtype != np.float32 and a.dtype != jnp.bfloat16:
        return lax.dot_general(a, b, numbers, precision=lax.Precision.HIGHEST)
    if precision == "bfloat16":
        short, also = a.astype(jnp.bfloat16), b.astype(jnp.bfloat16)
        return lax.dot_general(short, also, numbers, preferred_element_type=np.float32)
    # Left to itself, JAX takes TensorFloat-32 on GPUs, and bfloat16 on TPUs.
    wanted = lax.Precision.HIGH if precision == "tensorfloat32" else lax.Precision.HIGHEST
    return lax.dot_general(a, b, numbers, precision=wanted)


LOWERINGS: Mapping[str, Lowering] = {
    # arithmetic
    "add": lax.add,
    "subtract": lax.sub,
    "multiply": lax.mul,
    "divide": lax.div,
    "negative": lax.neg,
    "remainder": jnp.remainder,
    "power": jnp.power,
    # kinks and steps
    "absolute": lax.abs,
    "sign": lax.sign,
    "floor": jnp.floor,
    "ceil": jnp.ceil,
    "rint": jnp.rint,
    "trunc": jnp.trunc,
    "maximum": lax.max,
    "minimum": lax.min,
    # exponentials, logarithms, trigonometry
    "exp": lax.exp,
    "expm1": lax.expm1,
    "log": lax.log,
    "log1p": lax.log1p,
    "sqrt": lax.sqrt,
    "expit": _expit,
    "softplus": _softplus,
    "sin": lax.sin,
    "cos": lax.cos,
    "tan": lax.tan,
    "arcsin": lax.asin,
    "arccos": lax.acos,
    "arctan": lax.atan,
    "sinh": lax.sinh,
    "cosh": lax.cosh,
    "tanh": lax.tanh,
    "arcsinh": lax.asinh,
    "arccosh": lax.acosh,
    "arctanh": lax.atanh,
    "arctan2": lax.atan2,
    "erf": lax.erf,
    "erfc": lax.erfc,
    "gammaln": lax.lgamma,
    "polygamma": _polygamma,
    # comparisons and logic
    "less": lax.lt,
    "less_equal": lax.le,
    "equal": lax.eq,
    "not_equal": lax.ne,
    "logical_and": lax.bitwise_and,
    "logical_or": lax.bitwise_or,
    "logical_not": lax.bitwise_not,
    "isfinite": jnp.isfinite,
    "where": lax.select,
    "detach": lambda x: x,
    "convert": _convert,
    # structure
    "broadcast": jnp.broadcast_to,
    "reshape": lambda x, shape: lax.reshape(x, shape),
    "transpose": lambda x, axes: lax.transpose(x, axes),
    "slice": _slice,
    "place": _place,
    # reductions and scans
    "sum": _sum,
    "maximum_reduce": lambda x, axes: jnp.max(x, axis=axes),
    "minimum_reduce": lambda x, axes: jnp.min(x, axis=axes),
    "cumulative_sum": _cumulative_sum,
    # products, indexing, linear algebra
    "dot": _dot,
    "take": _take,
    "scatter_add": _scatter_add,
    "argsort": _argsort,
    "solve": _solve,
    "cholesky": _cholesky,
    "slogdet": _slogdet,
}
"""What each primitive becomes, by its name. Composites have none: they are expanded before."""


def lower(node: Node, operands: Sequence[Value], precision: str = "full") -> Value:
    """One node on values of its operands."""
    if node.is_constant:
        return jnp.asarray(node.value, node.dtype)
    attributes = dict(node.attributes)
    if node.primitive.name == "dot":
        attributes["precision"] = precision
    return LOWERINGS[node.primitive.name](*operands, **attributes)

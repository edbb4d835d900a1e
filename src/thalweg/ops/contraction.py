"""`dot`: the product of two arrays, summed over pairs of axes. All matrix products are this one primitive."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError
from ..graph import Array, ArrayType, Primitive, Shape
from .declare import apply, primitive, shifted

Axes = tuple[Shape, Shape]
"""Axes of the left and of the right operand, paired in order."""


def free_axes(ndim: int, contract: Shape, batch: Shape) -> Shape:
    """The axes that are neither summed over nor shared."""
    return tuple(axis for axis in range(ndim) if axis not in contract and axis not in batch)


def _infer_dot(a: ArrayType, b: ArrayType, contract: Axes, batch: Axes) -> ArrayType:
    for left, right in zip(contract[0] + batch[0], contract[1] + batch[1], strict=True):
        if a.shape[left] != b.shape[right]:
            raise ShapeError(f"dot: axis {left} of {a} and axis {right} of {b} differ in length")
    shape = [a.shape[axis] for axis in batch[0]]
    shape += [a.shape[axis] for axis in free_axes(len(a.shape), contract[0], batch[0])]
    shape += [b.shape[axis] for axis in free_axes(len(b.shape), contract[1], batch[1])]
    return ArrayType(tuple(shape), a.dtype)


def _evaluate_dot(a: Array, b: Array, contract: Axes, batch: Axes) -> Array:
    """As one batched matrix product over merged axes."""
    free_a = free_axes(a.ndim, contract[0], batch[0])
    free_b = free_axes(b.ndim, contract[1], batch[1])
    shared = [a.shape[axis] for axis in batch[0]]
    rows = [a.shape[axis] for axis in free_a]
    columns = [b.shape[axis] for axis in free_b]
    inner = int(np.prod([a.shape[axis] for axis in contract[0]], dtype=int))
    left = a.transpose(*batch[0], *free_a, *contract[0]).reshape(*shared, int(np.prod(rows, dtype=int)), inner)
    right = b.transpose(*batch[1], *contract[1], *free_b)
    right = right.reshape(*shared, inner, int(np.prod(columns, dtype=int)))
    return np.asarray(left @ right).reshape((*shared, *rows, *columns))


def _jvp_dot(tangents: tuple[Any, ...], y: Any, a: Any, b: Any, contract: Axes, batch: Axes) -> Any:
    of_a, of_b = tangents
    terms = []
    if of_a is not None:
        terms.append(apply(dot, of_a, b, contract=contract, batch=batch))
    if of_b is not None:
        terms.append(apply(dot, a, of_b, contract=contract, batch=batch))
    return terms[0] if len(terms) == 1 else terms[0] + terms[1]


def _inverse(permutation: Shape) -> Shape:
    return tuple(np.argsort(permutation).tolist())


def _sorted_pairs(first: Shape, second: Shape) -> tuple[Shape, Shape]:
    """Both, in the order of the second."""
    order = np.argsort(second).tolist()
    return tuple(first[index] for index in order), tuple(second[index] for index in order)


def _vjp_left(adjoint: Any, y: Any, a: Any, b: Any, contract: Axes, batch: Axes) -> Any:
    shared = len(batch[0])
    free_a = free_axes(a.ndim, contract[0], batch[0])
    free_b = free_axes(b.ndim, contract[1], batch[1])
    of_y = tuple(range(adjoint.ndim))
    result = apply(
        dot,
        adjoint,
        b,
        contract=(of_y[shared + len(free_a) :], free_b),
        batch=(of_y[:shared], batch[1]),
    )
    # The result's axes are: shared, free of a, then b's contracted axes in the order of b.
    contracted, _ = _sorted_pairs(contract[0], contract[1])
    return np.transpose(result, _inverse((*batch[0], *free_a, *contracted)))


def _vjp_right(adjoint: Any, y: Any, a: Any, b: Any, contract: Axes, batch: Axes) -> Any:
    shared = len(batch[0])
    free_a = free_axes(a.ndim, contract[0], batch[0])
    free_b = free_axes(b.ndim, contract[1], batch[1])
    of_y = tuple(range(adjoint.ndim))
    result = apply(
        dot,
        a,
        adjoint,
        contract=(free_a, of_y[shared : shared + len(free_a)]),
        batch=(batch[0], of_y[:shared]),
    )
    # The result's axes are: shared, a's contracted axes in the order of a, free of b.
    contracted, _ = _sorted_pairs(contract[1], contract[0])
    return np.transpose(result, _inverse((*batch[1], *contracted, *free_b)))


def _batch_dot(is_batched: tuple[bool, ...], a: Any, b: Any, contract: Axes, batch: Axes) -> Any:
    """The batch axis is shared if both have it; else a free axis, so that the other operand is read once."""
    if all(is_batched):
        return apply(
            dot,
            a,
            b,
            contract=(shifted(contract[0]), shifted(contract[1])),
            batch=((0, *shifted(batch[0])), (0, *shifted(batch[1]))),
        )
    if is_batched[0]:
        result = apply(dot, a, b, contract=(shifted(contract[0]), contract[1]), batch=(shifted(batch[0]), batch[1]))
        position = len(batch[0])
    else:
        result = apply(dot, a, b, contract=(contract[0], shifted(contract[1])), batch=(batch[0], shifted(batch[1])))
        position = a.ndim - len(contract[0])
    return np.moveaxis(result, position, 0)


dot = primitive(Primitive("dot", _infer_dot, _evaluate_dot, _jvp_dot, (_vjp_left, _vjp_right), _batch_dot))
"""Attributes: `contract`, the pairs of axes that are summed over; `batch`, the pairs that both operands share.

The result's axes are the shared ones, then the free ones of the left, then the free ones of the right operand.
"""

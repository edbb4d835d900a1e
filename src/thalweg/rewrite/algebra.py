"""Rules that save work: neutral elements, powers, broadcasts and chains of structure."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..graph import CONSTANT, Node
from ..ops import PRIMITIVES
from ..ops.contraction import dot
from ..ops.elementwise import (
    absolute,
    add,
    convert,
    divide,
    multiply,
    negative,
    power,
    sqrt,
    subtract,
    where,
)
from ..ops.reduction import sum_
from ..ops.structure import broadcast, place, reshape, slice_, transpose
from .simplify import Builder, equal_everywhere, rule

_ELEMENTWISE = tuple(primitive for primitive in PRIMITIVES.values() if primitive.is_elementwise)


@rule(*_ELEMENTWISE)
def compute_before_broadcasting(node: Node, build: Builder) -> Node | None:
    """f(broadcast a, broadcast b) = broadcast f(a, b), where all come from one smaller shape or from scalars."""
    if not node.shape or any(x.primitive is not broadcast and x.primitive is not CONSTANT for x in node.operands):
        return None
    origins = [_origin(x) for x in node.operands]
    largest = max(origins, key=lambda x: (x.type.size, len(x.shape)))
    if largest.type.size == node.type.size or any(x.shape not in ((), largest.shape) for x in origins):
        return None
    same = [
        x if x.shape == largest.shape else build(broadcast, x, shape=largest.shape, source=node.source) for x in origins
    ]
    small = build(node.primitive, *same, source=node.source, **node.attributes)
    return build(broadcast, small, shape=node.shape, source=node.source)


def _origin(x: Node) -> Node:
    return x.operands[0] if x.primitive is broadcast else x


@rule(add)
def add_neutral(node: Node, build: Builder) -> Node | None:
    a, b = node.operands
    if equal_everywhere(a) == 0:
        return b
    if equal_everywhere(b) == 0:
        return a
    if b.primitive is negative:
        return build(subtract, a, b.operands[0], source=node.source)
    if a.primitive is negative:
        return build(subtract, b, a.operands[0], source=node.source)
    if a is b and node.dtype.kind == "f":
        return build(multiply, build.filled(2, a), a, source=node.source)
    return None


@rule(subtract)
def subtract_neutral(node: Node, build: Builder) -> Node | None:
    a, b = node.operands
    if equal_everywhere(b) == 0:
        return a
    if equal_everywhere(a) == 0:
        return build(negative, b, source=node.source)
    if b.primitive is negative:
        return build(add, a, b.operands[0], source=node.source)
    return None


@rule(multiply)
def multiply_neutral(node: Node, build: Builder) -> Node | None:
    for a, b in (node.operands, node.operands[::-1]):
        value = equal_everywhere(a)
        if value is None:
            continue
        if value == 1:
            return b
        if value == -1:
            return build(negative, b, source=node.source)
        if b.primitive is negative:
            return build(multiply, build.filled(-value, b), b.operands[0], source=node.source)
        if b.primitive is multiply:
            for c, d in (b.operands, b.operands[::-1]):
                inner = equal_everywhere(c)
                if inner is not None:
                    return build(multiply, build.filled(value * inner, d), d, source=node.source)
    return None


@rule(multiply)
def multiply_within_where(node: Node, build: Builder) -> Node | None:
    """where(c, a, 0) · b = where(c, a · b, 0): a branch that was not chosen cannot spoil a gradient with NaN."""
    for a, b in (node.operands, node.operands[::-1]):
        found = _within_where(node, a, b, build)
        if found is not None:
            return found
    return None


def _within_where(node: Node, a: Node, b: Node, build: Builder) -> Node | None:
    """The product or quotient of a and b, formed in the branch of a that is not 0, if a is such a choice."""
    if a.primitive is not where:
        return None
    condition, chosen, other = a.operands
    if equal_everywhere(other) == 0:
        inside = build(node.primitive, chosen, b, source=node.source)
        return build(where, condition, inside, other, source=node.source)
    if equal_everywhere(chosen) == 0:
        inside = build(node.primitive, other, b, source=node.source)
        return build(where, condition, chosen, inside, source=node.source)
    return None


@rule(divide)
def divide_neutral(node: Node, build: Builder) -> Node | None:
    a, b = node.operands
    value = equal_everywhere(b)
    if value == 1:
        return a
    if value is not None and value != 0 and _is_power_of_two(value):
        return build(multiply, a, build.filled(1 / value, a), source=node.source)
    return _within_where(node, a, b, build)


def _is_power_of_two(value: Any) -> bool:
    return bool(math.isfinite(value)) and abs(math.frexp(float(value))[0]) == 0.5


@rule(multiply)
def multiply_negative(node: Node, build: Builder) -> Node | None:
    """(-a) · b = -(a · b): what remains is often computed already, or vanishes in a difference."""
    for a, b in (node.operands, node.operands[::-1]):
        if a.primitive is negative:
            return build(negative, build(multiply, a.operands[0], b, source=node.source), source=node.source)
    return None


@rule(convert, sum_)
def negate_last(node: Node, build: Builder) -> Node | None:
    """A conversion or a sum of -x is minus that of x."""
    (x,) = node.operands
    if x.primitive is not negative or node.dtype.kind != "f":
        return None
    positive = build(node.primitive, x.operands[0], source=node.source, **node.attributes)
    return build(negative, positive, source=node.source)


@rule(negative)
def negate(node: Node, build: Builder) -> Node | None:
    (x,) = node.operands
    if x.primitive is negative:
        return x.operands[0]
    if x.primitive is subtract:
        return build(subtract, x.operands[1], x.operands[0], source=node.source)
    if x.primitive is multiply:
        for a, b in (x.operands, x.operands[::-1]):
            value = equal_everywhere(a)
            if value is not None:
                return build(multiply, build.filled(-value, b), b, source=node.source)
    return None


@rule(power)
def power_of_constant(node: Node, build: Builder) -> Node | None:
    """Small whole and half exponents as products and square roots."""
    x, exponent = node.operands
    value = equal_everywhere(exponent)
    if value is None:
        return None
    if value == 0.5:
        return build(sqrt, x, source=node.source)
    if value == int(value) and 0 <= value <= 8:
        return _whole_power(x, int(value), build, node)
    if node.dtype.kind == "f" and value == int(value) and -4 <= value < 0:
        one = build.filled(1, node)
        return build(divide, one, _whole_power(x, int(-value), build, node), source=node.source)
    return None


def _whole_power(x: Node, exponent: int, build: Builder, node: Node) -> Node:
    if exponent == 0:
        return build.filled(1, node)
    if exponent == 1:
        return x
    half = _whole_power(x, exponent // 2, build, node)
    square = build(multiply, half, half, source=node.source)
    return build(multiply, square, x, source=node.source) if exponent % 2 else square


@rule(sqrt)
def root_of_square(node: Node, build: Builder) -> Node | None:
    (x,) = node.operands
    if x.primitive is multiply and x.operands[0] is x.operands[1]:
        return build(absolute, x.operands[0], source=node.source)
    return None


@rule(convert)
def convert_to_same(node: Node, build: Builder) -> Node | None:
    return node.operands[0] if node.operands[0].dtype == node.dtype else None


@rule(where)
def where_known(node: Node, build: Builder) -> Node | None:
    condition, a, b = node.operands
    value = equal_everywhere(condition)
    if value is not None:
        return a if value else b
    return a if a is b else None


@rule(dot)
def product_with_identity(node: Node, build: Builder) -> Node | None:
    """A product with the unit matrix, or a window of it, moves an axis, and nothing else: Jacobians are products with all unit
    vectors."""
    contract, batch = node.attributes["contract"], node.attributes["batch"]
    if batch[0] or len(contract[0]) != 1:
        return None
    for side in (1, 0):
        unit, other = node.operands[side], node.operands[1 - side]
        diagonal = _diagonal_of(unit)
        if diagonal is None:
            continue
        summed, moved = contract[side][0], contract[1 - side][0]
        # Element i along the new axis is element i + shift along the old one, or 0 if there is none.
        shift = diagonal if summed == 1 else -diagonal
        size, kept = other.shape[moved], unit.shape[1 - summed]
        first, end = max(0, -shift), min(kept, size - shift)
        if first >= end:
            return None
        free = tuple(axis for axis in range(len(other.shape)) if axis != moved)
        axes = (*free, moved) if side == 1 else (moved, *free)
        found, own = build(transpose, other, source=node.source, axes=axes), axes.index(moved)

        def window(start: int, rank: int = len(axes), own: int = own) -> Any:
            return tuple(start if axis == own else 0 for axis in range(rank)), (1,) * rank

        if end - first < size:
            shape = tuple(end - first if axis == own else n for axis, n in enumerate(found.shape))
            found = build(slice_, found, source=node.source, window=window(first + shift), shape=shape)
        if end - first < kept:
            found = build(place, found, source=node.source, windows=(window(first),), shape=node.shape)
        return found
    return None


def _diagonal_of(node: Node) -> int | None:
    """The k for which this is a matrix of zeros, but for ones on its k-th diagonal, as `np.eye` has it; None if it is not."""
    if node.primitive is slice_ and node.operands[0].is_constant and len(node.shape) == 2:
        starts, steps = node.attributes["window"]
        whole = _diagonal_of(node.operands[0])
        return whole + starts[0] - starts[1] if whole is not None and tuple(steps) == (1, 1) else None
    if not node.is_constant or len(node.shape) != 2:
        return None
    value = node.value
    row, column = np.flatnonzero(value[0]), np.flatnonzero(value[:, 0])
    if len(row) > 1 or len(column) > 1 or len(row) + len(column) == 0:
        return None
    k = int(row[0]) if len(row) else -int(column[0])
    return k if np.array_equal(value, np.eye(value.shape[0], value.shape[1], k, value.dtype)) else None


@rule(dot)
def sign_before_product(node: Node, build: Builder) -> Node | None:
    """(-A) B = -(A B), so that `-X @ w` makes no negative copy of the data."""
    a, b = node.operands
    if a.primitive is negative and b.primitive is negative:
        return build(dot, a.operands[0], b.operands[0], source=node.source, **node.attributes)
    for x in (a, b):
        if x.primitive is negative and x.type.size > node.type.size:
            operands = (x.operands[0] if x is a else a, x.operands[0] if x is b else b)
            return build(negative, build(dot, *operands, source=node.source, **node.attributes), source=node.source)
    return None


# Structure
@rule(broadcast)
def broadcast_chain(node: Node, build: Builder) -> Node | None:
    (x,) = node.operands
    if x.shape == node.shape:
        return x
    if x.primitive is broadcast:
        return build(broadcast, x.operands[0], shape=node.shape, source=node.source)
    if x.primitive is reshape and x.type.size == 1 and x.shape:
        return build(broadcast, _to_scalar(x, build), shape=node.shape, source=node.source)
    return None


def _to_scalar(x: Node, build: Builder) -> Node:
    origin = x.operands[0] if x.primitive is reshape else x
    return origin if not origin.shape else build(reshape, origin, shape=())


@rule(reshape)
def reshape_chain(node: Node, build: Builder) -> Node | None:
    (x,) = node.operands
    if x.shape == node.shape:
        return x
    if x.primitive is reshape:
        return build(reshape, x.operands[0], shape=node.shape, source=node.source)
    if x.primitive is broadcast and x.operands[0].type.size == 1:
        scalar = _to_scalar(x.operands[0], build)
        return build(broadcast, scalar, shape=node.shape, source=node.source) if node.shape else scalar
    return None


@rule(transpose)
def transpose_chain(node: Node, build: Builder) -> Node | None:
    (x,) = node.operands
    axes = node.attributes["axes"]
    if axes == tuple(range(len(axes))):
        return x
    if x.primitive is transpose:
        inner = x.attributes["axes"]
        composed = tuple(inner[axis] for axis in axes)
        return build(transpose, x.operands[0], axes=composed, source=node.source)
    if x.primitive is broadcast and not x.operands[0].shape:
        return build(broadcast, x.operands[0], shape=node.shape, source=node.source)
    return None


@rule(slice_)
def slice_of_constant_fill(node: Node, build: Builder) -> Node | None:
    (x,) = node.operands
    if x.primitive is broadcast and not x.operands[0].shape:
        scalar = x.operands[0]
        return build(broadcast, scalar, shape=node.shape, source=node.source) if node.shape else scalar
    return x if x.shape == node.shape and all(s == 1 for s in node.attributes["window"][1]) else None


@rule(sum_)
def sum_of_fill(node: Node, build: Builder) -> Node | None:
    """The sum of a value that is the same along the axes is a product."""
    (x,) = node.operands
    axes = node.attributes["axes"]
    if x.primitive is not broadcast or node.dtype.kind != "f":
        return None
    (origin,) = x.operands
    offset = len(x.shape) - len(origin.shape)
    repeated = [axis for axis in axes if axis < offset or origin.shape[axis - offset] == 1]
    if len(repeated) != len(axes):
        return None
    count = 1
    for axis in axes:
        count *= x.shape[axis]
    kept = tuple(extent for axis, extent in enumerate(origin.shape) if axis + offset not in axes)
    small = build(reshape, origin, shape=kept, source=node.source)
    spread = build(broadcast, small, shape=node.shape, source=node.source) if node.shape != kept else small
    return build(multiply, spread, build.filled(count, spread), source=node.source)


@rule(sum_)
def sum_over_unit_axes(node: Node, build: Builder) -> Node | None:
    (x,) = node.operands
    if all(x.shape[axis] == 1 for axis in node.attributes["axes"]):
        return build(reshape, x, shape=node.shape, source=node.source)
    return None

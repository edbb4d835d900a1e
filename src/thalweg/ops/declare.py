"""How a primitive is declared: a row for each operation, the rules that many share written once.

Derivative and batch rules are functions of traced values and are written in plain NumPy, so that they can be
differentiated, batched and compiled themselves. What NumPy has no name for goes through `apply`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import GraphError, ShapeError
from ..graph import CONSTANT, INPUT, ArrayType, Primitive, Shape

__all__ = [
    "PRIMITIVES",
    "apply",
    "batch_elementwise",
    "batch_size",
    "elementwise",
    "lift",
    "linear",
    "primitive",
    "product",
    "same_shape",
    "shifted",
]

PRIMITIVES: dict[str, Primitive] = {"input": INPUT, "constant": CONSTANT}
"""Every primitive by its name."""


def primitive(declared: Primitive) -> Primitive:
    """Enters a primitive into the registry."""
    if declared.name in PRIMITIVES:
        raise GraphError(f"the primitive {declared.name} is declared twice")
    PRIMITIVES[declared.name] = declared
    return declared


def apply(operation: Primitive, *operands: Any, **attributes: Any) -> Any:
    """Applies a primitive to traced values."""
    return operands[0].apply(operation, *operands[1:], **attributes)


def lift(x: Any, is_batched: bool, size: int) -> Any:
    """`x` with a leading batch axis of the given size."""
    return x if is_batched else np.broadcast_to(x, (size, *x.shape))


def batch_size(is_batched: tuple[bool, ...], operands: tuple[Any, ...]) -> int:
    """The extent of the batch axis, which at least one operand has."""
    return int(next(x.shape[0] for x, batched in zip(operands, is_batched, strict=True) if batched))


def shifted(axes: Shape) -> Shape:
    """The axes after a batch axis was put in front."""
    return tuple(axis + 1 for axis in axes)


def same_shape(types: tuple[ArrayType, ...], name: str) -> Shape:
    """The shape that all operands share. Broadcasts are nodes of their own."""
    shape = types[0].shape
    for type in types:
        if type.shape != shape:
            raise ShapeError(f"{name}: operands of different shapes, {', '.join(map(str, types))}")
    return shape


def product(partial: Any, tangent: Any) -> Any:
    """partial · tangent, where a partial derivative that is the number 1 or -1 costs nothing."""
    if isinstance(partial, int):
        return tangent if partial == 1 else -tangent
    return partial * tangent


def elementwise(
    name: str,
    evaluate: Callable[..., Any],
    *partials: Callable[..., Any] | None,
    returns: type[np.bool_] | None = None,
    expansion: Callable[..., Any] | None = None,
) -> Primitive:
    """A primitive that works on each element by itself.

    partials: for each operand the partial derivative (y, *xs) → ∂y/∂x, an array, 1 or -1; None where it is zero.
    Reverse and forward mode both follow from them.
    """

    def infer(*types: ArrayType, **_: Any) -> ArrayType:
        dtype = np.dtype(returns) if returns is not None else types[-1].dtype
        return ArrayType(same_shape(types, name), dtype)

    def jvp(tangents: tuple[Any, ...], y: Any, *xs: Any, **attributes: Any) -> Any:
        total = None
        for tangent, partial in zip(tangents, partials, strict=True):
            if tangent is not None and partial is not None:
                term = product(partial(y, *xs, **attributes), tangent)
                total = term if total is None else total + term
        return total

    def adjoint_rule(partial: Callable[..., Any]) -> Callable[..., Any]:
        return lambda adjoint, y, *xs, **attributes: product(partial(y, *xs, **attributes), adjoint)

    vjp = tuple(None if partial is None else adjoint_rule(partial) for partial in partials)
    declared = Primitive(name, infer, evaluate, jvp, vjp, batch_elementwise(name), expansion, is_elementwise=True)
    return primitive(declared)


def batch_elementwise(name: str) -> Callable[..., Any]:
    """The batch rule of a primitive that works on each element by itself: all operands get the axis."""

    def batch(is_batched: tuple[bool, ...], *xs: Any, **attributes: Any) -> Any:
        size = batch_size(is_batched, xs)
        lifted = [lift(x, batched, size) for x, batched in zip(xs, is_batched, strict=True)]
        return apply(PRIMITIVES[name], *lifted, **attributes)

    return batch


def linear(
    name: str,
    infer: Callable[..., ArrayType],
    evaluate: Callable[..., Any],
    transpose: Callable[..., Any],
    batch: Callable[..., Any],
) -> Primitive:
    """A primitive of one operand that is linear in it; so it is its own derivative.

    transpose: (adjoint, y, x) → adjoint of x.
    """

    def jvp(tangents: tuple[Any, ...], y: Any, x: Any, **attributes: Any) -> Any:
        return apply(PRIMITIVES[name], tangents[0], **attributes)

    def batch_one(is_batched: tuple[bool, ...], x: Any, **attributes: Any) -> Any:
        return batch(x, **attributes)

    return primitive(Primitive(name, infer, evaluate, jvp, (transpose,), batch_one))

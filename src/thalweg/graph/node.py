"""The nodes of a computational graph: one primitive applied to operands, with a known shape and dtype."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import SourceLine

__all__ = ["Array", "ArrayType", "Node", "Primitive", "Shape", "constant", "input_node", "make"]

Shape = tuple[int, ...]
Array = npt.NDArray[Any]

_NO_ATTRIBUTES: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ArrayType:
    """Shape and dtype of a value."""

    shape: Shape
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        """The number of elements."""
        size = 1
        for extent in self.shape:
            size *= extent
        return size

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"


@dataclass(frozen=True, eq=False, slots=True)
class Primitive:
    """An operation that the graph knows, with its rules.

    A rule is a function of the operands and, as keyword arguments, of the node's attributes.

    name: unique among all primitives.
    infer: operand types → type of the result; raises ShapeError.
    evaluate: NumPy arrays → NumPy array. The reference that every target is tested against.
    jvp: (tangents, y, *xs) → tangent of y, in traced NumPy. A tangent is None where it is zero.
    vjp: for each operand, None (no derivative) or (adjoint, y, *xs) → adjoint of that operand, in traced NumPy.
    batch: (is_batched, *xs) → result with a leading batch axis, in traced NumPy.
    expansion: for a composite, (*xs) → the same value in simpler primitives; used before compilation.
    is_elementwise: every element of the result depends on the same element of each operand alone.
    """

    name: str
    infer: Callable[..., ArrayType]
    evaluate: Callable[..., Array]
    jvp: Callable[..., Any]
    vjp: tuple[Callable[..., Any] | None, ...] | Callable[..., Any]
    batch: Callable[..., Any]
    expansion: Callable[..., Any] | None = None
    is_elementwise: bool = False

    def adjoint_rule(self, operand: int) -> Callable[..., Any] | None:
        """The rule that carries the adjoint of a node to its operand; None if there is no derivative."""
        if callable(self.vjp):  # any number of operands, all alike
            rule = self.vjp
            return lambda *args, **attributes: rule(operand, *args, **attributes)
        return self.vjp[operand]

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False, slots=True)
class Node:
    """One value in the graph. Nodes are compared by identity; equal nodes are merged by simplification."""

    primitive: Primitive
    operands: tuple[Node, ...]
    type: ArrayType
    attributes: Mapping[str, Any]
    source: SourceLine | None = None

    @property
    def shape(self) -> Shape:
        return self.type.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.type.dtype

    @property
    def is_constant(self) -> bool:
        return self.primitive is CONSTANT

    @property
    def is_input(self) -> bool:
        return self.primitive is INPUT

    @property
    def value(self) -> Array:
        """The array of a constant."""
        return self.attributes["value"]  # type: ignore[no-any-return]  # attributes hold anything

    def __iter__(self) -> Iterator[Node]:
        return iter(self.operands)

    def __repr__(self) -> str:
        return f"<{self.primitive.name} {self.type}>"


def make(primitive: Primitive, *operands: Node, source: SourceLine | None = None, **attributes: Any) -> Node:
    """A node that applies `primitive`; its type follows from the primitive's rule."""
    inferred = primitive.infer(*[operand.type for operand in operands], **attributes)
    return Node(primitive, operands, inferred, attributes or _NO_ATTRIBUTES, source)


def _leaf_type(*, type: ArrayType, **_: Any) -> ArrayType:
    return type


def _cannot_be_evaluated(**_: Any) -> Array:
    raise AssertionError("inputs are bound, never evaluated")


def _leaf(name: str, evaluate: Callable[..., Array]) -> Primitive:
    return Primitive(name, _leaf_type, evaluate, lambda *_, **__: None, (), lambda *_, **__: None)


INPUT = _leaf("input", _cannot_be_evaluated)
CONSTANT = _leaf("constant", lambda *, value, **_: value)


def input_node(type: ArrayType, name: str = "") -> Node:
    """A value that is bound when the graph is evaluated."""
    return Node(INPUT, (), type, {"type": type, "name": name})


def constant(value: npt.ArrayLike, dtype: npt.DTypeLike | None = None) -> Node:
    """A value that is known when the graph is made."""
    array = np.asarray(value, dtype)
    type = ArrayType(array.shape, array.dtype)
    return Node(CONSTANT, (), type, {"type": type, "value": array})

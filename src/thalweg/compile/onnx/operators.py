"""For each primitive its ONNX operators.

Broadcasts wait: an elementwise operator broadcasts by itself, so a value is spread only for those that do not. `Value.spread` says
along which axes a value still has the extent 1, though its node has more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_letters

import numpy as np

from ...errors import TracingError
from ...graph import Node, Shape
from .builder import Builder, as_integers

__all__ = ["Lowering", "Value"]


@dataclass(frozen=True)
class Value:
    """A value in the ONNX graph: its name, and the axes that are still to be spread."""

    name: str
    waiting: frozenset[int] = frozenset()


_SAME_NAME: Mapping[str, str] = {
    **{"add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "negative": "Neg", "power": "Pow"},
    **{"absolute": "Abs", "sign": "Sign", "floor": "Floor", "ceil": "Ceil", "rint": "Round", "sqrt": "Sqrt"},
    **{"maximum": "Max", "minimum": "Min", "exp": "Exp", "log": "Log", "expit": "Sigmoid", "erf": "Erf"},
    **{"sin": "Sin", "cos": "Cos", "tan": "Tan", "arcsin": "Asin", "arccos": "Acos", "arctan": "Atan"},
    **{"sinh": "Sinh", "cosh": "Cosh", "tanh": "Tanh", "arcsinh": "Asinh", "arccosh": "Acosh", "arctanh": "Atanh"},
    **{"less": "Less", "less_equal": "LessOrEqual", "equal": "Equal", "where": "Where", "detach": "Identity"},
    **{"logical_and": "And", "logical_or": "Or", "logical_not": "Not"},
}


class Lowering:
    """From nodes to operators. count: the extent that stands for the number of examples; examples: the name of an input (N, ...)."""

    def __init__(self, builder: Builder, count: int, examples: str) -> None:
        self._builder = builder
        self._count = count
        self._examples = examples
        self._number: str | None = None

    def lower(self, node: Node, operands: Sequence[Value]) -> Value:
        """The value of a node. Raises TracingError for a primitive that ONNX has no operator for."""
        name = node.primitive.name
        if node.primitive.is_elementwise:
            waiting = frozenset.intersection(*(value.waiting for value in operands))
            names = [value.name for value in operands]
            return Value(self._elementwise(node, names), waiting)
        if name == "broadcast":
            return self._broadcast(node, operands[0])
        rule = _RULES.get(name)
        if rule is None:
            raise _no_operator(node)
        return Value(
            rule(self, node, [self.spread(value, of) for value, of in zip(operands, node.operands, strict=True)])
        )

    def constant(self, node: Node) -> Value:
        """A constant of the graph."""
        return Value(self._builder.constant(node.value))

    def spread(self, value: Value, node: Node) -> str:
        """A value with the whole shape of its node."""
        if not value.waiting:
            return value.name
        return self._builder.apply("Expand", value.name, self._shape(node.shape))

    def _shape(self, shape: Shape) -> str:
        """A shape as a value: where it has the number of examples, that is measured when the graph runs."""
        if self._count not in shape:
            return self._builder.constant(as_integers(shape))
        if self._number is None:
            whole = self._builder.apply("Shape", self._examples)
            self._number = self._builder.apply("Gather", whole, self._builder.constant(as_integers([0])))
        parts = [
            self._number if extent == self._count else self._builder.constant(as_integers([extent])) for extent in shape
        ]
        return self._builder.apply("Concat", *parts, axis=0)

    def _number_like(self, value: float, node: Node) -> str:
        return self._builder.constant(np.asarray(value, node.dtype))

    def _elementwise(self, node: Node, names: list[str]) -> str:
        apply, name = self._builder.apply, node.primitive.name
        if name in _SAME_NAME:
            return apply(_SAME_NAME[name], *names)
        x = names[0]
        if name == "convert":
            return self._builder.cast(x, node.attributes["dtype"])
        if name == "not_equal":
            return apply("Not", apply("Equal", *names))
        if name == "isfinite":
            return apply("Not", apply("Or", apply("IsNaN", x), apply("IsInf", x)))
        if name == "remainder":
            return apply("Sub", x, apply("Mul", apply("Floor", apply("Div", *names)), names[1]))
        if name == "trunc":
            return apply("Mul", apply("Sign", x), apply("Floor", apply("Abs", x)))
        one = self._number_like(1, node)
        if name == "log1p":
            return apply("Log", apply("Add", one, x))
        if name == "expm1":
            return apply("Sub", apply("Exp", x), one)
        if name == "erfc":
            return apply("Sub", one, apply("Erf", x))
        if name == "softplus":  # max(x, 0) + log(1 + exp(-|x|)), which does not overflow
            small = apply("Log", apply("Add", one, apply("Exp", apply("Neg", apply("Abs", x)))))
            return apply("Add", apply("Max", x, self._number_like(0, node)), small)
        raise _no_operator(node)

    def _broadcast(self, node: Node, value: Value) -> Value:
        (x,) = node.operands
        added = len(node.shape) - len(x.shape)
        waiting = {axis + added for axis in value.waiting} | set(range(added))
        waiting |= {
            axis + added for axis, extent in enumerate(x.shape) if extent == 1 and node.shape[axis + added] != 1
        }
        name = value.name
        if added:
            name = self._builder.apply("Unsqueeze", name, self._builder.constant(as_integers(range(added))))
        return Value(name, frozenset(axis for axis in waiting if node.shape[axis] != 1))

    def _reshape(self, node: Node, names: list[str]) -> str:
        return self._builder.apply("Reshape", names[0], self._shape(node.shape))

    def _transpose(self, node: Node, names: list[str]) -> str:
        return self._builder.apply("Transpose", names[0], perm=list(node.attributes["axes"]))

    def _reduction(self, node: Node, names: list[str]) -> str:
        operator = {"sum": "ReduceSum", "maximum_reduce": "ReduceMax", "minimum_reduce": "ReduceMin"}
        axes = self._builder.constant(as_integers(node.attributes["axes"]))
        return self._builder.apply(operator[node.primitive.name], names[0], axes, keepdims=0)

    def _cumulative_sum(self, node: Node, names: list[str]) -> str:
        axis = self._builder.constant(np.asarray(node.attributes["axis"], np.int64))
        return self._builder.apply("CumSum", names[0], axis, reverse=int(node.attributes["is_reversed"]))

    def _dot(self, node: Node, names: list[str]) -> str:
        contract, batch = node.attributes["contract"], node.attributes["batch"]
        a, b = (len(operand.shape) for operand in node.operands)
        if contract == ((a - 1,), (0,)) and b <= 2 and a >= 1 and not batch[0]:
            return self._builder.apply("MatMul", *names)
        letters = iter(ascii_letters)
        left = [next(letters) for _ in range(a)]
        right = [next(letters) for _ in range(b)]
        for mine, other in zip((*contract[0], *batch[0]), (*contract[1], *batch[1]), strict=True):
            right[other] = left[mine]
        shared = [left[axis] for axis in batch[0]]
        free = [letter for letter in (*left, *right) if (letter in left) != (letter in right)]
        equation = f"{''.join(left)},{''.join(right)}->{''.join((*shared, *free))}"
        return self._builder.apply("Einsum", *names, equation=equation)

    def _slice(self, node: Node, names: list[str]) -> str:
        (x,) = node.operands
        starts, strides = node.attributes["window"]
        axes = [
            axis
            for axis, (old, new) in enumerate(zip(x.shape, node.shape, strict=True))
            if old != new or strides[axis] != 1
        ]
        if not axes:
            return names[0]
        ends = [starts[axis] + node.shape[axis] * strides[axis] for axis in axes]
        # An end below 0 would count from the other side.
        ends = [end if end >= 0 else -(1 << 62) for end in ends]
        windows = ([starts[axis] for axis in axes], ends, axes, [strides[axis] for axis in axes])
        return self._builder.apply("Slice", names[0], *(self._builder.constant(as_integers(part)) for part in windows))

    def _place(self, node: Node, names: list[str]) -> str:
        total = ""
        for name, piece, (starts, strides) in zip(names, node.operands, node.attributes["windows"], strict=True):
            if any(stride != 1 and extent > 1 for stride, extent in zip(strides, piece.shape, strict=True)):
                raise _no_operator(node)
            ends = [
                whole - start - extent for whole, start, extent in zip(node.shape, starts, piece.shape, strict=True)
            ]
            padded = self._builder.apply("Pad", name, self._builder.constant(as_integers([*starts, *ends])))
            total = self._builder.apply("Add", total, padded) if total else padded
        return total

    def _take(self, node: Node, names: list[str]) -> str:
        return self._builder.apply("GatherElements", *names, axis=node.attributes["axis"])


_RULES: Mapping[str, Callable[[Lowering, Node, list[str]], str]] = {
    "reshape": Lowering._reshape,
    "transpose": Lowering._transpose,
    "sum": Lowering._reduction,
    "maximum_reduce": Lowering._reduction,
    "minimum_reduce": Lowering._reduction,
    "cumulative_sum": Lowering._cumulative_sum,
    "dot": Lowering._dot,
    "slice": Lowering._slice,
    "place": Lowering._place,
    "take": Lowering._take,
}


def _no_operator(node: Node) -> TracingError:
    where = f"{node.source}: " if node.source else ""
    return TracingError(
        f"{where}ONNX has no operator for {node.primitive.name}; compute it another way, or outside of the function"
    )

"""Where the gradient comes from: derived from the graph, from differences, or from a function of the user's.

The first is exact and the fastest. The others also work for losses that cannot be traced, which call a simulator or another
library; such losses run as they are, uncompiled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..autodiff import batched, gradient
from ..errors import ArgumentError, LossError, TracingError
from ..graph import Array, ArrayType, Graph, Node, Primitive, inline, input_node
from ..rewrite import simplify
from ..trace import Traced, trace
from .parameters import Layout, flatten

__all__ = ["Automatic", "Given", "GradientSource", "Numerical", "called", "gradient_source"]

Arguments = Callable[..., tuple[Any, ...]]
"""From the vector of parameters and the arrays of data to what the user's function takes."""


@dataclass(frozen=True)
class GradientSource:
    """What the sources share. is_traced: whether the gradient is a graph."""

    is_traced: bool = field(default=True, init=False, repr=False)

    def bound(self, layout: Layout, types: Sequence[ArrayType], arguments: Arguments) -> GradientSource:
        """The source for given parameters and data."""
        return self

    def with_gradient(self, loss: Graph) -> Graph:
        """From (θ, *data) → loss to (θ, *data) → (loss, gradient)."""
        raise NotImplementedError


@dataclass(frozen=True)
class Automatic(GradientSource):
    """Reverse mode on the graph."""

    def with_gradient(self, loss: Graph) -> Graph:
        """From loss to (loss, gradient)."""
        (output,) = loss.outputs
        return simplify(Graph(loss.inputs, (output, *gradient(output, loss.inputs[:1]))))


_MOST_PARAMETERS = 2000


@dataclass(frozen=True)
class Numerical(GradientSource):
    """Differences of the loss, one parameter at a time.

    scheme: "central", (f(x + h) − f(x − h)) / 2h, or "forward", (f(x + h) − f(x)) / h. step: h; by default, of each
    parameter, max(1, |x|) times the cube root (the square root) of the dtype's precision.

    Source: Nocedal and Wright, chapter 8.1.
    """

    scheme: str = "central"
    step: float | None = None

    def __post_init__(self) -> None:
        if self.scheme not in ("central", "forward"):
            raise ArgumentError(f'scheme={self.scheme!r}: expected "central" or "forward"')
        if self.step is not None and not (
            isinstance(self.step, int | float) and math.isfinite(self.step) and self.step > 0
        ):
            raise ArgumentError(f"step={self.step!r}: expected a number above 0, such as 1e-4")

    def with_gradient(self, loss: Graph) -> Graph:
        """From loss to (loss, gradient): the perturbed points are a population."""
        (output,) = loss.outputs
        parameters = loss.inputs[0]
        size = parameters.shape[0]
        if size > _MOST_PARAMETERS:
            raise ArgumentError(
                f"a numerical gradient of {size:,} parameters takes {size:,} evaluations of the loss for each step. Use the "
                "automatic gradient, or give a function that returns the gradient."
            )
        x = Traced(parameters)
        precision = float(np.finfo(x.dtype).eps)
        relative = precision ** (1 / 3 if self.scheme == "central" else 1 / 2)
        steps = np.maximum(1.0, np.absolute(x)) * relative if self.step is None else 0 * x + self.step
        unit: Any = np.eye(size, dtype=x.dtype)
        above = np.expand_dims(x, 0) + np.expand_dims(steps, 0) * unit
        here: Any = np.broadcast_to(np.expand_dims(x, 0), (1, size))
        below = np.expand_dims(x, 0) - np.expand_dims(steps, 0) * unit
        points: Any = np.concatenate([here, above] + ([below] if self.scheme == "central" else []))
        (node,) = batched([output], [parameters], [points.node], points.shape[0])
        values: Any = Traced(node)
        higher = values[1 : size + 1]
        if self.scheme == "central":
            differences = (higher - values[size + 1 :]) / ((x + steps) - (x - steps))
        else:
            differences = (higher - values[0]) / ((x + steps) - x)
        gradient_node = differences.astype(x.dtype).node
        return simplify(Graph(loss.inputs, (values[0].node, gradient_node)))


@dataclass(frozen=True)
class Given(GradientSource):
    """A function of the user's that returns ∇f, nested as the parameters are, for the arguments of the loss."""

    function: Callable[..., Any]
    graph: Graph | None = field(default=None, repr=False)

    def bound(self, layout: Layout, types: Sequence[ArrayType], arguments: Arguments) -> GradientSource:
        """Traces the function, or keeps it as a call if it cannot be traced."""

        def on_arrays(vector: Any, *arrays: Any) -> Sequence[Any]:
            return (_as_vector(self.function(*arguments(vector, *arrays)), layout, self.function, np.concatenate),)

        try:
            graph, is_traced = trace(on_arrays, types, ["parameters"]), True
        except (TracingError, TypeError, AttributeError, ValueError, RuntimeError):

            def on_numbers(vector: Array, *arrays: Array) -> Array:
                value = self.function(*arguments(vector, *arrays))
                return np.asarray(_as_vector(value, layout, self.function, np.concatenate), layout.dtype)

            graph, is_traced = _call(on_numbers, types, types[0]), False
        source = Given(self.function, graph)
        object.__setattr__(source, "is_traced", is_traced)
        return source

    def with_gradient(self, loss: Graph) -> Graph:
        """From loss to (loss, gradient)."""
        assert self.graph is not None, "bound first"
        return Graph(loss.inputs, (loss.outputs[0], *inline(self.graph, loss.inputs)))


def gradient_source(gradient: Any) -> GradientSource:
    """What the argument `gradient` of `minimize` means.

    Raises ArgumentError unless it is "automatic", "numerical", a `Numerical`, or a function.
    """
    if isinstance(gradient, str) and gradient in ("automatic", "numerical"):
        return Automatic() if gradient == "automatic" else Numerical()
    if isinstance(gradient, GradientSource):
        return gradient
    if callable(gradient):
        return Given(gradient)
    raise ArgumentError(
        f'gradient={gradient!r}: expected "automatic", "numerical", tw.Numerical("forward", step=1e-4), or a function that '
        "takes what the loss takes and returns the gradient, nested as the parameters are"
    )


def _as_vector(value: Any, layout: Layout, function: Any, concatenate: Any) -> Any:
    """A gradient, nested as the parameters, as one vector."""
    name = getattr(function, "__name__", "gradient")
    leaves, _ = flatten(value)
    if len(leaves) != len(layout.types):
        raise LossError(
            f"the gradient {name} returns {len(leaves)} arrays for {len(layout.types)}; "
            "return one for each of the parameters, nested as these are"
        )
    parts = []
    for leaf, type, label in zip(leaves, layout.types, layout.names, strict=True):
        array = leaf if isinstance(leaf, Traced) else np.asarray(leaf)
        if array.shape != type.shape:
            raise LossError(
                f"the gradient {name} returns the shape {array.shape} for the parameters{label}, whose shape is {type.shape}"
            )
        parts.append(array.reshape(-1))
    return concatenate(parts) if len(parts) > 1 else parts[0]


# Functions that cannot be traced
def _raise_no_derivative(*_: Any, **__: Any) -> Any:
    raise TracingError("a loss that cannot be traced has no derivatives of its own")


def _batch_call(is_batched: tuple[bool, ...], *operands: Any, function: Any, type: ArrayType) -> Any:
    """One call after the other."""
    size = next(x.shape[0] for x, batched_ in zip(operands, is_batched, strict=True) if batched_)

    def each(*arrays: Array) -> Array:
        rows = (
            [array[i] if batched_ else array for array, batched_ in zip(arrays, is_batched, strict=True)]
            for i in range(size)
        )
        return np.stack([np.asarray(function(*row)) for row in rows])

    of_all = ArrayType((size, *type.shape), type.dtype)
    return operands[0].apply(CALL, *operands[1:], function=each, type=of_all)


CALL = Primitive(
    "call",
    lambda *types, function, type: type,
    lambda *arrays, function, type: np.asarray(function(*arrays), type.dtype),
    _raise_no_derivative,
    _raise_no_derivative,
    _batch_call,
)
"""A call of a Python function: the one operation that only the NumPy target knows."""


def _call(function: Callable[..., Any], types: Sequence[ArrayType], returns: ArrayType) -> Graph:
    inputs = tuple(input_node(type) for type in types)
    node = Node(CALL, inputs, returns, {"function": function, "type": returns}, None)
    return Graph(inputs, (node,))


def called(loss: Callable[..., Any], types: Sequence[ArrayType], arguments: Arguments) -> Graph:
    """The graph of a loss that cannot be traced: one call."""

    def on_numbers(vector: Array, *arrays: Array) -> Array:
        value = loss(*arguments(vector, *arrays))
        try:
            return np.asarray(float(value), np.float64)
        except (TypeError, ValueError):
            name = getattr(loss, "__name__", "loss")
            raise LossError(f"the loss {name} returns {value!r}; a loss is one number") from None

    return _call(on_numbers, types, ArrayType((), np.dtype(np.float64)))

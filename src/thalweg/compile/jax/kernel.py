"""A sweep over the examples as one GPU kernel, which reads each byte of data once.

X·w and Xᵀ·r need all of X, so a library call for each reads it twice. Here a block of examples is read into registers and goes
through the whole sweep, forward and backward, before the next: for losses of one linear predictor (least squares, logistic,
Poisson, hinge, ...) a step then costs one pass over the data. Each program of the grid takes every so-manieth block, keeps
its own totals, and writes them once; their sum is formed afterwards, in an order that does not change.

The kernel is written in Pallas, for Triton. Blocks there have powers of two as extents: what lies beyond an array is filled with
zeros and masked before each sum. Products of matrices with matrices are left to the libraries.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental import pallas as pl

from ...graph import Graph, Node, Shape
from ...ops.contraction import free_axes
from ..cut import Sweep
from ..examples import follow_examples
from .lowering import LOWERINGS

__all__ = ["ELEMENTWISE", "Kernel", "kernel_of", "of_triton", "padded"]

Value = Any

_BLOCK = 8192
"""Numbers in the largest value of a block: 64 registers of each of 128 threads."""

_WARPS = 4
_FEWEST_ROWS = 8
_MOST_PROGRAMS = 8192
"""Enough for many rounds of all that a GPU runs at once, so that the last, incomplete one weighs little."""

ELEMENTWISE = (
    *("add", "subtract", "multiply", "divide", "negative", "absolute", "maximum", "minimum", "power", "floor", "ceil"),
    *("exp", "expm1", "log", "log1p", "sqrt", "expit", "softplus", "tanh", "sin", "cos", "where", "detach", "convert"),
    *("less", "less_equal", "equal", "not_equal", "logical_and", "logical_or", "logical_not"),
)
_REDUCTIONS: dict[str, tuple[Any, float]] = {
    "sum": (jnp.sum, 0.0),
    "maximum_reduce": (jnp.max, -np.inf),
    "minimum_reduce": (jnp.min, np.inf),
}


def of_triton() -> Any:
    """What Pallas has for Triton alone. Looked for when a kernel is made: JAX has announced its end, and descents go on without kernels."""
    from jax.experimental.pallas import triton

    return triton


def padded(shape: Shape) -> Shape:
    """The shape with powers of two as extents."""
    return tuple(1 << max(0, extent - 1).bit_length() for extent in shape)


@dataclass(frozen=True, eq=False)
class Kernel:
    """A sweep that a kernel can do. graph: (*reads, *data of `rows` examples) → totals."""

    sweep: Sweep
    graph: Graph
    rows: int

    def totals(self, read: Sequence[Value], data: Sequence[Value], is_interpreted: bool = False) -> list[Value]:
        """The totals over all examples."""
        count = len(data[0])
        blocks = -(-count // self.rows)
        programs = min(blocks, _MOST_PROGRAMS)
        inputs = [jnp.reshape(value, (1,)) if value.ndim == 0 else value for value in (*read, *data)]
        shapes = [(programs, *padded(node.shape)) for node in self.graph.outputs]
        partial = pl.pallas_call(
            _Body(self, count, programs, -(-blocks // programs)),
            grid=(programs,),
            out_specs=[pl.BlockSpec((1, *shape[1:]), _first_axis(len(shape))) for shape in shapes],
            out_shape=[
                jax.ShapeDtypeStruct(shape, node.dtype)  # type: ignore[no-untyped-call]  # JAX's
                for shape, node in zip(shapes, self.graph.outputs, strict=True)
            ],
            compiler_params=None if is_interpreted else of_triton().CompilerParams(num_warps=_WARPS, num_stages=2),
            interpret=is_interpreted,
            name="sweep",
        )(*inputs)
        found = []
        for node, parts in zip(self.graph.outputs, partial, strict=True):
            kept = parts[(slice(None), *(slice(0, extent) for extent in node.shape))]
            found.append(jnp.sum(kept, axis=0, dtype=np.float64).astype(node.dtype))
        return found


def _first_axis(rank: int) -> Any:
    return lambda program: (program, *(0,) * (rank - 1))


def kernel_of(sweep: Sweep) -> Kernel | None:
    """The kernel of a sweep whose totals are sums; None if it has an operation that kernels have not, or a row is too long."""
    short = sweep.graph(_FEWEST_ROWS)
    if any(node.primitive.name in ("input", "constant") for node in short.outputs):
        return None
    if not all(_is_supported(node) for node in short.nodes):
        return None
    data = set(short.inputs[len(sweep.reads) :])
    axis = follow_examples(short, data, _FEWEST_ROWS).axis
    largest = max(math.prod(padded(node.shape)) for node in short.nodes if node in axis) // _FEWEST_ROWS
    others = max((math.prod(padded(node.shape)) for node in short.nodes if node not in axis), default=1)
    rows = min(256, _BLOCK // largest)
    if rows < _FEWEST_ROWS or others > _BLOCK:
        return None
    return Kernel(sweep, sweep.graph(rows), rows)


def _is_supported(node: Node) -> bool:
    name = node.primitive.name
    if len(node.shape) > 2:
        return False
    if name in ELEMENTWISE or name in _REDUCTIONS or name in ("input", "broadcast"):
        return True
    if name == "constant":
        return node.type.size == 1
    if name == "reshape":
        return _long(node.shape) == _long(node.operands[0].shape)
    return name == "dot" and _is_with_vector(node)


def _long(shape: Shape) -> Shape:
    return tuple(extent for extent in shape if extent != 1)


def _is_with_vector(node: Node) -> bool:
    """Whether a product has a vector as one of its operands, all of which is summed over, or a number."""
    contract, batch = node.attributes["contract"], node.attributes["batch"]
    a, b = node.operands
    free = len(free_axes(len(a.shape), contract[0], ())), len(free_axes(len(b.shape), contract[1], ()))
    return not batch[0] and len(contract[0]) <= 1 and min(free) == 0


@dataclass(frozen=True, eq=False)
class _Body:
    """What a program of the grid does. count: examples. share: blocks for each program."""

    kernel: Kernel
    count: int
    programs: int
    share: int

    @property
    def __name__(self) -> str:
        return "sweep"

    def __call__(self, *references: Any) -> None:
        inputs = references[: len(self.kernel.graph.inputs)]
        outputs = references[len(self.kernel.graph.inputs) :]
        reads = len(self.kernel.sweep.reads)
        known = [self._load(ref, node) for ref, node in zip(inputs, self.kernel.graph.inputs[:reads], strict=False)]
        program = pl.program_id(0)

        def block(number: Value, before: tuple[Value, ...]) -> tuple[Value, ...]:
            first = (program + number.astype(np.int32) * np.int32(self.programs)) * np.int32(self.kernel.rows)
            tile = [
                self._load(ref, node, first)
                for ref, node in zip(inputs[reads:], self.kernel.graph.inputs[reads:], strict=True)
            ]
            return tuple(a + b for a, b in zip(before, self._totals(known, tile, first), strict=True))

        start = tuple(jnp.zeros(padded(node.shape), node.dtype) for node in self.kernel.graph.outputs)
        for ref, value in zip(outputs, lax.fori_loop(np.int32(0), np.int32(self.share), block, start), strict=True):
            ref[...] = jnp.reshape(value, ref.shape)

    def _load(self, ref: Any, node: Node, first: Value | None = None) -> Value:
        """An input, with zeros beyond its end. first: the first example of the block, for data."""
        if not node.shape:
            return ref[0]
        extents = (self.count, *node.shape[1:]) if first is not None else node.shape
        places, inside = [], None
        shape = padded(node.shape)
        for axis, (extent, size) in enumerate(zip(extents, shape, strict=True)):
            place = _along(axis, shape) + (first if first is not None and axis == 0 else np.int32(0))
            places.append(place)
            if extent != size:
                is_inside = place < np.int32(extent)
                inside = is_inside if inside is None else inside & is_inside
        index = tuple(jnp.broadcast_to(place, shape) for place in places)
        if inside is None:
            found = of_triton().load(ref.at[index])
        else:
            mask = jnp.broadcast_to(inside, shape)
            found = of_triton().load(ref.at[index], mask=mask, other=jnp.zeros(shape, ref.dtype))
        return found.astype(node.dtype)

    def _totals(self, known: Sequence[Value], tile: Sequence[Value], first: Value) -> list[Value]:
        graph = self.kernel.graph
        axis = follow_examples(graph, graph.inputs[len(known) :], self.kernel.rows).axis
        values: dict[Node, Value] = dict(zip(graph.inputs, [*known, *tile], strict=True))
        for node in graph.nodes:
            if node not in values:
                values[node] = self._value(node, values, axis, first)
        return [values[node] for node in graph.outputs]

    def _value(self, node: Node, values: dict[Node, Value], axis: Any, first: Value) -> Value:
        name, shape = node.primitive.name, padded(node.shape)
        operands = [values[operand] for operand in node.operands]
        if name == "constant":
            return jnp.full(shape, node.value.item(), node.dtype)
        if name == "broadcast":
            (x,) = operands
            return jnp.broadcast_to(jnp.reshape(x, (1,) * (len(shape) - x.ndim) + x.shape), shape)
        if name == "reshape":
            return jnp.reshape(operands[0], shape)
        masked = [
            self._masked(x, operand, axis, first, node) for x, operand in zip(operands, node.operands, strict=True)
        ]
        if name in _REDUCTIONS:
            return _REDUCTIONS[name][0](masked[0], axis=node.attributes["axes"]).astype(node.dtype)
        if name == "dot":
            return _product(node, *masked)
        return LOWERINGS[name](*operands, **node.attributes)

    def _masked(self, value: Value, node: Node, axis: Any, first: Value, reader: Node) -> Value:
        """A value with what a sum must not see replaced: what lies beyond the end of an axis that the sum runs over."""
        for along in _summed_axes(reader, node):
            is_of_examples = axis.get(node) == along
            if is_of_examples:
                is_inside = _along(along, value.shape) + first < np.int32(self.count)
            elif node.shape[along] != value.shape[along]:
                is_inside = _along(along, value.shape) < np.int32(node.shape[along])
            else:
                continue
            nothing = jnp.full(value.shape, _identity(reader), value.dtype)
            value = jnp.where(jnp.broadcast_to(is_inside, value.shape), value, nothing)
        return value


def _along(axis: int, shape: Shape) -> Value:
    """0, 1, 2, ... along an axis, with extent 1 along the others."""
    return jnp.reshape(
        jnp.arange(shape[axis], dtype=np.int32), tuple(n if i == axis else 1 for i, n in enumerate(shape))
    )


def _summed_axes(reader: Node, operand: Node) -> Shape:
    if reader.primitive.name in _REDUCTIONS:
        return tuple(reader.attributes["axes"])
    if reader.primitive.name == "dot":
        return tuple(reader.attributes["contract"][reader.operands.index(operand)])
    return ()


def _identity(node: Node) -> float:
    """What changes nothing in a reduction or a product."""
    name = node.primitive.name
    return _REDUCTIONS[name][1] if name in _REDUCTIONS else 0.0


def _product(node: Node, a: Value, b: Value) -> Value:
    """A product with a vector, as a sum of products: what is read decides its speed, not what is computed."""
    contract = node.attributes["contract"]
    if not contract[0]:
        return a * b
    (left,), (right,) = contract
    if a.ndim < b.ndim:
        a, b, left = b, a, right
    spread = jnp.reshape(b, tuple(n if axis == left else 1 for axis, n in enumerate(a.shape)))
    return jnp.sum(a * spread, axis=left)

"""Cutting a graph where examples end: into sweeps over chunks of examples, and what lies between them.

A total over all examples is the sum (or the largest, or the smallest) of the totals of chunks. So a graph can be evaluated
without ever holding all examples: parts that know no examples, and sweeps, which take any number of examples and give their
totals. Wherever the chunks are (memory, a disk, another machine), only totals come back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import LossError
from ..graph import Array, Graph, Node, input_node, make, transform, with_operands
from ..graph.node import ArrayType
from ..ops.reduction import maximum_reduce, minimum_reduce
from ..ops.structure import broadcast, reshape, transpose
from .examples import Examples, follow_examples, implied_axis

__all__ = ["Cut", "Part", "Sweep", "added", "cut", "identities", "sweep_of"]


@dataclass(frozen=True, eq=False)
class Part:
    """What knows no examples. graph: the values of `reads` → those of `writes`."""

    graph: Graph
    reads: tuple[Node, ...]
    writes: tuple[Node, ...]


@dataclass(frozen=True, eq=False)
class Sweep:
    """One pass over the examples. It reads values (`reads`) and rows of the data, and writes totals.

    data: the data, as inputs of the whole graph. examples: where they are in it.
    """

    examples: Examples
    data: tuple[Node, ...]
    reads: tuple[Node, ...]
    writes: tuple[Node, ...]

    def graph(self, rows: int, by_columns: Collection[int] = ()) -> Graph:
        """(*reads, *data of so many rows) → the totals of these rows.

        by_columns: the numbers of the arrays of data, of two axes, that come transposed: (columns, rows).
        """
        shorter = _Shorter(self.examples, rows, {node: input_node(node.type) for node in self.reads})
        data = [shorter.node(node) for node in self.data]
        for number in by_columns:
            count = self.data[number].shape[1]
            data[number] = input_node(ArrayType((count, rows), self.data[number].dtype))
            shorter.known[self.data[number]] = make(transpose, data[number], axes=(1, 0))
        totals = tuple(shorter.node(node) for node in self.writes)
        return Graph((*(shorter.known[node] for node in self.reads), *data), totals)

    @cached_property
    def combine(self) -> tuple[np.ufunc, ...]:
        """How each total is put together from those of chunks."""
        special = {maximum_reduce: np.maximum, minimum_reduce: np.minimum}
        return tuple(special.get(node.primitive, np.add) for node in self.writes)


@dataclass(frozen=True, eq=False)
class Cut:
    """A graph as parts in the order in which they run: a part without examples, a sweep, a part, and so on."""

    graph: Graph
    parts: tuple[Part | Sweep, ...]

    @property
    def sweeps(self) -> tuple[Sweep, ...]:
        """The passes over the examples."""
        return tuple(part for part in self.parts if isinstance(part, Sweep))

    def evaluate(
        self,
        inputs: Mapping[Node, Array],
        between: Callable[[Part, Sequence[Array]], Sequence[Array]],
        over: Callable[[Sweep, Sequence[Array]], Sequence[Array]],
    ) -> tuple[Array, ...]:
        """The graph's outputs. inputs: all but the data. between, over: compute a part, and the totals of a sweep."""
        values: dict[Node, Array] = dict(inputs)
        for part in self.parts:
            read = [values[node] for node in part.reads]
            written = between(part, read) if isinstance(part, Part) else over(part, read)
            values.update(zip(part.writes, written, strict=True))
        return tuple(values[node] if node in values else np.asarray(node.value) for node in self.graph.outputs)


def cut(graph: Graph, examples: Examples, data: Sequence[Node]) -> Cut:
    """Cuts a graph. data: the inputs whose first axis runs over examples.

    Raises LossError if the loss refers to an array with a row for each example that is not among the data.
    """
    wanted = {node for node in graph.outputs if not (node.is_input or node.is_constant)}
    assert not any(node in examples.axis for node in wanted), "outputs are totals, or follow from totals"
    parts: list[Part | Sweep] = []
    last = max((examples.phase[node] for node in graph.nodes), default=0)
    for phase in range(last, -1, -1):
        part = _part(graph, examples, phase, wanted)
        if part.writes:
            parts.append(part)
            wanted |= set(part.reads)
        sweep = _sweep(graph, examples, phase, wanted, data)
        if sweep is not None:
            parts.append(sweep)
            wanted |= set(sweep.reads)
    return Cut(graph, tuple(reversed(parts)))


def sweep_of(graph: Graph, arrays: int) -> Sweep:
    """The sweep whose graph, for all examples, this is: (*reads, *data) → totals. arrays: of data."""
    data = graph.inputs[len(graph.inputs) - arrays :]
    examples = follow_examples(graph, data, data[0].shape[0])
    return Sweep(examples, data, graph.inputs[: len(graph.inputs) - arrays], graph.outputs)


def added(sweep: Sweep, totals: Sequence[Array], more: Sequence[Array]) -> list[Array]:
    """Totals of some examples and of more. The first are overwritten, if they have room for the digits: new memory costs more than
    adding."""
    return [
        combine(a, b, out=a if a.ndim and a.dtype == np.result_type(a, b) else None)
        for combine, a, b in zip(sweep.combine, totals, more, strict=True)
    ]


def identities(sweep: Sweep) -> list[Array]:
    """The totals of no examples. Sums are kept in float64, so that many chunks lose no digits."""
    return [_identity(node, combine) for node, combine in zip(sweep.writes, sweep.combine, strict=True)]


def _identity(node: Node, combine: np.ufunc) -> Array:
    is_float = node.dtype.kind == "f"
    if combine is np.add:
        return np.zeros(node.shape, np.float64 if is_float else node.dtype)
    low, high = (-np.inf, np.inf) if is_float else (np.iinfo(node.dtype).min, np.iinfo(node.dtype).max)
    return np.full(node.shape, low if combine is np.maximum else high, node.dtype)


def _part(graph: Graph, examples: Examples, phase: int, wanted: set[Node]) -> Part:
    """What follows from totals of this phase and earlier ones, without examples."""
    here = {
        node
        for node in graph.nodes
        if examples.phase[node] == phase
        and node not in examples.axis
        and node not in examples.totals
        and not (node.is_input or node.is_constant)
    }
    writes = tuple(node for node in graph.nodes if node in here and node in wanted)
    reads: dict[Node, Node] = {}
    stack, seen = list(writes), set(writes)
    while stack:
        for operand in stack.pop().operands:
            if operand not in here and not operand.is_constant:
                reads.setdefault(operand, input_node(operand.type))
            elif operand in here and operand not in seen:
                seen.add(operand)
                stack.append(operand)
    return Part(Graph(tuple(reads.values()), transform(writes, reads, with_operands)), tuple(reads), writes)


def _sweep(graph: Graph, examples: Examples, phase: int, wanted: set[Node], data: Sequence[Node]) -> Sweep | None:
    """The pass that forms the totals of a phase."""
    writes = tuple(
        node for node in graph.nodes if node in examples.totals and examples.phase[node] == phase and node in wanted
    )
    if not writes:
        return None
    reads = _Shorter(examples, 1, {})
    for node in writes:
        reads.node(node)
    return Sweep(examples, tuple(data), tuple(reads.read), writes)


def _before_reshape(node: Node, axis: int) -> int | None:
    """The operand's axis that became this one; None if it was split or merged."""
    old, new = node.operands[0].shape, node.shape
    found = (i for i, n in enumerate(old) if n == new[axis] and math.prod(old[:i]) == math.prod(new[:axis]))
    return next(found, None)


class _Shorter:
    """The nodes of a sweep for another number of examples.

    known: what stands for a node. read: nodes that know no examples, in the order in which they were met.
    """

    def __init__(self, examples: Examples, rows: int, known: Mapping[Node, Node]) -> None:
        self.examples = examples
        self.rows = rows
        self.known = dict(known)
        self.read: dict[Node, Node] = dict(known)
        self._along: dict[tuple[Node, int], Node] = {}

    def node(self, wanted: Node) -> Node:
        """A per-example node or a total, with all that it is made of; not recursive, since graphs can be deep."""
        stack = [wanted]
        while stack:
            node = stack[-1]
            waiting = [x for x in node.operands if x in self.examples.axis and x not in self.known]
            if node not in self.known and waiting:
                stack.extend(waiting)
                continue
            stack.pop()
            if node not in self.known:
                self.known[node] = self._made(node)
        return self.known[wanted]

    def _made(self, node: Node) -> Node:
        axis = self.examples.axis
        if node.is_input:
            return input_node(ArrayType(self._shape(node, axis[node]), node.dtype))
        operands = [self._operand(node, position) for position in range(len(node.operands))]
        return make(node.primitive, *operands, source=node.source, **self._attributes(node, axis.get(node)))

    def _operand(self, reader: Node, position: int) -> Node:
        node = reader.operands[position]
        if node in self.examples.axis:
            return self.known[node]
        axis = implied_axis(reader, position, self.examples.axis)
        return self._outside(node) if axis is None else self._read_along(node, axis)

    def _outside(self, node: Node) -> Node:
        """A value that knows no examples: a constant, or what is computed before the sweep."""
        if node.is_constant:
            return node
        if node not in self.read:
            self.read[node] = self.known[node] = input_node(node.type)
        return self.read[node]

    def _read_along(self, node: Node, axis: int) -> Node:
        """A value that is repeated for each example, for fewer examples."""
        if (node, axis) not in self._along:
            self._along[node, axis] = self._repeated(node, axis)
        return self._along[node, axis]

    def _repeated(self, node: Node, axis: int) -> Node:
        if node.primitive is broadcast:
            (operand,) = node.operands
            before = axis - (len(node.shape) - len(operand.shape))
            is_new = before < 0 or operand.shape[before] == 1
            inner = self._outside(operand) if is_new else self._read_along(operand, before)
            return make(broadcast, inner, source=node.source, shape=self._shape(node, axis))
        if node.primitive is transpose:
            inner = self._read_along(node.operands[0], node.attributes["axes"][axis])
            return make(transpose, inner, source=node.source, **node.attributes)
        if node.primitive is reshape and (same := _before_reshape(node, axis)) is not None:
            inner = self._read_along(node.operands[0], same)
            return make(reshape, inner, source=node.source, shape=self._shape(node, axis))
        if node.primitive.is_elementwise:
            operands = [self._read_along(operand, axis) for operand in node.operands]
            return make(node.primitive, *operands, source=node.source, **node.attributes)
        where = f" at {node.source}" if node.source else ""
        raise LossError(
            f"the loss refers to an array of the shape {node.shape}{where}, with a value for each example, which is not among "
            "the data. Pass it with the data, so that each chunk of examples brings its own rows."
        )

    def _shape(self, node: Node, axis: int) -> tuple[int, ...]:
        return (*node.shape[:axis], self.rows, *node.shape[axis + 1 :])

    def _attributes(self, node: Node, axis: int | None) -> Mapping[str, Any]:
        if axis is None or "shape" not in node.attributes:
            return node.attributes
        return {**node.attributes, "shape": self._shape(node, axis)}

"""Indices that are data, such as the number of a class: checked before the descent, since compiled code cannot raise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from ..autodiff import batched
from ..errors import DataError
from ..graph import Array, ArrayType, Graph, Node, evaluate, input_node, make, topological_order
from ..ops.indexing import scatter_add, take
from ..ops.reduction import maximum_reduce, minimum_reduce
from ..ops.structure import broadcast, reshape
from .chunks import over_data
from .data import Data, ScatteredData
from .problem import Problem

__all__ = ["check_indices"]


def check_indices(problem: Problem, data: Data) -> None:
    """Raises DataError if an index that depends on the data alone leaves the axis that it reads."""
    if isinstance(data, ScatteredData):
        _check_scattered(problem, data)
    elif data.examples:
        for check in problem.known.get(("indices", data.examples), lambda: _checks(problem, data.examples)):
            check.run(data)


@dataclass(frozen=True, eq=False)
class _Check:
    """Indices in the axis of a reader.

    graph: data → indices, for many of the batches that the problem is for, at once. source: the number of the only array that the
    indices depend on, if each does so on one element of it.
    """

    graph: Graph
    together: int
    extent: int
    reader: Node
    source: int | None

    def run(self, data: Data) -> None:
        if self.source is not None:
            array = data.arrays[self.source]
            if array.dtype.kind in "iu" and self.are_inside(int(array.min()), int(array.max())):
                return
        for block in _blocks(data, self.graph.inputs, self.together):
            (found,) = evaluate(self.graph, block)
            bad = found[(found < 0) | (found >= self.extent)]
            if bad.size:
                raise _outside(bad.flat[0], self.extent, self.reader)

    @cached_property
    def are_inside(self) -> Callable[[int, int], bool]:
        """Whether all whole numbers from one to another lead to indices within the axis. False, if they are many."""

        @lru_cache(maxsize=32)
        def are_inside(lowest: int, highest: int) -> bool:
            assert self.source is not None
            count = highest - lowest + 1
            if count > self.graph.inputs[self.source].type.size:
                return False
            values = np.arange(lowest, highest + 1)
            block = [np.resize(values, node.shape).astype(node.dtype) for node in self.graph.inputs]
            (found,) = evaluate(self.graph, block)
            return bool(((found >= 0) & (found < self.extent)).all())

        return are_inside


def _checks(problem: Problem, examples: int) -> list[_Check]:
    inputs, checks = problem.data_inputs, []
    for indices, extent, reader in _indices_of_data(problem):
        source = _source_of(indices)
        number = None if source is None else inputs.index(source)
        checks.append(_Check(*_of_many(inputs, indices, examples), extent, reader, number))
    return checks


def _source_of(indices: Node) -> Node | None:
    """The only input that the indices depend on, if each depends on one element of it; else None."""
    way: dict[Node, tuple[Node, ...]] = {}  # from the input, over the nodes that move its elements
    for node in topological_order([indices]):
        ways = {way[operand] for operand in node.operands} - {()}
        if len(ways) > 1 or (node.is_constant and node.type.size != 1):
            return None
        own = ways.pop() if ways else ()
        if node.is_input or (own and node.primitive in (reshape, broadcast)):
            own = (*own, node)
        elif not (node.is_constant or node.primitive.is_elementwise or node.primitive in (reshape, broadcast)):
            return None
        way[node] = own
    return way[indices][0] if way[indices] else None


def _outside(index: int, extent: int, reader: Node) -> DataError:
    return DataError(
        f"{reader.source}: the data hold the index {index}, which leaves an axis of length {extent} "
        f"(indices go from 0 to {extent - 1})"
    )


def _check_scattered(problem: Problem, data: ScatteredData) -> None:
    """The same by the smallest and the largest of all indices, in one pass."""
    found = list(_indices_of_data(problem))
    if not found:
        return
    ends = [
        make(reduce, indices, axes=tuple(range(len(indices.shape))))
        for indices, _, _ in found
        for reduce in (minimum_reduce, maximum_reduce)
    ]
    values = over_data(Graph(problem.data_inputs, tuple(ends)), data, first=0)()
    for (_, extent, reader), low, high in zip(found, values[::2], values[1::2], strict=True):
        if low < 0 or high >= extent:
            raise _outside(int(low if low < 0 else high), extent, reader)


def _indices_of_data(problem: Problem) -> Iterator[tuple[Node, int, Node]]:
    """Indices that depend on the data alone, the length of the axis that they read, and what reads it."""
    data = set(problem.data_inputs)
    others = set(problem.graph.inputs) - data
    for indices, extent, reader in _indices(problem.graph):
        used = set(topological_order([indices]))
        if used & data and not used & others:
            yield indices, extent, reader


def _indices(graph: Graph) -> Iterator[tuple[Node, int, Node]]:
    for node in graph.nodes:
        if node.primitive is take:
            yield node.operands[1], node.operands[0].shape[node.attributes["axis"]], node
        elif node.primitive is scatter_add:
            yield node.operands[1], node.attributes["extent"], node


_TOGETHER = 1 << 16
"""Examples whose indices are computed in one go."""


def _of_many(inputs: tuple[Node, ...], indices: Node, examples: int) -> tuple[Graph, int]:
    """The graph of the indices for many of the batches that it was traced for, and for how many."""
    rows = inputs[0].shape[0]
    together = max(1, min(examples, _TOGETHER) // rows)
    wide = tuple(input_node(ArrayType((together, *node.shape), node.dtype)) for node in inputs)
    return Graph(wide, batched([indices], list(inputs), list(wide), together)), together


def _blocks(data: Data, inputs: tuple[Node, ...], together: int) -> Iterator[list[Array]]:
    """All examples, so many batches at a time; the last block overlaps the one before."""
    size = together * inputs[0].shape[1]
    for start in np.unique(np.minimum(np.arange(0, data.examples, size), data.examples - size)).tolist():
        yield [array[start : start + size].reshape(node.shape) for array, node in zip(data.arrays, inputs, strict=True)]

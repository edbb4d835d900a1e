"""Following the examples: which axis of each value runs over examples, and in which order totals are formed.

A loss over data is a sum over examples, so it can be computed tile by tile: a block of examples that fits in cache
goes through the whole graph before the next is touched. A node is *per example* if one of its axes runs over the
examples; it is a *total* if that axis vanishes in it through a sum (or a maximum). What needs a total waits for
the next *phase*: phase p sweeps over the tiles once and forms the totals of phase p + 1. The mean of squares and
its gradient need one sweep; a loss such as sqrt(mean(r²)) needs two.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from ..graph import Graph, Node
from ..ops.contraction import dot, free_axes
from ..ops.indexing import argsort, scatter_add, take
from ..ops.linear_algebra import cholesky, slogdet, solve
from ..ops.reduction import cumulative_sum, maximum_reduce, minimum_reduce, sum_
from ..ops.structure import broadcast, place, reshape, slice_, transpose

__all__ = ["Examples", "MixedExamplesError", "follow_examples", "follow_lanes", "implied_axis"]


class MixedExamplesError(Exception):
    """The graph combines different examples with one another in another way than by a sum."""

    def __init__(self, node: Node) -> None:
        super().__init__(f"{node.primitive.name} mixes examples")
        self.node = node


@dataclass(frozen=True, eq=False)
class Examples:
    """Where the examples are in a graph.

    count: the number of examples. axis: for each node that is per example, the axis that runs over them.
    totals: the nodes in which that axis vanishes. phase: for each node, the number of sweeps before it.
    """

    count: int
    axis: Mapping[Node, int]
    totals: frozenset[Node]
    phase: Mapping[Node, int]

    @property
    def sweeps(self) -> int:
        """How many times the data are read in one evaluation."""
        return max((self.phase[node] for node in self.totals), default=0) or 1


def follow_examples(graph: Graph, inputs: Iterable[Node], count: int, by_columns: Collection[Node] = ()) -> Examples:
    """Follows the first axis of the given inputs, which has `count` examples, through the graph.

    by_columns: those of the inputs whose second axis it is. Raises MixedExamplesError at the first node that mixes examples.
    """
    axis: dict[Node, int] = {node: int(node in by_columns) for node in inputs}
    totals: set[Node] = set()
    phase: dict[Node, int] = {}
    for node in graph.nodes:
        after = max((phase[operand] for operand in node.operands), default=0)
        if any(operand in axis for operand in node.operands):
            found = _axis_of(node, axis, count)
            if found is None:
                totals.add(node)
                after += 1
            else:
                axis[node] = found
        phase[node] = after
    return Examples(count, axis, frozenset(totals), phase)


def follow_lanes(graph: Graph, inputs: Iterable[Node], count: int) -> dict[Node, int]:
    """For each node that holds a value of each member of a population, the axis that runs over members.

    It is the first axis of the given inputs. Where members are combined it ends.
    """
    axis: dict[Node, int] = {node: 0 for node in inputs if node.shape[:1] == (count,)}
    for node in graph.nodes:
        if any(operand in axis for operand in node.operands):
            with suppress(MixedExamplesError):
                found = _axis_of(node, axis, count)
                if found is not None:
                    axis[node] = found
    return axis


def _axis_of(node: Node, axis: Mapping[Node, int], count: int) -> int | None:
    """The axis of a node with per-example operands; None if it is a total."""
    primitive = node.primitive
    if primitive.is_elementwise:
        return _shared(node, axis)
    if primitive in (sum_, maximum_reduce, minimum_reduce):
        return _through_reduction(node, axis[node.operands[0]])
    if primitive is dot:
        return _through_dot(node, axis)
    if primitive in (broadcast, reshape, transpose, slice_):
        return _through_structure(node, axis[node.operands[0]], count)
    if primitive is place:
        return _through_place(node, axis, count)
    if primitive in (take, scatter_add):
        return _through_take(node, axis)
    if primitive is cumulative_sum and axis[node.operands[0]] != node.attributes["axis"]:
        return axis[node.operands[0]]
    if primitive is argsort and axis[node.operands[0]] < len(node.shape) - 1:
        return axis[node.operands[0]]
    if primitive in (solve, cholesky, slogdet):
        found = _shared(node, axis)
        is_of_columns = primitive is solve and node.operands[0] not in axis and found == len(node.shape) - 1
        if (
            found < len(node.operands[0].shape) - 2 or is_of_columns
        ):  # each column of a right-hand side is solved for alone
            return found
    raise MixedExamplesError(node)


def _shared(node: Node, axis: Mapping[Node, int]) -> int:
    """The axis that all per-example operands agree on."""
    found = {axis[operand] for operand in node.operands if operand in axis}
    if len(found) != 1:
        raise MixedExamplesError(node)
    return found.pop()


def _through_reduction(node: Node, axis: int) -> int | None:
    axes = node.attributes["axes"]
    return None if axis in axes else axis - sum(a < axis for a in axes)


def _through_dot(node: Node, axis: Mapping[Node, int]) -> int | None:
    contract, batch = node.attributes["contract"], node.attributes["batch"]
    pairs = list(zip(*contract, strict=True))
    sides = [axis.get(operand) for operand in node.operands]
    if any(left == sides[0] and right == sides[1] for left, right in pairs):
        return None
    for side in (0, 1):
        here, there = sides[side], sides[1 - side]
        if here is not None and there is None:
            if here in contract[side]:
                return None
            if here in batch[side]:
                return int(batch[side].index(here))
            free = free_axes(len(node.operands[side].shape), contract[side], batch[side])
            before = 0 if side == 0 else len(node.shape) - len(free) - len(batch[0])
            return len(batch[0]) + before + free.index(here)
    shared = list(zip(*batch, strict=True))
    if (sides[0], sides[1]) in shared:
        return shared.index((sides[0], sides[1]))  # type: ignore[arg-type]  # both are known here
    raise MixedExamplesError(node)


def _through_structure(node: Node, axis: int, count: int) -> int:
    (x,) = node.operands
    if node.primitive is broadcast:
        new = axis + len(node.shape) - len(x.shape)
        if node.shape[new] == count:
            return new
    elif node.primitive is transpose:
        return int(node.attributes["axes"].index(axis))
    elif node.primitive is slice_:
        starts, strides = node.attributes["window"]
        if starts[axis] == 0 and strides[axis] == 1 and node.shape[axis] == count:
            return axis
    else:
        return _through_reshape(node, axis)
    raise MixedExamplesError(node)


def _through_reshape(node: Node, axis: int) -> int:
    """The axis survives if it is neither split nor merged."""
    old, new = node.operands[0].shape, node.shape
    before = math.prod(old[:axis])
    for candidate, extent in enumerate(new):
        if extent == old[axis] and math.prod(new[:candidate]) == before:
            return candidate
    raise MixedExamplesError(node)


def _through_place(node: Node, axis: Mapping[Node, int], count: int) -> int:
    found = _shared(node, axis)
    for piece, (starts, strides) in zip(node.operands, node.attributes["windows"], strict=True):
        if starts[found] != 0 or strides[found] != 1 or piece.shape[found] != count:
            raise MixedExamplesError(node)
    if node.shape[found] != count:
        raise MixedExamplesError(node)
    return found


def _through_take(node: Node, axis: Mapping[Node, int]) -> int | None:
    along = node.attributes["axis"]
    values, indices = (axis.get(operand) for operand in node.operands)
    if node.primitive is take and values is not None and values == along:
        raise MixedExamplesError(node)
    if node.primitive is take and values is not None and indices is not None and values != indices:
        raise MixedExamplesError(node)
    found = indices if values is None else values
    if node.primitive is scatter_add and found == along:
        return None
    if found is None or (node.primitive is take and values is not None and found == along):
        raise MixedExamplesError(node)
    return found


def implied_axis(reader: Node, position: int, axis: Mapping[Node, int]) -> int | None:
    """The axis of examples of an operand that is not computed from examples but read along with them."""
    others = [(i, axis[x]) for i, x in enumerate(reader.operands) if x in axis and i != position]
    if not others:
        return None
    other, found = others[0]
    if reader.primitive is dot:
        for pairs in (reader.attributes["contract"], reader.attributes["batch"]):
            if found in pairs[other]:
                return int(pairs[position][pairs[other].index(found)])
        return None
    if reader.primitive is take and position == 0 and found == reader.attributes["axis"]:
        return None
    if reader.primitive is solve and position == 0 and found == len(reader.shape) - 1:  # one matrix for all columns
        return None
    return found

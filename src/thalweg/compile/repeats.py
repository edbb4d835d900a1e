"""Parts of a graph that repeat: loops of the user's code, which were traced step by step, need not be declared to become loops again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph import Node, Shape, input_node
from .stretches import FEWEST, VIEWS, Order, Stretch, root_of, stretches_of

__all__ = ["VIEWS", "Part", "Parts", "Repeat", "parts_of", "read_by", "size_of"]


@dataclass(frozen=True, eq=False)
class Repeat:
    """A part of a graph that computes the same `count` times.

    nodes: what one step computes, operands first; made for this purpose. reads: for each input of a step, the nodes of the graph that
    it stands for, step by step. writes: for each node of a step that is read beyond it, the nodes of the graph that it computes.
    stands_for: the node of the graph for each node of a step, in the first step. replaced: the nodes of the graph that need not be computed.
    """

    count: int
    nodes: Sequence[Node]
    reads: Mapping[Node, Sequence[Node]]
    writes: Mapping[Node, Sequence[Node]]
    stands_for: Mapping[Node, Node]
    replaced: Collection[Node]

    def extended(self, known: Mapping[Node, Any]) -> dict[Node, Any]:
        """What is known of nodes of the graph, and so of those of a step."""
        return {**known, **{new: known[old] for new, old in self.stands_for.items() if old in known}}


Part = Sequence[Node] | Repeat


def parts_of(
    nodes: Sequence[Node], kept: Collection[Node], shape_of: Callable[[Node], Shape] = lambda node: node.shape
) -> list[Part]:
    """The nodes, given operands first, as what is computed node by node and what repeats, in the order of evaluation.

    kept: the nodes that are read by others than these. shape_of: of what is computed at a time.
    """
    if len(nodes) < FEWEST:
        return [nodes]
    order = Order(nodes, shape_of)
    stretches = stretches_of(order)
    return _cut(nodes, order, stretches, kept) if stretches else [nodes]


class Parts:
    """`parts_of`, which works out the same only once. shape_of: as there."""

    def __init__(self, shape_of: Callable[[Node], Shape]) -> None:
        self._shape_of = shape_of
        self._known: dict[tuple[tuple[Node, ...], frozenset[Node]], list[Part]] = {}

    def __call__(self, nodes: Sequence[Node], kept: Collection[Node]) -> list[Part]:
        key = tuple(nodes), frozenset(kept)
        if key not in self._known:
            self._known[key] = parts_of(nodes, kept, self._shape_of)
        return self._known[key]


def read_by(parts: Sequence[Part]) -> set[Node]:
    """The nodes that these parts read."""
    found: set[Node] = set()
    for part in parts:
        if isinstance(part, Repeat):
            found.update(node for over_time in part.reads.values() for node in over_time)
        found.update(
            operand for node in (part.nodes if isinstance(part, Repeat) else part) for operand in node.operands
        )
    return found


def size_of(parts: Sequence[Part]) -> int:
    """How many nodes code is made for."""
    return sum(len(part.nodes) if isinstance(part, Repeat) else len(part) for part in parts)


def _cut(nodes: Sequence[Node], order: Order, stretches: Sequence[Stretch], kept: Collection[Node]) -> list[Part]:
    """The nodes between the loops, and the loops. Views of what a loop computes come after it."""
    part_of = np.zeros(len(order.computing), np.int64)  # 2 i for what comes before loop i, 2 i + 1 for the loop
    for index, stretch in enumerate(stretches):
        part_of[stretch.start : stretch.end] = 2 * index + 1
        part_of[stretch.end :] = 2 * index + 2
    kept = [node for node in kept if node in order.number or node.primitive in VIEWS]
    kept_roots = {order.shown(node)[0] for node in kept}
    loops = [_repeat(order, stretch, kept_roots) for stretch in stretches]
    needed = {*kept, *(node for loop in loops for over_time in loop.reads.values() for node in over_time)}
    needed.update(operand for loop in loops for node in loop.nodes for operand in node.operands)
    plain: list[list[Node]] = [[] for _ in range(len(stretches) + 1)]
    for node in reversed(nodes):
        is_view = node.primitive in VIEWS
        root = order.shown(node)[0]
        part = int(part_of[root]) if root >= 0 else 0
        if part % 2 == 0 or (is_view and node in needed):
            plain[(part + 1) // 2].append(node)
            needed.update(node.operands)
    parts: list[Part] = [plain[0][::-1]]
    for loop, after in zip(loops, plain[1:], strict=True):
        parts += [loop, after[::-1]]
    return [part for part in parts if isinstance(part, Repeat) or part]


def _repeat(order: Order, stretch: Stretch, kept: Collection[int]) -> Repeat:
    """One step of a loop, made of nodes of its own."""
    start, end, period = stretch.start, stretch.end, stretch.period
    steps = [order.computing[first : first + period] for first in range(start, end, period)]
    made: dict[Node, Node] = {}  # by the nodes of the first step
    inputs: dict[tuple[Node, ...], Node] = {}
    nodes: list[Node] = []
    views: dict[tuple[Node, tuple[Node, ...]], Node] = {}
    stands_for: dict[Node, Node] = {}

    def shown(node: Node, root: Node) -> Node:
        """A view of what the step computes or reads."""
        if node.primitive not in VIEWS:
            return root
        operand = shown(node.operands[0], root)
        return add(node, (operand,))

    def add(node: Node, operands: tuple[Node, ...]) -> Node:
        key = (node, operands)
        if key not in views:
            views[key] = Node(node.primitive, operands, node.type, node.attributes, node.source)
            nodes.append(views[key])
            stands_for[views[key]] = node
        return views[key]

    def read(over_time: Sequence[Node]) -> Node:
        key = tuple(over_time)
        if key not in inputs:
            inputs[key] = input_node(key[0].type, "step")
            stands_for[inputs[key]] = key[0]
        return inputs[key]

    def operand(position: int, slot: int) -> Node:
        first = steps[0][position].operands[slot]
        if start <= order.shown(first)[0]:
            return shown(first, made[root_of(first)])
        over_time = [step[position].operands[slot] for step in steps]
        if all(node is first for node in over_time):
            return first
        roots = [root_of(node) for node in over_time]
        if all(root is roots[0] for root in roots):
            return read(over_time)
        return shown(first, read(roots))

    for position, node in enumerate(steps[0]):
        made[node] = add(node, tuple([operand(position, slot) for slot in range(len(node.operands))]))
    read_beyond = _read_beyond(order, stretch, kept)
    return Repeat(
        stretch.count,
        nodes,
        {node: over_time for over_time, node in inputs.items()},
        {made[steps[0][place]]: [step[place] for step in steps] for place in read_beyond},
        stands_for,
        order.computing[start:end],
    )


def _read_beyond(order: Order, stretch: Stretch, kept: Collection[int]) -> list[int]:
    """The places in a step of what is read in other steps, or after the loop."""
    start, end, period = stretch.start, stretch.end, stretch.period
    is_inside = (order.read >= start) & (order.read < end)
    readers, read = order.readers[is_inside] - start, order.read[is_inside] - start
    is_beyond = (readers >= end - start) | (readers // period != read // period)
    return sorted(
        {*(read[is_beyond] % period).tolist(), *((root - start) % period for root in kept if start <= root < end)}
    )

"""Which nodes are computed together in one loop.

Elementwise nodes of one shape, and the reductions of them, share a loop nest: values pass between them in registers.
Every node has a level: what it reads from memory was written at a lower level. Nodes of one level and one shape form a
group; groups run in the order of their levels. Linear in the number of nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ...graph import Node, Shape
from ...ops.elementwise import detach
from ...ops.reduction import maximum_reduce, minimum_reduce, sum_
from ...ops.structure import broadcast, reshape, slice_, transpose

__all__ = ["ALIASES", "REDUCTIONS", "Group", "Grouping", "grouped", "is_alias", "squeezed"]

REDUCTIONS = (sum_, maximum_reduce, minimum_reduce)

LARGEST_GROUP = 160
"""More nodes than this go into several loops: compilers take more than linear time for long loop bodies."""

ALIASES = (broadcast, transpose, slice_, detach)


@dataclass(eq=False)
class Group:
    """Nodes that are computed in one loop nest over `shape`; or one other node by itself."""

    shape: Shape
    nodes: list[Node] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Grouping:
    """The groups in the order in which they run, and the nodes that have to be written to memory."""

    groups: Sequence[Group]
    stored: frozenset[Node]


def is_alias(node: Node, can_be_reshaped: Callable[[Node], bool]) -> bool:
    """Whether a node is only another view of its operand."""
    return node.primitive in ALIASES or (node.primitive is reshape and can_be_reshaped(node))


def squeezed(shape: Shape) -> Shape:
    return tuple(extent for extent in shape if extent != 1)


def grouped(
    nodes: Sequence[Node],
    outputs: Iterable[Node],
    shape_of: Callable[[Node], Shape],
    alias: Callable[[Node], bool],
) -> Grouping:
    """Groups the nodes of a region, given operands first."""
    inside = set(nodes)
    outputs = set(outputs)
    levels = _levels(nodes, outputs, shape_of, alias)
    groups: dict[tuple[int, Shape], Group] = {}
    units: list[tuple[int, Group]] = []
    for node in nodes:
        if node not in levels:
            continue
        own = levels[node]
        if not _runs_in_loop(node) and node.primitive is not reshape:
            units.append((own, Group(shape_of(node), [node])))
            continue
        shape = _space(node, shape_of)
        key = (own, shape)
        group = groups.get(key)
        if group is None or len(group.nodes) >= LARGEST_GROUP:
            group = groups[key] = Group(shape)
            units.append((own, group))
        group.nodes.append(node)
    ordered = [group for _, group in sorted(units, key=lambda unit: unit[0])]
    return Grouping(ordered, _stored(ordered, nodes, inside, outputs, alias))


def _space(node: Node, shape_of: Callable[[Node], Shape]) -> Shape:
    """The shape of the loop nest in which a node is computed."""
    return squeezed(shape_of(node if node.primitive.is_elementwise else node.operands[0]))


def _levels(
    nodes: Sequence[Node],
    outputs: Collection[Node],
    shape_of: Callable[[Node], Shape],
    alias: Callable[[Node], bool],
) -> dict[Node, int]:
    """The level of every node that computes something."""
    ready: dict[Node, int] = {}  # the level from which a value can be read from memory
    levels: dict[Node, int] = {}
    space: dict[Node, Shape] = {}  # of nodes that run in loops
    for node in nodes:
        if alias(node):
            ready[node] = ready.get(node.operands[0], 0)
            continue
        if _runs_in_loop(node) or node.primitive is reshape:
            shape = space[node] = _space(node, shape_of)
            own = 0
            for operand in node.operands:
                in_registers = operand.primitive.is_elementwise and space.get(operand) == shape
                own = max(own, levels[operand] if in_registers else ready.get(operand, 0))
        else:
            own = max((ready.get(operand, 0) for operand in node.operands), default=0)
        levels[node], ready[node] = own, own + 1
    _postpone(nodes, outputs, levels, space)
    return levels


def _postpone(
    nodes: Sequence[Node], outputs: Collection[Node], levels: dict[Node, int], space: Mapping[Node, Shape]
) -> None:
    """What is computed from memory alone and read by later loops only is left to the first of these: so it stays in registers."""
    reader: dict[Node, int] = {}  # the level of the first reader
    in_memory = set(outputs)
    for node in nodes:
        for operand in node.operands:
            if node in levels and _runs_in_loop(node) and space[node] == space.get(operand):
                reader[operand] = min(reader.get(operand, levels[node]), levels[node])
            else:
                in_memory.add(operand)
    for node in space:
        own = levels[node]
        reads_memory = all(levels.get(operand, -1) < own for operand in node.operands)
        if node.primitive.is_elementwise and node not in in_memory and reads_memory and len(set(node.operands)) <= 2:
            levels[node] = reader.get(node, own)


def _stored(
    groups: Sequence[Group],
    nodes: Sequence[Node],
    inside: set[Node],
    outputs: set[Node],
    alias: Callable[[Node], bool],
) -> frozenset[Node]:
    """The nodes that something outside of their own loop reads."""
    home = {node: group for group in groups for node in group.nodes}
    stored = {node for node in outputs if node in home}
    for node in nodes:
        reads_memory = alias(node) or node.primitive is reshape or not _runs_in_loop(node)
        for operand in node.operands:
            if operand in inside and operand in home and (reads_memory or home[operand] is not home.get(node)):
                stored.add(operand)
        if node in home and not node.primitive.is_elementwise:
            stored.add(node)
    for node in list(outputs):
        while alias(node):
            (node,) = node.operands
        if node in home:
            stored.add(node)
    return frozenset(stored)


def _runs_in_loop(node: Node) -> bool:
    return node.primitive.is_elementwise or node.primitive in REDUCTIONS

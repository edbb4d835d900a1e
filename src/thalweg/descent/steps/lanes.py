"""A step for several members of a population at once: every number of the state and of the settings becomes one for each lane.

A member that has ended keeps its state, and those that still descend are not disturbed by it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...autodiff import batched
from ...graph import ArrayType, Graph, Node, input_node
from ...ops.contraction import dot, free_axes
from ...rewrite import simplify
from ...trace import Traced
from .step import Step

__all__ = ["LAST_LOSS", "LAST_NORM", "STATUS", "Lanes", "gain_from_lanes", "in_lanes"]

STATUS, LAST_LOSS, LAST_NORM = range(3)
"""What the state of a member holds beside, after, that of a single descent: its status, and what was seen last."""

_MEMBER_TYPES = (np.dtype(np.int64), np.dtype(np.float64), np.dtype(np.float64))


@dataclass(frozen=True, eq=False)
class Lanes:
    """A step for several members.

    single: the step of one member. graph: (*state, *settings, *outside, *data) → as that of a single step; the state
    and the settings have a leading axis of `lanes`, and the state three more numbers (`STATUS` ...) for each lane.
    """

    single: Step
    graph: Graph
    stages: tuple[tuple[int, bool], ...]
    lanes: int

    @property
    def carried(self) -> int:
        """The number of arrays in the state."""
        return len(self.single.state) + len(_MEMBER_TYPES)


def in_lanes(step: Step, lanes: int) -> Lanes:
    """The step for so many members, each with a state and settings of its own; data and outside numbers are shared."""
    simple = simplify(step.graph)
    carried, own = len(step.state), len(step.state) + len(step.settings)
    inputs = [input_node(ArrayType((lanes, *x.shape), x.dtype), "lanes") for x in simple.inputs[:own]]
    member = [input_node(ArrayType((lanes,), dtype), "member") for dtype in _MEMBER_TYPES]
    outputs = batched(simple.outputs, simple.inputs[:own], inputs, lanes)
    turn = inputs[step.place("turn")] if len(step.stages) > 1 else None
    found: list[Node] = []
    places: list[tuple[int, bool]] = []
    for number, (first, looks) in enumerate(step.stages):
        places.append((len(found), looks))
        plain = simple.outputs[first : first + carried]
        new = [
            inputs[i] if simple.inputs[i] is node else wide
            for i, (node, wide) in enumerate(zip(plain, outputs[first : first + carried], strict=True))
        ]
        rest = outputs[first + carried : first + carried + step.recorded + 1] if looks else ()
        found += _stage(inputs[:carried], new, member, rest, turn, number)
    graph = Graph((*inputs[:carried], *member, *inputs[carried:], *simple.inputs[own:]), tuple(found))
    return Lanes(step, graph, tuple(places), lanes)


def _stage(
    old: Sequence[Node],
    new: Sequence[Node],
    member: Sequence[Node],
    rest: Sequence[Node],
    turn: Node | None,
    number: int,
) -> list[Node]:
    """A stage's outputs: only members that descend, and whose turn it is, get a new state."""
    status, last_loss, last_norm = (Traced(node) for node in member)
    is_active: Any = status == 0
    if turn is not None:
        is_active = is_active & (Traced(turn) == number)
    goes_on = is_active
    parts: list[Any] = [Traced(node) for node in rest]
    if parts:
        *recorded, found = parts
        goes_on = is_active & (found == 0)
    outputs = [
        before if before is after else _where(_like(goes_on, before), after, before)
        for before, after in zip(old, new, strict=True)
    ]
    if not parts:
        return [*outputs, *member]
    seen = [np.where(is_active, found, status), np.where(is_active, recorded[1], last_loss)]
    seen.append(np.where(is_active, recorded[2], last_norm))
    recorded[0] = np.where(is_active, recorded[0], -1)
    # One iteration after the last member has ended, nothing is left to do.
    is_over: Any = np.where(np.any(status == 0), 0, 1)
    everything: list[Any] = [*seen, *recorded, is_over]
    return [*outputs, *(x.node for x in everything)]


def _where(flags: Any, yes: Node, no: Node) -> Node:
    chosen: Any = np.where(flags, Traced(yes), Traced(no))
    found: Node = chosen.node
    return found


def _like(flags: Any, node: Node) -> Any:
    """A flag for each lane, as often as the node has numbers."""
    shape = flags.shape + (1,) * (len(node.shape) - 1)
    return np.broadcast_to(flags.reshape(shape), node.shape)


_HEAVY = 4096
"""Products of matrices of the members' own, of this many multiplications, run faster for one member after the other."""


def gain_from_lanes(graph: Graph) -> bool:
    """Whether members run faster in lanes: not where each multiplies large matrices of its own. graph: of several members."""
    for node in graph.nodes:
        if node.primitive is dot and node.attributes["batch"][0]:
            a, b = node.operands
            contract, shared = node.attributes["contract"], node.attributes["batch"]
            rows = math.prod(a.shape[axis] for axis in free_axes(len(a.shape), contract[0], shared[0]))
            columns = math.prod(b.shape[axis] for axis in free_axes(len(b.shape), contract[1], shared[1]))
            inner = math.prod(a.shape[axis] for axis in contract[0])
            if rows > 1 and columns > 1 and rows * columns * inner > _HEAVY:
                return False
    return True

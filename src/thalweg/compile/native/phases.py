"""When each node of a graph is computed: in which sweep over the examples, or outside, before which sweep."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ...graph import Graph, Node
from ..examples import Examples
from .groups import ALIASES

__all__ = ["Phases", "Swept", "phase_count"]


def phase_count(graph: Graph, examples: Examples | None) -> int:
    """How often one evaluation of a graph goes over the tiles."""
    if examples is None or not any(node in examples.axis for node in graph.nodes):
        return 0
    phase = examples.phase
    of_totals = [phase[node] - 1 for node in graph.nodes if node in examples.totals]
    of_outputs = [phase[node] for node in graph.outputs if node in examples.axis]
    return max(of_totals + of_outputs, default=0) + 1


@dataclass(frozen=True)
class Swept:
    """What a sweep over the tiles computes: all its nodes, the totals among them, and the per-example outputs."""

    nodes: Sequence[Node]
    totals: Sequence[Node]
    outputs: Sequence[Node]


@dataclass(frozen=True, eq=False)
class Phases:
    """The order of an evaluation: what runs whole before each sweep, the sweeps, and what runs whole after the last.

    deferred: the totals that are no part of a sweep over tiles, but computed right after it.
    """

    graph: Graph
    examples: Examples | None
    deferred: Collection[Node]

    @cached_property
    def count(self) -> int:
        """How many sweeps over the tiles there are."""
        return phase_count(self.graph, self.examples)

    def whole(self, phase: int) -> list[Node]:
        """The nodes that are computed whole, before the sweep of this phase; after all sweeps if there is none."""
        computed = [node for node in self.graph.nodes if not (node.is_input or node.is_constant)]
        return computed if self.examples is None else [node for node in computed if self._before.get(node) == phase]

    @cached_property
    def _before(self) -> Mapping[Node, int]:
        """For each node outside of the sweeps the phase before whose sweep it is computed: elementwise ones wait for those that read them,
        so that they can share a loop."""
        assert self.examples is not None
        examples = self.examples
        found: dict[Node, int] = {}
        needed: dict[Node, int] = {}
        kept = set(self.graph.outputs)
        for node in reversed(self.graph.nodes):
            own = examples.phase[node]
            if node in examples.axis or node in examples.totals:
                when = own if node in examples.axis else own - 1
            else:
                can_wait = node not in kept and (node.primitive.is_elementwise or node.primitive in ALIASES)
                when = found[node] = needed.get(node, own) if can_wait else own
            for operand in node.operands:
                needed[operand] = min(needed.get(operand, when), when)
        return found

    def read_elsewhere(self, here: Collection[Node]) -> set[Node]:
        """Those of the nodes that others read, which are computed later."""
        if self.examples is None:
            return set()
        others = (node for node in self.graph.nodes if node not in here)
        return {operand for node in others for operand in node.operands if operand in here}

    def swept(self, phase: int) -> Swept:
        """What the sweep of a phase computes."""
        assert self.examples is not None
        axis, phases = self.examples.axis, self.examples.phase
        after = [node for node in self.graph.nodes if node in self.examples.totals and phases[node] == phase + 1]
        totals = [node for node in after if node not in self.deferred]
        outputs = [node for node in dict.fromkeys(self.graph.outputs) if node in axis and phases[node] == phase]
        factors = [operand for node in self.deferred_after(phase) for operand in node.operands]
        needed: set[Node] = set()
        stack = [*totals, *outputs, *factors]
        while stack:
            node = stack.pop()
            if node in needed or node.is_input or (node not in axis and node not in totals):
                continue
            needed.add(node)
            stack.extend(node.operands)
        return Swept([node for node in self.graph.nodes if node in needed], totals, outputs)

    def deferred_after(self, phase: int) -> list[Node]:
        """The deferred products that follow the sweep of a phase."""
        assert self.examples is not None
        return [node for node in self.deferred if self.examples.phase[node] == phase + 1]

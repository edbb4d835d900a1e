"""The computational graph of a loss, with the value and the adjoint of every node: whole, or in groups that can be folded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..descent.data import ArrayData, Data
from ..descent.problem import Problem, problem_of
from ..diagnosis.explanation import shown, steps_of
from ..errors import ThalwegError
from ..graph import Array, Node, evaluate_nodes, topological_order
from .subject import Subject

__all__ = ["Computation", "Group", "Operation", "computation_of"]

_MOST_NODES = 600
_WHOLE = 24
_MOST_NUMBERS = 1 << 20
_FEW_ROWS = 8
_MOST_GROUPS = 24


@dataclass(frozen=True)
class Operation:
    """A node. number: in the order of the forward pass, from 1. operands: numbers. value, adjoint: as text, empty where there is none."""

    number: int
    name: str
    operands: tuple[int, ...]
    value: str
    adjoint: str
    line: str
    kind: str  # "parameters", "data", "constant", "operation" or "loss"


@dataclass(frozen=True)
class Group:
    """Nodes that belong together: a line of the user's, or what follows one array of the parameters."""

    label: str
    operations: tuple[Operation, ...]

    @property
    def name(self) -> str:
        """Its label, as that of any picture."""
        return self.label


@dataclass(frozen=True)
class Computation:
    """The graph of the loss at the end of the descent. groups: one if it is small. rows: examples that it was worked out for; 0
    if all, or if there are none."""

    groups: tuple[Group, ...]
    rows: int
    name: str = "graph"
    title: str = "The computational graph"

    @property
    def operations(self) -> tuple[Operation, ...]:
        """All nodes, operands first."""
        return tuple(sorted((o for group in self.groups for o in group.operations), key=lambda o: o.number))

    @property
    def links(self) -> tuple[tuple[int, int], ...]:
        """Pairs of groups, by number, where values go from the first into the second."""
        place = {o.number: i for i, group in enumerate(self.groups) for o in group.operations}
        found = {(place[x], i) for i, group in enumerate(self.groups) for o in group.operations for x in o.operands}
        return tuple(sorted((a, b) for a, b in found if a != b))

    @property
    def description(self) -> str:
        """What a person would see."""
        count = len(self.operations)
        text = f"{count} nodes from the parameters to the loss, each with its value and its adjoint, the derivative of the loss by it."
        if len(self.groups) > 1:
            text += (
                f" They are shown in {len(self.groups)} groups: {', '.join(group.label for group in self.groups[:6])}."
            )
        return text + (f" Worked out for the first {self.rows} examples." if self.rows else "")


def computation_of(subject: Subject) -> Computation | None:
    """The graph; None if the loss cannot be traced, or has too many nodes to look at."""
    if not subject.has_loss or not subject.problem.is_traced:
        return None
    try:
        problem, arrays, rows = _small(subject)
    except ThalwegError:
        return None
    order = topological_order(problem.graph.outputs)
    if len(order) > _MOST_NODES:
        return None
    operations = _operations(problem, order, arrays)
    if len(order) <= _WHOLE:
        return Computation((Group("the whole graph", operations),), rows)
    return Computation(_groups(problem, order, operations), rows)


def _small(subject: Subject) -> tuple[Problem, list[Array], int]:
    """The loss over few examples if there are many: a person looks at it, and every value is kept."""
    origin = subject.result.origin
    data: Data = origin.plan.data
    vector = np.asarray(origin.end)
    size = data.examples * sum(type.size for type in data.types) + vector.size
    if not data.examples or (isinstance(data, ArrayData) and size <= _MOST_NUMBERS):
        return subject.problem, [vector, *data.arrays], 0
    first = next(iter(data.chunks()))
    few = ArrayData(data.structure, tuple(np.array(array[:_FEW_ROWS], order="C") for array in first))
    names = origin.plan.problem.numbers
    traced = problem_of(origin.plan.loss, origin.plan.parameters, few, few.examples, None, names, origin.plan.penalty)
    return traced.with_numbers(origin.numbers), [vector, *few.arrays], few.examples


def _operations(problem: Problem, order: Sequence[Node], arrays: list[Array]) -> tuple[Operation, ...]:
    adjoints = {step.number: shown(step.adjoint) for step in steps_of(problem, arrays)}
    values = evaluate_nodes(problem.graph, arrays)
    number = {node: i for i, node in enumerate(order, 1)}
    (loss,) = problem.graph.outputs
    data = {node: f"data[{i}]" for i, node in enumerate(problem.graph.inputs[1:])}
    found = []
    for node in order:
        kind = "loss" if node is loss else "constant" if node.is_constant else "operation"
        name = node.primitive.name.replace("_", " ")
        if node.is_input:
            kind = "data" if node in data else "parameters"
            name = data.get(node, "parameters")
        elif (cut := _leaf_of(problem, node)) is not None and problem.layout.names[cut]:
            name = f"parameters{problem.layout.names[cut]}"
        found.append(
            Operation(
                number[node],
                name,
                tuple(number[operand] for operand in node.operands),
                shown(np.asarray(values[node])),
                adjoints.get(number[node], ""),
                "" if node.source is None else f"line {node.source.line}",
                kind,
            )
        )
    return tuple(found)


def _groups(problem: Problem, order: Sequence[Node], operations: tuple[Operation, ...]) -> tuple[Group, ...]:
    """By the user's lines if there are several, else by the layers whose parameters a node depends on. Links lead onwards only."""
    numbers, labels = _by_lines(order, operations)
    if not 2 < len(labels) <= _MOST_GROUPS:
        numbers, labels = _by_layers(problem, order)
    consumers: dict[Node, list[int]] = {}
    found: dict[int, list[Operation]] = {}
    for node, number, operation in zip(reversed(order), reversed(numbers), reversed(operations), strict=True):
        # What depends on nothing of the kind belongs to the first that uses it.
        own = min(consumers.get(node, [0])) if number is None else number
        for operand in node.operands:
            consumers.setdefault(operand, []).append(own)
        found.setdefault(own, []).insert(0, operation)
    return tuple(Group(labels[number], tuple(found[number])) for number in sorted(found))


def _by_lines(order: Sequence[Node], operations: tuple[Operation, ...]) -> tuple[list[int | None], list[str]]:
    """Stretches of one line each, in the order of evaluation. For each node the number of its stretch, and their labels."""
    numbers: list[int | None] = []
    labels: list[str] = []
    seen: list[str] = []
    for node, operation in zip(order, operations, strict=True):
        if not node.operands or not operation.line:
            numbers.append(None)
            continue
        if not seen or seen[-1] != operation.line:
            seen.append(operation.line)
            times = seen.count(operation.line)
            labels.append(operation.line + (f", time {times}" if times > 1 else ""))
        numbers.append(len(seen) - 1)
    return numbers, labels


def _by_layers(problem: Problem, order: Sequence[Node]) -> tuple[list[int | None], list[str]]:
    """For each node the last layer whose parameters it depends on. Arrays that are nested together are one layer."""
    parents = [name.rpartition("[")[0] for name in problem.layout.names]
    labels = list(dict.fromkeys(parents))
    layer: dict[Node, int] = {}
    for node in order:
        own = [layer[operand] for operand in node.operands if operand in layer]
        cut = _leaf_of(problem, node)
        if cut is not None:
            own.append(labels.index(parents[cut]))
        if own:
            layer[node] = max(own)
    return [layer.get(node) for node in order], [f"layer {label}" if label else "the whole graph" for label in labels]


def _leaf_of(problem: Problem, node: Node) -> int | None:
    """The number of the array of the parameters that a node cuts out of their vector."""
    if node.primitive.name != "slice" or node.operands[0] is not problem.graph.inputs[0]:
        return None
    ends = np.cumsum([type.size for type in problem.layout.types])
    return int(np.searchsorted(ends, node.attributes["window"][0][0], side="right"))

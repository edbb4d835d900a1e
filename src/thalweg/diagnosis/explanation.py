"""Explaining a gradient: every node with its value and its adjoint, what arrives over which edge, and checks that anyone can redo.

The adjoint of a node is ∂loss/∂node. The backward pass starts at the loss with adjoint 1; what arrives at a node over several edges
is added up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..autodiff import adjoints
from ..descent import GradientCheck, check_gradient
from ..descent.data import data_of
from ..descent.evaluation import evaluated
from ..descent.problem import Problem, problem_of
from ..graph import Array, Graph, Node, constant, evaluate_nodes, topological_order
from ..trace import Traced, as_traced

__all__ = ["Edge", "Explanation", "Step", "explain", "shown", "steps_of"]


@dataclass(frozen=True, eq=False)
class Edge:
    """What arrives at a node from one that it goes into: contribution = adjoint of `into` · ∂into/∂node, of the node's shape."""

    into: int
    contribution: Array


@dataclass(frozen=True, eq=False)
class Step:
    """One node of the backward pass. number: in the order of the forward pass, from 1. operation, operands: how its value came
    about. value, adjoint: arrays of one shape. arriving: the edges, whose contributions add up to the adjoint.
    """

    number: int
    operation: str
    operands: tuple[int, ...]
    value: Array
    adjoint: Array
    arriving: tuple[Edge, ...]
    line: str

    def __str__(self) -> str:
        operands = ", ".join(f"#{n}" for n in self.operands)
        head = f"#{self.number} = {self.operation}({operands})" if operands else f"#{self.number} = {self.operation}"
        text = f"{head:34} value {shown(self.value):26} adjoint {shown(self.adjoint)}"
        if len(self.arriving) > 1:
            text += " = " + " + ".join(f"{shown(edge.contribution)} from #{edge.into}" for edge in self.arriving)
        return text + (f"   ({self.line})" if self.line else "")


@dataclass(frozen=True, eq=False)
class Explanation:
    """A gradient, explained.

    loss, gradient: f(x), and ∇f(x) as one vector (P,). steps: in the order of the backward pass. taylor: pairs (t, |f(x + t d) − f(x) −
    t ∇f·d|) for a direction d of length 1; the error falls as t². steepest: the largest ∇f·p over many directions p of
    length 1, as a share of ‖∇f‖; no direction reaches more than 1. check: automatic against numerical gradient.
    """

    loss: float
    gradient: Array
    steps: tuple[Step, ...]
    taylor: tuple[tuple[float, float], ...]
    steepest: float
    check: GradientCheck

    @property
    def taylor_order(self) -> float:
        """The power of t with which the error falls: 2 for a smooth loss; NaN where it is too small to tell."""
        points = [(t, error) for t, error in self.taylor if error > 1e-13 * max(1.0, abs(self.loss))]
        if len(points) < 2:
            return float("nan")
        t, error = np.log(np.array(points)).T
        return float(np.polyfit(t, error, 1)[0])

    def paths(self, number: int) -> list[tuple[tuple[int, ...], float]]:
        """Every path from a node to the loss, where all nodes on it are single numbers, with its share of the node's adjoint.

        The shares add up to the adjoint: the chain rule along several paths.
        """
        by_number = {step.number: step for step in self.steps}
        if any(by_number[n].value.size != 1 for n in self._above(number)):
            return []
        found: list[tuple[tuple[int, ...], float]] = []
        stack: list[tuple[tuple[int, ...], float]] = [((number,), 1.0)]
        while stack and len(found) < _MOST_PATHS:
            path, share = stack.pop()
            step = by_number[path[-1]]
            if not step.arriving:
                found.append((path, share * step.adjoint.item()))
            for edge in step.arriving:
                adjoint = by_number[edge.into].adjoint.item()
                local = edge.contribution.item() / adjoint if adjoint else 0.0
                stack.append(((*path, edge.into), share * local))
        return found

    def _above(self, number: int) -> set[int]:
        by_number = {step.number: step for step in self.steps}
        seen, stack = {number}, [number]
        while stack:
            for edge in by_number[stack.pop()].arriving:
                if edge.into not in seen:
                    seen.add(edge.into)
                    stack.append(edge.into)
        return seen

    def __str__(self) -> str:
        lines = [f"f = {self.loss:.8g}. The backward pass, from the loss to the parameters:"]
        lines += [f"  {step}" for step in self.steps[:_MOST_LINES]]
        if len(self.steps) > _MOST_LINES:
            lines.append(f"  ... and {len(self.steps) - _MOST_LINES} more")
        lines.append(f"Gradient {shown(self.gradient)}, of length {np.linalg.norm(self.gradient):.6g}.")
        errors = ", ".join(f"{error:.2g} at {t:g}" for t, error in self.taylor)
        lines.append(f"Taylor: |f(x + t d) − f(x) − t ∇f·d| is {errors}; it falls as t^{self.taylor_order:.2f}.")
        lines.append(
            f"Steepest ascent: of 1,000 directions the best has {self.steepest:.2%} of the slope along the gradient."
        )
        lines.append(str(self.check))
        return "\n".join(lines)


_MOST_LINES = 60
_DIGITS: Any = {"float_kind": lambda value: f"{value:.4g}"}
_MOST_PATHS = 1000


def explain(f: Callable[..., Any], x: Any, *, data: Any = None, seed: int = 0) -> Explanation:
    """How the gradient of a loss comes about at x.

    f, x, data: as loss, parameters and data of `minimize`. Raises what `minimize` raises for them.

    >>> found = explain(lambda p: p[0] ** 2 * p[1], np.array([3.0, 2.0]))
    >>> found.gradient
    array([12.,  9.])
    """
    given = data_of(data)
    problem = problem_of(f, x, given, given.examples)
    vector = problem.layout.vector(x)
    value, gradient = evaluated(problem, vector, given.arrays)
    generator = np.random.default_rng(seed)
    return Explanation(
        float(value),
        gradient.astype(np.float64),
        steps_of(problem, [vector, *given.arrays]),
        _taylor(problem, vector, given.arrays, gradient.astype(np.float64), generator),
        _steepest(gradient.astype(np.float64), generator),
        check_gradient(f, x, data=data, seed=seed),
    )


def steps_of(problem: Problem, arrays: list[Array]) -> tuple[Step, ...]:
    """The backward pass over a loss, from the loss to the parameters. arrays: of the inputs of its graph."""
    graph = problem.graph
    (loss,) = graph.outputs
    found = adjoints([loss], [constant(np.ones((), loss.dtype))], graph.inputs[:1])
    order = topological_order([loss])
    number = {node: i for i, node in enumerate(order, 1)}
    edges: list[tuple[Node, Node, Node]] = []  # from a node, the operand, what arrives there
    for node, adjoint in found.items():
        values = [Traced(node), *(Traced(operand) for operand in node.operands)]
        for index, operand in enumerate(node.operands):
            rule = node.primitive.adjoint_rule(index)
            if operand in found and rule is not None:
                contribution = as_traced(rule(Traced(adjoint), *values, **node.attributes)).node
                edges.append((node, operand, contribution))
    outputs = [*order, *found.values(), *(contribution for _, _, contribution in edges)]
    values_of = evaluate_nodes(Graph(graph.inputs, tuple(outputs)), arrays)
    arriving: dict[Node, list[Edge]] = {}
    for node, operand, contribution in edges:
        arriving.setdefault(operand, []).append(Edge(number[node], values_of[contribution]))
    return tuple(
        Step(
            number[node],
            node.primitive.name if not node.is_input else "parameters",
            tuple(number[operand] for operand in node.operands),
            values_of[node],
            values_of[adjoint],
            tuple(arriving.get(node, ())),
            "" if node.source is None else f"line {node.source.line}",
        )
        for node, adjoint in found.items()
    )


def _taylor(
    problem: Problem, vector: Array, arrays: Any, gradient: Array, generator: np.random.Generator
) -> tuple[tuple[float, float], ...]:
    direction = generator.standard_normal(vector.size)
    direction /= np.linalg.norm(direction)
    lengths = np.array([1e-1, 1e-2, 1e-3, 1e-4]) * max(1.0, float(np.linalg.norm(vector)))
    points = (vector + lengths[:, None] * direction).astype(vector.dtype)
    losses = np.array([float(evaluated(problem, point, arrays)[0]) for point in (vector, *points)])
    errors = np.abs(losses[1:] - losses[0] - lengths * float(gradient @ direction))
    return tuple((float(t), float(error)) for t, error in zip(lengths, errors, strict=True))


def _steepest(gradient: Array, generator: np.random.Generator) -> float:
    norm = float(np.linalg.norm(gradient))
    if not norm > 0:
        return 0.0
    directions = generator.standard_normal((1000, gradient.size))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return float(np.max(directions @ gradient) / norm)


def shown(array: Array) -> str:
    """An array in a few characters."""
    if array.size == 1:
        return f"{float(np.ravel(array)[0]):.6g}"
    text = np.array2string(np.ravel(array), threshold=4, edgeitems=2, formatter=_DIGITS)
    return f"{text} {array.shape}" if array.ndim > 1 or array.size > 4 else text

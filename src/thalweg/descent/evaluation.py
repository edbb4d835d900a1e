"""Loss and gradient at given parameters: at one point, or at many that share the reading of the examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..autodiff import batched
from ..compile.function import compiled, threads_for
from ..graph import Array, ArrayType, Graph, evaluate, input_node
from ..rewrite import simplify
from .norms import norm
from .problem import Problem

__all__ = [
    "Evaluation",
    "evaluated",
    "evaluation",
    "evaluation_of",
    "gradients_at",
    "losses_at",
    "objectives_at",
]


class Evaluation(NamedTuple):
    """A loss and the norm of its gradient."""

    loss: float
    gradient_norm: float


def evaluated(
    problem: Problem,
    vector: Array,
    arrays: Sequence[Array],
    numbers: Sequence[float] = (),
    target: str = "native",
) -> tuple[Array, Array]:
    """Loss and gradient over given examples. numbers: of the loss, as the problem names them. target: as `minimize` has it."""
    given = [vector, *arrays, *(np.asarray(number, vector.dtype) for number in numbers)]
    if not problem.is_traced or target == "numpy":
        value, gradient = evaluate(problem.with_gradient, given)
        return value, gradient
    examples = range(1, 1 + len(arrays))
    function = problem.known.get(
        "evaluation", lambda: compiled(problem.with_gradient, examples, threads_for(arrays), runs_seldom=True)
    )
    value, gradient = function(*given)
    return value, gradient


def evaluation(
    problem: Problem,
    vector: Array,
    arrays: Sequence[Array],
    numbers: Sequence[float] = (),
    target: str = "native",
) -> Evaluation:
    """Loss and gradient norm over given examples."""
    return evaluation_of(problem, vector, *evaluated(problem, vector, arrays, numbers, target))


def evaluation_of(problem: Problem, vector: Array, value: Array, gradient: Array) -> Evaluation:
    """The same, of a loss and a gradient without the part of the penalty that has a kink."""
    return Evaluation(float(value) + _kinked(problem, vector), _norm(problem, vector, gradient))


_SMALL_STEP = 1e-3


def _kinked(problem: Problem, vector: Array) -> float:
    penalty = problem.penalty
    return 0.0 if penalty is None else float(penalty.kinked(problem.layout.tree(vector)))


def _norm(problem: Problem, vector: Array, gradient: Array) -> float:
    """Of the gradient; with a penalty that of (w − prox(w − μ ∇f)) / μ for a small μ."""
    penalty, layout = problem.penalty, problem.layout
    if penalty is None:
        return norm(gradient)
    moved = penalty.proximal(layout.tree(vector - _SMALL_STEP * gradient), _SMALL_STEP)
    return norm((vector - layout.vector(moved)).astype(np.float64) / _SMALL_STEP)


_TOGETHER = 16
"""So many points are looked at in one pass over the examples."""

_FEW = 4
"""Of fewer points each has a pass of its own: the program for that is needed anyway."""


def objectives_at(
    problem: Problem,
    points: Array,
    arrays: Sequence[Array],
    numbers: Sequence[Sequence[float]] = (),
    together: int = _TOGETHER,
) -> Array:
    """What a descent lowers, at many points: as `losses_at`, with the part of the penalty that has a kink."""
    kinked = [_kinked(problem, point) for point in points] if problem.penalty is not None else 0.0
    return losses_at(problem, points, arrays, numbers, together) + kinked


def losses_at(
    problem: Problem,
    points: Array,
    arrays: Sequence[Array],
    numbers: Sequence[Sequence[float]] = (),
    together: int = _TOGETHER,
) -> Array:
    """The loss at many points (M, P) → (M,), float64.

    numbers: of the loss, at each point. together: so many at a time share one reading of the examples.
    """
    if not problem.is_traced:
        return np.array([float(evaluate(problem.graph, [point, *arrays])[0]) for point in points])
    function = problem.known.get(("losses", together), lambda: _side_by_side(problem.graph, arrays, together))
    (losses,) = _in_turn(function, points, arrays, numbers, together)
    return losses.astype(np.float64)


def gradients_at(problem: Problem, points: Array, arrays: Sequence[Array]) -> Array:
    """The gradient at many points (M, P) → (M, P), float64."""
    if not problem.is_traced or len(points) < _FEW:
        return np.array([evaluated(problem, point, arrays)[1] for point in points], np.float64)

    def make() -> Callable[..., Any]:
        return _side_by_side(simplify(problem.with_gradient), arrays, _TOGETHER)

    _, gradients = _in_turn(problem.known.get("gradients", make), points, arrays, (), _TOGETHER)
    return gradients.astype(np.float64)


def _side_by_side(graph: Graph, arrays: Sequence[Array], together: int) -> Callable[..., Any]:
    """(parameters of so many, *data, *numbers of so many) → what the graph returns for each."""
    count = len(arrays)
    data, own = graph.inputs[1 : 1 + count], [graph.inputs[0], *graph.inputs[1 + count :]]
    wide, *numbers = (input_node(ArrayType((together, *node.shape), node.dtype), "own") for node in own)
    outputs = batched(graph.outputs, own, [wide, *numbers], together)
    return compiled(Graph((wide, *data, *numbers), outputs), range(1, 1 + count), threads_for(arrays))


def _in_turn(
    function: Callable[..., Any],
    points: Array,
    arrays: Sequence[Array],
    numbers: Sequence[Sequence[float]],
    together: int,
) -> list[Array]:
    """What a function of so many points returns for more or fewer of them, (M, ...) each."""
    places = np.minimum(np.arange(len(points) + -len(points) % together), len(points) - 1)
    own = [np.array(column, points.dtype) for column in zip(*numbers, strict=True)]
    parts = [
        function(points[at], *arrays, *(column[at] for column in own))
        for at in np.split(places, range(together, len(places), together))
    ]
    return [np.concatenate(outputs)[: len(points)] for outputs in zip(*parts, strict=True)]

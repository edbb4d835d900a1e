"""The steps of Levenberg–Marquardt: trials, each with loss, gradient and JᵀJ in one pass over the examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...autodiff import pullback, pushforward
from ...errors import ArgumentError
from ...graph import Array, Graph, Node, inline
from ...trace import Traced
from ..problem import Problem
from ..residuals import Residuals, residuals_of
from .context import Context, Stage, State, Turn, along_units, dot_of, norm_of
from .status import Status

__all__ = ["least_squares_stages", "least_squares_state"]

TRY, TURN, SOLVE = range(3)

_SUFFICIENT = 1e-4
"""The share of the predicted fall that a step has to reach."""
_LARGEST_DAMPING = 1e20
_MOST_PARAMETERS = 2000


def least_squares_state(vector: Array) -> State:
    """What the descent starts with, beside what all have.

    trial: the point that is tried. matrix: 2 JᵀJ at the accepted point; scale: its largest diagonal of late. damping: λ,
    relative to that. growth: by how much it grows at the next rejection. predicted: the fall that the step promises.
    """
    size, dtype = vector.size, vector.dtype
    if size > _MOST_PARAMETERS:
        raise ArgumentError(
            f"LevenbergMarquardt would form a matrix of {size:,} × {size:,} numbers; with more than {_MOST_PARAMETERS:,} "
            "parameters use tw.LBFGS() or tw.NewtonCG(), which form none"
        )
    zero = np.float64(0)
    return {
        "turn": np.int64(TRY),
        "trial": vector,
        "loss": np.float64(np.inf),
        "gradient": np.zeros(size, dtype),
        "matrix": np.zeros((size, size), dtype),
        "scale": np.zeros(size, dtype),
        "damping": np.float64(-1),
        "growth": np.float64(2),
        "predicted": zero,
        "slope": zero,
        "has_begun": np.bool_(False),
        "is_stuck": np.bool_(False),
    }


def least_squares_stages(problem: Problem) -> tuple[Stage, ...]:
    """The stages. Raises LossError if the loss is no sum of squares."""
    if not problem.is_differentiated:
        raise ArgumentError("LevenbergMarquardt finds the residuals in the graph of the loss: leave out gradient=...")
    terms = residuals_of(problem.graph)

    def try_(context: Context, state: State) -> Turn:
        return _try(context, state, terms)

    def solve(context: Context, state: State) -> Turn:
        return _solve(context, state, terms)

    return (try_, _turn, solve)


def _matrix(context: Context, parameters: Any, terms: tuple[Residuals, ...]) -> Any:
    """2 Σ weight · JᵀJ at a point."""
    total: Any = None
    for residual, weight in _residuals(context, parameters, terms):
        jacobian = Traced(along_units(residual, parameters.node, parameters.shape[0]))
        weighted = jacobian if weight is None else jacobian * Traced(weight)
        axes = tuple(range(1, jacobian.ndim))
        product = np.tensordot(weighted, jacobian, axes=(axes, axes)) if axes else np.outer(weighted, jacobian)
        total = 2 * product if total is None else total + 2 * product
    return total


def _residuals(context: Context, parameters: Any, terms: tuple[Residuals, ...]) -> Iterator[tuple[Node, Node | None]]:
    """The residuals at a point, and their weights."""
    graph = context.problem.graph
    nodes = [parameters.node, *(x.node for x in context.data)]
    for term in terms:
        outputs = (term.residual,) if term.weight is None else (term.residual, term.weight)
        residual, *weight = inline(Graph(graph.inputs, outputs), nodes)
        yield residual, weight[0] if weight else None


def _bending(context: Context, parameters: Any, terms: tuple[Residuals, ...], along: Any) -> Any:
    """2 Σ weight · Jᵀ r″, with the second derivatives of the residuals along a direction."""
    total: Any = None
    for residual, weight in _residuals(context, parameters, terms):
        (first,) = pushforward([residual], [parameters.node], [along.node])
        (second,) = pushforward([first], [parameters.node], [along.node])
        seed = Traced(second) if weight is None else Traced(second) * Traced(weight)
        (product,) = pullback([residual], [seed.node], [parameters.node])
        total = 2 * Traced(product) if total is None else total + 2 * Traced(product)
    return total


def _try(context: Context, state: State, terms: tuple[Residuals, ...]) -> Turn:
    trial = state["trial"]
    loss, gradient = context.evaluate(trial)
    matrix = _matrix(context, trial, terms)
    noise = 4 * float(np.finfo(trial.dtype).eps) * np.absolute(state["loss"])
    fall, predicted = state["loss"] - loss, state["predicted"]
    # A fall that drowns in rounding is neither good nor bad: the step is the model's.
    is_drowned = (predicted <= noise) & (np.absolute(fall) <= noise)
    ratio = np.where(is_drowned, 1.0, fall / predicted)
    is_finite = np.isfinite(loss) & np.isfinite(norm_of(gradient)) & np.isfinite(norm_of(matrix))
    has_begun = state["has_begun"]
    is_accepted = (is_finite & (ratio > _SUFFICIENT)) | ~has_begun
    less = state["damping"] * np.maximum(1 / 3, 1 - (2 * ratio - 1) ** 3)
    more = state["damping"] * state["growth"]
    damping = np.where(is_accepted, np.where(has_begun, np.maximum(less, 1e-18), state["damping"]), more)
    is_stuck = damping > _LARGEST_DAMPING
    following = {
        **state,
        "turn": np.where(is_accepted | is_stuck, TURN, SOLVE),
        "parameters": np.where(is_accepted, trial, state["parameters"]),
        "loss": np.where(is_accepted, loss, state["loss"]),
        "gradient": np.where(is_accepted, gradient, state["gradient"]),
        "matrix": np.where(is_accepted, matrix, state["matrix"]),
        "damping": damping,
        "growth": np.where(is_accepted, 2.0, 2 * state["growth"]),
        "step": state["step"] + np.where(is_accepted & has_begun, 1, 0),
        "evaluations": state["evaluations"] + 1,
        "is_stuck": is_stuck,
    }
    return Turn(following)


def _turn(context: Context, state: State) -> Turn:
    loss = state["loss"]
    norm = norm_of(state["gradient"])
    stops, memory, fired = context.rules(state, loss, norm)
    status = context.status(loss, norm, stops, fired, [(state["is_stuck"], Status.NO_SMALLER_LOSS)])
    recorded = (state["step"], loss, norm, np.float64(1) + 0 * loss, state["slope"])
    following = {**state, "turn": np.int64(SOLVE), "rule": memory, "has_begun": np.bool_(True)}
    return Turn(following, recorded, status)


def _solve(context: Context, state: State, terms: tuple[Residuals, ...]) -> Turn:
    """(M + λD) δ = −∇f, with each parameter measured in units of √D, and the correction for how the residuals bend."""
    matrix, gradient, parameters = state["matrix"], state["gradient"], state["parameters"]
    scale = np.maximum(0.9 * state["scale"], np.diagonal(matrix))  # a steep start is forgotten by and by
    unit = np.where(scale > 0, 1 / np.sqrt(scale), 1.0)
    scaled = matrix * np.expand_dims(unit, 0) * np.expand_dims(unit, 1)
    damping: Any = np.where(state["damping"] < 0, context.number("damping"), state["damping"])
    identity = np.eye(matrix.shape[0], dtype=matrix.dtype)
    damped = scaled + damping.astype(matrix.dtype) * identity
    change: Any = unit * np.linalg.solve(damped, -unit * gradient)
    correction: Any = unit * np.linalg.solve(damped, -unit * _bending(context, parameters, terms, change))
    is_bent = ~(2 * norm_of(correction / unit) <= context.number("bend") * norm_of(change / unit))
    # Where the damping is as large as that, rounding bends more than the residuals do.
    is_bent = is_bent & (damping < _LARGEST_DAMPING)
    slope = dot_of(gradient, change)
    predicted = -(slope + 0.5 * dot_of(change, matrix @ change))
    following = {
        **state,
        "turn": np.where(is_bent, SOLVE, TRY),
        "trial": parameters + np.where(np.isfinite(correction), change + 0.5 * correction, change),
        "scale": scale,
        "damping": np.where(is_bent, damping * state["growth"], damping).astype(np.float64),
        "growth": np.where(is_bent, 2 * state["growth"], state["growth"]),
        "predicted": predicted,
        "slope": slope,
        **context.ascents(state, slope),
    }
    return Turn(following)

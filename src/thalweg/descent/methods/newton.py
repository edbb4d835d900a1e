"""Newton's method: with the whole Hessian for few parameters, with products of it for many."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ...errors import ArgumentError
from ...graph import Array
from ..line_search import Armijo, LineSearch
from .base import Method, Point, check_count

__all__ = ["Newton", "NewtonCG"]

_MOST_PARAMETERS = 2000


@dataclass(frozen=True)
class Newton(Method):
    """Newton's method, Δw = −(∇²f + λD)⁻¹ ∇f, D the size of the diagonal, with the smallest λ of
    a few for which the matrix is positive definite.

    So the direction points downhill where the loss is not convex, too. For up to some hundreds of parameters: the Hessian is
    formed, P² numbers, and factorised at every step. For more, `NewtonCG`.

    Source: Nocedal and Wright, algorithms 3.2 and 3.3.
    """

    line_search: LineSearch | None = field(default_factory=Armijo, kw_only=True)

    scaled_from: ClassVar[int | None] = 0
    has_rounds: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check_search(self)

    def initial_state(self, parameters: Array) -> Any:
        """Room for the Hessian. Raises ArgumentError for too many parameters."""
        size = parameters.size
        if size > _MOST_PARAMETERS:
            raise ArgumentError(
                f"Newton would form a Hessian of {size:,} × {size:,} numbers; with more than {_MOST_PARAMETERS:,} "
                "parameters use tw.NewtonCG(), which never forms it"
            )
        return {"hessian": np.zeros((size, size), parameters.dtype), "damping": np.zeros((), parameters.dtype)}

    def begin(self, now: Point, state: Any) -> Any:
        """The Hessian, and no damping."""
        return {"hessian": now.hessian(), "damping": 0 * state["damping"]}

    def improve(self, now: Point, state: Any) -> tuple[Any, Any]:
        """Tries to factorise the matrix; damps it more if it is not positive definite."""
        hessian, damping = state["hessian"], state["damping"]
        unit, scaled = _scaled(hessian)
        factor = np.linalg.cholesky(scaled + damping * np.eye(hessian.shape[0], dtype=hessian.dtype))
        smallest = np.min(np.diagonal(factor))
        is_definite = np.isfinite(smallest) & (smallest * smallest > 1e4 * np.finfo(hessian.dtype).eps)
        more = np.where(damping == 0, np.sqrt(np.finfo(hessian.dtype).eps), 100 * damping)
        is_hopeless = ~np.isfinite(np.sum(unit)) | (damping > 1e12)
        is_done = is_definite | is_hopeless
        return {"hessian": hessian, "damping": np.where(is_done, damping, more)}, is_done

    def direction(self, now: Point, state: Any) -> tuple[Any, Any]:
        """Δw = −(∇²f + λD)⁻¹ ∇f."""
        unit, scaled = _scaled(state["hessian"])
        matrix = scaled + state["damping"] * np.eye(scaled.shape[0], dtype=scaled.dtype)
        return -unit * np.linalg.solve(matrix, unit * now.gradient), state


def _scaled(hessian: Any) -> tuple[Any, Any]:
    """Units of the parameters in which the Hessian's diagonal is ±1 where it is not zero, and the Hessian in these."""
    diagonal = np.absolute(np.diagonal(hessian))
    unit = np.where(diagonal > 0, 1 / np.sqrt(diagonal), 1.0)
    return unit, hessian * np.expand_dims(unit, 0) * np.expand_dims(unit, 1)


@dataclass(frozen=True)
class NewtonCG(Method):
    """Newton's method for many parameters: (∇²f) Δw = −∇f is solved by conjugate gradients on Hessian-vector products.

    It is solved only as well as is worth while, and a direction along which the loss curves downwards ends the rounds.
    rounds: the most of them for one direction; by default twice the number of parameters, at most 200.

    Source: Nocedal and Wright, algorithm 7.1 (line search Newton–CG).
    """

    rounds: int = 200
    line_search: LineSearch | None = field(default_factory=Armijo, kw_only=True)

    scaled_from: ClassVar[int | None] = 0
    has_rounds: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_count("rounds", self.rounds)
        _check_search(self)

    def initial_state(self, parameters: Array) -> Any:
        """Room for the vectors of conjugate gradients."""
        zeros = np.zeros_like(parameters)
        zero = np.zeros((), parameters.dtype)
        vectors = {"solution": zeros, "residual": zeros.copy(), "along": zeros.copy()}
        return {**vectors, "square": zero, "tolerance": zero, "count": np.int64(0)}

    def begin(self, now: Point, state: Any) -> Any:
        """From zero; the tolerance shrinks with the gradient, for convergence that is faster than linear."""
        residual = -now.gradient
        square = np.sum(residual * residual)
        norm = np.sqrt(square)
        return {
            "solution": 0 * state["solution"],
            "residual": residual,
            "along": residual,
            "square": square,
            "tolerance": np.minimum(0.5, np.sqrt(norm)) * norm,
            "count": 0 * state["count"],
        }

    def improve(self, now: Point, state: Any) -> tuple[Any, Any]:
        """One round of conjugate gradients."""
        along, square = state["along"], state["square"]
        product = now.hessian_product(along)
        curvature = np.sum(along * product)
        is_convex = curvature > np.finfo(along.dtype).eps * np.sum(along * along)
        length = square / curvature
        solution = state["solution"] + length * along
        residual = state["residual"] - length * product
        new_square = np.sum(residual * residual)
        # At once downwards: steepest descent, as long as the curvature suggests.
        steepest = np.where(curvature < 0, square / -curvature, 1.0) * along
        fallback = np.where(state["count"] == 0, steepest, state["solution"])
        most = np.minimum(self.rounds, 2 * along.shape[0])
        is_done = ~is_convex | (np.sqrt(new_square) <= state["tolerance"]) | (state["count"] + 1 >= most)
        new = {
            "solution": np.where(is_convex, solution, fallback),
            "residual": residual,
            "along": residual + (new_square / square) * along,
            "square": new_square,
            "tolerance": state["tolerance"],
            "count": state["count"] + 1,
        }
        return new, is_done

    def direction(self, now: Point, state: Any) -> tuple[Any, Any]:
        """Δw, the solution."""
        return state["solution"], state


def _check_search(method: Method) -> None:
    if method.line_search is None:
        raise ArgumentError(
            f"{type(method).__name__} needs a line search; write line_search=tw.Armijo() or tw.StrongWolfe()"
        )

"""Methods that learn the curvature from the gradients on their way: BFGS, L-BFGS, Barzilai–Borwein, conjugate gradients."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ...errors import ArgumentError
from ...graph import Array
from ..line_search import Armijo, LineSearch, StrongWolfe
from .base import Method, Point, check_count

__all__ = ["BFGS", "LBFGS", "BarzilaiBorwein", "ConjugateGradient"]


def _before(parameters: Array) -> dict[str, Any]:
    """Room for the point before: until there is one, `is_known` says no."""
    zeros = np.zeros_like(parameters)
    return {"parameters": zeros, "gradient": zeros, "is_known": np.bool_(False)}


def _now(now: Point) -> dict[str, Any]:
    return {"parameters": now.parameters, "gradient": now.gradient, "is_known": np.bool_(True)}


def _differences(now: Point, before: Any) -> tuple[Any, Any]:
    """s = w − w₋, y = ∇f − ∇f₋."""
    return now.parameters - before["parameters"], now.gradient - before["gradient"]


def _check_search(method: Method) -> None:
    if method.line_search is None:
        raise ArgumentError(
            f"{type(method).__name__} needs a line search; write line_search=tw.StrongWolfe() or tw.Armijo()"
        )


@dataclass(frozen=True)
class LBFGS(Method):
    """Limited-memory BFGS: the inverse Hessian as it shows in the last few differences of parameters and gradients.

    memory: how many differences are kept.

    Source: D. Liu and J. Nocedal, *On the limited memory BFGS method for large scale optimization*, Math. Programming 45
    (1989); Nocedal and Wright, algorithm 7.4.
    """

    memory: int = 10
    line_search: LineSearch | None = field(default_factory=StrongWolfe, kw_only=True)

    scaled_from: ClassVar[int | None] = 1

    def __post_init__(self) -> None:
        check_count("memory", self.memory)
        _check_search(self)

    def initial_state(self, parameters: Array) -> Any:
        """No differences yet: their weights are zero."""
        room = np.zeros((int(self.memory), *parameters.shape), parameters.dtype)
        one = np.ones((), parameters.dtype)
        weights = np.zeros(int(self.memory), parameters.dtype)
        return {"before": _before(parameters), "s": room, "y": room.copy(), "weights": weights, "scale": one}

    def direction(self, now: Point, state: Any) -> tuple[Any, Any]:
        """Δw = −H ∇f, by the two loops over the differences."""
        s, y = _differences(now, state["before"])
        product, square = np.sum(s * y), np.sum(y * y)
        # A difference along which the loss does not curve upwards would make the matrix indefinite.
        is_usable = state["before"]["is_known"] & (product > np.finfo(s.dtype).eps * square)
        kept_s = np.where(is_usable, _pushed(state["s"], s), state["s"])
        kept_y = np.where(is_usable, _pushed(state["y"], y), state["y"])
        weights = np.where(is_usable, _pushed(state["weights"], 1 / product), state["weights"])
        scale = np.where(is_usable, product / square, state["scale"])
        count = kept_s.shape[0]
        q = now.gradient
        shares: list[Any] = [None] * count
        for i in reversed(range(count)):
            shares[i] = weights[i] * np.sum(kept_s[i] * q)
            q = q - shares[i] * kept_y[i]
        r = scale * q
        for i in range(count):
            r = r + (shares[i] - weights[i] * np.sum(kept_y[i] * r)) * kept_s[i]
        new = {"before": _now(now), "s": kept_s, "y": kept_y, "weights": weights, "scale": scale}
        return -r, new


def _pushed(kept: Any, newest: Any) -> Any:
    """The oldest leaves, the newest enters at the end."""
    return np.concatenate([kept[1:], np.expand_dims(newest, 0)])


_MOST_PARAMETERS = 5000


@dataclass(frozen=True)
class BFGS(Method):
    """BFGS: the inverse Hessian, a matrix (P, P), corrected at every step. For up to a few thousand parameters.

    Source: Broyden, Fletcher, Goldfarb and Shanno (1970); Nocedal and Wright, algorithm 6.1 and equation 6.20.
    """

    line_search: LineSearch | None = field(default_factory=StrongWolfe, kw_only=True)

    scaled_from: ClassVar[int | None] = 1

    def __post_init__(self) -> None:
        _check_search(self)

    def initial_state(self, parameters: Array) -> Any:
        """The unit matrix. Raises ArgumentError for too many parameters."""
        if parameters.size > _MOST_PARAMETERS:
            raise ArgumentError(
                f"BFGS would keep a matrix of {parameters.size:,} × {parameters.size:,} numbers; with more than "
                f"{_MOST_PARAMETERS:,} parameters use tw.LBFGS(), which keeps none"
            )
        inverse = np.eye(parameters.size, dtype=parameters.dtype)
        return {"before": _before(parameters), "inverse": inverse, "is_first": np.bool_(True)}

    def direction(self, now: Point, state: Any) -> tuple[Any, Any]:
        """Δw = −H ∇f."""
        s, y = _differences(now, state["before"])
        product, square = np.sum(s * y), np.sum(y * y)
        is_usable = state["before"]["is_known"] & (product > np.finfo(s.dtype).eps * square)
        # The first difference tells the scale.
        inverse = np.where(state["is_first"] & is_usable, product / square, 1.0) * state["inverse"]
        weight = 1 / product
        changed = inverse @ y
        outer = np.expand_dims(s, 1) * np.expand_dims(changed, 0)
        factor = weight * (1 + weight * np.sum(y * changed))
        corrected = inverse - weight * (outer + outer.T) + factor * np.expand_dims(s, 1) * np.expand_dims(s, 0)
        inverse = np.where(is_usable, corrected, inverse)
        new = {"before": _now(now), "inverse": inverse, "is_first": state["is_first"] & ~is_usable}
        return -(inverse @ now.gradient), new


@dataclass(frozen=True)
class BarzilaiBorwein(Method):
    """Steepest descent whose step comes from the last difference of gradients, sᵀs/sᵀy. The loss may rise in between.

    Source: J. Barzilai and J. Borwein, *Two-point step size gradient methods*, IMA J. Numer. Anal. 8 (1988); with a
    line search that allows for rises: M. Raydan, SIAM J. Optim. 7 (1997).
    """

    line_search: LineSearch | None = field(default_factory=lambda: Armijo(window=10), kw_only=True)

    scaled_from: ClassVar[int | None] = 1

    def initial_state(self, parameters: Array) -> Any:
        """There is no point before."""
        return _before(parameters)

    def direction(self, now: Point, state: Any) -> tuple[Any, Any]:
        """Δw = −α ∇f, α = sᵀs/sᵀy; where the loss curves downwards, ‖s‖/‖y‖."""
        s, y = _differences(now, state)
        square, product = np.sum(s * s), np.sum(s * y)
        long = np.where(product > 0, square / product, np.sqrt(square / np.sum(y * y)))
        is_known = state["is_known"] & np.isfinite(long) & (long > 0)
        first = np.minimum(1.0, 1.0 / np.sqrt(np.sum(now.gradient * now.gradient))).astype(s.dtype)
        start = first if self.line_search is None else np.ones((), s.dtype)
        return -np.where(is_known, long, start) * now.gradient, _now(now)


FORMULAS = ("polak_ribiere", "fletcher_reeves", "hestenes_stiefel", "dai_yuan", "hager_zhang")


@dataclass(frozen=True)
class ConjugateGradient(Method):
    """Nonlinear conjugate gradients: Δw = −∇f + β Δw₋.

    formula: of β, one of "polak_ribiere" (never below 0),
    "fletcher_reeves", "hestenes_stiefel", "dai_yuan", "hager_zhang".

    Source: Nocedal and Wright, chapter 5.2; W. Hager and H. Zhang, *A survey of nonlinear conjugate gradient methods* (2006).
    """

    formula: str = "polak_ribiere"
    line_search: LineSearch | None = field(default_factory=lambda: StrongWolfe(curvature=0.1), kw_only=True)

    def __post_init__(self) -> None:
        _check_search(self)
        if self.formula not in FORMULAS:
            raise ArgumentError(f"formula={self.formula!r}: expected one of {', '.join(FORMULAS)}")

    def initial_state(self, parameters: Array) -> Any:
        """There is no direction before."""
        return {"before": _before(parameters), "direction": np.zeros_like(parameters)}

    def direction(self, now: Point, state: Any) -> tuple[Any, Any]:
        """Δw = −∇f + β Δw₋."""
        g, before, d = now.gradient, state["before"]["gradient"], state["direction"]
        y = g - before
        beta = _beta(self.formula, g, before, y, d)
        beta = np.where(state["before"]["is_known"] & np.isfinite(beta), beta, 0.0)
        direction = -g + beta * d
        # Where conjugacy is lost the steepest descent begins anew.
        direction = np.where(np.sum(g * direction) < 0, direction, -g)
        return direction, {"before": _now(now), "direction": direction}


def _beta(formula: str, g: Any, before: Any, y: Any, d: Any) -> Any:
    if formula == "polak_ribiere":
        return np.maximum(np.sum(g * y) / np.sum(before * before), 0.0)
    if formula == "fletcher_reeves":
        return np.sum(g * g) / np.sum(before * before)
    along = np.sum(d * y)
    if formula == "hestenes_stiefel":
        return np.maximum(np.sum(g * y) / along, 0.0)
    if formula == "dai_yuan":
        return np.sum(g * g) / along
    beta = (np.sum(y * g) - 2 * np.sum(y * y) * np.sum(d * g) / along) / along
    floor = np.sqrt(np.sum(d * d)) * np.minimum(0.01, np.sqrt(np.sum(before * before)))
    return np.maximum(beta, -1 / floor)

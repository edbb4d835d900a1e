"""Accelerated gradient descent, with or without proximal steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...graph import Array
from .base import Method, Point, Schedule, check_learning_rate

__all__ = ["AcceleratedGradient"]


@dataclass(frozen=True)
class AcceleratedGradient(Method):
    """Gradient steps from a point further on: y = w + (t − 1)/t' (w − w_before), w ← y − η ∇f(y), t' = (1 + √(1 + 4 t²))/2.

    Where the step leads back (against the last change of w), t starts anew. With a penalty that has a kink this is FISTA. The loss
    and the gradient of the history are those at y.

    learning_rate: η, best 1 / the largest curvature; a number or a function of the step. Where the gradient turns out to change faster
    than by 1/η along the way, steps become shorter, and stay so.

    Sources: Y. Nesterov (1983); A. Beck and M. Teboulle, *A Fast Iterative Shrinkage-Thresholding Algorithm for Linear Inverse
    Problems* (2009); B. O'Donoghue and E. Candès, *Adaptive Restart for Accelerated Gradient Schemes* (2015).
    """

    learning_rate: float | Schedule = 0.01

    looks_ahead: ClassVar[bool] = True
    takes_proximal: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_learning_rate(self.learning_rate)

    def initial_state(self, parameters: Array) -> Any:
        """t = 1; all points are the start."""
        return {
            "t": np.ones((), parameters.dtype),
            "before": parameters.copy(),
            "ahead": parameters.copy(),
            "from": parameters.copy(),
            "gradient": np.zeros_like(parameters),
            "factor": np.ones((), parameters.dtype),
        }

    def ahead(self, parameters: Any, state: Any) -> tuple[Any, Any]:
        """y, and the memory."""
        change = parameters - state["before"]
        leads_back = np.sum((state["ahead"] - parameters) * change) > 0
        t = np.where(leads_back, 1.0, state["t"])
        following = (1 + np.sqrt(1 + 4 * t * t)) / 2
        point = parameters + (t - 1) / following * change
        return point, {**state, "t": following, "before": parameters, "ahead": point, "from": state["ahead"]}

    def direction(self, now: Point, state: Any) -> tuple[Any, Any]:
        """Δw = −∇f(y), from y; and whether the curvature along the last change asks for shorter steps."""
        change = now.parameters - state["from"]
        distance = np.sqrt(np.sum(change * change))
        is_far = distance > _FAR * np.sqrt(np.sum(now.parameters * now.parameters))
        curvature = np.sqrt(np.sum((now.gradient - state["gradient"]) ** 2)) / np.where(is_far, distance, 1.0)
        product = curvature * self.rate(now.step) * state["factor"]
        is_too_long = is_far & (now.step > 0) & (product > _SLACK)
        factor = np.where(is_too_long, state["factor"] / np.where(is_too_long, product, 1.0), state["factor"])
        return -now.gradient, {**state, "gradient": now.gradient, "factor": factor}

    def factor(self, state: Any) -> Any:
        """How much shorter the steps are than the learning rate says."""
        return state["factor"]


_FAR = 1e-5
"""Closer together, two points tell of rounding errors, not of the curvature."""

_SLACK = 1.05

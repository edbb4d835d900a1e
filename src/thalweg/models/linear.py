"""Models with one linear layer, x·W + b: they differ in their loss. All are convex, and start from zero."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arguments import whole_number
from ..errors import ArgumentError
from .losses import Hinge, LogisticLoss, Loss
from .model import Model

__all__ = ["Linear", "Logistic", "Poisson", "Softmax", "SupportVectorMachine"]


@dataclass(frozen=True)
class Linear(Model):
    """Linear regression: scores x·W + b, with the parameters {"w": (n,) or (n, m), "b": () or (m,)}.

    inputs: features n. outputs: m; by default one, for targets (N,). objective: "squared", "half_squared",
    "residual_sum_of_squares", "absolute", "huber", "quantile" or any other loss.

    >>> print(Linear(3, 2))
    Linear with Squared(): 8 parameters
      1  3 → 2, 8 parameters
    """

    def start(self, seed: int = 0, dtype: Any = np.float64) -> dict[str, Any]:
        """Zeros."""
        w, b = self.layers[0].shapes
        return {"w": np.zeros(w, dtype), "b": np.zeros(b, dtype)}

    def scores(self, parameters: Any, X: Any) -> Any:
        """x·W + b."""
        return X @ parameters["w"] + parameters["b"]


@dataclass(frozen=True)
class Logistic(Linear):
    """Logistic regression for two classes, 0 and 1: `predict` gives the probability of class 1. outputs: several questions at once."""

    objective: str | Loss = field(default=LogisticLoss(), kw_only=True)


@dataclass(frozen=True)
class Poisson(Linear):
    """Poisson regression for counts: `predict` gives the rate e^{x·W + b}."""

    objective: str | Loss = field(default="poisson", kw_only=True)


@dataclass(frozen=True)
class Softmax(Linear):
    """Multinomial logistic regression: `predict` gives the probability of each of the `outputs` classes, 2 or more."""

    outputs: int | None = 2
    objective: str | Loss = field(default="cross_entropy", kw_only=True)


@dataclass(frozen=True)
class SupportVectorMachine(Linear):
    """A linear support vector machine. outputs: by default one score, for the classes 0 and 1; K for K classes.

    objective: "hinge" or "squared_hinge". The margin is made wide by a penalty: tw.minimize(..., penalty=tw.L2(0.01)).
    """

    objective: str | Loss = field(default="hinge", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.criterion, Hinge):
            raise ArgumentError(
                f'objective={self.objective!r}: a support vector machine has "hinge" or "squared_hinge"'
            )
        if self.outputs is not None:
            whole_number("outputs", self.outputs - 1)

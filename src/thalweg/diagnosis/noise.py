"""How much mini-batches' gradients differ from the gradient over all examples.

Source: S. McCandlish, J. Kaplan et al., *An Empirical Model of Large-Batch Training* (2018), the simple noise scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..descent.evaluation import gradients_at
from .situation import Situation

__all__ = ["Noise", "noise_of"]

_BATCHES = 24


@dataclass(frozen=True)
class Noise:
    """variance: of a batch's gradient, summed over the parameters. signal: ‖∇f‖² over all examples. batch: examples in one.
    is_level: whether the loss no longer falls, beyond its scatter.
    """

    variance: float
    signal: float
    batch: int
    is_level: bool

    @property
    def dominates(self) -> bool:
        """Whether batches' gradients are mostly noise, and the loss stays level."""
        return self.variance > self.signal and self.is_level

    @property
    def scale(self) -> float:
        """The batch size at which noise and signal would be the same."""
        return self.batch * self.variance / self.signal if self.signal > 0 else float("inf")

    def figures(self) -> dict[str, Any]:
        """As evidence."""
        return {"gradient noise scale": self.scale, "batch size": self.batch}


def noise_of(here: Situation) -> Noise | None:
    """The noise at the end of a descent with mini-batches; None for full batches."""
    plan = here.plan
    if plan.batch is None:
        return None
    first = here.result.steps + 1
    found = [gradients_at(here.step_problem, here.end[None], plan.batch_of(first + k))[0] for k in range(_BATCHES)]
    gradients = np.array(found)
    variance = float(np.mean(np.sum((gradients - here.gradient) ** 2, axis=1)))
    return Noise(variance, float(here.gradient @ here.gradient), plan.batch, _is_level(here.result.history.loss))


def _is_level(losses: Any) -> bool:
    """Whether the mean of the last quarter is not below that of the quarter before by more than twice its error."""
    quarter = len(losses) // 4
    if quarter < 8:
        return False
    last, before = losses[-quarter:], losses[-2 * quarter : -quarter]
    error = float(np.sqrt((np.var(last) + np.var(before)) / quarter))
    return bool(np.mean(before) - np.mean(last) < 2 * error)

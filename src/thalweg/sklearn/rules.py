"""A stopping rule for mini-batches: the loss of whole epochs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..descent import Measurement, StoppingRule

__all__ = ["EpochsStall"]


@dataclass(frozen=True)
class EpochsStall(StoppingRule):
    """Stops when the mean loss of the batches of an epoch has not fallen by `tolerance` below the best for `epochs` epochs in a row.

    batches: in an epoch, or so many as take the noise out of their mean.
    """

    batches: int
    epochs: int
    tolerance: float

    def initial_memory(self) -> Any:
        """The sum over this epoch, and what the epochs before came to."""
        nothing = np.int64(0)
        return {"sum": np.float64(0), "batch": nothing, "best": np.float64(np.inf), "stalled": nothing}

    def fires(self, now: Any, memory: Any) -> tuple[Any, Any]:
        """At the end of an epoch. A loss of NaN is no improvement."""
        total, batch = memory["sum"] + now.loss, memory["batch"] + 1
        is_over = batch >= self.batches
        mean = total / self.batches
        needed = np.where(np.isfinite(memory["best"]), memory["best"] - self.tolerance, memory["best"])
        stalled = np.where(mean < needed, 0, memory["stalled"] + 1)
        stalled = np.where(is_over, stalled, memory["stalled"])
        following = {
            "sum": np.where(is_over, 0.0, total),
            "batch": np.where(is_over, 0, batch),
            "best": np.where(is_over & (mean < memory["best"]), mean, memory["best"]),
            "stalled": stalled,
        }
        return stalled >= self.epochs, following

    def sentence(self, now: Measurement) -> str:
        return f"the loss of an epoch has not fallen by {self.tolerance:g} for {self.epochs} epochs"

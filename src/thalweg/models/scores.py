"""How good predictions are."""

from __future__ import annotations

import numpy as np

from ..graph import Array

__all__ = ["linear_scores", "logistic_scores"]


def linear_scores(y: Array, predicted: Array) -> dict[str, float]:
    """R² and the root of the mean squared error."""
    residual = y - predicted
    spread = float(np.mean((y - y.mean()) ** 2))
    squared = float(np.mean(residual**2))
    return {"R²": 1 - squared / spread if spread else float("nan"), "RMSE": squared**0.5}


def logistic_scores(y: Array, probability: Array) -> dict[str, float]:
    """The share of right answers, and the mean logarithmic loss."""
    p = np.clip(probability, 1e-15, 1 - 1e-15)
    return {
        "accuracy": float(np.mean((probability >= 0.5) == (y > 0.5))),
        "log loss": float(-np.mean(y * np.log(p) + (1 - y) * np.log1p(-p))),
    }

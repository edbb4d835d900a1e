"""The unit of a regression's targets: a descent sees them with mean 0 and deviation 1, whatever they were."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from ..graph import Array
from ..models import Absolute, HalfSquared, Huber, Loss, Quantile
from .inputs import Examples
from .standardised import Layers

__all__ = ["Unit", "unit_of"]


@dataclass(frozen=True, eq=False)
class Unit:
    """mean: of each output. scale: one for all outputs, so that none counts more than it did. loss: the unit of the loss."""

    mean: Array
    scale: float
    loss: float

    def standard(self, examples: Examples) -> Examples:
        """The examples with standardised targets."""
        if self.scale == 1 and not self.mean.any():
            return examples
        return dataclasses.replace(examples, y=((examples.y - self.mean) / self.scale).astype(examples.X.dtype))

    def multiplied(self, layers: Layers) -> Layers:
        """The layers for targets in their own unit."""
        return self._last(layers, layers[-1]["w"] * self.scale, layers[-1]["b"] * self.scale + self.mean)

    def divided(self, layers: Layers) -> Layers:
        """The layers for standardised targets."""
        return self._last(layers, layers[-1]["w"] / self.scale, (layers[-1]["b"] - self.mean) / self.scale)

    def _last(self, layers: Layers, w: Array, b: Array) -> Layers:
        dtype = layers[-1]["w"].dtype
        return (*layers[:-1], {"w": np.asarray(w, dtype), "b": np.asarray(b, dtype)})


def unit_of(examples: Examples, loss: Loss, has_intercept: bool) -> Unit:
    """Mean and deviation of the targets.

    Losses with a scale of their own keep it; counts keep their zero, since their scores are logarithms. Without an intercept the
    mean stays.
    """
    y, weights = examples.y.astype(np.float64), examples.weights
    mean = np.zeros(y.shape[1:])
    if has_intercept and isinstance(loss, HalfSquared | Absolute | Quantile | Huber):
        mean = np.asarray(np.average(y, axis=0, weights=weights))
    if not isinstance(loss, HalfSquared | Absolute | Quantile):
        return Unit(mean, 1.0, 1.0)
    scale = float(np.sqrt(np.mean(np.average((y - mean) ** 2, axis=0, weights=weights)))) or 1.0
    return Unit(mean, scale, scale**2 if isinstance(loss, HalfSquared) else scale)

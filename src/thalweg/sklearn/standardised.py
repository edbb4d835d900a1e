"""A model on features that are standardised on the way, without a copy of the data.

With v for the weights of standardised features, x·(v/σ) + (b − μ·(v/σ)) is the same model as ((x − μ)/σ)·v + b: only the
parameters differ, and with them how well the descent is conditioned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph import Array
from ..models import Model

__all__ = ["Scaling", "Standardised", "layers_of", "scaling_of"]

Layers = tuple[dict[str, Any], ...]
"""{"w": W, "b": b} of each layer."""


@dataclass(frozen=True, eq=False)
class Scaling:
    """mean, inverse: μ and 1/σ of each feature (n,)."""

    mean: Array
    inverse: Array


def scaling_of(X: Any, weights: Array | None, has_intercept: bool, ridge: float = 0.0) -> Scaling:
    """Mean and deviation of the features; without an intercept the root of the mean square. Constant features are left.

    X: dense or sparse.     ridge: the curvature λ of a penalty ½ λ Σ w² in the features' own units, relative to that of the loss;
    1/σ becomes 1/√(σ² + λ), with which loss and penalty together are equally curved along every weight.
    """
    count, features = X.shape
    share = np.full(count, 1 / count) if weights is None else weights / weights.sum()
    mean = X.T @ share.astype(X.dtype) if has_intercept else np.zeros(features, X.dtype)
    square = np.zeros(features)
    for first in range(0, count, 8192):
        rows = slice(first, first + 8192)
        block = X[rows] if isinstance(X, np.ndarray) else X[rows].toarray()
        square += share[rows] @ (block - mean).astype(np.float64) ** 2
    deviation = np.sqrt(square)
    floor = 1e-7 if X.dtype == np.float32 else 1e-12
    is_constant = ~(deviation > floor * np.maximum(np.abs(mean), 1e-100))
    size = np.sqrt(np.where(is_constant, 0.0, square) + ridge)
    return Scaling(mean, (1 / np.where(size > 0, size, 1.0)).astype(X.dtype))


def layers_of(parameters: Any) -> Layers:
    """The layers of any model's parameters."""
    return (parameters,) if isinstance(parameters, dict) else tuple(parameters)


@dataclass(frozen=True, eq=False)
class Standardised:
    """A model, on features with a scaling. has_intercept: else the only layer is {"w": W}."""

    model: Model
    scaling: Scaling
    has_intercept: bool = True

    def _column(self, w: Any) -> Any:
        return self.scaling.inverse if w.ndim == 1 else self.scaling.inverse[:, np.newaxis]

    def own(self, parameters: Any) -> Layers:
        """The layers for features in their own units, from those for standardised ones."""
        first, *rest = layers_of(parameters)
        w = first["w"] * self._column(first["w"])
        b = first["b"] - self.scaling.mean @ w if self.has_intercept else np.zeros(w.shape[1:], w.dtype)
        return ({"w": w, "b": b}, *rest)

    def standard(self, layers: Layers) -> Any:
        """The parameters for standardised features, from the layers for features in their own units."""
        first, *rest = layers
        new = {"w": first["w"] / self._column(first["w"])}
        if self.has_intercept:
            new["b"] = first["b"] + self.scaling.mean @ first["w"]
        return (new, *rest)

    def start(self, seed: int, dtype: Any) -> Any:
        """Parameters to start from."""
        layers = layers_of(self.model.start(seed, dtype))
        return layers if self.has_intercept else ({"w": layers[0]["w"]},)

    def scores(self, layers: Layers, X: Any) -> Any:
        """Scores for layers in own units; X may be sparse."""
        return self.model.scores(layers if len(layers) > 1 or is_deep(self.model) else layers[0], X)

    def loss(self, parameters: Any, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """The model's loss."""
        own: Sequence[Any] = self.own(parameters)
        return self.model.loss(own if is_deep(self.model) else own[0], X, y, sample_weight)


def is_deep(model: Model) -> bool:
    """Whether the model takes a layer or a tuple of layers."""
    return hasattr(model, "hidden")

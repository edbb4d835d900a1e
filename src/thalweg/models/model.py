"""What all models share: parameters to start from, scores, predictions, a loss, and a text that shows the layers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arguments import whole_number
from ..errors import ArgumentError
from ..graph import Array
from .losses import Loss, loss_named

__all__ = ["Layer", "Model"]


@dataclass(frozen=True)
class Layer:
    """A linear layer, y = x·W + b, and what comes after it.

    inputs: n. outputs: m; None for a single output without an axis of its own. activation: its name, "" for none.
    """

    inputs: int
    outputs: int | None
    activation: str = ""

    @property
    def parameter_count(self) -> int:
        """n·m + m."""
        m = self.outputs or 1
        return self.inputs * m + m

    @property
    def shapes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Of W and of b."""
        own = () if self.outputs is None else (self.outputs,)
        return (self.inputs, *own), own

    def __str__(self) -> str:
        what = f" {self.activation}" if self.activation else ""
        count = self.parameter_count
        return f"{self.inputs} → {self.outputs or 1}{what}, {count:,} parameters"


@dataclass(frozen=True)
class Model:
    """What all models share. inputs: features n. outputs: m, or None for one that has no axis of its own.

    objective: a loss, or its name. `loss` is an ordinary function for `tw.minimize`; `scores` and `predict` take the parameters
    that it returns:

        model = tw.models.Linear(13)
        result = tw.minimize(model.loss, model.start(), data=(X, y))
        model.predict(result.parameters, X)

    Raises ArgumentError if a size is no whole number above 0, or the loss is unknown.
    """

    inputs: int
    outputs: int | None = None
    objective: str | Loss = field(default="squared", kw_only=True)

    def __post_init__(self) -> None:
        whole_number("inputs", self.inputs)
        if self.outputs is not None:
            whole_number("outputs", self.outputs)
        if self.criterion.has_score_per_class and (self.outputs or 1) < 2:
            raise ArgumentError(
                f"outputs={self.outputs!r}: {self.criterion} needs one output for each class, 2 or more"
            )

    @property
    def criterion(self) -> Loss:
        """The objective as a loss of single examples."""
        return loss_named(self.objective)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, from the data to the scores."""
        return (Layer(self.inputs, self.outputs),)

    @property
    def parameter_count(self) -> int:
        """The number of all weights and biases."""
        return sum(layer.parameter_count for layer in self.layers)

    def start(self, seed: int = 0, dtype: Any = np.float64) -> Any:
        """Parameters to start from. seed: of those that are drawn."""
        raise ArgumentError(f"{type(self).__name__} has no method start(self, seed, dtype)")

    def scores(self, parameters: Any, X: Any) -> Any:
        """X (N, n) → scores (N,) or (N, m), in plain NumPy."""
        raise ArgumentError(f"{type(self).__name__} has no method scores(self, parameters, X)")

    def predict(self, parameters: Any, X: Array) -> Array:
        """X (N, n) → values, rates or probabilities; of a support vector machine scores, (N,) or (N, m)."""
        return self.criterion.prediction(self.scores(parameters, X))

    def classify(self, parameters: Any, X: Array) -> Array:
        """X (N, n) → the class of each example (N,), counted from 0. Raises ArgumentError if the targets are no classes."""
        if not self.criterion.is_classification:
            raise ArgumentError(
                f"{type(self).__name__} with {self.criterion} predicts numbers, not classes: use predict"
            )
        scores = self.scores(parameters, X)
        return np.asarray(np.argmax(scores, axis=1) if scores.ndim > 1 else scores > 0).astype(np.int64)

    def loss(self, parameters: Any, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """1/N Σ w_i L_i(x_i, y_i), or the sum alone where the objective is one.

        sample_weight: w (N,), by default all 1. It is not normalised, so that mini-batches add up to the whole.
        """
        values = self.criterion(self.scores(parameters, X), y)
        if sample_weight is not None:
            values = sample_weight * values
        return np.sum(values) if self.criterion.is_sum else np.mean(values)

    def __str__(self) -> str:
        lines = [f"{type(self).__name__} with {self.criterion}: {self.parameter_count:,} parameters"]
        lines += [f"  {number}  {layer}" for number, layer in enumerate(self.layers, 1)]
        return "\n".join(lines)

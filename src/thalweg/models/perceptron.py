"""The multi-layer perceptron: linear layers, with an activation after each but the last."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..arguments import whole_number
from ..errors import ArgumentError
from ..graph import Array
from .activations import activation_named
from .model import Layer, Model

__all__ = ["Perceptron"]


@dataclass(frozen=True)
class Perceptron(Model):
    """A multi-layer perceptron, with a dict {"w": W, "b": b} of parameters for each layer.

    inputs: features n. outputs: m; by default one, for targets (N,). hidden: the width of each hidden layer, any number of them.
    activation: "relu", "leaky_relu", "tanh", "sigmoid", "gelu", "softplus" or "identity". objective: any loss.
    drawn: how weights are: "he", "glorot", or "auto" for what fits the activation. Glorot's are smaller where features are few,
    which makes a smoother start.

    >>> print(Perceptron(784, 10, hidden=(128,), objective="cross_entropy"))
    Perceptron with CrossEntropy(): 101,770 parameters
      1  784 → 128 relu, 100,480 parameters
      2  128 → 10, 1,290 parameters
    """

    hidden: tuple[int, ...] = (100,)
    activation: str = "relu"
    drawn: str = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "hidden", tuple(self.hidden))
        for number, width in enumerate(self.hidden):
            whole_number(f"hidden[{number}]", width)
        activation_named(self.activation)
        if self.drawn not in ("auto", "he", "glorot"):
            raise ArgumentError(f'drawn={self.drawn!r}: expected "auto", "he" or "glorot"')

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The hidden layers and the last one."""
        ends = (self.inputs, *self.hidden)
        hidden = [Layer(n, m, self.activation) for n, m in pairwise(ends)]
        return (*hidden, Layer(ends[-1], self.outputs))

    def start(self, seed: int = 0, dtype: Any = np.float64) -> tuple[dict[str, Array], ...]:
        """Weights as `drawn` says, those of the last layer as Glorot has it; biases zero."""
        generator = np.random.default_rng(seed)
        return tuple(self._drawn(layer, generator, np.dtype(dtype)) for layer in self.layers)

    def _drawn(self, layer: Layer, generator: np.random.Generator, dtype: Any) -> dict[str, Array]:
        w, b = layer.shapes
        gain = activation_named(layer.activation).gain if layer.activation else None
        gain = None if self.drawn == "glorot" else (gain or 2.0 if self.drawn == "he" and layer.activation else gain)
        if gain is None:
            limit = math.sqrt(6 / (layer.inputs + (layer.outputs or 1)))
            weights = generator.uniform(-limit, limit, w)
        else:
            weights = math.sqrt(gain / layer.inputs) * generator.standard_normal(w)
        return {"w": weights.astype(dtype), "b": np.zeros(b, dtype)}

    def scores(self, parameters: Any, X: Any) -> Any:
        """The last layer's x·W + b."""
        act = activation_named(self.activation).function
        values = X
        for layer in parameters[:-1]:
            values = act(values @ layer["w"] + layer["b"])
        return values @ parameters[-1]["w"] + parameters[-1]["b"]

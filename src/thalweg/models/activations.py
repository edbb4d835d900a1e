"""Activations: what a layer of a perceptron does to each of its sums, in plain NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ArgumentError

__all__ = ["ACTIVATIONS", "Activation", "activation_named"]


@dataclass(frozen=True)
class Activation:
    """An activation, and the gain that keeps the size of what passes a layer.

    function: sums → values of the same shape. gain: weights are drawn with the variance gain / inputs (He), or, where it is
    None, uniformly as Glorot and Bengio have it.

    Sources: K. He et al., *Delving Deep into Rectifiers* (2015); X. Glorot and Y. Bengio, *Understanding the difficulty of
    training deep feedforward neural networks* (2010).
    """

    name: str
    function: Callable[[Any], Any]
    gain: float | None = None


_LEAK = 0.01


def _relu(x: Any) -> Any:
    return np.maximum(x, 0.0)


def _leaky_relu(x: Any) -> Any:
    return np.where(x > 0, x, _LEAK * x)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _gelu(x: Any) -> Any:
    """x Φ(x): D. Hendrycks and K. Gimpel, *Gaussian Error Linear Units* (2016)."""
    from scipy.special import erf  # slow to import, and few need it

    return x * (1 + erf(x / math.sqrt(2))) / 2


def _softplus(x: Any) -> Any:
    return np.logaddexp(0.0, x)


def _identity(x: Any) -> Any:
    return x


ACTIVATIONS = {
    found.name: found
    for found in (
        Activation("relu", _relu, 2.0),
        Activation("leaky_relu", _leaky_relu, 2 / (1 + _LEAK**2)),
        Activation("tanh", np.tanh),
        Activation("sigmoid", _sigmoid),
        Activation("gelu", _gelu, 2.0),
        Activation("softplus", _softplus, 2.0),
        Activation("identity", _identity),
    )
}
"""All activations, by name."""


def activation_named(name: str) -> Activation:
    """The activation of that name. Raises ArgumentError for one that is unknown."""
    if name not in ACTIVATIONS:
        raise ArgumentError(f"activation={name!r}: expected one of {', '.join(map(repr, ACTIVATIONS))}")
    return ACTIVATIONS[name]

"""Where descents start: drawn at random for parameters of given shapes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..graph import Array, Shape
from .parameters import Layout

__all__ = ["Gaussian", "Glorot", "He", "Start", "Uniform", "Zeros"]


def _check_number(name: str, value: Any, is_positive: bool = False) -> None:
    if not isinstance(value, int | float | np.number) or not math.isfinite(value) or (is_positive and value <= 0):
        raise ArgumentError(f"{name}={value!r}: expected a {'number above 0' if is_positive else 'finite number'}")


@dataclass(frozen=True)
class Start:
    """What all starts share. A start of your own derives from this class and gives `leaf`."""

    def leaf(self, shape: Shape, given: Array, generator: np.random.Generator) -> Array:
        """One array of the parameters. given: what the user passed for it."""
        raise ArgumentError(f"{type(self).__name__} has no method leaf(self, shape, given, generator)")

    def vector(self, layout: Layout, given: Array, generator: np.random.Generator) -> Array:
        """All parameters as one vector. given: those that the user passed."""
        parts, place = [], 0
        for type in layout.types:
            of_leaf = given[place : place + type.size].reshape(type.shape)
            parts.append(np.asarray(self.leaf(type.shape, of_leaf, generator), layout.dtype).reshape(-1))
            place += type.size
        return np.concatenate(parts)


@dataclass(frozen=True)
class Gaussian(Start):
    """Around the given parameters, normally distributed. scale: the standard deviation."""

    scale: float = 1.0

    def __post_init__(self) -> None:
        _check_number("scale", self.scale, is_positive=True)

    def leaf(self, shape: Shape, given: Array, generator: np.random.Generator) -> Array:
        """given + scale · N(0, 1)."""
        return given + self.scale * generator.standard_normal(shape)


@dataclass(frozen=True)
class Uniform(Start):
    """Between two numbers, whatever the given parameters are."""

    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        _check_number("low", self.low)
        _check_number("high", self.high)
        if not self.low < self.high:
            raise ArgumentError(f"Uniform(low={self.low!r}, high={self.high!r}): low has to be smaller than high")

    def leaf(self, shape: Shape, given: Array, generator: np.random.Generator) -> Array:
        """Uniform in [low, high)."""
        return generator.uniform(self.low, self.high, shape)


def _fans(shape: Shape) -> tuple[int, int]:
    """How many values enter and leave: the last axis counts the outputs, as in y = x·W + b."""
    return math.prod(shape[:-1]), math.prod((*shape[:-2], shape[-1]))


@dataclass(frozen=True)
class Glorot(Start):
    """For layers with tanh or sigmoid: matrices uniform in ±√(6 / (inputs + outputs)); biases zero.

    Source: X. Glorot and Y. Bengio, *Understanding the difficulty of training deep feedforward neural networks* (2010).
    """

    def leaf(self, shape: Shape, given: Array, generator: np.random.Generator) -> Array:
        """Arrays of less than two axes are biases."""
        if len(shape) < 2:
            return np.zeros(shape)
        limit = math.sqrt(6 / max(1, sum(_fans(shape))))
        return generator.uniform(-limit, limit, shape)


@dataclass(frozen=True)
class He(Start):
    """For layers with ReLU: matrices normal with the deviation √(2 / inputs); biases zero.

    Source: K. He et al., *Delving Deep into Rectifiers* (2015).
    """

    def leaf(self, shape: Shape, given: Array, generator: np.random.Generator) -> Array:
        """Arrays of less than two axes are biases."""
        if len(shape) < 2:
            return np.zeros(shape)
        return math.sqrt(2 / max(1, _fans(shape)[0])) * generator.standard_normal(shape)


@dataclass(frozen=True)
class Zeros(Start):
    """All parameters zero."""

    def leaf(self, shape: Shape, given: Array, generator: np.random.Generator) -> Array:
        """Zeros."""
        return np.zeros(shape)

"""Methods of descent: w ← w + μ Δw, with a direction Δw for which ∇f·Δw < 0, and a step μ.

A method is a frozen dataclass. Its numbers are inputs of the compiled program: another learning rate needs no other
program. To write one of your own, derive from `Method` and give the direction, in plain NumPy:

    @dataclass(frozen=True)
    class SignDescent(Method):
        learning_rate: float = 0.01

        def direction(self, gradient, state, step):
            return -np.sign(gradient), state
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..graph import Array

__all__ = ["Adam", "GradientDescent", "Method", "Momentum", "Schedule"]

Schedule = Callable[[Any], Any]
"""A learning rate as a function of the step (0, 1, 2, ...), in plain NumPy."""


def check_learning_rate(rate: Any) -> None:
    """Raises ArgumentError for a rate that cannot be one."""
    if callable(rate):
        return
    if not isinstance(rate, int | float | np.number) or not (math.isfinite(rate) and rate > 0):
        raise ArgumentError(
            f"learning_rate={rate!r}: expected a number above 0, or a function of the step; "
            "try powers of ten, from 1e-4 to 1"
        )


def check_fraction(name: str, value: Any) -> None:
    """Raises ArgumentError unless 0 ≤ value < 1."""
    if not isinstance(value, int | float | np.number) or not 0 <= value < 1:
        raise ArgumentError(f"{name}={value!r}: expected a number from 0 up to, but not including, 1")


@dataclass(frozen=True)
class Method:
    """What all methods share. A method of your own derives from this class.

    initial_state: parameters (P,) → the method's memory, a nesting of arrays. By default there is none.
    direction: (gradient (P,), state, step) → (Δw (P,), new state). Required.
    rate: step → μ; by default the field `learning_rate`, a number or a schedule.
    """

    def initial_state(self, parameters: Array) -> Any:
        """The memory that the method starts with."""
        return ()

    def direction(self, gradient: Any, state: Any, step: Any) -> tuple[Any, Any]:
        """Δw and the memory for the next step."""
        raise ArgumentError(f"{type(self).__name__} has no method direction(gradient, state, step)")

    def rate(self, step: Any) -> Any:
        """How far to go: μ."""
        rate = getattr(self, "learning_rate", 1.0)
        return rate(step) if callable(rate) else rate


@dataclass(frozen=True)
class GradientDescent(Method):
    """Gradient descent: w ← w − η ∇f(w).

    learning_rate: η > 0, a number or a function of the step.

    Source: A. Cauchy (1847). Example:

    >>> GradientDescent(learning_rate=0.1)
    GradientDescent(learning_rate=0.1)
    """

    learning_rate: float | Schedule = 0.01

    def __post_init__(self) -> None:
        check_learning_rate(self.learning_rate)

    def direction(self, gradient: Any, state: Any, step: Any) -> tuple[Any, Any]:
        """Δw = −∇f."""
        return -gradient, state


@dataclass(frozen=True)
class Momentum(Method):
    """Gradient descent with momentum, the heavy ball: v ← β v − ∇f(w), w ← w + η v.

    learning_rate: η > 0, a number or a function of the step. momentum: 0 ≤ β < 1.

    Source: B. Polyak, *Some methods of speeding up the convergence of iteration methods* (1964).
    """

    learning_rate: float | Schedule = 0.01
    momentum: float = 0.9

    def __post_init__(self) -> None:
        check_learning_rate(self.learning_rate)
        check_fraction("momentum", self.momentum)

    def initial_state(self, parameters: Array) -> Any:
        """The ball is at rest."""
        return np.zeros_like(parameters)

    def direction(self, gradient: Any, state: Any, step: Any) -> tuple[Any, Any]:
        """Δw = v, the velocity."""
        velocity = self.momentum * state - gradient
        return velocity, velocity


@dataclass(frozen=True)
class Adam(Method):
    """Adam: steps scaled by running means of the gradient and of its square, both corrected for their start at zero.

    learning_rate: η > 0, a number or a function of the step. beta1, beta2: in [0, 1). epsilon: > 0.

    Source: D. Kingma and J. Ba, *Adam: A Method for Stochastic Optimization*, ICLR 2015, algorithm 1.
    """

    learning_rate: float | Schedule = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        check_learning_rate(self.learning_rate)
        check_fraction("beta1", self.beta1)
        check_fraction("beta2", self.beta2)
        if not self.epsilon > 0:
            raise ArgumentError(f"epsilon={self.epsilon!r}: expected a small number above 0, such as 1e-8")

    def initial_state(self, parameters: Array) -> Any:
        """Both means start at zero, the powers of β at one."""
        one = np.ones((), parameters.dtype)
        return {
            "mean": np.zeros_like(parameters),
            "square": np.zeros_like(parameters),
            "power1": one,
            "power2": one,
        }

    def direction(self, gradient: Any, state: Any, step: Any) -> tuple[Any, Any]:
        """Δw = −m̂ / (√v̂ + ε)."""
        mean = self.beta1 * state["mean"] + (1 - self.beta1) * gradient
        square = self.beta2 * state["square"] + (1 - self.beta2) * gradient**2
        power1, power2 = state["power1"] * self.beta1, state["power2"] * self.beta2
        scale = np.sqrt(square / (1 - power2)) + self.epsilon
        new = {"mean": mean, "square": square, "power1": power1, "power2": power2}
        return -(mean / (1 - power1)) / scale, new

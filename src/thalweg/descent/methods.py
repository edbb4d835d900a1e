"""Methods of descent: w ← w + μ Δw, with a direction Δw for which ∇f·Δw < 0, and a step μ.

A method is a frozen dataclass. Its numbers are inputs of the compiled program: another learning rate needs no other
program. To write one of your own, derive from `Method` and give the direction, in plain NumPy:

    @dataclass(frozen=True)
    class SignDescent(Method):
        learning_rate: float = 0.01

        def direction(self, now, state):
            return -np.sign(now.gradient), state
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..graph import Array

__all__ = [
    "Adagrad",
    "Adam",
    "AdamW",
    "GradientDescent",
    "Method",
    "Momentum",
    "Nesterov",
    "Point",
    "RMSProp",
    "Schedule",
]

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


def check_positive(name: str, value: Any) -> None:
    """Raises ArgumentError unless value > 0."""
    if not isinstance(value, int | float | np.number) or not (math.isfinite(value) and value > 0):
        raise ArgumentError(f"{name}={value!r}: expected a number above 0")


def check_fraction(name: str, value: Any) -> None:
    """Raises ArgumentError unless 0 ≤ value < 1."""
    if not isinstance(value, int | float | np.number) or not 0 <= value < 1:
        raise ArgumentError(f"{name}={value!r}: expected a number from 0 up to, but not including, 1")


@dataclass(frozen=True)
class Point:
    """Where a descent stands before a step is taken.

    parameters: w (P,), all parameters as one vector. gradient: ∇f(w) (P,). loss: f(w). step: how many were taken.
    """

    parameters: Any
    gradient: Any
    loss: Any
    step: Any


@dataclass(frozen=True)
class Method:
    """What all methods share. A method of your own derives from this class.

    initial_state: parameters (P,) → the method's memory, a nesting of arrays. By default there is none.
    direction: (now, state) → (Δw (P,), new state), where `now` is the `Point` that was reached. Required.
    rate: step → μ; by default the field `learning_rate`, a number or a schedule.
    """

    def initial_state(self, parameters: Array) -> Any:
        """The memory that the method starts with."""
        return ()

    def direction(self, now: Point, state: Any) -> tuple[Any, Any]:
        """Δw and the memory for the next step."""
        raise ArgumentError(f"{type(self).__name__} has no method direction(self, now, state)")

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

    def direction(self, now: Point, state: Any) -> tuple[Any, Any]:
        """Δw = −∇f."""
        return -now.gradient, state


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

    def direction(self, now: Point, state: Any) -> tuple[Any, Any]:
        """Δw = v, the velocity."""
        velocity = self.momentum * state - now.gradient
        return velocity, velocity


@dataclass(frozen=True)
class Nesterov(Momentum):
    """Momentum that looks ahead: v ← β v − ∇f(w), w ← w + η (β v − ∇f(w)).

    learning_rate: η > 0, a number or a function of the step. momentum: 0 ≤ β < 1.

    Source: Y. Nesterov (1983), in the form of I. Sutskever et al., *On the importance of initialization and momentum in deep
    learning*, ICML 2013.
    """

    def direction(self, now: Point, state: Any) -> tuple[Any, Any]:
        """Δw = β v − ∇f."""
        velocity = self.momentum * state - now.gradient
        return self.momentum * velocity - now.gradient, velocity


@dataclass(frozen=True)
class Adagrad(Method):
    """Adagrad: each parameter's step shrinks with the sum of its squared gradients.

    learning_rate: η > 0, a number or a function of the step. epsilon: > 0.

    Source: J. Duchi, E. Hazan and Y. Singer, *Adaptive Subgradient Methods*, JMLR 12 (2011).
    """

    learning_rate: float | Schedule = 0.01
    epsilon: float = 1e-10

    def __post_init__(self) -> None:
        check_learning_rate(self.learning_rate)
        check_positive("epsilon", self.epsilon)

    def initial_state(self, parameters: Array) -> Any:
        """The sum of squares starts at zero."""
        return np.zeros_like(parameters)

    def direction(self, now: Point, state: Any) -> tuple[Any, Any]:
        """Δw = −∇f / (√Σ(∇f)² + ε)."""
        total = state + now.gradient**2
        return -now.gradient / (np.sqrt(total) + self.epsilon), total


@dataclass(frozen=True)
class RMSProp(Method):
    """RMSProp: each parameter's step is divided by a running mean of its gradient's size.

    learning_rate: η > 0, a number or a function of the step. decay: in [0, 1). epsilon: > 0.

    Source: T. Tieleman and G. Hinton, lecture 6.5 of *Neural Networks for Machine Learning* (2012).
    """

    learning_rate: float | Schedule = 0.01
    decay: float = 0.99
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        check_learning_rate(self.learning_rate)
        check_fraction("decay", self.decay)
        check_positive("epsilon", self.epsilon)

    def initial_state(self, parameters: Array) -> Any:
        """The mean of squares starts at zero."""
        return np.zeros_like(parameters)

    def direction(self, now: Point, state: Any) -> tuple[Any, Any]:
        """Δw = −∇f / (√mean of (∇f)² + ε)."""
        mean = self.decay * state + (1 - self.decay) * now.gradient**2
        return -now.gradient / (np.sqrt(mean) + self.epsilon), mean


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
        check_positive("epsilon", self.epsilon)

    def initial_state(self, parameters: Array) -> Any:
        """Both means start at zero, the powers of β at one."""
        one = np.ones((), parameters.dtype)
        return {
            "mean": np.zeros_like(parameters),
            "square": np.zeros_like(parameters),
            "power1": one,
            "power2": one,
        }

    def direction(self, now: Point, state: Any) -> tuple[Any, Any]:
        """Δw = −m̂ / (√v̂ + ε)."""
        mean = self.beta1 * state["mean"] + (1 - self.beta1) * now.gradient
        square = self.beta2 * state["square"] + (1 - self.beta2) * now.gradient**2
        power1, power2 = state["power1"] * self.beta1, state["power2"] * self.beta2
        scale = np.sqrt(square / (1 - power2)) + self.epsilon
        new = {"mean": mean, "square": square, "power1": power1, "power2": power2}
        return -(mean / (1 - power1)) / scale, new


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with weight decay that is kept apart from the gradient: w ← w − η (m̂ / (√v̂ + ε) + λ w).

    learning_rate, beta1, beta2, epsilon: as in Adam. weight_decay: λ ≥ 0.

    Source: I. Loshchilov and F. Hutter, *Decoupled Weight Decay Regularization*, ICLR 2019.
    """

    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.weight_decay >= 0:
            raise ArgumentError(f"weight_decay={self.weight_decay!r}: expected a number, 0 or more")

    def direction(self, now: Point, state: Any) -> tuple[Any, Any]:
        """Adam's Δw − λ w."""
        change, new = super().direction(now, state)
        return change - self.weight_decay * now.parameters, new

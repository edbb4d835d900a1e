"""Methods of first order with a learning rate: gradient descent, momentum, and those that scale each parameter's step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...errors import ArgumentError
from ...graph import Array
from ..grid import Grid
from .base import Method, Point, Schedule, check_fraction, check_learning_rate, check_positive

__all__ = ["Adagrad", "Adam", "AdamW", "GradientDescent", "Momentum", "Nesterov", "RMSProp"]


@dataclass(frozen=True)
class GradientDescent(Method):
    """Gradient descent: w ← w − η ∇f(w).

    learning_rate: η > 0, a number or a function of the step.

    Source: A. Cauchy (1847). Example:

    >>> print(GradientDescent(learning_rate=0.1))
    GradientDescent(learning_rate=0.1)
    """

    learning_rate: float | Schedule = 0.01

    takes_proximal: ClassVar[bool] = True

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
        correction1, correction2 = 1 / (1 - power1), 1 / (1 - power2)  # numbers: one division each for all parameters
        scale = np.sqrt(square * correction2) + self.epsilon
        new = {"mean": mean, "square": square, "power1": power1, "power2": power2}
        return mean * -correction1 / scale, new


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with weight decay that is kept apart from the gradient: w ← w − η (m̂ / (√v̂ + ε) + λ w).

    learning_rate, beta1, beta2, epsilon: as in Adam. weight_decay: λ ≥ 0.

    Source: I. Loshchilov and F. Hutter, *Decoupled Weight Decay Regularization*, ICLR 2019.
    """

    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.weight_decay, Grid) and not self.weight_decay >= 0:
            raise ArgumentError(f"weight_decay={self.weight_decay!r}: expected a number, 0 or more")

    def direction(self, now: Point, state: Any) -> tuple[Any, Any]:
        """Adam's Δw − λ w."""
        change, new = super().direction(now, state)
        return change - self.weight_decay * now.parameters, new

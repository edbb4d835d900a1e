"""Losses: how far predictions are from what was observed, example by example.

A loss is a frozen dataclass that can be called like a function: scores (N,) or (N, m) and targets → values (N,). All are plain NumPy,
so they can be traced, and used in a loss of one's own:

    huber = Huber(delta=1.5)
    tw.minimize(lambda p, X, y: np.mean(huber(X @ p["w"] + p["b"], y)), ...)

A *score* is what a linear layer yields; `prediction` turns it into what people want to see: a probability, a rate, a class.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..errors import ArgumentError
from ..graph import Array

__all__ = [
    "LOSSES",
    "Absolute",
    "CrossEntropy",
    "HalfSquared",
    "Hinge",
    "Huber",
    "LogisticLoss",
    "Loss",
    "PoissonDeviance",
    "Quantile",
    "ResidualSumOfSquares",
    "Squared",
    "loss_named",
]


def per_example(values: Any) -> Any:
    """(N,) as it is; (N, m) summed over the outputs."""
    return np.sum(values, axis=1) if values.ndim > 1 else values


@dataclass(frozen=True)
class Loss:
    """What all losses share. A loss of your own derives from this class and gives `__call__`.

    is_sum: whether the examples are added up; else their mean is taken. is_classification: whether targets are classes, counted
    from 0. has_score_per_class: whether two classes need two scores, too.
    """

    is_sum: ClassVar[bool] = False
    is_classification: ClassVar[bool] = False
    has_score_per_class: ClassVar[bool] = False

    def __call__(self, score: Any, target: Any) -> Any:
        """Scores and targets → values (N,)."""
        raise ArgumentError(f"{type(self).__name__} has no method __call__(self, score, target)")

    def prediction(self, score: Array) -> Array:
        """What the scores say, in the unit of the targets; of classes their probabilities, if there are any."""
        return score


@dataclass(frozen=True)
class Squared(Loss):
    """Squared residuals: Σ_j (y_j − z_j)², over the outputs j.

    >>> Squared()(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    array([0., 4.])
    """

    def __call__(self, score: Any, target: Any) -> Any:
        """(y − z)²."""
        return per_example((target - score) ** 2)


@dataclass(frozen=True)
class HalfSquared(Squared):
    """½ Σ_j (y_j − z_j)², whose gradient is the residual."""

    def __call__(self, score: Any, target: Any) -> Any:
        """½ (y − z)²."""
        return super().__call__(score, target) / 2


@dataclass(frozen=True)
class ResidualSumOfSquares(Squared):
    """Squared residuals, added up over the examples instead of averaged."""

    is_sum: ClassVar[bool] = True


@dataclass(frozen=True)
class Absolute(Loss):
    """Σ_j |y_j − z_j|: its best constant is the median."""

    def __call__(self, score: Any, target: Any) -> Any:
        """|y − z|."""
        return per_example(np.absolute(target - score))


@dataclass(frozen=True)
class Huber(Loss):
    """½ r² for residuals up to δ, δ (|r| − ½ δ) beyond: outliers pull with the force δ at most.

    delta: δ > 0, in the unit of the targets.

    Source: P. Huber, *Robust Estimation of a Location Parameter* (1964).
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.delta) and self.delta > 0):
            raise ArgumentError(f"delta={self.delta!r}: expected a number above 0, in the unit of the targets")

    def __call__(self, score: Any, target: Any) -> Any:
        """½ r², or δ (|r| − ½ δ)."""
        size = np.absolute(target - score)
        near = np.minimum(size, self.delta)
        return per_example(near * (size - near / 2))


@dataclass(frozen=True)
class Quantile(Loss):
    """The pinball loss, max(q r, (q − 1) r) for residuals r = y − z: its best constant is the quantile q.

    level: 0 < q < 1.

    Source: R. Koenker and G. Bassett, *Regression Quantiles* (1978).
    """

    level: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise ArgumentError(f"level={self.level!r}: expected a number between 0 and 1, such as 0.9")

    def __call__(self, score: Any, target: Any) -> Any:
        """max(q r, (q − 1) r)."""
        residual = target - score
        return per_example(np.maximum(self.level * residual, (self.level - 1) * residual))


@dataclass(frozen=True)
class PoissonDeviance(Loss):
    """2 (y log(y / μ) − y + μ) for counts y and rates μ = e^z: the deviance of a Poisson distribution, 0 where μ = y.

    Source: J. Nelder and R. Wedderburn, *Generalized Linear Models* (1972).
    """

    def __call__(self, score: Any, target: Any) -> Any:
        """2 (y log y − y z − y + e^z)."""
        from scipy.special import xlogy  # slow to import, and few need it

        return per_example(2 * (xlogy(target, target) - target * score - target + np.exp(score)))

    def prediction(self, score: Array) -> Array:
        """The rate e^z."""
        return np.asarray(np.exp(score))


def is_own_class(score: Any, target: Any) -> Any:
    """Which score (N, K) is that of the example's own class (N,)."""
    return target[:, np.newaxis] == np.arange(score.shape[1])


@dataclass(frozen=True)
class Hinge(Loss):
    """The loss of a support vector machine.

    Two classes, scores (N,): max(0, 1 − s z) with s = −1 for class 0 and +1 for class 1. More classes, scores (N, K):
    Σ_{j ≠ y} max(0, z_j − z_y + 1). is_squared: each term squared, so that there is no kink.

    Sources: C. Cortes and V. Vapnik, *Support-Vector Networks* (1995); J. Weston and C. Watkins, *Support Vector Machines for
    Multi-Class Pattern Recognition* (1999).

    >>> Hinge()(np.array([[3.2, 5.1, -1.7]]), np.array([0]))
    array([2.9])
    """

    is_squared: bool = False

    is_classification: ClassVar[bool] = True

    def __call__(self, score: Any, target: Any) -> Any:
        """Two classes, or more, by the shape of the scores."""
        if score.ndim == 1:
            return self._margin(1 - (2 * target - 1) * score)
        is_own = is_own_class(score, target)
        own = np.sum(np.where(is_own, score, 0.0), axis=1)
        return np.sum(np.where(is_own, 0.0, self._margin(score - own[:, np.newaxis] + 1)), axis=1)

    def _margin(self, lack: Any) -> Any:
        lack = np.maximum(lack, 0.0)
        return lack**2 if self.is_squared else lack


@dataclass(frozen=True)
class LogisticLoss(Loss):
    """log(1 + e^z) − y z: the negative logarithm of the probability of y in {0, 1}, where class 1 has the odds e^z.

    Scores and targets of the shape (N, m) are m questions of yes or no, whose losses are added. Targets may be probabilities.
    """

    is_classification: ClassVar[bool] = True

    def __call__(self, score: Any, target: Any) -> Any:
        """log(1 + e^z) − y z."""
        return per_example(np.logaddexp(0.0, score) - target * score)

    def prediction(self, score: Array) -> Array:
        """The probability of class 1."""
        return np.exp(-np.logaddexp(0.0, -score))


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """log Σ_j e^{z_j} − z_y, the negative logarithm of the softmax of the own class. Targets (N,) are classes, (N, K) probabilities.

    >>> CrossEntropy()(np.zeros((1, 4)), np.array([2])) == np.log(4)
    array([ True])
    """

    is_classification: ClassVar[bool] = True
    has_score_per_class: ClassVar[bool] = True

    def __call__(self, score: Any, target: Any) -> Any:
        """log Σ e^z − z_y."""
        top = np.max(score, axis=1)
        total = np.log(np.sum(np.exp(score - top[:, np.newaxis]), axis=1)) + top
        if target.ndim > 1:
            return total * np.sum(target, axis=1) - np.sum(target * score, axis=1)
        return total - np.sum(np.where(is_own_class(score, target), score, 0.0), axis=1)

    def prediction(self, score: Array) -> Array:
        """The probability of each class."""
        raised = np.exp(score - np.max(score, axis=1, keepdims=True))
        return np.asarray(raised / np.sum(raised, axis=1, keepdims=True))


LOSSES: dict[str, Loss] = {
    "squared": Squared(),
    "half_squared": HalfSquared(),
    "residual_sum_of_squares": ResidualSumOfSquares(),
    "absolute": Absolute(),
    "huber": Huber(),
    "quantile": Quantile(),
    "poisson": PoissonDeviance(),
    "hinge": Hinge(),
    "squared_hinge": Hinge(is_squared=True),
    "logistic": LogisticLoss(),
    "cross_entropy": CrossEntropy(),
}
"""All losses, by the names that models and estimators take."""


def loss_named(loss: str | Loss) -> Loss:
    """The loss of that name; a loss is returned as it is. Raises ArgumentError for a name that is unknown."""
    if isinstance(loss, Loss):
        return loss
    if loss not in LOSSES:
        raise ArgumentError(
            f"{loss!r} is no loss; there are {', '.join(map(repr, LOSSES))}, or one of tw.models.losses"
        )
    return LOSSES[loss]

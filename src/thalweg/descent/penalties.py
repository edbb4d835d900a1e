"""Penalties on the size of weights: L(w) = 1/N Σ L_i(w) + R(w).

What is smooth in R joins the loss. What has a kink is not differentiated: it acts after each step, by a proximal step,
w ← prox_{μR}(w + μ Δw), which is what makes weights exactly zero.

Sources: R. Tibshirani, *Regression Shrinkage and Selection via the Lasso* (1996); H. Zou and T. Hastie, *Regularization and Variable
Selection via the Elastic Net* (2005); N. Parikh and S. Boyd, *Proximal Algorithms* (2014).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optree

from ..errors import ArgumentError
from .parameters import flatten

__all__ = ["L1", "L2", "ElasticNet", "Penalty"]


def _check_strength(name: str, value: Any) -> None:
    try:
        strengths = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        strengths = np.asarray(np.nan)
    if isinstance(value, bool) or not (np.isfinite(strengths).all() and (strengths >= 0).all()):
        raise ArgumentError(f"{name}={value!r}: expected a number, 0 or more, or an array of them")


@dataclass(frozen=True)
class Penalty:
    """What all penalties share. A penalty of your own derives from this class and gives `smooth`, or `kinked` and `proximal`.

    leaves_out: arrays of the parameters that go by these names are not penalised: biases.
    """

    leaves_out: tuple[str, ...] = field(default=("b", "bias", "intercept"), kw_only=True, repr=False)

    @property
    def has_kink(self) -> bool:
        """Whether a part of the penalty needs a proximal step."""
        return type(self).proximal is not Penalty.proximal

    def value(self, parameters: Any) -> Any:
        """R(w), in plain NumPy, for any nesting of parameters."""
        return self.smooth(parameters) + self.kinked(parameters)

    def smooth(self, parameters: Any) -> Any:
        """The part of R that is differentiated."""
        return 0.0

    def kinked(self, parameters: Any) -> Any:
        """The part of R that is not."""
        return 0.0

    def proximal(self, parameters: Any, step: Any) -> Any:
        """The parameters v that minimise ½ ‖v − w‖² + step · kinked(v), nested as w."""
        return parameters

    def penalised(self, parameters: Any) -> list[Any]:
        """The arrays that are penalised, one after the other."""
        leaves, _, is_penalised = self._parts(parameters)
        return [leaf for leaf, holds in zip(leaves, is_penalised, strict=True) if holds]

    def changed(self, parameters: Any, change: Callable[[Any], Any]) -> Any:
        """The parameters with each penalised array changed."""
        leaves, structure, is_penalised = self._parts(parameters)
        new = [change(leaf) if holds else leaf for leaf, holds in zip(leaves, is_penalised, strict=True)]
        return optree.tree_unflatten(structure, new)

    def _parts(self, parameters: Any) -> tuple[list[Any], Any, list[bool]]:
        leaves, structure = flatten(parameters)
        paths = optree.treespec_paths(structure)
        return leaves, structure, [not path or path[-1] not in self.leaves_out for path in paths]


def _sum(values: list[Any]) -> Any:
    return sum((np.sum(value) for value in values), start=0.0)


@dataclass(frozen=True)
class L2(Penalty):
    """R(w) = λ Σ w²: weights become small. It is part of the loss, so every method takes it.

    strength: λ ≥ 0, a number, or an array that broadcasts with the weights. Weight decay that is kept apart from the gradient
    is `AdamW(weight_decay=...)`.

    >>> float(L2(0.5).value({"w": np.array([1.0, 2.0]), "b": 7.0}))
    2.5
    """

    strength: Any

    def __post_init__(self) -> None:
        _check_strength("strength", self.strength)

    def smooth(self, parameters: Any) -> Any:
        """λ Σ w²."""
        return _sum([self.strength * leaf**2 for leaf in self.penalised(parameters)])


@dataclass(frozen=True)
class L1(Penalty):
    """R(w) = λ Σ |w|: weights become exactly zero. It needs a method with proximal steps: `AcceleratedGradient`, `GradientDescent`.

    strength: λ ≥ 0, a number, or an array that broadcasts with the weights.

    >>> L1(1.0).proximal({"w": np.array([3.0, -0.5])}, 2.0)
    {'w': array([ 1., -0.])}
    """

    strength: Any

    def __post_init__(self) -> None:
        _check_strength("strength", self.strength)

    def kinked(self, parameters: Any) -> Any:
        """λ Σ |w|."""
        return _sum([self.strength * np.absolute(leaf) for leaf in self.penalised(parameters)])

    def proximal(self, parameters: Any, step: Any) -> Any:
        """Soft thresholding: sign(w) max(|w| − step · λ, 0)."""
        return self.changed(parameters, lambda leaf: _softened(leaf, step * self.strength))


@dataclass(frozen=True)
class ElasticNet(Penalty):
    """R(w) = λ₁ Σ |w| + λ₂ Σ w²: zeros as with L1, and features that go together share their weight.

    l1, l2: λ₁ and λ₂ ≥ 0, numbers, or arrays that broadcast with the weights.
    """

    l1: Any
    l2: Any

    def __post_init__(self) -> None:
        _check_strength("l1", self.l1)
        _check_strength("l2", self.l2)

    def smooth(self, parameters: Any) -> Any:
        """λ₂ Σ w²."""
        return _sum([self.l2 * leaf**2 for leaf in self.penalised(parameters)])

    def kinked(self, parameters: Any) -> Any:
        """λ₁ Σ |w|."""
        return _sum([self.l1 * np.absolute(leaf) for leaf in self.penalised(parameters)])

    def proximal(self, parameters: Any, step: Any) -> Any:
        """Soft thresholding: sign(w) max(|w| − step · λ₁, 0)."""
        return self.changed(parameters, lambda leaf: _softened(leaf, step * self.l1))


def _softened(leaf: Any, threshold: Any) -> Any:
    return np.sign(leaf) * np.maximum(np.absolute(leaf) - threshold, 0.0)

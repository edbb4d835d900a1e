"""Models as ordinary losses in NumPy: the parameters are a dict of `w` (n,) and `b` ()."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph import Array

__all__ = ["linear_loss", "logistic_loss", "predict_linear", "predict_logistic"]


def linear_loss(penalty: float) -> Callable[..., Any]:
    """Mean of squared residuals plus penalty · Σ w²; the intercept is not penalised."""

    def loss(parameters: Any, X: Any, y: Any) -> Any:
        residual = X @ parameters["w"] + parameters["b"] - y
        return np.mean(residual**2) + penalty * np.sum(parameters["w"] ** 2)

    return loss


def logistic_loss(penalty: float) -> Callable[..., Any]:
    """Mean of log(1 + e^z) - y z for classes y in {0, 1}, plus penalty · Σ w²."""

    def loss(parameters: Any, X: Any, y: Any) -> Any:
        z = X @ parameters["w"] + parameters["b"]
        return np.mean(np.log(1 + np.exp(z)) - y * z) + penalty * np.sum(parameters["w"] ** 2)

    return loss


def predict_linear(parameters: Any, X: Array) -> Array:
    """X w + b."""
    return np.asarray(X @ parameters["w"] + parameters["b"])


def predict_logistic(parameters: Any, X: Array) -> Array:
    """The probability of class 1."""
    return np.asarray(1 / (1 + np.exp(-np.clip(predict_linear(parameters, X), -700, 700))))

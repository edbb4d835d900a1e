"""Regressors and classifiers: how targets are read, and scores become predictions."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call

from ..errors import ArgumentError, DataError
from ..graph import Array
from ..models import Absolute, CrossEntropy, HalfSquared, Huber, LogisticLoss, Loss, Model, PoissonDeviance, Quantile
from .core import Fitted
from .estimator import DescentEstimator
from .inputs import Examples, classes_in, coded, numbers, weights_given
from .standardised import Layers, Standardised
from .units import Unit, unit_of

__all__ = ["OF_NUMBERS", "OfClasses", "OfNumbers", "loss_for"]

OF_NUMBERS: dict[str, Loss] = {
    "squared": HalfSquared(),
    "absolute": Absolute(),
    "huber": Huber(),
    "quantile": Quantile(),
    "poisson": PoissonDeviance(),
}
"""The losses of regressors, by name."""


def _check_counts(loss: Loss, y: Array) -> None:
    """Raises DataError for targets below zero where the loss is for counts."""
    if isinstance(loss, PoissonDeviance) and (y < 0).any():
        raise DataError(f"y holds {y.min():g}: the Poisson loss is for counts, 0 or more")


def loss_for(loss: Loss, classes: int) -> Loss:
    """For more than two classes the softmax takes the place of the logistic function."""
    return CrossEntropy() if classes > 2 and isinstance(loss, LogisticLoss) else loss


def _has_probabilities(estimator: Any) -> bool:
    return not isinstance(estimator.loss, str) or estimator.loss == "logistic"


class OfNumbers(RegressorMixin, DescentEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A regressor, of one output or several."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Fits X (N, n), dense or sparse, to y (N,) or (N, m). sample_weight: (N,), 0 or more."""
        X, y = numbers(self, X, y, is_first=True)
        self._descend(self._read(X, y, None, sample_weight, is_partial=False), self._earlier())
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Goes on with one epoch over these examples."""
        X, y = numbers(self, X, y, is_first=not hasattr(self, "_layers"))
        self._descend_on(self._read(X, y, None, sample_weight, is_partial=True))
        return self

    def _descend(self, examples: Examples, start: Layers | None) -> None:
        self._unit = self._unit_of(examples)
        super()._descend(self._unit.standard(examples), start)

    def _descend_on(self, examples: Examples) -> None:
        if not hasattr(self, "_layers"):
            self._unit = self._unit_of(examples)
        super()._descend_on(self._unit.standard(examples))

    def _unit_of(self, examples: Examples) -> Unit:
        loss = self._check_loss(self.loss, OF_NUMBERS)
        _check_counts(loss, examples.y)
        return unit_of(examples, loss, getattr(self, "fit_intercept", True))

    def _fitting(self, start: Layers | None, model: Model) -> Layers | None:
        fitting = super()._fitting(start, model)
        return None if fitting is None else self._unit.divided(fitting)

    def _keep(self, fitted: Fitted, standardised: Standardised) -> None:
        super()._keep(dataclasses.replace(fitted, layers=self._unit.multiplied(fitted.layers)), standardised)
        self.loss_ = fitted.result.loss * self._unit.loss

    def predict(self, X: Any) -> Array:
        """The prediction for each example (N,) or (N, m)."""
        return self.model_.criterion.prediction(self._scores(X)) if hasattr(self, "model_") else self._scores(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class OfClasses(ClassifierMixin, DescentEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A classifier for two classes or more; their labels, in order, are classes_."""

    _is_classifier = True
    classes_: Array

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Fits X (N, n), dense or sparse, to labels y (N,). sample_weight: (N,), 0 or more."""
        X, labels = coded(self, X, y, is_first=True)
        sample_weight = weights_given(sample_weight, X)
        classes = classes_in(labels, sample_weight)
        earlier = self._earlier()
        if earlier is not None and not np.array_equal(classes, self.classes_):
            raise ArgumentError(
                f"warm_start=True: the classes were {self.classes_.tolist()} and are now {classes.tolist()}"
            )
        self.classes_ = classes
        places = np.clip(np.searchsorted(classes, labels), 0, len(classes) - 1)
        kept = labels if sample_weight is not None or self.class_weight is not None else None
        self._descend(self._read(X, self._codes(places, X), kept, sample_weight, is_partial=False), earlier)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Any:
        """Goes on with one epoch over these examples. classes: all that there are; needed at the first call."""
        X, labels = coded(self, X, y, is_first=not hasattr(self, "_layers"))
        _check_partial_fit_first_call(self, classes)
        unknown = np.setdiff1d(labels, self.classes_)
        if len(unknown):
            raise DataError(
                f"y holds the classes {unknown.tolist()}, which were not among those of the first call: {self.classes_}"
            )
        if len(self.classes_) < 2:
            raise DataError(f"there is 1 class, {self.classes_.tolist()}: a classifier needs 2 or more")
        places = np.searchsorted(self.classes_, labels)
        self._descend_on(self._read(X, self._codes(places, X), labels, sample_weight, is_partial=True))
        return self

    def _codes(self, places: Array, X: Any) -> Array:
        return places.astype(X.dtype if len(self.classes_) == 2 else np.int64)

    def predict(self, X: Any) -> Array:
        """The class of each example (N,)."""
        scores = self._scores(X)
        places = np.argmax(scores, axis=1) if scores.ndim > 1 else (scores > 0).astype(np.intp)
        return np.asarray(self.classes_[places])

    def decision_function(self, X: Any) -> Array:
        """The scores: (N,) for two classes, above 0 for the second; else (N, K)."""
        return self._scores(X)

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]  # scikit-learn has no types
    def predict_proba(self, X: Any) -> Array:
        """The probability of each class (N, K)."""
        scores = self._scores(X)
        p = self.model_.criterion.prediction(scores)
        return np.stack([1 - p, p], axis=1) if p.ndim == 1 else p

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]  # scikit-learn has no types
    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of the probability of each class (N, K)."""
        scores = self._scores(X)
        if scores.ndim == 1:
            return np.stack([-np.logaddexp(0, scores), -np.logaddexp(0, -scores)], axis=1)
        top = scores - scores.max(axis=1, keepdims=True)
        return np.asarray(top - np.log(np.exp(top).sum(axis=1, keepdims=True)))

"""The estimator that the four public ones share: fit, partial_fit and scores. What they differ in are the hooks."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ..descent import Method
from ..errors import ArgumentError
from ..graph import Array
from ..models import CrossEntropy, LogisticLoss, Loss, Model
from .core import Fitted, Task, check_number, seed_of, solve
from .inputs import Examples, examples_of, features_of
from .standardised import Layers, Scaling, Standardised, scaling_of

__all__ = ["DescentEstimator", "Purpose"]

LARGEST_PART = 1 << 27
"""Bytes of a part of sparse features, when dense."""

_LEAST_TOLERANCE = 1e-5
"""The loss of mini-batches cannot be told from noise below this."""


@dataclass(frozen=True, eq=False)
class Purpose:
    """What a kind of estimator asks for.

    model: for the scores. l1, l2: strengths beside the mean loss. is_standardised: whether the penalty, too, is for standardised
    features. has_intercept: of a linear model. method: None for the solver that fits. batch_size: None for all examples.
    tolerance, patience: when to stop.
    """

    model: Model
    l1: float
    l2: float
    is_standardised: bool
    has_intercept: bool
    method: Method | None
    batch_size: int | None
    tolerance: float
    patience: int


class DescentEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What the estimators share. Each gives `_purpose`, and reads the targets.

    After a fit: n_iter_, loss_, result_ (the `tw.Result`), model_ (which prints its layers), n_features_in_, and
    feature_names_in_ for frames.
    """

    _is_classifier = False
    _has_auto_batch = False

    def _purpose(self, examples: Examples, seen: float, is_partial: bool) -> Purpose:
        """What to descend on. seen: the sum of all weights so far. is_partial: whether for a single epoch."""
        raise ArgumentError(f"{type(self).__name__} has no method _purpose(self, examples, seen, is_partial)")

    def _read(self, X: Any, y: Any, labels: Array | None, sample_weight: Any, is_partial: bool) -> Examples:
        class_weight = getattr(self, "class_weight", None)
        if is_partial and isinstance(class_weight, str):
            raise ArgumentError(
                f"class_weight={class_weight!r} needs all examples at once: for partial_fit pass a mapping of classes to weights"
            )
        return examples_of(X, y, labels, sample_weight, class_weight, is_normalised=not is_partial)

    def _descend(self, examples: Examples, start: Layers | None) -> None:
        """All of fit, after the targets were read."""
        self._check_parameters()
        purpose = self._purpose(examples, examples.total, is_partial=False)
        scaling = self._scaling(examples, purpose)
        fraction = self.validation_fraction if self.early_stopping else None
        task = self._task(purpose, scaling, examples, fraction, seed_of(self.random_state))
        start = self._fitting(start, purpose.model)
        fitted = solve(task, start) if examples.is_dense else self._in_parts(scaling, examples, start)
        self._keep(fitted, task.standardised)
        self._seen, self._memory, self._generator = examples.total, None, check_random_state(self.random_state)

    def _descend_on(self, examples: Examples) -> None:
        """One epoch: the scaling of the first examples stays, and so does the method's memory."""
        self._check_parameters()
        is_first = not hasattr(self, "_layers")
        if is_first:
            self._seen, self._memory, self._generator = 0.0, None, check_random_state(self.random_state)
        if not examples.is_dense:
            raise ArgumentError(
                f"{examples.count:,} rows of {examples.X.shape[1]:,} features are too many for one partial_fit; pass fewer rows"
            )
        seen = self._seen + examples.total
        purpose = self._purpose(examples, seen, is_partial=True)
        if is_first:
            scaling = self._scaling(examples, purpose)
        else:
            scaling = self._standardised.scaling
        task = self._task(purpose, scaling, examples, None, seed_of(self._generator))
        start = None if is_first else self._fitting(self._layers, purpose.model)
        self._keep(solve(task, start, self._memory, is_partial=True), task.standardised)
        self._seen, self._memory = seen, None if purpose.l1 else self.result_.memory

    def _in_parts(self, scaling: Scaling, examples: Examples, start: Layers | None) -> Fitted:
        """Sparse features too large to be made dense at once: mini-batches of one part after the other."""
        if self.early_stopping:
            raise ArgumentError(
                "early_stopping=True: these sparse features are too large to keep some apart; use max_iter and tol"
            )
        mini = self._purpose(examples, examples.total, is_partial=True)
        rows = max(1, LARGEST_PART // (examples.X.shape[1] * examples.X.dtype.itemsize))
        generator = check_random_state(self.random_state)
        fitted, memory, best, stalled, epoch = None, None, np.inf, 0, 0
        layers = start
        while epoch < self.max_iter and stalled < self.n_iter_no_change:
            losses = []
            order = generator.permutation(examples.count)
            for first in range(0, examples.count, rows):
                part = examples.rows(order[first : first + rows])
                task = self._task(mini, scaling, part, None, seed_of(generator))
                fitted = solve(task, layers, memory, is_partial=True)
                layers, memory = fitted.layers, None if mini.l1 else fitted.result.memory
                losses.append(fitted.result.loss)
            epoch += 1
            mean = float(np.mean(losses))
            stalled = 0 if mean < best - max(self.tol, _LEAST_TOLERANCE) else stalled + 1
            best = min(best, mean)
        assert fitted is not None
        return dataclasses.replace(fitted, n_iter=epoch)

    def _scaling(self, examples: Examples, purpose: Purpose) -> Scaling:
        curvature = 0.25 if isinstance(purpose.model.criterion, LogisticLoss | CrossEntropy) else 1.0
        ridge = 0.0 if purpose.is_standardised else 2 * purpose.l2 / curvature
        return scaling_of(examples.X, examples.weights, purpose.has_intercept, ridge)

    def _task(self, purpose: Purpose, scaling: Scaling, examples: Examples, fraction: float | None, seed: int) -> Task:
        return Task(
            Standardised(purpose.model, scaling, purpose.has_intercept),
            examples,
            purpose.l1,
            purpose.l2,
            not purpose.is_standardised,
            purpose.method,
            purpose.batch_size,
            self.max_iter,
            purpose.tolerance,
            purpose.patience,
            fraction,
            self._is_classifier,
            seed,
            self.threads,
        )

    def _fitting(self, start: Layers | None, model: Model) -> Layers | None:
        """The layers to start from, if they fit the model."""
        if start is None:
            return None
        shapes = [layer.shapes for layer in model.layers]
        found = [(np.shape(layer["w"]), np.shape(layer["b"])) for layer in start]
        if shapes != found:
            raise ArgumentError(
                f"the layers had the shapes {found} before, and would have {shapes} now: use a new estimator, or fit with warm_start=False"
            )
        return start

    def _keep(self, fitted: Fitted, standardised: Standardised) -> None:
        self._layers, self._standardised = fitted.layers, standardised
        self.result_, self.n_iter_, self.model_ = fitted.result, fitted.n_iter, standardised.model
        self.loss_ = fitted.result.loss

    def _earlier(self) -> Layers | None:
        """With warm_start what was fitted before."""
        return self._layers if self.warm_start and hasattr(self, "_layers") else None

    def _scores(self, X: Any) -> Array:
        """Scores (N,) or (N, m); sparse features are multiplied as they are."""
        check_is_fitted(self, "result_")
        X = features_of(self, X)
        return np.asarray(self._standardised.scores(self._layers, X))

    def _check_parameters(self) -> None:
        check_number("alpha", self.alpha, 0)
        check_number("max_iter", self.max_iter, 1, is_whole=True)
        check_number("tol", self.tol, 0)
        check_number("n_iter_no_change", self.n_iter_no_change, 1, is_whole=True)
        check_number("validation_fraction", self.validation_fraction, 1e-9, high=1 - 1e-9)
        if self.method is not None and not isinstance(self.method, Method):
            raise ArgumentError(f"method={self.method!r}: expected a method of descent such as tw.Adam(0.01), or None")
        if self.batch_size is not None and (self.batch_size != "auto" or not self._has_auto_batch):
            check_number("batch_size", self.batch_size, 1, is_whole=True)

    def _check_loss(self, loss: Any, losses: dict[str, Loss]) -> Loss:
        """The loss of that name, or a loss as it is."""
        if isinstance(loss, Loss):
            if loss.is_classification != self._is_classifier:
                kind = "classes" if self._is_classifier else "numbers"
                raise ArgumentError(f"loss={loss}: {type(self).__name__} predicts {kind}; use one of {list(losses)}")
            return loss
        if not isinstance(loss, str) or loss not in losses:
            raise ArgumentError(f"loss={loss!r}: expected one of {', '.join(map(repr, losses))}, or one of tw.models")
        return losses[loss]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

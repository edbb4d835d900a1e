"""What estimators are given: checked as scikit-learn has it, and made into dense arrays and weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_array, column_or_1d, validate_data

from ..errors import ArgumentError, DataError
from ..graph import Array
from ..models import weights_of_classes

__all__ = ["LARGEST_DENSE", "Examples", "classes_in", "coded", "examples_of", "features_of", "numbers", "weights_given"]

_DTYPES = (np.float64, np.float32)

LARGEST_DENSE = 1 << 31
"""Bytes: sparse features that would take more are made dense part by part."""


@dataclass(frozen=True, eq=False)
class Examples:
    """X (N, n), y (N,) or (N, m), and weights (N,), None if all are alike. total: Σ of the weights.

    X is dense, or sparse if it would take too much memory.
    """

    X: Any
    y: Array
    weights: Array | None
    total: float

    @property
    def data(self) -> tuple[Array, ...]:
        """As a loss takes them."""
        return (self.X, self.y) if self.weights is None else (self.X, self.y, self.weights)

    def rows(self, places: Array) -> Examples:
        """Some of the examples, dense."""
        weights = None if self.weights is None else self.weights[places]
        X = self.X[places] if self.is_dense else self.X[places].toarray()
        return Examples(X, self.y[places], weights, self.total * len(places) / self.count)

    @property
    def count(self) -> int:
        """The number of examples."""
        return len(self.y)

    @property
    def is_dense(self) -> bool:
        """Whether X is an array."""
        return isinstance(self.X, np.ndarray)


def numbers(estimator: Any, X: Any, y: Any, is_first: bool) -> tuple[Any, Array]:
    """X, dense or sparse, and targets that are numbers, (N,) or (N, m)."""
    X, y = validate_data(
        estimator, X, y, accept_sparse="csr", dtype=_DTYPES, multi_output=True, y_numeric=True, reset=is_first
    )
    return X, np.asarray(y, X.dtype)


def coded(estimator: Any, X: Any, y: Any, is_first: bool) -> tuple[Any, Array]:
    """X, dense or sparse, and labels (N,), not yet counted. Raises ValueError if the targets are no classes."""
    X, y = validate_data(
        estimator, X, y, accept_sparse="csr", dtype=_DTYPES, multi_output=True, y_numeric=False, reset=is_first
    )
    check_classification_targets(y)
    return X, column_or_1d(y, warn=True)


def classes_in(labels: Array, sample_weight: Array | None) -> Array:
    """The classes of examples with a weight, in order. Raises DataError if there is only one."""
    seen = labels if sample_weight is None else labels[sample_weight > 0]
    classes = np.unique(seen)
    if len(classes) < 2:
        raise DataError(
            f"the examples have 1 class, {classes.tolist()}: a classifier needs 2 or more. Pass labels of every class, with weights "
            "above 0"
        )
    return classes


def weights_given(sample_weight: Any, X: Any) -> Array | None:
    """Weights (N,), or None. Raises ValueError if they are negative, all zero, or do not go with X."""
    if sample_weight is None:
        return None
    found: Array = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    return found


def features_of(estimator: Any, X: Any) -> Any:
    """X for a prediction, dense or sparse."""
    return validate_data(estimator, X, accept_sparse="csr", dtype=_DTYPES, reset=False)


def examples_of(
    X: Any,
    y: Array,
    labels: Array | None,
    sample_weight: Any,
    class_weight: Mapping[Any, float] | str | None,
    is_normalised: bool,
) -> Examples:
    """Examples of which each has a weight above 0. is_normalised: whether their mean becomes 1.

    Raises ValueError for weights that are negative or all zero.
    """
    weights = None
    if sample_weight is not None or class_weight is not None:
        given = weights_given(sample_weight, X)
        own = np.ones(X.shape[0]) if given is None else given
        weights = own if class_weight is None or labels is None else weights_of_classes(labels, class_weight, own)
        kept = weights > 0
        if not kept.any():
            raise ArgumentError("sample_weight, times class_weight, is zero for every example: some must be above zero")
        if not kept.all():
            X, y, weights = X[kept], y[kept], weights[kept]
    total = float(len(y) if weights is None else weights.sum())
    if weights is not None:
        weights = None if (weights == 1).all() else (weights * (len(y) / total if is_normalised else 1.0))
    if not isinstance(X, np.ndarray) and X.shape[0] * X.shape[1] * X.dtype.itemsize <= LARGEST_DENSE:
        X = X.toarray()
    if isinstance(X, np.ndarray):
        X = check_array(X, dtype=_DTYPES, order="C")
    return Examples(X, y, None if weights is None else weights.astype(X.dtype), total)

"""How good predictions are, from sums that grow batch by batch: no more than a batch need be in memory.

All are exact but one: the area under the ROC curve ranks all scores, so it is exact up to four million of them; beyond that scores
are counted in 65,536 bins whose edges are quantiles of the first four million, and the largest possible error is told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ..graph import Array

__all__ = ["ClassMetrics", "Metrics", "NumberMetrics", "RankArea"]


class Metrics(Protocol):
    """What both kinds of metrics share."""

    count: int

    def update(self, y: Array, predicted: Array) -> None:
        """Adds a batch."""
        ...

    def values(self) -> dict[str, float]:
        """The metrics by their names; NaN where one is not defined."""
        ...


def _over(a: float, b: float) -> float:
    return float(a / b) if b else float("nan")


@dataclass(eq=False)
class NumberMetrics:
    """R², RMSE (the root of the mean squared error) and MAE (the mean absolute error); of counts the mean Poisson deviance, too.

    >>> metrics = NumberMetrics()
    >>> metrics.update(np.array([1.0, 2.0]), np.array([1.0, 3.0]))
    >>> metrics.update(np.array([6.0]), np.array([6.0]))
    >>> metrics.values()["MAE"] == 1 / 3
    True
    """

    is_count: bool = False
    count: int = 0
    _mean: float = 0.0
    _spread: float = 0.0
    _squared: float = 0.0
    _absolute: float = 0.0
    _deviance: float = 0.0

    def update(self, y: Array, predicted: Array) -> None:
        """Adds a batch: targets y (N,), predictions (N,)."""
        if not len(y):
            return
        residual = y - predicted
        self._squared += float(residual @ residual)
        self._absolute += float(np.abs(residual).sum())
        if self.is_count:
            ratio = np.where(y > 0, y, predicted) / predicted  # y log y is 0 at 0
            self._deviance += float(np.sum(2 * (y * np.log(ratio) - y + predicted)))
        # T. Chan, G. Golub and R. LeVeque, *Updating Formulae and a Pairwise Algorithm for Computing Sample Variances* (1979).
        mean, count = float(y.mean()), len(y)
        apart = mean - self._mean
        total = self.count + count
        self._spread += float(np.sum((y - mean) ** 2)) + apart * apart * self.count * count / total
        self._mean += apart * count / total
        self.count = total

    def values(self) -> dict[str, float]:
        """By name."""
        found = {
            "R²": 1 - _over(self._squared, self._spread),
            "RMSE": _over(self._squared, self.count) ** 0.5,
            "MAE": _over(self._absolute, self.count),
        }
        return found | ({"Poisson deviance": _over(self._deviance, self.count)} if self.is_count else {})


_KEPT = 1 << 22
_BINS = 1 << 16


@dataclass(eq=False)
class RankArea:
    """The area under the ROC curve: the probability that a positive example has a larger score than a negative one.

    kept: scores up to which it is exact.
    """

    kept: int = _KEPT
    _scores: list[Array] = field(default_factory=list)
    _is_positive: list[Array] = field(default_factory=list)
    _count: int = 0
    _edges: Array | None = None
    _bins: Array | None = None  # (2, bins): how many negative and positive examples

    def update(self, scores: Array, is_positive: Array) -> None:
        """Adds a batch: scores (N,), is_positive (N,)."""
        if self._edges is None:
            self._scores.append(scores)
            self._is_positive.append(is_positive)
            self._count += len(scores)
            if self._count > self.kept:
                self._begin_to_bin()
        else:
            self._bin(scores, is_positive)

    def value(self) -> tuple[float, float]:
        """The area, and by how much it can be wrong: 0 if it is exact."""
        if self._bins is None:
            return (self._exact() if self._scores else float("nan")), 0.0
        negative, positive = self._bins
        below = np.cumsum(negative) - negative
        pairs = float(positive.sum() * negative.sum())
        area = _over(float(positive @ (below + negative / 2)), pairs)
        # Only the scores between two edges differ within a bin; there, all pairs may be in the wrong order.
        unsure = float(positive[::2] @ negative[::2]) / 2
        return area, _over(unsure, pairs)

    def _exact(self) -> float:
        """The share of the pairs in the right order, equal scores being half right."""
        scores, is_positive = np.concatenate(self._scores), np.concatenate(self._is_positive)
        negative, positive = np.sort(scores[~is_positive]), np.sort(scores[is_positive])
        below = np.searchsorted(negative, positive)
        tied = positive[np.append(negative, np.nan)[below] == positive]
        equal = np.searchsorted(negative, tied, "right") - np.searchsorted(negative, tied)
        right = float(below.sum()) + float(equal.sum()) / 2
        return _over(right, float(len(positive) * len(negative)))

    def _begin_to_bin(self) -> None:
        scores, is_positive = np.concatenate(self._scores), np.concatenate(self._is_positive)
        self._edges = np.unique(np.quantile(scores, np.linspace(0, 1, _BINS)))
        # Equal scores have bins of their own: those that lie on an edge, and those between two.
        self._bins = np.zeros((2, 2 * len(self._edges) + 1))
        self._scores, self._is_positive = [], []
        self._bin(scores, is_positive)

    def _bin(self, scores: Array, is_positive: Array) -> None:
        assert self._edges is not None
        assert self._bins is not None
        places = np.searchsorted(self._edges, scores, "left") + np.searchsorted(self._edges, scores, "right")
        for row, chosen in enumerate((~is_positive, is_positive)):
            self._bins[row] += np.bincount(places[chosen], minlength=self._bins.shape[1])


@dataclass(eq=False)
class ClassMetrics:
    """Accuracy, the mean logarithmic loss, the area under the ROC curve, the confusion matrix, and what follows for each class.

    class_count: K. has_probabilities: else predictions are scores, which have no logarithmic loss. Targets are numbers of
    classes; −1 stands for one that training never saw: such rows are wrong answers, in the last row of the confusion matrix,
    and are left out of what they have no value for. With more than two classes the area is the mean over those that
    occur, each against the rest.
    """

    class_count: int
    has_probabilities: bool = True
    count: int = 0
    confusion: Array = field(init=False)
    _log_loss: float = 0.0
    _areas: list[RankArea] = field(init=False)

    def __post_init__(self) -> None:
        self.confusion = np.zeros((self.class_count + 1, self.class_count), np.int64)
        count = 1 if self.class_count == 2 else self.class_count
        self._areas = [RankArea(_KEPT // count) for _ in range(count)]

    def update(self, y: Array, predicted: Array) -> None:
        """Adds a batch: numbers of classes y (N,); probabilities or scores (N, K), the largest of which is the answer."""
        y = y.astype(np.int64)
        answers = np.argmax(predicted, axis=1)
        K = self.class_count
        places = np.where(y < 0, K, y) * K + answers
        self.confusion += np.bincount(places, minlength=(K + 1) * K).reshape(K + 1, K)
        self.count += len(y)
        is_known = y >= 0
        y, predicted = y[is_known], predicted[is_known]
        if self.has_probabilities:
            own = predicted[np.arange(len(y)), y]
            self._log_loss -= float(np.sum(np.log(np.maximum(own, np.finfo(np.float64).eps))))
        for number, area in zip(range(K)[-len(self._areas) :], self._areas, strict=True):
            area.update(predicted[:, number], y == number)

    @property
    def unseen(self) -> int:
        """How many rows have a class that training never saw."""
        return int(self.confusion[-1].sum())

    @property
    def area_error(self) -> float:
        """By how much the area can be wrong."""
        return max(area.value()[1] for area in self._areas)

    def values(self) -> dict[str, float]:
        """By name."""
        found = {"accuracy": _over(float(np.trace(self.confusion)), self.count)}
        if self.has_probabilities:
            found["log loss"] = _over(self._log_loss, self.count - self.unseen)
        areas = np.array([area.value()[0] for area in self._areas])
        defined = areas[~np.isnan(areas)]
        return found | {"AUC": float(defined.mean()) if len(defined) else float("nan")}

    def of_class(self, number: int) -> dict[str, float]:
        """Precision, recall and F1 of a class, and how many rows it has."""
        right = float(self.confusion[number, number])
        rows, answers = float(self.confusion[number].sum()), float(self.confusion[:, number].sum())
        return {
            "precision": _over(right, answers),
            "recall": _over(right, rows),
            "F1": _over(2 * right, rows + answers),
            "rows": rows,
        }

"""What a fitted model says of its table: coefficients, and predictions against what was there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..errors import ArgumentError
from ..graph import Array

__all__ = ["Coefficients", "Confusion", "Fitted", "Residuals", "coefficients_of", "confusion_of", "residuals_of"]

_MOST_BARS = 24
_MOST_CLASSES = 40


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a report tells of a model beside its descent, as plain arrays.

    target: the name of what is predicted. coefficients: by the name of the feature; those of several classes have one name each.
    predicted, actual: (N,), numbers, or for classes their numbers, counted from 0; by default of validation rows. Of several
    numbers (N, T), with `targets`, their names.
    classes: their names; empty where the target is a number. scores: by part ("training", "validation") and name.
    rows: what the predictions were made for, in words.
    """

    target: str
    coefficients: Mapping[str, float] = field(default_factory=dict)
    predicted: Array = field(default_factory=lambda: np.zeros(0))
    actual: Array = field(default_factory=lambda: np.zeros(0))
    classes: tuple[str, ...] = ()
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    rows: str = "validation rows"
    targets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        each = (len(self.targets),) if self.targets else ()
        if (
            np.shape(self.predicted) != np.shape(self.actual)
            or np.shape(self.actual)[1:] != each
            or not np.ndim(self.actual)
        ):
            raise ArgumentError(
                f"predicted has the shape {np.shape(self.predicted)} and actual {np.shape(self.actual)}: expected one number each "
                "for every row"
            )


@dataclass(frozen=True, eq=False)
class Coefficients:
    """The coefficients that are largest in size, the largest first. left_out: how many more there are."""

    names: tuple[str, ...]
    values: Array
    left_out: int
    target: str
    name: str = "coefficients"
    title: str = "Coefficients"

    @property
    def description(self) -> str:
        """What a person would see."""
        told = ", ".join(f"{name} {value:.4g}" for name, value in list(zip(self.names, self.values, strict=True))[:5])
        more = (
            f" The {len(self.names)} largest of {len(self.names) + self.left_out} are shown." if self.left_out else ""
        )
        return f"Bars of the coefficients for {self.target}, the largest first: {told}.{more}"


@dataclass(frozen=True, eq=False)
class Confusion:
    """How often each class (row) was taken for each class (column): counts (K, K)."""

    classes: tuple[str, ...]
    counts: Array
    rows: str
    name: str = "confusion"
    title: str = "Confusion matrix"

    @property
    def description(self) -> str:
        """What a person would see."""
        right, total = int(np.trace(self.counts)), int(self.counts.sum())
        return f"Of {total:,} {self.rows}, {right:,} were put in their class: {right / max(total, 1):.1%}."


@dataclass(frozen=True, eq=False)
class Residuals:
    """predicted, residual (actual − predicted): (M, T), a sample if there are many rows. count: of all rows. deviation, mean: of
    all (T,). targets: their names. left_out: how many more there are."""

    predicted: Array
    residual: Array
    count: int
    deviation: Array
    mean: Array
    targets: tuple[str, ...]
    rows: str
    left_out: int = 0
    name: str = "residuals"
    title: str = "Residuals"

    @property
    def description(self) -> str:
        """What a person would see."""
        told = [
            f"{target}: mean {mean:.4g}, standard deviation {deviation:.4g}"
            for target, mean, deviation in zip(self.targets, self.mean, self.deviation, strict=True)
        ]
        more = (
            f" The first {len(self.targets)} of {len(self.targets) + self.left_out} targets." if self.left_out else ""
        )
        return f"Actual minus predicted against predicted, for {self.count:,} {self.rows}; {'; '.join(told)}.{more}"


def coefficients_of(fitted: Fitted | None) -> Coefficients | None:
    """The largest coefficients; None if there are none."""
    if fitted is None or not fitted.coefficients:
        return None
    ranked = sorted(fitted.coefficients.items(), key=lambda item: -abs(item[1]))
    shown = ranked[:_MOST_BARS]
    values = np.array([value for _, value in shown], np.float64)
    return Coefficients(tuple(name for name, _ in shown), values, len(ranked) - len(shown), fitted.target)


def confusion_of(fitted: Fitted | None) -> Confusion | None:
    """The confusion matrix; None if the target is a number."""
    if fitted is None or not fitted.classes or not len(fitted.actual) or len(fitted.classes) > _MOST_CLASSES:
        return None
    count = len(fitted.classes)
    places = fitted.actual.astype(np.int64) * count + fitted.predicted.astype(np.int64)
    return Confusion(fitted.classes, np.bincount(places, minlength=count * count).reshape(count, count), fitted.rows)


_MOST_DOTS = 1500
_MOST_TARGETS = 8
"""Of residuals in one picture."""


def residuals_of(fitted: Fitted | None) -> Residuals | None:
    """The residuals; None if the target is a class."""
    if fitted is None or fitted.classes or not len(fitted.actual):
        return None
    count = len(fitted.actual)
    targets = fitted.targets or (fitted.target,)
    shown = targets[:_MOST_TARGETS]
    predicted = fitted.predicted.reshape(count, -1)[:, : len(shown)]
    residual = fitted.actual.reshape(count, -1)[:, : len(shown)] - predicted
    places = np.arange(count)
    if count > _MOST_DOTS:
        places = np.random.default_rng(0).choice(count, _MOST_DOTS, replace=False)
    return Residuals(
        predicted[places],
        residual[places],
        count,
        residual.std(axis=0),
        residual.mean(axis=0),
        shown,
        fitted.rows,
        len(targets) - len(shown),
    )

"""The record of a descent, thinned so that its extremes stay: loss, gradient norm, learning rate, validation loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..descent import History, Result
from ..graph import Array
from ..pages import thinned

__all__ = ["Descending", "Series", "descending_of"]

_MOST_ROWS = 3000


@dataclass(frozen=True, eq=False)
class Series:
    """Numbers against steps, and against seconds: step, value, seconds (M,)."""

    label: str
    step: Array
    value: Array
    seconds: Array


@dataclass(frozen=True, eq=False)
class Descending:
    """The series of a descent."""

    series: tuple[Series, ...]
    name: str = "descent"
    title: str = "The way down"

    @property
    def description(self) -> str:
        """What a person would see."""
        told = []
        for series in self.series:
            finite = series.value[np.isfinite(series.value)]
            if len(finite):
                told.append(f"the {series.label} goes from {finite[0]:.4g} to {finite[-1]:.4g}")
        last = max((int(series.step[-1]) for series in self.series if len(series.step)), default=0)
        return f"Over {last:,} steps {', '.join(told)}." if told else "Nothing was recorded."


def _series(label: str, step: Array, value: Array, seconds: Array) -> list[Series]:
    if not len(step) or not np.isfinite(value).any():
        return []
    places = thinned(value, _MOST_ROWS)
    return [Series(label, step[places], value[places], seconds[places])]


def descending_of(result: Result) -> Descending:
    """What was recorded of a descent."""
    history: History = result.history
    is_batched = result.origin is not None and result.origin.plan.batch is not None
    step, seconds = history.step, history.seconds
    found = _series("loss of the batch" if is_batched else "loss", step, history.loss, seconds)
    found += _series("gradient norm", step, history.gradient_norm, seconds)
    found += _series("learning rate", step, history.learning_rate, seconds)
    checked = np.interp(history.validation_step, step, seconds) if len(step) else np.zeros(0)
    found += _series("validation loss", history.validation_step, history.validation_loss, checked)
    return Descending(tuple(found))

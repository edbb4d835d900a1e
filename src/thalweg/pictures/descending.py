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
    """Numbers against steps: step, value (M,)."""

    label: str
    step: Array
    value: Array


@dataclass(frozen=True, eq=False)
class Descending:
    """The series of a descent. seconds_per_step: on average; single steps are not timed."""

    series: tuple[Series, ...]
    seconds_per_step: float
    is_batched: bool
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


def _series(label: str, step: Array, value: Array) -> list[Series]:
    if not len(step) or not np.isfinite(value).any():
        return []
    places = thinned(value, _MOST_ROWS)
    return [Series(label, step[places], value[places])]


def descending_of(result: Result) -> Descending:
    """What was recorded of a descent."""
    history: History = result.history
    is_batched = result.origin is not None and result.origin.plan.batch is not None
    found = _series("loss of the batch" if is_batched else "loss", history.step, history.loss)
    found += _series("gradient norm", history.step, history.gradient_norm)
    found += _series("learning rate", history.step, history.learning_rate)
    found += _series("validation loss", history.validation_step, history.validation_loss)
    return Descending(tuple(found), result.seconds / max(1, result.steps), is_batched)

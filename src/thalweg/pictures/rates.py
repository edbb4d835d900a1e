"""The loss reached against the learning rate: slow, good, overshooting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..descent import Population, RateKind
from ..graph import Array
from .subject import Subject

__all__ = ["Rates", "rates_of"]


@dataclass(frozen=True, eq=False)
class Rates:
    """rate, loss: (M,), the loss infinite where it diverged. kinds: how each did. start: the loss at which they began."""

    rate: Array
    loss: Array
    kinds: tuple[RateKind, ...]
    start: float
    name: str = "rates"
    title: str = "The loss reached, against the learning rate"

    @property
    def description(self) -> str:
        """What a person would see."""
        told = []
        for kind in (RateKind.SLOW, RateKind.GOOD, RateKind.OVERSHOT):
            own = [f"{rate:g}" for rate, k in zip(self.rate, self.kinds, strict=True) if k is kind]
            if own:
                told.append(f"{kind.value}: {', '.join(own)}")
        return f"The loss that each learning rate reached from {self.start:.4g}. {'; '.join(told).capitalize()}."


def rates_of(subject: Subject) -> Rates | None:
    """The picture of the rates; None if there are less than two."""
    result = subject.result
    if not isinstance(result, Population) or not result.rates:
        return None
    starts = [float(member.history.loss[0]) for member in result.members if len(member.history)]
    return Rates(
        np.array([rate.learning_rate for rate in result.rates]),
        np.array([rate.loss for rate in result.rates]),
        tuple(rate.kind for rate in result.rates),
        float(np.median(starts)) if starts else float("nan"),
    )

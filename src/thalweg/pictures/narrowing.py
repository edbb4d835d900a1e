"""A search: ranges that narrow round by round, and the trials that were drawn from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..graph import Array

__all__ = ["Narrowed", "Narrowing"]


@dataclass(frozen=True, eq=False)
class Narrowed:
    """One hyperparameter. low, high: of each round, and those the last round led to (R,). value: of each trial (T,)."""

    name: str
    low: Array
    high: Array
    value: Array
    is_logarithmic: bool


@dataclass(frozen=True, eq=False)
class Narrowing:
    """The hyperparameters that are numbers. round, score: of each trial (T,), the score infinite where it failed. best: its number."""

    parameters: tuple[Narrowed, ...]
    round: Array
    score: Array
    best: int
    name: str = "ranges"
    title: str = "The ranges, narrowing"

    @property
    def description(self) -> str:
        """What a person would see."""
        told = [
            f"{one.name} from {one.low[0]:.3g} to {one.high[0]:.3g} narrows to {one.low[-1]:.3g} to {one.high[-1]:.3g}, "
            f"the best value is {one.value[self.best]:.3g}"
            for one in self.parameters
        ]
        return (
            f"{'; '.join(told)}. Each dot is a trial; the darker, the better its score."
            if told
            else "No numbers were searched."
        )

    @property
    def ranks(self) -> Array:
        """The place of each trial among all, from 0 (the best) to 1."""
        order = np.argsort(np.argsort(self.score, kind="stable"), kind="stable")
        return np.asarray(order / max(1, len(order) - 1))

"""Where a descent stands between two stretches, as plain arrays, and what keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ..graph import Array
from .steps import RECORDED

__all__ = ["Checkpoint", "Keeper", "Kept", "no_rows"]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """All that a descent needs to go on to the digits of one that was not disturbed.

    state: the arrays that change from step to step, by name: parameters, memory of the method and of the stopping rules, step,
    evaluations. iteration, next_record: as engines have them; schedules follow from the step, mini-batches from the iteration
    and the seed. seconds: of descent so far. rows: of the history, with seconds. checks: on validation data (M, 3):
    iteration, step, loss. best: the vector of the best of these, its step and its loss; empty if there is none.
    """

    state: Mapping[str, Array]
    iteration: int
    next_record: int
    seconds: float
    rows: Array
    checks: Array
    best: Array
    best_step: int
    best_loss: float

    @classmethod
    def of_state(cls, state: Mapping[str, Array], iteration: int, next_record: int) -> Checkpoint:
        """Where a descent stands, without what it had seen."""
        return cls(state, iteration, next_record, 0.0, no_rows(), np.zeros((0, 3)), np.zeros(0), 0, np.inf)


class Kept(Protocol):
    """The checkpoints of one descent while it runs. found: where to go on from; None at the beginning. notes: for the user."""

    found: Checkpoint | None
    notes: list[str]

    def follow(self, rows: Array, checks: Sequence[tuple[int, int, float]]) -> None:
        """What a stretch added to the history."""
        ...

    def is_due(self) -> bool:
        """Whether it is time for a checkpoint."""
        ...

    def keep(self, checkpoint: Checkpoint) -> None:
        """One more checkpoint; it is on disk when this returns."""
        ...


@runtime_checkable
class Keeper(Protocol):
    """Where checkpoints are kept, such as a run folder."""

    def of(self, identity: Mapping[str, Any]) -> AbstractContextManager[Kept]:
        """The checkpoints of a descent, for as long as it runs. Raises RunError if those there are another's."""
        ...


def no_rows() -> Array:
    """An empty history."""
    return np.zeros((0, 2 + len(RECORDED)))

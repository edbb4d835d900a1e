"""Rounds of local steps, as the driver sees them: the state is the average of the workers' states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..descent.steps import Step
from ..errors import ClusterError
from ..graph import Array
from ..ops.plain import to_plain
from .crew import Crew
from .local_steps import Steps

__all__ = ["LocalEngine"]


@dataclass(eq=False)
class LocalEngine:
    """Runs a descent as rounds of local steps, so many at most."""

    crew: Crew
    step: Step
    batch: int
    seed: int
    most: int
    notes: tuple[str, ...] = ()
    iteration: int = 0
    state: list[Array] = field(default_factory=list)
    _stops: bool = False

    def __post_init__(self) -> None:
        if len(self.step.stages) > 1:
            raise ClusterError("methods that search along a line see all examples in every step: leave out local_steps")
        self.state = [array.copy() for array in self.step.state]
        plain = {
            "graph": to_plain(self.step.graph),
            "stages": self.step.stages,
            "state": self.step.state,
            "settings": self.step.settings,
            "recorded": self.step.recorded,
            "batch": self.batch,
        }
        carried = self.crew.carried(plain, sum(array.nbytes for array in self.step.state))
        workers = len(self.crew.members)
        self.crew.can_hand_over = False
        self.crew.begin(lambda actor: [actor.learn_steps.remote(carried, workers)])

    @property
    def next_record(self) -> int:
        """The iteration from which on the next row of the history is due."""
        return self.iteration

    def advance(self, iterations: int, outside: Sequence[float]) -> tuple[int, Array]:
        """Does up to so many iterations."""
        rows: list[Array] = []
        status, done = 0, 0
        while done < iterations and not status and not self._stops:
            count = min(self.most - self.iteration % self.most, iterations - done)
            status, new = self._round(count, outside)
            rows.append(new)
            done += count
        return status, np.concatenate(rows) if rows else np.zeros((0, 1 + self.step.recorded))

    def _round(self, count: int, outside: Sequence[float]) -> tuple[int, Array]:
        size = sum(array.nbytes for array in self.state)
        carried, iteration = self.crew.carried(self.state, size), self.iteration
        settings = [array.copy() for array in self.step.settings]  # a button among them may be pressed
        asked = self.crew.ask(
            "steps", lambda shards: (carried, settings, iteration, count, list(outside), self.seed + shards[0])
        )
        answers: list[Steps] = self.crew.fetched([answer for _, answer in asked])
        statuses = sorted(answer.status for answer in answers)
        status = statuses[0] if statuses[0] < 0 else statuses[-1]
        weights = np.array([answer.examples for answer in answers], np.float64)
        self.state = _averaged([answer.state for answer in answers], weights)
        shortest = min(len(answer.rows) for answer in answers)
        rows = np.average([answer.rows[:shortest] for answer in answers], axis=0, weights=weights)
        self.iteration += count
        return status, rows

    def request_stop(self) -> None:
        """Ends after the present round."""
        self._stops = True


def _averaged(states: Sequence[Sequence[Array]], weights: Array) -> list[Array]:
    """Averages of the numbers with decimals; all else is alike."""
    averaged = []
    for leaves in zip(*states, strict=True):
        if leaves[0].dtype.kind == "f":
            averaged.append(np.average(leaves, axis=0, weights=weights).astype(leaves[0].dtype))
        else:
            averaged.append(np.array(leaves[0]))
    return averaged

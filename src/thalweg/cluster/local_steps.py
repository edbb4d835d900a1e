"""Local steps: every worker takes some steps on its own examples, then the parameters of all are averaged.

For networks on which one round takes longer than many steps. The result depends on the number of workers.

Source: H. B. McMahan et al., *Communication-Efficient Learning of Deep Networks from Decentralized Data*, AISTATS 2017.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..descent.engines import CompiledStep, NativeEngine, compiled_step
from ..descent.steps import RECORDED, Step
from ..errors import ClusterError
from ..graph import Array
from ..ops.plain import from_plain, to_plain
from .crew import Crew
from .shard import Shard

__all__ = ["Local", "LocalEngine", "Steps"]


@dataclass(frozen=True, eq=False)
class Steps:
    """What a worker's steps led to. rows: of the history."""

    state: list[Array]
    status: int
    rows: Array
    examples: int


@dataclass(eq=False)
class Local:
    """On a worker: the program of its own steps, on the examples of all its shards."""

    compiled: CompiledStep
    settings: Sequence[Array]
    arrays: Sequence[Array]
    batch: int
    threads: int

    @classmethod
    def of(cls, plain: Mapping[str, Any], shards: Mapping[int, Shard], workers: int, threads: int) -> Local:
        """plain: as `LocalEngine` sends it. Each worker draws its share of the batch."""
        chunks = [tuple(map(np.array, chunk)) for number in sorted(shards) for chunk in shards[number].chunks()]
        arrays = [np.concatenate(parts) for parts in zip(*chunks, strict=True)]
        batch = min(max(1, plain["batch"] // workers), len(arrays[0]))
        step = Step(from_plain(plain["graph"]), plain["stages"], plain["state"], None, plain["settings"], None)  # type: ignore[arg-type]  # what compiling needs
        return cls(compiled_step(step, arrays, batch), plain["settings"], arrays, batch, threads)

    def steps(self, state: Sequence[Array], iteration: int, count: int, outside: Sequence[float], seed: int) -> Steps:
        """Takes so many steps from a state."""
        own = [np.array(array) for array in state]
        engine = NativeEngine.of(self.compiled, own, self.settings, self.arrays, seed, self.threads, iteration)
        status, rows = engine.advance(count, outside)
        return Steps(list(engine.state), status, rows, count * self.batch)


@dataclass(eq=False)
class LocalEngine:
    """Runs a descent as rounds of local steps; the state is the average of the workers' states."""

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
            "batch": self.batch,
        }
        carried = self.crew.carried(plain, sum(array.nbytes for array in self.step.state))
        workers = len(self.crew.members)
        self.crew.can_hand_over = False
        self.crew.begin(lambda actor: [actor.learn_steps.remote(carried, workers)])

    def advance(self, iterations: int, outside: Sequence[float]) -> tuple[int, Array]:
        """Does up to so many iterations."""
        rows: list[Array] = []
        status, done = 0, 0
        while done < iterations and not status and not self._stops:
            count = min(self.most - self.iteration % self.most, iterations - done)
            status, new = self._round(count, outside)
            rows.append(new)
            done += count
        return status, np.concatenate(rows) if rows else np.zeros((0, 1 + len(RECORDED)))

    def _round(self, count: int, outside: Sequence[float]) -> tuple[int, Array]:
        size = sum(array.nbytes for array in self.state)
        carried, iteration = self.crew.carried(self.state, size), self.iteration
        asked = self.crew.ask(
            "steps", lambda shards: (carried, iteration, count, list(outside), self.seed + shards[0])
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

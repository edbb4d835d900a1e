"""An engine that runs the stages of a step from Python, such as the reference in NumPy."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..compile.native.permutation import examples_at
from ..graph import Array, Graph, evaluate
from .loops import record_stride
from .steps import Step

__all__ = ["StageFunction", "SteppedEngine", "batch_rows", "numpy_engine", "stage_graphs"]

StageFunction = Callable[[Sequence[Array]], Sequence[Array]]
"""Values of (*state, *settings, *outside, *data) → the outputs of a stage."""


@dataclass(eq=False)
class SteppedEngine:
    """Runs the stages of a step from Python, one after the other. data: a step's examples follow the other values."""

    step: Step
    stages: Sequence[StageFunction]
    data: Callable[[int], Sequence[Array]]
    notes: tuple[str, ...] = ()
    iteration: int = 0
    next_record: int = 0
    state: list[Array] = field(default_factory=list)
    _stops: bool = False

    def __post_init__(self) -> None:
        self.state = [array.copy() for array in self.step.state]
        self._turn = self.step.place("turn") if len(self.stages) > 1 else None

    def advance(self, iterations: int, outside: Sequence[float]) -> tuple[int, Array]:
        """Does up to so many iterations."""
        rows: list[list[float]] = []
        status = 0
        for _ in range(iterations):
            if self._stops or status:
                break
            rest = [*map(np.asarray, outside), *self.data(self.iteration)]
            for number, stage in enumerate(self.stages):
                if self._turn is not None and not np.any(self.state[self._turn] == number):
                    continue
                status = self._run(stage, rest, rows)
                if status:
                    break
            else:
                self.iteration += 1
        width = max((len(row) for row in rows), default=1 + self.step.recorded)
        return status, np.array(rows, np.float64).reshape(-1, width)

    def _run(self, stage: StageFunction, rest: Sequence[Array], rows: list[list[float]]) -> int:
        carried = len(self.state)
        outputs = stage([*self.state, *self.step.settings, *rest])
        if len(outputs) > carried:
            status = int(outputs[-1])
            if self.iteration >= self.next_record or status:
                rows.append([self.iteration, *np.concatenate([np.ravel(x) for x in outputs[carried:-1]]).tolist()])
                self.next_record = self.iteration + record_stride(self.iteration)
            if status:
                return status
        # In one order in memory, so that sums over them have the same digits after a checkpoint.
        self.state = [np.asarray(x, order="C") for x in outputs[:carried]]
        return 0

    def request_stop(self) -> None:
        """Ends the stretch after the current iteration."""
        self._stops = True


def numpy_engine(
    step: Step,
    data: Sequence[Array],
    batch: int | None,
    seed: int,
    notes: tuple[str, ...] = (),
    iteration: int = 0,
    next_record: int = 0,
) -> SteppedEngine:
    """The reference: the stages node by node in NumPy."""

    def examples(iteration: int) -> Sequence[Array]:
        if batch is None:
            return data
        chosen = batch_rows(iteration, batch, len(data[0]), seed)
        return [array[chosen] for array in data]

    stages = [functools.partial(evaluate, graph) for graph in stage_graphs(step, step.graph)]
    return SteppedEngine(step, stages, examples, notes, iteration, next_record)


def stage_graphs(step: Step, graph: Graph) -> list[Graph]:
    """The graphs of the stages. graph: of the whole step, as traced or as prepared."""
    carried = len(step.state)
    return [
        Graph(graph.inputs, graph.outputs[first : first + carried + (step.recorded + 1) * looks])
        for first, looks in step.stages
    ]


def batch_rows(step: int, batch: int, examples: int, seed: int) -> Array:
    """The examples of a step's mini-batch: consecutive places in the shuffled order of the epochs."""
    found: Array = examples_at(np.arange(step * batch, (step + 1) * batch), examples, seed)
    return found

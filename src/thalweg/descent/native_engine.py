"""The engine of the native target: stretches of iterations in machine code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..compile.native import Control, Execution, Program, compile_native
from ..compile.prepare import Prepared
from ..graph import Array, Shape
from .loops import examples_of, history_room, loop_of
from .steps import Lanes, Outside, Step

__all__ = ["NativeEngine", "NativeStep", "compiled_step"]


@dataclass(frozen=True, eq=False)
class NativeStep:
    """A step as machine code. recorded: parts of a row of the history; members: numbers in each."""

    prepared: Prepared
    program: Program
    members: int
    recorded: int
    note: str

    @cached_property
    def outputs(self) -> list[tuple[Shape, np.dtype[Any]]]:
        """Shapes and dtypes of all that the graph returns."""
        return [(node.shape, node.dtype) for node in self.prepared.graph.outputs]

    def engine(
        self,
        state: Sequence[Array],
        settings: Sequence[Array],
        data: Sequence[Array],
        seed: int,
        threads: int,
        iteration: int = 0,
        next_record: int | None = None,
    ) -> NativeEngine:
        """The engine with a state to go on from; the arrays of the state are its own from now on."""
        prepared = self.prepared
        outside = np.zeros(len(Outside._fields))
        history = _room_for_history(self)
        first = len(state) + len(settings) + len(outside)
        arrays = [
            *state,
            *settings,
            *(outside[number : number + 1] for number in range(len(outside))),
            *data,
            *prepared.values,
        ]
        outputs = [np.zeros(shape, dtype) for shape, dtype in self.outputs]
        execution = Execution(self.program, arrays, outputs, history, threads)
        execution.control[Control.SEED] = np.int64(np.uint64(seed % (1 << 64)))
        execution.control[Control.ITERATION] = iteration
        execution.control[Control.NEXT_RECORD] = iteration if next_record is None else next_record
        return NativeEngine(
            list(state),
            (self.note,) if self.note else (),
            execution,
            outside,
            self,
            history,
            first,
            len(data),
        )


def compiled_step(step: Step | Lanes, data: Sequence[Array], batch: int | None) -> NativeStep:
    """Compiles a step, of one descent or of several at once, for given data."""
    prepared, loop, of_data = loop_of(step, data, batch)
    examples, note = examples_of(prepared, of_data, of_data[0].shape[0] if of_data else 0)
    recorded = max(stage.recorded or 0 for stage in loop.stages)
    return NativeStep(prepared, compile_native(prepared, examples, loop), loop.lanes, recorded, note)


_LEAST_ROOM = 1024
"""Rows of history that a stretch finds room for."""

_MANY_ROWS = 512
"""Fewer are copied, so that a short history does not hold the memory that was there for a long one."""


def _room_for_history(compiled: NativeStep) -> Array:
    return np.empty((history_room(compiled.members), 1 + compiled.recorded * compiled.members))


@dataclass(eq=False)
class NativeEngine:
    """Runs stretches of iterations in machine code."""

    state: list[Array]
    notes: tuple[str, ...]
    _execution: Execution
    _outside: Array
    _compiled: NativeStep
    _history: Array
    _first_of_data: int
    _arrays_of_data: int

    @property
    def iteration(self) -> int:
        """How many rounds of the loop were done."""
        return int(self._execution.control[Control.ITERATION])

    @property
    def next_record(self) -> int:
        """The iteration from which on the next row of the history is due."""
        return int(self._execution.control[Control.NEXT_RECORD])

    def advance(self, iterations: int, outside: Sequence[float]) -> tuple[int, Array]:
        """Does up to so many iterations.

        The rows stay where the program wrote them if they are many, and what it records next is written behind them.
        """
        control = self._execution.control
        self._outside[:] = outside
        control[Control.ITERATIONS] = iterations
        control[Control.RECORDED] = 0
        control[Control.CAPACITY] = len(self._history) - 1
        control[Control.STATUS] = 0
        self._execution.run()
        self.state = self._execution.carried(len(self.state))
        count = int(control[Control.RECORDED])
        rows = self._history[:count]
        if count < _MANY_ROWS:
            return int(control[Control.STATUS]), rows.copy()
        is_enough = len(self._history) - count >= _LEAST_ROOM
        self._history = self._history[count:] if is_enough else _room_for_history(self._compiled)
        self._execution.exchange_history(self._history)
        return int(control[Control.STATUS]), rows

    def exchange(self, data: Sequence[Array]) -> None:
        """Goes on with other data, of the same types."""
        self._execution.exchange(self._first_of_data, data)

    def release_data(self) -> None:
        """Lets go of the data's memory; the engine cannot advance any more."""
        self._execution.exchange(self._first_of_data, [np.zeros(0)] * self._arrays_of_data)

    def request_stop(self) -> None:
        """Ends the stretch at once: a sweep over the examples is given up, and its iteration is not done."""
        self._execution.control[Control.STOP] = 1

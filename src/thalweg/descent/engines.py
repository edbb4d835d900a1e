"""What carries a descent forward: the native engine, and one that runs stage by stage, such as the reference in NumPy."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from ..compile.examples import Examples, MixedExamplesError, follow_examples
from ..compile.native import Control, Execution, Loop, Program, Sampling, Stage, compile_native
from ..compile.native.permutation import permutation
from ..compile.prepare import Prepared, prepare
from ..graph import Array, Graph, Node, Shape, evaluate
from .steps import Lanes, Outside, Step

__all__ = [
    "CompiledStep",
    "Engine",
    "Exchanging",
    "NativeEngine",
    "NativeStep",
    "SteppedEngine",
    "batch_rows",
    "compiled_step",
    "examples_of",
    "history_room",
    "loop_of",
    "numpy_engine",
    "stage_graphs",
]

_ROWS = 8192
"""How many rows of history one stretch can hold."""

_ROWS_OF_MANY = 1024

DENSE_BITS = 10
DENSE_BITS_OF_MANY = 7
"""Of a population less is recorded: see `Loop.dense_bits`."""


class Engine(Protocol):
    """Advances the state of a descent.

    state: the current values. iteration: how many rounds of the loop were done. next_record: the iteration from which on the next
    row of the history is due. notes: for the user.
    """

    notes: tuple[str, ...]

    @property
    def state(self) -> Sequence[Array]:
        """The current values."""
        ...

    @property
    def iteration(self) -> int:
        """How many rounds of the loop were done."""
        ...

    @property
    def next_record(self) -> int:
        """The iteration from which on the next row of the history is due."""
        ...

    def advance(self, iterations: int, outside: Sequence[float]) -> tuple[int, Array]:
        """Does up to so many iterations; returns the status, and rows of the history. outside: see `Outside`."""
        ...

    def request_stop(self) -> None:
        """Ends the stretch at once: an iteration that has not ended by then is not done."""
        ...


class Exchanging(Engine, Protocol):
    """An engine that can go on with other data."""

    def exchange(self, data: Sequence[Array]) -> None:
        """Goes on with other data, of the same types."""
        ...

    def release_data(self) -> None:
        """Lets go of the data's memory; the engine cannot advance any more."""
        ...


def examples_of(prepared: Prepared, inputs: Sequence[Node], count: int) -> tuple[Examples | None, str]:
    """Where the examples are in a graph; None, and why, if it cannot be divided into tiles.

    Where the loss is given no data, the longest arrays that it refers to are taken for data.
    """
    if not inputs:
        lifted = prepared.graph.inputs[len(prepared.graph.inputs) - len(prepared.values) :]
        count = max((node.shape[0] for node in lifted if node.type.size >= _WORTH_TILES), default=0)
        inputs = [node for node in lifted if node.shape and node.shape[0] == count]
        if count < 256:
            return None, ""
        try:
            found = follow_examples(prepared.graph, inputs, count)
        except MixedExamplesError:
            return None, ""
        is_state = any(node in found.axis for node in prepared.graph.outputs)  # as long as the parameters, by chance
        return (None if is_state else found), ""
    if count < 2:
        return None, ""
    try:
        return follow_examples(prepared.graph, inputs, count), ""
    except MixedExamplesError as error:
        where = f" at {error.node.source}" if error.node.source else ""
        note = f"the loss combines different examples{where}, so it runs whole, not in tiles that fit in cache"
        return None, note


_WORTH_TILES = 1 << 14


class CompiledStep(Protocol):
    """A step as a program, for any state, settings and data of the same shapes."""

    def engine(
        self,
        state: Sequence[Array],
        settings: Sequence[Array],
        data: Sequence[Array],
        seed: int,
        threads: int,
        iteration: int = 0,
        next_record: int | None = None,
    ) -> Exchanging:
        """The engine with a state to go on from; the arrays of the state are its own from now on.

        next_record: the iteration from which on the next row of the history is due, by default this one.
        """
        ...


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
        return NativeEngine.of(self, state, settings, data, seed, threads, iteration, next_record)


def loop_of(step: Step | Lanes, data: Sequence[Array], batch: int | None) -> tuple[Prepared, Loop, Sequence[Node]]:
    """A step's graph, ready to be compiled; what makes it a loop; and the inputs that hold data."""
    single, carried, members = (
        (step.single, step.carried, step.lanes) if isinstance(step, Lanes) else (step, len(step.state), 1)
    )
    prepared = prepare(step.graph)
    first = carried + len(single.settings) + len(Outside._fields)
    of_data = prepared.graph.inputs[first : first + len(data)]
    sampling = Sampling(data[0].shape[0], batch, tuple(range(first, first + len(data)))) if batch else None
    stages = tuple(Stage(start, single.recorded if looks else None) for start, looks in step.stages)
    turn = single.place("turn") if len(stages) > 1 else None
    wide = carried + len(single.settings) if members > 1 else 0
    bits = DENSE_BITS if members == 1 else DENSE_BITS_OF_MANY
    return prepared, Loop(carried, stages, turn, sampling, members, wide, bits), of_data


def compiled_step(step: Step | Lanes, data: Sequence[Array], batch: int | None) -> NativeStep:
    """Compiles a step, of one descent or of several at once, for given data."""
    prepared, loop, of_data = loop_of(step, data, batch)
    examples, note = examples_of(prepared, of_data, of_data[0].shape[0] if of_data else 0)
    recorded = max(stage.recorded or 0 for stage in loop.stages)
    return NativeStep(prepared, compile_native(prepared, examples, loop), loop.lanes, recorded, note)


def history_room(members: int) -> int:
    """How many rows of history one stretch of so many members can hold."""
    return _ROWS if members == 1 else _ROWS_OF_MANY


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

    @classmethod
    def of(
        cls,
        compiled: NativeStep,
        state: Sequence[Array],
        settings: Sequence[Array],
        data: Sequence[Array],
        seed: int,
        threads: int,
        iteration: int = 0,
        next_record: int | None = None,
    ) -> NativeEngine:
        """The engine with a state to go on from; the arrays of the state are its own from now on."""
        prepared = compiled.prepared
        outside = np.zeros(len(Outside._fields))
        history = _room_for_history(compiled)
        first = len(state) + len(settings) + len(outside)
        arrays = [
            *state,
            *settings,
            *(outside[number : number + 1] for number in range(len(outside))),
            *data,
            *prepared.values,
        ]
        outputs = [np.zeros(shape, dtype) for shape, dtype in compiled.outputs]
        execution = Execution(compiled.program, arrays, outputs, history, threads)
        execution.control[Control.SEED] = np.int64(np.uint64(seed % (1 << 64)))
        execution.control[Control.ITERATION] = iteration
        execution.control[Control.NEXT_RECORD] = iteration if next_record is None else next_record
        return cls(
            list(state),
            (compiled.note,) if compiled.note else (),
            execution,
            outside,
            compiled,
            history,
            first,
            len(data),
        )

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
        is_enough = len(self._history) - count >= _ROWS_OF_MANY
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


def record_stride(iteration: int) -> int:
    """How far the next recorded iteration lies: 1 up to 2048, then 2 up to 4096, 4 up to 8192, and so on."""
    return 1 << max(0, iteration.bit_length() - 1 - DENSE_BITS)


def batch_rows(step: int, batch: int, examples: int, seed: int) -> Array:
    """The examples of a step's mini-batch: consecutive places in the shuffled order of the epochs."""
    positions = np.arange(step * batch, (step + 1) * batch)
    orders = {epoch: permutation(examples, seed, epoch) for epoch in np.unique(positions // examples).tolist()}
    return np.array([orders[p // examples][p % examples] for p in positions.tolist()])

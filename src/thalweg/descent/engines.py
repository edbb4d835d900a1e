"""What carries a descent forward: the native engine, and the reference in NumPy. Both do the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ..compile.examples import Examples, MixedExamplesError, follow_examples
from ..compile.native import Control, Execution, Loop, Program, Sampling, Stage, compile_native
from ..compile.native.permutation import permutation
from ..compile.prepare import Prepared, prepare
from ..graph import Array, Graph, Node, evaluate
from .steps import OUTSIDE, RECORDED, Lanes, Step

__all__ = ["Engine", "NativeEngine", "NumpyEngine", "batch_rows", "compiled_step", "examples_of"]

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

    @property
    def rows(self) -> Array:
        """The rows of the history that the last stretch recorded, also one that was interrupted."""
        ...

    def advance(self, iterations: int, outside: Sequence[float]) -> int:
        """Does up to so many iterations; returns the status. outside: values of `OUTSIDE`."""
        ...

    def request_stop(self) -> None:
        """Ends the stretch after the current iteration."""
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
            return follow_examples(prepared.graph, inputs, count), ""
        except MixedExamplesError:
            return None, ""
    if count < 2:
        return None, ""
    try:
        return follow_examples(prepared.graph, inputs, count), ""
    except MixedExamplesError as error:
        where = f" at {error.node.source}" if error.node.source else ""
        note = f"the loss combines different examples{where}, so it runs whole, not in tiles that fit in cache"
        return None, note


_WORTH_TILES = 1 << 14


@dataclass(frozen=True, eq=False)
class CompiledStep:
    """A step as a program. carried: arrays in its state. members: numbers in each part of a row of the history."""

    prepared: Prepared
    program: Program
    carried: int
    members: int
    note: str


def compiled_step(step: Step | Lanes, data: Sequence[Array], batch: int | None) -> CompiledStep:
    """Compiles a step, of one descent or of several at once, for given data."""
    single, carried, members = (
        (step.single, step.carried, step.lanes) if isinstance(step, Lanes) else (step, len(step.state), 1)
    )
    prepared = prepare(step.graph)
    inputs = prepared.graph.inputs
    first = carried + len(single.settings) + len(OUTSIDE)
    of_data = inputs[first : first + len(data)]
    rows = of_data[0].shape[0] if of_data else 0
    sampling = Sampling(data[0].shape[0], batch, tuple(range(first, first + len(data)))) if batch else None
    examples, note = examples_of(prepared, of_data, rows)
    stages = tuple(Stage(start, len(RECORDED) if looks else None) for start, looks in step.stages)
    turn = single.place("turn") if len(stages) > 1 else None
    wide = carried + len(single.settings) if members > 1 else 0
    bits = DENSE_BITS if members == 1 else DENSE_BITS_OF_MANY
    loop = Loop(carried, stages, turn, sampling, members, wide, bits)
    return CompiledStep(prepared, compile_native(prepared, examples, loop), carried, members, note)


@dataclass(eq=False)
class NativeEngine:
    """Runs stretches of iterations in machine code."""

    state: list[Array]
    notes: tuple[str, ...]
    _execution: Execution
    _outside: list[Array]
    _history: Array

    @classmethod
    def of(
        cls,
        compiled: CompiledStep,
        state: Sequence[Array],
        settings: Sequence[Array],
        data: Sequence[Array],
        seed: int,
        threads: int,
        iteration: int = 0,
        next_record: int | None = None,
    ) -> NativeEngine:
        """The engine with a state to go on from; the arrays of the state are its own from now on.

        next_record: the iteration from which on the next row of the history is due, by default this one.
        """
        prepared = compiled.prepared
        outside = [np.zeros(()) for _ in OUTSIDE]
        rows = _ROWS if compiled.members == 1 else _ROWS_OF_MANY
        history = np.zeros((rows, 1 + len(RECORDED) * compiled.members))
        arrays = [*state, *settings, *outside, *data, *prepared.values]
        outputs = [np.zeros(node.shape, node.dtype) for node in prepared.graph.outputs]
        execution = Execution(compiled.program, arrays, outputs, history, threads)
        execution.control[Control.SEED] = np.int64(np.uint64(seed % (1 << 64)))
        execution.control[Control.ITERATION] = iteration
        execution.control[Control.NEXT_RECORD] = iteration if next_record is None else next_record
        return cls(list(state), (compiled.note,) if compiled.note else (), execution, outside, history)

    @property
    def iteration(self) -> int:
        """How many rounds of the loop were done."""
        return int(self._execution.control[Control.ITERATION])

    @property
    def next_record(self) -> int:
        """The iteration from which on the next row of the history is due."""
        return int(self._execution.control[Control.NEXT_RECORD])

    @property
    def rows(self) -> Array:
        """The rows of the history that the last stretch recorded."""
        return self._history[: int(self._execution.control[Control.RECORDED])].copy()

    def advance(self, iterations: int, outside: Sequence[float]) -> int:
        """Does up to so many iterations."""
        control = self._execution.control
        for array, value in zip(self._outside, outside, strict=True):
            array[()] = value
        control[Control.ITERATIONS] = iterations
        control[Control.RECORDED] = 0
        control[Control.CAPACITY] = len(self._history) - 1
        control[Control.STATUS] = 0
        self._execution.run()
        return int(control[Control.STATUS])

    def request_stop(self) -> None:
        """Ends the stretch after the current iteration."""
        self._execution.control[Control.STOP] = 1


@dataclass(eq=False)
class NumpyEngine:
    """The reference: the same stages, node by node in NumPy."""

    step: Step
    data: Sequence[Array]
    batch: int | None
    seed: int
    notes: tuple[str, ...] = ()
    iteration: int = 0
    next_record: int = 0
    state: list[Array] = field(default_factory=list)
    _rows: list[list[float]] = field(default_factory=list)
    _stops: bool = False

    def __post_init__(self) -> None:
        self.state = [array.copy() for array in self.step.state]
        carried = len(self.state)
        self._graphs = [
            Graph(
                self.step.graph.inputs, self.step.graph.outputs[first : first + carried + (len(RECORDED) + 1) * looks]
            )
            for first, looks in self.step.stages
        ]
        self._turn = self.step.place("turn") if len(self._graphs) > 1 else None

    @property
    def rows(self) -> Array:
        """The rows of the history that the last stretch recorded."""
        return np.array(self._rows, np.float64).reshape(-1, 1 + len(RECORDED))

    def advance(self, iterations: int, outside: Sequence[float]) -> int:
        """Does up to so many iterations."""
        self._rows = []
        status = 0
        for _ in range(iterations):
            if self._stops or status:
                break
            batch = self._batch()
            for number, graph in enumerate(self._graphs):
                if self._turn is not None and not np.any(self.state[self._turn] == number):
                    continue
                status = self._run(graph, [*map(np.asarray, outside), *batch])
                if status:
                    break
            else:
                self.iteration += 1
        return status

    def _batch(self) -> Sequence[Array]:
        if self.batch is None:
            return self.data
        chosen = batch_rows(self.iteration, self.batch, len(self.data[0]), self.seed)
        return [array[chosen] for array in self.data]

    def _run(self, graph: Graph, rest: Sequence[Array]) -> int:
        carried = len(self.state)
        outputs = evaluate(graph, [*self.state, *self.step.settings, *rest])
        if len(outputs) > carried:
            status = int(outputs[-1])
            if self.iteration >= self.next_record or status:
                self._rows.append([self.iteration, *map(float, outputs[carried:-1])])
                self.next_record = self.iteration + record_stride(self.iteration)
            if status:
                return status
        # In one order in memory, so that sums over them have the same digits after a checkpoint.
        self.state = [np.asarray(x, order="C") for x in outputs[:carried]]
        return 0

    def request_stop(self) -> None:
        """Ends the stretch after the current iteration."""
        self._stops = True


def record_stride(iteration: int) -> int:
    """How far the next recorded iteration lies: 1 up to 2048, then 2 up to 4096, 4 up to 8192, and so on."""
    return 1 << max(0, iteration.bit_length() - 1 - DENSE_BITS)


def batch_rows(step: int, batch: int, examples: int, seed: int) -> Array:
    """The examples of a step's mini-batch: consecutive places in the shuffled order of the epochs."""
    positions = np.arange(step * batch, (step + 1) * batch)
    orders = {epoch: permutation(examples, seed, epoch) for epoch in np.unique(positions // examples).tolist()}
    return np.array([orders[p // examples][p % examples] for p in positions.tolist()])

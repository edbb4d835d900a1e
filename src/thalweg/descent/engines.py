"""What carries a descent forward: the native engine, and the reference in NumPy. Both do the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..compile.examples import Examples, MixedExamplesError, follow_examples
from ..compile.native import Control, Execution, Loop, Sampling, Stage, compile_native
from ..compile.native.permutation import permutation
from ..compile.prepare import Prepared, prepare
from ..graph import Array, Graph, Node, evaluate
from .step import RECORDED, STEP, Step

__all__ = ["Engine", "NativeEngine", "NumpyEngine", "examples_of"]

_ROWS = 8192
"""How many rows of history one stretch can hold."""


class Engine(Protocol):
    """Advances the state of a descent.

    state: the current values. advance(iterations, seconds) → (status, rows of the history).
    """

    @property
    def state(self) -> Sequence[Array]:
        """The current values."""
        ...

    notes: tuple[str, ...]

    def advance(self, iterations: int, seconds: float) -> tuple[int, Array]:
        """Takes up to so many steps."""
        ...

    def request_stop(self) -> None:
        """Ends the stretch after the current step."""
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


@dataclass(eq=False)
class NativeEngine:
    """Runs stretches of steps in machine code."""

    state: list[Array]
    notes: tuple[str, ...]
    _execution: Execution
    _seconds: Array
    _history: Array

    @classmethod
    def of(cls, step: Step, data: Sequence[Array], batch: int | None, seed: int, threads: int) -> NativeEngine:
        """Compiles a step for given data."""
        prepared = prepare(step.graph)
        inputs = prepared.graph.inputs
        first = len(step.state) + len(step.settings) + 1
        of_data = inputs[first : first + len(data)]
        rows = of_data[0].shape[0] if of_data else 0
        numbers = tuple(range(first, first + len(data)))
        sampling = Sampling(data[0].shape[0], batch, STEP, numbers) if batch else None
        examples, note = examples_of(prepared, of_data, rows)
        loop = Loop(len(step.state), (Stage(0, len(RECORDED)),), sampling=sampling)
        program = compile_native(prepared, examples, loop)
        state = [array.copy() for array in step.state]
        seconds = np.zeros(())
        history = np.zeros((_ROWS, 1 + len(RECORDED)))
        arrays = [*state, *step.settings, seconds, *data, *prepared.values]
        outputs = [np.zeros(node.shape, node.dtype) for node in prepared.graph.outputs]
        execution = Execution(program, arrays, outputs, history, threads)
        execution.control[Control.SEED] = np.int64(np.uint64(seed % (1 << 64)))
        return cls(state, (note,) if note else (), execution, seconds, history)

    def advance(self, iterations: int, seconds: float) -> tuple[int, Array]:
        """Takes up to so many steps."""
        control = self._execution.control
        self._seconds[()] = seconds
        control[Control.ITERATIONS] = iterations
        control[Control.RECORDED] = 0
        control[Control.CAPACITY] = _ROWS - 1
        control[Control.STATUS] = 0
        self._execution.run()
        rows = int(control[Control.RECORDED])
        return int(control[Control.STATUS]), self._history[:rows].copy()

    def request_stop(self) -> None:
        """Ends the stretch after the current step."""
        self._execution.control[Control.STOP] = 1


@dataclass(eq=False)
class NumpyEngine:
    """The reference: the same step, node by node in NumPy."""

    state: list[Array]
    notes: tuple[str, ...]
    _graph: Graph
    _settings: tuple[Array, ...]
    _batch_of: Callable[[int], Sequence[Array]]
    _next_record: int = 0
    _stops: bool = False

    @classmethod
    def of(cls, step: Step, data: Sequence[Array], batch: int | None, seed: int) -> NumpyEngine:
        """Prepares a step for given data."""

        def batch_of(number: int) -> Sequence[Array]:
            return data if batch is None else [x[batch_rows(number, batch, len(data[0]), seed)] for x in data]

        return cls(list(step.state), (), step.graph, step.settings, batch_of)

    def advance(self, iterations: int, seconds: float) -> tuple[int, Array]:
        """Takes up to so many steps."""
        rows: list[Any] = []
        for _ in range(iterations):
            number = int(self.state[STEP])
            inputs = [*self.state, *self._settings, np.asarray(seconds), *self._batch_of(number)]
            outputs = evaluate(self._graph, inputs)
            status = int(outputs[-1])
            if number >= self._next_record or status:
                rows.append([number, *(float(x) for x in outputs[-1 - len(RECORDED) : -1])])
                self._next_record = number + record_stride(number)
            if status or self._stops:
                return status, np.array(rows).reshape(-1, 1 + len(RECORDED))
            self.state = [np.asarray(x) for x in outputs[: len(self.state)]]
        return 0, np.array(rows).reshape(-1, 1 + len(RECORDED))

    def request_stop(self) -> None:
        """Ends the stretch after the current step."""
        self._stops = True


def record_stride(step: int) -> int:
    """How far the next recorded step lies: 1 up to step 2048, then 2 up to 4096, 4 up to 8192, and so on."""
    return 1 << max(0, step.bit_length() - 1 - 10)


def batch_rows(step: int, batch: int, examples: int, seed: int) -> Array:
    """The examples of a step's mini-batch: consecutive places in the shuffled order of the epochs."""
    positions = np.arange(step * batch, (step + 1) * batch)
    orders = {epoch: permutation(examples, seed, epoch) for epoch in np.unique(positions // examples).tolist()}
    return np.array([orders[p // examples][p % examples] for p in positions.tolist()])

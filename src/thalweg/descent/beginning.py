"""How one descent begins, or goes on from a checkpoint: its state, and the engine for where its examples are."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..graph import Array
from . import device as devices
from .checkpoint import Checkpoint
from .chunks import chunked_engine
from .data import ChunkTotals, ScatteredData, Stream, StreamData, size_text
from .engines import Engine
from .methods import Method
from .parameters import leaf_arrays
from .plan import Plan
from .stepped_engine import numpy_engine
from .steps import Step, start_of
from .windows import WindowedEngine

__all__ = ["beginning_of", "engine_of"]

_UNCOMPILED = (
    "the loss or its gradient could not be traced, so this ran uncompiled, one Python call for each evaluation"
)


def beginning_of(plan: Plan, step: Step, vector: Array, method: Method) -> tuple[list[Array], tuple[Array, ...]]:
    """The state and the settings that a descent begins with. Raises ArgumentError if the memory that it is given is another's."""
    state, settings = start_of(plan.problem, vector, method, plan.rule, plan.seed, step.keeps)
    return (state if plan.memory is None else _with_memory(step, state, plan.memory, method)), settings


def engine_of(plan: Plan, step: Step, vector: Array, method: Method, found: Checkpoint | None = None) -> Engine:
    """What carries a descent from one vector forward. found: where it is to go on from."""
    state, settings = beginning_of(plan, step, vector, method)
    place = _BEGINNING
    if found is not None:
        state, place = [np.array(found.state[name]) for name in step.names], (found.iteration, found.next_record)
    is_compiled = plan.target != "numpy" and plan.problem.is_traced

    def started() -> Step:
        return dataclasses.replace(step, state=tuple(state), settings=settings)

    if is_compiled and plan.device is not None and not devices.holds(plan.device, plan.data):
        return devices.streamed_to_device(started(), plan.data, plan.batch, plan.seed, plan.device, *place)
    if is_compiled and isinstance(plan.data, ScatteredData):
        engine = plan.data.engine(started(), plan.batch, plan.seed, *place)
        if engine is not None:
            return engine
    if is_compiled and isinstance(plan.data, StreamData):
        return _streamed_engine(plan, plan.data.stream, started(), place)
    if not is_compiled:
        notes = () if plan.problem.is_traced else (_UNCOMPILED,)
        return numpy_engine(started(), plan.data.arrays, plan.batch, plan.seed, notes, *place)
    return plan.program(step).engine(state, settings, plan.data.arrays, plan.seed, plan.threads, *place)


_BEGINNING = (0, 0)
"""Iteration, and where the next row of the history is due."""


def _streamed_engine(plan: Plan, stream: Stream, started: Step, place: tuple[int, int]) -> Engine:
    size = size_text(stream.examples * stream.row_bytes)
    note = f"{stream.examples:,} examples ({size}) were streamed"
    threads = max(1, plan.threads - 1)  # one reads
    if plan.batch is None:
        return chunked_engine(
            started, len(stream.types), lambda sweeps: ChunkTotals(sweeps, stream.chunks, threads), (note,), *place
        )
    rows = stream.window_rows(plan.batch)
    note += f"; mini-batches were drawn from windows of {rows:,} examples"
    batches = rows // plan.batch
    windows = stream.windows(rows, plan.seed, place[0] // batches)
    first = next(windows)
    state, settings = [array.copy() for array in started.state], started.settings
    engine = plan.program(started, first).engine(state, settings, first, plan.seed, threads, *place)
    return WindowedEngine(engine, windows, batches, (note,))


def _with_memory(step: Step, state: Sequence[Array], memory: Any, method: Method) -> list[Array]:
    """The state with the method's memory of an earlier descent. Raises ArgumentError if it is another's."""
    named = step.named(state)
    old, new = leaf_arrays(named.get("method", ())), leaf_arrays(memory)
    if old[1] != new[1] or [(x.shape, x.dtype) for x in old[0]] != [(x.shape, x.dtype) for x in new[0]]:
        raise ArgumentError(
            f"memory=...: this is not what {type(method).__name__} remembers of parameters like these; pass `result.memory` of a "
            "descent with the same method and shapes"
        )
    return [array.copy() for array in leaf_arrays({**named, "method": memory})[0]]

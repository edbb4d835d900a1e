"""One descent, and what is told of it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..graph import Array, evaluate
from .chunks import ChunkTotals, chunked_engine, over_data
from .data import Data, Stream, StreamData, check_data, size_text
from .engines import Engine, NativeEngine, numpy_engine
from .indices import check_indices
from .methods import Method
from .not_finite import explain
from .parameters import leaf_arrays
from .plan import Evaluation, Origin, Plan
from .problem import problem_of
from .result import History, Result
from .run import Ended, Progress, Validation, descend, history_of, progress_of, reason
from .steps import Status, Step, start_of
from .stopping import Measurement, ValidationStalls, leaves
from .windows import WindowedEngine

__all__ = ["run_single"]


def run_single(plan: Plan, vector: Array, method: Method, on_progress: Callable[[Progress], object] | None) -> Result:
    """Descends from one vector with one method."""
    step = plan.step(vector, method)
    engine = _engine(plan, step, vector, method)
    checks = None if plan.validation is None else _validation(plan, plan.validation)
    compile_seconds = time.perf_counter() - plan.begin
    try:
        ended = descend(
            engine,
            None if on_progress is None else lambda rows, seconds: on_progress(progress_of(rows, seconds)),
            checks,
            lambda: _where(step, engine),
        )
    finally:
        if isinstance(engine, WindowedEngine):
            engine.close()
    return _Told(plan, vector, method, step, engine, ended, checks).result(compile_seconds)


_UNCOMPILED = (
    "the loss or its gradient could not be traced, so this ran uncompiled, one Python call for each evaluation"
)


def _engine(plan: Plan, step: Step, vector: Array, method: Method) -> Engine:
    state, settings = start_of(plan.problem, vector, method, plan.rule, plan.seed)
    if plan.memory is not None:
        state = _with_memory(step, state, plan.memory, method)
    is_compiled = plan.target == "native" and plan.problem.is_traced
    if is_compiled and isinstance(plan.data, StreamData):
        return _streamed_engine(plan, plan.data.stream, step, state, settings, method)
    if not is_compiled:
        notes = () if plan.problem.is_traced else (_UNCOMPILED,)
        started = dataclasses.replace(step, state=tuple(state), settings=settings)
        return numpy_engine(started, plan.data.arrays, plan.batch, plan.seed, notes)
    program = plan.program(step, method)
    return NativeEngine.of(program, state, settings, plan.data.arrays, plan.seed, plan.threads)


def _streamed_engine(
    plan: Plan, stream: Stream, step: Step, state: list[Array], settings: tuple[Array, ...], method: Method
) -> Engine:
    size = size_text(stream.examples * stream.row_bytes)
    note = f"{stream.examples:,} examples ({size}) were streamed"
    threads = max(1, plan.threads - 1)  # one reads
    if plan.batch is None:
        started = dataclasses.replace(step, state=tuple(state), settings=settings)
        return chunked_engine(
            started, len(stream.types), lambda sweeps: ChunkTotals(sweeps, stream.chunks, threads), (note,)
        )
    rows = stream.window_rows(plan.batch)
    note += f"; mini-batches were drawn from windows of {rows:,} examples"
    windows = stream.windows(rows, plan.seed)
    first = next(windows)
    program = plan.program(step, method, first)
    engine = NativeEngine.of(program, state, settings, first, plan.seed, threads)
    return WindowedEngine(engine, windows, rows // plan.batch, (note,))


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


def _where(step: Step, engine: Engine) -> tuple[Array, int]:
    state = step.named(engine.state)
    return state["parameters"], int(state["step"])


def _validation(plan: Plan, kept: Data) -> Validation:
    problem = problem_of(plan.loss, plan.parameters, kept, kept.examples, plan.source)
    check_indices(problem, kept)
    if problem.is_traced and plan.target == "native":
        function = over_data(problem.graph, kept)
        return Validation(lambda vector: float(function(vector)[0]), plan.every)
    return Validation(lambda vector: float(evaluate(problem.graph, [vector, *kept.arrays])[0]), plan.every)


@dataclasses.dataclass(eq=False)
class _Told:
    """What a descent came to, and what can be said of it."""

    plan: Plan
    start: Array
    method: Method
    step: Step
    engine: Engine
    ended: Ended
    checks: Validation | None

    def __post_init__(self) -> None:
        self.state = self.step.named(self.engine.state)
        self.number = int(self.state["step"])
        self.history = history_of(self.ended.rows)
        self.has_failed = self.ended.status in (Status.LOSS_NOT_FINITE, Status.GRADIENT_NOT_FINITE)
        self.notes = list(self.engine.notes)

    def result(self, compile_seconds: float) -> Result:
        """The result. Raises DataError if the data are why the loss is not finite."""
        plan, state = self.plan, self.state
        if self.has_failed:
            check_data(plan.data)
            if plan.problem.is_traced:
                self.notes.append(_explained(plan, state["parameters"], self.number))
        vector, at, found = self._end()
        stopped = reason(self.ended.status, self.ended.is_interrupted, plan.rule, self._seen(found))
        if self.checks is not None:
            if plan.validation is not None and any(np.isnan(loss) for _, loss in self.checks.checks):
                check_data(plan.validation, "validation")
            self.history = _with_checks(self.history, self.checks)
            stalls = any(isinstance(rule, ValidationStalls) for rule in leaves(plan.rule))
            if stalls and self.checks.best is not None and not self.has_failed:
                vector, at = self.checks.best, self.checks.best_step
                found = plan.evaluation(vector)
                self.notes.append(f"these are the parameters of step {at:,}, whose validation loss was the smallest")
        rates = self.history.learning_rate
        if self.ended.status == Status.PARAMETERS_NOT_FINITE and not np.isfinite(rates[-1]):
            self.notes.append(f"the schedule of the learning rate gives {rates[-1]} at step {self.number:,}")
        if (rates < 0).any():
            first = int(self.history.step[np.argmax(rates < 0)])
            self.notes.append(f"the learning rate is below zero at step {first:,}: steps like that lead uphill")
        if plan.batch is None and int(state["ascents"]):
            self.notes.append(self._ascent_note())
        return Result(
            parameters=plan.problem.layout.tree(vector.copy()),
            loss=found.loss,
            gradient_norm=found.gradient_norm,
            steps=at,
            seconds=self.ended.seconds,
            stopped_by=stopped,
            history=self.history,
            compile_seconds=compile_seconds,
            method=self.method,
            notes=tuple(self.notes),
            evaluations=int(state["evaluations"]),
            ascents=int(state["ascents"]),
            memory=state.get("method"),
            origin=Origin(plan, self.start, vector.copy()),
        )

    def _end(self) -> tuple[Array, int, Evaluation]:
        """The last parameters that are finite, their step, and loss and gradient there, over all examples."""
        plan, state = self.plan, self.state
        vector, at = state["parameters"], self.number
        is_back = self.has_failed and self.number > 0 and "previous" in state
        if is_back:
            vector, at = state["previous"]["parameters"], self.number - 1
        if plan.batch is None and is_back:
            return vector, at, Evaluation(float(state["previous"]["loss"]), float(state["previous"]["gradient_norm"]))
        # Interrupted, the last row may be of an earlier step: not every one is recorded.
        is_recorded = self.ended.status > 0 or ("turn" in state and self.ended.status != 0)
        is_there = is_recorded and not self.method.looks_ahead
        if plan.batch is None and is_there and len(self.history):
            return vector, at, Evaluation(float(self.history.loss[-1]), float(self.history.gradient_norm[-1]))
        return vector, at, plan.evaluation(vector)

    def _seen(self, found: Evaluation) -> Measurement:
        """What the rules saw last: of a mini-batch, its own loss."""
        check = self.checks.outside if self.checks else (float("nan"), 0.0)
        loss, norm = found
        if self.plan.batch is not None and self.ended.status > 0 and len(self.history):
            loss, norm = float(self.history.loss[-1]), float(self.history.gradient_norm[-1])
        return Measurement(self.number, loss, norm, self.ended.seconds, *check)

    def _ascent_note(self) -> str:
        count, first = int(self.state["ascents"]), int(self.state["first_ascent"])
        instead = "; steepest descent was taken instead" if "is_steepest" in self.state else ""
        times = "once" if count == 1 else f"{count:,} times"
        return f"the direction did not point downhill (∇f·Δw ≥ 0) {times}, first at step {first:,}{instead}"


def _explained(plan: Plan, vector: Array, number: int) -> str:
    """Where numbers that are not finite began; of a stream, in the first chunk where they did."""
    if not isinstance(plan.data, StreamData):
        return explain(plan.problem, vector, plan.batch_of(number))
    for chunk in plan.data.chunks():
        problem = problem_of(plan.loss, plan.parameters, plan.data, len(chunk[0]), plan.source)
        with np.errstate(all="ignore"):
            found = evaluate(problem.with_gradient, [vector, *chunk])
        if not all(np.isfinite(value).all() for value in found):
            break
    return explain(problem, vector, chunk)


def _with_checks(history: History, checks: Validation) -> History:
    steps = np.array([step for step, _ in checks.checks], np.int64)
    losses = np.array([loss for _, loss in checks.checks], np.float64)
    return dataclasses.replace(history, validation_step=steps, validation_loss=losses)

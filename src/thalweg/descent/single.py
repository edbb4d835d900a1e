"""One descent, and what is told of it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..graph import Array, evaluate
from . import device as devices
from .best import Best, with_point
from .checkpoint import Checkpoint, Kept
from .chunks import chunked_engine, over_data
from .data import ChunkTotals, Data, ScatteredData, Stream, StreamData, check_data, size_text
from .engines import Engine
from .history import History
from .identity import identity_of
from .indices import check_indices
from .methods import Method
from .norms import norm
from .not_finite import explain
from .parameters import leaf_arrays
from .plan import Origin, Plan
from .problem import problem_of
from .result import Ending, Result
from .run import Descent, Ended, Progress, Validation, progress_of, reason
from .stepped_engine import numpy_engine
from .steps import Keeps, Status, Step, start_of
from .stopping import Measurement, ValidationStalls, leaves
from .stretches import Stretches
from .windows import WindowedEngine

__all__ = ["engine_of", "run_single"]


def run_single(plan: Plan, vector: Array, method: Method, on_progress: Callable[[Progress], object] | None) -> Result:
    """Descends from one vector with one method."""
    step = plan.step(vector, method)
    if plan.keeper is None:
        return _run(plan, step, vector, method, on_progress, None)
    # What looks at the result later descends without checkpoints.
    alone = dataclasses.replace(plan, keeper=None)
    state, _ = _begin(plan, step, vector, method)
    with plan.keeper.of(identity_of(plan, step, state, method)) as kept:
        return _run(alone, step, vector, method, on_progress, kept)


def _run(
    plan: Plan,
    step: Step,
    vector: Array,
    method: Method,
    on_progress: Callable[[Progress], object] | None,
    kept: Kept | None,
) -> Result:
    """Begins, or goes on from what was kept, to the end."""
    found = None if kept is None else kept.found
    engine = engine_of(plan, step, vector, method, found)
    checks = None if plan.validation is None else _validation(plan, plan.validation)
    if checks is not None and found is not None:
        checks.go_on(found)
    origin = Origin(plan, vector, vector)

    def show(rows: Array, seconds: float) -> object:
        seen = () if checks is None else checks.told
        return None if on_progress is None else on_progress(progress_of(rows, seconds, origin, method, seen))

    compile_seconds = time.perf_counter() - plan.begin
    # Who watches sees the first steps at once, also of a descent whose pace is known.
    is_watched = on_progress is not None or plan.controls is not None or kept is not None
    stretches = Stretches() if is_watched else plan.stretches(step, method)
    try:
        on_rows = None if on_progress is None else show
        descent = Descent(engine, step.names, on_rows, checks, plan.controls, kept, stretches)
        ended = descent.run()
    finally:
        if isinstance(engine, WindowedEngine):
            engine.close()
    notes = [] if kept is None else kept.notes
    return _Told(plan, vector, method, step, engine, ended, checks, notes, descent.best).result(compile_seconds)


_LONG = 0.05
"""Seconds for an evaluation: who ends a descent by hand does not want to wait for another."""

_UNCOMPILED = (
    "the loss or its gradient could not be traced, so this ran uncompiled, one Python call for each evaluation"
)


def _begin(plan: Plan, step: Step, vector: Array, method: Method) -> tuple[list[Array], tuple[Array, ...]]:
    """The state and the settings that a descent begins with."""
    state, settings = start_of(plan.problem, vector, method, plan.rule, plan.seed, step.keeps)
    return (state if plan.memory is None else _with_memory(step, state, plan.memory, method)), settings


def engine_of(plan: Plan, step: Step, vector: Array, method: Method, found: Checkpoint | None = None) -> Engine:
    """What carries a descent from one vector forward. found: where it is to go on from."""
    state, settings = _begin(plan, step, vector, method)
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
        return _streamed_engine(plan, plan.data.stream, started(), method, place)
    if not is_compiled:
        notes = () if plan.problem.is_traced else (_UNCOMPILED,)
        return numpy_engine(started(), plan.data.arrays, plan.batch, plan.seed, notes, *place)
    return plan.program(step, method).engine(state, settings, plan.data.arrays, plan.seed, plan.threads, *place)


_BEGINNING = (0, 0)
"""Iteration, and where the next row of the history is due."""


def _streamed_engine(plan: Plan, stream: Stream, started: Step, method: Method, place: tuple[int, int]) -> Engine:
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
    engine = plan.program(started, method, first).engine(state, settings, first, plan.seed, threads, *place)
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


def _validation(plan: Plan, kept: Data) -> Validation:
    problem = problem_of(plan.loss, plan.parameters, kept, kept.examples, plan.source)
    check_indices(problem, kept)
    if problem.is_traced and plan.device is not None and devices.holds(plan.device, kept):
        return Validation(devices.loss_on_device(problem.graph, kept.arrays, plan.device), plan.every)
    if problem.is_traced and plan.target != "numpy":
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
    notes_before: Sequence[str]
    best: Best | None

    def __post_init__(self) -> None:
        self.state = self.step.named(self.engine.state)
        self.last_step = int(self.state["step"])
        self.rows = self.ended.rows
        self.has_failed = self.ended.status in (Status.LOSS_NOT_FINITE, Status.GRADIENT_NOT_FINITE)
        self.notes = [*self.notes_before, *self.engine.notes]

    def result(self, compile_seconds: float) -> Result:
        """The result. Raises DataError if the data are why the loss is not finite."""
        plan, state = self.plan, self.state
        if self.has_failed:
            check_data(plan.data)
            if plan.problem.is_traced:
                self.notes.append(_explained(plan, state["parameters"], self.last_step))
        vector, at, found = self._end()
        stopped = reason(self.ended.status, self.ended.is_interrupted, plan.rule, self._seen(found))
        if self.checks is not None:
            if plan.validation is not None and any(np.isnan(loss) for _, loss in self.checks.told):
                check_data(plan.validation, "validation")
            stalls = any(isinstance(rule, ValidationStalls) for rule in leaves(plan.rule))
            if (stalls or self._wants_best) and self.checks.best is not None and not self.has_failed:
                vector, at = self.checks.best, self.checks.best_step
                found = self._ending(vector)
                self.notes.append(f"these are the parameters of step {at:,}, whose validation loss was the smallest")
        if plan.controls is not None:
            self.notes += plan.controls.notes
        rates = self.rows.column("learning_rate")
        if self.ended.status == Status.PARAMETERS_NOT_FINITE and not np.isfinite(rates[-1]):
            self.notes.append(f"the schedule of the learning rate gives {rates[-1]} at step {self.last_step:,}")
        if (rates < 0).any():
            first = int(self.rows.column("step")[np.argmax(rates < 0)])
            self.notes.append(f"the learning rate is below zero at step {first:,}: steps like that lead uphill")
        if plan.batch is None and int(state["ascents"]):
            self.notes.append(self._ascent_note())
        return Result(
            parameters=plan.problem.layout.tree(vector),
            end=found,
            steps=at,
            seconds=self.ended.seconds,
            stopped_by=stopped,
            history=History(
                self.rows,
                () if self.checks is None else self.checks.told,
                () if plan.controls is None else plan.controls.interventions,
            ),
            compile_seconds=compile_seconds,
            method=self.method,
            notes=tuple(self.notes),
            evaluations=int(state["evaluations"]),
            ascents=int(state["ascents"]),
            memory=state.get("method"),
            origin=Origin(plan, self.start, vector, alone=self.method, there=self._there(vector)),
        )

    def _there(self, vector: Array) -> tuple[Array, Array] | None:
        """Loss and gradient at the end, if the state holds them."""
        state = self.state
        is_there = self.plan.batch is None and vector is state["parameters"] and "gradient" in state
        is_there = is_there and bool(np.isfinite(state["loss"]))  # else it was never evaluated
        return (np.asarray(state["loss"]), state["gradient"].copy()) if is_there else None

    def _end(self) -> tuple[Array, int, Ending]:
        """The last parameters that are finite, their step, and loss and gradient there, over all examples."""
        plan, state = self.plan, self.state
        vector, at = state["parameters"], self.last_step
        is_back = self.has_failed and self.last_step > 0 and "previous" in state
        if is_back:
            vector, at = state["previous"]["parameters"], self.last_step - 1
        if plan.batch is None and is_back:
            return vector, at, _recorded(state["previous"])
        if self.ended.is_interrupted and not self.has_failed and (found := self._known()) is not None:
            return found
        # Interrupted, the last row may be of an earlier step: not every one is recorded.
        is_recorded = self.ended.status > 0 or ("turn" in state and self.ended.status != 0)
        is_there = is_recorded and not self.method.looks_ahead
        if plan.batch is None and is_there and len(self.rows):
            return vector, at, Ending.at(*self._last_seen())
        return vector, at, self._ending(vector)

    def _ending(self, vector: Array) -> Ending:
        """Loss and gradient over all examples, which mini-batches do not tell: an epoch's work, for who asks for it."""
        plan = self.plan
        can_wait = plan.batch is not None and self.ended.status > 0 and not isinstance(plan.data, ScatteredData)
        return Ending(lambda: plan.evaluation(vector)) if can_wait else Ending.at(*plan.evaluation(vector))

    def _met_again(self, best: Best) -> tuple[Array, int, Ending]:
        """The point with the smallest loss: the way to it is gone again, unless it is that of a single step."""
        named = self.step.named([array[0] for array in best.state])
        at = int(named["step"])
        rows = np.flatnonzero(self.rows.column("step") == at)
        if best.iterations[0] == 1 and len(rows) and not self.method.looks_ahead:
            norm = float(self.rows.column("gradient_norm")[rows[-1]])
            return named["parameters"], at, Ending.at(float(best.loss[0]), norm)
        step = self.plan.step(self.start, self.method, Keeps.POINT)
        state, _ = _begin(self.plan, step, self.start, self.method)
        begin, count = int(best.iteration[0]), int(best.iterations[0])
        marked = with_point(step, state, self.step, [array[0] for array in best.state])
        found = Checkpoint.of_state(dict(zip(step.names, marked, strict=True)), begin, begin + count)
        engine = engine_of(self.plan, step, self.start, self.method, found)
        engine.advance(count, best.outside[0].tolist())
        point = step.named(engine.state)["best"]
        return point["parameters"], int(point["step"]), _recorded(point)

    @property
    def _wants_best(self) -> bool:
        controls = self.plan.controls
        return controls is not None and controls.keeps_best

    def _known(self) -> tuple[Array, int, Ending] | None:
        """Of a descent that was ended by hand: a point whose loss is known already, if it is wanted, or another look at all
        examples would take long."""
        state = self.state
        if self._wants_best and self.best is not None and np.isfinite(self.best.loss[0]):
            vector, at, found = self._met_again(self.best)
            self.notes.append(f"these are the parameters of step {at:,}, whose loss was the smallest")
            return vector, at, found
        if self.plan.batch is not None or self.ended.seconds < _LONG * (int(state["evaluations"]) + 1):
            return None
        if "previous" in state and np.isfinite(state["previous"]["loss"]):
            before = state["previous"]
            self.notes.append(f"these are the parameters of step {self.last_step - 1:,}, the last whose loss is known")
            return before["parameters"], self.last_step - 1, _recorded(before)
        if "gradient" in state and np.isfinite(state["loss"]):
            return state["parameters"], self.last_step, Ending.at(float(state["loss"]), norm(state["gradient"]))
        self.notes.append("it was ended before the loss was known anywhere")
        return state["parameters"], self.last_step, Ending.at(float("nan"), float("nan"))

    def _seen(self, found: Ending) -> Measurement:
        """What the rules saw last: of a mini-batch, its own loss."""
        check = self.checks.outside if self.checks else (float("nan"), 0.0)
        is_of_batch = self.plan.batch is not None and self.ended.status > 0 and len(self.rows)
        loss, norm = self._last_seen() if is_of_batch else found.numbers
        return Measurement(self.last_step, loss, norm, self.ended.seconds, *check)

    def _last_seen(self) -> tuple[float, float]:
        """Loss and gradient norm in the newest row of the history."""
        _, _, loss, norm, *_ = self.rows.last.tolist()
        return loss, norm

    def _ascent_note(self) -> str:
        count, first = int(self.state["ascents"]), int(self.state["first_ascent"])
        instead = "; steepest descent was taken instead" if "is_steepest" in self.state else ""
        times = "once" if count == 1 else f"{count:,} times"
        return f"the direction did not point downhill (∇f·Δw ≥ 0) {times}, first at step {first:,}{instead}"


def _recorded(part: Mapping[str, Any]) -> Ending:
    """Loss and gradient of a point that the state holds."""
    return Ending.at(float(part["loss"]), float(part["gradient_norm"]))


def _explained(plan: Plan, vector: Array, step: int) -> str:
    """Where numbers that are not finite began; of a stream, in the first chunk where they did."""
    if not isinstance(plan.data, ScatteredData):
        return explain(plan.problem, vector, plan.batch_of(step), is_start=step == 0)
    for chunk in plan.data.chunks():
        problem = problem_of(plan.loss, plan.parameters, plan.data, len(chunk[0]), plan.source)
        with np.errstate(all="ignore"):
            found = evaluate(problem.with_gradient, [vector, *chunk])
        if not all(np.isfinite(value).all() for value in found):
            break
    return explain(problem, vector, chunk, is_start=step == 0)

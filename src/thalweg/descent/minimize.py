"""`minimize`: a loss, a start, and the way down."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..compile.function import compiled
from ..errors import ArgumentError
from ..graph import Array, evaluate
from .engines import Engine, NativeEngine, NumpyEngine, batch_rows, compiled_step
from .gradients import gradient_source
from .indices import check_indices
from .lockstep import Lockstep, MemberState, run_together
from .methods import LBFGS, Adam, LevenbergMarquardt, Method, RandomSearch
from .not_finite import explain
from .population import Population, check_same_state, expanded, population_of
from .problem import Data, Problem, data_of, problem_of
from .result import Result, Stopped
from .run import Ended, Progress, Validation, descend, history_of, progress_of, reason
from .starts import Gaussian, Start
from .steps import Status, Step, start_of, step_of
from .stopping import GradientBelow, MaxSteps, Measurement, NoChange, StoppingRule, ValidationStalls, leaves

__all__ = ["minimize"]


def minimize(
    loss: Callable[..., Any],
    parameters: Any,
    *,
    data: Any = None,
    method: Method | None = None,
    gradient: Any = "automatic",
    batch_size: int | None = None,
    stop: StoppingRule | None = None,
    validation: Any = None,
    validate_every: int | None = None,
    start: Start | None = None,
    restarts: int | None = None,
    seed: int = 0,
    threads: int | None = None,
    target: str = "native",
    on_progress: Callable[[Progress], object] | None = None,
) -> Result:
    """Descends from given parameters to lower values of a loss.

    loss: a function of the parameters, and of the data if there are any, in plain NumPy; returns one number.
    parameters: where to start: an array, or any nesting of dict, list, tuple, namedtuple and dataclass of arrays. They set
        the dtype, float32 or float64, and are left as they are.
    data: what the loss gets after the parameters: an array, or a tuple of arrays with one row per example.
    method: of descent; by default LBFGS(), and for mini-batches Adam(learning_rate=0.01).
    gradient: "automatic"; "numerical" or `Numerical(...)`; or a function that takes what the loss takes and returns the
        gradient, nested as the parameters. With the latter two the loss can be any Python function, then uncompiled.
    batch_size: examples in a mini-batch; by default every step sees all. Every epoch visits each example once, shuffled.
    stop: a stopping rule, or rules combined with | and &. By default GradientBelow(1e-6) | NoChange(100) | MaxSteps(10_000);
        for mini-batches MaxSteps of 100 epochs.
    validation: data kept apart, as `data`, for `ValidationStalls`. validate_every: iterations between checks; by default an
        epoch of mini-batches, or 10.
    start: draws the start at random: Gaussian, Uniform, Glorot, He, Zeros; `parameters` then give shapes, and the Gaussian's
        center.
    restarts: so many descents at once, each from a start of its own. Without `start` the first begins at `parameters`, and the
        others are drawn from Gaussian(1.0) around them. Numbers of the method can be grids, such as
        learning_rate=powers_of_ten(-6, 0): then every combination descends. All run as one program.
    seed: of all randomness. The same seed gives the same run to the last bit, on any number of threads.
    threads: that share the work; by default as many as there are processors. No result depends on it.
    target: "native" (compiled) or "numpy" (the slow reference).
    on_progress: called some twenty times a second with a `Progress`; if it returns True the descent stops.

    Returns a Result; of several descents a `Population`, which is the result of the best and has all the others.
    Raises TracingError, LossError, ShapeError, DataError or ArgumentError before the descent starts.

    >>> import numpy as np
    >>> result = minimize(lambda x: np.sum((x - 3.0) ** 2), np.zeros(2))
    >>> np.round(result.parameters, 3)
    array([3., 3.])
    """
    begin = time.perf_counter()
    given = data_of(data)
    batch = _check_batch(batch_size, given)
    chosen = _check_method(method, batch)
    rule = _check_rule(stop, validation) if stop is not None else _default_rule(given, batch, chosen)
    source = gradient_source(gradient)
    problem = problem_of(loss, parameters, given, batch or given.examples, source)
    check_indices(problem, given)
    vectors = _starts(problem, parameters, start, restarts, int(seed))
    methods = expanded(chosen)
    vector, (first_method, _) = vectors[0], methods[0]
    step = step_of(problem, vector, first_method, rule, int(seed))
    if restarts is not None or len(methods) > 1:
        _check_population(problem, target, validation)
        together = _Together(problem, given, batch, int(seed), rule, step, vectors, methods, _thread_count(threads))
        return _run_population(together, loss, parameters, source, on_progress, begin)
    chosen = first_method
    engine = _engine(step, given, batch, int(seed), threads, target)
    checks = _validation(loss, parameters, problem, source, validation, validate_every, given, batch)
    compiled_at = time.perf_counter()
    ended = descend(
        engine,
        None if on_progress is None else lambda rows, seconds: on_progress(progress_of(rows, seconds)),
        checks,
        lambda: _where(step, engine),
    )
    run = _Run(loss, parameters, problem, source, given, batch, int(seed), chosen, rule, step, engine)
    return _result(run, ended, checks, compiled_at - begin)


def _starts(problem: Problem, parameters: Any, start: Start | None, restarts: int | None, seed: int) -> list[Array]:
    """The vectors to start from."""
    given = problem.layout.vector(parameters)
    if start is not None and not isinstance(start, Start):
        raise ArgumentError(f"start={start!r}: expected a start such as tw.Gaussian(1.0), tw.Glorot() or tw.He()")
    if restarts is not None and (not isinstance(restarts, int) or isinstance(restarts, bool) or restarts < 1):
        raise ArgumentError(f"restarts={restarts!r}: expected a whole number, 1 or more")
    generator = np.random.default_rng([seed % (1 << 63), 1])
    if start is not None:
        return [start.vector(problem.layout, given, generator) for _ in range(restarts or 1)]
    return [given, *(Gaussian().vector(problem.layout, given, generator) for _ in range((restarts or 1) - 1))]


@dataclasses.dataclass(frozen=True, eq=False)
class _Run:
    """What a result is made of."""

    loss: Callable[..., Any]
    parameters: Any
    problem: Problem
    source: Any
    data: Data
    batch: int | None
    seed: int
    method: Method
    rule: StoppingRule
    step: Step
    engine: Engine


def _engine(step: Step, data: Data, batch: int | None, seed: int, threads: int | None, target: str) -> Engine:
    count = _thread_count(threads)
    if target not in ("native", "numpy"):
        raise ArgumentError(f'target={target!r}: expected "native" or "numpy"')
    if target == "numpy" or not step.problem.is_traced:
        notes = () if step.problem.is_traced else (_UNCOMPILED,)
        return NumpyEngine(step, data.arrays, batch, seed, notes)
    state = [array.copy() for array in step.state]
    return NativeEngine.of(compiled_step(step, data.arrays, batch), state, step.settings, data.arrays, seed, count)


_UNCOMPILED = (
    "the loss or its gradient could not be traced, so this ran uncompiled, one Python call for each evaluation"
)


def _where(step: Step, engine: Engine) -> tuple[Array, int]:
    state = step.named(engine.state)
    return state["parameters"], int(state["step"])


def _validation(
    loss: Callable[..., Any],
    parameters: Any,
    problem: Problem,
    source: Any,
    validation: Any,
    every: int | None,
    data: Data,
    batch: int | None,
) -> Validation | None:
    if validation is None:
        return None
    if every is None:
        every = max(1, data.examples // batch) if batch else 10
    if not isinstance(every, int) or every < 1:
        raise ArgumentError(f"validate_every={every!r}: expected a whole number of iterations, 1 or more")
    kept = data_of(validation)
    on_kept = problem_of(loss, parameters, kept, kept.examples, source)
    if on_kept.is_traced:
        function = compiled(on_kept.graph, range(1, 1 + len(kept.arrays)))
        return Validation(lambda vector: float(function(vector, *kept.arrays)[0]), every)
    return Validation(lambda vector: float(evaluate(on_kept.graph, [vector, *kept.arrays])[0]), every)


def _result(run: _Run, ended: Ended, checks: Validation | None, compile_seconds: float) -> Result:
    state = run.step.named(run.engine.state)
    number = int(state["step"])
    vector, at = state["parameters"], number
    history = history_of(ended.rows)
    notes = run.engine.notes
    is_searched = "turn" in state
    failed_here = ended.status in (Status.LOSS_NOT_FINITE, Status.GRADIENT_NOT_FINITE)
    if failed_here and run.problem.is_traced:
        notes = (*notes, explain(run.problem, vector, _batch(run.data, run.batch, run.seed, number)))
    if failed_here and number and "previous" in state:
        vector, at = state["previous"]["parameters"], number - 1
    whole = run.problem
    if run.batch is not None:
        whole = problem_of(run.loss, run.parameters, run.data, run.data.examples, run.source)
    if run.batch is None and failed_here and number and "previous" in state:
        value, norm = float(state["previous"]["loss"]), float(state["previous"]["gradient_norm"])
    elif run.batch is None and (ended.status > 0 or is_searched) and len(history):
        value, norm = float(history.loss[-1]), float(history.gradient_norm[-1])
    else:
        value, norm = _value_and_norm(whole, vector, run.data.arrays)
    last_check = checks.outside if checks else (float("nan"), 0)
    now = Measurement(number, value, norm, ended.seconds, *last_check)
    if run.batch is not None and ended.status > 0 and len(history):
        # A rule saw the loss of its batch: its sentence shows that figure.
        now = Measurement(number, history.loss[-1], history.gradient_norm[-1], ended.seconds, *last_check)
    stopped = reason(ended.status, ended.is_interrupted, run.rule, now)
    if checks is not None:
        steps, losses = zip(*checks.checks, strict=True) if checks.checks else ((), ())
        history = dataclasses.replace(
            history, validation_step=np.array(steps, np.int64), validation_loss=np.array(losses, np.float64)
        )
        stalled = any(isinstance(rule, ValidationStalls) for rule in leaves(run.rule))
        if stalled and checks.best is not None and stopped.reason != "not finite":
            vector, at = checks.best, checks.best_step
            value, norm = _value_and_norm(whole, vector, run.data.arrays)
            notes = (*notes, f"these are the parameters of step {at:,}, whose validation loss was the smallest")
    ascents = int(state["ascents"])
    if ascents and run.batch is None:
        notes = (*notes, _ascent_note(ascents, int(state["first_ascent"]), is_searched))
    return Result(
        parameters=run.problem.layout.tree(vector.copy()),
        loss=value,
        gradient_norm=norm,
        steps=at,
        seconds=ended.seconds,
        stopped_by=Stopped(stopped.reason, stopped.rules, stopped.sentence),
        history=history,
        compile_seconds=compile_seconds,
        method=run.method,
        notes=notes,
        evaluations=int(state["evaluations"]),
        ascents=ascents,
    )


@dataclasses.dataclass(frozen=True, eq=False)
class _Together:
    """What a population starts with."""

    problem: Problem
    data: Data
    batch: int | None
    seed: int
    rule: StoppingRule
    step: Step
    vectors: Sequence[Array]
    methods: Sequence[tuple[Method, dict[str, float]]]
    threads: int


def _check_population(problem: Problem, target: str, validation: Any) -> None:
    if target != "native" or not problem.is_traced:
        raise ArgumentError(
            "a population runs in compiled code only: leave out target, and use a loss and a gradient that can be traced"
        )
    if validation is not None:
        raise ArgumentError("validation=... watches one descent: leave out restarts and grids, or use tw.search")


def _run_population(
    together: _Together,
    loss: Callable[..., Any],
    parameters: Any,
    source: Any,
    on_progress: Callable[[Progress], object] | None,
    begin: float,
) -> Population:
    problem, step, rule = together.problem, together.step, together.rule
    members = [(n, v, m, own) for n, v in enumerate(together.vectors) for m, own in together.methods]
    begun = [start_of(problem, v, m, rule, together.seed + i) for i, (_, v, m, _) in enumerate(members)]
    check_same_state([state for state, _ in begun], members[0][2])
    states = [np.stack(arrays) for arrays in zip(*(state for state, _ in begun), strict=True)]
    settings = [np.stack(arrays) for arrays in zip(*(numbers for _, numbers in begun), strict=True)]
    lockstep = Lockstep(step, states, settings, together.data.arrays, together.batch, together.seed, together.threads)
    compiled_at = time.perf_counter()
    is_interrupted, seconds = run_together(lockstep, _shown(on_progress))
    ended = lockstep.finished()
    whole = problem
    if together.batch is not None:
        whole = problem_of(loss, parameters, together.data, together.data.examples, source)
    results, choices, starts = [], [], []
    for (number, _, method, own), member in zip(members, ended, strict=True):
        results.append(_member_result(together, whole, member, method, is_interrupted, seconds))
        choices.append({**({"start": number} if len(together.vectors) > 1 else {}), **own})
        starts.append(float(member.rows[0, 2]) if len(member.rows) else float("nan"))
    return population_of(results, choices, starts, seconds, compiled_at - begin, lockstep.lanes)


def _shown(on_progress: Callable[[Progress], object] | None) -> Callable[[Lockstep, float], bool] | None:
    """Shows the user the best member after each stretch."""
    if on_progress is None:
        return None

    def goes_on(lockstep: Lockstep, seconds: float) -> bool:
        best = int(np.nanargmin(np.append(lockstep.loss, np.inf)[:-1])) if np.isfinite(lockstep.loss).any() else 0
        rows = lockstep.finished()[best].rows
        return not len(rows) or on_progress(progress_of(rows, seconds)) is not True

    return goes_on


def _member_result(
    together: _Together, whole: Problem, member: MemberState, method: Method, is_interrupted: bool, seconds: float
) -> Result:
    state = together.step.named(member.state)
    number = int(state["step"])
    vector, at, value, norm = state["parameters"], number, member.loss, member.norm
    failed_here = member.status in (Status.LOSS_NOT_FINITE, Status.GRADIENT_NOT_FINITE)
    if failed_here and number and "previous" in state:
        vector, at = state["previous"]["parameters"], number - 1
        value, norm = float(state["previous"]["loss"]), float(state["previous"]["gradient_norm"])
    elif member.status == 0 and "turn" not in state and together.batch is None:
        value, norm = _value_and_norm(whole, vector, together.data.arrays)
    stopped = reason(
        member.status, is_interrupted and member.status == 0, together.rule, Measurement(number, value, norm, seconds)
    )
    if together.batch is not None:
        value, norm = _value_and_norm(whole, vector, together.data.arrays)
    return Result(
        parameters=together.problem.layout.tree(vector.copy()),
        loss=value,
        gradient_norm=norm,
        steps=at,
        seconds=seconds,
        stopped_by=stopped,
        history=history_of(member.rows),
        method=method,
        evaluations=int(state["evaluations"]),
        ascents=int(state["ascents"]),
    )


def _ascent_note(count: int, first: int, is_searched: bool) -> str:
    instead = "; steepest descent was taken instead" if is_searched else ""
    times = "once" if count == 1 else f"{count:,} times"
    return f"the direction did not point downhill (∇f·Δw ≥ 0) {times}, first at step {first:,}{instead}"


def _batch(data: Data, batch: int | None, seed: int, number: int) -> Sequence[Array]:
    if batch is None:
        return data.arrays
    rows = batch_rows(number, batch, data.examples, seed)
    return [array[rows] for array in data.arrays]


def _value_and_norm(problem: Problem, vector: Array, arrays: Sequence[Array]) -> tuple[float, float]:
    """Loss and gradient norm over all data."""
    if problem.is_traced:
        value, gradient = compiled(problem.with_gradient, range(1, 1 + len(arrays)))(vector, *arrays)
    else:
        value, gradient = evaluate(problem.with_gradient, [vector, *arrays])
    return float(value), float(np.linalg.norm(gradient.astype(np.float64)))


def _default_rule(data: Data, batch: int | None, method: Method) -> StoppingRule:
    if batch is not None:
        return MaxSteps(max(1, 100 * data.examples // batch))
    if isinstance(method, RandomSearch):
        return MaxSteps(10_000)
    if isinstance(method, LevenbergMarquardt):
        return NoChange(5, tolerance=1e-15) | MaxSteps(10_000)
    if method.line_search is not None:
        return GradientBelow(1e-6) | NoChange(10, tolerance=1e-14) | MaxSteps(10_000)
    return GradientBelow(1e-6) | NoChange(100) | MaxSteps(10_000)


def _check_method(method: Any, batch: int | None) -> Method:
    if method is None:
        return LBFGS() if batch is None else Adam(learning_rate=0.01)
    if not isinstance(method, Method):
        raise ArgumentError(
            f"method={method!r} is no method of descent; write, for example, method=tw.Adam(learning_rate=0.01)"
        )
    if batch is not None and (method.line_search is not None or isinstance(method, LevenbergMarquardt)):
        raise ArgumentError(
            f"{type(method).__name__} compares losses along its way, so every step has to see the same examples: leave out "
            f"batch_size={batch}, or use a method with a learning rate such as tw.Adam(0.01)"
        )
    return method


def _check_rule(rule: Any, validation: Any) -> StoppingRule:
    if not isinstance(rule, StoppingRule):
        raise ArgumentError(f"stop={rule!r} is no stopping rule; write, for example, stop=tw.MaxSteps(1000)")
    if validation is None and any(isinstance(simple, ValidationStalls) for simple in leaves(rule)):
        raise ArgumentError("ValidationStalls needs data that are kept apart: pass validation=(X, y)")
    return rule


def _check_batch(batch: int | None, data: Data) -> int | None:
    if batch is None:
        return None
    if not data.arrays:
        raise ArgumentError(f"batch_size={batch}: mini-batches need data; pass data=(X, y)")
    if not isinstance(batch, int | np.integer) or not batch >= 1:
        raise ArgumentError(f"batch_size={batch!r}: expected a whole number, 1 or more")
    return int(batch) if batch < data.examples else None


def _thread_count(threads: int | None) -> int:
    if threads is None:
        available = getattr(os, "sched_getaffinity", None)
        return len(available(0)) if available else os.cpu_count() or 1
    if not isinstance(threads, int) or threads < 1:
        raise ArgumentError(f"threads={threads!r}: expected a whole number, 1 or more")
    return threads

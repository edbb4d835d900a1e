"""`minimize`: a loss, a start, and the way down."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..compile.function import compiled
from ..errors import ArgumentError
from ..graph import Array
from .engines import Engine, NativeEngine, NumpyEngine, batch_rows
from .indices import check_indices
from .methods import Adam, Method
from .not_finite import explain
from .problem import Data, Problem, data_of, problem_of
from .result import Result, Stopped
from .run import Ended, Progress, descend, reason
from .step import PREVIOUS, PREVIOUS_LOSS, PREVIOUS_NORM, STEP, VECTOR, Status, step_of
from .stopping import GradientBelow, MaxSteps, Measurement, NoChange, StoppingRule

__all__ = ["minimize"]


def minimize(
    loss: Callable[..., Any],
    parameters: Any,
    *,
    data: Any = None,
    method: Method | None = None,
    batch_size: int | None = None,
    stop: StoppingRule | None = None,
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
    method: of descent; by default Adam(learning_rate=0.01).
    batch_size: examples in a mini-batch; by default every step sees all. Every epoch visits each example once, shuffled.
    stop: a stopping rule, or rules combined with | and &. By default GradientBelow(1e-6) | NoChange(100) | MaxSteps(10_000);
        for mini-batches MaxSteps of 100 epochs.
    seed: of all randomness. The same seed gives the same run to the last bit, on any number of threads.
    threads: that share the work; by default as many as there are processors. No result depends on it.
    target: "native" (compiled) or "numpy" (the slow reference).
    on_progress: called some twenty times a second with a `Progress`; if it returns True the descent stops.

    Returns a Result. Raises TracingError, LossError, ShapeError, DataError or ArgumentError before the descent starts.

    >>> import numpy as np
    >>> result = minimize(lambda x: np.sum((x - 3.0) ** 2), np.zeros(2))
    >>> np.round(result.parameters, 3)
    array([3., 3.])
    """
    begin = time.perf_counter()
    chosen = _check_method(Adam(learning_rate=0.01) if method is None else method)
    given = data_of(data)
    batch = _check_batch(batch_size, given)
    rule = _check_rule(stop) if stop is not None else _default_rule(given, batch)
    problem = problem_of(loss, parameters, given, batch or given.examples)
    check_indices(problem, given)
    vector = problem.layout.vector(parameters)
    step = step_of(problem, vector, chosen, rule)
    engine: Engine
    if target == "native":
        engine = NativeEngine.of(step, given.arrays, batch, int(seed), _thread_count(threads))
    elif target == "numpy":
        engine = NumpyEngine.of(step, given.arrays, batch, int(seed))
    else:
        raise ArgumentError(f'target={target!r}: expected "native" or "numpy"')
    compiled_at = time.perf_counter()
    ended = descend(engine, on_progress)
    return _result(loss, parameters, problem, given, batch, int(seed), chosen, rule, engine, ended, compiled_at - begin)


def _result(
    loss: Callable[..., Any],
    parameters: Any,
    problem: Problem,
    data: Data,
    batch: int | None,
    seed: int,
    method: Method,
    rule: StoppingRule,
    engine: Engine,
    ended: Ended,
    compile_seconds: float,
) -> Result:
    state = engine.state
    number = int(state[STEP])
    vector, at = state[VECTOR], number
    notes = engine.notes
    failed_before = ended.status in (Status.LOSS_NOT_FINITE, Status.GRADIENT_NOT_FINITE)
    if failed_before:
        notes = (*notes, explain(problem, state[VECTOR], _batch(data, batch, seed, number)))
        if number:
            vector, at = state[PREVIOUS], number - 1
    whole = problem if batch is None else problem_of(loss, parameters, data, data.examples)
    if failed_before and number and batch is None:
        value, norm = float(state[PREVIOUS_LOSS]), float(state[PREVIOUS_NORM])
    elif batch is None and ended.status > 0 and len(ended.history):
        value, norm = float(ended.history.loss[-1]), float(ended.history.gradient_norm[-1])
    else:
        value, norm = _value_and_norm(whole, vector, data.arrays)
    stopped = reason(ended, rule, Measurement(number, value, norm, ended.seconds))
    if batch is not None and stopped.reason == "rule" and len(ended.history):
        # A rule saw the loss of its batch: its sentence shows that figure.
        seen = Measurement(number, ended.history.loss[-1], ended.history.gradient_norm[-1], ended.seconds)
        stopped = reason(ended, rule, seen)
    return Result(
        parameters=problem.layout.tree(vector.copy()),
        loss=value,
        gradient_norm=norm,
        steps=at,
        seconds=ended.seconds,
        stopped_by=Stopped(stopped.reason, stopped.rules, stopped.sentence),
        history=ended.history,
        compile_seconds=compile_seconds,
        method=method,
        notes=notes,
    )


def _batch(data: Data, batch: int | None, seed: int, number: int) -> Sequence[Array]:
    if batch is None:
        return data.arrays
    rows = batch_rows(number, batch, data.examples, seed)
    return [array[rows] for array in data.arrays]


def _value_and_norm(problem: Problem, vector: Array, arrays: Sequence[Array]) -> tuple[float, float]:
    """Loss and gradient norm over all data."""
    value, gradient = compiled(problem.with_gradient, range(1, 1 + len(arrays)))(vector, *arrays)
    return float(value), float(np.linalg.norm(gradient.astype(np.float64)))


def _default_rule(data: Data, batch: int | None) -> StoppingRule:
    if batch is not None:
        return MaxSteps(max(1, 100 * data.examples // batch))
    return GradientBelow(1e-6) | NoChange(100) | MaxSteps(10_000)


def _check_method(method: Any) -> Method:
    if not isinstance(method, Method):
        raise ArgumentError(
            f"method={method!r} is no method of descent; write, for example, method=tw.Adam(learning_rate=0.01)"
        )
    return method


def _check_rule(rule: Any) -> StoppingRule:
    if not isinstance(rule, StoppingRule):
        raise ArgumentError(f"stop={rule!r} is no stopping rule; write, for example, stop=tw.MaxSteps(1000)")
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

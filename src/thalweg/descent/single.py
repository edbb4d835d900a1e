"""One descent, from its start to its result."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

from ..graph import Array, evaluate
from . import device as devices
from .beginning import beginning_of, engine_of
from .checkpoint import Kept
from .chunks import over_data
from .data import Data
from .identity import identity_of
from .indices import check_indices
from .methods import Method
from .outcome import Outcome
from .plan import Origin, Plan
from .problem import problem_of
from .result import Result
from .run import Descent, Progress, Validation, progress_of
from .steps import Step
from .stretches import Stretches
from .windows import WindowedEngine

__all__ = ["run_single"]


def run_single(plan: Plan, vector: Array, method: Method, on_progress: Callable[[Progress], object] | None) -> Result:
    """Descends from one vector with one method."""
    step = plan.step(vector, method)
    if plan.keeper is None:
        return _run(plan, step, vector, method, on_progress, None)
    # What looks at the result later descends without checkpoints.
    alone = dataclasses.replace(plan, keeper=None)
    state, _ = beginning_of(plan, step, vector, method)
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
    stretches = Stretches() if is_watched else plan.stretches(step)
    try:
        on_rows = None if on_progress is None else show
        descent = Descent(engine, step.names, on_rows, checks, plan.controls, kept, stretches)
        ended = descent.run()
    finally:
        if isinstance(engine, WindowedEngine):
            engine.close()
    notes = [] if kept is None else kept.notes
    return Outcome(plan, vector, method, step, engine, ended, checks, notes, descent.best).result(compile_seconds)


def _validation(plan: Plan, kept: Data) -> Validation:
    problem = problem_of(plan.loss, plan.parameters, kept, kept.examples, plan.source)
    check_indices(problem, kept)
    if problem.is_traced and plan.device is not None and devices.holds(plan.device, kept):
        return Validation(devices.loss_on_device(problem.graph, kept.arrays, plan.device), plan.every)
    if problem.is_traced and plan.target != "numpy":
        function = over_data(problem.graph, kept)
        return Validation(lambda vector: float(function(vector)[0]), plan.every)
    return Validation(lambda vector: float(evaluate(problem.graph, [vector, *kept.arrays])[0]), plan.every)

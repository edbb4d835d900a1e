"""Several descents as one program, and what is told of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from ..errors import ArgumentError
from ..graph import Array
from .lockstep import Lockstep, MemberState, run_together
from .methods import Method
from .plan import Evaluation, Plan, evaluations
from .population import Population, check_same_state, population_of
from .problem import check_data
from .result import Result
from .run import Progress, history_of, progress_of, reason
from .steps import Status, Step, start_of
from .stopping import Measurement, Stop, leaves

__all__ = ["run_population"]


def run_population(
    plan: Plan,
    vectors: Sequence[Array],
    methods: Sequence[tuple[Method, dict[str, float]]],
    on_progress: Callable[[Progress], object] | None,
) -> Population:
    """Descends from every vector with every method."""
    _check(plan)
    step = plan.step(vectors[0], methods[0][0])
    members = [(number, vector, *choice) for number, vector in enumerate(vectors) for choice in methods]
    begun = [
        start_of(plan.problem, vector, method, plan.rule, plan.seed + i)
        for i, (_, vector, method, _) in enumerate(members)
    ]
    check_same_state([state for state, _ in begun], methods[0][0])
    states = [np.stack(arrays) for arrays in zip(*(state for state, _ in begun), strict=True)]
    settings = [np.stack(arrays) for arrays in zip(*(numbers for _, numbers in begun), strict=True)]
    lockstep = Lockstep(plan, step, methods[0][0], states, settings)
    compile_seconds = time.perf_counter() - plan.begin
    is_interrupted, seconds = run_together(lockstep, _goes_on(plan, on_progress))
    ended = lockstep.finished()
    ends = _ends(plan, step, methods[0][0], ended)
    results, choices, starts = [], [], []
    for (number, _, method, own), member, end in zip(members, ended, ends, strict=True):
        results.append(_result(plan, step, member, end, method, is_interrupted, seconds))
        choices.append({**({"start": number} if len(vectors) > 1 else {}), **own})
        starts.append(float(member.rows[0, 2]) if len(member.rows) else float("nan"))
    return population_of(results, choices, starts, seconds, compile_seconds, lockstep.lanes)


def _check(plan: Plan) -> None:
    if plan.target != "native" or not plan.problem.is_traced:
        raise ArgumentError(
            "a population runs in compiled code only: leave out target, and use a loss and a gradient that can be traced"
        )
    if plan.memory is not None:
        raise ArgumentError("memory=... belongs to one descent: leave out restarts and grids")
    if plan.validation is not None:
        raise ArgumentError("validation=... watches one descent: leave out restarts and grids, or use tw.search")


def _goes_on(plan: Plan, on_progress: Callable[[Progress], object] | None) -> Callable[[Lockstep, float], bool]:
    """Shows the user the best member after each stretch, and looks whether a button was pressed."""
    buttons = [rule for rule in leaves(plan.rule) if isinstance(rule, Stop)]

    def goes_on(lockstep: Lockstep, seconds: float) -> bool:
        if any(button.is_pressed for button in buttons):
            return False
        if on_progress is None or not np.isfinite(lockstep.loss).any():
            return True
        rows = lockstep.rows_of(int(np.nanargmin(lockstep.loss)))
        return not len(rows) or on_progress(progress_of(rows, seconds)) is not True

    return goes_on


def _ends(
    plan: Plan, step: Step, method: Method, members: Sequence[MemberState]
) -> list[tuple[Array, int, Evaluation]]:
    """For each member its last parameters that are finite, their step, and loss and gradient there, over all examples.

    Raises DataError if no member could begin, since the data are not finite.
    """
    if all(member.status in (Status.LOSS_NOT_FINITE, Status.GRADIENT_NOT_FINITE) for member in members):
        check_data(plan.data)
    found = []
    unknown = []
    for number, member in enumerate(members):
        state = step.named(member.state)
        vector, at, end = state["parameters"], int(state["step"]), Evaluation(member.loss, member.norm)
        has_failed = member.status in (Status.LOSS_NOT_FINITE, Status.GRADIENT_NOT_FINITE)
        if has_failed and at and "previous" in state:
            vector, at = state["previous"]["parameters"], at - 1
            end = Evaluation(float(state["previous"]["loss"]), float(state["previous"]["gradient_norm"]))
        if (
            plan.batch is not None
            or method.looks_ahead
            or (member.status <= 0 and not has_failed and "turn" not in state)
        ):
            unknown.append(number)
        found.append((vector, at, end))
    values = evaluations(plan.whole(), [found[n][0] for n in unknown], plan.data.arrays) if unknown else []
    for number, value in zip(unknown, values, strict=True):
        vector, at, _ = found[number]
        found[number] = (vector, at, value)
    return found


def _result(
    plan: Plan,
    step: Step,
    member: MemberState,
    end: tuple[Array, int, Evaluation],
    method: Method,
    is_interrupted: bool,
    seconds: float,
) -> Result:
    state = step.named(member.state)
    vector, at, found = end
    seen = Measurement(int(state["step"]), member.loss, member.norm, seconds)
    return Result(
        parameters=plan.problem.layout.tree(vector.copy()),
        loss=found.loss,
        gradient_norm=found.gradient_norm,
        steps=at,
        seconds=seconds,
        stopped_by=reason(member.status, is_interrupted and member.status == 0, plan.rule, seen),
        history=history_of(member.rows),
        method=method,
        evaluations=int(state["evaluations"]),
        ascents=int(state["ascents"]),
    )

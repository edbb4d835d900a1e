"""Several descents as one program, and what is told of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import ArgumentError
from ..graph import Array
from .best import with_point
from .data import check_data
from .history import History, Rows
from .lockstep import Lockstep, MemberState, run_together
from .member import Member
from .plan import Evaluation, Origin, Plan, evaluations
from .population import Population, check_same_state, population_of
from .result import Ending, Result
from .run import Progress, progress_of, reason
from .steps import Keeps, Outside, Status, start_of
from .stopping import Measurement, Stop, StoppingRule, leaves

__all__ = ["Descents", "run_population"]


@dataclass(eq=False)
class Descents:
    """Several descents on their way, as one program. room: see `Lockstep`.

    Raises ArgumentError if they cannot share a program.
    """

    plan: Plan
    members: Sequence[Member]
    room: int = 0
    seconds: float = 0.0
    is_interrupted: bool = False

    def __post_init__(self) -> None:
        _check(self.plan)
        first = self.members[0]
        self.step = self.plan.step(first.vector, first.method)
        begun = [self._begin(member, self.plan.rule) for member in self.members]
        check_same_state([state for state, _ in begun], first.method)
        states = [np.stack(arrays) for arrays in zip(*(state for state, _ in begun), strict=True)]
        settings = _stacked([numbers for _, numbers in begun])
        self.lockstep = Lockstep(self.plan, self.step, first.method, states, settings, self.room)

    def _begin(self, member: Member, rule: StoppingRule) -> tuple[list[Array], tuple[Array, ...]]:
        plan = self.plan
        return start_of(plan.problem, member.vector, member.method, rule, member.seed, member.numbers, self.step.keeps)

    def run(self, on_progress: Callable[[Progress], object] | None) -> None:
        """Descends until every member has ended, or the user stops them."""
        self.lockstep.seconds = self.seconds
        self.is_interrupted, seconds = run_together(self.lockstep, _goes_on(self.plan, on_progress, self.members))
        self.seconds += seconds

    def limit(self, places: Sequence[int], rule: StoppingRule, iteration: int) -> None:
        """Gives members other numbers in their stopping rule: they begin, or go on from the iteration at which they ended."""
        settings = [self._begin(self.members[place], rule)[1] for place in places]
        self.lockstep.go_on(np.array(places, np.int64), _stacked(settings), iteration)

    def vector(self, place: int) -> Array:
        """The parameters that a member has reached."""
        return np.array(self.lockstep.states[self.step.place("parameters")][place])

    def steps(self, place: int) -> int:
        """The steps that a member has taken."""
        return int(self.lockstep.states[self.step.place("step")][place])

    def has_failed(self, place: int) -> bool:
        """Whether a member met numbers that are not finite."""
        return bool(self.lockstep.status[place] < 0 and self.lockstep.status[place] != Status.NO_SMALLER_LOSS)

    def results(self) -> list[Result]:
        """What every member came to. Raises DataError if none could begin, since the data are not finite."""
        ended = self.lockstep.finished()
        ends = _ends(self, ended)
        return [_result(self, member, state, end) for member, state, end in zip(self.members, ended, ends, strict=True)]


def _stacked(rows: Sequence[Sequence[Array]]) -> list[Array]:
    return [np.stack(arrays) for arrays in zip(*rows, strict=True)]


def run_population(
    plan: Plan, members: Sequence[Member], on_progress: Callable[[Progress], object] | None
) -> Population:
    """Descends with all members, and ranks them."""
    descents = Descents(plan, members)
    compile_seconds = time.perf_counter() - plan.begin
    descents.run(on_progress)
    results = descents.results()
    choices = [member.own for member in members]
    starts = [float(result.history.loss[0]) if len(result.history) else float("nan") for result in results]
    return population_of(results, choices, starts, descents.seconds, compile_seconds, descents.lockstep.lanes)


def _check(plan: Plan) -> None:
    if plan.target == "numpy" or not plan.problem.is_traced:
        raise ArgumentError(
            "a population runs in compiled code only: leave out target, and use a loss and a gradient that can be traced"
        )
    if plan.memory is not None:
        raise ArgumentError("memory=... belongs to one descent: leave out restarts and grids")
    if plan.keeper is not None:
        raise ArgumentError("checkpoints=... are of one descent: leave out restarts and grids")
    if plan.validation is not None:
        raise ArgumentError("validation=... watches one descent: leave out restarts and grids, or use tw.search")


def _goes_on(
    plan: Plan, on_progress: Callable[[Progress], object] | None, members: Sequence[Member]
) -> Callable[[Lockstep, float], bool]:
    """Shows the user the best member after each stretch, and looks whether a button was pressed."""
    buttons = [rule for rule in leaves(plan.rule) if isinstance(rule, Stop)]

    def goes_on(lockstep: Lockstep, seconds: float) -> bool:
        if any(button.is_pressed for button in buttons):
            return False
        if on_progress is None or not np.isfinite(lockstep.loss).any():
            return True
        best = int(np.nanargmin(lockstep.loss))
        rows = lockstep.rows_of(best)
        if not len(rows):
            return True
        own = members[best]
        origin = Origin(plan, own.vector, own.vector, own.numbers)
        return on_progress(progress_of(rows, seconds, origin, own.method, (), lockstep.rows)) is not True

    return goes_on


def _ends(descents: Descents, members: Sequence[MemberState]) -> list[tuple[Array, int, Evaluation]]:
    """For each member its last parameters that are finite, their step, and loss and gradient there, over all examples.

    Raises DataError if no member could begin, since the data are not finite.
    """
    plan, step = descents.plan, descents.step
    if all(member.status in (Status.LOSS_NOT_FINITE, Status.GRADIENT_NOT_FINITE) for member in members):
        check_data(plan.data)
    found = []
    unknown = []
    wants_best = plan.controls is not None and plan.controls.keeps_best
    again = _met_again(descents) if wants_best else {}
    for number, member in enumerate(members):
        if number in again:
            found.append(again[number])
            continue
        state = step.named(member.state)
        vector, at, end = state["parameters"], int(state["step"]), Evaluation(member.loss, member.norm)
        has_failed = member.status in (Status.LOSS_NOT_FINITE, Status.GRADIENT_NOT_FINITE)
        if has_failed and at and "previous" in state:
            vector, at = state["previous"]["parameters"], at - 1
            end = Evaluation(float(state["previous"]["loss"]), float(state["previous"]["gradient_norm"]))
        is_recorded = member.status > 0 or has_failed or (member.status != 0 and "turn" in state)
        if plan.batch is not None or not is_recorded or descents.members[number].method.looks_ahead:
            unknown.append(number)
        found.append((vector, at, end))
    vectors, numbers = [found[n][0] for n in unknown], [descents.members[n].numbers for n in unknown]
    values = evaluations(plan.whole(), vectors, plan.data.arrays, numbers) if unknown else []
    for number, value in zip(unknown, values, strict=True):
        vector, at, _ = found[number]
        found[number] = (vector, at, value)
    return found


def _met_again(descents: Descents) -> dict[int, tuple[Array, int, Evaluation]]:
    """The points with the smallest losses, of those members that met any: the ways to them are gone again."""
    plan, lockstep, best = descents.plan, descents.lockstep, descents.lockstep.best
    found: dict[int, tuple[Array, int, Evaluation]] = {}
    if best is None:
        return found
    from concurrent.futures import ThreadPoolExecutor  # one descent alone needs none

    first = descents.members[0]
    step = plan.step(first.vector, first.method, Keeps.POINT)
    room = max(lockstep.count, lockstep.room)
    ways = np.stack([best.iteration, best.iterations], axis=1)
    for begin, count in np.unique(ways[np.isfinite(best.loss)], axis=0).tolist():
        members = np.flatnonzero(np.isfinite(best.loss) & (ways == (begin, count)).all(axis=1))
        start = [np.stack([array] * len(members)) for array in step.state]
        states = with_point(step, start, descents.step, [array[members] for array in best.state])
        settings = [array[members] for array in lockstep.settings]
        way = Lockstep(plan, step, first.method, states, settings, room, begin)
        with ThreadPoolExecutor(plan.threads) as pool:
            while way.iteration < begin + count:
                left = begin + count - way.iteration
                way.advance(min(left, way.longest()), Outside(*best.outside[members[0]].tolist()), pool)
        for place, member in enumerate(members.tolist()):
            point = step.named([array[place] for array in way.states])["best"]
            end = Evaluation(float(point["loss"]), float(point["gradient_norm"]))
            found[member] = (point["parameters"], int(point["step"]), end)
    return found


def _result(descents: Descents, own: Member, member: MemberState, end: tuple[Array, int, Evaluation]) -> Result:
    plan, state = descents.plan, descents.step.named(member.state)
    vector, at, found = end
    controls = plan.controls
    interventions = () if controls is None else controls.interventions
    seen = Measurement(int(state["step"]), member.loss, member.norm, descents.seconds)
    return Result(
        parameters=plan.problem.layout.tree(vector),
        end=Ending.at(*found),
        steps=at,
        seconds=descents.seconds,
        stopped_by=reason(member.status, descents.is_interrupted and member.status == 0, plan.rule, seen),
        history=History(Rows(member.rows), interventions=interventions),
        method=own.method,
        notes=() if controls is None else tuple(controls.notes),
        evaluations=int(state["evaluations"]),
        ascents=int(state["ascents"]),
        origin=Origin(plan, own.vector, vector.copy(), tuple(own.numbers)),
    )

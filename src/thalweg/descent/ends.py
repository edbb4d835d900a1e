"""Where the members of a population ended: side by side what tells them apart, and a member's result when someone asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..graph import Array
from .best import with_point
from .data import check_data
from .evaluation import evaluation, objectives_at
from .history import History, Rows, RowsOfMany
from .lazy_sequence import LazySequence
from .lockstep import Lockstep
from .member import Member
from .plan import Origin, Plan
from .population import Reached
from .result import Ending, Result, Stopped
from .run import reason
from .steps import Keeps, Outside, Status, Step
from .stopping import Measurement

__all__ = ["Ends", "ends_of"]


@dataclass(frozen=True, eq=False)
class _Points:
    """Points that K members had reached: parameters (K, P), their step, loss and gradient norm (K,) over all examples; the norm is NaN
    where it is not known yet."""

    parameters: Array
    step: Array
    loss: Array
    gradient_norm: Array

    def put(self, places: Array, others: _Points) -> None:
        """Takes other points for some members."""
        self.parameters[places], self.step[places] = others.parameters, others.step
        self.loss[places], self.gradient_norm[places] = others.loss, others.gradient_norm


@dataclass(frozen=True, eq=False)
class Ends:
    """Where K members ended. points: their last parameters that are finite. status, step, loss, gradient_norm, evaluations, ascents:
    what they saw last, and counted, (K,). rows: their histories."""

    plan: Plan
    members: Sequence[Member]
    points: _Points
    status: Array
    step: Array
    loss: Array
    gradient_norm: Array
    evaluations: Array
    ascents: Array
    rows: RowsOfMany
    seconds: float
    is_interrupted: bool

    @property
    def results(self) -> Sequence[Result]:
        """What every member came to."""
        return LazySequence(len(self.members), self._result)

    @cached_property
    def reached(self) -> Reached:
        """What the members are ranked and grouped by."""
        count = len(self.members)
        kinds, of_kind = np.unique(self.status, return_inverse=True)
        stops = [self._stopped(int(np.argmax(self.status == kind))) for kind in kinds]
        return Reached(
            self.points.loss,
            self.points.parameters,
            np.array([stopped.reason == "not finite" for stopped in stops])[of_kind],
            np.array([stopped.is_at_rest for stopped in stops])[of_kind],
            self.rows.first_losses(count),
        )

    def _stopped(self, place: int) -> Stopped:
        status = int(self.status[place])
        seen = Measurement(
            int(self.step[place]), float(self.loss[place]), float(self.gradient_norm[place]), self.seconds
        )
        return reason(status, self.is_interrupted and status == 0, self.plan.rule, seen)

    def _ending(self, place: int) -> Ending:
        plan, loss, norm = self.plan, float(self.points.loss[place]), float(self.points.gradient_norm[place])
        if not np.isnan(norm) or not np.isfinite(loss):
            return Ending.at(loss, norm)
        vector, numbers = self.points.parameters[place], self.members[place].numbers
        return Ending(lambda: evaluation(plan.whole(), vector, plan.data.arrays, numbers), loss)

    def _result(self, place: int) -> Result:
        plan, own, controls = self.plan, self.members[place], self.plan.controls
        vector = self.points.parameters[place]
        return Result(
            parameters=plan.problem.layout.tree(vector),
            end=self._ending(place),
            steps=int(self.points.step[place]),
            seconds=self.seconds,
            stopped_by=self._stopped(place),
            history=History(
                Rows(self.rows.of(place)), interventions=() if controls is None else controls.interventions
            ),
            method=own.method,
            notes=() if controls is None else tuple(controls.notes),
            evaluations=int(self.evaluations[place]),
            ascents=int(self.ascents[place]),
            origin=Origin(plan, own.vector, vector.copy(), tuple(own.numbers)),
        )


def ends_of(
    plan: Plan, step: Step, members: Sequence[Member], lockstep: Lockstep, seconds: float, is_interrupted: bool
) -> Ends:
    """Where members ended that went in lockstep. Raises DataError if none could begin, since the data are not finite."""

    def of_state(name: str) -> Array:
        return lockstep.states[step.names.index(name)].copy()

    status, loss, norm = lockstep.status.copy(), lockstep.loss.copy(), lockstep.norm.copy()
    has_failed = (status == Status.LOSS_NOT_FINITE) | (status == Status.GRADIENT_NOT_FINITE)
    if has_failed.all():
        check_data(plan.data)
    points = _Points(of_state("parameters"), of_state("step"), loss.copy(), norm.copy())
    is_back = has_failed & (points.step > 0)
    if "previous.parameters" in step.names:
        before = [of_state(f"previous.{name}")[is_back] for name in ("parameters", "loss", "gradient_norm")]
        points.put(is_back, _Points(before[0], points.step[is_back] - 1, *before[1:]))
    has_turns = any(name == "turn" or name.startswith("turn.") for name in step.names)
    is_known = (status > 0) | has_failed | ((status != 0) & has_turns)
    if plan.batch is not None or members[0].method.looks_ahead:
        is_known[:] = False
    if plan.controls is not None and plan.controls.keeps_best and lockstep.best is not None:
        is_better = np.isfinite(lockstep.best.loss)
        is_known |= is_better
        _put_best(points, is_better, plan, step, members[0], lockstep)
    unknown = np.flatnonzero(~is_known)
    if len(unknown):
        vectors, numbers = points.parameters[unknown], [members[place].numbers for place in unknown.tolist()]
        points.loss[unknown] = objectives_at(plan.whole(), vectors, plan.data.arrays, numbers)
        points.gradient_norm[unknown] = np.nan
    return Ends(
        plan,
        members,
        points,
        status,
        of_state("step"),
        loss,
        norm,
        of_state("evaluations"),
        of_state("ascents"),
        lockstep.rows.so_far(),
        seconds,
        is_interrupted,
    )


def _put_best(points: _Points, is_better: Array, plan: Plan, own_step: Step, first: Member, lockstep: Lockstep) -> None:
    """The points with the smallest losses, of those members that met any: the ways to them are gone again."""
    from concurrent.futures import ThreadPoolExecutor  # one descent alone needs none

    best = lockstep.best
    assert best is not None
    step = plan.step(first.vector, first.method, Keeps.POINT)
    room = max(lockstep.count, lockstep.room)
    ways = np.stack([best.iteration, best.iterations], axis=1)
    for begin, count in np.unique(ways[is_better], axis=0).tolist():
        members = np.flatnonzero(is_better & (ways == (begin, count)).all(axis=1))
        start = [np.stack([array] * len(members)) for array in step.state]
        states = with_point(step, start, own_step, [array[members] for array in best.state])
        settings = [array[members] for array in lockstep.settings]
        way = Lockstep(plan, step, first.method, states, settings, room, begin)
        with ThreadPoolExecutor(plan.threads) as pool:
            while way.iteration < begin + count:
                left = begin + count - way.iteration
                way.advance(min(left, way.longest()), Outside(*best.outside[members[0]].tolist()), pool)
        there = {name: array for name, array in zip(step.names, way.states, strict=True) if name.startswith("best.")}
        points.put(
            members, _Points(*(there[f"best.{name}"] for name in ("parameters", "step", "loss", "gradient_norm")))
        )

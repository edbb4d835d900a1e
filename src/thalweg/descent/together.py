"""Several descents as one program, and what is told of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import ArgumentError
from ..graph import Array
from .ends import Ends, ends_of
from .lockstep import Lockstep, run_together
from .member import Member
from .plan import Origin, Plan
from .population import Population, population_of
from .run import Progress, progress_of
from .steps import Status, settings_of, starts_of
from .stopping import Stop, StoppingRule, leaves
from .stretches import Stretches

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
        first, methods = self.members[0], [member.method for member in self.members]
        self.step = self.plan.step(first.vector, first.method)
        vectors, seeds = np.array([member.vector for member in self.members]), [member.seed for member in self.members]
        states = starts_of(self.plan.problem, vectors, methods, self.plan.rule, seeds, self.step.keeps)
        settings = self._settings(self.members, self.plan.rule)
        self.lockstep = Lockstep(self.plan, self.step, first.method, states, settings, self.room)

    def _settings(self, members: Sequence[Member], rule: StoppingRule) -> list[Array]:
        methods, numbers = [member.method for member in members], [member.numbers for member in members]
        return settings_of(self.plan.problem, members[0].vector.dtype, methods, rule, numbers)

    def run(self, on_progress: Callable[[Progress], object] | None) -> None:
        """Descends until every member has ended, or the user stops them."""
        plan, lockstep = self.plan, self.lockstep
        lockstep.seconds = self.seconds
        is_watched = on_progress is not None or plan.controls is not None
        stretches = Stretches() if is_watched else plan.stretches(self.step, lockstep.method, lockstep.count)
        self.is_interrupted, seconds = run_together(lockstep, stretches, _goes_on(plan, on_progress, self.members))
        self.seconds += seconds

    def limit(self, places: Sequence[int], rule: StoppingRule, iteration: int) -> None:
        """Gives members other numbers in their stopping rule: they begin, or go on from the iteration at which they ended."""
        settings = self._settings([self.members[place] for place in places], rule)
        self.lockstep.go_on(np.array(places, np.int64), settings, iteration)

    def vector(self, place: int) -> Array:
        """The parameters that a member has reached."""
        return np.array(self.lockstep.states[self.step.place("parameters")][place])

    def steps(self, place: int) -> int:
        """The steps that a member has taken."""
        return int(self.lockstep.states[self.step.place("step")][place])

    def has_failed(self, place: int) -> bool:
        """Whether a member met numbers that are not finite."""
        return bool(self.lockstep.status[place] < 0 and self.lockstep.status[place] != Status.NO_SMALLER_LOSS)

    def ends(self) -> Ends:
        """Where every member has ended. Raises DataError if none could begin, since the data are not finite."""
        return ends_of(self.plan, self.step, self.members, self.lockstep, self.seconds, self.is_interrupted)


def run_population(
    plan: Plan, members: Sequence[Member], on_progress: Callable[[Progress], object] | None
) -> Population:
    """Descends with all members, and ranks them."""
    descents = Descents(plan, members)
    compile_seconds = time.perf_counter() - plan.begin
    descents.run(on_progress)
    ends = descents.ends()
    choices = [member.own for member in members]
    return population_of(
        ends.results, choices, ends.reached, descents.seconds, compile_seconds, descents.lockstep.lanes
    )


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
        rows = lockstep.rows.of(best)
        if not len(rows):
            return True
        own = members[best]
        origin = Origin(plan, own.vector, own.vector, own.numbers)
        return on_progress(progress_of(rows, seconds, origin, own.method, (), lockstep.rows.blocks)) is not True

    return goes_on

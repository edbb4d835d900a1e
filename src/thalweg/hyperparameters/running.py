"""Running trials: those of one form as a population, with each trial's score on validation data."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..cluster import Cluster
from ..compile.function import compiled
from ..descent import Progress, Result
from ..descent.data import check_finite, data_of
from ..descent.plan import Plan
from ..descent.problem import problem_of
from ..descent.together import Descents
from ..errors import ArgumentError
from ..graph import Array
from .halving import Halving, limited, steps_of
from .rounds import Drawn
from .task import Settled, Task
from .trials import Status, Trial

__all__ = ["Group", "Outcome", "compete", "groups_of", "run_on"]

OnProgress = Callable[[Progress], object] | None

_TOGETHER = 32
"""The most trials that run as one population: what an interruption costs at most."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """A trial that has run, and its descent."""

    trial: Trial
    result: Result


@dataclass(eq=False)
class Group:
    """Trials that share a program."""

    task: Task
    settled: Sequence[Settled]

    @cached_property
    def plan(self) -> Plan:
        """The plan for all of them; it traces the loss."""
        return self.task.plan(self.settled[0])

    @cached_property
    def scorer(self) -> Callable[[Array, Settled], float]:
        """From the parameters that a trial reached to its score."""
        return _users(self) if self.task.score is not None else _loss_at_defaults(self)

    def check(self) -> None:
        """Raises errors that can be known before the search: in tracing the loss, on both kinds of data, and in the score."""
        vector = self.plan.problem.layout.vector(self.settled[0].parameters)
        score = self.scorer(vector, self.settled[0])
        if self.task.score is None and not math.isfinite(score):
            for number, array in enumerate(data_of(self.task.validation).arrays):
                check_finite(array, f"validation[{number}]")

    def numbers(self) -> list[int]:
        """The trials' numbers."""
        return [one.drawn.number for one in self.settled]

    def descents(self, chosen: Sequence[int] | None = None) -> Descents:
        """The population. chosen: places of the trials that are to run, all by default; no digit depends on the others."""
        places = range(len(self.settled)) if chosen is None else chosen
        members = [self.task.member(self.settled[place], self.plan) for place in places]
        return Descents(self.plan, members, room=len(self.settled))

    def run(
        self, on_progress: OnProgress, chosen: Sequence[int] | None = None, budget: float = 1.0
    ) -> list[Outcome] | None:
        """Runs the trials to their end, or for this share of their steps; None if the user stopped them."""
        descents = self.descents(chosen)
        if budget < 1:
            descents.limit(range(len(descents.members)), limited(self.plan.rule, self.steps(budget)), 0)
        descents.run(on_progress)
        if descents.is_interrupted:
            return None
        places = list(range(len(self.settled)) if chosen is None else chosen)
        return self.outcomes(descents, places, [budget] * len(places))

    def steps(self, budget: float) -> int:
        """A share of the steps that the stopping rule allows."""
        steps = steps_of(self.plan.rule)
        assert steps is not None, "checked before"
        return max(1, round(steps * budget))

    def outcomes(self, descents: Descents, places: Sequence[int], budgets: Sequence[float]) -> list[Outcome]:
        """What is to be said of trials that have run."""
        results = descents.ends().results
        seconds = descents.seconds / max(1, len(results))
        return [
            Outcome(self._trial(self.settled[place], result, budget, seconds), result)
            for place, result, budget in zip(places, results, budgets, strict=True)
        ]

    def _trial(self, one: Settled, result: Result, budget: float, seconds: float) -> Trial:
        has_failed = result.stopped_by.reason == "not finite"
        score = math.inf if has_failed else self.scorer(self.plan.problem.layout.vector(result.parameters), one)
        if has_failed or not math.isfinite(score):
            status = Status.NOT_FINITE
        else:
            status = Status.COMPLETE if budget == 1 else Status.STOPPED_EARLY
        drawn = one.drawn
        loss = math.inf if has_failed else result.loss
        return Trial(
            drawn.number, drawn.round, drawn.values, drawn.seed, budget, result.steps, loss, score, status, seconds
        )


def groups_of(task: Task, drawn: Sequence[Drawn], most: int = _TOGETHER) -> list[Group]:
    """The trials of a round, divided into populations of so many at most."""
    forms: dict[Any, list[Settled]] = {}
    for one in drawn:
        settled = task.settle(one)
        forms.setdefault(task.form(settled), []).append(settled)
    return [
        Group(task, of_form[first : first + most])
        for of_form in forms.values()
        for first in range(0, len(of_form), most)
    ]


def run_on(cluster: Cluster, groups: Sequence[Group], chosen: Sequence[Sequence[int]]) -> Iterator[list[Outcome]]:
    """Runs trials on the workers of a cluster. chosen: for each group the places of the trials that are to run."""
    task = groups[0].task
    bare = dataclasses.replace(task, data=None, validation=None)
    jobs = [(bare, group.settled, places) for group, places in zip(groups, chosen, strict=True)]
    own = [task.loss, task.score, task.method, type(task.method), task.parameters, type(task.start), type(task.stop)]
    return cluster.map(_run_job, jobs, task.data, task.validation, own=own)


def _run_job(job: tuple[Task, Sequence[Settled], Sequence[int]], data: Any, validation: Any) -> list[Outcome]:
    """On a worker: some of the trials of a group."""
    bare, settled, places = job
    outcomes = Group(dataclasses.replace(bare, data=data, validation=validation), settled).run(None, places)
    assert outcomes is not None, "nobody can stop them there"
    return outcomes


# Scores
def _finite_or_last(value: Any) -> float:
    return float(value) if np.isfinite(value) else math.inf


def _users(group: Group) -> Callable[[Array, Settled], float]:
    """The user's own score, called with arrays."""
    task, score = group.task, group.task.score
    assert score is not None
    given = task.validation if isinstance(task.validation, tuple) else (task.validation,)
    given = () if task.validation is None else given

    def scored(vector: Array, one: Settled) -> float:
        named = {name: one.drawn.values[name] for name in task.of_score}
        value = score(group.plan.problem.layout.tree(vector), *given, **named)
        try:
            return _finite_or_last(float(value))
        except (TypeError, ValueError):
            name = getattr(score, "__name__", "score")
            raise ArgumentError(
                f"the score {name} returns {value!r}; a score is one number, smaller where better"
            ) from None

    return scored


def _loss_at_defaults(group: Group) -> Callable[[Array, Settled], float]:
    """The loss on the validation data, with its numbers at their defaults: a penalty is no part of how good a model is."""
    task, first = group.task, group.settled[0]
    kept = data_of(task.validation)
    loss = task.loss_with({**task.defaults, **first.constants})
    problem = problem_of(loss, first.parameters, kept, kept.examples)
    function = problem.known.get("loss", lambda: compiled(problem.graph, range(1, 1 + len(kept.arrays))))
    return lambda vector, one: _finite_or_last(function(vector, *kept.arrays)[0])


# Successive halving
def compete(groups: Sequence[Group], halving: Halving, on_progress: OnProgress) -> list[Outcome] | None:
    """Runs all trials of a round, of which fewer and fewer go on; None if the user stopped them."""
    budgets = halving.budgets(sum(len(group.settled) for group in groups))
    runs = [_Rungs(group, budgets) for group in groups]
    for rung in range(len(budgets)):
        scores: list[tuple[float, int, int]] = []
        for number, run in enumerate(runs):
            run.climb(rung)
            run.descents.run(on_progress)
            if run.descents.is_interrupted:
                return None
            if rung < len(budgets) - 1:
                scores += [(score, number, place) for place, score in run.scores()]
        going = sorted(scores)[: halving.count(len(scores))]
        for number, run in enumerate(runs):
            run.going = [place for score, owner, place in going if owner == number and math.isfinite(score)]
    return [outcome for run in runs for outcome in run.outcomes()]


class _Rungs:
    """A group in a competition. going: the places of the trials that go on."""

    def __init__(self, group: Group, budgets: Sequence[float]) -> None:
        self.group, self.budgets = group, budgets
        self.descents = group.descents()
        self.steps = [group.steps(budget) for budget in budgets]
        self.going = list(range(len(group.settled)))
        self.given = [1.0] * len(group.settled)

    def climb(self, rung: int) -> None:
        """Gives those that go on the steps of a rung. What has ended by another rule has ended for good."""
        before = self.steps[rung - 1] if rung else 0
        places = [place for place in self.going if rung == 0 or self._waits(place, before)]
        for place in places:
            self.given[place] = self.budgets[rung]
        if places:
            rule = limited(self.group.plan.rule, self.steps[rung])
            self.descents.limit(places, rule, before)

    def _waits(self, place: int, steps: int) -> bool:
        """Whether a trial was ended by the limit of a rung."""
        status, taken = self.descents.lockstep.status[place], self.descents.steps(place)
        return bool(status > 0 and taken == steps)

    def scores(self) -> list[tuple[int, float]]:
        """The scores of those that went on."""
        found = []
        for place in self.going:
            if self.descents.has_failed(place):
                found.append((place, math.inf))
            else:
                found.append((place, self.group.scorer(self.descents.vector(place), self.group.settled[place])))
        return found

    def outcomes(self) -> list[Outcome]:
        """All trials, with the share of the steps that each was given."""
        budgets = [
            budget if self._waits(place, self._limit(budget)) else 1.0 for place, budget in enumerate(self.given)
        ]
        return self.group.outcomes(self.descents, range(len(budgets)), budgets)

    def _limit(self, budget: float) -> int:
        return self.steps[self.budgets.index(budget)]

"""The way of a descent through the space of its parameters: retraced, when someone asks for it.

A descent does not keep the points it passed. The same start, seed and numbers lead over the same points again, to the last digit;
so nothing is recorded beforehand, and a way that does not end where the descent ended is not shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..graph import Array
from .beginning import engine_of
from .member import Member
from .plan import Origin
from .population import Population
from .result import Result
from .steps import Outside
from .together import Descents

__all__ = ["Trajectory", "retrace"]

_MOST_NUMBERS = 1 << 24
"""Of all points together: 128 MiB."""

_OUTSIDE = Outside()
"""No time passes and no validation data are seen, so that no rule of these ends the way early."""


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Points that a descent passed, the start and the end among them. step: (M,). parameters: (M, P), as vectors."""

    step: Array
    parameters: Array

    def __len__(self) -> int:
        return len(self.step)


def retrace(result: Result, most: int = 2000, seconds: float = 10.0) -> tuple[Trajectory, ...]:
    """The way of a descent; of a population, those of all members in their order.

    most: points of each; the first half of them step by step, the others evenly spaced. seconds: a descent that took longer is not
    repeated. Empty if it cannot be retraced: loss or data are gone, it was changed on its way, or it took too long.

    >>> from thalweg.descent import GradientDescent, MaxSteps, minimize
    >>> found = minimize(lambda x: x[0] ** 2, np.ones(1), method=GradientDescent(0.25), stop=MaxSteps(3))
    >>> retrace(found)[0].parameters.ravel()
    array([1.   , 0.5  , 0.25 , 0.125])
    """
    members: Sequence[Result] = result.members if isinstance(result, Population) else (result,)
    if result.seconds > seconds or any(member.origin is None for member in members):
        return ()
    room = _MOST_NUMBERS // (len(members) * max(1, result.origin.end.size))
    most = max(8, min(most, room))
    is_alone = not isinstance(result, Population) and not result.origin.numbers
    points = _alone(result, most) if is_alone else _together(members, most)
    found = [_checked(rows, member) for rows, member in zip(points, members, strict=True)]
    return tuple(way for way in found if way is not None) if all(way is not None for way in found) else ()


Points = list[tuple[int, Array]]


def _strides(iterations: int, most: int) -> Iterator[int]:
    """How many iterations lie before each next point."""
    dense = most // 2
    yield from (1 for _ in range(dense))
    stride = max(1, -(-(iterations - dense) // (most - dense)))
    while True:
        yield stride


def _alone(result: Result, most: int) -> list[Points]:
    origin: Origin = result.origin
    step = origin.plan.step(origin.start, result.method)
    engine = engine_of(origin.plan, step, origin.start, result.method)
    points: Points = [(0, origin.start.copy())]
    status = 0
    for stride in _strides(max(result.steps, result.evaluations), most):
        reached = points[-1][0]
        if status or reached >= result.steps:
            break
        status, _ = engine.advance(min(stride, result.steps - reached), _OUTSIDE)
        state = step.named(engine.state)
        if int(state["step"]) > reached:
            points.append((int(state["step"]), state["parameters"].copy()))
    return [points]


def _together(results: Sequence[Result], most: int) -> list[Points]:
    plan = results[0].origin.plan
    members = [
        Member(result.origin.start, result.method, {}, plan.seed + place, result.origin.numbers)
        for place, result in enumerate(results)
    ]
    descents = Descents(plan, members)
    lockstep = descents.lockstep
    points: list[Points] = [[(0, member.vector.copy())] for member in members]
    most_iterations = max(max(result.steps, result.evaluations) for result in results)
    from concurrent.futures import ThreadPoolExecutor  # a descent alone needs none

    with ThreadPoolExecutor(max_workers=plan.threads) as pool:
        for stride in _strides(most_iterations, most):
            if not len(lockstep.active()) or lockstep.iteration > most_iterations:
                break
            lockstep.advance(min(stride, lockstep.longest()), _OUTSIDE, pool)
            for place, (way, result) in enumerate(zip(points, results, strict=True)):
                if way[-1][0] < descents.steps(place) <= result.steps:
                    way.append((descents.steps(place), descents.vector(place)))
    return points


def _checked(points: Points, result: Result) -> Trajectory | None:
    """The way, if it leads to the descent's end; a member that ended between two points gets its end."""
    end = result.origin.end
    if points[-1][0] < result.steps:
        points = [*points, (result.steps, end)]
    if not np.array_equal(points[-1][1], end):
        return None
    return Trajectory(np.array([step for step, _ in points]), np.array([vector for _, vector in points]))

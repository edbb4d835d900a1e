"""Where each start ends: basins of attraction, and what the members of a population reached."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..descent import Population
from ..descent.member import Member
from ..descent.together import Descents
from ..graph import Array
from .plane import basin_numbers, contour_of
from .subject import Subject

__all__ = ["Attraction", "Reached", "attraction_of", "reached_of"]

_SIDE = 48
_SECONDS = 3.0
_MOST_BASINS = 8


@dataclass(frozen=True, eq=False)
class Attraction:
    """Which minimum a descent from each point of a grid ends in.

    x (n,), y (m,). basin (m, n): numbers of the minima; −1 where it ends in none of them. minima: (K, 2), losses: (K,).
    starts: (S, 2) of the population's members; basins_of_starts: (S,).
    """

    x: Array
    y: Array
    basin: Array
    minima: Array
    losses: Array
    starts: Array
    basins_of_starts: Array
    names: tuple[str, str]
    is_equal: bool
    name: str = "basins"
    title: str = "Basins of attraction"

    @property
    def description(self) -> str:
        """What a person would see."""
        told = []
        for number, (place, loss) in enumerate(zip(self.minima, self.losses, strict=True)):
            share = float(np.mean(self.basin == number))
            told.append(
                f"{share:.0%} lead to the minimum at ({place[0]:.4g}, {place[1]:.4g}), where the loss is {loss:.4g}"
            )
        rest = float(np.mean(self.basin < 0))
        return f"Each point is coloured by the minimum that a descent from there ends in: {'; '.join(told)}" + (
            f"; {rest:.0%} end elsewhere." if rest else "."
        )


def attraction_of(subject: Subject) -> Attraction | None:
    """The basins of two parameters, with the method of the best member; None if there are less than two minima, or no time."""
    result = subject.result
    if not isinstance(result, Population) or subject.size != 2 or len(result.basins) < 2:
        return None
    plane = contour_of(subject)
    assert plane is not None
    best = result.members[result.ranking[0]]
    side = min(_SIDE, math.isqrt(int(_SECONDS * len(result.members) / max(result.seconds, 1e-6))))
    if side < 12:
        return None
    x, y = (np.linspace(axis[0], axis[-1], side) for axis in (plane.x, plane.y))
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype(subject.problem.layout.dtype)
    plan = result.origin.plan
    descents = Descents(
        plan, [Member(point, best.method, {}, plan.seed + i, best.origin.numbers) for i, point in enumerate(grid)]
    )
    descents.run(None)
    minima = np.array(
        [subject.problem.layout.vector(basin.parameters) for basin in result.basins[:_MOST_BASINS]], np.float64
    )
    ends = np.array([descents.vector(place) for place in range(len(grid))], np.float64)
    distances = np.linalg.norm(ends[:, None] - minima, axis=2)
    span = math.hypot(float(x[-1] - x[0]), float(y[-1] - y[0]))
    near = np.where(
        np.isfinite(distances).all(axis=1) & (distances.min(axis=1) < 0.02 * span), distances.argmin(axis=1), -1
    )
    numbers = [-1 if n is None or n >= len(minima) else n for n in basin_numbers(subject)]
    starts = np.array([member.origin.start for member in result.members], np.float64)
    losses = np.array([basin.loss for basin in result.basins[:_MOST_BASINS]])
    return Attraction(
        x, y, near.reshape(side, side), minima, losses, starts, np.array(numbers), plane.names, plane.is_equal
    )


@dataclass(frozen=True, eq=False)
class Reached:
    """What each member reached, the best first. loss: infinite where it diverged. basin: −1 where it ended in no minimum."""

    loss: Array
    basin: Array
    name: str = "members"
    title: str = "What each descent reached"

    @property
    def description(self) -> str:
        """What a person would see."""
        finite = self.loss[np.isfinite(self.loss)]
        text = f"The losses that {len(self.loss)} descents reached, the best first"
        if len(finite):
            text += f": from {finite[0]:.6g} to {finite[-1]:.6g}"
        count = len(np.unique(self.basin[self.basin >= 0]))
        diverged = len(self.loss) - len(finite)
        text += f"; {count} minima" if count else ""
        return text + (f"; {diverged} diverged." if diverged else ".")


def reached_of(subject: Subject) -> Reached | None:
    """The members' losses; None for a single descent."""
    result = subject.result
    if not isinstance(result, Population):
        return None
    numbers = basin_numbers(subject)
    losses = [
        result.members[m].loss if result.members[m].stopped_by.reason != "not finite" else np.inf
        for m in result.ranking
    ]
    basins = [-1 if numbers[m] is None else numbers[m] for m in result.ranking]
    return Reached(np.array(losses), np.array(basins, np.int64))

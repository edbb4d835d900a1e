"""Looking around a point: how the loss changes along rays from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..descent.plan import losses_at
from ..descent.problem import Problem
from ..graph import Array

__all__ = ["Ray", "look_along", "looker"]


@dataclass(frozen=True, eq=False)
class Ray:
    """The loss at w + t · direction. lengths: t > 0, growing by a constant factor. losses: f there. here: f(w). noise: the
    rounding error of a loss.
    """

    direction: Array
    lengths: Array
    losses: Array
    here: float
    noise: float

    @property
    def gain(self) -> float:
        """How far the loss falls at most; 0 if it does not."""
        finite = self.losses[np.isfinite(self.losses)]
        fall = self.here - float(np.min(finite, initial=np.inf)) if len(finite) else -np.inf
        return fall if fall > self.noise else 0.0

    @property
    def best_length(self) -> float:
        """Where it falls most."""
        return float(self.lengths[int(np.nanargmin(np.where(np.isfinite(self.losses), self.losses, np.inf)))])

    @property
    def leads_down(self) -> bool:
        """Whether the first change of the loss that is more than rounding is a fall: no barrier lies before."""
        changes = self.losses - self.here
        seen = changes[~(np.abs(changes) <= self.noise)]
        return len(seen) > 0 and bool(seen[0] < 0)

    @property
    def is_level_first(self) -> bool:
        """Whether half of the fall lies far off: at 1/64 of the distance the loss has changed less than a power of it could say."""
        falls = np.flatnonzero(self.here - self.losses >= 0.5 * self.gain)
        first = int(falls[0]) if len(falls) else 0
        changes = np.abs(self.losses[: max(first - 2, 0)] - self.here)
        return first >= 3 and bool(np.all(changes <= max(self.noise, 1e-15 * self.gain)))

    @property
    def has_barrier(self) -> bool:
        """Whether the loss is higher than here somewhere on the way to the lowest."""
        way = self.losses[: int(np.argmin(np.where(np.isfinite(self.losses), self.losses, np.inf)))]
        return not bool(np.all(way <= self.here + self.noise))

    @property
    def falls_forever(self) -> bool:
        """Whether it never rises again, as far as the ray reaches, and falls."""
        values = np.concatenate([[self.here], self.losses])
        if not np.isfinite(values).all():
            return False
        return bool(np.all(np.diff(values) <= self.noise)) and self.gain > 0

    @property
    def falls_without_bound(self) -> bool:
        """Whether the last factor of length still brought most of the fall."""
        if not self.falls_forever:
            return False
        before, last = self.losses[-2:]
        return bool(before - last > 0.5 * (self.here - last))


FACTOR, COUNT = 4.0, 16


def looker(
    problem: Problem, vector: Array, arrays: Sequence[Array], here: float, noise: float
) -> Callable[..., list[Ray]]:
    """A function that looks along several directions at once: (directions, first lengths) → rays."""

    def look(directions: Sequence[Array], firsts: Sequence[float]) -> list[Ray]:
        return look_along(problem, vector, arrays, here, noise, directions, firsts)

    return look


def look_along(
    problem: Problem,
    vector: Array,
    arrays: Sequence[Array],
    here: float,
    noise: float,
    directions: Sequence[Array],
    firsts: Sequence[float],
) -> list[Ray]:
    """Rays of sixteen lengths, each four times the one before. firsts: the first length for each direction."""
    if not directions:
        return []
    lengths = [first * FACTOR ** np.arange(COUNT) for first in firsts]
    points = [
        (vector.astype(np.float64) + length * direction).astype(vector.dtype)
        for direction, of_ray in zip(directions, lengths, strict=True)
        for length in of_ray
    ]
    found = losses_at(problem, np.array(points), arrays).reshape(len(directions), COUNT)
    return [
        Ray(direction, length, losses, here, noise)
        for direction, length, losses in zip(directions, lengths, found, strict=True)
    ]

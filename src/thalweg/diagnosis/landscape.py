"""Looking around a point: how the loss changes along rays from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph import Array

__all__ = ["Ray", "look_along"]


@dataclass(frozen=True, eq=False)
class Ray:
    """The loss at w + t · direction. lengths: t > 0, growing by a constant factor. losses: f there. here: f(w). noise: the
    rounding error of each loss.
    """

    direction: Array
    lengths: Array
    losses: Array
    here: float
    noise: Array

    @property
    def gain(self) -> float:
        """How far the loss falls at most; 0 if it does not."""
        falls = self.here - self.losses
        return float(np.max(falls[np.isfinite(falls) & (falls > self.noise)], initial=0.0))

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
        return first >= 3 and bool(np.all(changes <= np.maximum(self.noise[: len(changes)], 1e-15 * self.gain)))

    @property
    def has_barrier(self) -> bool:
        """Whether the loss is higher than here somewhere on the way to the lowest."""
        way = self.losses[: int(np.argmin(np.where(np.isfinite(self.losses), self.losses, np.inf)))]
        return not bool(np.all(way <= self.here + self.noise[: len(way)]))

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
_SHIFTS = 3
_DOUBT = 1e3
"""A fall is doubted if it is less than so many times the rounding here, were that to grow with the distance."""


def look_along(
    losses: Callable[[Array], Array],
    vector: Array,
    here: float,
    noise: float,
    directions: Sequence[Array],
    firsts: Sequence[float],
) -> list[Ray]:
    """Rays of sixteen lengths, each four times the one before.

    losses: at points (M, P) → (M,). firsts: the first length for each direction. noise: of the loss here.
    """
    if not directions:
        return []
    begin = vector.astype(np.float64)
    lengths = np.array([first * FACTOR ** np.arange(COUNT) for first in firsts])
    points = begin + lengths[:, :, None] * np.array(directions)[:, None, :]
    found = losses(points.reshape(-1, len(begin)).astype(vector.dtype)).reshape(lengths.shape)
    everywhere = np.full(COUNT, noise)
    rays = [Ray(*given, here, everywhere) for given in zip(directions, lengths, found, strict=True)]
    for number, ray in enumerate(rays):
        # Far out losses are rounded more than here. Where a fall is not beyond all doubt, it is measured by how much.
        distance = np.max(np.linalg.norm(points[number], axis=1))
        if 0 < ray.gain < _DOUBT * noise * distance / (float(np.linalg.norm(begin)) or 1e-300):
            scatter = _scatter(losses, points[number], ray.losses, vector.dtype)
            rays[number] = dataclasses.replace(ray, noise=noise + scatter)
    return rays


def _scatter(losses: Callable[[Array], Array], points: Array, found: Array, dtype: np.dtype[Any]) -> Array:
    """How much the last digits of points (M, P) change their losses, which were found to be (M,)."""
    generator = np.random.default_rng(0)
    most = np.zeros(len(points))
    for _ in range(_SHIFTS):
        shifts = 4 * np.finfo(dtype).eps * generator.standard_normal(points.shape)
        changes = np.abs(losses((points * (1 + shifts)).astype(dtype)) - found)
        most = np.fmax(most, np.where(np.isfinite(changes), changes, 0.0))
    return 2 * most

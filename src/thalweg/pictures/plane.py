"""The loss over a plane, with what lies in it: the contour of two parameters, and the landscape of many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..descent import Population, Trajectory
from ..graph import Array
from .subject import Subject

__all__ = ["Arrows", "Path", "Plane", "box_around", "contour_of", "plane_of"]

_SIDE = 96
_MOST_NUMBERS = 1 << 22
"""Of points that are held at once: 32 MiB."""
_ARROWS = 11
_MOST_POINTS = 400
_MOST_PATHS = 64
_MOST_STRETCH = 8.0
"""Beyond this ratio of their extents, axes have scales of their own."""
_FIRST_POINTS = 8
_FAR_UP = 4.0
"""Points so many times as high above the lowest as the starts are have flown off."""


@dataclass(frozen=True, eq=False)
class Path:
    """A way through the plane. step, x, y, loss: (M,); the loss is the true one at the points, even if they lie outside of the plane.

    basin: the number of the minimum that it ends in; None if it is not known. label: what the member has of its own.
    """

    step: Array
    x: Array
    y: Array
    loss: Array
    basin: int | None = None
    label: str = ""


@dataclass(frozen=True, eq=False)
class Arrows:
    """Downhill directions at points of the plane: x, y, and dx, dy of length 1 as drawn; strength: from 0 to 1."""

    x: Array
    y: Array
    dx: Array
    dy: Array
    strength: Array


@dataclass(frozen=True, eq=False)
class Plane:
    """The loss f(origin + x · first + y · second) over a grid.

    x (n,), y (m,), loss (m, n). names: of the axes. paths: the ways through it. arrows: −∇f, if drawn.
    is_equal: whether both axes have the same scale. share: of the way's extent that lies in the plane, if it is less than all of it.
    """

    name: str
    title: str
    x: Array
    y: Array
    loss: Array
    names: tuple[str, str]
    paths: tuple[Path, ...] = ()
    arrows: Arrows | None = None
    is_equal: bool = True
    share: float | None = None
    note: str = ""

    @property
    def description(self) -> str:
        """What a person would see."""
        found = self.loss[np.isfinite(self.loss)]
        text = f"Contour lines of the loss over {self.names[0]} from {self.x[0]:.4g} to {self.x[-1]:.4g} and {self.names[1]} from "
        text += f"{self.y[0]:.4g} to {self.y[-1]:.4g}; it lies between {found.min():.4g} and {found.max():.4g}."
        if len(self.paths) == 1 and len(self.paths[0].x) > 1:
            path = self.paths[0]
            text += f" The way leads from ({path.x[0]:.4g}, {path.y[0]:.4g}) to ({path.x[-1]:.4g}, {path.y[-1]:.4g})"
            text += f" in {int(path.step[-1]):,} steps."
        elif len(self.paths) > 1:
            text += f" {len(self.paths)} ways lead through it."
        if self.arrows is not None:
            text += " Arrows point downhill, against the gradient, at right angles to the contour lines."
        return " ".join(filter(None, (text, self.note)))


def box_around(subject: Subject, ways: Sequence[Trajectory]) -> tuple[Array, Array]:
    """The corners of a box that shows ways, or start and end if there are none. What flies off is left outside."""
    ends = np.vstack([subject.start, subject.end])
    points = np.vstack([way.parameters for way in ways]) if ways else ends
    starts = np.vstack([way.parameters[0] for way in ways]) if ways else ends
    points = points[np.isfinite(points).all(axis=1)].astype(np.float64)
    losses, first = subject.losses(points), subject.losses(starts)
    lowest = float(np.nanmin(losses)) if np.isfinite(losses).any() else 0.0
    highest = float(np.nanmax(first)) if np.isfinite(first).any() else lowest
    seen = np.vstack([starts.astype(np.float64), points[losses - lowest <= _FAR_UP * (highest - lowest)]])
    if ways and not np.ptp(seen, axis=0).any():  # nothing but flying off
        seen = np.vstack([way.parameters[:_FIRST_POINTS] for way in ways]).astype(np.float64)
        seen = seen[np.isfinite(seen).all(axis=1)]
    low, high = seen.min(axis=0), seen.max(axis=0)
    span = high - low
    widest = float(span.max()) or max(1.0, float(np.max(np.abs(high))))
    if float(span.max()) < _MOST_STRETCH * float(span.min()):
        span = np.maximum(span, 0.4 * widest)
    span = np.where(span < 1e-6 * widest, widest, span)
    middle = (low + high) / 2
    return middle - 0.68 * span, middle + 0.68 * span


def thinned(way: Trajectory) -> Trajectory:
    """Fewer points: the first hundred, then evenly spaced ones, and the last."""
    if len(way) <= _MOST_POINTS:
        return way
    places = np.unique(np.append(np.arange(100), np.linspace(100, len(way) - 1, _MOST_POINTS - 100).astype(int)))
    return Trajectory(way.step[places], way.parameters[places])


def basin_numbers(subject: Subject) -> list[int | None]:
    """For each member the number of the minimum in which it ended."""
    if not isinstance(subject.result, Population):
        return [None]
    found: list[int | None] = [None] * len(subject.result.members)
    for number, basin in enumerate(subject.result.basins):
        for member in basin.members:
            found[member] = number
    return found


def _label(subject: Subject, member: int) -> str:
    if not isinstance(subject.result, Population):
        return ""
    return ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in subject.result.choices[member].items())


def plane_of(
    subject: Subject, origin: Array, directions: Array, low: Array, high: Array, side: int
) -> tuple[Array, Array, Array]:
    """x, y and the loss over a grid. origin (P,). directions (2, P). low, high (2,): the corners."""
    x, y = (np.linspace(a, b, side) for a, b in zip(low, high, strict=True))
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    at_once = max(1, _MOST_NUMBERS // origin.size)
    parts = [subject.losses(origin + grid[i : i + at_once] @ directions) for i in range(0, len(grid), at_once)]
    return x, y, np.concatenate(parts).reshape(side, side)


def contour_of(subject: Subject) -> Plane | None:
    """The whole loss of two parameters, with the ways of all members; None if there are not two."""
    if subject.size != 2:
        return None
    ways = [thinned(way) for way in subject.ways[:_MOST_PATHS]]
    low, high = box_around(subject, ways)
    x, y, loss = plane_of(subject, np.zeros(2), np.eye(2), low, high, subject.side(_SIDE))
    span = high - low
    is_equal = float(span.max()) <= _MOST_STRETCH * float(span.min())
    numbers = basin_numbers(subject)
    paths = []
    for place, way in enumerate(ways):
        x_of, y_of = way.parameters.astype(np.float64).T
        losses = subject.losses(way.parameters)
        paths.append(Path(way.step, x_of, y_of, losses, numbers[place], _label(subject, place)))
    note = (
        ""
        if is_equal
        else "The axes have different scales; arrows are turned so that they stay at right angles to the lines."
    )
    first, second = subject.names
    return Plane(
        "contour",
        "Contour lines, and the way down",
        x,
        y,
        loss,
        (first, second),
        tuple(paths),
        _arrows(subject, low, high, is_equal),
        is_equal,
        note=note,
    )


def _arrows(subject: Subject, low: Array, high: Array, is_equal: bool) -> Arrows:
    """−∇f on a coarse grid. In axes of scale s the direction at right angles to drawn lines is s² · ∇f."""
    span = high - low
    counts = [max(5, round(_ARROWS * float(s / span.max()))) if is_equal else _ARROWS for s in span]
    x, y = (a + (np.arange(n) + 0.5) * (b - a) / n for a, b, n in zip(low, high, counts, strict=True))
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    gradients = subject.gradients(points)
    scale = np.full(2, span.max()) if is_equal else span
    drawn = -gradients * scale  # in parts of the drawn axes
    lengths = np.linalg.norm(drawn, axis=1)
    is_good = np.isfinite(lengths) & (lengths > 0)
    points, drawn, lengths = points[is_good], drawn[is_good], lengths[is_good]
    ranks = np.argsort(np.argsort(lengths)) / max(1, len(lengths) - 1)
    unit = drawn / lengths[:, None] * scale
    return Arrows(points[:, 0], points[:, 1], unit[:, 0], unit[:, 1], ranks)

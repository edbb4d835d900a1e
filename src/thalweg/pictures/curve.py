"""The loss of one parameter as a curve, with the steps on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..graph import Array
from .plane import Path, basin_numbers, box_around, thinned
from .subject import Subject

__all__ = ["Curve", "curve_of"]

_POINTS = 400
_MOST_WAYS = 12


@dataclass(frozen=True, eq=False)
class Curve:
    """x, loss: (M,). slope: of the tangent at the start of each way. ways: y of each path is its loss."""

    x: Array
    loss: Array
    parameter: str
    ways: tuple[Path, ...]
    slopes: tuple[float, ...]
    name: str = "curve"
    title: str = "The curve of the loss, and the steps on it"

    @property
    def description(self) -> str:
        """What a person would see."""
        text = f"The loss over {self.parameter} from {self.x[0]:.4g} to {self.x[-1]:.4g}."
        for way in self.ways[:3]:
            text += f" Steps lead from {way.x[0]:.4g}, where it is {way.loss[0]:.4g}, to {way.x[-1]:.4g}, where it is {way.loss[-1]:.4g}."
        return text


def curve_of(subject: Subject) -> Curve | None:
    """The curve; None if there is more than one parameter."""
    if subject.size != 1:
        return None
    ways = [thinned(way) for way in subject.ways[:_MOST_WAYS]]
    low, high = (float(corner[0]) for corner in box_around(subject, ways))
    x = _wide_enough(subject, low, high)
    numbers = basin_numbers(subject)
    paths = []
    for place, way in enumerate(ways):
        losses = subject.losses(way.parameters)
        paths.append(Path(way.step, way.parameters[:, 0].astype(np.float64), losses, losses, numbers[place]))
    slopes = subject.gradients(np.array([way.parameters[0] for way in ways]))[:, 0] if ways else ()
    return Curve(x, subject.losses(x[:, None]), subject.names[0], tuple(paths), tuple(float(s) for s in slopes))


def _wide_enough(subject: Subject, low: float, high: float) -> Array:
    """A range around the steps in which the loss rises again on both sides, if it does so anywhere near."""
    inside = subject.losses(np.linspace(low, high, 65)[:, None])
    needed = float(np.nanmax(inside)) + 0.3 * float(np.nanmax(inside) - np.nanmin(inside))
    further = (high - low) * 1.25 ** np.arange(26) / 16
    ends = []
    for start, sign in ((low, -1.0), (high, 1.0)):
        losses = subject.losses((start + sign * further)[:, None])
        rises = np.flatnonzero(~(losses < needed))
        ends.append(start + sign * further[rises[0] if len(rises) else 8])
    return np.linspace(ends[0], ends[1], _POINTS)

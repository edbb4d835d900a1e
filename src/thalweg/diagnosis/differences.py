"""Products with the Hessian from gradients: for losses so long that one more program costs more than many runs of one that is there.

Source: C. Ridders, *Accurate computation of F'(x) and F'(x) F''(x)*, Advances in Engineering Software 4 (1982): central differences
over ever shorter steps, extrapolated, where the extrapolations' disagreement bounds the error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..descent.norms import norm
from ..graph import Array, Graph

__all__ = ["Differences", "is_long"]

_LONG = 1000
"""Nodes, of which more take longer to compile than to run many times."""

_LEVELS = 8
"""How many steps are tried, each half as long as the one before."""

_FIRST = 1e-2
"""The longest step, as a share of the parameters' lengths."""

_CLOSE = 2.0**-14
"""How much shorter than the longest the step is that shows whether anything lies closer than the others reach, or differs by side."""

_ENOUGH = 1e-13
"""An error, as a share of the product, below which no shorter step is tried."""

_AGREEING = 1e-4
"""The share by which differences over that short step, to one side, may be off."""

_SAFETY = 4.0
"""By how much the error that is seen is multiplied to be a bound."""

_PRECISION = float(np.finfo(np.float64).eps)


def is_long(graph: Graph) -> bool:
    """Whether a graph has so many nodes, as of a loop over many steps, that one more program costs more than many runs of one that is there."""
    return len(graph.nodes) > _LONG


@dataclass(eq=False)
class Differences:
    """∇²f · v at a point w (P,).

    gradient: w (P,) → ∇f(w) (P,), both in float64. lengths (P,): over which a parameter may change, and the gradient does smoothly. error: the
    largest so far in a product with a direction of length 1.
    """

    gradient: Callable[[Array], Array]
    point: Array
    lengths: Array
    error: float = field(default=0.0, init=False)

    def product(self, direction: Array) -> Array:
        """∇²f · v (P,); NaN where gradients are not finite close by."""
        size = norm(direction)
        if not size > 0:
            return np.zeros_like(self.point)
        found, error = self._extrapolated(direction / size)
        self.error = max(self.error, _SAFETY * error)
        return found * size

    def _extrapolated(self, unit: Array) -> tuple[Array, float]:
        """∇²f · v for a direction v of length 1, and a bound of the error in it; infinite where gradients close by say otherwise."""
        best, least = self._from_afar(unit)
        close = _CLOSE * self._longest(unit)
        for back, ahead in ((0.0, close), (close, 0.0)):
            near, rounding = self._slope(unit, back, ahead)
            if not norm(near - best) <= _SAFETY * (least + rounding) + _AGREEING * norm(best):
                return best, np.inf
        return best, least

    def _longest(self, unit: Array) -> float:
        return _FIRST / float(np.max(np.abs(unit) / self.lengths))

    def _from_afar(self, unit: Array) -> tuple[Array, float]:
        step = self._longest(unit)
        best, least = np.full_like(self.point, np.nan), np.inf
        above: list[Array] = []
        for _ in range(_LEVELS):
            slope, rounding = self._slope(unit, step, step)
            step /= 2
            if not np.isfinite(slope).all():
                above = []
                continue
            row = [slope]
            for order, before in enumerate(above, start=1):
                factor = 4.0**order
                row.append((factor * row[-1] - before) / (factor - 1))
                error = max(rounding, *(norm(row[-1] - other) for other in (row[-2], before)))
                if error < least:
                    best, least = row[-1], error
            is_worse = bool(above) and norm(row[-1] - above[-1]) > 2 * least
            if is_worse or least <= _ENOUGH * norm(best):
                break
            above = row
        return best, least

    def _slope(self, unit: Array, back: float, ahead: float) -> tuple[Array, float]:
        """The difference of gradients so far back and ahead, over the distance, and what the last digits of the gradients change in it."""
        after, before = self.point + ahead * unit, self.point - back * unit
        high, low, distance = self.gradient(after), self.gradient(before), float((after - before) @ unit)
        if not distance > 0:  # the step is lost in the last digits of the point
            return np.full_like(self.point, np.nan), np.inf
        return (high - low) / distance, _PRECISION * (norm(high) + norm(low)) / distance

    def columns(self) -> tuple[Array, float]:
        """The whole Hessian (P, P), and a bound of the error in it."""
        found: list[Array] = []
        errors: list[float] = []
        for unit in np.eye(self.point.size):
            column, error = self._extrapolated(unit)
            found.append(column)
            errors.append(_SAFETY * error)
        return np.stack(found, axis=1), norm(np.array(errors))

"""The curvature of a function of one number, example by example: bounds of f'' on many intervals.

The range of all numbers is cut into cells. On each cell f'' is bounded once, by interval arithmetic; an interval's bound is the least of
the cells that it meets, found in a table of the least of 1, 2, 4, ... neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..graph import Array
from .chains import Chain, jets_of
from .intervals import Interval

__all__ = ["Cells"]

_QUANTILES, _FEWEST, _MOST_JETS = 128, 16, 1 << 16
_SAMPLE = 1 << 12


@dataclass(frozen=True, eq=False)
class Cells:
    """Bounds for a chain on the cells between edges (E,), for each row of its constants.

    bends: of f'' and of −f'' from below, for 1, 2, 4, ... neighbours from each cell on (2, powers, rows, E − 1). steepest: of |f'|
    (rows, E − 1), for an f that is convex or concave, so that f' is monotone. powers: the number of the largest power of two that is
    not above 1, 2, 3, ... (E − 1,).
    """

    edges: Array
    bends: Array
    steepest: Array
    powers: Array

    @classmethod
    def around(cls, chain: Chain, places: Array) -> Cells:
        """With narrow cells where the places (N,) are, and some room beyond the outermost."""
        start, end = float(np.min(places)), float(np.max(places))
        few = np.sort(places[:: max(1, len(places) // _SAMPLE)])
        count = max(_FEWEST, min(_QUANTILES, _MOST_JETS // (2 * chain.rows)))
        quantiles = few[np.linspace(0, len(few) - 1, count).astype(np.int64)]
        width = max(end - start, 1e-3 * max(abs(start), abs(end)), 1e-300)
        even = np.linspace(start - width / count, end + width / count, count)
        kinks = [x for x in (-1.0, 0.0, 1.0) if even[0] < x < even[-1]]
        edges = np.sort(np.concatenate([even, quantiles, kinks]))
        edges = edges[np.diff(edges, prepend=-np.inf) > 0]
        shape = chain.rows, len(edges) - 1
        x = Interval(np.tile(edges[:-1], chain.rows), np.tile(edges[1:], chain.rows))
        jet = jets_of(chain, x, np.repeat(np.arange(chain.rows), shape[1]))
        is_sure = ~jet.is_outside & ~jet.is_doubtful
        least = np.where(is_sure, jet.bend.lower, -np.inf).reshape(shape)
        most = np.where(is_sure, jet.bend.upper, np.inf).reshape(shape)
        steepest = np.maximum(np.abs(jet.slope.lower), np.abs(jet.slope.upper)).reshape(shape)
        bends = np.stack([_of_neighbours(least), _of_neighbours(-most)])
        return cls(edges, bends, steepest, np.frexp(np.arange(1, shape[1] + 1))[1].astype(np.int64) - 1)

    def bounds(self, lower: Array, upper: Array, row: Array, weights: Array) -> tuple[Array, Array]:
        """On the intervals [lower, upper], for parts w f that are convex: a bound w f'' ≥ c ≥ 0, and one |w f'| ≤ s."""
        first = np.searchsorted(self.edges, lower, "right") - 1
        is_inside = (first >= 0) & (upper <= self.edges[-1])
        first = np.where(is_inside, first, 0)
        last = self._last(first, upper, is_inside)
        power = self.powers[last - first]
        _, powers, rows, cells = self.bends.shape
        begin = (((weights < 0) * powers + power) * rows + row) * cells + first
        end = begin + (last - first + 1 - (1 << power))
        curved = np.abs(weights) * np.minimum(self.bends.take(begin), self.bends.take(end))
        is_good = is_inside & np.isfinite(curved) & (curved > 0)
        steep = np.maximum(self.steepest[row, first], self.steepest[row, last])
        return np.where(is_good, curved * (1 - 2.0**-50), 0.0), np.where(is_inside, np.abs(weights) * steep, np.inf)

    def _last(self, first: Array, upper: Array, is_inside: Array) -> Array:
        """The last cell that an interval meets: the first, as a rule."""
        last = first.copy()
        beyond = np.flatnonzero(is_inside & (upper > self.edges[np.minimum(first + 1, len(self.edges) - 1)]))
        last[beyond] = np.searchsorted(self.edges, upper[beyond], "left") - 1
        return np.minimum(last, len(self.edges) - 2)


def _of_neighbours(values: Array) -> Array:
    """The least of 1, 2, 4, ... neighbours from each cell on, where there are so many; else of fewer."""
    tables = [values]
    step = 1
    while values.shape[1] > step:
        values = values.copy()
        values[:, :-step] = np.minimum(values[:, :-step], values[:, step:])
        tables.append(values)
        step *= 2
    return np.stack(tables)

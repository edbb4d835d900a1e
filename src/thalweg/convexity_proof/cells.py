"""The curvature of a function of one number, example by example: bounds of f'' on intervals, many of them at once.

The range of all intervals is cut into cells. On each cell f'' is bounded once, by interval arithmetic; an interval's bound is the least
of the cells that it meets, found in a table of the least of 1, 2, 4, ... neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..graph import Array
from .chains import Chain, jets_of
from .intervals import Interval

__all__ = ["Cells"]

_MOST_CELLS, _FEWEST_CELLS, _MOST_JETS = 1024, 16, 1 << 16
_SAMPLE = 1 << 12


@dataclass(frozen=True, eq=False)
class Cells:
    """What holds on the intervals (N,). least, most: bounds of f''; steepest: of |f'|, for an f that is convex or concave."""

    least: Array
    most: Array
    steepest: Array

    @classmethod
    def of(cls, chain: Chain, lower: Array, upper: Array) -> Cells:
        """For the intervals [lower, upper] of the chain's base."""
        edges = _edges(lower, upper, max(_MOST_JETS // chain.rows, _FEWEST_CELLS))
        count = len(edges) - 1
        first = np.clip(np.searchsorted(edges, lower, "right") - 1, 0, count - 1)
        last = np.maximum(np.clip(np.searchsorted(edges, upper, "left") - 1, 0, count - 1), first)
        rows = np.repeat(np.arange(chain.rows), count)
        jet = jets_of(chain, Interval(np.tile(edges[:-1], chain.rows), np.tile(edges[1:], chain.rows)), rows)
        is_sure = ~jet.is_outside & ~jet.is_doubtful
        low = np.where(is_sure, jet.bend.lower, -np.inf).reshape(chain.rows, count)
        high = np.where(is_sure, jet.bend.upper, np.inf).reshape(chain.rows, count)
        steep = np.maximum(np.abs(jet.slope.lower), np.abs(jet.slope.upper)).reshape(chain.rows, count)
        return cls(
            _least(low, chain.row, first, last),
            -_least(-high, chain.row, first, last),
            np.maximum(steep[chain.row, first], steep[chain.row, last]),  # f' is monotone
        )

    def curvatures(self, weights: Array) -> Array:
        """A lower bound of w f'', for parts w f that are convex: so it is never negative."""
        with np.errstate(invalid="ignore"):
            bound = np.where(weights >= 0, weights * self.least, weights * self.most)
        return np.where(np.isfinite(bound) & (bound > 0), bound * (1 - 2.0**-50), 0.0)


def _edges(lower: Array, upper: Array, most: int) -> Array:
    """Where the cells meet: about as many examples in each, and none too wide."""
    start, end = float(np.min(lower)), float(np.max(upper))
    count = min(_MOST_CELLS, most) // 2
    few = np.sort(lower[:: max(1, len(lower) // _SAMPLE)])
    quantiles = few[np.linspace(0, len(few) - 1, count).astype(np.int64)]
    edges = np.concatenate([[start, end], quantiles, np.linspace(start, end, count), [-1.0, 0.0, 1.0]])
    edges = np.unique(edges[(edges >= start) & (edges <= end)])
    return edges if len(edges) > 1 else np.array([start, end])


def _least(values: Array, row: Array, first: Array, last: Array) -> Array:
    """min(values[row, first], ..., values[row, last]), for many at once."""
    level = np.frexp(last - first + 1)[1] - 1  # the largest power of two that fits
    result = np.empty(len(first))
    for power in range(int(np.max(level, initial=0)) + 1):
        here = level == power
        begin, end = first[here], last[here] - (1 << power) + 1
        result[here] = np.minimum(values[row[here], begin], values[row[here], end])
        step = 1 << power
        if values.shape[1] > step:
            values = np.minimum(values[:, :-step], values[:, step:])
    return result

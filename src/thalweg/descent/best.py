"""The point with the smallest loss on the way: not carried along, but found again when a person asks for it.

To carry its parameters along would cost every step a copy. The smallest loss alone is carried; the state is marked now and then,
and the last mark before this loss was met is kept. From there the same steps lead over the same point again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np

from ..graph import Array
from .steps import Outside, Step

__all__ = ["SMALLEST", "Best", "with_point"]

SMALLEST = "best.loss"
"""The part of the state that holds the smallest loss so far."""

_SHARE = 0.01
"""Of the time, spent on marks."""

_STATE = "best.mark.state."
_NUMBERS = "best.mark.numbers"


class Best:
    """From where the smallest loss so far can be met again, for K descents side by side.

    loss: the smallest (K,). state: where the way to it begins, arrays (K, ...). iteration, iterations: where that is, and how many
    later this loss had been met (K,). outside: what held on this way (K, 4).
    """

    def __init__(self, state: Sequence[Array]) -> None:
        count = len(state[0])
        self.loss = np.full(count, np.inf)
        self.state = [array.copy() for array in state]
        self.iteration = np.full(count, -1)
        self.iterations = np.zeros(count, np.int64)
        self.outside = np.zeros((count, len(Outside._fields)))
        self._mark = self.state
        self._place, self._outside = -1, Outside()
        self._marked, self._cost = -np.inf, 0.0

    def before_stretch(self, state: Sequence[Array], iteration: int, outside: Outside) -> None:
        """Marks the state, arrays (K, ...), if it is time for it, or if something else holds from now on."""
        now = time.perf_counter()
        if now - self._marked < self._cost / _SHARE and outside.rate_factor == self._outside.rate_factor:
            return
        self._mark = [array.copy() for array in state]
        self._place, self._outside = iteration, outside
        self._marked, self._cost = now, time.perf_counter() - now

    def after_stretch(self, loss: Array, iteration: Array) -> None:
        """loss: the smallest so far. iteration: that was reached. Both (K,)."""
        is_better = loss < self.loss
        is_new = is_better & (self.iteration != self._place)
        if is_new.any():
            begin = time.perf_counter()
            if is_new.all():
                self.state = self._mark
            else:
                for kept, marked in zip(self.state, self._mark, strict=True):
                    kept[is_new] = marked[is_new]
            self.iteration[is_new], self.outside[is_new] = self._place, self._outside
            self._cost += time.perf_counter() - begin
        self.iterations[is_better] = iteration[is_better] - self._place
        self.loss[is_better] = loss[is_better]

    def to_arrays(self, names: Sequence[str]) -> dict[str, Array]:
        """Of a single descent, as a checkpoint holds it."""
        if self.iteration[0] < 0:
            return {}
        numbers = np.array([self.loss[0], self.iteration[0], self.iterations[0], *self.outside[0]])
        return {_NUMBERS: numbers} | {_STATE + name: array[0] for name, array in zip(names, self.state, strict=True)}

    def go_on(self, kept: Mapping[str, Array], names: Sequence[str]) -> None:
        """Takes over what a checkpoint holds."""
        if _NUMBERS not in kept:
            return
        loss, iteration, iterations, *outside = kept[_NUMBERS].tolist()
        self.state = [np.array(kept[_STATE + name])[None] for name in names]
        self.loss[0], self.iteration[0], self.iterations[0], self.outside[0] = loss, iteration, iterations, outside


def with_point(carrying: Step, start: Sequence[Array], step: Step, marked: Sequence[Array]) -> list[Array]:
    """A marked state for a step that carries the best point along. start: what that step begins with."""
    found = dict(zip(step.names, marked, strict=True)) | {
        SMALLEST: np.full_like(marked[step.names.index(SMALLEST)], np.inf)
    }
    return [found.get(name, array) for name, array in zip(carrying.names, start, strict=True)]

"""What pictures are taken of: a result, its loss, and the way it went, each measured once and only if a picture needs it."""

from __future__ import annotations

import math
import time
from functools import cached_property

import numpy as np

from ..descent import Population, Result, Trajectory, retrace
from ..descent.data import ArrayData, StreamData, data_of
from ..descent.evaluation import losses_at
from ..descent.problem import Problem, problem_of
from ..diagnosis.sampled import sample_of
from ..diagnosis.situation import Situation
from ..graph import Array

__all__ = ["Subject"]

_SECONDS = 1.0
"""That the losses of one picture may take."""

_MOST_WORK = 20_000_000
"""Parameters times examples, of which sixteen losses take some hundredths of a second."""

_LEAST_SAMPLE, _MOST_SAMPLE = 256, 1 << 16


class Subject:
    """A result, as its pictures see it. Of a population the loss and the end are those of the best member."""

    def __init__(self, result: Result) -> None:
        self.result = result

    @property
    def has_loss(self) -> bool:
        """Whether the loss is still at hand: stored results have none, and examples on other machines are not fetched."""
        origin = self.result.origin
        if origin is None or not np.isfinite(origin.end).all():
            return False
        return isinstance(origin.plan.data, ArrayData | StreamData)

    @cached_property
    def situation(self) -> Situation:
        """The end of the descent. Many examples are looked at by a sample, whose loss is made to agree with that of all."""
        return Situation(sample_of(self.result, self._sample) if self._sample else self.result)

    @cached_property
    def _sample(self) -> int:
        """The examples of a sample; 0 if there are so few that all can be looked at, again and again."""
        origin = self.result.origin
        data, most = origin.plan.data, max(_LEAST_SAMPLE, _MOST_WORK // max(1, origin.end.size))
        is_plain = origin.plan.problem.is_traced and not origin.numbers
        needs_sample = isinstance(data, StreamData) or (data.examples > 1.5 * most and is_plain)
        return min(most, _MOST_SAMPLE) if needs_sample else 0

    @property
    def note(self) -> str:
        """What is to be said of all pictures."""
        if not self.has_loss or not self._sample:
            return ""
        rows, all_rows = len(self.situation.arrays[0]), self.result.origin.plan.data.examples
        return f"The pictures show the loss of {rows:,} of {all_rows:,} examples, drawn at random."

    @property
    def problem(self) -> Problem:
        """The loss over all examples."""
        return self.situation.problem

    @property
    def start(self) -> Array:
        """Where the descent began (P,)."""
        return self.situation.start

    @property
    def end(self) -> Array:
        """Where it ended (P,), float64."""
        return np.asarray(self.situation.end, np.float64)

    @property
    def size(self) -> int:
        """P, the number of parameters; 0 if the loss is not at hand."""
        return int(self.result.origin.end.size) if self.has_loss else 0

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each of few parameters, as the user would index them: `w[0]`, `b`."""
        layout = self.problem.layout
        found: list[str] = []
        for label, type in zip(layout.names, layout.types, strict=True):
            own = label.replace("['", "").replace("']", "")
            inside = [f"[{', '.join(map(str, index))}]" if index else "" for index in np.ndindex(type.shape)]
            found += [f"{own or 'x'}{index}" for index in inside]
        return tuple(found)

    @cached_property
    def ways(self) -> tuple[Trajectory, ...]:
        """The way of each member, in their order; of a single descent its own. Empty if they cannot be retraced."""
        return retrace(self.result) if self.has_loss else ()

    @property
    def best_way(self) -> Trajectory | None:
        """The way of the best member."""
        if not self.ways:
            return None
        return self.ways[self.result.ranking[0]] if isinstance(self.result, Population) else self.ways[0]

    def losses(self, points: Array) -> Array:
        """The loss over all examples at points (M, P) → (M,), with its penalty."""
        wide = np.ascontiguousarray(points).astype(self.problem.layout.dtype)
        found = self.situation.losses(wide)
        if self._kinked is not None:
            found = found + losses_at(self._kinked, wide, ())
        return found

    @cached_property
    def _kinked(self) -> Problem | None:
        penalty = self.problem.penalty
        if penalty is None:
            return None
        return problem_of(penalty.kinked, self.result.origin.plan.parameters, data_of(None), 0)

    def gradients(self, points: Array) -> Array:
        """The gradient of the smooth part of the loss at points (M, P) → (M, P)."""
        wide = np.ascontiguousarray(points).astype(self.problem.layout.dtype)
        return self.situation.gradients(wide)

    @cached_property
    def _seconds_of_sixteen(self) -> float:
        points = np.repeat(self.end[None], 16, axis=0)
        self.losses(points)  # compiles
        begin = time.perf_counter()
        self.losses(points)
        return time.perf_counter() - begin

    def points_within_budget(self, most: int) -> int:
        """How many losses a picture may ask for: fewer if there are many examples."""
        passes = _SECONDS / max(self._seconds_of_sixteen, 1e-9)
        return int(min(most, max(144, 16 * passes)))

    def side(self, most: int) -> int:
        """The points along each side of a grid."""
        return math.isqrt(self.points_within_budget(most * most))

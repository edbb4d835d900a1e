"""What a population found: its members ranked, the minima they ended in, and how the learning rates did."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np

from ..graph import Array
from .norms import norm
from .result import Result, duration

__all__ = ["Basin", "Population", "Rate", "RateKind", "Reached", "population_of"]


class RateKind(Enum):
    """How a learning rate did."""

    OVERSHOT = "overshot"
    GOOD = "good"
    SLOW = "slow"


@dataclass(frozen=True)
class Rate:
    """What was reached with a learning rate: the median of its members' losses; infinite where they diverged."""

    learning_rate: float
    loss: float
    kind: RateKind


@dataclass(frozen=True, eq=False)
class Basin:
    """A minimum, and the members that ended in it, by number. loss, parameters: of the best of them."""

    loss: float
    parameters: Any
    members: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Population(Result):
    """What descents that ran together found. As a Result it is that of the best member.

    members: the results, in the order of the starts and of the grid. choices: what each member had of its own.
    ranking: the members' numbers, the best first, those that failed last. basins: the minima, the lowest first, of members that
    came to rest. rates: how the learning rates did, if several were tried. lanes: members that shared a block.
    """

    members: Sequence[Result] = ()
    choices: tuple[Mapping[str, float], ...] = ()
    ranking: tuple[int, ...] = ()
    basins: tuple[Basin, ...] = ()
    rates: tuple[Rate, ...] = field(default=())
    lanes: int = 1

    def __str__(self) -> str:
        failed = sum(member.stopped_by.reason == "not finite" for member in self.members)
        lines = [
            f"{len(self.members)} descents in {duration(self.seconds)} (and {duration(self.compile_seconds)} to compile)"
            + (f"; {failed} diverged" if failed else ""),
        ]
        lines += [f"  best           {self._member(self.ranking[0])}"]
        lines += [f"  {'':15}{self._member(number)}" for number in self.ranking[1:5]]
        if len(self.ranking) > 5:
            lines += [f"  worst          {self._member(self.ranking[-1])}"]
        if len(self.basins) > 1 or (self.basins and not self.rates):
            resting = sum(len(basin.members) for basin in self.basins)
            lines.append(f"  minima         {len(self.basins)}, reached by {resting} of {len(self.members)}")
            lines += [
                f"  {'':15}loss {b.loss:.6g}: {len(b.members)} of {len(self.members)} starts" for b in self.basins[:5]
            ]
        lines += [f"  rates          {line}" if i == 0 else f"  {'':15}{line}" for i, line in enumerate(self._rates())]
        lines.append("the best: " + Result.__str__(self))
        return "\n".join(lines)

    def _member(self, number: int) -> str:
        member, own = self.members[number], self.choices[number]
        named = ", ".join(f"{name} {value:g}" for name, value in own.items())
        return f"loss {member.loss:.6g} after {member.steps:,} steps  ({named})"

    def _rates(self) -> list[str]:
        lines = []
        for kind in (RateKind.GOOD, RateKind.SLOW, RateKind.OVERSHOT):
            of_kind = [rate.learning_rate for rate in self.rates if rate.kind is kind]
            if of_kind:
                lines.append(f"{kind.value}: {', '.join(f'{rate:g}' for rate in of_kind)}")
        return lines


@dataclass(frozen=True, eq=False)
class Reached:
    """What K members are ranked and grouped by: the loss (K,) at their last finite parameters (K, P), whether they failed, and whether they
    came to rest; and the loss at which each began, NaN where none was recorded."""

    loss: Array
    parameters: Array
    has_failed: Array
    is_at_rest: Array
    first_loss: Array


def population_of(
    members: Sequence[Result],
    choices: Sequence[Mapping[str, float]],
    reached: Reached,
    seconds: float,
    compile_seconds: float,
    lanes: int,
) -> Population:
    """Ranks and groups the members."""
    has_failed = reached.has_failed | ~np.isfinite(reached.loss)
    ranking = np.lexsort((np.where(np.isfinite(reached.loss), reached.loss, np.inf), has_failed))
    best = members[int(ranking[0])]
    values = {item.name: getattr(best, item.name) for item in dataclasses.fields(Result)}
    values |= {"seconds": seconds, "compile_seconds": compile_seconds}
    resting = ranking[(reached.is_at_rest & ~has_failed)[ranking]].tolist()
    return Population(
        **values,
        members=members,
        choices=tuple(choices),
        ranking=tuple(ranking.tolist()),
        basins=_basins(members, reached, resting),
        rates=_rates(choices, np.where(has_failed, np.inf, reached.loss), reached.first_loss),
        lanes=lanes,
    )


_NEAR = 1e-3


def _basins(members: Sequence[Result], reached: Reached, resting: Sequence[int]) -> tuple[Basin, ...]:
    """Members at the same place with the same loss are in one basin; the best of it stands for it."""
    places, losses = reached.parameters.astype(np.float64), reached.loss
    found: dict[int, list[int]] = {}
    for number in resting:
        for first, group in found.items():
            center = places[first]
            is_same_loss = abs(losses[number] - losses[first]) <= _NEAR * max(abs(losses[first]), 1e-6)
            if is_same_loss and norm(places[number] - center) <= _NEAR * max(1.0, norm(center)):
                group.append(number)
                break
        else:
            found[number] = [number]
    return tuple(
        Basin(float(losses[first]), members[first].parameters, tuple(sorted(group))) for first, group in found.items()
    )


def _rates(choices: Sequence[Mapping[str, float]], losses: Array, starts: Array) -> tuple[Rate, ...]:
    """Whether a rate went up, came close to the best, or was still far from it."""
    by_rate: dict[float, list[float]] = {}
    for own, loss in zip(choices, losses.tolist(), strict=True):
        if "learning_rate" in own:
            by_rate.setdefault(own["learning_rate"], []).append(loss)
    if len(by_rate) < 2:
        return ()
    medians = {rate: statistics.median(of_rate) for rate, of_rate in by_rate.items()}
    start = float(np.median(starts))
    best_rate = min(medians, key=lambda rate: medians[rate])
    best = medians[best_rate]
    found = []
    for rate, loss in sorted(medians.items()):
        is_close = start - loss >= _CLOSE * (start - best)
        if math.isfinite(loss) and loss < start and is_close:
            kind = RateKind.GOOD
        else:
            kind = RateKind.SLOW if rate < best_rate and loss <= start else RateKind.OVERSHOT
        found.append(Rate(rate, loss, kind))
    return tuple(found)


_CLOSE = 0.9
"""A good rate makes this share of the best rate's way down."""

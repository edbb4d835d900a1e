"""What a population found: its members ranked, the minima they ended in, and how the learning rates did."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..graph import Array
from .methods import Method
from .parameters import flatten
from .result import Result, duration

__all__ = ["Basin", "Population", "Rate", "RateKind", "population_of"]


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

    members: tuple[Result, ...] = ()
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


def population_of(
    members: Sequence[Result],
    choices: Sequence[Mapping[str, float]],
    starts: Sequence[float],
    seconds: float,
    compile_seconds: float,
    lanes: int,
) -> Population:
    """Ranks and groups the members. starts: the loss at which each began."""

    def key(number: int) -> tuple[bool, float]:
        loss = members[number].loss
        failed = members[number].stopped_by.reason == "not finite" or not math.isfinite(loss)
        return failed, loss if math.isfinite(loss) else math.inf

    ranking = sorted(range(len(members)), key=key)
    best = members[ranking[0]]
    values = {item.name: getattr(best, item.name) for item in dataclasses.fields(Result)}
    values |= {"seconds": seconds, "compile_seconds": compile_seconds}
    return Population(
        **values,
        members=tuple(members),
        choices=tuple(choices),
        ranking=tuple(ranking),
        basins=_basins(members, [n for n in ranking if not key(n)[0] and _rests(members[n])]),
        rates=_rates(members, choices, starts),
        lanes=lanes,
    )


def _rests(member: Result) -> bool:
    """Whether a member came to rest, rather than running out of steps or time."""
    if member.stopped_by.reason == "no smaller loss":
        return True
    return any(rule.startswith(("GradientBelow", "NoChange")) for rule in member.stopped_by.rules)


def _flat(result: Result) -> Array:
    leaves, _ = flatten(result.parameters)
    return np.concatenate([np.ravel(leaf).astype(np.float64) for leaf in leaves])


_NEAR = 1e-3


def _basins(members: Sequence[Result], resting: Sequence[int]) -> tuple[Basin, ...]:
    """Members at the same place with the same loss are in one basin; the best of it stands for it."""
    found: list[tuple[int, Array, list[int]]] = []
    for number in resting:
        place, loss = _flat(members[number]), members[number].loss
        for first, center, group in found:
            of_first = members[first].loss
            is_same_loss = abs(loss - of_first) <= _NEAR * max(abs(of_first), 1e-6)
            if is_same_loss and np.linalg.norm(place - center) <= _NEAR * max(1.0, float(np.linalg.norm(center))):
                group.append(number)
                break
        else:
            found.append((number, place, [number]))
    return tuple(
        Basin(members[first].loss, members[first].parameters, tuple(sorted(group))) for first, _, group in found
    )


def _rates(
    members: Sequence[Result], choices: Sequence[Mapping[str, float]], starts: Sequence[float]
) -> tuple[Rate, ...]:
    """Whether a rate went up, came close to the best, or was still far from it."""
    by_rate: dict[float, list[int]] = {}
    for number, own in enumerate(choices):
        if "learning_rate" in own:
            by_rate.setdefault(own["learning_rate"], []).append(number)
    if len(by_rate) < 2:
        return ()

    def reached(number: int) -> float:
        member = members[number]
        failed = member.stopped_by.reason == "not finite" or not math.isfinite(member.loss)
        return math.inf if failed else member.loss

    losses = {rate: float(np.median([reached(n) for n in numbers])) for rate, numbers in by_rate.items()}
    start = float(np.median([starts[n] for n in range(len(members))]))
    best_rate = min(losses, key=lambda rate: losses[rate])
    best = losses[best_rate]
    found = []
    for rate in sorted(losses):
        is_close = start - losses[rate] >= _CLOSE * (start - best)
        if math.isfinite(losses[rate]) and losses[rate] < start and is_close:
            kind = RateKind.GOOD
        else:
            kind = RateKind.SLOW if rate < best_rate and losses[rate] <= start else RateKind.OVERSHOT
        found.append(Rate(rate, losses[rate], kind))
    return tuple(found)


_CLOSE = 0.9
"""A good rate makes this share of the best rate's way down."""


def check_same_state(states: Sequence[Sequence[Array]], method: Method) -> None:
    """Raises ArgumentError if members would need memories of different shapes."""
    shapes = [[array.shape for array in state] for state in states]
    if any(other != shapes[0] for other in shapes[1:]):
        raise ArgumentError(
            f"{method}: a grid over a number that sets the size of the method's memory cannot run as one program; "
            "call minimize once for each value"
        )

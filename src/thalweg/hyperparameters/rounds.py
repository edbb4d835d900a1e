"""Rounds: what is drawn in each, and how its outcome narrows the ranges of the next."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .ranges import Range
from .trials import Status, Trial, ranked

__all__ = ["Drawn", "Ranges", "draw", "narrow"]

Ranges = Mapping[str, Range]


@dataclass(frozen=True, eq=False)
class Drawn:
    """A trial before it runs."""

    number: int
    round: int
    values: Mapping[str, Any]
    seed: int


def draw(ranges: Ranges, seed: int, round: int, trials: int) -> list[Drawn]:
    """The trials of a round. What a trial draws follows from its number and the seed, and from nothing that ran before."""
    found = []
    for number in range(round * trials, (round + 1) * trials):
        own = int(np.random.SeedSequence([seed % (1 << 63), number]).generate_state(1)[0])
        generator = np.random.default_rng(own)
        values = {name: ranges[name].draw(generator) for name in sorted(ranges)}
        found.append(Drawn(number, round, {name: values[name] for name in ranges}, own))
    return found


def narrow(ranges: Ranges, given: Ranges, trials: Sequence[Trial], keep: float, factor: float) -> Ranges:
    """The ranges of the next round: around the best trials so far, as many as the share `keep` of the last round.

    given: the ranges that the search began with. If every trial failed, the ranges stay as they are.
    """
    last = max(trial.round for trial in trials)
    count = math.ceil(keep * sum(trial.round == last for trial in trials))
    kept = [x for x in ranked(trials)[:count] if x.status is not Status.NOT_FINITE and math.isfinite(x.score)]
    if not kept:
        return ranges
    return {
        name: range.narrowed([trial.values[name] for trial in kept], factor, given[name])
        for name, range in ranges.items()
    }

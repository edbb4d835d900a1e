"""What a search tells: while it runs, and in the end."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..arguments import SEARCH, SaysWhatItHas
from ..descent import Progress, Result
from ..descent.result import duration
from .ranges import Interval, LogUniform, Range, plain
from .rounds import Ranges
from .trials import Status, Trial, ranked

__all__ = ["SearchProgress", "SearchResult", "edges", "shown"]


@dataclass(frozen=True)
class SearchProgress:
    """Where a search stands.

    round: from 0 on, out of `rounds`. done: the trials that have run, out of `trials`, over all rounds. best: the best of them;
    None as long as none has succeeded. ranges: of the current round. seconds: since the search began. descent: the trials on
    their way, the best of them; None between populations.
    """

    round: int
    rounds: int
    done: int
    trials: int
    best: Trial | None
    ranges: Ranges
    seconds: float
    descent: Progress | None = None


@dataclass(frozen=True, eq=False)
class SearchResult(SaysWhatItHas):
    """What a search found.

    best: the best trial; result: its descent, with the parameters. trials: all of them, in order. ranges: of each round, and
    those to which the last round narrowed them. score: what trials were compared by, in words. notes: what else is worth knowing,
    such as a best value at the end of its range.
    """

    _elsewhere: ClassVar = SEARCH
    best: Trial
    result: Result
    trials: tuple[Trial, ...]
    ranges: tuple[Ranges, ...]
    score: str
    seconds: float
    notes: tuple[str, ...] = field(default=())

    @property
    def best_values(self) -> dict[str, Any]:
        """The hyperparameters of the best trial, by name."""
        return dict(self.best.values)

    @property
    def parameters(self) -> Any:
        """The parameters that the best trial reached."""
        return self.result.parameters

    @property
    def ranking(self) -> tuple[Trial, ...]:
        """The trials, the best first."""
        return tuple(ranked(self.trials))

    def report(self, path: str | Path, **further: Any) -> Path:
        """Writes a page: the ranges as they narrowed, the trials, and the descent of the best. See `Result.report`."""
        from .. import report
        from ..diagnosis import judge

        result = dataclasses.replace(self.result, judge=judge)
        return report.write(result, path, **{"title": "A search", "further": (self.narrowing(),), **further})

    def picture(self, name: str, path: str | Path, **further: Any) -> tuple[Path, ...]:
        """Writes a picture to a file: "ranges", or one of the best descent. See `Result.picture`."""
        from .. import report

        return report.pictures(self.result, name, path, further=(self.narrowing(),), **further)

    def narrowing(self) -> Any:
        """The hyperparameters that are numbers, as a picture: a `thalweg.pictures.Narrowing`."""
        from ..pictures import Narrowed, Narrowing

        numbers = {name: range for name, range in self.ranges[0].items() if isinstance(range, Interval)}
        rounds: list[Any] = list(self.ranges)
        parameters = tuple(
            Narrowed(
                name,
                np.array([float(of_round[name].low) for of_round in rounds]),
                np.array([float(of_round[name].high) for of_round in rounds]),
                np.array([float(trial.values[name]) for trial in self.trials]),
                isinstance(range, LogUniform),
            )
            for name, range in numbers.items()
        )
        return Narrowing(
            parameters,
            np.array([trial.round for trial in self.trials]),
            np.array([trial.score for trial in self.trials]),
            self.trials.index(self.best),
        )

    def __str__(self) -> str:
        rounds = 1 + max(trial.round for trial in self.trials)
        head = f"{len(self.trials):,} trials in {rounds} round{'s' * (rounds > 1)}, {duration(self.seconds)}"
        for status, what in ((Status.STOPPED_EARLY, "stopped early"), (Status.NOT_FINITE, "not finite")):
            count = sum(trial.status is status for trial in self.trials)
            head += f"; {count:,} {what}" if count else ""
        lines = [head, f"  score   {self.score}"]
        lines += [
            f"  {'best' if place == 0 else '':7} {trial.score:.6g}  ({shown(trial.values)})"
            for place, trial in enumerate(self.ranking[:3])
            if trial.status is not Status.NOT_FINITE
        ]
        lines += [
            f"  ranges  {_joined(ranges)}" if i == 0 else f"  {'':7} {_joined(ranges)}"
            for i, ranges in enumerate(self.ranges)
        ]
        lines += [f"  note    {note}" for note in self.notes]
        return "\n".join(lines)

    __repr__ = __str__


def _joined(ranges: Ranges) -> str:
    return ", ".join(f"{name} {range}" for name, range in ranges.items())


def shown(values: Mapping[str, Any]) -> str:
    """A trial's values for a person."""
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {plain(value)}"
        for name, value in values.items()
    )


def edges(best: Trial, given: Mapping[str, Range]) -> Sequence[str]:
    """A note for each best value that lies at an end of the range that the user gave."""
    found = []
    for name, range in given.items():
        if (end := range.edge(best.values[name])) is not None:
            found.append(
                f"the best {shown({name: best.values[name]})} lies at the {end} end of its range, {range}: widen it there"
            )
    return found

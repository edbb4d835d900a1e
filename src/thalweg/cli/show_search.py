"""What the command `tune` prints."""

from __future__ import annotations

from types import TracebackType

from rich.live import Live
from rich.markup import escape
from rich.table import Table as Grid
from rich.text import Text

from ..hyperparameters import SearchProgress, SearchResult, Status, Trial
from ..hyperparameters.found import shown
from ..hyperparameters.ranges import Interval, Range
from .show import console, grid_of

__all__ = ["LiveSearch", "searched"]


class LiveSearch:
    """Lines that follow a search; silent where the output is no terminal."""

    def __init__(self) -> None:
        self._live = Live(console=console, transient=True, refresh_per_second=8)

    def __enter__(self) -> LiveSearch:
        if console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def update(self, now: SearchProgress) -> None:
        """Shows where the search stands."""
        if self._live.is_started:
            self._live.update(Text("\n".join(_lines(now))))


def _lines(now: SearchProgress) -> list[str]:
    left = now.seconds / now.done * (now.trials - now.done) if now.done else 0.0
    lines = [
        f"round {now.round + 1} of {now.rounds}, {now.done:,} of {now.trials:,} trials"
        + (f", about {left:.0f} s left" if now.done else "")
        + (f"; step {now.descent.step:,}, loss {now.descent.loss:.6g}" if now.descent else "")
    ]
    if now.best is not None:
        lines.append(f"  best    {now.best.score:.6g}  ({shown(now.best.values)})")
    return lines + [f"  {name:15} {range}" for name, range in now.ranges.items()]


def searched(found: SearchResult) -> None:
    """The rounds with their ranges and bests, and the best of all."""
    names = list(found.best.values)
    grid = grid_of("round", *names, "best score")
    for number, ranges in enumerate(found.ranges):
        trials = [trial for trial in found.trials if trial.round == number]
        best, label = (_best(trials), str(number + 1)) if trials else ("", "end")
        grid.add_row(label, *(escape(_short(ranges[name])) for name in names), best)
    console.print()
    console.print(grid)
    _summary(found, grid_of("", *names, "score"), names)


def _short(range: Range) -> str:
    """In two digits, so that a round fits in a line."""
    return f"{range.low:.2g} to {range.high:.2g}" if isinstance(range, Interval) else str(range)


def _best(trials: list[Trial]) -> str:
    scores = [trial.score for trial in trials if trial.status is not Status.NOT_FINITE]
    return f"{min(scores):.6g}" if scores else "none finite"


def _summary(found: SearchResult, grid: Grid, names: list[str]) -> None:
    values = found.best_values
    grid.add_row(
        "best", *(shown({name: values[name]}).removeprefix(f"{name} ") for name in names), f"{found.best.score:.6g}"
    )
    console.print()
    console.print(grid)
    counts = [(status, sum(trial.status is status for trial in found.trials)) for status in Status]
    told = ", ".join(f"{count:,} {status.value}" for status, count in counts if count)
    console.print(f"{len(found.trials):,} trials in {found.seconds:.1f} s: {told}. Score: {found.score}.")
    for note in found.notes:
        console.print(f"Note: {note}", markup=False)

"""Timing competitors side by side, interleaved, and printing their medians and ratios."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

__all__ = ["Goal", "Report", "interleaved", "missing", "print_report", "process_seconds"]


@dataclass(frozen=True)
class Goal:
    """A ratio that should not be exceeded: of `ours` to the smallest of `theirs`, or of a measured value to a bound."""

    text: str
    value: float
    bound: float

    @property
    def is_met(self) -> bool:
        return self.value <= self.bound


@dataclass
class Report:
    """What a case measured. seconds: median for each competitor, of one `unit`."""

    name: str
    unit: str
    seconds: Mapping[str, float]
    goals: Sequence[Goal] = field(default_factory=list)
    notes: Sequence[str] = field(default_factory=list)


def interleaved(competitors: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median seconds of each competitor: A B C A B C ..., after one round that does not count."""
    times: dict[str, list[float]] = {name: [] for name in competitors}
    for round_ in range(repeats + 1):
        for name, run in competitors.items():
            time.sleep(0.1)  # until the threads of the one before have gone to sleep
            begin = time.perf_counter()
            measured = run()
            took = measured if isinstance(measured, float) else time.perf_counter() - begin
            if round_:
                times[name].append(took)
    return {name: statistics.median(values) for name, values in times.items()}


def process_seconds(code: str, is_cold: bool = True) -> float:
    """Seconds of a fresh interpreter that runs the code. is_cold: thalweg's cache of compiled code is empty."""
    environment = dict(os.environ)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # installed packages have their bytecode, ours as well
    with tempfile.TemporaryDirectory() as folder:
        if is_cold:
            environment["THALWEG_CACHE"] = folder
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, env=environment, stdout=subprocess.DEVNULL)
        return time.perf_counter() - begin


def missing(*names: str) -> list[str]:
    """Those of the given packages that are not installed."""
    from importlib.util import find_spec

    return [name for name in names if find_spec(name) is None]


def _duration(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.3g} µs"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def print_report(console: Console, report: Report) -> None:
    """A table, the goals and the notes."""
    table = Table(title=report.name, title_justify="left", title_style="bold", box=None)
    for header, justify in (("", "left"), (f"median, one {report.unit}", "right"), ("× thalweg", "right")):
        table.add_column(header, justify=justify)  # type: ignore[arg-type]  # "left" or "right"
    ours = next(value for name, value in report.seconds.items() if "thalweg" in name)
    for name, value in report.seconds.items():
        table.add_row(name, _duration(value), f"{value / ours:.2f}")
    console.print(table)
    for goal in report.goals:
        console.print(
            f"  goal {goal.text}: {goal.value:.4g} of {goal.bound:.4g} — {'met' if goal.is_met else 'MISSED'}"
        )
    for note in report.notes:
        console.print(f"  {note}")
    console.print()

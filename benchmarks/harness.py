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

__all__ = ["Goal", "Report", "interleaved", "missing", "process_seconds"]


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

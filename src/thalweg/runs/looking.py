"""Looking into a run folder without disturbing who uses it: what is known of the descent so far."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..descent import History, Result, Stopped
from ..descent.result import Ending
from ..errors import RunError
from .checkpoint_file import Damaged, checkpoint_files, read_checkpoint

__all__ = ["about", "result_so_far"]


def about(folder: str | Path) -> Mapping[str, Any]:
    """What run.json holds. Raises RunError if there is no run, or the file is damaged."""
    file = Path(folder) / "run.json"
    try:
        found = json.loads(file.read_bytes())
        int(found["thalweg_run"])
    except OSError:
        raise RunError(f"there is no run in {folder}") from None
    except (ValueError, KeyError, TypeError):
        raise RunError(f"{file} is damaged, or no thalweg's") from None
    return dict(found)


def result_so_far(folder: str | Path) -> Result:
    """The record of a run, whether it goes on, was killed, or has ended; without loss, data and parameters.

    Raises RunError if there is no run, or nothing was recorded yet.
    """
    about(folder)
    lines = list(_lines(Path(folder) / "history.jsonl"))
    rows = [line for line in lines if "loss" in line]
    checks = [line for line in lines if "validation_loss" in line]
    if not rows:
        raise RunError(f"the run in {folder} has recorded nothing yet")
    names = ("step", "loss", "gradient_norm", "learning_rate", "slope", "seconds")
    checked = [int(check["step"]) for check in checks]
    history = History.of(
        {name: _numbers(rows, name) for name in names},
        list(zip(checked, _numbers(checks, "validation_loss").tolist(), strict=True)),
    )
    last = int(history.step[-1])
    return Result(
        parameters={},
        end=Ending.at(float(history.loss[-1]), float(history.gradient_norm[-1])),
        steps=last,
        seconds=_seconds(Path(folder)),
        stopped_by=Stopped("unknown", (), f"This is what the folder held when it was looked into, at step {last:,}"),
        history=history,
    )


def _lines(file: Path) -> Iterator[Mapping[str, Any]]:
    """The lines that are whole: the last may be on its way, or cut short by a crash."""
    try:
        text = file.read_text("utf-8", "replace")
    except OSError:
        return
    for line in text.splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and isinstance(found.get("step"), int):
            yield found


def _numbers(lines: list[Mapping[str, Any]], name: str) -> Any:
    values = [line.get(name) for line in lines]
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _seconds(folder: Path) -> float:
    """Of descent, at the latest checkpoint; 0 if there is none."""
    for file in checkpoint_files(folder):
        try:
            return float(read_checkpoint(file).seconds)
        except Damaged:
            continue
    return 0.0

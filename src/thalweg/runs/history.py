"""The history as JSON lines, for people and programs that look on: added to after every stretch.

    {"step": 0, "loss": 0.693, "gradient_norm": 0.21, "learning_rate": 0.01, "slope": -0.0021, "seconds": 0.0}
    {"step": 100, "validation_loss": 0.412}

What is not finite is null. The checkpoints hold the same numbers; from them the file is written anew when a run goes on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..descent.checkpoint import Checkpoint
from ..graph import Array

__all__ = ["lines_of", "whole_history"]

Check = tuple[int, int, float]


def whole_history(checkpoint: Checkpoint | None) -> str:
    """The lines up to a checkpoint."""
    if checkpoint is None:
        return ""
    checks = [(int(iteration), int(step), float(loss)) for iteration, step, loss in checkpoint.checks]
    return lines_of(checkpoint.rows, checks)


def lines_of(rows: Array, checks: Sequence[Check]) -> str:
    """Rows of the history and checks on validation data as lines; a check comes before the row of the same iteration."""
    found = [(iteration, 0, f'"step": {step}, "validation_loss": {_json(loss)}') for iteration, step, loss in checks]
    found += [
        (int(iteration), 1, _row(int(step), [*numbers[:4], numbers[-1]])) for iteration, step, *numbers in rows.tolist()
    ]
    found.sort(key=lambda line: line[:2])
    return "".join(f"{{{text}}}\n" for *_, text in found)


def _row(step: int, numbers: Sequence[float]) -> str:
    named = zip(("loss", "gradient_norm", "learning_rate", "slope", "seconds"), numbers, strict=True)
    return ", ".join([f'"step": {step}', *(f'"{name}": {_json(value)}' for name, value in named)])


def _json(value: float) -> str:
    return repr(value) if math.isfinite(value) else "null"

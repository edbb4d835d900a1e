"""What a descent returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..graph import Array

__all__ = ["History", "Result", "Stopped", "duration"]


@dataclass(frozen=True, eq=False)
class History:
    """What was recorded on the way, one entry per row; every step up to 2048, then every
    2nd up to 4096, every 4th up to 8192, and so on, and the last.

    step, loss, gradient_norm, learning_rate, slope: arrays of one length. For mini-batches, loss and gradient are those of
    the batch. learning_rate: μ in w ← w + μΔw. slope: ∇f·Δw, below zero where the direction points downhill. With a line
    search both are those of the step that led to the row, else those of the step that leads on. NaN where there is none.
    validation_step, validation_loss: of the checks on validation data, if there were any.
    """

    step: Array
    loss: Array
    gradient_norm: Array
    learning_rate: Array
    slope: Array
    validation_step: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    validation_loss: Array = field(default_factory=lambda: np.zeros(0))

    def __len__(self) -> int:
        return len(self.step)


@dataclass(frozen=True)
class Stopped:
    """Why a descent ended.

    reason: `"rule"`, `"interrupted"`, `"not finite"`, or `"no smaller loss"` (a line search found none). rules: the stopping
    rules that fired, as text. sentence: for a person.
    """

    reason: str
    rules: tuple[str, ...]
    sentence: str

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, eq=False)
class Result:
    """Where a descent ended, and how it got there.

    parameters: nested as they were given. loss, gradient_norm: at those parameters, over all data. steps: that were taken.
    evaluations: of the loss, with its gradient. seconds: of descent alone; compile_seconds: of tracing and compiling.
    stopped_by: why it ended. ascents: the steps whose direction did not point downhill. notes: what else is worth knowing,
    such as that the loss could not be divided into tiles. memory: the method's, at the end, for `minimize(..., memory=...)`.
    With a penalty that has a kink, the gradient norm is that of (w − prox(w − μ∇f)) / μ.
    """

    parameters: Any
    loss: float
    gradient_norm: float
    steps: int
    seconds: float
    stopped_by: Stopped
    history: History
    compile_seconds: float = 0.0
    method: Any = None
    notes: tuple[str, ...] = field(default=())
    evaluations: int = 0
    ascents: int = 0
    memory: Any = field(default=None, repr=False)

    def __str__(self) -> str:
        lines = [
            f"Stopped because {self.stopped_by.sentence}.",
            f"  loss           {self.loss:.8g}",
            f"  gradient norm  {self.gradient_norm:.3g}",
            f"  steps          {self.steps:,}{self._trials()} in {duration(self.seconds)}"
            f" (and {duration(self.compile_seconds)} to compile)",
            f"  method         {self.method}",
            f"  parameters     {_short(self.parameters)}",
        ]
        lines += [f"  note           {note}" for note in self.notes]
        return "\n".join(lines)

    __repr__ = __str__

    def _trials(self) -> str:
        is_plain = self.evaluations in (0, self.steps, self.steps + 1)
        return "" if is_plain else f" ({self.evaluations:,} evaluations)"


def duration(seconds: float) -> str:
    """A time as a person writes it."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _short(parameters: Any) -> str:
    if isinstance(parameters, dict):
        return "{" + ", ".join(f"{key!r}: {_short(value)}" for key, value in parameters.items()) + "}"
    if isinstance(parameters, np.ndarray) and parameters.size > 8:
        return f"{parameters.dtype} array of the shape {parameters.shape}"
    return (
        np.array2string(np.asarray(parameters), precision=6) if isinstance(parameters, np.ndarray) else repr(parameters)
    )

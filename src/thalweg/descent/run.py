"""The story of a descent: stretch after stretch, until a rule fires, numbers fail, or the user stops it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..graph import Array
from .engines import Engine
from .result import History, Stopped
from .steps import Status, fired_rules
from .stopping import Measurement, Stop, StoppingRule, leaves

__all__ = ["Ended", "Progress", "Validation", "descend", "reason"]

_STRETCH_SECONDS = 0.05


@dataclass(frozen=True)
class Progress:
    """Where a descent stands, at the end of a stretch. history: all rows so far, newest last."""

    step: int
    loss: float
    gradient_norm: float
    seconds: float
    history: History


@dataclass(eq=False)
class Validation:
    """Checks on data that are kept apart.

    loss: parameter vector → loss on those data. every: how many iterations lie between checks. checks: (step, loss) of each.
    best: the vector with the smallest loss.
    """

    loss: Callable[[Array], float]
    every: int
    checks: list[tuple[int, float]] = field(default_factory=list)
    best: Array | None = None
    best_step: int = 0
    best_loss: float = np.inf

    def check(self, vector: Array, step: int) -> None:
        """One more check."""
        value = self.loss(vector)
        if value < self.best_loss:
            self.best, self.best_step, self.best_loss = vector.copy(), step, value
        self.checks.append((step, value))

    @property
    def outside(self) -> tuple[float, float]:
        """What the rules see: the last loss, and how many checks there were."""
        return (self.checks[-1][1], float(len(self.checks))) if self.checks else (float("nan"), 0.0)


@dataclass(frozen=True, eq=False)
class Ended:
    """How a descent ended. status: of the last step. rows: of the history, as the engine records them."""

    status: int
    is_interrupted: bool
    seconds: float
    rows: Array


def history_of(rows: Array) -> History:
    """The history of a single descent. A step that is seen twice, since a search failed there, counts once."""
    if len(rows) > 1:
        rows = rows[np.append(rows[1:, 1] != rows[:-1, 1], True)]
    return History(rows[:, 1].astype(np.int64), rows[:, 2], rows[:, 3], rows[:, 4], rows[:, 5])


def descend(
    engine: Engine,
    on_rows: Callable[[Array, float], object] | None = None,
    validation: Validation | None = None,
    point: Callable[[], tuple[Array, int]] | None = None,
) -> Ended:
    """Runs an engine to its end. Ctrl-C ends the descent and keeps what was reached.

    on_rows: called after every stretch with all rows of the history and the seconds; if it returns True the descent stops.
    validation: checks that are due after every so many iterations. point: the parameters and the step reached.
    """
    begin = time.perf_counter()
    iterations = 1
    rows: list[Array] = []
    status = 0
    is_interrupted = False
    try:
        while status == 0:
            now = time.perf_counter()
            before = engine.iteration
            wanted = iterations
            if validation is not None and point is not None:
                if before % validation.every == 0:
                    validation.check(*point())
                wanted = min(iterations, validation.every - before % validation.every)
            outside = (now - begin, *(validation.outside if validation else (np.nan, 0.0)))
            status, new = engine.advance(wanted, outside)
            took = max(time.perf_counter() - now, 1e-7)
            done = max(engine.iteration - before, 1)
            iterations = max(1, min(int(done * _STRETCH_SECONDS / took), iterations * 64))
            if len(new):
                rows.append(new)
            if on_rows is not None and rows:
                is_interrupted = on_rows(np.concatenate(rows), time.perf_counter() - begin) is True
                if is_interrupted:
                    break
    except KeyboardInterrupt:
        is_interrupted = True
    seconds = time.perf_counter() - begin
    joined = np.concatenate(rows) if rows else np.zeros((0, 6))
    return Ended(status, is_interrupted, seconds, joined)


_SENTENCES = {
    Status.LOSS_NOT_FINITE: "the loss was no longer finite at step {step:,}",
    Status.GRADIENT_NOT_FINITE: "the gradient was no longer finite at step {step:,}",
    Status.PARAMETERS_NOT_FINITE: "step {step:,} would have led to parameters that are not finite",
    Status.NO_SMALLER_LOSS: "no step along the direction of steepest descent lowers the loss, {loss:.8g}, any further: "
    "what is left lies within its rounding error, the loss has a kink here, or it falls without bound",
}


def reason(status: int, is_interrupted: bool, rule: StoppingRule, now: Measurement) -> Stopped:
    """Why a descent ended, in words."""
    if is_interrupted:
        return Stopped("interrupted", (), f"the user stopped it at step {now.step:,}")
    if status < 0:
        kind = "no smaller loss" if status == Status.NO_SMALLER_LOSS else "not finite"
        return Stopped(kind, (), _SENTENCES[Status(status)].format(step=now.step, loss=now.loss))
    simple = list(leaves(rule))
    fired = [simple[number] for number in fired_rules(status, len(simple))]
    kind = "interrupted" if any(isinstance(rule, Stop) for rule in fired) else "rule"
    return Stopped(kind, tuple(map(str, fired)), "; ".join(simple.sentence(now) for simple in fired))


def progress_of(rows: Array, seconds: float) -> Progress:
    """What a user's function is shown of a single descent."""
    history = history_of(rows)
    return Progress(int(history.step[-1]), float(history.loss[-1]), float(history.gradient_norm[-1]), seconds, history)

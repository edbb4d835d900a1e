"""The story of a descent: stretch after stretch, until a rule fires, numbers fail, or the user stops it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..graph import Array
from .controls import Controls
from .engines import Engine
from .result import History, Stopped
from .steps import RECORDED, Outside, Status, fired_rules
from .stopping import Measurement, Stop, StoppingRule, leaves

__all__ = ["Ended", "Progress", "Validation", "descend", "history_of", "progress_of", "reason", "with_checks"]

_STRETCH_SECONDS = 0.05


@dataclass(frozen=True, eq=False)
class Progress:
    """Where a descent stands, at the end of a stretch; of several descents, the best of them.

    rows, checks: what `history` is made of, as the descent recorded it. origin: the loss, the data and the start, as in a Result.
    blocks: of several descents, what each stretch recorded: the members' numbers, -1 where there is none, and
    rows × parts × members. They only grow, so whoever remembers how many there were finds what is new.
    """

    step: int
    loss: float
    gradient_norm: float
    seconds: float
    rows: Array = field(repr=False)
    checks: Sequence[tuple[int, float]] = field(default=(), repr=False)
    origin: Any = field(default=None, repr=False)
    blocks: Sequence[tuple[Array, Array]] = field(default=(), repr=False)

    @cached_property
    def history(self) -> History:
        """All rows so far, newest last; made when it is asked for, so that who only counts steps pays nothing."""
        return with_checks(history_of(self.rows), self.checks)


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
    columns = (rows[:, 2], rows[:, 3], rows[:, 4], rows[:, 5])
    return History(rows[:, 1].astype(np.int64), *columns, parameters=rows[:, 1 + len(RECORDED) :])


def with_checks(history: History, checks: Sequence[tuple[int, float]]) -> History:
    """The history with the checks on validation data."""
    steps = np.array([step for step, _ in checks], np.int64)
    losses = np.array([loss for _, loss in checks], np.float64)
    return replace(history, validation_step=steps, validation_loss=losses)


def descend(
    engine: Engine,
    on_rows: Callable[[Array, float], object] | None = None,
    validation: Validation | None = None,
    point: Callable[[], tuple[Array, int]] | None = None,
    controls: Controls | None = None,
) -> Ended:
    """Runs an engine to its end. Ctrl-C ends the descent and keeps what was reached.

    on_rows: called after every stretch with all rows of the history and the seconds; if it returns True the descent stops.
    validation: checks that are due after every so many iterations. point: the parameters and the step reached.
    controls: what a person may do to it.
    """
    begin = time.perf_counter()
    iterations = 1
    rows: list[Array] = []
    status = 0
    is_interrupted = False
    try:
        with nullcontext() if controls is None else controls.steering(engine.request_stop):
            while status == 0:
                if controls is not None:
                    begin += controls.before_stretch(lambda: 0 if point is None else point()[1])
                    if controls.is_stopped:
                        is_interrupted = True
                        break
                now = time.perf_counter()
                before = engine.iteration
                wanted = iterations
                if validation is not None and point is not None:
                    if before % validation.every == 0:
                        validation.check(*point())
                    wanted = min(iterations, validation.every - before % validation.every)
                checked = validation.outside if validation else (np.nan, 0.0)
                outside = Outside(now - begin, *checked, 1.0 if controls is None else controls.applied_factor)
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


def progress_of(
    rows: Array,
    seconds: float,
    origin: Any = None,
    checks: Sequence[tuple[int, float]] = (),
    blocks: Sequence[tuple[Array, Array]] = (),
) -> Progress:
    """What a user's function is shown of a descent."""
    _, step, loss, norm, *_ = rows[-1].tolist()
    return Progress(int(step), loss, norm, seconds, rows, checks, origin, blocks)

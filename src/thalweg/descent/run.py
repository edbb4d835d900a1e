"""The story of a descent: stretch after stretch, until a rule fires, numbers fail, or the user stops it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..graph import Array
from .checkpoint import Checkpoint, Kept, no_rows
from .engines import Engine
from .result import History, Stopped
from .steps import Status, fired_rules
from .stopping import Measurement, Stop, StoppingRule, leaves

__all__ = ["Descent", "Ended", "Progress", "Validation", "history_of", "progress_of", "reason"]

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

    loss: parameter vector → loss on those data. every: how many iterations lie between checks. checks: (iteration, step, loss) of
    each. best: the vector with the smallest loss.
    """

    loss: Callable[[Array], float]
    every: int
    checks: list[tuple[int, int, float]] = field(default_factory=list)
    best: Array | None = None
    best_step: int = 0
    best_loss: float = np.inf

    def is_due(self, iteration: int) -> bool:
        """Whether there has to be a check before this iteration."""
        return iteration % self.every == 0 and not (self.checks and self.checks[-1][0] == iteration)

    def check(self, iteration: int, vector: Array, step: int) -> None:
        """One more check."""
        value = self.loss(vector)
        if value < self.best_loss:
            self.best, self.best_step, self.best_loss = vector.copy(), step, value
        self.checks.append((iteration, step, value))

    def go_on(self, checkpoint: Checkpoint) -> None:
        """Takes the checks up to a checkpoint for its own."""
        self.checks = [(int(iteration), int(step), float(loss)) for iteration, step, loss in checkpoint.checks]
        self.best = checkpoint.best.copy() if checkpoint.best.size else None
        self.best_step, self.best_loss = checkpoint.best_step, checkpoint.best_loss

    @property
    def outside(self) -> tuple[float, float]:
        """What the rules see: the last loss, and how many checks there were."""
        return (self.checks[-1][2], float(len(self.checks))) if self.checks else (float("nan"), 0.0)


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


@dataclass(eq=False)
class Descent:
    """A descent on its way, stretch after stretch.

    names: of the arrays in the engine's state. on_rows: called after every stretch with all rows of the history and the seconds;
    if it returns True the descent stops. validation: checks that are due after every so many iterations. kept: where
    checkpoints go; if it holds one, the engine and the validation stand there already.
    """

    engine: Engine
    names: Sequence[str]
    on_rows: Callable[[Array, float], object] | None = None
    validation: Validation | None = None
    kept: Kept | None = None

    def __post_init__(self) -> None:
        found = None if self.kept is None else self.kept.found
        self._rows = [] if found is None else [found.rows]
        self._seconds_before = 0.0 if found is None else found.seconds
        self._followed = len(self._rows), len(self.validation.checks) if self.validation else 0

    def run(self) -> Ended:
        """Goes on to the end. Ctrl-C ends the descent and keeps what was reached."""
        self._begin = time.perf_counter() - self._seconds_before
        status, is_interrupted = 0, False
        try:
            status, is_interrupted = self._stretches()
        except KeyboardInterrupt:
            is_interrupted = True
            self._take_rows()
        seconds = self._seconds()
        if self.kept is not None:
            self._follow(self.kept)
            self.kept.keep(self._checkpoint())
        return Ended(status, is_interrupted, seconds, self._all_rows())

    def _stretches(self) -> tuple[int, bool]:
        """Until a rule fires, numbers fail, or the user's function says so: the status, and whether it was the latter."""
        iterations, status, looked = 1, 0, -np.inf
        while status == 0:
            now = time.perf_counter()
            before = self.engine.iteration
            wanted = iterations
            if self.validation is not None:
                if self.validation.is_due(before):
                    self.validation.check(before, self._named("parameters"), int(self._named("step")))
                wanted = min(iterations, self.validation.every - before % self.validation.every)
            outside = (self._seconds(), *(self.validation.outside if self.validation else (np.nan, 0.0)))
            status = self.engine.advance(wanted, outside)
            took = max(time.perf_counter() - now, 1e-7)
            done = max(self.engine.iteration - before, 1)
            is_cut = wanted < iterations
            iterations = max(1, min(int(done * _STRETCH_SECONDS / took), iterations * 64))
            self._take_rows()
            if status == 0 and is_cut and self._seconds() < looked + _STRETCH_SECONDS:
                continue  # checks follow closely on one another, and are not worth a look each
            looked = self._seconds()
            if self.kept is not None and status == 0:
                self._follow(self.kept)
                if self.kept.is_due():
                    self.kept.keep(self._checkpoint())
            if self.on_rows is not None and self._rows and self.on_rows(self._all_rows(), self._seconds()) is True:
                return status, True
        return status, False

    def _seconds(self) -> float:
        return time.perf_counter() - self._begin

    def _named(self, name: str) -> Array:
        return self.engine.state[self.names.index(name)]

    # The history
    def _take_rows(self) -> None:
        """Takes what the last stretch has recorded, unless it is taken already; the end of an earlier process may be seen again."""
        rows = self.engine.rows
        if self._rows:
            rows = rows[rows[:, 0] > self._rows[-1][-1, 0]]
        if len(rows):
            self._rows.append(rows)

    def _all_rows(self) -> Array:
        return np.concatenate(self._rows) if self._rows else no_rows()

    def _checks(self) -> list[tuple[int, int, float]]:
        return [] if self.validation is None else self.validation.checks

    def _follow(self, kept: Kept) -> None:
        """Tells of what is new."""
        rows, checks = self._followed
        kept.follow(self._rows[rows:], self._checks()[checks:])
        self._followed = len(self._rows), len(self._checks())

    def _checkpoint(self) -> Checkpoint:
        checks, engine = self.validation, self.engine
        return Checkpoint(
            dict(zip(self.names, engine.state, strict=True)),
            engine.iteration,
            engine.next_record,
            self._seconds(),
            self._all_rows(),
            np.array(self._checks(), np.float64).reshape(-1, 3),
            np.zeros(0) if checks is None or checks.best is None else checks.best,
            0 if checks is None else checks.best_step,
            np.inf if checks is None else checks.best_loss,
        )


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

"""The story of a descent: stretch after stretch, until a rule fires, numbers fail, or the user stops it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from types import FrameType
from typing import Any

import numpy as np

from ..graph import Array
from .best import SMALLEST, Best
from .checkpoint import Checkpoint, Kept
from .controls import Controls
from .engines import Engine
from .history import Block, History, Rows
from .result import Stopped
from .steps import Outside, Status, fired_rules
from .stopping import Measurement, Stop, StoppingRule, leaves
from .stretches import STRETCH_SECONDS, Stretches

__all__ = ["Descent", "Ended", "Progress", "Validation", "progress_of", "reason"]


@dataclass(frozen=True, eq=False)
class Progress:
    """Where a descent stands, at the end of a stretch; of several descents, the best of them.

    rows, checks: what `history` is made of, as the descent recorded it, with seconds. origin: the loss, the data and the start, as in a Result;
    method: of descent.
    blocks: of several descents, what each stretch recorded. They only grow, so whoever remembers how many there were finds what is new.
    """

    step: int
    loss: float
    gradient_norm: float
    seconds: float
    rows: Array = field(repr=False)
    checks: Sequence[tuple[int, float]] = field(default=(), repr=False)
    origin: Any = field(default=None, repr=False)
    method: Any = field(default=None, repr=False)
    blocks: Sequence[Block] = field(default=(), repr=False)

    @cached_property
    def history(self) -> History:
        """All rows so far, newest last; made when it is asked for, so that who only counts steps pays nothing."""
        return History(Rows(self.rows), self.checks)


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
    def told(self) -> list[tuple[int, float]]:
        """(step, loss) of each check."""
        return [(step, loss) for _, step, loss in self.checks]

    @property
    def outside(self) -> tuple[float, float]:
        """What the rules see: the last loss, and how many checks there were."""
        return (self.checks[-1][2], float(len(self.checks))) if self.checks else (float("nan"), 0.0)


@dataclass(frozen=True, eq=False)
class Ended:
    """How a descent ended. status: of the last step."""

    status: int
    is_interrupted: bool
    seconds: float
    rows: Rows


@dataclass(eq=False)
class Descent:
    """A descent on its way, stretch after stretch.

    names: of the arrays in the engine's state. on_rows: called after every stretch with all rows of the history and the seconds;
    if it returns True the descent stops. validation: checks that are due after every so many iterations. controls: what a
    person may do to it. kept: where checkpoints go; if it holds one, the engine and the validation stand there already.
    stretches: their sizes, as far as they are known. best: from where the smallest loss can be met again, if the state holds it.
    """

    engine: Engine
    names: Sequence[str]
    on_rows: Callable[[Array, float], object] | None = None
    validation: Validation | None = None
    controls: Controls | None = None
    kept: Kept | None = None
    stretches: Stretches = field(default_factory=Stretches)

    def __post_init__(self) -> None:
        found = None if self.kept is None else self.kept.found
        self.best = Best(self._stacked()) if SMALLEST in self.names else None
        if self.best is not None and found is not None:
            self.best.go_on(found.state, self.names)
        self._rows = Rows(None if found is None else found.rows)
        self._seconds_before = 0.0 if found is None else found.seconds
        self._is_within = False
        self._followed = len(self._rows), len(self.validation.checks) if self.validation else 0

    def run(self) -> Ended:
        """Goes on to the end. Ctrl-C ends the descent and keeps what was reached."""
        self._begin = time.perf_counter() - self._seconds_before
        self._is_interrupted = False
        controls = nullcontext() if self.controls is None else self.controls.steering(self.engine.request_stop)
        try:
            with controls, self._interrupts():
                status = self._stretches()
        except KeyboardInterrupt:
            self._is_interrupted, status = True, 0
        seconds = self._seconds()
        if self.kept is not None and not self._is_within:
            self._follow(self.kept)
            self.kept.keep(self._checkpoint())
        return Ended(status, self._is_interrupted, seconds, self._rows)

    def _stretches(self) -> int:
        """Until a rule fires, numbers fail, or a person ends it: the status of the last step."""
        stretches, status, looked = self.stretches, 0, -np.inf
        while status == 0 and not self._is_interrupted:
            if self.controls is not None:
                self._begin += self.controls.before_stretch(
                    lambda: int(self._named("step")), lambda: self._is_interrupted
                )
                if self.controls.is_stopped or self._is_interrupted:
                    self._is_interrupted = True
                    break
            now = time.perf_counter()
            before = self.engine.iteration
            wanted = stretches.iterations
            if self.validation is not None:
                if self.validation.is_due(before):
                    self.validation.check(before, self._named("parameters"), int(self._named("step")))
                wanted = min(wanted, self.validation.every - before % self.validation.every)
            status = self._stretch(wanted)
            took = max(time.perf_counter() - now, 1e-7)
            done = max(self.engine.iteration - before, 1)
            is_cut = wanted < stretches.iterations
            stretches.learn(done, took)
            if status == 0 and is_cut and self._seconds() < looked + STRETCH_SECONDS:
                continue  # checks follow closely on one another, and are not worth a look each
            looked = self._seconds()
            if self.kept is not None and status == 0:
                self._follow(self.kept)
                if self.kept.is_due():
                    self.kept.keep(self._checkpoint())
            if self.on_rows is not None and self._rows and self.on_rows(self._rows.whole, self._seconds()) is True:
                self._is_interrupted = True
        return status

    def _stretch(self, iterations: int) -> int:
        """So many iterations, and what they recorded; the end of an earlier process may be seen again, and counts once."""
        checked = self.validation.outside if self.validation else (np.nan, 0.0)
        factor = 1.0 if self.controls is None else self.controls.applied_factor
        outside = Outside(self._seconds(), *checked, factor)
        if self.best is not None:
            self.best.before_stretch(self._stacked(), self.engine.iteration, outside)
        begin = self.engine.iteration
        self._is_within = True
        status, rows = self.engine.advance(iterations, outside)
        if self.best is not None:
            self.best.after_stretch(self._named(SMALLEST)[None], np.array([self.engine.iteration]))
        self._rows.add(rows, (begin, outside.seconds), (self.engine.iteration, self._seconds()))
        self._is_within = False
        return status

    @contextmanager
    def _interrupts(self) -> Iterator[None]:
        """Where checkpoints are kept, Ctrl-C ends the descent between two stretches, so that there is one of its end.

        Pressed again, it interrupts at once. A handler of the user's own stays.
        """
        is_main = threading.current_thread() is threading.main_thread()
        if self.kept is None or not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            yield
            return

        def interrupt(number: int, frame: FrameType | None) -> None:
            if self._is_interrupted:
                signal.default_int_handler(number, frame)
            self._is_interrupted = True
            self.engine.request_stop()

        signal.signal(signal.SIGINT, interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _seconds(self) -> float:
        return time.perf_counter() - self._begin

    def _stacked(self) -> list[Array]:
        """The state, as that of descents side by side."""
        return [array[None] for array in self.engine.state]

    def _named(self, name: str) -> Array:
        return self.engine.state[self.names.index(name)]

    # The history
    def _checks(self) -> list[tuple[int, int, float]]:
        return [] if self.validation is None else self.validation.checks

    def _follow(self, kept: Kept) -> None:
        """Tells of what is new."""
        rows, checks = self._followed
        kept.follow(self._rows.whole[rows:], self._checks()[checks:])
        self._followed = len(self._rows), len(self._checks())

    def _checkpoint(self) -> Checkpoint:
        checks, engine = self.validation, self.engine
        return Checkpoint(
            dict(zip(self.names, engine.state, strict=True))
            | ({} if self.best is None else self.best.to_arrays(self.names)),
            engine.iteration,
            engine.next_record,
            self._seconds(),
            self._rows.whole,
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


def progress_of(
    rows: Array,
    seconds: float,
    origin: Any = None,
    method: Any = None,
    checks: Sequence[tuple[int, float]] = (),
    blocks: Sequence[Block] = (),
) -> Progress:
    """What a user's function is shown of a descent."""
    _, step, loss, norm, *_ = rows[-1].tolist()
    return Progress(int(step), loss, norm, seconds, rows, checks, origin, method, blocks)

"""The story of a descent: stretch after stretch, until a rule fires, numbers fail, or the user stops it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..graph import Array
from .engines import Engine
from .result import History, Stopped
from .step import STEP, Status
from .stopping import Measurement, StoppingRule, leaves

__all__ = ["Ended", "Progress", "descend"]

_STRETCH_SECONDS = 0.05


@dataclass(frozen=True)
class Progress:
    """Where a descent stands, at the end of a stretch. history: all rows so far, newest last."""

    step: int
    loss: float
    gradient_norm: float
    seconds: float
    history: History


@dataclass(frozen=True, eq=False)
class Ended:
    """How a descent ended. status: of the last step. rows: the history."""

    status: int
    is_interrupted: bool
    seconds: float
    history: History


def _history(rows: Array) -> History:
    return History(rows[:, 0].astype(np.int64), rows[:, 1], rows[:, 2], rows[:, 3])


def descend(
    engine: Engine, on_progress: Callable[[Progress], object] | None, interrupt: Sequence[type[BaseException]] = ()
) -> Ended:
    """Runs an engine to its end. Ctrl-C ends the descent and keeps what was reached."""
    begin = time.perf_counter()
    iterations = 1
    rows: list[Array] = []
    status = 0
    is_interrupted = False
    try:
        while status == 0:
            now = time.perf_counter()
            before = int(engine.state[STEP])
            status, new = engine.advance(iterations, now - begin)
            took = max(time.perf_counter() - now, 1e-7)
            done = max(int(engine.state[STEP]) - before, 1)
            iterations = max(1, min(int(done * _STRETCH_SECONDS / took), iterations * 64))
            if len(new):
                rows.append(new)
            if on_progress is not None and rows:
                history = _history(np.concatenate(rows))
                stops = on_progress(
                    Progress(
                        int(engine.state[STEP]),
                        float(history.loss[-1]),
                        float(history.gradient_norm[-1]),
                        time.perf_counter() - begin,
                        history,
                    )
                )
                if stops is True:
                    is_interrupted = True
                    break
    except KeyboardInterrupt:
        is_interrupted = True
    seconds = time.perf_counter() - begin
    joined = np.concatenate(rows) if rows else np.zeros((0, 4))
    return Ended(status, is_interrupted, seconds, _history(joined))


def reason(ended: Ended, rule: StoppingRule, now: Measurement) -> Stopped:
    """Why a descent ended, in words."""
    if ended.is_interrupted:
        return Stopped("interrupted", (), f"the user stopped it at step {now.step:,}")
    if ended.status == Status.LOSS_NOT_FINITE:
        return Stopped("not finite", (), f"the loss was no longer finite at step {now.step:,}")
    if ended.status == Status.GRADIENT_NOT_FINITE:
        return Stopped("not finite", (), f"the gradient was no longer finite at step {now.step:,}")
    if ended.status == Status.PARAMETERS_NOT_FINITE:
        return Stopped("not finite", (), f"step {now.step:,} would have led to parameters that are not finite")
    bits = ended.status >> 1
    fired = [simple for number, simple in enumerate(leaves(rule)) if bits >> number & 1]
    return Stopped("rule", tuple(map(str, fired)), "; ".join(simple.sentence(now) for simple in fired))

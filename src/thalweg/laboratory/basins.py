"""Basins of attraction: where a descent from every point of the window ends, all of them as one population."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from ..descent import GradientBelow, MaxSteps
from ..descent.member import Member
from ..descent.minimize import plan_of
from ..descent.together import Descents
from ..graph import Array
from .gallery import Window
from .scene import Run
from .subject import Subject

__all__ = ["Basins", "basins"]

_WIDTH = 96
_ON_A_LINE = 241
_STEPS = 2000
_MOST = 64
_SECONDS = 3.0
"""Formulas can be slow: what has not come to rest by then is not known."""


@dataclass(frozen=True, eq=False)
class Basins:
    """labels: for each start (rows, columns), or (columns,) for one parameter, the number of the minimum that it ends in; −1 where the
    descent has not come to rest, −2 where it diverged. ends: the minima (B, P), lowest first; losses: there (B,)."""

    labels: Array
    ends: Array
    losses: Array


def basins(subject: Subject, run: Run, window: Window) -> Basins:
    """Descends from every point of a grid over the window, for one or two parameters."""
    x0, x1, y0, y1 = window
    if subject.size == 1:
        starts, shape = np.linspace(x0, x1, _ON_A_LINE)[:, None], (_ON_A_LINE,)
    else:
        rows = max(2, round(_WIDTH * (y1 - y0) / (x1 - x0)))
        x, y = np.meshgrid(np.linspace(x0, x1, _WIDTH), np.linspace(y0, y1, rows))
        starts, shape = np.stack([x.ravel(), y.ravel()], axis=1), x.shape  # type: ignore[assignment]  # of a line or a plane
    method = run.descent_method
    plan, _ = plan_of(
        subject.loss,
        subject.parameters,
        data=subject.data,
        method=method,
        stop=GradientBelow(1e-6) | MaxSteps(_STEPS),
        threads=1,
    )
    descents = Descents(plan, [Member(start, method, {}, 0) for start in starts])
    begin = time.perf_counter()
    descents.run(lambda _: time.perf_counter() - begin > _SECONDS)
    ends = np.array([descents.vector(place) for place in range(len(starts))])
    loss, norm = descents.lockstep.loss, descents.lockstep.norm
    far = 10 * max(x1 - x0, y1 - y0)
    is_finite = np.isfinite(ends).all(axis=1) & np.isfinite(loss)
    is_away = ~is_finite | (
        np.abs(np.where(is_finite[:, None], ends, 0) - np.array([(x0 + x1) / 2, (y0 + y1) / 2])[: subject.size]) > far
    ).any(axis=1)
    is_resting = ~is_away & (norm <= 1e-3)
    labels = np.where(is_away, -2, -1)
    near = 0.01 * (x1 - x0)
    return _grouped(labels, is_resting, ends, loss, near, shape)


def _grouped(labels: Array, is_resting: Array, ends: Array, loss: Array, near: float, shape: tuple[int, ...]) -> Basins:
    """Gives those that ended near one another a number, by falling depth."""
    found: list[int] = []
    order = np.flatnonzero(is_resting)[np.argsort(loss[is_resting], kind="stable")]
    free = np.zeros(len(labels), bool)
    free[order] = True
    for place in order.tolist():
        if free[place] and len(found) < _MOST:
            mine = free & (np.linalg.norm(ends - ends[place], axis=1) <= near)
            labels[mine], free = len(found), free & ~mine
            found.append(place)
    return Basins(labels.reshape(shape), ends[found], loss[found])

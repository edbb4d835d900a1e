"""The loss around the way of a descent with one or two parameters: a grid that is filled bit by bit, in time that is spared."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from ..descent.data import ArrayData
from ..descent.evaluation import objectives_at
from ..descent.plan import Origin
from ..graph import Array
from ..pages import json_numbers

__all__ = ["Landscape"]

_SHARE = 0.01
"""Of one core's time that may be spent on the grid while the descent runs."""
_AT_ONCE = 0.05
_AT_THE_END = 0.5
"""Seconds that are spent at the beginning, and after the end."""
_SLAB = 256
_SHARED = 16
"""Points that are evaluated at once, without data and with data."""
_SIDES = (25, 97)
"""Points along each side: first few, then, if there is time, many."""
_MARGIN = 0.2


class Landscape:
    """A picture of the loss in a frame around the points that were passed.

    picture: its number and what a page draws: the frame and the losses, row by row from the smallest second parameter; None
    until there is one. The frame follows the descent when that leaves it.
    """

    def __init__(self, origin: Origin) -> None:
        self._plan = origin.plan
        self._problem = origin.plan.whole()
        self._start = origin.start
        self._frame: Array | None = None
        self._pending: list[Array] = []
        self._losses: list[Array] = []
        self._side = 0
        self._credit = _AT_ONCE
        self._last = time.perf_counter()
        self._picture: tuple[int, Any] = (0, None)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="thalweg-landscape")
        self._work: Future[None] | None = None

    @classmethod
    def of(cls, origin: Origin) -> Landscape | None:
        """For one or two parameters, a loss that depends on nothing else, and data in memory."""
        is_near = isinstance(origin.plan.data, ArrayData) and not origin.numbers
        return cls(origin) if origin.start.size <= 2 and is_near else None

    @property
    def picture(self) -> tuple[int, Any]:
        """Its number, and what is drawn."""
        return self._picture

    def go_on(self, passed: Array) -> None:
        """Spends what time there is, in a thread of its own: the descent does not wait."""
        if self._work is not None and not self._work.done():
            return
        now = time.perf_counter()
        self._credit = min(self._credit + _SHARE * (now - self._last), _AT_ONCE)
        self._last = now
        if self._credit > 0:
            self._work = self._worker.submit(self._spend_credit, passed)

    def complete(self, passed: Array) -> None:
        """After the end: spends the time that a finer picture takes."""
        self._worker.shutdown()
        if self._work is not None:
            self._work.result()
        self._spend(passed, _AT_THE_END)

    def _spend_credit(self, passed: Array) -> None:
        if self._frame is None:
            self._evaluated(self._start[None])  # compiles: once, so it counts as little as that of the descent
        begin = time.perf_counter()
        self._spend(passed, self._credit)
        self._credit -= time.perf_counter() - begin

    def _spend(self, passed: Array, seconds: float) -> None:
        until = time.perf_counter() + seconds
        wanted = _frame_around(self._start, passed)
        if self._frame is None or _needs_another(self._frame, wanted):
            self._frame = wanted
            self._begin(_SIDES[0])
        while time.perf_counter() < until:
            if not self._pending:
                if self._side == _SIDES[-1]:
                    return
                self._begin(_SIDES[-1])
            self._losses.append(self._evaluated(self._pending.pop(0)))
            if not self._pending:
                self._publish()

    def _begin(self, side: int) -> None:
        assert self._frame is not None
        self._side, self._losses = side, []
        axes = [np.linspace(low, high, side if len(self._frame) == 2 else 4 * side) for low, high in self._frame]
        points = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, len(axes)).astype(self._start.dtype)
        self._pending = [points[i : i + _SLAB] for i in range(0, len(points), _SLAB)]

    def _evaluated(self, points: Array) -> Array:
        arrays = self._plan.data.arrays
        with np.errstate(all="ignore"):
            return objectives_at(self._problem, points, arrays, together=_SHARED if arrays else _SLAB)

    def _publish(self) -> None:
        assert self._frame is not None
        losses = json_numbers(np.concatenate(self._losses), digits=6)
        names = [f"parameter {number + 1}" for number in range(len(self._frame))]
        leaves = self._problem.layout.names
        if len(leaves) == len(names) and all(leaves):
            names = [leaf.strip("[]'\"") for leaf in leaves]
        width = self._side if len(names) == 2 else 4 * self._side
        picture = {"frame": self._frame.tolist(), "width": width, "losses": losses, "names": names}
        self._picture = (self._picture[0] + 1, picture)


def _frame_around(start: Array, passed: Array) -> Array:
    """(P, 2): the smallest and largest value of each parameter, with a margin."""
    points = np.concatenate([start[None], passed]).astype(np.float64)
    points = points[np.isfinite(points).all(axis=1)]
    # What has left for the infinite would make all else a dot.
    reach = 1e4 * (np.abs(start).max() + 1)
    points = points[(np.abs(points - start) < reach).all(axis=1)]
    low, high = points.min(axis=0), points.max(axis=0)
    size = np.maximum(high - low, 0.15 * (high - low).max())
    size = np.where(size > 0, size, np.maximum(np.abs(start), 1.0))
    center = (low + high) / 2
    half = size * (0.5 + _MARGIN)
    return np.stack([center - half, center + half], axis=1)


def _needs_another(old: Array, wanted: Array) -> bool:
    """Whether the way has left the frame, or has become small in it."""
    inner = wanted + np.stack([wanted[:, 1] - wanted[:, 0], wanted[:, 0] - wanted[:, 1]], axis=1) * (
        _MARGIN / 1.4 * 0.8
    )
    leaves = (inner[:, 0] < old[:, 0]) | (inner[:, 1] > old[:, 1])
    is_small = (wanted[:, 1] - wanted[:, 0]) < 0.4 * (old[:, 1] - old[:, 0])
    return bool(leaves.any() or is_small.all())

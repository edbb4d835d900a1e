"""Schedules: learning rates as functions of the step, in plain NumPy, compiled with the descent.

Each function returns a function of the step t = 0, 1, 2, ...; a schedule of your own is just that:
`learning_rate=lambda t: 0.1 / np.sqrt(1 + t)`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..arguments import whole_number
from ..errors import ArgumentError
from .methods.base import Schedule, check_positive

__all__ = [
    "chained",
    "constant",
    "cosine",
    "exponential",
    "inverse_time",
    "one_cycle",
    "polynomial",
    "step_decay",
    "warm_up",
]


def constant(rate: float) -> Schedule:
    """The same rate at every step."""
    check_positive("rate", rate)
    return lambda t: rate + 0 * t


def inverse_time(rate: float, decay: float = 1.0) -> Schedule:
    """rate / (1 + decay · t).

    Source: H. Robbins and S. Monro, *A Stochastic Approximation Method* (1951).

    >>> float(inverse_time(0.5, decay=0.1)(10))
    0.25
    """
    check_positive("rate", rate)
    check_positive("decay", decay)
    return lambda t: rate / (1 + decay * t)


def step_decay(rate: float, factor: float, every: int) -> Schedule:
    """rate · factor^⌊t / every⌋.

    >>> float(step_decay(1.0, factor=0.5, every=10)(25))
    0.25
    """
    check_positive("rate", rate)
    check_positive("factor", factor)
    whole_number("every", every)
    return lambda t: rate * np.exp(math.log(factor) * np.floor(t / every))


def exponential(rate: float, decay: float) -> Schedule:
    """rate · decay^t, for 0 < decay ≤ 1."""
    check_positive("rate", rate)
    if not 0 < decay <= 1:
        raise ArgumentError(f"decay={decay!r}: expected a number above 0 and up to 1, such as 0.999")
    return lambda t: rate * np.exp(math.log(decay) * t)


def polynomial(rate: float, end: float, steps: int, power: float = 1.0) -> Schedule:
    """From `rate` to `end` in so many steps, as (1 - t / steps)^power; `end` from then on.

    >>> float(polynomial(1.0, 0.0, steps=10)(5))
    0.5
    """
    check_positive("rate", rate)
    check_positive("power", power)
    whole_number("steps", steps)
    return lambda t: end + (rate - end) * (1 - np.minimum(t / steps, 1.0)) ** power


def cosine(rate: float, steps: int, end: float = 0.0) -> Schedule:
    """From `rate` to `end` in so many steps along half a cosine; `end` from then on.

    Source: I. Loshchilov and F. Hutter, *SGDR*, ICLR 2017.

    >>> round(float(cosine(1.0, steps=10)(5)), 12)
    0.5
    """
    check_positive("rate", rate)
    whole_number("steps", steps)
    return lambda t: end + (rate - end) * (1 + np.cos(math.pi * np.minimum(t / steps, 1.0))) / 2


def warm_up(steps: int, schedule: Schedule | float) -> Schedule:
    """A schedule, or a constant rate, that is approached linearly during the first steps: (t + 1) / steps of it.

    >>> [float(warm_up(4, 1.0)(t)) for t in (0, 1, 3, 9)]
    [0.25, 0.5, 1.0, 1.0]
    """
    whole_number("steps", steps)
    rest = schedule if callable(schedule) else constant(schedule)
    return lambda t: np.minimum((t + 1) / steps, 1.0) * rest(t)


def one_cycle(rate: float, steps: int, share: float = 0.3, start: float = 0.04, end: float = 4e-6) -> Schedule:
    """Up to `rate` during a share of the steps, then down, both along half a cosine.

    start, end: the first and the last rate, as fractions of `rate`.

    Source: L. Smith and N. Topin, *Super-Convergence* (2018).
    """
    check_positive("rate", rate)
    whole_number("steps", steps)
    if not 0 < share < 1:
        raise ArgumentError(f"share={share!r}: expected a fraction between 0 and 1")
    top = share * steps
    rising = _half_cosine(start * rate, rate, top)
    falling = _half_cosine(rate, end * rate, steps - top)
    return lambda t: np.where(t < top, rising(t), falling(np.maximum(t - top, 0.0)))


def _half_cosine(first: float, last: float, length: float) -> Callable[[Any], Any]:
    return lambda t: last + (first - last) * (1 + np.cos(math.pi * np.minimum(t / length, 1.0))) / 2


def chained(*parts: tuple[int, Schedule | float]) -> Schedule:
    """One schedule after another: (steps, schedule) for each; each counts its steps from 0, and the last goes on.

    >>> schedule = chained((10, 0.1), (5, cosine(0.1, steps=5)))
    >>> [round(float(schedule(t)), 3) for t in (0, 9, 10, 15)]
    [0.1, 0.1, 0.1, 0.0]
    """
    if not parts:
        raise ArgumentError("chained() needs at least one part, (steps, schedule)")
    for steps, _ in parts:
        whole_number("steps", steps)
    schedules = [part if callable(part) else constant(part) for _, part in parts]
    starts = np.cumsum([0, *(steps for steps, _ in parts[:-1])]).tolist()

    def schedule(t: Any) -> Any:
        rate = schedules[0](t)
        for start, part in zip(starts[1:], schedules[1:], strict=True):
            rate = np.where(t < start, rate, part(np.maximum(t - start, 0)))
        return rate

    return schedule

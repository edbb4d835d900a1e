"""Losses with loops over time, of several kinds; each for a number of steps, with a start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["PROGRAMS", "heat", "long_memory", "network", "oscillator"]

Array = npt.NDArray[np.float64]
Program = tuple[Callable[[Any], Any], Array]


def oscillator(steps: int) -> Program:
    def loss(p: Any) -> Any:
        x, v, path = 1.0, 0.0, []
        for step in range(steps):
            friction = np.where(v > 0, p[1] * v, p[2] * v)
            v = v - 0.05 * (p[0] * x + friction) + 0.01 * np.sin(0.3 * step)
            x = x + 0.05 * v
            path.append(x)
        return np.mean((np.array(path) - np.cos(0.05 * np.arange(steps))) ** 2)

    return loss, np.array([1.0, 0.1, 0.2])


def network(steps: int) -> Program:
    """A recurrent network over a series, by hand."""
    rng = np.random.default_rng(0)
    series, target = rng.standard_normal((steps, 3)), rng.standard_normal(steps)

    def loss(p: Any) -> Any:
        W, U, v = p[:16].reshape(4, 4), p[16:28].reshape(4, 3), p[28:]
        h, total = np.zeros(4), 0.0
        for t in range(steps):
            h = np.tanh(W @ h + U @ series[t])
            total = total + (v @ h - target[t]) ** 2
        return total / steps

    return loss, 0.4 * rng.standard_normal(32)


def heat(steps: int) -> Program:
    """A field that diffuses: arrays too long for registers, read from both ends of time."""

    def loss(field: Any) -> Any:
        first = field
        for _ in range(steps):
            field = field + 0.2 * (np.roll(field, 1) - 2 * field + np.roll(field, -1))
        return np.sum((field - np.sin(np.arange(field.size))) ** 2) + np.sum(first * field)

    return loss, np.random.default_rng(1).standard_normal(60)


def long_memory(steps: int) -> Program:
    """Reads what was seven steps before, by hand."""

    def loss(p: Any) -> Any:
        values = [np.sin(p * k) for k in range(1, 8)]
        for step in range(steps):
            values.append(np.tanh(p[0] * values[-1] - 0.3 * values[-7]) + 0.1 * step * p[1])
        return np.sum(np.stack(values[::-1])[:, 0] ** 2) + np.sum(np.stack(values[7:]) * np.stack(values[:-7]))

    return loss, np.array([0.5, -0.2])


PROGRAMS = [oscillator, network, heat, long_memory]

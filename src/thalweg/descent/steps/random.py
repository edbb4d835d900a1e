"""The steps of a random search, with a generator that is plain floating-point arithmetic, so that it is compiled.

Source: P. L'Ecuyer, *Good parameters and implementations for combined multiple recursive random number generators*,
Operations Research 47 (1999), MRG32k3a; G. Box and M. Muller (1958).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...graph import Array
from .context import Context, Stage, State, Turn

__all__ = ["random_stages", "random_state"]

_M1, _M2 = 4294967087.0, 4294944443.0
_A12, _A13, _A21, _A23 = 1403580.0, 810728.0, 527612.0, 1370589.0


def random_state(vector: Array, seed: int) -> State:
    """What the search starts with, beside what all have: a generator for each parameter, `center`, and the trial."""
    draw = np.random.default_rng(seed)
    generator = draw.integers(1, 2**31, (6, vector.size)).astype(np.float64)
    return {"generator": generator, "center": vector, "trial": vector, "loss": np.float64(np.inf)}


def random_stages() -> tuple[Stage, ...]:
    """Draw, evaluate, keep the best."""
    return (_step,)


def _next(generator: Any) -> tuple[Any, Any]:
    """A uniform number in (0, 1) for each parameter. Products stay below 2^53, so the arithmetic is exact."""
    a, b, c, d, e, f = (generator[i] for i in range(6))
    first = _A12 * b - _A13 * a
    first = first - np.floor(first / _M1) * _M1
    second = _A21 * f - _A23 * d
    second = second - np.floor(second / _M2) * _M2
    difference = np.where(first <= second, first - second + _M1, first - second)
    return difference / (_M1 + 1), np.stack([b, c, first, e, f, second])


def _step(context: Context, state: State) -> Turn:
    """The row shows what was best before this trial: the loss at `parameters`."""
    trial = state["trial"]
    found = context.loss(trial)
    is_better = found < state["loss"]
    best_before = np.where(state["step"] == 0, found, state["loss"])
    nan = np.float64(np.nan) + 0 * found
    stops, memory, fired = context.rules(state, best_before, nan)
    status = context.status(best_before, None, stops, fired)
    u, generator = _next(state["generator"])
    v, generator = _next(generator)
    gaussian = np.sqrt(-2 * np.log(u)) * np.cos(2 * math.pi * v)
    following = {
        **state,
        "step": state["step"] + 1,
        "evaluations": state["evaluations"] + 1,
        "parameters": np.where(is_better, trial, state["parameters"]),
        "loss": np.where(is_better, found, state["loss"]),
        "trial": state["center"] + context.number("scale") * gaussian.astype(trial.dtype),
        "generator": generator,
        "rule": memory,
    }
    return Turn(following, (state["step"], best_before, nan, nan, nan), status)

"""A loss that changes from call to call is refused, at its line: what is traced once stands for all calls."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import thalweg as tw

X = np.random.default_rng(0).standard_normal((20, 3))
draw = np.random.default_rng(1)
signs: Iterator[float] = itertools.cycle([1.0, -1.0])


def dropout(w: Any, X: Any) -> Any:
    mask = draw.random(3) > 0.5
    return np.mean((X @ (w * mask) - 1) ** 2)


def noisy(w: Any, X: Any) -> Any:
    return np.mean((X @ w - np.random.normal(size=20)) ** 2)


def timed(w: Any, X: Any) -> Any:
    return np.mean((X @ w) ** 2) * time.perf_counter_ns()


def alternating(w: Any, X: Any) -> Any:
    return np.mean((X @ w) ** 2) if next(signs) > 0 else np.mean((X @ w) ** 4)


def growing(w: Any, X: Any) -> Any:
    return sum(np.mean((X @ w) ** 2) for _ in range(int(draw.integers(1, 1 << 7))))


@pytest.mark.parametrize("loss", [dropout, noisy, timed, alternating, growing])
@pytest.mark.parametrize("penalty", [None, tw.L2(0.1)])
def test_what_changes_from_call_to_call_is_refused(loss: Callable[..., Any], penalty: Any) -> None:
    with pytest.raises(tw.LossError, match=r"not the same from one call to the next.*test_repeatable"):
        tw.minimize(loss, np.ones(3), data=(X,), penalty=penalty)


def seeded(w: Any, X: Any) -> Any:
    return np.mean((X @ w - np.random.default_rng(0).normal(size=20)) ** 2)


targets = np.where(np.arange(20) % 3, 1.0, np.nan)


def with_missing(w: Any, X: Any) -> Any:
    return np.nansum((X @ w - targets) ** 2)


@pytest.mark.parametrize("loss", [seeded, with_missing])
def test_what_does_not_change_descends(loss: Callable[..., Any]) -> None:
    assert np.isfinite(tw.minimize(loss, np.ones(3), data=(X,)).loss)

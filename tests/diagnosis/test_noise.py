"""Mini-batches: noise is told from a slow descent, and hides no saddle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg import VerdictKind

from .test_situation import MINIMA

generator = np.random.default_rng(0)
X = generator.standard_normal((200, 3))
y = X @ np.ones(3) + generator.standard_normal(200)


def squares(w: Any, X: Any, y: Any) -> Any:
    return np.mean((X @ w - y) ** 2)


def test_the_noise_scale_is_the_batch_at_which_noise_and_signal_match() -> None:
    result = tw.minimize(
        squares, np.zeros(3), data=(X, y), batch_size=8, method=tw.GradientDescent(0.1), stop=tw.MaxSteps(3000)
    )
    assert result.verdict.kind is VerdictKind.NOISE_FLOOR
    w = result.parameters
    each = 2 * X * (X @ w - y)[:, None]
    signal = np.sum(each.mean(axis=0) ** 2)
    expected = np.sum(each.var(axis=0)) / signal
    assert result.verdict.evidence["gradient noise scale"] == pytest.approx(expected, rel=0.7)


@pytest.mark.parametrize("steps", [30, 300])
def test_a_rate_at_which_nothing_moves_is_no_noise_floor_of_a_minimum(steps: int) -> None:
    method, stop = tw.GradientDescent(1e-18), tw.MaxSteps(steps)
    found = tw.minimize(squares, np.zeros(3), data=(X, y), batch_size=8, method=method, stop=stop)
    assert found.verdict.kind not in MINIMA


def test_a_saddle_after_a_long_fall() -> None:
    def loss(w: Any, X: Any, y: Any) -> Any:
        return np.mean((X[:, 0] * w[0] * w[1] - y) ** 2) + 1e4 * w[2] ** 2 * np.mean(X[:, 1] ** 2)

    start, method = np.array([0.0, 0.0, 100.0]), tw.GradientDescent(3e-5)
    found = tw.minimize(loss, start, data=(X, y), batch_size=20, method=method, stop=tw.MaxSteps(2000))
    assert found.verdict.kind is VerdictKind.SADDLE_POINT

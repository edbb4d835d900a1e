"""Whether a convex loss has a minimum: compared with linear programs over the examples, which know it exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

import thalweg as tw
from thalweg import VerdictKind

from .catalogue import GLOBAL, free_softmax, logistic, poisson, squared_hinge
from .test_situation import MINIMA, verdict_of


def has_no_minimum(falling: Any, level: Any = None) -> bool:
    """Whether some d has falling · d ≤ 0, not all 0, and level · d = 0."""
    right = np.zeros(len(falling))
    found = linprog(falling.sum(0), falling, right, level, None if level is None else np.zeros(len(level)), (-1, 1))
    return bool(found.fun < -1e-7)


def softmax_rows(X: Any, y: Any, classes: int) -> Any:
    rows = [
        np.outer(x, unit - np.eye(classes)[c]).ravel() for x, c in zip(X, y, strict=True) for unit in np.eye(classes)
    ]
    return np.array(rows)


@pytest.mark.parametrize("seed", range(24))
def test_no_false_global_minimum_and_no_false_infinity(seed: int) -> None:
    generator = np.random.default_rng(seed)
    X = np.column_stack([generator.standard_normal((60, 2)), np.ones(60), generator.random(60) < 0.3])
    score = X @ generator.standard_normal((4, 3))
    group, is_apart = X[:, 3] > 0, seed % 2 == 0
    loss: Any
    if seed % 3 == 0:
        y = (score + generator.gumbel(size=score.shape)).argmax(1)
        y[group & (y == 1)] = 2 if is_apart else 1
        loss, start, truth = free_softmax, np.zeros((4, 3)), has_no_minimum(softmax_rows(X, y, 3))
    elif seed % 3 == 1:
        y = (score[:, 0] + generator.logistic(size=60) > 0) * 1.0
        y[group] = np.maximum(y[group], is_apart)
        loss, start, truth = logistic, np.zeros(4), has_no_minimum((1 - 2 * y)[:, None] * X)
    else:
        y = generator.poisson(np.exp(np.clip(score[:, 0], -2, 1))) * 1.0
        y[group] *= 1 - is_apart
        loss, start, truth = poisson, np.zeros(4), has_no_minimum(X[y == 0], X[y > 0])
    assert truth or not is_apart
    exact = tw.GradientBelow(1e-13) | tw.MaxSteps(1000)
    options: list[dict[str, Any]] = [{}, {"stop": exact}, {"method": tw.Newton(), "stop": tw.MaxSteps(50)}]
    kind = tw.minimize(loss, start, data=(X, y), **options[seed // 6 % 3]).verdict.kind
    assert kind in ((VerdictKind.NO_MINIMUM, VerdictKind.STILL_DESCENDING) if truth else (GLOBAL,))


def test_a_fall_that_ends_is_no_fall_for_ever() -> None:
    """Made of pieces, but not of polynomials: constant on one side from a point on."""
    found = verdict_of(lambda x: np.sum(np.expm1(np.maximum(0, 1 - x) ** 2)) + (x[0] - x[1]) ** 2, [-0.5, -0.2])
    assert found.kind not in (VerdictKind.NO_MINIMUM, VerdictKind.SADDLE_POINT)
    fades = verdict_of(lambda x: 3 + np.exp(-x[0]) + (x[0] - x[1]) ** 2, [0.0, 1.0])
    assert fades.kind is VerdictKind.NO_MINIMUM
    np.testing.assert_allclose(fades.escape, np.ones(2) / 2**0.5, atol=1e-5)


def test_weak_penalties_make_a_minimum() -> None:
    generator = np.random.default_rng(0)
    X = generator.standard_normal((50, 3))
    y = (X[:, 0] > 0) * 1.0
    for strength in (1e-3, 1e-6):
        found = verdict_of(
            lambda w, X, y, strength=strength: logistic(w, X, y) + strength * np.sum(w**2), np.zeros(3), data=(X, y)
        )
        assert found.kind in (GLOBAL, VerdictKind.STILL_DESCENDING)
    reached = verdict_of(squared_hinge, np.zeros(3), data=(X, y))
    assert reached.kind is not VerdictKind.NO_MINIMUM


@pytest.mark.parametrize("leaves_out", [(), ("b",)])
def test_a_penalty_holds_only_what_it_penalises(leaves_out: tuple[str, ...]) -> None:
    """All outcomes are the same: the bias alone can go on for ever."""
    X = np.random.default_rng(0).standard_normal((50, 2))

    def loss(p: Any, X: Any, y: Any) -> Any:
        return logistic(p["w"], X, y) + np.mean(np.logaddexp(0, -p["b"]))

    penalty = tw.L1(0.5, leaves_out=leaves_out)
    start = {"w": np.zeros(2), "b": 0.0}
    found = tw.minimize(loss, start, data=(X, (X[:, 0] > 0) * 1.0), penalty=penalty, method=tw.AcceleratedGradient())
    assert (found.verdict.kind in MINIMA) == (not leaves_out)

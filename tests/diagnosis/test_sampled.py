"""Verdicts on streams: from a sample, which is said, and never against what all examples say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg import VerdictKind

GENERATOR = np.random.default_rng(0)
COUNT, COLUMNS = 200_000, 8
X = GENERATOR.normal(size=(COUNT, COLUMNS))
WEIGHTS = np.linspace(-1, 2, COLUMNS)
y = X @ WEIGHTS + 0.1 * GENERATOR.normal(size=COUNT)
CLASSES = (X @ WEIGHTS + GENERATOR.logistic(size=COUNT) > 0) * 1.0
RARE = X.copy()
RARE[:, 0] = GENERATOR.permutation(COUNT) < 2
"""A column that is 0 in all but two rows, and so, nearly always, in the sample."""


def squares(w: Any, X: Any, y: Any) -> Any:
    return np.mean((X @ w - y) ** 2)


def logistic(w: Any, X: Any, y: Any) -> Any:
    return np.mean(np.log(1 + np.exp(X @ w)) - y * (X @ w))


def product(p: Any, X: Any, y: Any) -> Any:
    return squares(p[0] * p[1, 0], X, y)


def judged(loss: Callable[..., Any], start: np.ndarray, *data: np.ndarray, **options: Any) -> Any:
    cuts = [np.array_split(array, 8) for array in data]
    functions = [lambda i=i: [tuple(of[i] for of in cuts)] for i in range(8)]
    stream = tw.Stream(*functions, rows=[len(of) for of in cuts[0]], memory="16 MB")
    assert not stream.fits
    verdict = tw.minimize(loss, start, data=stream, **options).verdict
    assert " of 200,000 examples" in verdict.evidence["curvature measured on"]
    return verdict


def test_a_minimum_is_said_to_be_local_with_the_doubt_that_is_left() -> None:
    verdict = judged(logistic, np.zeros(COLUMNS), X, CLASSES)
    assert verdict.kind is VerdictKind.LOCAL_MINIMUM
    assert verdict.gap is None
    assert 0 < verdict.evidence["curvature in doubt by"] < 0.2


@pytest.mark.parametrize(
    ("loss", "start", "target", "options", "kind"),
    [
        (
            squares,
            np.zeros(COLUMNS),
            y,
            {"method": tw.GradientDescent(0.01), "stop": tw.MaxSteps(9)},
            "STILL_DESCENDING",
        ),
        (squares, np.zeros(COLUMNS), y, {"method": tw.GradientDescent(1.3), "stop": tw.MaxSteps(60)}, "OVERSHOOTING"),
        (
            lambda w, X, y: np.mean(np.exp(X[:, 0] ** 2 * w[0])),
            -np.ones(COLUMNS),
            y,
            {"stop": tw.MaxSteps(9)},
            "NO_MINIMUM",
        ),
        (logistic, np.zeros(COLUMNS), (X @ WEIGHTS > 0) * 1.0, {"stop": tw.MaxSteps(5)}, "STILL_DESCENDING"),
        (product, np.zeros((2, COLUMNS)), y, {}, "SADDLE_POINT"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_what_all_examples_confirm_is_said(
    loss: Callable[..., Any], start: np.ndarray, target: np.ndarray, options: Any, kind: str
) -> None:
    verdict = judged(loss, start, X, target, **options)
    assert verdict.kind.name == kind
    if kind != "OVERSHOOTING":
        assert verdict.evidence["fall over all examples, as tried"] > 0


def test_what_only_the_sample_says_is_not_believed() -> None:
    verdict = judged(squares, np.zeros(COLUMNS), RARE, y)
    assert verdict.kind is VerdictKind.UNKNOWN
    assert "sample" in verdict.sentence


def test_a_row_outside_the_sample_can_bend_the_loss_downwards() -> None:
    heavy = np.where(np.arange(COUNT) == 7, 5.0 * COUNT, 0.0)

    def hill(w: Any, X: Any, t: Any) -> Any:
        return np.mean((X @ w) ** 2 - t * w[0] ** 2)

    assert judged(hill, np.zeros(COLUMNS), X, heavy).kind is VerdictKind.UNKNOWN


def test_noise_of_mini_batches_is_seen_in_the_sample() -> None:
    options: Any = {"method": tw.GradientDescent(0.02), "batch_size": 32, "stop": tw.MaxSteps(20_000)}
    verdict = judged(squares, np.zeros(COLUMNS), X, y, **options)
    assert verdict.kind is VerdictKind.NOISE_FLOOR

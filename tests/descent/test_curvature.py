"""The largest curvature: what it is, over streams too, and that it bounds the learning rate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.descent.curvature import curvature_of
from thalweg.descent.data import data_of
from thalweg.descent.problem import problem_of


def largest_curvature(loss: Callable[..., Any], parameters: Any, data: Any = None) -> float:
    given = data_of(data)
    return curvature_of(problem_of(loss, parameters, given, given.examples), parameters, given, 0, "native")


def test_it_bounds_the_learning_rate() -> None:
    """Just below 2/λ it descends, just above it does not."""
    Q = np.diag([1.0, 3.0, 50.0])
    largest = largest_curvature(lambda x: x @ Q @ x / 2, np.ones(3))
    assert largest == pytest.approx(50, rel=1e-6)
    for factor, descends in ((1.98, True), (2.02, False)):
        run = tw.minimize(
            lambda x: x @ Q @ x / 2, np.ones(3), method=tw.GradientDescent(factor / largest), stop=tw.MaxSteps(300)
        )
        assert (run.loss < 1) == descends


def test_of_a_stream() -> None:
    """Against the eigenvalues of the Hessian, 2/N XᵀX."""
    X = np.random.default_rng(0).normal(size=(200_000, 12))
    parts = [lambda part=part: [part] for part in np.array_split(X, 10)]
    stream = tw.Stream(*parts, rows=[20_000] * 10, memory="16 MB")
    assert not stream.fits
    exact = np.linalg.eigvalsh(2 / len(X) * X.T @ X)[-1]
    assert largest_curvature(lambda w, X: np.mean((X @ w) ** 2), np.zeros(12), stream) == pytest.approx(exact, rel=0.01)

"""The spectrum for many parameters: what a few products overlook is not called a minimum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.descent.data import data_of
from thalweg.descent.problem import problem_of
from thalweg.diagnosis.spectrum import spectrum_of

from .test_situation import MINIMA


@pytest.mark.parametrize(
    "curvature",
    [np.append(np.logspace(-6, 0, 1999), -1e-4), np.append(np.linspace(1e-3, 1, 999), -1e-5)],
    ids=["logarithmic", "linear"],
)
def test_a_small_negative_eigenvalue_among_many_small_ones(curvature: Any) -> None:
    """Even Lanczos' method does not tell it from zero: then nothing is claimed."""
    result = tw.minimize(
        lambda x: np.sum(curvature * x**2),
        np.zeros(len(curvature)),
        method=tw.GradientDescent(0.1),
        stop=tw.MaxSteps(2),
    )
    assert result.verdict.kind not in MINIMA


def test_more_products_are_sharper() -> None:
    curvature = np.linspace(0.01, 1, 600)
    x = np.ones(600)
    problem = problem_of(lambda x: np.sum(curvature * x**2) / 2, x, data_of(None), 0)
    few, many = spectrum_of(problem, x, ()), spectrum_of(problem, x, (), is_sharp=True)
    assert many.products > few.products
    assert abs(many.smallest - 0.01) < abs(few.smallest - 0.01)
    for found in (few, many):
        assert np.min(np.abs(curvature - found.smallest)) <= found.smallest_error
        assert np.sum(found.weights) == pytest.approx(1)

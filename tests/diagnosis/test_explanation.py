"""tw.explain: contributions add up to adjoints, paths add up, the Taylor error is of second order, nothing is steeper."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import thalweg as tw

generator = np.random.default_rng(0)
X, y = generator.standard_normal((30, 3)), generator.standard_normal(30)


def squares(w: Any, X: Any, y: Any) -> Any:
    return np.mean((X @ w - y) ** 2)


def waves(x: Any) -> Any:
    return np.sum(np.sin(x) * np.exp(x)) + x[0] * x[1]


@pytest.mark.parametrize(("loss", "x", "data"), [(squares, np.ones(3), (X, y)), (waves, np.array([0.3, -0.7]), None)])
def test_what_is_explained_is_right(loss: Any, x: Any, data: Any) -> None:
    found = tw.explain(loss, x, data=data)
    given = () if data is None else data
    numerical = [(loss(x + h, *given) - loss(x - h, *given)) / 2e-6 for h in 1e-6 * np.eye(len(x))]
    np.testing.assert_allclose(found.gradient, numerical, rtol=1e-6, atol=1e-8)
    for step in found.steps:
        if step.arriving:
            total = sum(edge.contribution for edge in step.arriving)
            np.testing.assert_allclose(total, step.adjoint, rtol=1e-12)
    assert found.taylor_order == pytest.approx(2, abs=0.1)
    assert found.steepest <= 1 + 1e-12
    assert "Taylor" in str(found)


def test_paths_add_up() -> None:
    """x goes into the loss over three paths: x², sin x, and both in a product."""

    def loss(x: Any) -> Any:
        square, wave = x**2, np.sin(x)
        return square * wave + wave

    found = tw.explain(loss, np.array(0.7))
    last = found.steps[-1].number
    inputs = [step for step in found.steps if step.operation == "parameters"]
    paths = found.paths(inputs[0].number if inputs else last)
    exact = 2 * 0.7 * np.sin(0.7) + (0.49 + 1) * np.cos(0.7)
    assert len(paths) >= 3
    assert sum(share for _, share in paths) == pytest.approx(exact)

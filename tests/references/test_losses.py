"""The classical losses: slopes and curvatures at the listed points, convexity, and thalweg's derivatives."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

import thalweg as tw
from references.derivatives import complex_step_gradient, hessian_by_differences
from references.losses import BY_NAME, LOSSES, Loss, load

each_loss = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)


@each_loss
def test_minima_are_stationary_and_curve_upwards(loss: Loss) -> None:
    for point in map(np.array, loss.minima if loss.is_smooth else ()):
        curvatures = np.linalg.eigvalsh(hessian_by_differences(loss.function, point))
        assert np.max(np.abs(complex_step_gradient(loss.function, point))) < 1e-9 * max(curvatures[-1], 1.0)
        assert curvatures[0] > (-1e-6 if loss.name == "quartic_valley" else 1e-3)


@each_loss
def test_saddles_are_stationary_and_curve_both_ways(loss: Loss) -> None:
    """The monkey saddle has no curvature at all: it is lower on three sides."""
    for point in map(np.array, loss.saddles):
        curvatures = np.linalg.eigvalsh(hessian_by_differences(loss.function, point))
        assert np.max(np.abs(complex_step_gradient(loss.function, point))) < 1e-9 * max(curvatures[-1], 1.0)
        if loss.name == "monkey_saddle":
            np.testing.assert_allclose(curvatures, 0, atol=1e-12)
            assert loss.function(point - np.array([0.1, 0])) < loss.function(point)
        else:
            assert curvatures[0] < -0.1
            assert curvatures[-1] > 0.1


def test_the_minimum_of_ackley_is_the_tip_of_a_cone() -> None:
    loss = load("ackley")
    assert loss.function(np.zeros(2)) == pytest.approx(0, abs=1e-14)
    for direction in np.eye(2):
        assert loss.function(1e-6 * direction) == pytest.approx(4e-6 / np.sqrt(2), rel=1e-4)
        assert loss.function(-1e-6 * direction) == pytest.approx(4e-6 / np.sqrt(2), rel=1e-4)


@each_loss
def test_the_global_value(loss: Loss) -> None:
    """It is the least at the minima, and no point in a large box is below."""
    points = np.random.default_rng(0).uniform(-5, 15, (2000, len(loss.start)))
    assert min(loss.function(point) for point in points) > loss.global_value
    if loss.minima:
        values = [loss.function(np.array(point)) for point in loss.minima]
        assert min(values) == pytest.approx(loss.global_value, rel=1e-11, abs=1e-11)
        assert len(loss.global_minima) >= 1


def test_infima_without_a_minimum() -> None:
    assert {loss.name for loss in LOSSES if not loss.minima} == {"unattained", "saddle", "monkey_saddle"}
    assert 0 < load("unattained").function(np.array([30.0, 0.0])) < 1e-12
    assert load("saddle").function(np.array([0.0, 1e6])) == -1e12
    assert load("monkey_saddle").function(np.array([-1e4, 0.0])) == -1e12


@pytest.mark.parametrize(
    "loss", [loss for loss in LOSSES if loss.minima and not loss.has_more], ids=lambda loss: loss.name
)
def test_descents_end_in_the_listed_minima(loss: Loss) -> None:
    """From sixty random starts; together they reach all minima, unless there is an end at infinity (Beale)."""
    gradient = partial(complex_step_gradient, loss.function)
    reached = set()
    for start in np.random.default_rng(1).uniform(-4, 4, (60, len(loss.start))):
        with np.errstate(all="ignore"):
            found = minimize(loss.function, start, jac=gradient, method="BFGS", options={"gtol": 1e-8})
        distances = [np.max(np.abs(found.x - np.array(point))) for point in loss.minima]
        if loss.name != "beale" or np.max(np.abs(found.x)) < 50:
            assert min(distances) < (5e-2 if loss.name == "quartic_valley" else 1e-4)
            reached.add(int(np.argmin(distances)))
    assert reached == set(range(len(loss.minima)))


@each_loss
def test_convexity(loss: Loss) -> None:
    """Convex: no chord is below the curve. Not convex: some chord is."""
    rng, n = np.random.default_rng(2), len(loss.start)
    a = rng.uniform(-4, 4, (4000, n))
    along_axes = np.eye(n)[rng.integers(n, size=2000)]
    b = a + rng.uniform(0.5, 4, (4000, 1)) * np.concatenate([rng.uniform(-1, 1, (2000, n)), along_axes])
    f = loss.function
    gaps = np.array([(f(x) + f(y)) / 2 - f((x + y) / 2) for x, y in zip(a, b, strict=True)])
    assert (gaps.min() > -1e-9) == loss.is_convex


@each_loss
def test_thalweg_differentiates_it(loss: Loss) -> None:
    program: Any = tw.value_and_grad(loss.function)
    start = np.array(loss.start)
    for point in (start, *np.random.default_rng(3).uniform(-3, 3, (4, len(start)))):
        value, gradient = program(point)
        wanted = complex_step_gradient(loss.function, point)
        assert value == pytest.approx(loss.function(point), rel=1e-12, abs=1e-12)
        np.testing.assert_allclose(gradient, wanted, rtol=1e-10, atol=1e-12 * np.max(np.abs(wanted)))


def test_names_are_unique_and_unknown_ones_told() -> None:
    assert len(BY_NAME) == len(LOSSES)
    with pytest.raises(KeyError, match="no loss 'rosenbrock'"):
        load("rosenbrock")

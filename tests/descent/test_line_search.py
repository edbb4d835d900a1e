"""Line searches: every accepted step meets the conditions that the search promises, computed anew from the loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from references.more_garbow_hillstrom import load

import thalweg as tw

Array = np.ndarray[Any, Any]
Function = Callable[[Any], Any]


def walk(loss: Function, start: Array, method: tw.Method, steps: int, **more: Any) -> list[Array]:
    """The points that were accepted, one after another, as long as the search goes on."""
    points = [start]
    for step in range(1, steps + 1):
        result = tw.minimize(loss, start, method=method, stop=tw.MaxSteps(step), **more)
        if result.steps < step:
            break
        points.append(result.parameters)
    return points


def along(loss: Function, p: Array, q: Array) -> tuple[float, float, float, float]:
    """φ(0), φ(1), φ′(0), φ′(1) on the way from p to q: both conditions are the same in any unit of length."""
    value, gradient = tw.value_and_grad(loss)(p)
    new_value, new_gradient = tw.value_and_grad(loss)(q)
    return float(value), float(new_value), float(gradient @ (q - p)), float(new_gradient @ (q - p))


def check_armijo(loss: Function, points: list[Array], decrease: float) -> None:
    for p, q in pairwise(points):
        before, after, slope, _ = along(loss, p, q)
        assert slope < 0
        assert after <= before + decrease * slope + 1e-14 * abs(before)


def check_wolfe(loss: Function, points: list[Array], decrease: float, curvature: float) -> None:
    check_armijo(loss, points, decrease)
    for p, q in pairwise(points):
        _, _, slope, new_slope = along(loss, p, q)
        assert abs(new_slope) <= curvature * abs(slope) * (1 + 1e-6)


# Functions of one variable: Moré and Thuente, Line search algorithms with guaranteed sufficient decrease (1994)
def thuente_2(a: Any) -> Any:
    return (a + 0.004) ** 5 - 2 * (a + 0.004) ** 4


def thuente_3(a: Any) -> Any:
    """Almost a kink at 1, with waves."""
    beta, waves = 0.01, 39
    smooth = np.where(a <= 1 - beta, 1 - a, np.where(a >= 1 + beta, a - 1, (a - 1) ** 2 / (2 * beta) + beta / 2))
    return smooth + 2 * (1 - beta) / (waves * np.pi) * np.sin(waves * np.pi / 2 * a)


def yanai(beta1: float, beta2: float) -> Function:
    """Minima next to a steep wall."""
    gamma1, gamma2 = (np.sqrt(1 + b * b) - b for b in (beta1, beta2))
    return lambda a: gamma1 * np.sqrt((1 - a) ** 2 + beta2**2) + gamma2 * np.sqrt(a**2 + beta1**2)


MORE_THUENTE = {
    "1": (lambda a: -a / (a * a + 2), 1e-3, 0.1),
    "2": (thuente_2, 0.1, 0.1),
    "3": (thuente_3, 0.1, 0.1),
    "4": (yanai(1e-3, 1e-3), 1e-3, 1e-3),
    "5": (yanai(1e-2, 1e-3), 1e-3, 1e-3),
    "6": (yanai(1e-3, 1e-2), 1e-3, 1e-3),
}


@pytest.mark.parametrize("first", [1e-3, 1e-1, 10.0, 1e3])
@pytest.mark.parametrize("name", sorted(MORE_THUENTE))
def test_the_functions_of_more_and_thuente(name: str, first: float) -> None:
    """One step from 0 along the slope; the length that is tried first is much too short or too long."""
    function, decrease, curvature = MORE_THUENTE[name]
    search = tw.StrongWolfe(decrease=decrease, curvature=max(curvature, 1.001 * decrease))

    def loss(w: Any) -> Any:
        return function(w[0])

    slope = float(tw.grad(loss)(np.zeros(1))[0])
    method = tw.GradientDescent(first / abs(slope), line_search=search)
    result = tw.minimize(loss, np.zeros(1), method=method, stop=tw.MaxSteps(1))
    assert result.steps == 1
    assert result.evaluations <= 30
    check_wolfe(loss, [np.zeros(1), result.parameters], decrease, search.curvature)


def wavy(seed: int) -> tuple[Function, Array]:
    """A random smooth loss, bounded below, with many local minima."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 6))
    A, c, w = rng.standard_normal((size, size)), 3 * rng.standard_normal(size), 10 ** rng.uniform(-1, 1, size)
    height = 10 ** rng.uniform(-2, 1)

    def loss(x: Any) -> Any:
        return np.sum((A @ (x - c)) ** 2) + height * np.sum(np.cos(w * x)) + np.sum((x - c) ** 4)

    return loss, rng.uniform(-10, 10, size)


@pytest.mark.parametrize("seed", range(6))
def test_strong_wolfe_on_random_losses(seed: int) -> None:
    loss, start = wavy(seed)
    curvature = (0.1, 0.5, 0.9)[seed % 3]
    search = tw.StrongWolfe(curvature=curvature)
    method = (tw.LBFGS(line_search=search), tw.GradientDescent(10.0 ** (seed % 7 - 3), line_search=search))[seed % 2]
    check_wolfe(loss, walk(loss, start, method, 8), 1e-4, curvature)


@pytest.mark.parametrize("seed", range(6))
def test_armijo_on_random_losses(seed: int) -> None:
    loss, start = wavy(seed)
    decrease = (1e-4, 0.1, 0.4)[seed % 3]
    search = tw.Armijo(decrease=decrease, shrink=(0.3, 0.9)[seed % 2])
    method = (tw.BFGS(line_search=search), tw.Newton(line_search=search))[seed % 2]
    check_armijo(loss, walk(loss, start, method, 8), decrease)


def test_a_search_without_monotony_compares_with_the_largest_of_recent_losses() -> None:
    loss = load("rosenbrock_2").loss
    start = load("rosenbrock_2").start
    result = tw.minimize(loss, start, method=tw.BarzilaiBorwein(line_search=tw.Armijo(window=5)))
    losses = result.history.loss
    assert (np.diff(losses) > 0).any()
    for step in range(1, len(losses)):
        assert losses[step] <= np.max(losses[max(0, step - 5) : step])
    monotone = tw.minimize(loss, start, method=tw.BarzilaiBorwein(line_search=tw.Armijo()), stop=tw.MaxSteps(300))
    assert (np.diff(monotone.history.loss) <= 0).all()


def test_a_quadratic_is_accepted_at_the_first_natural_length() -> None:
    result = tw.minimize(lambda x: np.sum((x - 1) ** 2), np.zeros(3), method=tw.Newton())
    assert (result.steps, result.evaluations) == (1, 2)
    np.testing.assert_array_equal(result.history.learning_rate, [0, 1])


@pytest.mark.parametrize("search", [tw.Armijo(), tw.StrongWolfe()])
@pytest.mark.parametrize("method", [tw.Momentum(0.1), tw.Adam(0.5), tw.RMSProp(0.5), tw.GradientDescent(1.0)])
def test_a_search_on_any_method(method: tw.Method, search: tw.LineSearch) -> None:
    """With a search no loss rises, whatever the learning rate."""
    loss, start = wavy(3)
    result = tw.minimize(loss, start, method=replace(method, line_search=search), stop=tw.MaxSteps(40))
    assert (np.diff(result.history.loss) <= 1e-12 * abs(result.history.loss[0])).all()
    assert result.loss < loss(start)
    assert result.evaluations > result.steps


def test_the_history_tells_the_length_and_the_slope_of_the_step_before() -> None:
    loss, start = wavy(5)
    points = walk(loss, start, tw.LBFGS(), 4)
    history = tw.minimize(loss, start, method=tw.LBFGS(), stop=tw.MaxSteps(4)).history
    for step in range(1, len(points)):
        _, after, slope, _ = along(loss, points[step - 1], points[step])
        assert history.loss[step] == pytest.approx(after, rel=1e-12)
        assert history.learning_rate[step] * history.slope[step] == pytest.approx(slope, rel=1e-9)


# Cliffs, walls, infinities
@pytest.mark.parametrize("search", [tw.Armijo(), tw.StrongWolfe()])
@pytest.mark.parametrize(
    ("loss", "start", "minimum"),
    [
        (lambda x: np.sum(x - np.log(x)), [0.5, 3.0], [1, 1]),
        (lambda x: np.sum(np.exp(x * x)), [2.0, -1.0], [0, 0]),
        (lambda x: np.sum(np.where(x > 0, (x - 1) ** 2, np.nan)), [0.1, 4.0], [1, 1]),
        (lambda x: np.sum(np.where(x > 0, (x - 1) ** 2, -np.inf)), [0.1, 4.0], [1, 1]),
    ],
    ids=["log", "exp x²", "NaN beyond", "−∞ beyond"],
)
def test_what_is_not_finite_is_never_stepped_on(
    loss: Any, start: list[float], minimum: list[float], search: Any
) -> None:
    method = tw.GradientDescent(100.0, line_search=search)
    result = tw.minimize(loss, np.array(start), method=method)
    np.testing.assert_allclose(result.parameters, minimum, atol=1e-3)
    assert np.isfinite(result.history.loss).all()


@pytest.mark.parametrize("method", [tw.LBFGS(), tw.GradientDescent(0.1, line_search=tw.Armijo())])
def test_a_kink_ends_the_descent_and_is_said(method: tw.Method) -> None:
    result = tw.minimize(lambda x: np.sum(np.absolute(x)) + np.sum(x**2), np.array([1.0, -2.0]), method=method)
    assert result.loss < 0.1
    assert result.steps < 5000
    said = str(result.stopped_by)
    assert "has a kink" in said or "not changed" in said or result.loss == 0  # some land on it exactly


def test_a_search_of_ones_own() -> None:
    """The length is halved until the loss falls at all."""

    @dataclass(frozen=True)
    class Halving(tw.LineSearch):
        def initial_memory(self) -> Any:
            return np.float64(0)

        def restarted(self, memory: Any, loss: Any) -> Any:
            return memory

        def judge(self, trial: Any, memory: Any) -> tuple[Any, Any, Any]:
            return np.where(trial.loss < trial.first_loss, 1, 0), trial.length / 2, memory

    result = tw.minimize(
        lambda x: np.sum((x - 1) ** 2), np.zeros(2), method=tw.GradientDescent(8.0, line_search=Halving()), stop=tw.MaxSteps(1)
    )  # fmt: skip
    np.testing.assert_array_equal(result.history.learning_rate[1], 0.5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("search", [tw.Armijo(), tw.StrongWolfe()])
def test_rounding_does_not_end_a_search_too_early(search: tw.LineSearch, dtype: str) -> None:
    """Losses differ by less than their rounding error there; the slopes decide."""
    target = np.linspace(1, 2, 4).astype(dtype)
    method = tw.LBFGS(line_search=search)
    result = tw.minimize(
        lambda x: np.sum((x - target) ** 2) + 1000, np.zeros(4, dtype), method=method, stop=tw.GradientBelow(1e-5) | tw.MaxSteps(100)
    )  # fmt: skip
    np.testing.assert_allclose(result.parameters, target, atol=1e-4 if dtype == "float32" else 1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tw.Armijo(decrease=0.0), "decrease=0.0: expected a number between 0 and 1"),
        (lambda: tw.Armijo(shrink=1.0), "shrink=1.0"),
        (lambda: tw.Armijo(most=0), "most=0"),
        (lambda: tw.Armijo(window=0), "window=0"),
        (lambda: tw.Armijo(window=1.5), r"window=1\.5"),
        (lambda: tw.StrongWolfe(decrease=0.5, curvature=0.4), r"decrease=0\.5 must be smaller than curvature=0\.4"),
        (lambda: tw.StrongWolfe(curvature=1.0), "curvature=1.0"),
        (lambda: tw.StrongWolfe(most=True), "most=True"),
    ],
)
def test_numbers_are_checked(make: Any, message: str) -> None:
    with pytest.raises(tw.ArgumentError, match=message):
        make()

"""Methods that know or learn the curvature: exact on quadratics, SciPy's optima, tiles, and losses without curvature."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from references.derivatives import complex_step_gradient
from references.more_garbow_hillstrom import PROBLEMS, Problem, load
from scipy.optimize import minimize as scipy_minimize

import thalweg as tw

Array = np.ndarray[Any, Any]


def quadratic(size: int, seed: int, condition: float = 100.0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.standard_normal((size, size)))[0]
    return rotation @ np.diag(np.geomspace(1, condition, size)) @ rotation.T, rng.standard_normal(size)


@pytest.mark.parametrize("size", [1, 2, 7, 40])
@pytest.mark.parametrize("search", [tw.Armijo(), tw.StrongWolfe()])
def test_newton_solves_a_quadratic_in_one_step(size: int, search: tw.LineSearch) -> None:
    A, b = quadratic(size, size)
    start = np.random.default_rng(1).standard_normal(size)
    method = tw.Newton(line_search=search)
    result = tw.minimize(lambda x: x @ A @ x / 2 - b @ x, start, method=method, stop=tw.MaxSteps(1))
    np.testing.assert_allclose(result.parameters, np.linalg.solve(A, b), rtol=1e-9, atol=1e-10)
    assert result.evaluations == 2


def test_conjugate_gradients_solve_a_quadratic_in_as_many_steps_as_it_has_eigenvalues() -> None:
    A = np.diag([1.0, 1.0, 1.0, 5.0, 5.0, 30.0])
    method = tw.ConjugateGradient("fletcher_reeves", line_search=tw.StrongWolfe(curvature=1e-3, decrease=1e-4))
    result = tw.minimize(lambda x: x @ A @ x / 2, np.ones(6), method=method, stop=tw.MaxSteps(5))
    assert result.gradient_norm < 1e-2 * np.linalg.norm(A @ np.ones(6))


def test_newton_cg_solves_its_systems_as_well_as_it_says() -> None:
    """‖H Δw + g‖ ≤ min(½, √‖g‖) ‖g‖ (Nocedal and Wright, algorithm 7.1), with the full step taken."""
    A, b = quadratic(30, 3)
    result = tw.minimize(
        lambda x: x @ A @ x / 2 - b @ x, np.zeros(30), method=tw.NewtonCG(), stop=tw.MaxSteps(1)
    )  # fmt: skip
    left, norm = np.linalg.norm(A @ result.parameters - b), np.linalg.norm(b)
    assert left <= min(0.5, np.sqrt(norm)) * norm
    assert result.history.learning_rate[1] == 1


@pytest.mark.parametrize("method", [tw.Newton(), tw.NewtonCG()])
def test_convergence_is_faster_than_linear(method: tw.Method) -> None:
    """Near the minimum each step has at least 1.5 times the digits of the step before."""

    def loss(x: Any) -> Any:
        return np.sum(np.cosh(x)) + 0.3 * np.sum(x[1:] * x[:-1]) ** 2

    norms = tw.minimize(
        loss, np.linspace(-0.5, 1, 6), method=method, stop=tw.GradientBelow(1e-12)
    ).history.gradient_norm
    near = norms[(norms < 0.1) & (norms > 1e-14)]
    assert len(near) >= 2
    for before, after in pairwise(near):
        assert after < max(3 * before**1.5, 1e-12)


def test_the_hessian_of_the_logistic_loss_at_zero() -> None:
    """np.logaddexp(0, z) at z = 0 is a tie, but no kink: its second derivative is 1/4."""
    for pair in ((0.0, 0.0), (1.5, 1.5)):
        found = tw.hessian(lambda z: np.logaddexp(z[0], z[1]))(np.array(pair))
        np.testing.assert_allclose(found, [[0.25, -0.25], [-0.25, 0.25]], rtol=1e-12)
    gradient = tw.grad(lambda z: np.logaddexp(z[0], np.where(z[1] > 0, -np.inf, z[1])))(np.array([2.0, 1.0]))
    np.testing.assert_array_equal(gradient, [1, 0])
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((300, 4)), rng.random(300) < 0.4
    step = np.linalg.solve(X.T @ X / 4, X.T @ (y - 0.5))
    result = tw.minimize(
        lambda w: np.sum(np.logaddexp(0, X @ w) - y * (X @ w)), np.zeros(4), method=tw.Newton(), stop=tw.MaxSteps(1)
    )
    np.testing.assert_allclose(result.parameters, step, rtol=1e-9)


# Moré, Garbow and Hillstrom
METHODS = [tw.LBFGS(), tw.BFGS(), tw.ConjugateGradient(), tw.Newton(), tw.LevenbergMarquardt()]
EXCEPTIONS = {
    ("powell_badly_scaled_2", tw.ConjugateGradient): "the curvatures differ by 1e16: rounding ends it at 3e-10",
    ("meyer_3", tw.ConjugateGradient): "the curvatures differ by 1e17: takes more than 10,000 steps",
    ("watson_9", tw.ConjugateGradient): "the curvatures differ by 1e11: takes more than 10,000 steps",
    ("watson_12", tw.ConjugateGradient): "the curvatures differ by 1e15: takes more than 10,000 steps",
    ("watson_12", tw.LBFGS): "the curvatures differ by 1e15: takes more than 10,000 steps",
    ("watson_12", tw.BFGS): "the curvatures differ by 1e15: rounding ends the descent at 2e-9",
}
RULE = tw.GradientBelow(1e-11) | tw.NoChange(20, tolerance=1e-15) | tw.MaxSteps(10_000)


def is_stationary_value(problem: Problem, value: float) -> bool:
    """Whether a listed minimum, infimum or saddle has that value, to rounding and to what is left of the start's."""
    slack = 1e-10 * problem.loss(problem.start)
    points = (*problem.minima, *problem.infima, *problem.saddles)
    return any(abs(value - point.value) <= 1e-6 * point.value + slack for point in points)


@pytest.mark.parametrize("number", range(len(PROBLEMS)), ids=[problem.name for problem in PROBLEMS])
def test_the_functions_of_more_garbow_and_hillstrom(number: int) -> None:
    """The methods take turns: for each function another."""
    problem, method = PROBLEMS[number], METHODS[number % len(METHODS)]
    if (problem.name, type(method)) in EXCEPTIONS:
        method = tw.Newton()
    result = tw.minimize(problem.loss, problem.start, method=method, stop=RULE)
    # Residuals of 1e-6 are differences of numbers around 1.
    assert result.loss == pytest.approx(problem.loss(result.parameters), rel=1e-8, abs=1e-25)
    assert is_stationary_value(problem, result.loss), f"{method}: {result.loss}"


@pytest.mark.parametrize("method", [*METHODS[:3], tw.NewtonCG()], ids=lambda method: type(method).__name__)
def test_scipys_optimum(method: tw.Method) -> None:
    problem = load("kowalik_osborne_4")
    found = scipy_minimize(
        problem.loss, problem.start, jac=lambda x: complex_step_gradient(problem.loss, x), method="BFGS", tol=1e-12
    )
    result = tw.minimize(problem.loss, problem.start, method=method, stop=RULE)
    assert result.loss == pytest.approx(found.fun, rel=1e-8)


# Losses that are not convex
@pytest.mark.parametrize("method", [tw.Newton(), tw.NewtonCG()])
def test_a_direction_points_downhill_where_the_loss_is_not_convex(method: tw.Method) -> None:
    def loss(x: Any) -> Any:
        return np.sum(x**4) - np.sum(x**2) + x[0] * x[1]

    result = tw.minimize(loss, np.array([0.1, 0.05]), method=method)
    assert (result.history.slope[1:] < 0).all()
    assert result.ascents == 0
    assert np.linalg.eigvalsh(tw.hessian(loss)(result.parameters))[0] > 0


@pytest.mark.parametrize("method", [tw.Newton(), tw.NewtonCG()])
@pytest.mark.parametrize(
    "loss",
    [lambda x: np.sum(np.absolute(x)), lambda x: np.sum(x * np.arange(1.0, 3.0)), lambda x: np.sum(np.maximum(x, 0))],
    ids=["abs", "linear", "relu"],
)
def test_a_loss_without_curvature_is_refused(method: tw.Method, loss: Any) -> None:
    with pytest.raises(tw.LossError, match="Hessian of the loss is zero everywhere"):
        tw.minimize(loss, np.ones(2), method=method)


@pytest.mark.parametrize("method", [tw.Newton(), tw.NewtonCG()])
def test_a_loss_with_kinks_ends(method: tw.Method) -> None:
    """Where the first round of a direction fails, the failure of its search is remembered: it once ran for ever."""
    result = tw.minimize(
        lambda x: np.absolute(x[0] - 1) + 0.1 * np.absolute(x[1]) + 1e-12 * np.sum(x**2), np.full(2, 1.5), method=method,
        stop=tw.MaxSteps(200),
    )  # fmt: skip
    assert np.isfinite(result.loss)
    assert result.loss < 0.65


@pytest.mark.parametrize("method", [tw.Newton(), tw.NewtonCG()])
@pytest.mark.parametrize("gradient", ["numerical", lambda x: 2 * x])
def test_second_order_needs_the_automatic_gradient(method: tw.Method, gradient: Any) -> None:
    with pytest.raises(tw.ArgumentError, match="needs second derivatives"):
        tw.minimize(lambda x: np.sum(x**2), np.ones(2), method=method, gradient=gradient)


# Tiles
@pytest.mark.parametrize(
    "method",
    [tw.LBFGS(), tw.Newton(), tw.NewtonCG(), tw.LevenbergMarquardt()],
    ids=lambda method: type(method).__name__,
)
def test_a_hundred_thousand_examples_in_tiles(method: tw.Method) -> None:
    """Machine code in tiles and threads, against the reference in NumPy."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((100_000, 5))
    y = np.tanh(X @ np.linspace(-1, 1, 5) + 0.5) + 0.1 * rng.standard_normal(100_000)

    def loss(p: Any, X: Any, y: Any) -> Any:
        return np.mean((np.tanh(X @ p["w"] + p["b"]) - y) ** 2) + 1e-3 * np.sum(p["w"] ** 2)

    start = {"w": np.zeros(5), "b": 0.0}
    arguments: dict[str, Any] = {"data": (X, y), "method": method, "stop": tw.MaxSteps(4)}
    native, other = (tw.minimize(loss, start, threads=threads, **arguments) for threads in (2, 1))
    reference = tw.minimize(loss, start, target="numpy", **arguments)
    np.testing.assert_array_equal(native.parameters["w"], other.parameters["w"])
    np.testing.assert_allclose(native.history.loss, reference.history.loss, rtol=1e-9)
    np.testing.assert_allclose(native.parameters["w"], reference.parameters["w"], rtol=1e-6)
    assert not native.notes

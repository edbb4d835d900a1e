"""The functions of Moré, Garbow and Hillstrom: published values, minima, saddles, and thalweg's derivatives."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy.optimize import least_squares, minimize

import thalweg as tw
from references import residuals_of_any_size as any_size
from references.derivatives import complex_step_gradient, complex_step_jacobian, hessian_by_differences
from references.more_garbow_hillstrom import BY_NAME, PROBLEMS, Array, Point, Problem, load

each_problem = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)

each_problem_but_biggs = pytest.mark.parametrize(
    "problem", [problem for problem in PROBLEMS if problem.name != "biggs_6"], ids=lambda problem: problem.name
)

# √Σr² at 1, 10 and 100 times the start (Watson's is 0: there at x = 0, 10, 100), as the test programs of MINPACK print.
PUBLISHED_NORMS: dict[str, tuple[float, ...]] = {
    "rosenbrock_2": (4.919350, 1340.063, 143000.1),
    "freudenstein_roth_2": (20.01250, 12432.83, 11426450),
    "powell_badly_scaled_2": (1.065487, 1.000000),
    "jennrich_sampson_2": (64.58565,),
    "helical_valley_3": (50.00000, 102.9563, 991.2618),
    "bard_3": (6.456136, 36.14185, 384.1147),
    "meyer_3": (41153.47, 4168217),
    "box_3": (32.11158,),
    "powell_singular_4": (14.66288, 1270.984, 126887.9),
    "kowalik_osborne_4": (0.07289151, 2.979370, 29.95906),
    "brown_dennis_4": (2815.438, 555073.4, 61211250),
    "osborne_1_5": (0.9375640,),
    "osborne_2_11": (1.446865,),
    "watson_6": (5.477226, 6433.126, 674256.0),
    "watson_9": (5.477226, 12088.13, 1269109),
    "watson_12": (5.477226, 19220.76, 2018918),
    "trigonometric_10": (0.08411753, 20.30519, 93.36937),
    "brown_almost_linear_10": (16.53022, 9765624, 9.765625e16),
    "discrete_boundary_value_10": (0.02808058, 0.5255526, 106.5739),
    "discrete_integral_equation_10": (0.2518270, 6.116833, 1269.309),
    "broyden_tridiagonal_10": (4.582576, 639.1009, 63337.58),
    "broyden_banded_10": (18.97367, 17130.92, 15949860),
    "chebyquad_7": (0.1837679, 4.269328e9, 6.414317e16),
    "chebyquad_8": (0.1965139,),
    "chebyquad_9": (0.1699499,),
    "chebyquad_10": (0.1837478,),
}
# Σr² at the start by hand; the four with many digits term by term, without NumPy.
VALUES_AT_THE_START = {
    "brown_badly_scaled_2": (1e6 - 1) ** 2 + (1 - 2e-6) ** 2 + 1,
    "beale_2": 1.5**2 + 2.25**2 + 2.625**2,
    "gaussian_3": 3.888106991166885e-06,
    "gulf_3": 12.11070582556949,
    "wood_4": 19192,
    "biggs_6": 0.7790700756559702,
    "extended_rosenbrock_10": 5 * 24.2,
    "extended_powell_singular_12": 3 * 215,
    "penalty_1_4": 14e-5 + 29.75**2,
    "penalty_1_10": 285e-5 + 384.75**2,
    "penalty_2_4": 2.3400088054630244,
    "penalty_2_10": 162.65277656596712,
    "variably_dimensioned_10": 3.85 + 38.5**2 + 38.5**4,
    "linear_full_rank_10": 10 + 10 * 4,
    "linear_rank_1_10": sum((55 * i - 1) ** 2 for i in range(1, 21)),
    "linear_rank_1_with_zeros_10": 2 + sum((44 * i - 1) ** 2 for i in range(1, 19)),
}


def analytic(problem: Problem) -> Callable[[Any], Any]:
    """The residuals, in the form to which complex steps apply."""
    if problem.name != "helical_valley_3":
        return problem.residuals

    def as_in_the_paper(x: Any) -> Any:
        turn = np.arctan(x[1] / x[0]) / (2 * np.pi) + np.where(np.real(x[0]) < 0, 0.5, 0.0)
        return np.stack([10 * (x[2] - 10 * turn), 10 * (np.sqrt(x[0] ** 2 + x[1] ** 2) - 1), x[2]])

    return as_in_the_paper


def analytic_loss(problem: Problem) -> Callable[[Any], Any]:
    residuals = analytic(problem)
    return lambda x: np.sum(residuals(x) ** 2)


@each_problem
def test_the_published_values_at_the_start(problem: Problem) -> None:
    if problem.name in VALUES_AT_THE_START:
        assert problem.loss(problem.start) == pytest.approx(VALUES_AT_THE_START[problem.name], rel=1e-13)
    else:
        for factor, norm in zip((1, 10, 100), PUBLISHED_NORMS[problem.name], strict=False):
            point = problem.start * factor if problem.start.any() else problem.start + factor * (factor > 1)
            assert np.linalg.norm(problem.residuals(point)) == pytest.approx(norm, rel=1e-6)


@pytest.mark.parametrize(
    ("residuals", "norms"),
    [
        (any_size.linear_full_rank, (5.000000, 8.062258)),
        (any_size.linear_rank_1, (291.5219, 3101.600)),
        (any_size.linear_rank_1_with_zeros, (126.0397, 1748.950)),
    ],
)
def test_the_published_values_of_linear_functions(residuals: Callable[..., Any], norms: tuple[float, float]) -> None:
    """n = 5; m = 10 and 50."""
    for m, norm in zip((10, 50), norms, strict=True):
        assert np.linalg.norm(residuals(np.ones(5), m=m)) == pytest.approx(norm, rel=1e-6)


def gradient_and_curvatures(problem: Problem, point: Point) -> tuple[Array, Array, Array]:
    """The largest slope at a point, the curvatures, and the direction of the least, all in units of its coordinates."""
    x, loss = np.array(point.at), analytic_loss(problem)
    unit = np.where(x == 0, 1.0, np.abs(x))
    gradient = complex_step_gradient(lambda z: loss(x + unit * z), np.zeros(len(x)))
    curvatures, directions = np.linalg.eigh(hessian_by_differences(lambda z: loss(x + unit * z), np.zeros(len(x))))
    return gradient, curvatures, unit * directions[:, 0]


@each_problem
def test_the_listed_points_are_stationary_and_minima_have_no_negative_curvature(problem: Problem) -> None:
    for point in problem.minima + problem.saddles:
        if point.at:
            assert problem.loss(np.array(point.at)) == pytest.approx(point.value, rel=1e-9, abs=1e-12)
            gradient, curvatures, _ = gradient_and_curvatures(problem, point)
            assert np.max(np.abs(gradient)) < 1e-8 * curvatures[-1]
            if point in problem.minima:
                assert curvatures[0] > -1e-7 * curvatures[-1]


@pytest.mark.parametrize(("name", "length"), [("wood_4", 0.1), ("biggs_6", 0.1), ("brown_almost_linear_10", 0.3)])
def test_beside_a_saddle_lie_lower_points(name: str, length: float) -> None:
    """Wood and Biggs: by a negative curvature. Brown: only by the terms of ninth order."""
    problem = load(name)
    x, value = np.array(problem.saddles[0].at), problem.saddles[0].value
    _, curvatures, direction = gradient_and_curvatures(problem, problem.saddles[0])
    if name == "brown_almost_linear_10":
        assert curvatures[0] > -1e-9
        direction = np.array([1.0] * 9 + [-10.0])
    else:
        assert curvatures[0] < -1e-3
    lower = min(problem.loss(x + length * direction), problem.loss(x - length * direction))
    assert lower < value * (1 - 1e-6)


def is_listed(problem: Problem, value: float) -> bool:
    """Whether a minimum has that value, to rounding and to what is left of the start's."""
    slack = 1e-9 * problem.loss(problem.start)
    return any(abs(value - point.value) <= 1e-6 * point.value + slack for point in problem.minima)


@each_problem_but_biggs
def test_levenberg_marquardt_ends_in_a_listed_minimum(problem: Problem) -> None:
    jacobian = partial(complex_step_jacobian, analytic(problem))
    with np.errstate(all="ignore"):
        found = least_squares(
            problem.residuals, problem.start, jac=jacobian, method="lm", x_scale="jac", xtol=1e-14, ftol=1e-14
        )
    assert is_listed(problem, 2 * found.cost)
    if len(problem.minima) == 1 and problem.minima[0].value > 0:
        assert 2 * found.cost == pytest.approx(problem.minima[0].value, rel=1e-9)


@pytest.mark.parametrize(
    "problem", [problem for problem in PROBLEMS if problem.name != "biggs_6"], ids=lambda p: p.name
)
def test_quasi_newton_ends_in_a_listed_minimum(problem: Problem) -> None:
    with np.errstate(all="ignore"):
        gradient = partial(complex_step_gradient, analytic_loss(problem))
        found = minimize(problem.loss, problem.start, jac=gradient, method="BFGS", options={"gtol": 1e-9})
    assert is_listed(problem, found.fun)


def test_gradients_from_the_start_of_biggs_lead_to_a_saddle() -> None:
    """x₁ = x₅ and x₃ = x₆ throughout; from a start beside it, the minimum is found."""
    problem = load("biggs_6")
    gradient = partial(complex_step_gradient, problem.loss)
    found = minimize(problem.loss, problem.start, jac=gradient, method="BFGS", options={"gtol": 1e-9})
    assert found.fun == pytest.approx(problem.saddles[0].value, rel=1e-9)
    np.testing.assert_allclose(found.x[[0, 2]], found.x[[4, 5]], rtol=1e-9)
    beside = problem.start + 0.1 * np.eye(6)[4]
    found = minimize(problem.loss, beside, jac=gradient, method="BFGS", options={"gtol": 1e-9})
    assert is_listed(problem, found.fun)


def test_infima_are_approached_on_a_way_to_infinity() -> None:
    ways: dict[str, Callable[[float], list[float]]] = {
        "bard_3": lambda t: [0.840666666667, -t, -t],
        "kowalik_osborne_4": lambda t: [0.022095936058 * t, -14.075883257069, -t, -0.623801346144 * t],
    }
    assert {problem.name for problem in PROBLEMS if problem.infima} == set(ways)
    for name, way in ways.items():
        problem = load(name)
        values = [problem.loss(np.array(way(t))) for t in (1e4, 1e6, 1e8)]
        assert values == sorted(values, reverse=True)
        assert values[-1] == pytest.approx(problem.infima[0].value, rel=1e-5)
        assert values[-1] >= problem.infima[0].value * (1 - 1e-10)


@each_problem
def test_thalweg_differentiates_the_loss(problem: Problem) -> None:
    program: Any = tw.value_and_grad(problem.loss)
    for point in (problem.start, 0.9 * problem.start + 0.01):
        value, gradient = program(point)
        wanted = complex_step_gradient(analytic_loss(problem), point)
        assert value == pytest.approx(problem.loss(point), rel=1e-12)
        np.testing.assert_allclose(gradient, wanted, rtol=1e-9, atol=1e-12 * np.max(np.abs(wanted)))


def test_all_35_functions_are_here() -> None:
    assert {problem.number for problem in PROBLEMS} == set(range(1, 36))
    assert len(BY_NAME) == len(PROBLEMS)
    assert set(PUBLISHED_NORMS) | set(VALUES_AT_THE_START) == set(BY_NAME)
    with pytest.raises(KeyError, match="no problem 'rosenbrock'"):
        load("rosenbrock")

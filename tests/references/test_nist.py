"""NIST's problems: the files agree with what they certify, and thalweg traces every model."""

from __future__ import annotations

from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import least_squares

import thalweg as tw
from references.derivatives import complex_step_gradient, complex_step_jacobian
from references.nist import MODELS, NAMES, PROBLEMS, Array, Problem, load, read

each_problem = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)


@each_problem
def test_the_certified_sum_of_squares(problem: Problem) -> None:
    """Lanczos1 apart (below): its residuals are smaller than what eleven digits of its parameters can give."""
    if problem.name == "Lanczos1":
        assert problem.loss(problem.certified) < 1e-20
    else:
        assert problem.loss(problem.certified) == pytest.approx(problem.residual_sum_of_squares, rel=2e-10)
    degrees_of_freedom = len(problem.y) - len(problem.certified)
    wanted = np.sqrt(problem.residual_sum_of_squares / degrees_of_freedom)
    assert problem.residual_standard_deviation == pytest.approx(wanted, rel=1e-10)


def test_the_certified_sum_of_squares_of_lanczos1() -> None:
    """Gauss–Newton steps from the certified parameters, with residuals in 50 digits, end at 1.4307867721e-25."""
    problem = load("Lanczos1")
    jacobian = complex_step_jacobian(lambda b: problem.model(b, problem.x), problem.certified)
    with localcontext() as context:
        context.prec = 50
        x, y = [Decimal(f"{value:.2f}") for value in problem.x], [Decimal(f"{value:.13g}") for value in problem.y]
        b = [Decimal(value) for value in problem.certified]

        def residuals() -> list[Decimal]:
            return [
                value - sum(b[k] * (-b[k + 1] * at).exp() for k in (0, 2, 4)) for at, value in zip(x, y, strict=True)
            ]

        for _ in range(4):
            step = np.linalg.lstsq(jacobian, np.array(residuals(), dtype=np.float64), rcond=None)[0]
            b = [value + Decimal(float(change)) for value, change in zip(b, step, strict=True)]
        total = float(sum(residual**2 for residual in residuals()))
    assert total == pytest.approx(problem.residual_sum_of_squares, rel=1e-10)
    np.testing.assert_allclose([float(value) for value in b], problem.certified, rtol=6e-11)


@each_problem
def test_the_certified_standard_deviations(problem: Problem) -> None:
    """Their squares are the diagonal of s² (JᵀJ)⁻¹, so the model's derivatives are right as well as its values."""
    jacobian = complex_step_jacobian(lambda b: problem.model(b, problem.x), problem.certified)
    scale = np.linalg.norm(jacobian, axis=0)
    inverse = np.linalg.inv(np.linalg.qr(jacobian / scale)[1])
    deviations = problem.residual_standard_deviation * np.linalg.norm(inverse, axis=1) / scale
    np.testing.assert_allclose(deviations, problem.standard_deviations, rtol=2e-9)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "Lanczos1"])
def test_the_certified_point_is_stationary(name: str) -> None:
    """The residuals stand at right angles to the tangent space (Lanczos1's are rounding errors there)."""
    problem = load(name)
    jacobian = complex_step_jacobian(lambda b: problem.model(b, problem.x), problem.certified)
    residuals = problem.residuals(problem.certified)
    within = np.linalg.qr(jacobian)[0].T @ residuals
    assert np.linalg.norm(within) < 2e-5 * np.linalg.norm(residuals)


@each_problem
def test_a_general_solver_ends_at_the_certified_parameters(problem: Problem) -> None:
    for start in problem.starts:
        with np.errstate(all="ignore"):
            found = least_squares(
                problem.residuals,
                start,
                jac=lambda b: -complex_step_jacobian(lambda b: problem.model(b, problem.x), b),
                x_scale="jac",
                xtol=1e-15,
                ftol=1e-15,
                gtol=1e-15,
                max_nfev=5000,
            )
        np.testing.assert_allclose(found.x, problem.certified, rtol=1e-6)


@each_problem
def test_thalweg_differentiates_the_loss(problem: Problem) -> None:
    program: Any = tw.value_and_grad(problem.loss)
    for point in (*problem.starts, problem.certified * 1.01):
        value, gradient = program(point)
        wanted: Array = complex_step_gradient(problem.loss, point)
        assert value == pytest.approx(problem.loss(point), rel=1e-12)
        np.testing.assert_allclose(gradient, wanted, rtol=1e-8, atol=1e-12 * np.max(np.abs(wanted)))


def test_there_are_27_models_and_most_of_their_data() -> None:
    assert len(MODELS) == 27
    assert len(NAMES) >= 21
    assert {problem.name for problem in PROBLEMS} == set(NAMES) <= set(MODELS)


def test_nelson_has_the_logarithm_as_response_and_two_predictors() -> None:
    problem = load("Nelson")
    assert problem.x.shape == (128, 2)
    assert problem.y[0] == np.log(15.0)


def test_an_unknown_name_and_a_foreign_file_are_told(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="no problem 'Misra2a'"):
        load("Misra2a")
    path = tmp_path / "Misra1a.dat"
    path.write_text("x,y\n1,2\n")
    with pytest.raises(ValueError, match=r"Misra1a\.dat is not in NIST's format"):
        read(path)

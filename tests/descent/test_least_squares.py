"""Levenberg–Marquardt: the residuals that it finds, NIST's certified values, and losses that are no sum of squares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from references.nist import PROBLEMS, Problem

import thalweg as tw

Array = np.ndarray[Any, Any]
LM = tw.LevenbergMarquardt()


def correct_digits(found: Array, certified: Array) -> float:
    return float(-np.log10(max(np.max(np.abs(found / certified - 1)), 1e-16)))


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_nists_certified_parameters_from_both_starts(problem: Problem) -> None:
    for start in problem.starts:
        result = tw.minimize(problem.loss, start, method=LM)
        assert correct_digits(result.parameters, problem.certified) >= 6, result


RNG = np.random.default_rng(0)
X = RNG.standard_normal((50, 3))
Y = X @ np.array([1.0, -2.0, 0.5]) + 0.1 * RNG.standard_normal(50)
WEIGHTS = RNG.random(50)


def normal_equations(weights: Array, ridge: float = 0.0) -> Array:
    return np.linalg.solve(X.T @ (weights[:, None] * X) + ridge * np.eye(3), X.T @ (weights * Y))


ONES = np.ones(50)


@pytest.mark.parametrize(
    ("loss", "solution"),
    [
        (lambda w: np.sum((X @ w - Y) ** 2), normal_equations(ONES)),
        (lambda w: np.mean(np.square(Y - X @ w)), normal_equations(ONES)),
        (lambda w: 0.5 * (X @ w - Y) @ (X @ w - Y), normal_equations(ONES)),
        (lambda w: np.dot(X @ w - Y, X @ w - Y) / 7 + 3, normal_equations(ONES)),
        (lambda w: np.linalg.norm(X @ w - Y) ** 2, normal_equations(ONES)),
        (lambda w: np.sum(np.absolute(X @ w - Y) ** 2), normal_equations(ONES)),
        (lambda w: np.sum(WEIGHTS * (X @ w - Y) ** 2), normal_equations(WEIGHTS)),
        (lambda w: np.average((X @ w - Y) ** 2, weights=WEIGHTS), normal_equations(WEIGHTS)),
        (lambda w: np.sum((X @ w - Y) ** 2) + 2.5 * np.sum(w**2), normal_equations(ONES, 2.5)),
        (lambda w: np.sum(((X @ w - Y) ** 2).reshape(5, 10), axis=1).sum() + 2.5 * w @ w, normal_equations(ONES, 2.5)),
        (lambda w: sum((X[i] @ w - Y[i]) ** 2 for i in range(50)), normal_equations(ONES)),
        (lambda w: np.einsum("i,i->", X @ w - Y, X @ w - Y), normal_equations(ONES)),
    ],
    ids=["sum", "mean", "@", "dot", "norm", "abs", "weights", "average", "ridge", "reshaped", "one by one", "einsum"],
)
def test_the_residuals_are_found_however_the_sum_is_written(loss: Any, solution: Array) -> None:
    result = tw.minimize(loss, np.zeros(3), method=LM)
    np.testing.assert_allclose(result.parameters, solution, rtol=1e-7)
    assert result.evaluations < 100  # ten, but of the norm, which is one residual only


def test_data_and_weights_as_arguments_and_tiles() -> None:
    for target in ("native", "numpy"):
        result = tw.minimize(
            lambda w, x, y, v: np.mean(v * (x @ w - y) ** 2),
            np.zeros(3),
            data=(X, Y, WEIGHTS),
            method=LM,
            target=target,
        )
        np.testing.assert_allclose(result.parameters, normal_equations(WEIGHTS), rtol=1e-8)


def test_every_accepted_step_lowers_the_loss_and_points_downhill() -> None:
    problem = next(problem for problem in PROBLEMS if problem.name == "Thurber")
    history = tw.minimize(problem.loss, problem.starts[0], method=LM).history
    large = history.loss[:-1] > history.loss[-1] * (1 + 1e-9)
    assert (np.diff(history.loss)[large] < 0).all()
    assert (history.slope[1:][large] < 0).all()


def test_float32() -> None:
    x, y = X.astype(np.float32), Y.astype(np.float32)
    result = tw.minimize(lambda w: np.mean((x @ w - y) ** 2), np.zeros(3, np.float32), method=LM)
    assert result.parameters.dtype == np.float32
    np.testing.assert_allclose(result.parameters, normal_equations(ONES), rtol=1e-4)


@pytest.mark.parametrize("loss", [lambda x: np.sum((x - 1) ** 2), lambda x: np.sum((x[:1] - 1) ** 2)])
def test_more_parameters_than_residuals_and_columns_of_zero(loss: Any) -> None:
    result = tw.minimize(loss, np.zeros(3), method=LM)
    assert result.loss < 1e-20
    assert np.isfinite(result.parameters).all()


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda x: np.sum(np.exp(x)), "np.exp at .*test_least_squares.py:.* is no square"),
        (lambda x: np.sum(x**2) + np.sum(np.cos(x)), "np.cos"),
        (lambda x: np.sum(x**2) - np.sum(x[:1] ** 2), "np.subtract"),
        (lambda x: np.sum(np.array([1.0, -1.0]) * x**2), r"the factor -1.0, below zero"),
        (lambda x: -2.0 * np.sum(x**2), "below zero"),
        (lambda x: x[1] * np.sum((x - 1) ** 2), "np.multiply"),
        (
            lambda x: np.einsum("ij,ji->", x.reshape(1, 2) * np.ones((2, 1)), x.reshape(1, 2) * np.ones((2, 1))),
            "np.dot",
        ),
        (lambda x: np.sqrt(np.sum(x**2)), "is no square"),
    ],
)
def test_what_is_no_sum_of_squares(loss: Any, message: str) -> None:
    with pytest.raises(tw.LossError, match=message):
        tw.minimize(loss, np.ones(2), method=LM)


@pytest.mark.parametrize("gradient", ["numerical", lambda x: 2 * x])
def test_another_gradient_is_refused(gradient: Any) -> None:
    with pytest.raises(tw.ArgumentError, match="leave out gradient"):
        tw.minimize(lambda x: np.sum(x**2), np.ones(2), method=LM, gradient=gradient)


def test_weights_below_zero_in_the_data_are_seen_as_ascents() -> None:
    data = (np.array([1.0, -2.0]), np.array([1.0, 2.0]))
    result = tw.minimize(lambda x, v, y: np.sum(v * (x - y) ** 2), 0.0, data=data, method=LM)
    assert result.ascents
    assert "did not point downhill" in str(result.notes)
    assert "steepest" not in str(result.notes)

"""Naive formulas, written as people write them, are exact and differentiable where the naive form overflows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import thalweg as tw

BIG = 1000.0


def softplus(z: float) -> float:
    return max(z, 0) + np.log1p(np.exp(-abs(z)))


def expit(z: float) -> float:
    return 1 / (1 + np.exp(-z)) if z > 0 else np.exp(z) / (1 + np.exp(z))


# name: (naive function, exact value, exact derivative)
NAIVE: dict[str, tuple[Callable[..., Any], Callable[..., float], Callable[..., float]]] = {
    "log(1 + exp(z))": (lambda z: np.log(1 + np.exp(z)), softplus, expit),
    "log1p(exp(z))": (lambda z: np.log1p(np.exp(z)), softplus, expit),
    "log(1 / (1 + exp(-z)))": (lambda z: np.log(1 / (1 + np.exp(-z))), lambda z: -softplus(-z), lambda z: expit(-z)),
    "log(1 - sigmoid)": (lambda z: np.log(1 - 1 / (1 + np.exp(-z))), lambda z: -softplus(z), lambda z: -expit(z)),
    "exp(z) / (1 + exp(z))": (lambda z: np.exp(z) / (1 + np.exp(z)), expit, lambda z: expit(z) * expit(-z)),
    "log(exp(z) + exp(2))": (
        lambda z: np.log(np.exp(z) + np.exp(2 * z / z)),
        lambda z: np.logaddexp(z, 2),
        lambda z: expit(z - 2),
    ),
    "log(exp(z))": (lambda z: np.log(np.exp(z)), lambda z: z, lambda z: 1.0),
}


@pytest.mark.parametrize("z", [-BIG, -30.0, -1.0, 0.5, 30.0, BIG])
@pytest.mark.parametrize("name", sorted(NAIVE))
def test_scalar_formulas(name: str, z: float) -> None:
    function, value, slope = NAIVE[name]
    found, gradient = tw.value_and_grad(function)(np.float64(z))
    np.testing.assert_allclose(found, value(z), rtol=1e-13, atol=1e-300)
    np.testing.assert_allclose(gradient, slope(z), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_softmax_and_its_logarithm(scale: float) -> None:
    z = scale * np.array([0.3, -1.0, 2.0])
    shifted = np.exp(z - z.max())
    probability = shifted / shifted.sum()

    def naive(z: Any) -> Any:
        return np.log(np.exp(z) / np.sum(np.exp(z)))[0]

    value, gradient = tw.value_and_grad(naive)(z)
    np.testing.assert_allclose(value, z[0] - z.max() - np.log(shifted.sum()), rtol=1e-13)
    np.testing.assert_allclose(gradient, np.array([1, 0, 0]) - probability, rtol=1e-12, atol=1e-15)


def test_log_of_a_sum_of_exponentials_along_an_axis() -> None:
    z = np.array([[900.0, 901.0], [-900.0, -901.0]])
    value, gradient = tw.value_and_grad(lambda z: np.sum(np.log(np.sum(np.exp(z), axis=1))))(z)
    np.testing.assert_allclose(value, 901 + np.log1p(np.exp(-1)) - 900 + np.log1p(np.exp(-1)))
    np.testing.assert_allclose(gradient.sum(axis=1), 1)


def test_cross_entropy_with_both_branches() -> None:
    """-(y log p + (1 - y) log(1 - p)), the form in which it overflows."""

    def loss(w: Any, x: Any, y: Any) -> Any:
        p = 1 / (1 + np.exp(-x * w))
        return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))

    x, y = np.array([1000.0, -2000.0]), np.array([0.0, 1.0])
    value, gradient = tw.value_and_grad(loss)(np.float64(1), x, y)
    np.testing.assert_allclose([value, gradient], [1500, 1500])


@pytest.mark.parametrize("x", [[0.0, 0.0], [3e200, 4e200], [3e-200, 4e-200]])
def test_norms(x: list[float]) -> None:
    """No overflow, no underflow, and a finite derivative at zero."""
    for function in (lambda p: np.sqrt(p[0] ** 2 + p[1] ** 2), lambda p: np.sqrt(np.sum(p**2)), np.linalg.norm):
        value, gradient = tw.value_and_grad(function)(np.array(x))
        np.testing.assert_allclose(value, np.hypot(*x), rtol=1e-14)
        wanted = [0.6, 0.8] if x[0] else [0.0, 0.0]
        np.testing.assert_allclose(gradient, wanted, rtol=1e-13)


def test_a_branch_that_is_not_chosen_does_not_spoil_the_gradient() -> None:
    """The well-known trap of where(x > 0, log(x), 0)."""
    x = np.array([-1.0, 0.0, 2.0])
    gradient = tw.grad(lambda x: np.sum(np.where(x > 0, np.log(x), 0)))(x)
    np.testing.assert_allclose(gradient, [0, 0, 0.5])
    gradient = tw.grad(lambda x: np.sum(np.where(x > 0, np.sqrt(x), x)))(x)
    np.testing.assert_allclose(gradient, [1, 1, 0.5 / np.sqrt(2)])


def test_log_of_a_determinant_that_overflows() -> None:
    matrix = 1e10 * np.eye(40)
    value, gradient = tw.value_and_grad(lambda a: np.log(np.linalg.det(a)))(matrix)
    np.testing.assert_allclose(value, 40 * np.log(1e10))
    np.testing.assert_allclose(gradient, np.eye(40) / 1e10, atol=1e-25)


SMOOTH: dict[str, tuple[Callable[..., Any], float]] = {
    "logaddexp(0, z)": (lambda z: np.logaddexp(0, z), 0.25),
    "logaddexp(z, -z)": (lambda z: np.logaddexp(z, -z), 1.0),
    "logaddexp(z, 2z)": (lambda z: np.logaddexp(z, 2 * z), 0.25),
    "max(z, 0) + log1p(exp(-|z|))": (lambda z: np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))), 0.25),
    "norm squared": (lambda z: np.linalg.norm(np.stack([z, z])) ** 2, 4.0),
    "hypot squared": (lambda z: np.hypot(z, 2 * z) ** 2, 10.0),
    "hypot(z, 1)": (lambda z: np.hypot(z, 1.0), 1.0),
    "sum of logistic losses": (lambda z: np.sum(np.logaddexp(0, np.stack([z, -2 * z]))), 1.25),
}


@pytest.mark.parametrize("name", sorted(SMOOTH))
def test_smooth_functions_keep_their_curvature_where_their_parts_have_kinks(name: str) -> None:
    """At zero parameters, where descents begin, all z are 0."""
    function, curvature = SMOOTH[name]
    assert float(tw.hessian(function)(np.float64(0))) == pytest.approx(curvature, rel=1e-12)

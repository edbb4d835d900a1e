"""Libraries within a loss: their tables and sparse matrices take part; their functions that need numbers are named, with a way out."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas
import pytest
import scipy.integrate
import scipy.interpolate
import scipy.linalg
import scipy.ndimage
import scipy.optimize
import scipy.signal
import scipy.sparse
import scipy.sparse.linalg
import scipy.special
import scipy.stats
import sklearn.metrics

import thalweg as tw
from thalweg.trace.advice import advice_on

Array = np.ndarray[Any, Any]

TABLE = pandas.DataFrame({"a": [1.0, 2, 3], "b": [2.0, 0, 1], "y": [1.0, 2, 3]})
FEATURES, TARGET = TABLE[["a", "b"]], TABLE["y"]
X, Y = FEATURES.to_numpy(), TARGET.to_numpy()
W = np.array([0.3, 0.4])

OF_TABLES = [
    (lambda w: (FEATURES @ w - TARGET) ** 2, lambda w: (X @ w - Y) ** 2),
    (lambda w: FEATURES.dot(w), lambda w: X @ w),
    (lambda w: w @ FEATURES.T, lambda w: w @ X.T),
    (lambda w: TARGET * w[0] - w[1], lambda w: Y * w[0] - w[1]),
    (lambda w: (TARGET - w[0]) ** 2, lambda w: (Y - w[0]) ** 2),
    (lambda w: TARGET ** w[0] / w[1], lambda w: Y ** w[0] / w[1]),
    (lambda w: FEATURES * w, lambda w: X * w),
    (lambda w: np.where(w[0] + 1 < TARGET, w[1], w[0]), lambda w: np.where(w[0] + 1 < Y, w[1], w[0])),
    (lambda w: w[TARGET.astype(int) // 2], lambda w: w[Y.astype(int) // 2]),
]


@pytest.mark.parametrize(("with_table", "with_arrays"), OF_TABLES)
def test_tables_are_data(with_table: Any, with_arrays: Any) -> None:
    np.testing.assert_array_equal(
        tw.grad(lambda w: np.sum(with_table(w)))(W), tw.grad(lambda w: np.sum(with_arrays(w)))(W)
    )
    assert type(FEATURES @ W) is pandas.Series  # as before


FORMATS = ["csr_array", "csc_array", "coo_array", "dia_array", "lil_array", "bsr_array", "csr_matrix", "coo_matrix"]


@pytest.mark.parametrize("kind", FORMATS)
def test_sparse_products_have_the_derivatives_of_dense_ones(kind: str) -> None:
    rng = np.random.default_rng(0)
    dense = rng.standard_normal((5, 4)) * (rng.random((5, 4)) < 0.4)
    sparse = getattr(scipy.sparse, kind)(dense)
    x, left = rng.standard_normal(4), rng.standard_normal(5)

    def loss(S: Any, x: Any) -> Any:
        y = S @ x
        return (
            np.sum(np.sin(y) + (left * x[0]) @ S @ x) + np.sum((S @ np.outer(x, x)) ** 3) + np.sum((S.T @ (y**2)) ** 2)
        )

    for derivative in (tw.value_and_grad, tw.hessian):
        for found, wanted in zip(
            derivative(lambda x: loss(sparse, x))(x), derivative(lambda x: loss(dense, x))(x), strict=True
        ):
            np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-13)
    if kind.endswith("matrix"):
        np.testing.assert_allclose(
            tw.grad(lambda x: np.sum((sparse * x) ** 2))(x), 2 * dense.T @ (dense @ x), atol=1e-13
        )
    assert type(sparse @ x) is np.ndarray


def test_a_finite_element_problem_of_sparse_matrices_is_solved() -> None:
    n = 200
    stiffness = scipy.sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(n, n)).tocsr() * (n + 1)
    load = np.full(n, 1 / (n + 1))
    result = tw.minimize(
        lambda u: u @ (stiffness @ u) / 2 - load @ u, np.zeros(n), method=tw.LBFGS(), stop=tw.GradientBelow(1e-9)
    )
    np.testing.assert_allclose(result.parameters, scipy.sparse.linalg.spsolve(stiffness.tocsc(), load), rtol=1e-6)


def test_a_sparse_product_of_shapes_that_do_not_match() -> None:
    with pytest.raises(tw.ShapeError, match=r"test_libraries.py:\d+ .*\(2, 3\) and \(4,\).*3 columns meet 4 rows"):
        tw.grad(lambda w: np.sum(scipy.sparse.csr_array(np.eye(2, 3)) @ w))(np.ones(4))


SPARSE = scipy.sparse.csr_array(np.eye(3))
TIMES = np.linspace(0, 1, 5)
MASKED = np.ma.array([1.0, 2, 3], mask=[0, 1, 0])
SPLINE = scipy.interpolate.CubicSpline([0, 1, 2], [1, 2, 0])


def quadratic(x: Any) -> Any:
    return (x[0] - 1) ** 2


CASES: list[tuple[Any, str, str]] = [
    (lambda p: scipy.integrate.solve_ivp(lambda t, y: -p[0] * y, (0, 1), [1.0]).y.sum(), "scipy.integrate.solve_ivp", "k1 = f(t, y)"),
    (lambda p: scipy.integrate.odeint(lambda y, t, k: -k * y, [1.0], TIMES, (p[0],)).sum(), "scipy.integrate.odeint", "k1 = f"),
    (lambda p: scipy.integrate.quad(lambda x: np.exp(-p[0] * x), 0, 1)[0], "scipy.integrate.quad", "leggauss"),
    (lambda p: scipy.integrate.trapezoid(np.exp(-p[0] * TIMES), TIMES), "scipy.integrate.trapezoid", "np.trapezoid(y, x)"),
    (lambda p: scipy.optimize.brentq(lambda x: x - p[0], 0, 1), "scipy.optimize.brentq", "Newton's steps"),
    (lambda p: scipy.optimize.fsolve(lambda x: x - p[0], 0.0)[0], "scipy.optimize.fsolve", "Newton's steps"),
    (lambda p: scipy.optimize.minimize(lambda x: (x - p[0]) ** 2, 0.0).x[0], "scipy.optimize.minimize", "compiled as a loop"),
    (lambda p: scipy.interpolate.CubicSpline([0, 1, 2], p)(TIMES).sum(), "scipy.interpolate.CubicSpline", "design_matrix"),
    (lambda p: SPLINE(p).sum(), "scipy.interpolate.CubicSpline", "np.interp can be traced"),
    (lambda p: scipy.linalg.expm(np.outer(p, p)).sum(), "scipy.linalg.expm", "series"),
    (lambda p: scipy.linalg.cho_factor(np.outer(p, p)), "scipy.linalg.cho_factor", "np.linalg.cholesky(A)"),
    (lambda p: scipy.ndimage.gaussian_filter(np.outer(p, p), 1.0).sum(), "scipy.ndimage.gaussian_filter", "shifted windows"),
    (lambda p: scipy.signal.convolve2d(np.outer(p, p), np.ones((2, 2))).sum(), "scipy.signal.convolve2d", "shifted windows"),
    (lambda p: scipy.stats.norm.logpdf(p).sum(), "scipy.stats.norm.logpdf", "((x - mu) / sigma) ** 2"),
    (lambda p: scipy.stats.gamma(p[0]).logpdf(1.0), "scipy.stats.gamma.logpdf", "gammaln(a)"),
    (lambda p: scipy.stats.poisson.logpmf(2, p).sum(), "scipy.stats.poisson.logpmf", "k * np.log(mu) - mu"),
    (lambda p: sklearn.metrics.mean_squared_error(np.ones(3), p), "sklearn.metrics.mean_squared_error", "Write the formula"),
    (lambda p: SPARSE.multiply(p).sum(), "scipy.sparse.csr_array.multiply", "S.toarray()"),
    (lambda p: scipy.sparse.linalg.spsolve(SPARSE, p).sum(), "scipy.sparse.linalg.spsolve", "np.linalg.solve(S.toarray(), b)"),
    (lambda p: (MASKED * p).sum(), "np.ma.MaskedArray", "np.ma.getmaskarray(x)"),
    (lambda p: TABLE.assign(p=p).sum().sum(), "pandas.DataFrame.assign", "table.to_numpy()"),
    (lambda p: pandas.Series(p).sum(), "pandas.Series", "table.to_numpy()"),
    (lambda p: np.vectorize(lambda v: v**2)(p).sum(), "np.vectorize", "whole arrays"),
    (lambda p: np.r_[p, 1.0].sum(), "np.r_", "np.concatenate([a, b])"),
    (lambda p: np.random.default_rng(0).normal(p[0], 1.0), "np.random", "mu + sigma * z"),
]  # fmt: skip


@pytest.mark.parametrize(("loss", "name", "advice"), CASES)
def test_the_message_names_the_function_and_a_way_out(loss: Any, name: str, advice: str) -> None:
    line = loss.__code__.co_firstlineno
    said = rf"test_libraries\.py:{line} .*{re.escape(name)}\S* cannot be traced.*{re.escape(advice)}"
    with pytest.raises(tw.TracingError, match=said):
        tw.grad(loss)(np.array([0.3, 0.4, 0.5]))


def test_a_solver_is_named_though_the_error_is_in_the_function_that_it_calls() -> None:
    def motion(t: Any, y: Any, rate: Any) -> Any:
        return [-rate * y[0] if y[0] < rate else 0.0]

    with pytest.raises(
        tw.TracingError, match=r"solve_ivp cannot be traced.*compiled as a loop.*gradient=\"numerical\""
    ):
        tw.minimize(
            lambda p: scipy.integrate.solve_ivp(motion, (0, 1), [1.0], args=(p[0],)).y[0, -1],
            np.array([0.5]),
            stop=tw.MaxSteps(2),
        )


def test_what_cannot_be_traced_runs_with_a_numerical_gradient() -> None:
    def loss(p: Any) -> Any:
        return (scipy.integrate.solve_ivp(lambda t, y: -p[0] * y, (0, 1), [1.0], rtol=1e-9).y[0, -1] - 0.5) ** 2

    result = tw.minimize(loss, np.array([0.5]), gradient="numerical", method=tw.LBFGS())
    np.testing.assert_allclose(result.parameters, np.log(2), rtol=1e-3)


def test_masked_elements_are_not_read() -> None:
    with pytest.raises(tw.TracingError, match=r"its mask would be lost\. Write.*x\.filled\(0\)"):
        tw.grad(lambda w: np.sum(w * MASKED))(np.ones(3))
    np.testing.assert_array_equal(tw.grad(lambda w: np.sum(w * np.ma.array([1.0, 2, 3])))(np.ones(3)), [1, 2, 3])


def test_errors_of_libraries_that_have_met_no_traced_value_stay() -> None:
    with pytest.raises(ValueError, match="cannot reshape") as caught:
        tw.grad(lambda w: np.sum(w * np.reshape(np.ones(3), (2, 2))))(np.ones(3))
    assert not isinstance(caught.value, tw.TracingError)


DENSITIES: list[tuple[str, dict[str, Any], Any]] = [
    ("norm", {"mu": 0.3, "sigma": 1.7}, lambda x: scipy.stats.norm.logpdf(x, 0.3, 1.7)),
    ("expon", {"scale": 1.7}, lambda x: scipy.stats.expon.logpdf(x, scale=1.7)),
    ("gamma", {"a": 2.5, "scale": 1.7}, lambda x: scipy.stats.gamma.logpdf(x, 2.5, scale=1.7)),
    ("beta", {"a": 2.5, "b": 1.7}, lambda x: scipy.stats.beta.logpdf(x, 2.5, 1.7)),
    ("poisson", {"mu": 1.7, "k": 3}, lambda x: scipy.stats.poisson.logpmf(3, 1.7)),
    ("binom", {"n": 7, "p": 0.3, "k": 3}, lambda x: scipy.stats.binom.logpmf(3, 7, 0.3)),
    ("bernoulli", {"p": 0.3, "k": 1}, lambda x: scipy.stats.bernoulli.logpmf(1, 0.3)),
    ("lognorm", {"mu": 0.3, "sigma": 1.7}, lambda x: scipy.stats.lognorm.logpdf(x, 1.7, scale=np.exp(0.3))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values", "wanted"), DENSITIES)
def test_the_densities_that_messages_tell_are_those_of_scipy(name: str, values: dict[str, Any], wanted: Any) -> None:
    told = str(advice_on(f"scipy.stats.{name}.logpdf")).partition("functions: ")[2].partition(";")[0].rstrip(".")
    found = eval(told, {"np": np, "gammaln": scipy.special.gammaln, "x": 0.6, **values})
    np.testing.assert_allclose(found, wanted(0.6), rtol=1e-12)

"""Sorted values: order, ties, NaN, derivatives, and every way in which a loss with them is run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.compile.function import compiled
from thalweg.graph import ArrayType
from thalweg.trace import trace

Array = np.ndarray[Any, Any]


def rows(dtype: Any, count: int) -> Array:
    """Rows with many equal elements, zeros of both signs, infinities and NaN."""
    rng = np.random.default_rng(count)
    x = np.round(rng.normal(size=(5, count)), 1)
    x[1] = np.sort(x[1])
    x[2] = np.sort(x[2])[::-1]
    x[3, ::3] = -0.0
    x[4, ::5] = np.inf
    if np.dtype(dtype).kind == "f":
        x[4, 1::4] = np.nan
    return np.asarray(np.nan_to_num(x * 3, posinf=99) if np.dtype(dtype).kind != "f" else x, dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.bool_])
@pytest.mark.parametrize("count", [1, 2, 11, 12, 13, 24, 25, 49, 1000])
def test_the_native_order_is_numpys_stable_one(dtype: Any, count: int) -> None:
    x = rows(dtype, count)
    graph = trace(lambda x: (np.argsort(x, axis=1), np.argsort(x, axis=0)), [ArrayType(x.shape, x.dtype)])
    for axis, found in zip((1, 0), compiled(graph)(x), strict=True):
        np.testing.assert_array_equal(found, np.argsort(x, axis=axis, kind="stable"))


def test_nan_comes_last_and_makes_a_median_nan() -> None:
    x = np.array([[2.0, np.nan, 1.0, -3.0], [4.0, 3.0, 2.0, 1.0]])
    graph = trace(
        lambda x: (np.sort(x), np.median(x, axis=1), np.quantile(x, 0.1, axis=1), np.nanmedian(x, axis=1)),
        [ArrayType(x.shape, x.dtype)],
    )
    wanted = (np.sort(x), np.median(x, axis=1), np.quantile(x, 0.1, axis=1), np.nanmedian(x, axis=1))
    for found, numpys in zip(compiled(graph)(x), wanted, strict=True):
        np.testing.assert_allclose(found, numpys)


def test_of_equal_elements_one_carries_the_derivative() -> None:
    x = np.array([1.0, 1.0, 1.0, 0.0, 2.0])
    np.testing.assert_array_equal(tw.grad(lambda x: np.median(x))(x), [0, 1, 0, 0, 0])
    weights = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    np.testing.assert_array_equal(tw.grad(lambda x: np.sum(np.sort(x) * weights))(x), [2, 3, 4, 1, 5])
    np.testing.assert_array_equal(tw.hessian(lambda x: np.sum(np.sort(x) ** 2 * weights))(x), np.diag([4, 6, 8, 2, 10]))


def trimmed(w: Any, X: Any, y: Any) -> Any:
    """Least trimmed squares: the larger quarter of the squared residuals does not count."""
    squares = np.sort((X @ w - y) ** 2)
    return np.mean(squares[: 3 * len(squares) // 4])


def within_rows(w: Any, X: Any, y: Any) -> Any:
    return np.mean((np.sort(X * w, axis=1) @ np.arange(4.0) + np.median(X * w, axis=1) - y) ** 2)


def table() -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    y = X @ np.array([1.0, -2.0, 0.5, 3.0]) + rng.normal(size=300) * 0.01
    y[::10] += 50.0
    return X, y


def test_outliers_do_not_count() -> None:
    result = tw.minimize(trimmed, np.zeros(4), data=table())
    np.testing.assert_allclose(result.parameters, [1.0, -2.0, 0.5, 3.0], atol=0.01)
    assert not result.verdict.kind.name.startswith("GLOBAL")


def test_order_within_examples_runs_in_tiles_batches_and_populations() -> None:
    X, y = table()
    start = np.array([1.0, 0.5, -0.5, 1.5])
    loss, gradient = tw.value_and_grad(within_rows)(start, X, y)
    h = 1e-6
    differences = [(within_rows(start + h * e, X, y) - within_rows(start - h * e, X, y)) / (2 * h) for e in np.eye(4)]
    np.testing.assert_allclose(gradient, differences, rtol=1e-6)
    whole = tw.minimize(within_rows, start, data=(X, y), method=tw.GradientDescent(0.01), stop=tw.MaxSteps(5))
    own = start.copy()
    for _ in range(5):
        own = own - 0.01 * tw.grad(within_rows)(own, X, y)
    np.testing.assert_allclose(whole.parameters, own, rtol=1e-10)
    batches = tw.minimize(
        within_rows, start, data=(X, y), method=tw.GradientDescent(0.01), batch_size=32, stop=tw.MaxSteps(50)
    )
    assert batches.loss < loss
    several = tw.minimize(
        within_rows, start, data=(X, y), method=tw.GradientDescent(tw.grid(0.01, 0.005)), stop=tw.MaxSteps(5)
    )
    assert several.members[0].parameters == pytest.approx(whole.parameters, rel=1e-9)


def test_what_is_not_traced_says_so() -> None:
    for function, advice in [
        (lambda x: np.quantile(x, x[0]), "q that is known"),
        (lambda x: np.quantile(x, 0.5, method="hazen"), "method= one of linear, lower"),
        (lambda x: np.quantile(x, 0.5, weights=np.ones(3), method="inverted_cdf"), "method= one of"),
    ]:
        with pytest.raises(tw.TracingError, match=rf"test_sorting.py:\d+ .*{advice}"):
            tw.grad(function)(np.ones(3))
    with pytest.raises(tw.ArgumentError, match="between 0 and 1"):
        tw.grad(lambda x: np.quantile(x, 50))(np.ones(3))


def test_arrays_that_are_sorted_in_place() -> None:
    def function(x: Any) -> Any:
        y = np.zeros(6)
        y[:3] = x
        y[3:] = 2.0 * x
        y.sort()
        x.sort()
        return np.sum(y * np.arange(6) ** 2) + x[0]

    x = np.array([1.5, 0.3, 1.0])
    value, gradient = tw.value_and_grad(function)(x)
    np.testing.assert_allclose(value, function(x.copy()))
    np.testing.assert_allclose(gradient, [9 + 50, 1 + 0 + 2 + 0, 4 + 32], rtol=1e-12)

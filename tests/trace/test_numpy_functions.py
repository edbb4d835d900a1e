"""Traced NumPy against NumPy itself, and its gradients against JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special

from thalweg.autodiff import gradient
from thalweg.compile.function import compiled
from thalweg.graph import ArrayType, Graph, evaluate
from thalweg.rewrite import simplify
from thalweg.trace import trace

Array = np.ndarray[Any, Any]

# Each case: a function of (np, x, y), with x (4, 3) and y (4, 3), both positive.
CASES: dict[str, Callable[..., Any]] = {
    "arithmetic": lambda np, x, y: (x + 2) * y / (x - 5) - 3 * -x + y**2 - x**-1 + 2**x + x**0.5,
    "remainder": lambda np, x, y: x % y + np.fmod(x, y),
    "comparisons": lambda np, x, y: np.where((x < y) | (x >= 2) & ~(y != x), x, y * 2),
    "where": lambda np, x, y: np.where(x > y, x, 0.0) + np.where(x > 1, 1.0, y),
    "maximum": lambda np, x, y: np.maximum(x, y) + np.minimum(x, 1.5) + np.clip(x, 0.5, 1.5),
    "abs_sign": lambda np, x, y: np.abs(x - y) + np.sign(x - y) * x + np.fabs(x),
    "exponentials": lambda np, x, y: np.exp(x) + np.expm1(y) + np.exp2(x) + np.sinh(x) + np.cosh(y) + np.tanh(x),
    "logarithms": lambda np, x, y: np.log(x) + np.log1p(y) + np.log2(x) + np.log10(y),
    "trigonometric": lambda np, x, y: np.sin(x) * np.cos(y) + np.tan(x / 4) + np.sinc(x),
    "inverse": lambda np, x, y: np.arcsin(x / 4) + np.arccos(y / 4) + np.arctan(x) + np.arctan2(x, y),
    "hyperbolic_inverse": lambda np, x, y: np.arcsinh(x) + np.arccosh(1 + y) + np.arctanh(x / 4),
    "roots": lambda np, x, y: np.sqrt(x) + np.cbrt(y) + np.square(x) + np.reciprocal(y) + np.hypot(x, y),
    "logaddexp": lambda np, x, y: np.logaddexp(x, y) + np.logaddexp2(x, y),
    "float_power": lambda np, x, y: np.float_power(x, 2.5) + np.power(x, y),
    "degrees": lambda np, x, y: np.deg2rad(x) + np.rad2deg(y) / 50 + np.copysign(x, -y) + np.heaviside(x - 1, 0.5) * y,
    "sum": lambda np, x, y: np.sum(x) + np.sum(x, axis=0) + np.sum(y, axis=1, keepdims=True) + x.sum(axis=(0, 1)),
    "mean": lambda np, x, y: np.mean(x, axis=1, keepdims=True) * y + x.mean() + np.average(x, weights=y),
    "prod": lambda np, x, y: np.prod(x, axis=0) + np.prod(y) + x.prod(axis=1, keepdims=True),
    "extrema": lambda np, x, y: np.max(x, axis=0) + np.min(y) + x.max(axis=1, keepdims=True) + np.ptp(x),
    "variance": lambda np, x, y: np.var(x, axis=0) + np.std(y) + x.std(axis=1, ddof=1, keepdims=True),
    "cumulative": lambda np, x, y: np.cumsum(x, axis=0) + np.cumsum(y).reshape(4, 3) + np.cumprod(x, axis=1),
    "norms": lambda np, x, y: np.linalg.norm(x) + np.linalg.norm(y, axis=1, keepdims=True) + np.linalg.norm(x[0], 1),
    "more_norms": lambda np, x, y: (
        np.linalg.norm(x[0], np.inf) + np.linalg.norm(x, 1) + np.linalg.norm(x, np.inf) + np.linalg.norm(x[0], 3)
    ),
    "dot": lambda np, x, y: np.dot(x, y.T) + x @ y.T + np.inner(x, y) + np.vdot(x, y),
    "vectors": lambda np, x, y: x @ y[0] + np.dot(x[0], y[1]) + np.sum(x[:, 0] @ y),
    "outer": lambda np, x, y: np.outer(x[0], y[0]) + np.kron(x[0, :1], y[1]) + np.cross(x[0], y[0]),
    "tensordot": lambda np, x, y: np.tensordot(x, y, axes=([1], [1])) + np.tensordot(x, y, axes=2),
    "einsum": lambda np, x, y: (
        np.einsum("ij,kj->ik", x, y)
        + np.einsum("ij,ij", x, y)
        + np.einsum("ij->j", x)[0]
        + np.einsum("...i,...i->...", x, y)
    ),
    "einsum_three": lambda np, x, y: np.einsum("ij,kj,kl->il", x, y, x) + np.einsum("ii->i", x[:3])[0],
    "batched_matmul": lambda np, x, y: np.stack([x, y]) @ np.stack([y.T, x.T]) + np.stack([x, y]) @ x.T,
    "trace_diag": lambda np, x, y: np.trace(x[:3]) + np.diag(x) + np.diag(x[0]) + np.diagonal(y, 1).sum(),
    "interp": lambda np, x, y: (
        np.interp(x, np.array([0.3, 1.0, 1.4, 2.0]), y[:, 0])
        + np.interp(np.linspace(0, 3, 12).reshape(4, 3), np.cumsum(y[:, 1]), x[:, 2], left=-1.0, right=5.0)
        + np.interp(x, np.array([1.0]), y[0, :1])
    ),
    "trapezoid": lambda np, x, y: (
        np.trapezoid(x, axis=0) * np.trapezoid(y, np.array([0.0, 0.5, 2.0]))[:3]
        + np.trapezoid(x, np.cumsum(y, 0), axis=0)
    ),
    "convolve": lambda np, x, y: sum(
        np.sum(np.convolve(a, b, mode) ** 2)
        for mode in ("full", "same", "valid")
        for a, b in [(x[:, 0], y[0]), (x[0], y[:, 1]), (x[0], y[0, :2]), (x.ravel(), np.array([0.5, 1.0, -2.0, 3.0]))]
    ),
    "nanmean": lambda np, x, y: (
        np.nanmean(np.where(x == np.max(x), np.nan, x * y), axis=0) + np.nanmean(y, axis=1, keepdims=True)
    ),
    "full": lambda np, x, y: np.full((4, 3), x[0, 0]) * y + np.full((2, 4, 3), y),
    "triangles": lambda np, x, y: np.tril(x) + np.triu(y, 1) + np.tril(x, -1),
    "reshape": lambda np, x, y: (
        x.reshape(2, 6) + y.reshape(-1, 6) + np.ravel(x).reshape(2, 6) + x.flatten().reshape(2, 6)
    ),
    "transpose": lambda np, x, y: x.T + np.transpose(y) + np.swapaxes(x, 0, 1) + np.moveaxis(y, 0, 1),
    "join": lambda np, x, y: np.concatenate([x, y]) + np.stack([x, y]).reshape(8, 3) + np.vstack([y, x]),
    "join_more": lambda np, x, y: (
        np.hstack([x, y])[:, 1:4] + np.column_stack([x[:, 0], y])[:, :3] + np.dstack([x, y])[..., 1]
    ),
    "split": lambda np, x, y: sum(np.split(x, 2)) + np.array_split(y, 3, axis=0)[0] + np.hsplit(x, 3)[1][:2],
    "tile_repeat": lambda np, x, y: np.tile(x, (2, 1)) + np.repeat(y, 2, axis=0) + np.roll(np.tile(x, (2, 1)), 3),
    "roll_flip": lambda np, x, y: np.roll(x, 1, axis=0) * np.flip(y) + np.fliplr(x) * np.flipud(y) + np.flip(x, 0),
    "pad": lambda np, x, y: np.pad(x, 1) + np.pad(y, ((1, 1), (1, 1)), constant_values=2.0) + np.pad(x, 1, mode="edge"),
    "basic_index": lambda np, x, y: x[1:, ::-1] * y[:-1] + x[-1] + x[..., None][1:, :, 0] + y[2:3, 1],
    "integer_index": lambda np, x, y: x[[2, 0]] + y[np.array([1, -1])] + x[:, [0, 1, 2]][1:3],
    "paired_index": lambda np, x, y: x[np.arange(4), np.array([0, 2, 1, 0])] + y[[0, 1, 2, 3], 1],
    "mask": lambda np, x, y: x[np.array([True, False, True, True])] + y[1:],
    "take": lambda np, x, y: (
        np.take(x, np.array([0, 2]), axis=0) + np.take_along_axis(y, np.array([[0, 1, 0], [2, 3, 1]]), axis=0)
    ),
    "iteration": lambda np, x, y: sum(row * number for number, row in enumerate(x)) + [*y][1],
    "np_array": lambda np, x, y: (
        np.array([x[0, 0], y[1, 1], 3.0]) + np.array([[x[0, 0], 1.0, 2.0], [1.0, y[0, 0], 2.0]])
    ),
    "expand": lambda np, x, y: (
        np.expand_dims(x, 0)[0] + np.squeeze(y[None]) + np.broadcast_to(x[0], (4, 3)) + np.atleast_2d(x[0])
    ),
    "diff": lambda np, x, y: np.diff(x, axis=0) + np.append(y, x, axis=0)[:3],
    "likes": lambda np, x, y: np.zeros_like(x) + np.ones_like(y) * x + np.full_like(x, 2.0),
    "solve": lambda np, x, y: (
        np.linalg.solve(x[:3] + 5 * np.eye(3), y[0]) + np.linalg.inv(x[:3] + 5 * np.eye(3)) @ y[1]
    ),
    "determinant": lambda np, x, y: np.linalg.det(x[:3] + 5 * np.eye(3)) + np.linalg.slogdet(y[:3] + 4 * np.eye(3))[1],
    "cholesky": lambda np, x, y: np.linalg.cholesky(x @ x.T + 4 * np.eye(4)),
    "nan_to_num": lambda np, x, y: np.nan_to_num(x) + np.select([x > 2, x > 1], [x, y], 0.0),
    "sort": lambda np, x, y: np.sort(x) + np.sort(y, axis=0) * x + np.sort(x, axis=None).reshape(4, 3) * y,
    "argsort": lambda np, x, y: (
        np.take_along_axis(y, np.argsort(x, axis=0), axis=0) + x[np.argsort(y[:, 0])] * np.argsort(x)
    ),
    "argmax": lambda np, x, y: (
        x[np.argmax(y, axis=0), np.arange(3)] * np.argmin(x, axis=1)[:, None]
        + y[np.argmin(y[:, 0])]
        + np.argmax(x)
        + np.argmax(x, axis=0, keepdims=True) * y
    ),
    "median": lambda np, x, y: np.median(x) + np.median(x, axis=0) * np.median(y, axis=1, keepdims=True),
    "quantile": lambda np, x, y: (
        np.quantile(x, 0.3, axis=0)[:, None]
        + np.quantile(y, np.array([0.0, 0.25, 1.0]), axis=1, keepdims=True)[..., 0]
        * np.percentile(x, np.array([12.0, 93.0]), axis=(0, 1))[0]
        + np.quantile(x, 0.7)
    ),
    "quantile_methods": lambda np, x, y: sum(
        np.quantile(x * y, [0.37, 0.81], axis=0, method=method)
        for method in ("lower", "higher", "nearest", "midpoint", "linear")
    ),
    "nanmedian": lambda np, x, y: np.nanmedian(np.where(x > 1.5, np.nan, y), axis=0) + np.nanmedian(x, axis=1)[:3],
    "polyval": lambda np, x, y: np.polyval([1.0, 2.0, 3.0], x) + np.round(x) * y,
}


def arrays(dtype: str = "float64") -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    return rng.uniform(0.3, 3, (4, 3)).astype(dtype), rng.uniform(0.3, 3, (4, 3)).astype(dtype)


def graph_of(function: Callable[..., Any], *xs: Array) -> Graph:
    return trace(lambda *inputs: (function(*inputs),), [ArrayType(x.shape, x.dtype) for x in xs])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted(CASES))
def test_the_value_and_dtype_are_numpys(name: str, dtype: str) -> None:
    x, y = arrays(dtype)
    graph = graph_of(lambda x, y: CASES[name](np, x, y), x, y).check()
    wanted = np.asarray(CASES[name](np, x, y))
    tolerance = 2e-5 if wanted.dtype == np.float32 or dtype == "float32" else 1e-12
    for found in (evaluate(graph, [x, y])[0], evaluate(simplify(graph).check(), [x, y])[0]):
        assert found.dtype == wanted.dtype
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", sorted(set(CASES) - {"degrees", "remainder"}))
def test_the_gradient_is_jaxs(name: str, x64: None) -> None:
    import jax
    import jax.numpy as jnp

    x, y = arrays()

    def weighted(numpy: Any, x: Any, y: Any) -> Any:
        value = CASES[name](numpy, x, y)
        weights = np.cos(np.arange(value.size)).reshape(value.shape)
        return (value * weights).sum()

    graph = simplify(graph_of(lambda x, y: weighted(np, x, y), x, y))
    derived = simplify(Graph(graph.inputs, gradient(graph.outputs[0], graph.inputs))).check()
    try:
        wanted = jax.grad(lambda x, y: weighted(jnp, x, y), argnums=(0, 1))(jnp.asarray(x), jnp.asarray(y))
    except (TypeError, AttributeError, NotImplementedError) as error:
        pytest.skip(f"JAX has no such function: {error}")
    for found, native, jaxs in zip(evaluate(derived, [x, y]), compiled(derived)(x, y), wanted, strict=True):
        np.testing.assert_allclose(found, np.asarray(jaxs), rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(native, found, rtol=1e-10, atol=1e-10)


SPECIAL: dict[str, Callable[..., Any]] = {
    "expit": lambda x: scipy.special.expit(x) + scipy.special.log_expit(-x) + scipy.special.logit(x / 4),
    "erf": lambda x: scipy.special.erf(x) + scipy.special.erfc(x) + scipy.special.ndtr(x),
    "gamma": lambda x: scipy.special.gammaln(x) + scipy.special.digamma(x) + scipy.special.gamma(x),
    "entropy": lambda x: scipy.special.xlogy(x, x + 1) + scipy.special.entr(x) + scipy.special.rel_entr(x, x + 1),
    "xlog1py": lambda x: scipy.special.xlog1py(x, x) + scipy.special.kl_div(x, 2 * x) + scipy.special.exprel(x),
    "huber": lambda x: scipy.special.huber(1.0, x) + scipy.special.pseudo_huber(1.0, x),
    "logsumexp": lambda x: (
        scipy.special.logsumexp(x, axis=1) + scipy.special.logsumexp(x) + scipy.special.logsumexp(x, b=2.0)
    ),
    "softmax": lambda x: scipy.special.softmax(x, axis=1) * scipy.special.log_softmax(x, axis=0),
}


@pytest.mark.parametrize("name", sorted(SPECIAL))
def test_special_functions(name: str) -> None:
    x, _ = arrays()
    graph = graph_of(SPECIAL[name], x)
    np.testing.assert_allclose(evaluate(graph, [x])[0], SPECIAL[name](x), rtol=1e-12, atol=1e-14)
    weights = np.cos(np.arange(graph.outputs[0].type.size)).reshape(graph.outputs[0].shape)
    loss = simplify(graph_of(lambda x: np.sum(SPECIAL[name](x) * weights), x))
    derived = simplify(Graph(loss.inputs, gradient(loss.outputs[0], loss.inputs)))
    (found,) = compiled(derived)(x)
    h = 1e-6
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = h
        difference = np.sum((SPECIAL[name](x + step) - SPECIAL[name](x - step)) * weights) / (2 * h)
        np.testing.assert_allclose(found[index], difference, rtol=1e-6, atol=1e-7)


def test_scipy_and_numpy_are_left_as_they_were() -> None:
    before = (np.array, scipy.special.logsumexp.__code__)
    x, _ = arrays()
    graph_of(lambda x: scipy.special.logsumexp(np.array([x[0, 0], 1.0])), x)
    assert (np.array, scipy.special.logsumexp.__code__) == before
    with pytest.raises(ZeroDivisionError):
        graph_of(lambda x: 1 // 0, x)
    assert (np.array, scipy.special.logsumexp.__code__) == before

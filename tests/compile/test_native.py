"""Whole graphs in machine code against the reference, in tiles and whole, on one thread and two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from thalweg.autodiff import gradient
from thalweg.compile.examples import MixedExamplesError, follow_examples
from thalweg.compile.function import compiled
from thalweg.compile.native import Execution, compile_native
from thalweg.compile.native.permutation import permutation
from thalweg.compile.prepare import prepare
from thalweg.graph import ArrayType, Graph, evaluate, input_node, make
from thalweg.ops.elementwise import multiply
from thalweg.ops.structure import place
from thalweg.rewrite import simplify
from thalweg.trace import trace

Array = np.ndarray[Any, Any]


def with_gradient(loss: Callable[..., Any], arrays: list[Array]) -> Graph:
    graph = simplify(trace(lambda *xs: (loss(*xs),), [ArrayType(a.shape, a.dtype) for a in arrays]))
    return Graph(graph.inputs, (graph.outputs[0], *gradient(graph.outputs[0], graph.inputs[:1])))


def run(graph: Graph, arrays: list[Array], examples: bool, threads: int = 1) -> tuple[list[Array], Any]:
    prepared = prepare(graph)
    found = None
    if examples:
        inputs = prepared.graph.inputs[1 : len(arrays)]
        found = follow_examples(prepared.graph, inputs, arrays[1].shape[0])
    program = compile_native(prepared, found)
    outputs = [np.full(node.shape, np.nan).astype(node.dtype) for node in prepared.graph.outputs]
    Execution(program, [*arrays, *prepared.values], outputs, threads=threads).run()
    return outputs, program


LOSSES: dict[str, Callable[..., Any]] = {
    "squares": lambda w, X, y: np.mean((X @ w - y) ** 2),
    "logistic": lambda w, X, y: np.mean(np.log(1 + np.exp(-y * (X @ w)))) + 0.1 * np.sum(w**2),
    "root": lambda w, X, y: np.sqrt(np.mean((X @ w - y) ** 2)),
    "hinge": lambda w, X, y: np.mean(np.maximum(0, 1 - y * (X @ w))),
    "worst": lambda w, X, y: np.max(np.abs(X @ w - y)),
    "centred": lambda w, X, y: np.mean(((X - X.mean(axis=0)) @ w - y) ** 2),
    "standardised": lambda w, X, y: np.mean(((X - X.mean(axis=0)) / X.std(axis=0) @ w - y) ** 2),
    "residuals": lambda w, X, y: (X @ w - y) @ (X @ w - y) / len(y),
    "softmax over examples": lambda w, X, y: np.sum(np.exp(X @ w) / np.sum(np.exp(X @ w)) * y),
    "weights per example": lambda w, X, y: np.sum(np.linspace(0, 1, len(y)) * (X @ w - y) ** 2),
    "two layers": lambda w, X, y: np.mean((np.tanh(X[:, :, None] * w) @ w - y[:, None]) ** 2),
}


def data(count: int, dtype: str = "float64") -> list[Array]:
    rng = np.random.default_rng(count)
    w, X = rng.standard_normal(7), rng.standard_normal((count, 7))
    return [w.astype(dtype), X.astype(dtype), np.sign(rng.standard_normal(count)).astype(dtype)]


@pytest.mark.parametrize("count", [1, 5, 53, 1000, 12_345])
@pytest.mark.parametrize("name", sorted(LOSSES))
def test_tiles_give_the_value_and_gradient_of_the_whole(name: str, count: int) -> None:
    if name == "standardised" and count == 1:
        return
    arrays = data(count)
    graph = with_gradient(LOSSES[name], arrays)
    found, _ = run(graph, arrays, examples=count > 1)
    for value, wanted in zip(found, evaluate(graph, arrays), strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", ["squares", "logistic", "root", "softmax over examples"])
def test_the_number_of_threads_changes_no_digit(name: str) -> None:
    arrays = data(60_000, "float32")
    graph = with_gradient(LOSSES[name], arrays)
    one, program = run(graph, arrays, examples=True, threads=1)
    assert program.chunks > 1
    for threads in (2, 3):
        many, _ = run(graph, arrays, examples=True, threads=threads)
        for a, b in zip(one, many, strict=True):
            np.testing.assert_array_equal(a, b)


def test_sweeps_are_counted() -> None:
    arrays = data(1000)
    for name, sweeps in (("squares", 1), ("root", 2), ("standardised", 4)):
        _, program = run(with_gradient(LOSSES[name], arrays), arrays, examples=True)
        assert program.sweeps <= sweeps, name


@pytest.mark.parametrize("count", [3, 7, 5003])
def test_columns_that_are_solved_for_are_examples(count: int) -> None:
    X = np.random.default_rng(0).standard_normal((count, 3)) @ np.array([[1.0, 0.5, 0.2], [0, 2, 0.1], [0, 0, 0.7]]) + 1

    def minus_logarithm_of_density(w: Any, X: Any) -> Any:
        factor = np.linalg.cholesky(np.outer(w, w) + np.eye(3))
        z = np.linalg.solve(factor, (X - w).T)
        return np.mean(np.sum(z**2, axis=0)) / 2 + np.sum(np.log(np.diag(factor)))

    w = np.array([0.3, -0.5, 0.8])
    graph = with_gradient(minus_logarithm_of_density, [w, X])
    (value, slope), program = run(graph, [w, X], examples=True)
    assert program.sweeps <= 2
    covariance = np.outer(w, w) + np.eye(3)
    density = scipy.stats.multivariate_normal(w, covariance).logpdf(X)
    np.testing.assert_allclose(value, -np.mean(density) - 1.5 * np.log(2 * np.pi), rtol=1e-10)
    for i, unit in enumerate(np.eye(3)):
        above, below = (
            scipy.stats.multivariate_normal(v, np.outer(v, v) + np.eye(3)).logpdf(X)
            for v in (w + 1e-6 * unit, w - 1e-6 * unit)
        )
        np.testing.assert_allclose(slope[i], -np.mean(above - below) / 2e-6, rtol=1e-6)


def test_a_loss_that_mixes_examples_is_noticed() -> None:
    arrays = data(50)
    graph = with_gradient(lambda w, X, y: np.sum((X @ w)[1:] * (X @ w)[:-1]), arrays)
    with pytest.raises(MixedExamplesError):
        run(graph, arrays, examples=True)
    found, _ = run(graph, arrays, examples=False)
    for value, wanted in zip(found, evaluate(graph, arrays), strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (3, 5, 7), (8, 32, 16), (17, 33, 65), (64, 784, 128), (64, 128, 10), (100, 1, 9)]
)
def test_matrix_products_of_all_shapes_and_layouts(shape: tuple[int, int, int], dtype: str) -> None:
    m, k, n = shape
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((m, k)).astype(dtype), rng.standard_normal((k, n)).astype(dtype)
    tolerance = 1e-4 if dtype == "float32" else 1e-11
    cases: list[tuple[Callable[..., Any], list[Array]]] = [
        (lambda a, b: a @ b, [a, b]),
        (lambda a, b: a.T @ b, [np.ascontiguousarray(a.T), b]),
        (lambda a, b: a @ b.T, [a, np.ascontiguousarray(b.T)]),
        (lambda a, b: b.T @ a.T, [a, b]),
        (lambda a, b: a @ b[:, 0], [a, b]),
        (lambda a, b: a[0] @ b, [a, b]),
    ]
    for function, arrays in cases:
        graph = trace(lambda *xs, f=function: (f(*xs),), [ArrayType(x.shape, x.dtype) for x in arrays])
        (found,), _ = run(graph, arrays, examples=False)
        np.testing.assert_allclose(found, function(*arrays), rtol=tolerance, atol=tolerance)


UNARY: list[Callable[[Any], Any]] = [
    np.sin,
    np.tanh,
    np.square,
    lambda x: np.exp(-x * x),
    lambda x: np.sum(x, axis=0, keepdims=True),
    lambda x: np.mean(x, axis=-1, keepdims=True),
    lambda x: np.max(x, axis=-1, keepdims=True),
    lambda x: np.flip(x, -1),
    lambda x: np.cumsum(x, axis=0),
    lambda x: np.roll(x, 1, axis=-1),
    lambda x: x - np.mean(x),
    lambda x: np.where(x > 0, x, 0.1 * x),
    lambda x: np.concatenate([x, x], axis=0)[: x.shape[0]],
    lambda x: (x @ np.swapaxes(x, -1, -2)) @ x / 9,
]
BINARY: list[Callable[[Any, Any], Any]] = [
    np.add,
    np.multiply,
    np.subtract,
    np.maximum,
    np.hypot,
    lambda a, b: a / (2 + b * b),
]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.tuples(st.integers(1, 9), st.integers(1, 20)),
    st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=8),
    st.booleans(),
)
def test_random_graphs(shape: tuple[int, int], steps: list[tuple[int, int, int]], is_single: bool) -> None:
    """Random compositions: value and gradient of the native target, of the simplified and of the plain graph agree."""
    dtype = np.float32 if is_single else np.float64

    def loss(x: Any) -> Any:
        values = [x]
        for kind, first, second in steps:
            a, b = values[first % len(values)], values[second % len(values)]
            if kind % 2:
                values.append(UNARY[kind % len(UNARY)](a))
            else:
                values.append(BINARY[kind % len(BINARY)](a, b))
        return np.sum(np.tanh(values[-1]) + 0 * x)

    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    plain = trace(lambda x: (loss(x),), [ArrayType(x.shape, x.dtype)])
    derived = Graph(plain.inputs, (plain.outputs[0], *gradient(plain.outputs[0], plain.inputs))).check()
    wanted = evaluate(derived, [x])
    simple = simplify(derived).check()
    tolerance = 3e-3 if is_single else 1e-8
    native, _ = run(derived, [x], examples=False)
    for reference, a, b in zip(wanted, evaluate(simple, [x]), native, strict=True):
        scale = 1 + np.max(np.abs(reference))
        np.testing.assert_allclose(a / scale, reference / scale, atol=tolerance)
        np.testing.assert_allclose(b / scale, reference / scale, atol=tolerance)


def test_a_large_graph_is_split_into_functions() -> None:
    def loss(x: Any) -> Any:
        y = x
        for _ in range(300):
            y = np.sin(y) * 0.5 + np.tanh(x + y)
        return np.sum(y)

    x = np.linspace(0.1, 1, 33)
    graph = with_gradient(loss, [x])
    found, _ = run(graph, [x], examples=False)
    for value, wanted in zip(found, evaluate(graph, [x]), strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-10)


@pytest.mark.parametrize("count", [1, 2, 3, 10, 1000, 1025, 40_000])
def test_the_permutation_visits_every_example_once(count: int) -> None:
    orders = [permutation(count, seed=5, epoch=epoch) for epoch in range(3)]
    for order in orders:
        np.testing.assert_array_equal(np.sort(order), np.arange(count))
    if count > 100:
        assert not np.array_equal(orders[0], orders[1])
        assert abs(np.corrcoef(orders[0], np.arange(count))[0, 1]) < 5 / count**0.5
        assert abs(np.corrcoef(orders[0], orders[1])[0, 1]) < 5 / count**0.5


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_steps_that_are_little_beside_the_examples_are_right_as_well(dtype: type) -> None:
    """Then what is outside of the sweeps is computed number by number, by code that is not optimised."""
    import thalweg as tw

    rng = np.random.default_rng(0)
    X = rng.standard_normal((30_000, 4)).astype(dtype)
    Y = (X @ rng.standard_normal((4, 3)) + rng.standard_normal((30_000, 3))).astype(dtype)

    def loss(w: Any, X: Any, Y: Any) -> Any:
        return np.mean(np.logaddexp(0, X @ w["a"] @ w["b"] - Y)) + 0.01 * np.sum((w["a"] @ w["b"]) ** 2)

    start = {"a": np.full((4, 4), 0.1, dtype) + np.eye(4, dtype=dtype), "b": np.ones((4, 3), dtype)}
    for method in (tw.LBFGS(), tw.GradientDescent(0.1)):
        found = [
            tw.minimize(loss, start, data=(X, Y), method=method, stop=tw.MaxSteps(5), **options)
            for options in ({}, {"threads": 1}, {"target": "numpy"})
        ]
        assert np.array_equal(found[0].parameters["a"], found[1].parameters["a"])
        for name in ("a", "b"):
            tolerance = 1e-10 if dtype is np.float64 else 2e-4
            assert np.allclose(found[0].parameters[name], found[2].parameters[name], rtol=tolerance, atol=tolerance)


def test_code_that_could_not_be_made_is_made_when_it_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from thalweg.compile.native import jit

    def fails(*_: Any) -> bytes:
        raise MemoryError("for now")

    graph = with_gradient(lambda x: np.sum(np.cosh(x) ** 7.25), [np.ones(3)])
    monkeypatch.setattr(jit, "compile_object", fails)
    monkeypatch.setattr("thalweg.compile.cache.load", lambda _: None)
    with pytest.raises(MemoryError):
        run(graph, [np.ones(3)], examples=False)
    monkeypatch.undo()
    found, _ = run(graph, [np.ones(3)], examples=False)
    np.testing.assert_allclose(found[0], 3 * np.cosh(1.0) ** 7.25)


def test_pieces_given_from_the_back_fill_an_array_in_registers() -> None:
    """LLVM 22 made invalid code of it, and ended the process."""
    halves = [input_node(ArrayType((8,), np.dtype(np.float64))) for _ in range(2)]
    whole = make(place, *halves, windows=(((8,), (1,)), ((0,), (1,))), shape=(16,))
    (squares,) = compiled(Graph(tuple(halves), (make(multiply, whole, whole),)))(np.arange(8.0), np.arange(8.0, 16))
    np.testing.assert_array_equal(squares, np.concatenate([np.arange(8.0, 16), np.arange(8.0)]) ** 2)

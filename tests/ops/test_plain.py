"""Graphs as plain data: they come back equal, and carry no code."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from thalweg.autodiff.reverse import gradient
from thalweg.errors import GraphError
from thalweg.graph import ArrayType, Graph, evaluate, input_node
from thalweg.graph.node import Primitive, make
from thalweg.ops.plain import from_plain, to_plain
from thalweg.trace import trace

FLOAT64 = np.dtype(np.float64)
TYPES = [ArrayType((3,), FLOAT64), ArrayType((7, 3), FLOAT64), ArrayType((7,), np.dtype(np.int64))]


def loss(w: Any, X: Any, k: Any) -> Any:
    z = np.where(X @ w > 0, X @ w, 0.1 * X[:, ::-1] @ w)
    chosen = np.take_along_axis(X, k[:, None], axis=1)[:, 0]
    return np.mean(np.log(1 + np.exp(z))) + np.max(chosen) + np.sum(np.array([1.0, 2.0, 3.0]) * w.astype(np.float32))


def with_gradient() -> Graph:
    graph = trace(lambda *inputs: (loss(*inputs),), TYPES)
    return Graph(graph.inputs, (graph.outputs[0], *gradient(graph.outputs[0], graph.inputs[:1])))


def test_a_graph_comes_back_equal() -> None:
    graph = with_gradient()
    found = from_plain(pickle.loads(pickle.dumps(to_plain(graph)))).check()
    assert found.fingerprint == graph.fingerprint
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=3), rng.normal(size=(7, 3)), rng.integers(0, 3, 7)]
    for a, b in zip(evaluate(found, arrays), evaluate(graph, arrays), strict=True):
        np.testing.assert_array_equal(a, b)


def test_lines_of_the_users_code_come_along() -> None:
    found = from_plain(to_plain(with_gradient()))
    assert any(node.source is not None and node.source.file == __file__ for node in found.nodes)


def test_a_deep_graph_comes_back() -> None:
    def deep(x: Any) -> Any:
        for _ in range(5_000):
            x = np.sin(x)
        return (x,)

    graph = trace(deep, [ArrayType((), FLOAT64)])
    assert from_plain(pickle.loads(pickle.dumps(to_plain(graph)))).fingerprint == graph.fingerprint


def test_a_call_of_python_stays_here() -> None:
    x = input_node(TYPES[0])
    own = Primitive("own", lambda x: x, lambda x: x, lambda *_: None, (), lambda *_: None)
    with pytest.raises(GraphError, match="cannot be sent elsewhere"):
        to_plain(Graph((x,), (make(own, x),)))

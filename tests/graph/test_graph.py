"""Graphs: order, evaluation, fingerprints, checks."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from thalweg import GraphError
from thalweg.graph import ArrayType, Graph, constant, evaluate, inline, input_node, make, topological_order
from thalweg.ops.elementwise import add, multiply, sin

SCALAR = ArrayType((), np.dtype(float))


def test_operands_come_first_and_each_node_once() -> None:
    x = input_node(SCALAR)
    a = make(sin, x)
    b = make(add, a, a)
    c = make(multiply, b, a)
    assert topological_order([c, a]) == (x, a, b, c)


def test_deep_graphs_need_no_recursion() -> None:
    node = x = input_node(SCALAR)
    for _ in range(20_000):
        node = make(add, node, x)
    (value,) = evaluate(Graph((x,), (node,)), [np.float64(1)])
    assert value == 20_001


def test_inlining_replaces_the_inputs() -> None:
    x, y = input_node(SCALAR), input_node(SCALAR)
    graph = Graph((x,), (make(multiply, x, x),))
    (node,) = inline(graph, [make(add, y, y)])
    assert evaluate(Graph((y,), (node,)), [np.float64(3)])[0] == 36


def test_a_fingerprint_tells_graphs_apart_and_is_the_same_everywhere() -> None:
    def graph(value: float, twice: bool = False) -> Graph:
        x = input_node(SCALAR)
        node = make(multiply, x, constant(value))
        return Graph((x,), (make(add, node, node if twice else x),))

    assert graph(2.0).fingerprint == graph(2.0).fingerprint
    assert len({graph(2.0).fingerprint, graph(3.0).fingerprint, graph(2.0, True).fingerprint}) == 3
    code = (
        "import numpy as np; from thalweg.graph import *; from thalweg.ops.elementwise import *;"
        "x = input_node(ArrayType((), np.dtype(float)));"
        "print(Graph((x,), (make(add, make(multiply, x, constant(2.0)), x),)).fingerprint)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == graph(2.0).fingerprint


def test_a_graph_that_breaks_the_rules_is_noticed() -> None:
    x, other = input_node(SCALAR), input_node(SCALAR)
    with pytest.raises(GraphError, match="not declared"):
        Graph((other,), (make(sin, x),)).check()

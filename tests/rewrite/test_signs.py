"""Rules that save work keep the value."""

from __future__ import annotations

from typing import Any

import numpy as np

from thalweg.graph import ArrayType, evaluate
from thalweg.rewrite import simplify
from thalweg.trace import trace


def test_the_slope_along_minus_the_gradient_is_read_from_its_norm() -> None:
    def both(x: Any) -> list[Any]:
        wide, opposite = x.astype(np.float64), (-x).astype(np.float64)
        return [np.sum(wide * wide), np.sum(wide * opposite)]

    graph = trace(both, [ArrayType((100,), np.dtype(np.float32))])
    simple = simplify(graph)
    assert sum(node.primitive.name == "sum" for node in simple.nodes) == 1
    x = np.random.default_rng(0).standard_normal(100).astype(np.float32)
    norm, slope = evaluate(simple, [x])
    assert slope == -norm
    np.testing.assert_array_equal(evaluate(graph, [x])[1], slope)

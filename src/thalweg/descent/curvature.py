"""How curved a loss is: the largest eigenvalue of its Hessian bounds the learning rate."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from ..autodiff import gradient, pushforward
from ..graph import Array, ArrayType, Graph, evaluate, input_node
from ..rewrite import simplify
from .chunks import over_data
from .data import Data
from .norms import norm
from .problem import Problem

__all__ = ["curvature_of"]

_ROUNDS = 40
"""Products of the Hessian with a vector. The estimate is then good to a few per cent."""


def curvature_of(problem: Problem, parameters: Any, given: Data, seed: int, target: str) -> float:
    """An estimate, from below, of the largest |eigenvalue| of the Hessian at the given parameters, by power iteration.

    Gradient descent is stable there for learning rates below 2 / λ.
    """
    inputs = problem.graph.inputs
    (of_loss,) = simplify(Graph(inputs, gradient(problem.graph.outputs[0], inputs[:1]))).outputs
    tangent = input_node(ArrayType(inputs[0].shape, inputs[0].dtype), "tangent")
    outputs = pushforward([of_loss], inputs[:1], [tangent])
    graph = Graph((*inputs, tangent), outputs)
    product = over_data(graph, given) if target != "numpy" else partial(_evaluated, graph, given)
    vector = problem.layout.vector(parameters)
    direction = np.random.default_rng(seed).standard_normal(vector.size).astype(vector.dtype)
    size = 0.0
    for _ in range(_ROUNDS):
        direction = direction / max(norm(direction), 1e-300)
        (direction,) = product(vector, direction)
        size = norm(direction)
        if not np.isfinite(size) or size == 0:
            break
    return size


def _evaluated(graph: Graph, given: Data, vector: Array, direction: Array) -> Sequence[Array]:
    return evaluate(graph, [vector, *given.arrays, direction])

"""How curved a loss is: the largest eigenvalue of its Hessian bounds the learning rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..autodiff import gradient, pushforward
from ..graph import Array, ArrayType, Graph, evaluate, input_node
from ..rewrite import simplify
from .chunks import over_data
from .data import Data, data_of
from .norms import norm
from .problem import Problem, problem_of

__all__ = ["curvature_of", "largest_curvature"]


def largest_curvature(
    loss: Callable[..., Any], parameters: Any, *, data: Any = None, seed: int = 0, rounds: int = 40
) -> float:
    """An estimate of the largest |eigenvalue| of the Hessian at the given parameters, by power iteration.

    Gradient descent is stable there for learning rates below 2 / λ. The estimate comes from below, and is good to a
    few per cent after `rounds` products of the Hessian with a vector.

    >>> round(largest_curvature(lambda x: x[0] ** 2 + 5 * x[1] ** 2, np.zeros(2)), 3)
    10.0
    """
    given = data_of(data)
    return curvature_of(problem_of(loss, parameters, given, given.examples), parameters, given, seed, rounds=rounds)


def curvature_of(
    problem: Problem, parameters: Any, given: Data, seed: int = 0, target: str = "native", rounds: int = 40
) -> float:
    """The same for a problem that was traced before."""
    inputs = problem.graph.inputs
    (of_loss,) = simplify(Graph(inputs, gradient(problem.graph.outputs[0], inputs[:1]))).outputs
    tangent = input_node(ArrayType(inputs[0].shape, inputs[0].dtype), "tangent")
    outputs = pushforward([of_loss], inputs[:1], [tangent])
    graph = Graph((*inputs, tangent), outputs)
    product = over_data(graph, given) if target != "numpy" else partial(_evaluated, graph, given)
    vector = problem.layout.vector(parameters)
    direction = np.random.default_rng(seed).standard_normal(vector.size).astype(vector.dtype)
    size = 0.0
    for _ in range(rounds):
        direction = direction / max(norm(direction), 1e-300)
        (direction,) = product(vector, direction)
        size = norm(direction)
        if not np.isfinite(size) or size == 0:
            break
    return size


def _evaluated(graph: Graph, given: Data, vector: Array, direction: Array) -> Sequence[Array]:
    return evaluate(graph, [vector, *given.arrays, direction])

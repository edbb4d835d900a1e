"""Finding where numbers went wrong: the first node that is not finite although its operands are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..graph import Array, evaluate_nodes
from .problem import Problem

__all__ = ["explain"]


_ELSEWHERE = "These are the parameters to start from: start elsewhere, or write the loss so that it is finite there."


def explain(problem: Problem, vector: Array, data: Sequence[Array], is_start: bool) -> str:
    """Which node of the loss, or of its gradient, first became infinite or NaN at these parameters.

    is_start: whether they are those that the descent began with.
    """
    cure = _ELSEWHERE if is_start else "A smaller learning rate, or standardised data, usually helps."
    largest = float(np.max(np.abs(vector), initial=0.0))
    for graph, what in ((problem.graph, "loss"), (problem.with_gradient, "gradient")):
        values = evaluate_nodes(graph, [vector, *data])
        for node in graph.nodes:
            if node.dtype.kind != "f" or np.isfinite(values[node]).all():
                continue
            if node.is_constant or not all(np.isfinite(values[x]).all() for x in node.operands):
                continue
            operands = ", ".join(_range(values[x]) for x in node.operands)
            bad = "NaN" if np.isnan(values[node]).any() else "infinite"
            where = f" at {node.source}" if node.source else ""
            return (
                f"the first value of the {what} to become {bad} is np.{node.primitive.name}{where}, from values in {operands}; "
                f"the largest parameter was {largest:.3g}. {cure}"
            )
    return f"the values grew too large in the sum; the largest parameter was {largest:.3g}"


def _range(value: Array) -> str:
    return f"[{np.min(value):.3g}, {np.max(value):.3g}]" if value.size else "[]"

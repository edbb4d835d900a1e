"""What is proven of a loss, if a proof takes no longer than the rest."""

from __future__ import annotations

from ..convexity_proof import ProvenLoss
from ..descent.plan import Plan
from ..descent.problem import Problem
from ..uncollected import uncollected

__all__ = ["bytes_of", "proven_of"]

_LARGEST, _MOST_PARAMETERS, _MOST_VALUES = 1 << 28, 5000, 1 << 25
"""Of more bytes of parameters and data, of more parameters, and of more values in between, no proof is looked for."""


def bytes_of(plan: Plan, problem: Problem) -> int:
    """Of the parameters and all data."""
    layout = problem.layout
    return int(layout.size * layout.dtype.itemsize + sum(array.nbytes for array in plan.data.arrays))


def proven_of(plan: Plan, problem: Problem) -> ProvenLoss | None:
    """What is proven of a loss; None if the proof would take longer than the descent."""
    values = sum(node.type.size for node in problem.graph.nodes if node.operands)
    if bytes_of(plan, problem) > _LARGEST or problem.layout.size > _MOST_PARAMETERS or values > _MOST_VALUES:
        return None
    with uncollected():
        return ProvenLoss.of(problem, plan.data)

"""One row per primitive: what is proven of its value, given what is known of its operands.

A row is a function of the node and of its operands' facts, with a sentence for the derivation. Rows are built from
`arithmetic`, and all curvature comes from the one composition rule in `facts`. A primitive without curvature stands in
`WITHOUT_CURVATURE` with the reason; a test checks that every primitive stands in one of the two.
"""

from __future__ import annotations

import numpy as np

from ..graph import Array, Node
from . import arithmetic, array_rules, elementwise_rules, intervals
from .facts import Facts, like, nothing, undefined
from .rows import ROWS, WITHOUT_CURVATURE, Row

__all__ = ["ROWS", "WITHOUT_CURVATURE", "Row", "array_rules", "elementwise_rules", "facts_of"]


def facts_of(node: Node, operands: list[Facts]) -> tuple[Facts, str]:
    """What is proven of a node, and why."""
    if all(arithmetic.is_constant(x) for x in operands) and node.primitive.name in ROWS:
        value = node.primitive.evaluate(*_arguments(node, operands), **node.attributes)
        if node.dtype.kind == "f" and node.primitive.is_elementwise:
            error = intervals.enclose(np.asarray, np.asarray(value, np.float64))
            return like(error, False, False, operands), "the same for all parameters"
    found = ROWS.get(node.primitive.name)
    if found is None:
        reason = WITHOUT_CURVATURE.get(node.primitive.name, f"no rule for {node.primitive.name}")
        facts = nothing(node.shape, operands)
        return undefined(facts), reason
    with np.errstate(all="ignore"):
        return found.rule(node, *operands), found.sentence


def _arguments(node: Node, operands: list[Facts]) -> list[Array]:
    return [x.lower.astype(operand.dtype) for x, operand in zip(operands, node.operands, strict=True)]

"""Forward mode: directional derivatives, from the inputs to the outputs."""

from __future__ import annotations

from collections.abc import Sequence

from ..graph import Node, topological_order
from ..trace import Traced, as_traced, derived_from
from .reverse import active_nodes, zeros

__all__ = ["pushforward"]


def pushforward(outputs: Sequence[Node], inputs: Sequence[Node], tangents: Sequence[Node]) -> tuple[Node, ...]:
    """The tangents of the outputs for given tangents of the inputs."""
    order = topological_order(outputs)
    active = active_nodes(order, inputs)
    known: dict[Node, Traced] = {
        node: Traced(tangent) for node, tangent in zip(inputs, tangents, strict=True) if node in active
    }
    for node in order:
        if node in known or node not in active:
            continue
        arriving = tuple(known.get(operand) for operand in node.operands)
        if all(tangent is None for tangent in arriving):
            continue
        with derived_from(node.source):
            operands = (Traced(operand) for operand in node.operands)
            tangent = node.primitive.jvp(arriving, Traced(node), *operands, **node.attributes)
            if tangent is not None:
                known[node] = as_traced(tangent)
    return tuple(known[node].node if node in known else zeros(node) for node in outputs)

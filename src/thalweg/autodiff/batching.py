"""Batching: the same graph for many inputs at once, along a leading axis."""

from __future__ import annotations

from collections.abc import Sequence

from ..graph import Node, make, topological_order
from ..ops.structure import broadcast
from ..trace import Traced, derived_from

__all__ = ["batched"]


def batched(outputs: Sequence[Node], inputs: Sequence[Node], batches: Sequence[Node], size: int) -> tuple[Node, ...]:
    """The outputs with a leading axis of the given size, for inputs that have one.

    batches: for each of `inputs` a node of the shape (size, *input.shape). Nodes that depend on none of the inputs
    are computed once and shared.
    """
    known: dict[Node, Node] = dict(zip(inputs, batches, strict=True))
    for node in topological_order(outputs):
        if node in known:
            continue
        is_batched = tuple(operand in known for operand in node.operands)
        if any(is_batched):
            with derived_from(node.source):
                operands = (Traced(known.get(operand, operand)) for operand in node.operands)
                known[node] = node.primitive.batch(is_batched, *operands, **node.attributes).node
    return tuple(known[node] if node in known else make(broadcast, node, shape=(size, *node.shape)) for node in outputs)

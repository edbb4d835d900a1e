"""Composites become the simpler primitives that they stand for, after differentiation and before compilation."""

from __future__ import annotations

from ..graph import Graph, Node, transform, with_operands
from ..trace import Traced, derived_from

__all__ = ["expand"]


def expand(graph: Graph) -> Graph:
    """An equal graph without composites."""

    def rebuild(node: Node, operands: tuple[Node, ...]) -> Node:
        expansion = node.primitive.expansion
        if expansion is None:
            return with_operands(node, operands)
        with derived_from(node.source):
            expanded: Traced = expansion(*(Traced(operand) for operand in operands), **node.attributes)
        return expanded.node

    while any(node.primitive.expansion is not None for node in graph.nodes):
        outputs = transform(graph.outputs, {node: node for node in graph.inputs}, rebuild)
        graph = Graph(graph.inputs, outputs)
    return graph

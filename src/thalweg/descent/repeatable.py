"""Whether a loss is the same each time it is called: what is traced once stands for all calls."""

from __future__ import annotations

import numpy as np

from ..graph import Graph, Node

__all__ = ["first_difference"]


def first_difference(graph: Graph, again: Graph) -> Node | None:
    """The first node that two graphs of one function do not have in common, or what reads it if it is a constant; None if all are equal."""
    places = [{node: number for number, node in enumerate((*one.inputs, *one.nodes))} for one in (graph, again)]
    for node, other in zip(graph.nodes, again.nodes, strict=False):
        operands, others = ([at[x] for x in one.operands] for at, one in zip(places, (node, other), strict=True))
        if operands != others or not _is_same(node, other):
            return _with_line(node, graph)
    shorter, longer = sorted((graph, again), key=len)
    return _with_line(longer.nodes[len(shorter)], longer) if len(shorter) < len(longer) else None


def _with_line(node: Node, graph: Graph) -> Node:
    """The node, or the first that reads it if it is a constant, which has no line of its own."""
    return next((x for x in graph.nodes if node in x.operands), node) if node.is_constant else node


def _is_same(a: Node, b: Node) -> bool:
    if a.primitive is not b.primitive or a.type != b.type:
        return False
    if a.is_constant:
        return a.value is b.value or np.array_equal(a.value, b.value, equal_nan=a.dtype.kind == "f")
    return repr(a.attributes) == repr(b.attributes)

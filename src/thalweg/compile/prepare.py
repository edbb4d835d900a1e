"""What every graph goes through before a target compiles it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..graph import Array, Graph, Node, input_node, transform, with_operands
from ..rewrite import expand, simplify

__all__ = ["Prepared", "prepare"]


@dataclass(frozen=True, eq=False)
class Prepared:
    """A graph of simple primitives, whose arrays of constants have become further inputs with known values."""

    graph: Graph
    values: tuple[Array, ...]


def prepare(graph: Graph) -> Prepared:
    """Expands composites, simplifies, and lifts arrays out of the graph.

    Scalars stay in the graph, where they become part of the code. Arrays go in from outside, so that the same code
    serves other arrays of the same shapes.
    """
    simple = simplify(graph)
    expanded = expand(simple)
    if expanded is not simple:
        simple = simplify(expanded, is_expanded=True)
    arrays = [node for node in simple.nodes if node.is_constant and node.type.size > 1]
    lifted = {node: input_node(node.type, "constant") for node in arrays}
    known: dict[Node, Node] = {**{node: node for node in simple.inputs}, **lifted}
    outputs = transform(simple.outputs, known, with_operands)
    inputs = (*simple.inputs, *lifted.values())
    return Prepared(Graph(inputs, outputs), tuple(np.ascontiguousarray(node.value) for node in arrays))

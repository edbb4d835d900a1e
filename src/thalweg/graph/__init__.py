"""The computational graph: nodes, primitives' shape, order, reference evaluation. Knows no operation."""

from .graph import Graph, evaluate, evaluate_nodes, inline, topological_order, transform, with_operands
from .node import CONSTANT, INPUT, Array, ArrayType, Node, Primitive, Shape, constant, input_node, make

__all__ = [
    "CONSTANT",
    "INPUT",
    "Array",
    "ArrayType",
    "Graph",
    "Node",
    "Primitive",
    "Shape",
    "constant",
    "evaluate",
    "evaluate_nodes",
    "inline",
    "input_node",
    "make",
    "topological_order",
    "transform",
    "with_operands",
]

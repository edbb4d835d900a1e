"""A graph as plain data: numbers, strings, tuples and arrays, no code. So it can be sent to another machine and be made anew there."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from ..errors import GraphError, SourceLine
from ..graph import ArrayType, Graph, Node, constant, input_node, make
from .declare import PRIMITIVES

__all__ = ["from_plain", "to_plain"]

Plain = dict[str, Any]


def to_plain(graph: Graph) -> Plain:
    """The graph as a list of its nodes, operands first, each as (primitive, operands by number, attributes, source line).

    Raises GraphError if a node is not of a known primitive, such as the call of a Python function.
    """
    numbers: dict[Node, int] = {}
    nodes: list[tuple[Any, ...]] = []
    for node in dict.fromkeys((*graph.inputs, *graph.nodes)):
        if PRIMITIVES.get(node.primitive.name) is not node.primitive:
            raise GraphError(f"{node!r} is not made of thalweg's primitives, so it cannot be sent elsewhere")
        numbers[node] = len(numbers)
        attributes = dict(node.attributes)
        if "type" in attributes:
            attributes["type"] = (node.shape, node.dtype.str)
        source = None if node.source is None else dataclasses.astuple(node.source)
        nodes.append((node.primitive.name, tuple(numbers[x] for x in node.operands), attributes, source))
    return {"nodes": nodes, "inputs": len(graph.inputs), "outputs": tuple(numbers[node] for node in graph.outputs)}


def from_plain(plain: Plain) -> Graph:
    """The graph that `to_plain` has written."""
    nodes: list[Node] = []
    for name, operands, attributes, source in plain["nodes"]:
        line = None if source is None else SourceLine(*source)
        if name == "input":
            shape, dtype = attributes["type"]
            nodes.append(input_node(ArrayType(shape, np.dtype(dtype)), attributes["name"]))
        elif name == "constant":
            nodes.append(constant(attributes["value"]))
        else:
            nodes.append(make(PRIMITIVES[name], *(nodes[x] for x in operands), source=line, **attributes))
    return Graph(tuple(nodes[: plain["inputs"]]), tuple(nodes[number] for number in plain["outputs"]))

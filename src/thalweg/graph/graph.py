"""A graph: inputs, outputs, and the nodes between them in the order of evaluation."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from ..errors import GraphError
from .node import Array, ArrayType, Node

__all__ = ["Graph", "evaluate", "evaluate_nodes", "inline", "topological_order", "transform", "with_operands"]


def topological_order(outputs: Iterable[Node]) -> tuple[Node, ...]:
    """All nodes that the outputs depend on, operands first. Linear in the number of nodes; not recursive."""
    order: dict[Node, None] = {}
    stack = [*outputs][::-1]
    while stack:
        node = stack[-1]
        if node not in order:
            left = [operand for operand in node.operands if operand not in order]
            if left:
                stack += left[::-1]
                continue
            order[node] = None
        stack.pop()
    return tuple(order)


@dataclass(frozen=True, eq=False)
class Graph:
    """A pure function of arrays, as data.

    inputs: the nodes that are bound from outside, in order. outputs: the nodes that are returned, in order.
    """

    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every node that an output depends on, operands first; inputs that nothing uses are left out."""
        return topological_order(self.outputs)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of all that the graph computes: equal graphs have equal fingerprints, in every process."""
        digest = hashlib.sha256()
        number = {node: index for index, node in enumerate(self.inputs)}
        parts: list[str] = [_text_of(node.type) for node in self.inputs]
        for node in self.nodes:
            if node.is_input:
                continue
            number[node] = len(number)
            if node.is_constant:
                parts.append(f"constant {_text_of(node.type)}")
                parts.append(hashlib.sha256(np.ascontiguousarray(node.value).tobytes()).hexdigest())
            else:
                operands = ",".join([str(number[operand]) for operand in node.operands])
                attributes = repr(sorted(node.attributes.items())) if node.attributes else ""
                parts.append(f"{node.primitive.name}({operands}){attributes}{_text_of(node.type)}")
        parts.append("outputs " + ",".join(str(number[node]) for node in self.outputs))
        digest.update("\n".join(parts).encode())
        return digest.hexdigest()

    def check(self) -> Graph:
        """This graph, if it obeys the rules: types follow from the primitives, and every input is declared.

        Raises GraphError otherwise. Run after every pass in the tests.
        """
        declared = set(self.inputs)
        for node in self.nodes:
            if node.is_input:
                if node not in declared:
                    raise GraphError(f"the input {node!r} is used but not declared")
                continue
            inferred = node.primitive.infer(*(operand.type for operand in node.operands), **node.attributes)
            if inferred != node.type:
                raise GraphError(f"{node!r} should have the type {inferred}")
        return self

    def __len__(self) -> int:
        return len(self.nodes)


@lru_cache(maxsize=1024)
def _text_of(type: ArrayType) -> str:
    return str(type)


def evaluate(graph: Graph, arrays: Sequence[Array]) -> tuple[Array, ...]:
    """The outputs for given inputs, node by node in NumPy: the reference for every other target."""
    values = evaluate_nodes(graph, arrays)
    return tuple(values[node] for node in graph.outputs)


def evaluate_nodes(graph: Graph, arrays: Sequence[Array]) -> dict[Node, Array]:
    """The value of every node, in the order of evaluation."""
    values: dict[Node, Array] = dict(zip(graph.inputs, arrays, strict=True))
    with np.errstate(all="ignore"):
        for node in graph.nodes:
            if not node.is_input:
                operands = (values[operand] for operand in node.operands)
                values[node] = np.asarray(node.primitive.evaluate(*operands, **node.attributes), node.dtype)
    return values


def transform(
    outputs: Sequence[Node], known: Mapping[Node, Node], rebuild: Callable[[Node, tuple[Node, ...]], Node]
) -> tuple[Node, ...]:
    """The outputs made anew, operands first: `known` nodes are replaced, all others pass through `rebuild`."""
    new: dict[Node, Node] = dict(known)
    for node in topological_order(outputs):
        if node not in new:
            new[node] = rebuild(node, tuple([new[operand] for operand in node.operands]))
    return tuple(new[node] for node in outputs)


def with_operands(node: Node, operands: tuple[Node, ...]) -> Node:
    """The same operation on other operands of the same types."""
    if operands == node.operands:  # nodes are equal only to themselves
        return node
    return Node(node.primitive, operands, node.type, node.attributes, node.source)


def inline(graph: Graph, arguments: Sequence[Node]) -> tuple[Node, ...]:
    """The graph's outputs as functions of the given nodes, which take the place of its inputs."""
    known: dict[Any, Node] = dict(zip(graph.inputs, arguments, strict=True))
    return transform(graph.outputs, known, with_operands)

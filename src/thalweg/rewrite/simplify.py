"""Simplification: one pass over the graph, operands first, in which every node is made anew by `build`.

`build` merges equal nodes, folds constants and applies the rules. A rule looks at one node, just made, and returns
a simpler one or None; what it makes, it makes through `build`, so the result is simple as well. To add a rule, write
the function and enter it with @rule for the primitives that it looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..errors import SourceLine
from ..graph import CONSTANT, INPUT, Graph, Node, Primitive, constant
from ..graph.node import ArrayType
from ..ops.structure import broadcast

__all__ = ["STABILITY_RULES", "Builder", "Rule", "equal_everywhere", "rule", "simplify"]

_LARGEST_FOLDED = 64
"""Constants of more elements than this stay expressions: folding them would cost memory, not save it."""

Rule = Callable[[Node, "Builder"], Node | None]
RULES: dict[str, list[Rule]] = {}
STABILITY_RULES: dict[str, list[Rule]] = {}
"""Rules that find composites; they must not run again after composites were expanded."""


def rule(*primitives: Primitive, into: dict[str, list[Rule]] = RULES) -> Callable[[Rule], Rule]:
    """Enters a rule for the given primitives."""

    def enter(function: Rule) -> Rule:
        for primitive in primitives:
            into.setdefault(primitive.name, []).append(function)
        return function

    return enter


def _constant_key(node: Node) -> Any:
    value = node.value
    if value.size <= _LARGEST_FOLDED:
        return (value.dtype, value.shape, value.tobytes())
    return id(value)


class Builder:
    """Makes nodes, each only once, and each as simple as the rules can make it."""

    def __init__(self, is_expanded: bool = False) -> None:
        self._made: dict[Any, Node] = {}
        tables = (RULES,) if is_expanded else (RULES, STABILITY_RULES)
        self._rules = {name: [r for table in tables for r in table.get(name, ())] for table in tables for name in table}

    def __call__(
        self, primitive: Primitive, *operands: Node, source: SourceLine | None = None, **attributes: Any
    ) -> Node:
        """A node that applies `primitive`, or a simpler one of the same value and type."""
        return self.apply(primitive, operands, None, attributes, source)

    def apply(
        self,
        primitive: Primitive,
        operands: tuple[Node, ...],
        type: ArrayType | None,
        attributes: Mapping[str, Any],
        source: SourceLine | None,
    ) -> Node:
        """The same for a type that is known already."""
        key = (primitive, operands, tuple(attributes.values()) if attributes else ())
        found = self._made.get(key)
        if found is None:
            inferred = type or primitive.infer(*[operand.type for operand in operands], **attributes)
            found = self._simplest(Node(primitive, operands, inferred, attributes, source))
            self._made[key] = found
        return found

    def constant(self, value: Any, dtype: np.dtype[Any]) -> Node:
        """A constant."""
        return self.known(constant(value, dtype))

    def known(self, node: Node) -> Node:
        """The constant itself, or the equal one that was met before."""
        return self._made.setdefault((CONSTANT, _constant_key(node)), node)

    def filled(self, value: Any, like: Node) -> Node:
        """An array of one value, of the type of `like`."""
        scalar = self.constant(value, like.dtype)
        return self(broadcast, scalar, shape=like.shape) if like.shape else scalar

    def _simplest(self, node: Node) -> Node:
        if self._can_be_folded(node):
            return self._folded(node)
        for function in self._rules.get(node.primitive.name, ()):
            simpler = function(node, self)
            if simpler is not None:
                return simpler
        return node

    @staticmethod
    def _can_be_folded(node: Node) -> bool:
        """Broadcasts stay, so that rules still see that all elements are equal."""
        for operand in node.operands:
            if operand.primitive is not CONSTANT:
                return False
        return node.primitive is not broadcast and node.type.size <= _LARGEST_FOLDED

    def _folded(self, node: Node) -> Node:
        with np.errstate(all="ignore"):
            value = node.primitive.evaluate(*(x.value for x in node.operands), **node.attributes)
        return self.known(constant(np.array(value, order="C"), node.dtype))


def simplify(graph: Graph, is_expanded: bool = False) -> Graph:
    """An equal graph of fewer and more stable operations. is_expanded: it holds no composites, and none are made."""
    build = Builder(is_expanded)
    new: dict[Node, Node] = {node: node for node in graph.inputs}
    for node in graph.nodes:
        if node in new:
            continue
        if node.primitive is CONSTANT:
            new[node] = build.known(node)
        elif node.primitive is INPUT:
            new[node] = node
        else:
            operands = tuple([new[operand] for operand in node.operands])
            new[node] = build.apply(node.primitive, operands, node.type, node.attributes, node.source)
    return Graph(graph.inputs, tuple(new[node] for node in graph.outputs))


def equal_everywhere(node: Node) -> Any:
    """The number that every element equals, if the node is a constant like that; else None."""
    while node.primitive is broadcast:
        node = node.operands[0]
    if node.is_constant and node.type.size == 1:
        return node.value.reshape(-1)[0]
    return None

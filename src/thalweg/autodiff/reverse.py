"""Reverse mode: from the loss backwards, once, adding up what arrives over several paths.

The adjoint of a node is ∂loss/∂node. The walk starts at the loss with adjoint 1. Values of the forward pass are
used again, not computed again: the result is a part of the same graph.

Source: A. Griewank and A. Walther, *Evaluating Derivatives*, 2nd ed. (SIAM 2008), chapter 3.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..graph import Node, constant, make, topological_order
from ..ops.structure import broadcast, place
from ..trace import Traced, as_traced, derived_from

__all__ = ["active_nodes", "adjoints", "gradient", "pullback", "zeros"]


def active_nodes(order: Iterable[Node], inputs: Iterable[Node]) -> set[Node]:
    """The nodes that depend on the inputs through floating-point values."""
    active = {node for node in inputs if node.dtype.kind == "f"}
    for node in order:
        if node not in active and node.dtype.kind == "f" and any(x in active for x in node.operands):
            active.add(node)
    return active


def zeros(node: Node) -> Node:
    """Zeros of the node's type."""
    zero = constant(np.zeros((), node.dtype))
    return make(broadcast, zero, shape=node.shape) if node.shape else zero


def _add(contributions: list[Traced]) -> Traced:
    """The sum over all paths. Adjoints of parts of an array are placed together in one go, whatever their number."""
    if len(contributions) == 1:
        return contributions[0]
    placed = [c.node for c in contributions if _is_part(c.node)]
    others = [c for c in contributions if not _is_part(c.node)]
    if placed:
        pieces = [node.operands[0] for node in placed]
        windows = tuple(node.attributes["windows"][0] for node in placed)
        others.append(Traced(make(place, *pieces, source=placed[0].source, windows=windows, shape=placed[0].shape)))
    total = others[0]
    for other in others[1:]:
        total = total + other
    return total


def _is_part(node: Node) -> bool:
    """Whether an adjoint is that of one part. What was placed together before stays together: along a chain of values, each of which
    passes on what has arrived, it would be written anew for each of them.
    """
    return node.primitive is place and len(node.operands) == 1


def adjoints(outputs: Sequence[Node], seeds: Sequence[Node | None], inputs: Sequence[Node]) -> dict[Node, Node]:
    """The adjoint of every node on a path from an input to an output, in the order of the backward walk."""
    order = topological_order(outputs)
    active = active_nodes(order, inputs)
    arriving: dict[Node, list[Traced]] = {}
    for output, seed in zip(outputs, seeds, strict=True):
        if seed is not None and output in active:
            arriving.setdefault(output, []).append(Traced(seed))
    found: dict[Node, Node] = {}
    for node in reversed(order):
        contributions = arriving.pop(node, None)
        if contributions is None:
            continue
        with derived_from(node.source):
            adjoint = _add(contributions)
            found[node] = adjoint.node
            values: list[Traced] | None = None
            for index, operand in enumerate(node.operands):
                rule = node.primitive.adjoint_rule(index) if operand in active else None
                if rule is not None:
                    values = values or [Traced(node), *(Traced(x) for x in node.operands)]
                    contribution = rule(adjoint, *values, **node.attributes)
                    arriving.setdefault(operand, []).append(as_traced(contribution))
    return found


def pullback(outputs: Sequence[Node], seeds: Sequence[Node | None], inputs: Sequence[Node]) -> tuple[Node, ...]:
    """The adjoints of the inputs for given adjoints of the outputs; zeros where there is no path."""
    found = adjoints(outputs, seeds, inputs)
    return tuple(found[node] if node in found else zeros(node) for node in inputs)


def gradient(loss: Node, inputs: Sequence[Node]) -> tuple[Node, ...]:
    """∂loss/∂input for each input, for a scalar loss."""
    return pullback([loss], [constant(np.ones((), loss.dtype))], inputs)

"""Finding the residuals in the graph of a loss that is a sum of squares.

Any nesting of sums, means, positive factors and squares will do: `np.sum(r**2)`, `0.5 * np.mean(r**2)`, `r @ r`,
`0.5 * r @ r`, `np.sum(weights * r**2) + 0.1 * np.sum(w**2)`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import LossError
from ..graph import Graph, Node, constant, evaluate_nodes, make, topological_order
from ..ops.contraction import dot
from ..ops.elementwise import add, convert, divide, multiply, negative, subtract
from ..ops.reduction import sum_
from ..ops.structure import broadcast, reshape, transpose
from ..rewrite import equal_everywhere

__all__ = ["Residuals", "residuals_of"]


@dataclass(frozen=True, eq=False)
class Residuals:
    """A term Σ weight · r² of a loss. weight: a node of r's shape, or None for 1."""

    residual: Node
    weight: Node | None


def residuals_of(graph: Graph) -> tuple[Residuals, ...]:
    """The terms of a loss, a graph (θ, *data) → loss; their sum is the loss.

    Raises LossError, naming the part that is no square, if the loss is no sum of squares.
    """
    parameters = graph.inputs[0]
    active = {parameters}
    for node in graph.nodes:
        if any(operand in active for operand in node.operands):
            active.add(node)
    found: list[Residuals] = []
    _collect(graph.outputs[0], None, active, found)
    return tuple(found)


def _collect(node: Node, weight: Node | None, active: set[Node], found: list[Residuals]) -> None:
    """Takes apart Σ weight · node, summed over all elements. Not recursive, so that long sums are no problem."""
    stack = [(node, weight)]
    while stack:
        node, weight = stack.pop()
        if node not in active:
            continue  # a constant changes neither the gradient nor the steps
        operands, primitive = node.operands, node.primitive
        if primitive is add:
            stack += [(operand, weight) for operand in operands]
        elif primitive is subtract and operands[1] not in active:
            stack.append((operands[0], weight))
        elif primitive is multiply and operands[0] is operands[1]:
            found.append(Residuals(operands[0], weight))
        elif primitive is multiply and (operands[0] not in active or operands[1] not in active):
            factor, rest = operands if operands[1] in active else operands[::-1]
            stack.append((rest, _times(weight, factor, node)))
        elif primitive is divide and operands[1] not in active:
            one = make(broadcast, constant(np.ones((), node.dtype)), shape=node.shape)
            stack.append((operands[0], _times(weight, make(divide, one, operands[1]), node)))
        elif primitive is convert and operands[0].dtype.kind == "f" and weight is None:
            stack.append((operands[0], None))
        elif primitive is sum_:
            (x,) = operands
            stack.append((x, None if weight is None else _spread(weight, x, node.attributes["axes"])))
        elif primitive in (reshape, transpose) and (weight is None or equal_everywhere(weight) is not None):
            (x,) = operands
            stack.append((x, None if weight is None else _uniform(weight, x)))
        elif (square := _square(node, active)) is not None:
            base, share = square
            if weight is not None and weight.shape != base.shape:
                weight = _uniform_like(weight, base)
            found.append(Residuals(base, weight if share is None else _times(weight, share, node)))
        else:
            raise _no_square(node)


def _square(node: Node, active: set[Node]) -> tuple[Node, Node | None] | None:
    """r and c of a product (a r)(b r) = c r², or of its sum; None if the node is no such product. c: None for 1."""
    operands = node.operands
    is_sum = node.primitive is dot and not node.shape and len(set(node.attributes["contract"])) == 1
    if not is_sum and node.primitive is not multiply:
        return None
    (a, factor), (b, other) = (_without_factors(operand, active) for operand in operands)
    if a is not b:
        return None
    return a, factor if other is None else other if factor is None else make(multiply, factor, other)


def _without_factors(node: Node, active: set[Node]) -> tuple[Node, Node | None]:
    """r and c of a product c · r with a c that does not depend on the parameters."""
    total: Node | None = None
    while node.primitive in (multiply, divide, negative):
        one = make(broadcast, constant(np.ones((), node.dtype)), shape=node.shape)
        operands = node.operands
        if node.primitive is negative:
            factor, rest = make(negative, one), operands[0]
        elif node.primitive is divide and operands[1] not in active:
            factor, rest = make(divide, one, operands[1]), operands[0]
        elif node.primitive is multiply and (operands[0] not in active or operands[1] not in active):
            factor, rest = operands if operands[1] in active else operands[::-1]
        else:
            break
        total, node = factor if total is None else make(multiply, total, factor), rest
    return node, total


def _times(weight: Node | None, factor: Node, node: Node) -> Node:
    value = equal_everywhere(factor)
    if value is None and all(x.is_constant or not x.is_input for x in topological_order([factor])):
        values = evaluate_nodes(Graph((), (factor,)), ())[factor]
        value = values.min() if values.size else None
    if value is not None and not value >= 0:
        raise LossError(
            f"LevenbergMarquardt needs a sum of squares; {node.source or 'the loss'} gives a square the factor {value}, "
            "below zero. Use tw.LBFGS() or tw.Newton() for this loss."
        )
    return factor if weight is None else make(multiply, weight, factor)


def _spread(weight: Node, x: Node, axes: tuple[int, ...]) -> Node:
    """The weight of a sum, for each of the elements that were summed."""
    shape = tuple(1 if axis in axes else extent for axis, extent in enumerate(x.shape))
    return make(broadcast, make(reshape, weight, shape=shape), shape=x.shape)


def _uniform(weight: Node, x: Node) -> Node:
    value = equal_everywhere(weight)
    return make(broadcast, constant(np.asarray(value, x.dtype)), shape=x.shape)


def _uniform_like(weight: Node, x: Node) -> Node:
    """A scalar weight, for each element."""
    return make(broadcast, weight, shape=x.shape)


def _no_square(node: Node) -> LossError:
    where = f" at {node.source}" if node.source else ""
    return LossError(
        f"LevenbergMarquardt needs a loss that is a sum of squares, such as np.sum((model(x) - y)**2). The part "
        f"np.{node.primitive.name}{where} is no square. Use tw.LBFGS() or tw.Newton() for this loss."
    )

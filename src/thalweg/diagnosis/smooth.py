"""Losses that cannot have a kink: all that they do to the parameters is smooth wherever it is finite."""

from __future__ import annotations

from collections.abc import Sequence

from ..graph import Graph, Node
from ..ops import contraction, elementwise, indexing, reduction, structure
from ..rewrite import equal_everywhere

__all__ = ["is_smooth"]

_SMOOTH = frozenset(
    {
        *(elementwise.add, elementwise.subtract, elementwise.multiply, elementwise.negative),
        *(elementwise.exp, elementwise.expm1, elementwise.log, elementwise.log1p),
        *(elementwise.expit, elementwise.softplus, elementwise.tanh, elementwise.arctan, elementwise.arcsinh),
        *(elementwise.sin, elementwise.cos, elementwise.sinh, elementwise.cosh),
        *(elementwise.erf, elementwise.erfc),
        *(contraction.dot, reduction.sum_, reduction.logsumexp, reduction.cumulative_sum, indexing.scatter_add),
        *(structure.broadcast, structure.reshape, structure.transpose, structure.slice_, structure.place),
    }
)


def is_smooth(graph: Graph) -> bool:
    """Whether nothing between the parameters, the first input, and the loss can have a kink. Divisions by data are smooth, too.

    >>> import numpy as np
    >>> from thalweg.graph import ArrayType
    >>> from thalweg.trace import trace
    >>> vector = ArrayType((3,), np.dtype(float))
    >>> is_smooth(trace(lambda w: (np.sum(np.tanh(w) ** 2) / 3,), [vector]))
    True
    >>> is_smooth(trace(lambda w: (np.sum((w > 0) * w),), [vector]))
    False
    """
    dependent = set(graph.inputs[:1])
    for node in graph.nodes:
        is_of_data = [operand not in dependent for operand in node.operands]
        if all(is_of_data):
            continue
        dependent.add(node)
        if node.primitive in _SMOOTH:
            continue
        if not _is_smooth_with(node, is_of_data):
            return False
    return True


def _is_smooth_with(node: Node, is_of_data: Sequence[bool]) -> bool:
    """Of primitives that are smooth with some operands, or of some types."""
    if node.primitive is elementwise.convert:
        return node.dtype.kind == "f"
    if node.primitive is elementwise.power:
        exponent = equal_everywhere(node.operands[1])
        return exponent is not None and float(exponent) >= 0 and float(exponent).is_integer()
    return node.primitive in (elementwise.divide, indexing.take) and is_of_data[1]

"""Facts that all elements of a value share: for many examples the rules are applied once, not once for each.

What is kept of a large value is what holds for all of its elements, so a rule gives the same for all that are computed from such values
alone. Where data come in, in a sum, a difference, a product or a quotient, the facts depend on a number's sign, and on its size in one
direction: the least and the largest number of each sign stand for all others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..graph import Array, ArrayType, Node
from .curvature_rules import facts_of
from .facts import Facts, from_arrays, is_repeated, known

__all__ = ["shared", "shared_facts"]

_BY_SIGN = {"add", "subtract", "multiply", "divide"}
_REDUCTIONS = {"sum", "norm", "logsumexp", "maximum_reduce", "minimum_reduce"}


def shared(facts: Facts) -> Facts:
    """What holds for all elements of a value that has some."""
    pick: tuple[Callable[[Array], Any], ...] = (np.min, np.max, np.all, np.all, np.min, np.max)
    one = [
        array[(0,) * array.ndim] if is_repeated(array) else choose(array)
        for choose, array in zip(pick, facts.arrays, strict=True)
    ]
    return _spread(from_arrays([np.asarray(value) for value in one], [facts]), facts.lower.shape)


def shared_facts(node: Node, operands: Sequence[Facts]) -> tuple[Facts, str] | None:
    """What is proven of a node whose operands' elements share their facts, but for data; None where one rule for all does not do."""
    name = node.primitive.name
    if name in _REDUCTIONS and _is_shared(operands[0]):
        axes = node.attributes["axes"]
        few = [_spread(operands[0], tuple(n if i in axes else 1 for i, n in enumerate(operands[0].lower.shape)))]
        shape: tuple[int, ...] = (1,) * len(node.shape)
    elif node.primitive.is_elementwise:
        data = [x for x in operands if not _is_shared(x)]
        if len(data) > 1 or (data and not (data[0].is_known and name in _BY_SIGN)):
            return None
        values = _representatives(data[0].lower) if data else np.zeros(1)
        shape = values.shape
        few = [_spread(x, shape) if _is_shared(x) else known(values) for x in operands]
    else:
        return None
    small = Node(node.primitive, node.operands, ArrayType(shape, node.dtype), node.attributes, node.source)
    found, reason = facts_of(small, few)
    return _spread(shared(found), node.shape), reason


def _is_shared(facts: Facts) -> bool:
    return all(is_repeated(array) for array in facts.arrays)


def _spread(facts: Facts, shape: tuple[int, ...]) -> Facts:
    """The facts of the first element, for all of a shape."""
    return facts.moved(lambda array: np.broadcast_to(array[(0,) * array.ndim], shape))


def _representatives(values: Array) -> Array:
    """The least and the largest of each sign, and 0, of those that occur."""
    signs = (values[values < 0], values[values > 0])
    found = {float(choose(part)) for part in signs if part.size for choose in (np.min, np.max)}
    return np.array(sorted(found | ({0.0} if (values == 0).any() else set())))

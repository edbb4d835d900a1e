"""Through which values a node sees the parameters: where a function of one number may begin.

Of a node that is made of elementwise operations, an earlier value is a *dominator* if every way from the parameters to the node leads
through it; the node is a function of that one value and of constants. The nearest dominators form a forest, and a node's is the nearest
common ancestor, there, of its operands. Each is found in a number of steps that grows with the logarithm of the number of nodes.

Source: E. Myers, *An applicative random-access stack*, Information Processing Letters 17 (1983): pointers that jump ahead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..graph import Node

__all__ = ["Dominators"]


@dataclass(eq=False)
class _Place:
    """A node in the forest. nearest, jump: ancestors; a root's are itself."""

    node: Node
    depth: int = 0
    nearest: _Place = field(init=False)
    jump: _Place = field(init=False)

    def __post_init__(self) -> None:
        self.nearest = self.jump = self


class Dominators:
    """Those of all nodes so far. Nodes are added operands first."""

    def __init__(self) -> None:
        self._places: dict[Node, _Place] = {}

    def add_base(self, node: Node) -> None:
        """A node that is no elementwise function of others."""
        self._places[node] = _Place(node)

    def add(self, node: Node, operands: Sequence[Node]) -> None:
        """An elementwise function of these operands, and of constants."""
        common: _Place | None = self._places[operands[0]]
        for operand in operands[1:]:
            common = _nearest_common(common, self._places[operand]) if common is not None else None
        place = self._places[node] = _Place(node)
        if common is not None:
            place.depth, place.nearest = common.depth + 1, common
            is_even = common.depth - common.jump.depth == common.jump.depth - common.jump.jump.depth
            place.jump = common.jump.jump if is_even and common.depth > 0 else common

    def of(self, node: Node) -> Iterator[Node]:
        """A node's dominators, the nearest first."""
        place = self._places[node]
        while place.depth > 0:
            place = place.nearest
            yield place.node


def _nearest_common(a: _Place, b: _Place) -> _Place | None:
    """None if they stand in different trees."""
    if a.depth < b.depth:
        a, b = b, a
    while a.depth > b.depth:
        a = a.jump if a.jump.depth >= b.depth else a.nearest
    while a is not b:
        if a.depth == 0:
            return None
        a, b = (a.jump, b.jump) if a.jump is not b.jump else (a.nearest, b.nearest)
    return a

"""Values that become pieces of a larger array are computed where they belong, so that nothing has to be copied there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ...graph import Graph, Node
from ...ops.structure import place, reshape
from .groups import squeezed
from .kernels import windows_are_disjoint
from .views import View, contiguous_strides, reshaped

__all__ = ["homes_of"]


def homes_of(
    graph: Graph,
    outputs: Mapping[Node, View | None],
    can_move: Callable[[Node], bool],
    new_array: Callable[[Node], View],
) -> dict[Node, View]:
    """Where the pieces of every `place` of the graph are to be written, and the places themselves.

    outputs: the nodes whose places are chosen already. can_move: whether a node may be written anywhere. new_array: room for a `place`.
    """
    homes = {node: view for node, view in outputs.items() if view is not None and can_move(node)}
    taken = set(outputs)
    for node in reversed(graph.nodes):  # the outermost first
        if node.primitive is not place or not can_move(node) or not windows_are_disjoint(node, lambda x: x.shape):
            continue
        pieces = _pieces(node, taken, can_move)
        if pieces:
            whole = homes.setdefault(node, new_array(node))
            for origin, window in pieces.items():
                view = reshaped(whole.window(*window), origin.shape)
                if view is not None and _is_contiguous(view):
                    homes[origin] = view
                    taken.add(origin)
    return homes


def _pieces(node: Node, taken: Collection[Node], can_move: Callable[[Node], bool]) -> dict[Node, tuple[Any, ...]]:
    """The values that are the pieces, each with its window (starts, steps, shape)."""
    found: dict[Node, tuple[Any, ...]] = {}
    for piece, (starts, steps) in zip(node.operands, node.attributes["windows"], strict=True):
        origin = piece
        while origin.primitive is reshape:
            (origin,) = origin.operands
        if origin not in taken and origin not in found and can_move(origin):
            found[origin] = (starts, steps, piece.shape)
    return found


def _is_contiguous(view: View) -> bool:
    strides = tuple(stride for stride, extent in zip(view.strides, view.shape, strict=True) if extent != 1)
    return strides == contiguous_strides(squeezed(view.shape))

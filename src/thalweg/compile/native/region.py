"""Emitting a region: a part of the graph that runs from begin to end without waiting for anything.

A region is either *whole* (arrays have their full shapes) or a *tile* (the axis of examples is as long as the tile).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

import numpy as np
from llvmlite import ir

from ...graph import Node, Shape
from ...ops.contraction import dot
from ...ops.elementwise import detach
from ...ops.indexing import argsort, scatter_add
from ...ops.structure import broadcast, reshape, slice_, transpose
from ..examples import implied_axis
from .arrays import Function
from .copies import emit_copy
from .groups import REDUCTIONS, Group, grouped, is_alias
from .kernels import NEEDS_CONTIGUOUS, accumulate_scatter, emit_kernel
from .loops import Target, emit_group
from .memory import Memory
from .operands import Operand
from .packing import panel_size
from .product_axes import product_of
from .products import emit_product
from .shares import Share
from .views import Area, Buffer, View, contiguous_strides, reshaped, spaced_strides, strides_with

__all__ = ["LARGEST_LOCAL", "Region", "Tile", "tiled"]

_NOTHING: Mapping[Node, View] = {}
_UNKNOWN = Buffer(Area.SCRATCH, -1, np.dtype(np.bool_), 0)

LARGEST_LOCAL = 16
"""Arrays of up to this many elements are kept in registers where no other function reads them."""


@dataclass(frozen=True)
class Tile:
    """The examples of a tile region.

    rows: how many. axis: the axis of examples of each per-example node. accumulates: whether totals are added to
    what earlier tiles left.
    """

    rows: int
    axis: Mapping[Node, int]
    accumulates: bool


@dataclass
class Region:
    """Emits nodes into memory.

    views: where values lie, by node; it grows as nodes are emitted. area: where new arrays are put.
    is_local: whether a small array may live in registers. lane_axis: of nodes that hold values of several members.
    share: emits a group that threads share; returns whether it has done so.
    """

    memory: Memory
    views: dict[Node, View]
    area: Area
    vector_bytes: int
    constant_view: Callable[[Node], View]
    is_local: Callable[[Node], bool] = lambda node: False
    tile: Tile | None = None
    lane_axis: Mapping[Node, int] = field(default_factory=dict)
    share: Callable[[Region, Group, frozenset[Node]], bool] | None = None
    _aliases: dict[Node, bool] = field(default_factory=dict)

    # Shapes and views
    def shape_of(self, node: Node) -> Shape:
        """The node's shape in this region."""
        if self.tile is None or node not in self.tile.axis:
            return node.shape
        axis = self.tile.axis[node]
        return (*node.shape[:axis], self.tile.rows, *node.shape[axis + 1 :])

    def is_alias(self, node: Node) -> bool:
        """Whether the node is only another view of its operand."""
        known = self._aliases.get(node)
        if known is None:
            known = self._aliases[node] = is_alias(node, self._can_be_reshaped)
        return known

    def _can_be_reshaped(self, node: Node) -> bool:
        return reshaped(self._layout(node.operands[0]), self.shape_of(node)) is not None

    def _layout(self, node: Node) -> View:
        """The view that the node will have, as far as its strides go; its buffer may not be known yet."""
        if node in self.views:
            return self.views[node]
        if node.is_constant:
            return self.constant_view(node)
        if self.is_alias(node):
            return self._view_of_alias(node, self._layout(node.operands[0]))
        shape = self.shape_of(node)
        is_spaced = self._is_spaced(node)
        strides = spaced_strides(shape, node.dtype.itemsize) if is_spaced else strides_with(shape, self.innermost(node))
        return View(_UNKNOWN, 0, strides, shape)

    def _view_of_alias(self, node: Node, origin: View) -> View:
        shape = self.shape_of(node)
        if node.primitive is broadcast:
            return origin.broadcast(shape)
        if node.primitive is transpose:
            return origin.transposed(node.attributes["axes"])
        if node.primitive is slice_:
            starts, steps = node.attributes["window"]
            return origin.window(starts, steps, shape)
        if node.primitive is detach:
            return origin
        found = reshaped(origin, shape)
        assert found is not None
        return found

    def view(self, node: Node) -> View:
        """Where the node's value lies."""
        found = self.views.get(node)
        if found is None:
            if node.is_constant:
                found = self.constant_view(node)
            elif self.is_alias(node):
                found = self._view_of_alias(node, self.view(node.operands[0]))
            else:
                raise AssertionError(f"{node!r} has not been computed")
            self.views[node] = found
        return found

    def view_for(self, reader: Node, position: int) -> View:
        """Where an operand lies, as its reader sees it: in a tile, only the tile's examples."""
        operand = reader.operands[position]
        view = self.view(operand)
        if self.tile is None or operand in self.tile.axis:
            return view
        axis = implied_axis(reader, position, self.tile.axis)
        return view if axis is None else tiled(view, axis, self.tile.rows)

    # Emission
    def emit(
        self,
        function_for_group: Callable[[], AbstractContextManager[Function]],
        nodes: Sequence[Node],
        outputs: Mapping[Node, View | None],
    ) -> None:
        """Emits the nodes, operands first.

        function_for_group: the function to emit a group into. outputs: the nodes whose values are wanted, and where; None where the
        region may choose.
        """
        chosen = grouped(nodes, outputs, self.shape_of, self.is_alias)
        for group in chosen.groups:
            for node in group.nodes:
                if node in chosen.stored or node.primitive is reshape or len(group.nodes) == 1:
                    self.views[node] = self._place_for(node, outputs.get(node))
        for group in chosen.groups:
            if self.share is not None and self.share(self, group, chosen.stored):
                continue
            with function_for_group() as function:
                self.emit_group(function, group, chosen.stored)
        for node, wanted in outputs.items():
            if wanted is not None and self.view(node) != wanted:
                with function_for_group() as function:
                    emit_copy(function, self.view(node), wanted, self.vector_bytes)

    def _place_for(self, node: Node, wanted: View | None) -> View:
        shape = self.shape_of(node)
        if wanted is not None:
            return wanted
        if self._is_spaced(node):
            return self.memory.spaced(self.area, shape, node.dtype)
        is_local = math.prod(shape) <= LARGEST_LOCAL and self.is_local(node)
        return self.memory.array(Area.LOCAL if is_local else self.area, shape, node.dtype, self.innermost(node))

    def _is_spaced(self, node: Node) -> bool:
        """Whether there may be gaps between the rows of its value: one for each example, and long enough to matter to products."""
        is_of_rows = self.tile is not None and self.tile.axis.get(node) == 0 and len(node.shape) == 2
        is_written_anywhere = node.primitive.is_elementwise or node.primitive is dot
        return is_of_rows and is_written_anywhere and node not in self.lane_axis and node.type.size > LARGEST_LOCAL

    def innermost(self, node: Node) -> int | None:
        """The axis of lanes lies innermost, where the emitter of the node can write it so."""
        is_in_order = node.primitive in NEEDS_CONTIGUOUS or node.primitive is reshape
        return None if is_in_order else self.lane_axis.get(node)

    def is_total(self, node: Node) -> bool:
        """Whether a tile adds to it."""
        return self.tile is not None and node not in self.tile.axis

    def _accumulates(self, node: Node) -> bool:
        return self.tile is not None and self.tile.accumulates and self.is_total(node)

    def emit_group(
        self,
        function: Function,
        group: Group,
        stored: frozenset[Node],
        share: Share | None = None,
        partial: Mapping[Node, View] = _NOTHING,
    ) -> None:
        """Emits a group, or a share of it. partial: where reductions of the share are added up."""
        first = group.nodes[0]
        if first.primitive.is_elementwise or first.primitive in REDUCTIONS or first.primitive is reshape:
            readers = {
                operand: (node, position) for node in group.nodes for position, operand in enumerate(node.operands)
            }
            targets = [
                Target(node, partial.get(node, self.views[node]), node in partial or self._accumulates(node))
                for node in group.nodes
                if node in stored or node.primitive is reshape
            ]
            emit_group(
                function,
                group,
                targets,
                lambda operand: self.view_for(*readers[operand]),
                self.shape_of,
                self.vector_bytes,
                share,
            )
        elif first.primitive is dot:
            self._emit_product(function, first)
        else:
            views = [self.view_for(first, position) for position in range(len(first.operands))]
            if first.primitive in NEEDS_CONTIGUOUS:
                views = [self._contiguous(function, view) for view in views]
            if first.primitive is argsort:
                (keys,) = views
                views.append(self.memory.array(self.area, (2 * keys.shape[-1],), keys.buffer.dtype))
            if first.primitive is scatter_add and self._accumulates(first):
                accumulate_scatter(function, first, views, self.views[first])
            else:
                emit_kernel(function, first, views, self.views[first])

    def _contiguous(self, function: Function, view: View) -> View:
        if view.strides == contiguous_strides(view.shape) and view.is_still:
            return view
        copy = self.memory.array(self.area, view.shape, view.buffer.dtype)
        emit_copy(function, view, copy, self.vector_bytes)
        return copy

    def _emit_product(self, function: Function, node: Node) -> None:
        views = [self.view_for(node, position) for position in (0, 1)]
        result = self.views[node]
        product, is_swapped = product_of(node, views[0], views[1], result)
        if is_swapped:
            views.reverse()
        packed: ir.Value | None = None
        size = panel_size(product, node.dtype, self.vector_bytes)
        if size:
            packed = function.start_of(self.memory.buffer(self.area, size, node.dtype))
        a, b, c = (Operand(function.start_of_view(view), view.buffer.dtype) for view in (*views, result))
        emit_product(function, product, (a, b, c), packed, self._accumulates(node), self.vector_bytes)


def tiled(view: View, axis: int, rows: int) -> View:
    """The part of an array of all examples that belongs to the current tile."""
    shape = (*view.shape[:axis], rows, *view.shape[axis + 1 :])
    return replace(view, shape=shape, example_stride=view.strides[axis])

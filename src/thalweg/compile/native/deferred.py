"""Products over all examples of a batch that are left for a sweep of their own.

Where threads share a mini-batch, each takes some of its examples, and has totals of its own. A total as large as a matrix of weights
is better computed once: when all that it multiplies is there, each thread takes some of its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from llvmlite import ir

from ...graph import Graph, Node
from ...ops.contraction import dot
from ..examples import Examples
from .arrays import Function, integer, loop
from .loops import Share, share_of
from .memory import Memory
from .products import Operand, Product, emit_product, pack, packed_size, product_of
from .tiles import Tiling
from .views import Area, View

__all__ = ["deferred_products", "emit_rows", "row_elements"]

_LARGE_BYTES = 1 << 16
_ROWS = 8
"""Rows of a product are computed so many at a time."""


def deferred_products(graph: Graph, examples: Examples | None, tiling: Tiling | None) -> list[Node]:
    """The totals of a graph that are computed when a sweep has gone over all examples."""
    if examples is None or tiling is None or not tiling.is_split:
        return []
    return [node for node in graph.nodes if node in examples.totals and _is_large_product(node, examples)]


def _is_large_product(node: Node, examples: Examples) -> bool:
    is_product = node.primitive is dot and all(operand in examples.axis for operand in node.operands)
    return is_product and node.type.size * node.dtype.itemsize >= _LARGE_BYTES


def emit_rows(
    function: Function,
    memory: Memory,
    products: Sequence[Node],
    views: Mapping[Node, View],
    chunk: ir.Value,
    chunks: int,
    vector_bytes: int,
    follow: Callable[[Node, Share], None] | None = None,
    meanwhile: Callable[[ir.Value, int], None] | None = None,
) -> None:
    """Emits a chunk's rows of each product. views: of whole operands and results. follow: emits what is done with rows that are just
    computed, and still in cache. meanwhile: emits one of so many parts of something that is best done a little at a time."""
    largest = max(products, key=lambda node: node.type.size)
    for node in products:
        beside = meanwhile if node is largest else None
        _emit_rows_of(function, memory, node, views, (chunk, chunks), vector_bytes, follow, beside)


def _emit_rows_of(
    function: Function,
    memory: Memory,
    node: Node,
    views: Mapping[Node, View],
    part: tuple[ir.Value, int],
    vector_bytes: int,
    follow: Callable[[Node, Share], None] | None,
    meanwhile: Callable[[ir.Value, int], None] | None,
) -> None:
    """Emits the rows of one product, some at a time. part: which chunk, of how many."""
    product, found = _oriented(node, views)
    a, b, c = (Operand(function.start_of_view(view), view.buffer.dtype) for view in found)
    size = packed_size(product)
    packed = function.start_of(memory.buffer(Area.SCRATCH, size, node.dtype)) if size else None
    if packed is not None and not product.outer:
        product, b = pack(function, product, b, packed)
        packed = None
    builder, (chunk, chunks) = function.builder, part

    def emit(first: ir.Value, height: int) -> None:
        some = replace(product, m=replace(product.m, extent=height))
        moved = (_moved(function, a, first, product.m.a), b, _moved(function, c, first, product.m.c))
        emit_product(function, some, moved, packed, False, vector_bytes)
        if follow is not None:
            follow(node, Share(first, integer(height)))

    blocks, left = divmod(product.m.extent, _ROWS)
    share = share_of(function, blocks, chunk, chunks)
    parts = max(1, blocks // chunks)

    def block(index: ir.Value) -> None:
        if meanwhile is not None:
            with builder.if_then(builder.icmp_signed("<", index, integer(parts))):
                meanwhile(index, parts)
        emit(builder.mul(builder.add(share.first, index), integer(_ROWS)), _ROWS)

    loop(function, share.count, block, "blocks")
    if left:
        with builder.if_then(builder.icmp_signed("==", chunk, integer(chunks - 1))):
            emit(integer(blocks * _ROWS), left)


def row_elements(node: Node, views: Mapping[Node, View]) -> int | None:
    """How many elements each row of a product has, if they and the rows lie one after another in memory; otherwise None."""
    product, _ = _oriented(node, views)
    is_in_order = not product.outer and product.m.c == product.n.extent and (product.n.c == 1 or product.n.extent == 1)
    return product.n.extent if is_in_order else None


def _oriented(node: Node, views: Mapping[Node, View]) -> tuple[Product, list[View]]:
    """The product, and A, B and C in its order."""
    left, right, result = (views[x] for x in (*node.operands, node))
    product, is_swapped = product_of(node, left, right, result)
    return product, [right, left, result] if is_swapped else [left, right, result]


def _moved(function: Function, operand: Operand, index: ir.Value, stride: int) -> Operand:
    offset = function.builder.mul(index, integer(stride))
    return replace(operand, start=function.at(operand.start, np.dtype(operand.dtype), offset))

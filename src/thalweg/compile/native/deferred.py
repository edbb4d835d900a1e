"""Products over all examples of a batch that are left for a sweep of their own.

Where threads share a mini-batch, each takes some of its examples, and has totals of its own. A total as large as a matrix of weights
is better computed once: when all that it multiplies is there, each thread takes some of its rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from llvmlite import ir

from ...graph import Graph, Node
from ...ops.contraction import dot
from ..examples import Examples
from .arrays import Function, integer
from .memory import Memory
from .products import Operand, emit_product, packed_size, product_of
from .tiles import Tiling
from .views import Area, View

__all__ = ["deferred_products", "emit_rows"]

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
) -> None:
    """Emits a chunk's rows of each product. views: of whole operands and results."""
    for node in products:
        operands, result = [views[operand] for operand in node.operands], views[node]
        product, is_swapped = product_of(node, operands[0], operands[1], result)
        if is_swapped:
            operands.reverse()
        a, b, c = (Operand(function.start_of_view(view), view.buffer.dtype) for view in (*operands, result))
        size = packed_size(product)
        packed = function.start_of(memory.buffer(Area.SCRATCH, size, node.dtype)) if size else None
        rows = product.m.extent
        share = -(-rows // (chunks * _ROWS)) * _ROWS
        for count, is_mine in _shares(function, rows, share, chunk):
            with function.builder.if_then(is_mine):
                first = function.builder.mul(chunk, integer(share))
                part = replace(product, m=replace(product.m, extent=count))
                moved = (
                    _moved(function, a, first, product.m.a),
                    b,
                    _moved(function, c, first, product.m.c),
                )
                emit_product(function, part, moved, packed, False, vector_bytes)


def _shares(function: Function, rows: int, share: int, chunk: ir.Value) -> list[tuple[int, ir.Value]]:
    """How many rows a chunk has, and whether this one is such a chunk."""
    full, left = divmod(rows, share)
    compare = function.builder.icmp_signed
    shares = [(share, compare("<", chunk, integer(full)))] if full else []
    return shares + ([(left, compare("==", chunk, integer(full)))] if left else [])


def _moved(function: Function, operand: Operand, index: ir.Value, stride: int) -> Operand:
    offset = function.builder.mul(index, integer(stride))
    return replace(operand, start=function.at(operand.start, np.dtype(operand.dtype), offset))

"""Products with vectors along the axis that is summed: C[m, n] (+)= Σ_k A[m, k] · B[n, k], of which only the last step adds up lanes.

What both operands have one after the other in memory needs no copy so: a gradient with respect to a layer's inputs multiplies with the rows
of its matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from llvmlite import ir

from .arrays import Function, integer, loop, value_type
from .formulas import across, constant
from .operands import added, fused, moved
from .product_axes import Product
from .registers import Sums

__all__ = ["emit_inner_products"]


def emit_inner_products(
    function: Function, product: Product, operands: Any, accumulates: bool, vector_bytes: int
) -> None:
    """Emits C = A B, or C += A B, in blocks of a few rows and columns."""
    a, b, c = operands
    if product.m.extent == 1 and product.n.extent > 1:
        product, a, b = product.swapped(), b, a
    m, n = product.m, product.n
    most = 4 if vector_bytes == 64 or n.extent == 1 else 2
    rows, columns = min(4, m.extent), min(most, n.extent)

    def along(extent: int, step: int, then: Callable[[ir.Value | int, int], None], name: str) -> None:
        def whole(index: ir.Value) -> None:
            then(function.builder.mul(index, integer(step)) if step > 1 else index, step)

        loop(function, extent // step, whole, name)
        if extent % step:
            then(extent - extent % step, extent % step)

    def block(i: ir.Value | int, j: ir.Value | int, height: int, width: int) -> None:
        at_a, at_b = moved(function, a.start, a.dtype, i, m.a), moved(function, b.start, b.dtype, j, n.b)
        at_c = moved(function, moved(function, c.start, c.dtype, i, m.c), c.dtype, j, n.c)
        _emit_block(function, product, c.dtype, (at_a, at_b, at_c), (height, width), accumulates, vector_bytes)

    # The larger operand is read once, the smaller one stays near.
    if n.extent > m.extent:
        along(
            n.extent,
            columns,
            lambda j, width: along(m.extent, rows, lambda i, height: block(i, j, height, width), "rows"),
            "columns",
        )
    else:
        along(
            m.extent,
            rows,
            lambda i, height: along(n.extent, columns, lambda j, width: block(i, j, height, width), "columns"),
            "rows",
        )


_MOST_UNROLLED = 32
"""Multiplications of a block that are written out one after the other."""


def _emit_block(
    function: Function,
    product: Product,
    dtype: np.dtype[Any],
    starts: tuple[ir.Value, ir.Value, ir.Value],
    shape: tuple[int, int],
    accumulates: bool,
    vector_bytes: int,
) -> None:
    """Some rows and columns of C. starts: where A, B and C begin for these."""
    m, n, k = product.m, product.n, product.k
    builder, (height, width) = function.builder, shape
    lanes = vector_bytes // dtype.itemsize
    while lanes > k.extent:
        lanes //= 2
    count, rest = divmod(k.extent, lanes)
    # Several independent sums where there are few, so that additions do not wait for each other.
    chains = min(4 if height * width == 1 else 2 if height * width <= 4 else 1, max(count, 1))
    kind = value_type(dtype, lanes)
    sums = Sums(function, [kind] * width, height, chains)

    def add(index: ir.Value | int, chain: int, size: int) -> None:
        at_a, at_b = (moved(function, starts[x], dtype, index, stride) for x, stride in ((0, k.a), (1, k.b)))
        columns = [_read(function, moved(function, at_b, dtype, j, n.b), dtype, k.b, size, lanes) for j in range(width)]
        for i in range(height):
            left = _read(function, moved(function, at_a, dtype, i, m.a), dtype, k.a, size, lanes)
            for j, right in enumerate(columns):
                sums.replace(chain, i, j, partial(fused, function, left, right))

    if count * height * width <= _MOST_UNROLLED:
        for index in range(count):
            add(index * lanes, index % chains, lanes)
    else:

        def body(index: ir.Value) -> None:
            first = builder.mul(index, integer(chains * lanes))
            for chain in range(chains):
                add(builder.add(first, integer(chain * lanes)) if chain else first, chain, lanes)

        loop(function, count // chains, body, "inner")
        for index in range(count - count % chains, count):
            add(index * lanes, 0, lanes)
    if rest:
        add(count * lanes, 0, rest)
    for i in range(height):
        for j in range(width):
            result = across(builder, "sum", sums.total(i, j))
            at_c = moved(function, moved(function, starts[2], dtype, i, m.c), dtype, j, n.c)
            if accumulates:
                result = added(function, function.read(at_c, dtype, 1, 1), result)
            function.write(result, at_c, dtype, 1, 1)


def _read(function: Function, start: ir.Value, dtype: np.dtype[Any], stride: int, size: int, lanes: int) -> ir.Value:
    """So many numbers as a vector of lanes; beyond their end it holds zeros."""
    builder, value = function.builder, function.read(start, dtype, stride, size)
    if size == lanes:
        return value
    if size == 1:
        return builder.insert_element(constant(value_type(dtype, lanes), 0), value, ir.Constant(ir.IntType(32), 0))
    mask = [min(lane, size) for lane in range(lanes)]
    zeros, indices = constant(value.type, 0), ir.VectorType(ir.IntType(32), lanes)
    return builder.shuffle_vector(value, zeros, ir.Constant(indices, mask))

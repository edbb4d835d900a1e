"""Products with vectors along the axis that is summed: C[m, n] (+)= Σ_k A[m, k] · B[n, k], of which only the last step adds up lanes.

What both operands have one after the other in memory needs no copy so: a gradient with respect to a layer's inputs multiplies with the rows
of its matrix.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from .arrays import Function, integer, loop, value_type
from .formulas import across, constant
from .operands import added, fused, moved
from .product_axes import Product

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

    def block_row(start_a: ir.Value, start_c: ir.Value, height: int) -> None:
        def block(j: ir.Value | int, width: int) -> None:
            at = moved(function, b.start, b.dtype, j, n.b), moved(function, start_c, c.dtype, j, n.c)
            _emit_block(function, product, c.dtype, (start_a, *at), (height, width), accumulates, vector_bytes)

        loop(
            function,
            n.extent // columns,
            lambda j: block(function.builder.mul(j, integer(columns)) if columns > 1 else j, columns),
            "columns",
        )
        if n.extent % columns:
            block(n.extent - n.extent % columns, n.extent % columns)

    def body(i: ir.Value) -> None:
        at = moved(function, a.start, a.dtype, i, rows * m.a), moved(function, c.start, c.dtype, i, rows * m.c)
        block_row(*at, rows)

    loop(function, m.extent // rows, body, "rows")
    left = m.extent % rows
    if left:
        done = m.extent - left
        block_row(moved(function, a.start, a.dtype, done, m.a), moved(function, c.start, c.dtype, done, m.c), left)


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
    sums = [[[function.allocate(kind) for _ in range(width)] for _ in range(height)] for _ in range(chains)]
    for chain_sums in sums:
        for row in chain_sums:
            for pointer in row:
                builder.store(constant(kind, 0), pointer)

    def add(index: ir.Value | int, chain: int, size: int) -> None:
        at_a, at_b = (moved(function, starts[x], dtype, index, stride) for x, stride in ((0, k.a), (1, k.b)))
        columns = [read(moved(function, at_b, dtype, j, n.b), k.b, size) for j in range(width)]
        for i in range(height):
            left = read(moved(function, at_a, dtype, i, m.a), k.a, size)
            for j, right in enumerate(columns):
                pointer = sums[chain][i][j]
                builder.store(fused(function, left, right, builder.load(pointer, typ=kind)), pointer)

    def read(start: ir.Value, stride: int, size: int) -> ir.Value:
        value = function.read(start, dtype, stride, size)
        if size == lanes:
            return value
        if size == 1:
            return builder.insert_element(constant(kind, 0), value, ir.Constant(ir.IntType(32), 0))
        mask = [min(lane, size) for lane in range(lanes)]  # beyond the end: a zero
        zeros, indices = constant(value.type, 0), ir.VectorType(ir.IntType(32), lanes)
        return builder.shuffle_vector(value, zeros, ir.Constant(indices, mask))

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
            total = builder.load(sums[0][i][j], typ=kind)
            for chain in range(1, chains):
                total = added(function, total, builder.load(sums[chain][i][j], typ=kind))
            result = across(builder, "sum", total)
            at_c = moved(function, moved(function, starts[2], dtype, i, m.c), dtype, j, n.c)
            if accumulates:
                result = added(function, function.read(at_c, dtype, 1, 1), result)
            function.write(result, at_c, dtype, 1, 1)

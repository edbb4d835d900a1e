"""Copies of the second matrix of a product, row after row: of all of it, or of a panel of its columns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from llvmlite import ir

from .arrays import Function, integer, loop
from .operands import Operand, moved
from .product_axes import Product, needs_copy, runs_along_k
from .registers import BLOCK_ROWS, registers_of, vectors_per_block

__all__ = ["pack", "panel_columns", "panel_size"]

_ALIAS = 4096
"""Rows that lie a multiple of so many bytes apart share the same few places in every cache."""

_FEWEST_ROWS = 6 * BLOCK_ROWS
"""Of fewer rows of C, each row of B is used too seldom for a copy to pay."""


def panel_columns(product: Product, dtype: np.dtype[Any], vector_bytes: int) -> int:
    """How many columns of B make a panel: as many as a block of C has."""
    lanes = vector_bytes // dtype.itemsize
    return lanes * vectors_per_block(-(-product.n.extent // lanes), product.m.extent, registers_of(vector_bytes))


def panel_size(product: Product, dtype: np.dtype[Any], vector_bytes: int) -> int:
    """How many elements have to be set aside for the copy of a panel; 0 if B is read in place."""
    is_copied = needs_copy(product) or (_shares_places(product, dtype) and not runs_along_k(product))
    return product.k.extent * panel_columns(product, dtype, vector_bytes) if is_copied and vector_bytes > 1 else 0


def _shares_places(product: Product, dtype: np.dtype[Any]) -> bool:
    """Whether rows of B drive each other out of the cache before they are used again."""
    m, n, k = product.m, product.n, product.k
    is_aliased = n.b == 1 and n.extent > 1 and k.extent >= _MANY and k.b * dtype.itemsize % _ALIAS == 0
    return is_aliased and m.extent >= _FEWEST_ROWS


_MANY = 64


def pack(
    function: Function, product: Product, b: Operand, packed: ir.Value, vector_bytes: int
) -> tuple[Product, Operand]:
    """Emits a copy of B that is contiguous along n; returns the product that reads it, and the copy."""
    n, k = product.n, product.k
    lanes = max(1, vector_bytes // b.dtype.itemsize)
    # Where B is contiguous along k, squares of it are transposed in registers.
    side = lanes if k.b == 1 and n.b != 1 and lanes <= min(n.extent, k.extent) else 1
    wide_n, wide_k = n.extent - n.extent % side, k.extent - k.extent % side

    def at(i: ir.Value | int, j: ir.Value | int) -> tuple[ir.Value, ir.Value]:
        """Where the element of row i and column j is read and written."""
        source = moved(function, moved(function, b.start, b.dtype, i, k.b), b.dtype, j, n.b)
        return source, moved(function, moved(function, packed, b.dtype, i, n.extent), b.dtype, j, 1)

    def square(i: ir.Value, j: ir.Value) -> None:
        source, target = at(function.builder.mul(i, integer(side)), function.builder.mul(j, integer(side)))
        columns = [function.read(moved(function, source, b.dtype, j, n.b), b.dtype, 1, side) for j in range(side)]
        for i, row in enumerate(_transposed(function, columns)):
            function.write(row, moved(function, target, b.dtype, i, n.extent), b.dtype, 1, side)

    def rows(first: int, end: int, begin: int, stop: int) -> None:
        """Rows from `first` on, columns from `begin` on, element after element."""
        width = lanes if n.b == 1 else 1
        count, rest = divmod(stop - begin, width)

        def some(i: ir.Value, j: ir.Value | int, size: int) -> None:
            source, target = at(i, j)
            function.write(function.read(source, b.dtype, n.b, size), target, b.dtype, 1, size)

        def row(index: ir.Value) -> None:
            i = function.builder.add(index, integer(first))

            def part(number: ir.Value) -> None:
                j = function.builder.add(function.builder.mul(number, integer(width)), integer(begin))
                some(i, j, width)

            loop(function, count, part, "pack")
            for j in range(stop - rest, stop):
                some(i, j, 1)

        loop(function, end - first, row, "pack")

    if side > 1:
        loop(function, wide_k // side, lambda i: loop(function, wide_n // side, lambda j: square(i, j), "pack"), "pack")
        rows(0, wide_k, wide_n, n.extent)
        rows(wide_k, k.extent, 0, n.extent)
    else:
        rows(0, k.extent, 0, n.extent)
    return replace(product, n=replace(n, b=1), k=replace(k, b=n.extent)), Operand(packed, b.dtype)


def _transposed(function: Function, vectors: list[ir.Value]) -> list[ir.Value]:
    """The columns of a square, given its rows: in each round halves of ever larger parts change places."""
    builder, lanes = function.builder, len(vectors)
    indices = ir.VectorType(ir.IntType(32), lanes)
    distance = 1
    while distance < lanes:
        low = [lane if not lane & distance else lanes + lane - distance for lane in range(lanes)]
        high = [lane + distance if not lane & distance else lanes + lane for lane in range(lanes)]
        for i in range(lanes):
            if not i & distance:
                a, b = vectors[i], vectors[i + distance]
                vectors[i] = builder.shuffle_vector(a, b, ir.Constant(indices, low))
                vectors[i + distance] = builder.shuffle_vector(a, b, ir.Constant(indices, high))
        distance *= 2
    return vectors

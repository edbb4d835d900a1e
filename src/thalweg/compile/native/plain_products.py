"""Emitting products of matrices number by number."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from .arrays import Function, loop, value_type
from .formulas import constant
from .operands import fused, moved
from .product_axes import Product

__all__ = ["emit_number_by_number"]


def emit_number_by_number(
    function: Function, product: Product, operands: Any, accumulates: bool, steps: ir.Value | None
) -> None:
    """Emits C = A B, or C += A B: in little code, for products that take no time. operands, steps: as `emit_product` has them."""
    a, b, c = operands
    builder, dtype = function.builder, c.dtype
    total = function.allocate(value_type(dtype, 1))

    def one(i: ir.Value, j: ir.Value) -> None:
        at_a, at_b = (
            moved(function, a.start, dtype, i, product.m.a),
            moved(function, b.start, dtype, j, product.n.b),
        )
        at_c = moved(function, moved(function, c.start, dtype, i, product.m.c), dtype, j, product.n.c)
        builder.store(function.read(at_c, dtype, 1, 1) if accumulates else constant(value_type(dtype, 1), 0), total)

        def add(index: ir.Value) -> None:
            x = function.read(moved(function, at_a, dtype, index, product.k.a), dtype, 1, 1)
            y = function.read(moved(function, at_b, dtype, index, product.k.b), dtype, 1, 1)
            builder.store(fused(function, x, y, builder.load(total, typ=value_type(dtype, 1))), total)

        loop(function, product.k.extent if steps is None else steps, add, "inner")
        function.write(builder.load(total, typ=value_type(dtype, 1)), at_c, dtype, 1, 1)

    loop(function, product.m.extent, lambda i: loop(function, product.n.extent, lambda j: one(i, j), "columns"), "rows")

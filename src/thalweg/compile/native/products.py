"""Emitting `dot`: matrix products as register-blocked loops.

Every product is reduced to C[m, n] (+)= Σ_k A[m, k] · B[k, n] with strides, inside of loops over whatever axes are left.
C is computed in blocks that stay in registers while k runs; n is the axis along which vectors lie. Where B is not contiguous along n,
or its rows lie so that they drive each other out of the cache, it is copied panel by panel; or the vectors lie along k (see
`inner_products`).

Source for the register blocking: K. Goto and R. van de Geijn, *Anatomy of high-performance matrix multiplication*,
ACM TOMS 34 (2008).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from llvmlite import ir

from .arrays import Function, integer, loop, value_type
from .formulas import constant
from .inner_products import emit_inner_products
from .operands import Operand, added, fused, moved
from .packing import pack, panel_columns
from .plain_products import emit_number_by_number
from .product_axes import Axis, Product, runs_along_k
from .registers import BLOCK_ROWS, Sums, registers_of, vectors_per_block

__all__ = ["emit_product"]


def emit_product(
    function: Function,
    product: Product,
    operands: tuple[Operand, Operand, Operand],
    packed: ir.Value | None,
    accumulates: bool,
    vector_bytes: int,
    steps: ir.Value | None = None,
) -> None:
    """Emits C = A B, or C += A B. operands: A, B and C, in the order that the product has them.

    vector_bytes: 1 for code that is short, and computes number by number. steps: how far k runs, where that is known only when the
    code runs; then n has several elements that lie one after the other.
    """
    a, b, c = operands
    reduces_outside = any(axis.c == 0 for axis in product.outer)
    if reduces_outside and not accumulates:
        _clear(function, product, c)

    def nest(axes: tuple[Axis, ...], starts: tuple[ir.Value, ir.Value, ir.Value]) -> None:
        if not axes:
            parts = tuple(replace(o, start=s) for o, s in zip(operands, starts, strict=True))
            _emit_block(function, product, parts, packed, accumulates or reduces_outside, vector_bytes, steps)
            return

        def body(index: ir.Value) -> None:
            there = tuple(
                moved(function, start, operand.dtype, index, stride)
                for start, operand, stride in zip(starts, operands, (axes[0].a, axes[0].b, axes[0].c), strict=True)
            )
            nest(axes[1:], there)  # type: ignore[arg-type]  # three of them

        loop(function, axes[0].extent, body, "product")

    nest(product.outer, (a.start, b.start, c.start))


def _clear(function: Function, product: Product, c: Operand) -> None:
    kept = tuple(axis for axis in (*product.outer, product.m, product.n) if axis.c and axis.extent > 1)
    zero = constant(value_type(c.dtype, 1), 0)

    def nest(axes: tuple[Axis, ...], start: ir.Value) -> None:
        if not axes:
            function.write(zero, start, c.dtype, 1, 1)
            return
        loop(
            function,
            axes[0].extent,
            lambda i: nest(axes[1:], moved(function, start, c.dtype, i, axes[0].c)),
            "clear",
        )

    nest(kept, c.start)


def _emit_block(
    function: Function,
    product: Product,
    operands: Any,
    packed: ir.Value | None,
    accumulates: bool,
    vector_bytes: int,
    steps: ir.Value | None,
) -> None:
    """One product of two matrices."""
    m, n, k = product.m, product.n, product.k
    if vector_bytes == 1:
        emit_number_by_number(function, product, operands, accumulates, steps)
        return
    if n.extent == 1 or (m.extent == 1 and n.b != 1) or runs_along_k(product):
        emit_inner_products(function, product, operands, accumulates, vector_bytes)
        return
    inner = Product(m, n, k, ())
    if packed is not None:
        _emit_panels(function, inner, operands, packed, accumulates, vector_bytes)
        return
    _emit_matrix(function, inner, operands, accumulates, vector_bytes, steps)


def _emit_panels(
    function: Function,
    product: Product,
    operands: tuple[Operand, Operand, Operand],
    packed: ir.Value,
    accumulates: bool,
    vector_bytes: int,
) -> None:
    """C in panels of columns, for each of which its part of B is copied, so that it lies together and stays in cache."""
    a, b, c = operands
    n = product.n
    columns = panel_columns(product, c.dtype, vector_bytes)

    def panel(first: ir.Value | int, extent: int) -> None:
        of_panel = replace(product, n=replace(n, extent=extent))
        at_b, at_c = (x.moved(function, first, stride) for x, stride in ((b, n.b), (c, n.c)))
        copied, copy = pack(function, of_panel, at_b, packed, vector_bytes)
        _emit_matrix(function, copied, (a, copy, at_c), accumulates, vector_bytes, None)

    count, rest = divmod(n.extent, columns)
    loop(function, count, lambda j: panel(function.builder.mul(j, integer(columns)), columns), "panels")
    if rest:
        panel(n.extent - rest, rest)


def _emit_matrix(
    function: Function,
    product: Product,
    operands: tuple[Operand, Operand, Operand],
    accumulates: bool,
    vector_bytes: int,
    steps: ir.Value | None,
) -> None:
    """C in blocks of rows × vectors of columns."""
    a, b, c = operands
    m, n = product.m, product.n
    registers = registers_of(vector_bytes)
    width = vector_bytes // a.dtype.itemsize
    vectors = [(start, min(width, n.extent - start)) for start in range(0, n.extent, width)]
    per_block = vectors_per_block(len(vectors), m.extent, registers)
    rows = max(1, min(BLOCK_ROWS, registers // per_block, m.extent))
    full = n.extent // (width * per_block)

    def block_row(start_a: ir.Value, start_c: ir.Value, height: int) -> None:
        def block_column(j: ir.Value) -> None:
            at_b = moved(function, b.start, b.dtype, j, width * per_block)
            at_c = moved(function, start_c, c.dtype, j, width * per_block * n.c)
            block = [(v * width, width) for v in range(per_block)]
            _emit_registers(function, product, (a, start_a), (b, at_b), (c, at_c), height, block, accumulates, steps)

        loop(function, full, block_column, "columns")
        done = full * width * per_block
        rest = [(start, size) for start, size in vectors if start >= done]
        for first in range(0, len(rest), per_block):
            block = rest[first : first + per_block]
            _emit_registers(
                function, product, (a, start_a), (b, b.start), (c, start_c), height, block, accumulates, steps
            )

    def body(i: ir.Value) -> None:
        block_row(
            moved(function, a.start, a.dtype, i, rows * m.a),
            moved(function, c.start, c.dtype, i, rows * m.c),
            rows,
        )

    loop(function, m.extent // rows, body, "rows")
    left = m.extent % rows
    if left:
        done = m.extent - left
        block_row(
            moved(function, a.start, a.dtype, done, m.a),
            moved(function, c.start, c.dtype, done, m.c),
            left,
        )


def _emit_registers(
    function: Function,
    product: Product,
    a: tuple[Operand, ir.Value],
    b: tuple[Operand, ir.Value],
    c: tuple[Operand, ir.Value],
    height: int,
    block: list[tuple[int, int]],
    accumulates: bool,
    steps: ir.Value | None,
) -> None:
    """A block of C in registers, while k runs."""
    builder = function.builder
    m, n, k = product.m, product.n, product.k
    dtype = c[0].dtype
    # k runs in several independent sums where few registers are in use, so that additions do not wait for each other.
    chains = (
        1 if steps is not None or height * len(block) >= 6 or k.extent < 16 else 4 if height * len(block) <= 2 else 2
    )
    sums = Sums(function, [value_type(dtype, width) for _, width in block], height, chains)

    def step(index: ir.Value | int, chain: int) -> None:
        at_b = moved(function, b[1], dtype, index, k.b)
        at_a = moved(function, a[1], dtype, index, k.a)
        columns = [function.read(moved(function, at_b, dtype, start, 1), dtype, 1, width) for start, width in block]
        for i in range(height):
            left = function.read(moved(function, at_a, dtype, i, m.a), dtype, 1, 1)
            for j, (column, (_, width)) in enumerate(zip(columns, block, strict=True)):
                sums.replace(chain, i, j, partial(_with_product, function, left, column, width))

    def turn(index: ir.Value) -> None:
        first = builder.mul(index, integer(chains)) if chains > 1 else index
        for chain in range(chains):
            step(builder.add(first, integer(chain)) if chain else first, chain)

    loop(function, k.extent // chains if steps is None else steps, turn, "inner")
    for index in range(k.extent - k.extent % chains, k.extent):
        step(index, 0)
    for i in range(height):
        for j, (start, width) in enumerate(block):
            total = sums.total(i, j)
            at_c = moved(function, moved(function, c[1], dtype, i, m.c), dtype, start, n.c)
            if accumulates:
                total = added(function, function.read(at_c, dtype, n.c, width), total)
            function.write(total, at_c, dtype, n.c, width)


def _with_product(function: Function, left: ir.Value, column: ir.Value, width: int, old: ir.Value) -> ir.Value:
    """A vector of sums and the products of one number with a vector of columns."""
    return fused(function, function.splat(left, width), column, old)

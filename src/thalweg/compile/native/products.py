"""Emitting `dot`: matrix products as register-blocked loops.

Every product is reduced to C[m, n] (+)= Σ_k A[m, k] · B[k, n] with strides, inside of loops over whatever axes are left.
C is computed in blocks that stay in registers while k runs; n is the axis along which vectors lie. Where B (and C) are
not contiguous along n, B is copied first, or the vectors lie along k and are added up at the end.

Source for the register blocking: K. Goto and R. van de Geijn, *Anatomy of high-performance matrix multiplication*,
ACM TOMS 34 (2008).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from llvmlite import ir

from .arrays import Function, integer, loop, pieces, value_type
from .formulas import FAST, across, constant
from .product_axes import Axis, Product

__all__ = ["Operand", "emit_product", "pack"]


@dataclass(frozen=True)
class Operand:
    """Where an operand begins, and what it is made of."""

    start: ir.Value
    dtype: np.dtype[Any]


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
            moved = tuple(
                _moved(function, start, operand.dtype, index, stride)
                for start, operand, stride in zip(starts, operands, (axes[0].a, axes[0].b, axes[0].c), strict=True)
            )
            nest(axes[1:], moved)  # type: ignore[arg-type]  # three of them

        loop(function, axes[0].extent, body, "product")

    nest(product.outer, (a.start, b.start, c.start))


def _moved(function: Function, start: ir.Value, dtype: np.dtype[Any], index: ir.Value | int, stride: int) -> ir.Value:
    """The address `index` strides further on."""
    if stride == 0 or (isinstance(index, int) and index == 0):
        return start
    if isinstance(index, int):
        return function.at(start, dtype, index * stride)
    offset = index if stride == 1 else function.builder.mul(index, integer(stride), flags=("nsw",))
    return function.at(start, dtype, offset)


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
            lambda i: nest(axes[1:], _moved(function, start, c.dtype, i, axes[0].c)),
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
    a, b, c = operands
    m, n, k = product.m, product.n, product.k
    if vector_bytes == 1:
        _emit_numbers(function, product, operands, accumulates, steps)
        return
    if n.extent == 1 or (m.extent == 1 and n.b != 1):
        _emit_rows(function, product, operands, accumulates, vector_bytes)
        return
    inner = Product(m, n, k, ())
    if packed is not None:
        inner, b = pack(function, inner, b, packed)
    _emit_matrix(function, inner, (a, b, c), accumulates, vector_bytes, steps)


def _emit_numbers(
    function: Function, product: Product, operands: Any, accumulates: bool, steps: ir.Value | None
) -> None:
    """Number by number."""
    a, b, c = operands
    builder, dtype = function.builder, c.dtype
    sum_ = function.allocate(value_type(dtype, 1))

    def one(i: ir.Value, j: ir.Value) -> None:
        at_a, at_b = (
            _moved(function, a.start, dtype, i, product.m.a),
            _moved(function, b.start, dtype, j, product.n.b),
        )
        at_c = _moved(function, _moved(function, c.start, dtype, i, product.m.c), dtype, j, product.n.c)
        builder.store(function.read(at_c, dtype, 1, 1) if accumulates else constant(value_type(dtype, 1), 0), sum_)

        def add(index: ir.Value) -> None:
            x = function.read(_moved(function, at_a, dtype, index, product.k.a), dtype, 1, 1)
            y = function.read(_moved(function, at_b, dtype, index, product.k.b), dtype, 1, 1)
            builder.store(_fma(function, x, y, builder.load(sum_, typ=value_type(dtype, 1))), sum_)

        loop(function, product.k.extent if steps is None else steps, add, "inner")
        function.write(builder.load(sum_, typ=value_type(dtype, 1)), at_c, dtype, 1, 1)

    loop(function, product.m.extent, lambda i: loop(function, product.n.extent, lambda j: one(i, j), "columns"), "rows")


def pack(function: Function, product: Product, b: Operand, packed: ir.Value) -> tuple[Product, Operand]:
    """Emits a copy of B that is contiguous along n; returns the product that reads it, and the copy."""
    n, k = product.n, product.k

    def row(i: ir.Value) -> None:
        source = _moved(function, b.start, b.dtype, i, k.b)
        target = _moved(function, packed, b.dtype, i, n.extent)

        def element(j: ir.Value) -> None:
            value = function.read(_moved(function, source, b.dtype, j, n.b), b.dtype, 1, 1)
            function.write(value, _moved(function, target, b.dtype, j, 1), b.dtype, 1, 1)

        loop(function, n.extent, element, "pack")

    loop(function, k.extent, row, "pack")
    return replace(product, n=replace(n, b=1), k=replace(k, b=n.extent)), Operand(packed, b.dtype)


def _fma(function: Function, x: ir.Value, y: ir.Value, z: ir.Value) -> ir.Value:
    b = function.builder
    if isinstance(_scalar(x.type), ir.IntType):
        return b.add(b.mul(x, y), z)
    return b.fadd(b.fmul(x, y, flags=FAST), z, flags=FAST)


def _scalar(kind: ir.Type) -> ir.Type:
    return kind.element if isinstance(kind, ir.VectorType) else kind


_REGISTERS = 24
"""How many vectors of C are kept at once, of the 32 that AVX-512 has."""


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
    registers = _REGISTERS if vector_bytes == 64 else 12
    width = vector_bytes // a.dtype.itemsize
    vectors = [(start, min(width, n.extent - start)) for start in range(0, n.extent, width)]
    per_block = _vectors_per_block(len(vectors), m.extent, registers)
    rows = max(1, min(8, registers // per_block, m.extent))
    full = n.extent // (width * per_block)

    def block_row(start_a: ir.Value, start_c: ir.Value, height: int) -> None:
        def block_column(j: ir.Value) -> None:
            at_b = _moved(function, b.start, b.dtype, j, width * per_block)
            at_c = _moved(function, start_c, c.dtype, j, width * per_block * n.c)
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
            _moved(function, a.start, a.dtype, i, rows * m.a),
            _moved(function, c.start, c.dtype, i, rows * m.c),
            rows,
        )

    loop(function, m.extent // rows, body, "rows")
    left = m.extent % rows
    if left:
        done = m.extent - left
        block_row(
            _moved(function, a.start, a.dtype, done, m.a),
            _moved(function, c.start, c.dtype, done, m.c),
            left,
        )


def _vectors_per_block(vectors: int, rows: int, registers: int) -> int:
    if rows == 1:
        return max(1, min(vectors, registers // 2, 12))
    if rows < 4:
        return max(1, min(vectors, registers // rows))
    return min(vectors, 3 if registers >= 24 and vectors % 3 == 0 else 2)


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
    sums = [
        [[function.allocate(value_type(dtype, width)) for _, width in block] for _ in range(height)]
        for _ in range(chains)
    ]
    for chain_sums in sums:
        for row in chain_sums:
            for pointer, (_, width) in zip(row, block, strict=True):
                builder.store(constant(value_type(dtype, width), 0), pointer)

    def step(index: ir.Value | int, chain: int) -> None:
        at_b = _moved(function, b[1], dtype, index, k.b)
        at_a = _moved(function, a[1], dtype, index, k.a)
        columns = [function.read(_moved(function, at_b, dtype, start, 1), dtype, 1, width) for start, width in block]
        for i in range(height):
            left = function.read(_moved(function, at_a, dtype, i, m.a), dtype, 1, 1)
            for j, (_, width) in enumerate(block):
                pointer = sums[chain][i][j]
                old = builder.load(pointer, typ=value_type(dtype, width))
                builder.store(_fma(function, function.splat(left, width), columns[j], old), pointer)

    def turn(index: ir.Value) -> None:
        first = builder.mul(index, integer(chains)) if chains > 1 else index
        for chain in range(chains):
            step(builder.add(first, integer(chain)) if chain else first, chain)

    loop(function, k.extent // chains if steps is None else steps, turn, "inner")
    for index in range(k.extent - k.extent % chains, k.extent):
        step(index, 0)
    for i in range(height):
        for j, (start, width) in enumerate(block):
            total = builder.load(sums[0][i][j], typ=value_type(dtype, width))
            for chain in range(1, chains):
                other = builder.load(sums[chain][i][j], typ=value_type(dtype, width))
                total = _added(function, total, other)
            at_c = _moved(function, _moved(function, c[1], dtype, i, m.c), dtype, start, n.c)
            if accumulates:
                total = _added(function, function.read(at_c, dtype, n.c, width), total)
            function.write(total, at_c, dtype, n.c, width)


def _added(function: Function, x: ir.Value, y: ir.Value) -> ir.Value:
    b = function.builder
    return b.add(x, y) if isinstance(_scalar(x.type), ir.IntType) else b.fadd(x, y, flags=FAST)


def _emit_rows(function: Function, product: Product, operands: Any, accumulates: bool, vector_bytes: int) -> None:
    """C[m] = Σ_k A[m, k] b[k], with vectors along k, a few rows at a time."""
    a, b, c = operands
    m, k = product.m, product.k
    if product.m.extent == 1 and product.n.extent > 1:
        swapped = product.swapped()
        m, k, a, b = swapped.m, swapped.k, b, a
    builder, dtype = function.builder, c.dtype
    width = vector_bytes // dtype.itemsize
    while width > k.extent:
        width //= 2
    rows = min(4, m.extent)

    def emit(start_a: ir.Value, start_c: ir.Value, height: int) -> None:
        count = k.extent // width
        chains = min(4 if height == 1 else 2, max(count, 1))
        rest = list(pieces(k.extent, width))
        sums = [[function.allocate(value_type(dtype, width)) for _ in range(height)] for _ in range(chains)]
        zero = constant(value_type(dtype, width), 0)
        for chain_sums in sums:
            for pointer in chain_sums:
                builder.store(zero, pointer)

        def products(index: ir.Value | int, size: int) -> list[tuple[ir.Value, ir.Value]]:
            right = function.read(_moved(function, b.start, dtype, index, k.b), dtype, k.b, size)
            at = _moved(function, start_a, dtype, index, k.a)
            return [
                (function.read(_moved(function, at, dtype, i, m.a), dtype, k.a, size), right) for i in range(height)
            ]

        def add(index: ir.Value | int, chain: int) -> None:
            for pointer, (x, y) in zip(sums[chain], products(index, width), strict=True):
                old = builder.load(pointer, typ=value_type(dtype, width))
                builder.store(_fma(function, x, y, old), pointer)

        if count <= 8:
            for index in range(count):
                add(index * width, index % chains)
        else:

            def body(index: ir.Value) -> None:
                first = builder.mul(index, integer(chains * width))
                for chain in range(chains):
                    add(builder.add(first, integer(chain * width)) if chain else first, chain)

            loop(function, count // chains, body, "inner")
            for index in range(count - count % chains, count):
                add(index * width, 0)
        tails = [products(start, size) for start, size in rest]
        for i in range(height):
            total = builder.load(sums[0][i], typ=value_type(dtype, width))
            for chain in range(1, chains):
                total = _added(function, total, builder.load(sums[chain][i], typ=value_type(dtype, width)))
            result = across(builder, "sum", total)
            for tail in tails:
                x, y = tail[i]
                partial = builder.mul(x, y) if dtype.kind == "i" else builder.fmul(x, y, flags=FAST)
                result = _added(function, result, across(builder, "sum", partial))
            at_c = _moved(function, start_c, dtype, i, m.c)
            if accumulates:
                result = _added(function, function.read(at_c, dtype, 1, 1), result)
            function.write(result, at_c, dtype, 1, 1)

    def body(i: ir.Value) -> None:
        emit(_moved(function, a.start, dtype, i, rows * m.a), _moved(function, c.start, dtype, i, rows * m.c), rows)

    loop(function, m.extent // rows, body, "rows")
    left = m.extent % rows
    if left:
        done = m.extent - left
        emit(_moved(function, a.start, dtype, done, m.a), _moved(function, c.start, dtype, done, m.c), left)

"""Emitting what is done with whole arrays: one is copied, filled, or combined with others of its shape."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from llvmlite import ir

from .accesses import access_of, coalesce, with_best_innermost
from .arrays import Function, integer, loop, pieces, times, value_type
from .formulas import combine, constant
from .views import View

__all__ = ["emit_combine", "emit_copy", "emit_fill"]


def emit_copy(
    function: Function,
    source: View,
    target: View,
    vector_bytes: int,
    merge: Callable[[ir.Value, ir.Value], ir.Value] | None = None,
) -> None:
    """Copies one strided array to another of the same shape.

    merge: what becomes of the old and the new value; by default the new one takes the old one's place.
    """
    dtype = target.buffer.dtype
    space = tuple(extent for extent in target.shape if extent != 1)
    accesses = [access_of(source, space), access_of(target, space)]
    extents = coalesce(with_best_innermost(list(space), accesses), accesses)
    width = max(1, vector_bytes // dtype.itemsize)
    while width > extents[-1]:
        width //= 2
    strides = [access.strides for access in accesses]

    def part(starts: list[ir.Value], index: ir.Value, size: int) -> None:
        at = [
            function.at(start, dtype, times(function.builder, index, stride[-1]))
            for start, stride in zip(starts, strides, strict=True)
        ]
        value = function.read(at[0], dtype, strides[0][-1], size)
        if merge is not None:
            value = merge(function.read(at[1], dtype, strides[1][-1], size), value)
        function.write(value, at[1], dtype, strides[1][-1], size)

    def nest(depth: int, starts: list[ir.Value]) -> None:
        if depth < len(extents) - 1:
            loop(
                function,
                extents[depth],
                lambda index: nest(
                    depth + 1,
                    [
                        function.at(start, dtype, times(function.builder, index, stride[depth]))
                        for start, stride in zip(starts, strides, strict=True)
                    ],
                ),
                "copy",
            )
            return
        loop(
            function,
            extents[-1] // width,
            lambda index: part(starts, times(function.builder, index, width), width),
            "copy",
        )
        for start, size in pieces(extents[-1], width):
            part(starts, integer(start), size)

    nest(0, [function.start_of_view(view) for view in (source, target)])


def emit_fill(function: Function, view: View, value: Any) -> None:
    """Writes one value into every element of a contiguous view."""
    size = math.prod(view.shape)
    start = function.start_of_view(view)
    dtype = view.buffer.dtype
    width = min(16, 1 << (max(size, 1).bit_length() - 1))
    filled = constant(value_type(dtype, width), value)

    def body(index: ir.Value) -> None:
        at = times(function.builder, index, width)
        function.write(filled, function.at(start, dtype, at), dtype, 1, width)

    loop(function, size // width, body)
    for position, narrow in pieces(size, width):
        part = constant(value_type(dtype, narrow), value)
        function.write(part, function.at(start, dtype, position), dtype, 1, narrow)


def emit_combine(
    function: Function, reduction: str, first: View, result: View, step_bytes: int, count: int, vector_bytes: int
) -> None:
    """Combines `count` arrays that lie `step_bytes` apart, in their order. first, result: contiguous."""
    builder, dtype = function.builder, first.buffer.dtype
    size = math.prod(first.shape)
    start, end = function.start_of_view(first), function.start_of_view(result)
    width = max(1, vector_bytes // dtype.itemsize)
    while width > size:
        width //= 2

    def part(at: ir.Value, narrow: int) -> None:
        pointer = function.at(start, dtype, at)
        total = function.allocate(value_type(dtype, narrow))
        builder.store(function.read(pointer, dtype, 1, narrow), total)

        def add(index: ir.Value) -> None:
            moved = builder.mul(builder.add(index, integer(1)), integer(step_bytes // dtype.itemsize))
            other = function.read(function.at(pointer, dtype, moved), dtype, 1, narrow)
            old = builder.load(total, typ=other.type)
            builder.store(combine(builder, reduction, old, other), total)

        loop(function, count - 1, add, "chunks")
        function.write(
            builder.load(total, typ=value_type(dtype, narrow)), function.at(end, dtype, at), dtype, 1, narrow
        )

    loop(function, size // width, lambda i: part(times(builder, i, width), width), "combine")
    for position, narrow in pieces(size, width):
        part(integer(position), narrow)

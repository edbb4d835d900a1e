"""Emitting the primitives that have a loop of their own: place, take, scatter_add, argsort, cumulative_sum, linear algebra.

To add one, write an emitter and enter it with @emits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from llvmlite import ir

from ...graph import Node, Primitive, Shape
from ...ops import indexing, linear_algebra, reduction, structure
from .arrays import INT64, POINTER, Function, integer, loop, value_type
from .copies import emit_copy, emit_fill
from .formulas import combine, constant
from .sorting import row_sorter
from .views import View

__all__ = ["EMITTERS", "NEEDS_CONTIGUOUS", "accumulate_scatter", "emit_kernel", "windows_are_disjoint"]

Emitter = Callable[[Function, Node, Sequence[View], View], None]
EMITTERS: dict[Primitive, Emitter] = {}


def emits(primitive: Primitive) -> Callable[[Emitter], Emitter]:
    def enter(emitter: Emitter) -> Emitter:
        EMITTERS[primitive] = emitter
        return emitter

    return enter


def emit_kernel(function: Function, node: Node, operands: Sequence[View], result: View) -> None:
    """Emits one node that is neither elementwise nor a reduction nor a product."""
    EMITTERS[node.primitive](function, node, operands, result)


def _each(
    function: Function,
    shape: Shape,
    views: Sequence[tuple[ir.Value, View]],
    body: Callable[[list[ir.Value], list[ir.Value]], None],
) -> None:
    """Walks several views of one shape; body gets the addresses and the indices."""

    def nest(axis: int, starts: list[ir.Value], indices: list[ir.Value]) -> None:
        if axis == len(shape):
            body(starts, indices)
            return

        def step(index: ir.Value) -> None:
            moved = []
            for start, (_, view) in zip(starts, views, strict=True):
                offset = function.builder.mul(index, integer(view.strides[axis]))
                moved.append(function.at(start, view.buffer.dtype, offset))
            nest(axis + 1, moved, [*indices, index])

        loop(function, shape[axis], step)

    nest(0, [start for start, _ in views], [])


def _start(function: Function, view: View) -> tuple[ir.Value, View]:
    return function.start_of_view(view), view


def windows_are_disjoint(node: Node, shape_of: Callable[[Node], Shape]) -> bool:
    """Whether the pieces of a `place` cover every element exactly once."""
    shape = node.attributes["shape"]
    total = sum(int(np.prod(shape_of(piece), dtype=int)) for piece in node.operands)
    size = int(np.prod(shape, dtype=int))
    if total != size or size > 1 << 22:
        return False
    covered = np.zeros(shape, np.bool_)
    for piece, window in zip(node.operands, node.attributes["windows"], strict=True):
        covered[structure.window_indices(piece.shape, window)] = True
    return bool(covered.all())


@emits(structure.place)
def _place(function: Function, node: Node, operands: Sequence[View], result: View) -> None:
    covers = windows_are_disjoint(node, lambda piece: piece.shape)
    if not covers:
        emit_fill(function, result, 0)
    builder = function.builder

    def add(old: ir.Value, new: ir.Value) -> ir.Value:
        return builder.or_(old, new) if node.dtype.kind == "b" else combine(builder, "sum", old, new)

    pieces = [
        (view, result.window(starts, steps, view.shape))
        for view, (starts, steps) in zip(operands, node.attributes["windows"], strict=True)
    ]
    # In the order in which they end: LLVM 22 takes pieces that fill an array in registers to be written so, and else makes invalid code.
    for view, window in sorted(pieces, key=lambda piece: _last(piece[1])):
        if view.is_same(window):
            continue  # it was computed there
        emit_copy(function, view, window, _VECTOR_BYTES, None if covers else add)


def _last(view: View) -> int:
    """How far an array reaches into its buffer."""
    return view.offset + sum(max(0, stride * (n - 1)) for stride, n in zip(view.strides, view.shape, strict=True))


_VECTOR_BYTES = 64


def _in_range(function: Function, index: ir.Value, extent: int) -> ir.Value:
    """The index, kept within the axis: memory stays safe whatever the data hold."""
    builder = function.builder
    zero, last = integer(0), integer(extent - 1)
    index = builder.select(builder.icmp_signed("<", index, zero), zero, index)
    return builder.select(builder.icmp_signed(">", index, last), last, index)


def _at_first(view: View, axis: int, shape: Shape) -> View:
    """An array, walked in the shape of the indices into one of its axes, which stays at its first element."""
    strides = (*view.strides[:axis], 0, *view.strides[axis + 1 :])
    return replace(view, strides=strides, shape=shape)


@emits(indexing.take)
def _take(function: Function, node: Node, operands: Sequence[View], result: View) -> None:
    values, indices = operands
    axis = node.attributes["axis"]
    along = values.strides[axis]

    def copy(at: list[ir.Value], _: list[ir.Value]) -> None:
        index = _in_range(function, function.read(at[0], indices.buffer.dtype, 1, 1), values.shape[axis])
        source = function.at(at[1], node.dtype, function.builder.mul(index, integer(along)))
        function.write(function.read(source, node.dtype, 1, 1), at[2], node.dtype, 1, 1)

    _each(
        function,
        indices.shape,
        [_start(function, v) for v in (indices, _at_first(values, axis, indices.shape), result)],
        copy,
    )


@emits(indexing.scatter_add)
def _scatter_add(function: Function, node: Node, operands: Sequence[View], result: View) -> None:
    emit_fill(function, result, 0)
    accumulate_scatter(function, node, operands, result)


def accumulate_scatter(function: Function, node: Node, operands: Sequence[View], result: View) -> None:
    """Adds to what lies in the result already."""
    values, indices = operands
    axis = node.attributes["axis"]
    along = result.strides[axis]

    def add(at: list[ir.Value], _: list[ir.Value]) -> None:
        index = _in_range(function, function.read(at[0], indices.buffer.dtype, 1, 1), result.shape[axis])
        target = function.at(at[2], node.dtype, function.builder.mul(index, integer(along)))
        old = function.read(target, node.dtype, 1, 1)
        value = function.read(at[1], node.dtype, 1, 1)
        function.write(combine(function.builder, "sum", old, value), target, node.dtype, 1, 1)

    _each(
        function,
        indices.shape,
        [_start(function, v) for v in (indices, values, _at_first(result, axis, indices.shape))],
        add,
    )


@emits(reduction.cumulative_sum)
def _cumulative_sum(function: Function, node: Node, operands: Sequence[View], result: View) -> None:
    (x,) = operands
    axis, backwards = node.attributes["axis"], node.attributes["is_reversed"]
    extent = x.shape[axis]
    builder, dtype, kind = function.builder, node.dtype, value_type(node.dtype, 1)
    rest = x.shape[:axis] + x.shape[axis + 1 :]

    def without(view: View) -> View:
        return replace(view, strides=view.strides[:axis] + view.strides[axis + 1 :], shape=rest)

    def run(at: list[ir.Value], _: list[ir.Value]) -> None:
        total = function.allocate(kind)
        builder.store(constant(kind, 0), total)

        def step(index: ir.Value) -> None:
            position = builder.sub(integer(extent - 1), index) if backwards else index
            source = function.at(at[0], dtype, builder.mul(position, integer(x.strides[axis])))
            target = function.at(at[1], dtype, builder.mul(position, integer(result.strides[axis])))
            old = builder.load(total, typ=kind)
            new = combine(builder, "sum", old, function.read(source, dtype, 1, 1))
            builder.store(new, total)
            function.write(new, target, dtype, 1, 1)

        loop(function, extent, step)

    _each(function, rest, [_start(function, without(x)), _start(function, without(result))], run)


@emits(indexing.argsort)
def _argsort(function: Function, node: Node, operands: Sequence[View], result: View) -> None:
    keys, room = operands
    sorter = row_sorter(function.builder.module, keys.buffer.dtype)
    count = keys.shape[-1]

    def rows(view: View) -> View:
        return View(view.buffer, view.offset, view.strides[:-1], view.shape[:-1], view.example_stride)

    _each(
        function,
        keys.shape[:-1],
        [_start(function, rows(view)) for view in (keys, result)],
        lambda at, _: function.builder.call(sorter, [at[0], function.start_of_view(room), at[1], integer(count)]),
    )


@emits(linear_algebra.solve)
@emits(linear_algebra.cholesky)
@emits(linear_algebra.slogdet)
def _call_for_each_matrix(function: Function, node: Node, operands: Sequence[View], result: View) -> None:
    """Calls name(n, columns, operands..., result) for every matrix of a batch; operands are contiguous copies."""
    batch = operands[0].shape[:-2]
    n = operands[0].shape[-1]
    columns = operands[1].shape[-1] if len(operands) > 1 else 1
    suffix = "32" if node.dtype.itemsize == 4 else "64"
    kind = ir.FunctionType(ir.VoidType(), [INT64, INT64, *([POINTER] * (len(operands) + 1))])
    symbol = f"thalweg_{node.primitive.name}{suffix}"
    callee = function.builder.module.globals.get(symbol) or ir.Function(function.builder.module, kind, symbol)

    def outer(view: View) -> View:
        count = len(batch)
        return replace(view, strides=view.strides[:count], shape=batch)

    views = [_start(function, outer(view)) for view in (*operands, result)]
    _each(
        function,
        batch,
        views,
        lambda at, _: function.builder.call(callee, [integer(n), integer(columns), *at]),
    )


NEEDS_CONTIGUOUS = (linear_algebra.solve, linear_algebra.cholesky, linear_algebra.slogdet, indexing.argsort)
"""Primitives whose operands must lie in memory in C order."""

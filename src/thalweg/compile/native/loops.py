"""Emitting a group: one loop nest in which all of its nodes are computed, vector by vector.

The innermost axis is walked in vectors, what is left over in narrower ones. Operands that do not change along the
innermost axis are read once before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from llvmlite import ir

from ...graph import Node, Shape
from ...ops.structure import reshape
from ...rewrite import equal_everywhere
from .accesses import Access, access_of, coalesce, with_best_innermost
from .arrays import Function, element_type, integer, loop, pieces, times, value_type
from .copies import emit_fill
from .formulas import across, combine, constant, formula, identity
from .groups import Group
from .shares import Share
from .views import View, contiguous_strides

__all__ = ["Target", "emit_group"]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a node of a group is written. accumulates: the result is combined with what lies there."""

    node: Node
    view: View
    accumulates: bool = False


@dataclass(eq=False)
class _Nest:
    """A group while it is being emitted."""

    function: Function
    extents: list[int]
    reads: dict[Node, Access]
    writes: list[tuple[Target, Access]]
    reductions: list[tuple[Target, Access]]
    nodes: Sequence[Node]
    width: int
    share: Share | None = None


def emit_group(
    function: Function,
    group: Group,
    targets: Sequence[Target],
    view_of: Callable[[Node], View],
    shape_of: Callable[[Node], Shape],
    vector_bytes: int,
    share: Share | None = None,
) -> None:
    """Emits the loop nest of a group.

    targets: the nodes that are written to memory. view_of: where operands lie that come from other groups. share: the part of a long
    row to be computed, if not all.
    """
    inside = {node for node in group.nodes if node.primitive.is_elementwise}
    reads = {
        operand: None
        for node in group.nodes
        for operand in node.operands
        if operand not in inside and equal_everywhere(operand) is None
    }
    accesses = {operand: access_of(view_of(operand), group.shape) for operand in reads}
    writes, reductions = [], []
    for target in targets:
        if target.node.primitive.is_elementwise or target.node.primitive is reshape:
            shape = shape_of(target.node if target.node.primitive.is_elementwise else target.node.operands[0])
            view = target.view if target.view.shape == shape else _as_shape(target.view, shape)
            writes.append((target, access_of(view, group.shape)))
        else:
            spread = _spread(target.view, target.node, shape_of(target.node.operands[0]))
            reductions.append((target, access_of(spread, group.shape)))
    everything = [*accesses.values(), *(a for _, a in writes), *(a for _, a in reductions)]
    extents = coalesce(with_best_innermost(list(group.shape), everything), everything)
    width = _width(group, extents[-1], vector_bytes)
    nest = _Nest(function, extents, accesses, writes, reductions, group.nodes, width, share)
    _emit(nest)


def _as_shape(view: View, shape: Shape) -> View:
    """A contiguous view in another shape of the same size."""
    return replace(view, strides=contiguous_strides(shape), shape=shape)


def _spread(view: View, node: Node, shape: Shape) -> View:
    """The result of a reduction, seen from the axes of its operand."""
    axes = node.attributes["axes"]
    strides = list(view.strides)
    spread = tuple(0 if axis in axes else strides.pop(0) for axis in range(len(shape)))
    return replace(view, strides=spread, shape=shape)


def _width(group: Group, extent: int, vector_bytes: int) -> int:
    """How many elements are computed at once: several registers for short bodies, one for long ones."""
    itemsize = min((node.dtype.itemsize for node in group.nodes if node.dtype.kind != "b"), default=8)
    registers = 4 if len(group.nodes) <= 4 else 2 if len(group.nodes) <= 12 else 1
    width = registers * vector_bytes // itemsize if vector_bytes > 1 else 1
    while width > 1 and width > extent:
        width //= 2
    return width


def _emit(nest: _Nest) -> None:
    """The outer loops, then the innermost."""
    function = nest.function
    for access in _all_accesses(nest):
        access.start = function.start_of_view(access.view)
        if nest.share is not None and access.strides[-1]:
            moved = function.builder.mul(nest.share.first, integer(access.strides[-1]))
            access.start = function.at(access.start, access.view.buffer.dtype, moved)
    for target, access in nest.reductions:
        if not target.accumulates and _has_outer_reduction(access, nest.extents):
            emit_fill(function, target.view, identity(target.node.primitive.name, target.node.dtype))

    def at_depth(depth: int, starts: dict[int, ir.Value]) -> None:
        if depth == len(nest.extents) - 1:
            _emit_innermost(nest, starts)
            return

        def body(index: ir.Value) -> None:
            moved = {}
            for access in _all_accesses(nest):
                stride = access.strides[depth]
                start = starts[id(access)]
                if stride:
                    offset = times(function.builder, index, stride)
                    start = function.at(start, access.view.buffer.dtype, offset)
                moved[id(access)] = start
            at_depth(depth + 1, moved)

        loop(function, nest.extents[depth], body)

    at_depth(0, {id(access): access.start for access in _all_accesses(nest)})


def _all_accesses(nest: _Nest) -> list[Access]:
    return [*nest.reads.values(), *(a for _, a in nest.writes), *(a for _, a in nest.reductions)]


def _has_outer_reduction(access: Access, extents: list[int]) -> bool:
    return any(stride == 0 and n > 1 for stride, n in zip(access.strides[:-1], extents[:-1], strict=True))


def _emit_innermost(nest: _Nest, starts: dict[int, ir.Value]) -> None:
    function, builder = nest.function, nest.function.builder
    extent = nest.extents[-1]
    hoisted = {
        node: function.read(starts[id(access)], access.view.buffer.dtype, 0, 1)
        for node, access in nest.reads.items()
        if access.strides[-1] == 0
    }
    in_registers = [(t, a) for t, a in nest.reductions if a.strides[-1] == 0]
    in_memory = [(t, a) for t, a in nest.reductions if a.strides[-1] != 0]
    wide = {}
    for target, _ in in_registers:
        wide[target.node] = _accumulator(function, target.node, nest.width if extent >= nest.width else 1)
    narrow = {target.node: _accumulator(function, target.node, 1) for target, _ in in_registers}

    def vector(index: ir.Value, width: int, accumulators: dict[Node, ir.Value]) -> None:
        values = _compute(nest, starts, hoisted, index, width)
        for target, access in nest.writes:
            value = values[target.node]
            _write(function, access, starts, index, value, width)
        for target, access in in_memory:
            value = values[target.node.operands[0]]
            name = target.node.primitive.name
            if not target.accumulates and not _has_outer_reduction(access, nest.extents):
                _write(function, access, starts, index, value, width)  # nothing is reduced here
                continue
            old = _read(function, access, starts, index, width)
            _write(function, access, starts, index, combine(builder, name, old, value), width)
        for target, _ in in_registers:
            value, name = values[target.node.operands[0]], target.node.primitive.name
            pointer = accumulators[target.node]
            if width != nest.width:
                value = across(builder, name, value)
            old = builder.load(pointer, typ=value.type)
            builder.store(combine(builder, name, old, value), pointer)

    def body(i: ir.Value) -> None:
        vector(times(builder, i, nest.width), nest.width, wide)

    if nest.share is None:
        loop(function, extent // nest.width, body)
        for start, width in pieces(extent, nest.width):
            vector(integer(start), width, narrow)
    else:
        vectors = builder.udiv(nest.share.count, integer(nest.width))
        loop(function, vectors, body)
        done = builder.mul(vectors, integer(nest.width))
        left = builder.sub(nest.share.count, done)
        loop(function, left, lambda i: vector(builder.add(done, i), 1, narrow), "left")
    for target, access in in_registers:
        _store_total(nest, target, access, starts[id(access)], wide[target.node], narrow[target.node])


def _store_total(
    nest: _Nest, target: Target, access: Access, pointer: ir.Value, wide: ir.Value, narrow: ir.Value
) -> None:
    """Writes what a reduction comes to, out of the registers of its vectors and of what was left over."""
    function, builder = nest.function, nest.function.builder
    name, dtype = target.node.primitive.name, target.node.dtype
    result = across(builder, name, builder.load(wide, typ=value_type(dtype, nest.width)))
    if nest.extents[-1] % nest.width or nest.share is not None:
        result = combine(builder, name, result, builder.load(narrow, typ=element_type(dtype)))
    if target.accumulates or _has_outer_reduction(access, nest.extents):
        result = combine(builder, name, function.read(pointer, dtype, 0, 1), result)
    function.write(result, pointer, dtype, 0, 1)


def _accumulator(function: Function, node: Node, width: int) -> ir.Value:
    """A register for a reduction, set to the neutral element."""
    kind = value_type(node.dtype, width)
    pointer = function.allocate(kind)
    start = constant(kind, identity(node.primitive.name, node.dtype))
    function.builder.store(start, pointer)
    return pointer


def _at(function: Function, access: Access, starts: dict[int, ir.Value], index: ir.Value) -> ir.Value:
    stride = access.strides[-1]
    start = starts[id(access)]
    if stride == 0:
        return start
    return function.at(start, access.view.buffer.dtype, times(function.builder, index, stride))


def _read(function: Function, access: Access, starts: dict[int, ir.Value], index: ir.Value, width: int) -> ir.Value:
    pointer = _at(function, access, starts, index)
    return function.read(pointer, access.view.buffer.dtype, access.strides[-1], width)


def _write(
    function: Function,
    access: Access,
    starts: dict[int, ir.Value],
    index: ir.Value,
    value: ir.Value,
    width: int,
) -> None:
    pointer = _at(function, access, starts, index)
    function.write(value, pointer, access.view.buffer.dtype, access.strides[-1], width)


def _compute(
    nest: _Nest, starts: dict[int, ir.Value], hoisted: dict[Node, ir.Value], index: ir.Value, width: int
) -> dict[Node, ir.Value]:
    """The values of all nodes of the group, for `width` elements from `index` on."""
    function = nest.function
    values: dict[Node, ir.Value] = {}

    def operand(node: Node) -> ir.Value:
        if node not in values:
            if node in hoisted:
                values[node] = function.splat(hoisted[node], width)
            elif (known := equal_everywhere(node)) is not None:
                values[node] = constant(value_type(node.dtype, width), known)
            else:
                values[node] = _read(function, nest.reads[node], starts, index, width)
        return values[node]

    for node in nest.nodes:
        operands = [operand(x) for x in node.operands]
        if node.primitive.is_elementwise:
            values[node] = formula(function.builder, node, *operands)
        elif node.primitive is reshape:
            values[node] = operands[0]
    return values

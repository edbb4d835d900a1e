"""Long groups outside of the sweeps over examples, such as the update of many parameters: threads share them, too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from llvmlite import ir

from ...graph import Node
from .arrays import INT64, POINTER, Function, integer
from .copies import emit_combine, emit_fill
from .deferred import Deferred, Rows
from .emitter import Emitter
from .formulas import identity
from .groups import REDUCTIONS, Group
from .region import Region
from .shares import Share, share_of
from .sweeps import begin_sweep, emit_sweep, reduction_of
from .views import Area, Buffer, View

__all__ = ["emit_shared_group"]

_SHARE = 1 << 12
"""A part of a group has at least so many elements."""

_UNIT = 64
"""Elements of a long group are shared in whole vectors."""


def emit_shared_group(
    emitter: Emitter, deferred: Deferred, region: Region, group: Group, stored: frozenset[Node]
) -> bool:
    """Lets all threads compute a long group, each chunk a piece of it; returns whether it is long enough for that.

    Where it reads a deferred product element by element, it follows row by row in the same sweep.
    """
    assert emitter.tiling is not None
    chunks = emitter.tiling.chunks
    has_lanes = any(node in emitter.lane_axis for node in group.nodes)
    is_shared = _can_be_shared(group, chunks) and not has_lanes
    rows = deferred.rows_in(region, group) if is_shared else None
    if rows is None:
        deferred.emit_before(region, group)
    if not is_shared:
        return False
    partial: dict[Node, View] = {}
    for node in group.nodes:
        if node.primitive in REDUCTIONS:
            buffer = emitter.memory.buffer(Area.WORKSPACE, chunks, node.dtype)
            partial[node] = View(buffer, 0, (), (), example_stride=1)
    sweep = begin_sweep(emitter)
    function = sweep.function
    function.example = sweep.chunk  # of each reduction, a chunk has a number of its own
    for node, view in partial.items():
        emit_fill(function, view, identity(reduction_of(node), node.dtype))
    passed_on = next(iter(rows.values())).whole.buffer if rows and deferred.are_read_only_by(group) else None
    part = _declare_part(emitter, region, group, stored, partial, passed_on)

    def emit_part(share: Share, start: ir.Value | None = None) -> None:
        areas = [function.areas[area] for area in (Area.TABLE, Area.WORKSPACE, Area.SCRATCH)]
        told = [] if passed_on is None else [start or function.start_of(passed_on)]
        function.builder.call(part, [*areas, *told, sweep.chunk, share.first, share.count])

    def follow(node: Node, share: Share, start: ir.Value) -> None:
        assert rows is not None
        elements = rows[node].elements(function, share)
        if passed_on is None:
            emit_part(elements)
            return
        before = function.builder.add(elements.first, integer(rows[node].whole.offset))
        emit_part(elements, function.at(start, node.dtype, function.builder.neg(before)))

    if rows is not None:
        deferred.emit_rows(sweep, follow, passes_on=passed_on is not None)
    for start, end in _gaps(group.shape[0], rows or {}):
        share = share_of(function, end - start, sweep.chunk, chunks, _UNIT)
        emit_part(replace(share, first=function.builder.add(share.first, integer(start))))
    emit_sweep(emitter, sweep)
    for node, view in partial.items():
        first = replace(view, example_stride=0)
        step, name = node.dtype.itemsize, reduction_of(node)
        emit_combine(emitter.main, name, first, region.view(node), step, chunks, emitter.vector_bytes)
    return True


def _can_be_shared(group: Group, chunks: int) -> bool:
    """Whether a group is one long row, of which threads can compute parts."""
    runs_in_loop = all(node.primitive.is_elementwise or node.primitive in REDUCTIONS for node in group.nodes)
    return runs_in_loop and len(group.shape) == 1 and group.shape[0] >= chunks * _SHARE


def _declare_part(
    emitter: Emitter,
    region: Region,
    group: Group,
    stored: frozenset[Node],
    partial: Mapping[Node, View],
    passed_on: Buffer | None,
) -> Any:
    """The function that computes some elements of a group for a chunk: as many as asked for, from the first.

    passed_on: a buffer of which it is told where it would begin, if all of it were where these elements are.
    """
    name, told = f"part{len(emitter.sweeps)}", [] if passed_on is None else [POINTER]
    declared = emitter.declare(name, [*[POINTER] * 3, *told, *[INT64] * 3], is_internal=True)
    table, workspace, scratch, *starts, chunk, first, count = declared.args
    areas: dict[Area, ir.Value] = {Area.TABLE: table, Area.WORKSPACE: workspace, Area.SCRATCH: scratch}
    function = Function(ir.IRBuilder(declared.append_basic_block("entry")), areas, chunk)
    if passed_on is not None:
        function.starts[passed_on] = starts[0]
    region.emit_group(function, group, stored, Share(first, count), partial)
    function.builder.ret_void()
    return declared


def _gaps(extent: int, rows: Mapping[Node, Rows]) -> Iterator[tuple[int, int]]:
    """Begin and end of what lies between the products, before and after them."""
    begin = 0
    for found in sorted(rows.values(), key=lambda found: found.start):
        if found.start > begin:
            yield begin, found.start
        begin = found.start + found.size
    if extent > begin:
        yield begin, extent

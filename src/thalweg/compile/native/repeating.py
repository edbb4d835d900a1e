"""Emitting what repeats as a loop: the code of one step, which finds the values of each step where these lie at equal distances."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

from llvmlite import ir

from ...graph import Node
from ..repeats import Part, Repeat, read_by
from .arrays import Function, loop
from .copies import emit_copy
from .emitter import LARGE, Emitter
from .region import Region
from .views import Area, Buffer, View, strides_with

__all__ = ["Loops"]

_ROOM = 4
"""Rows before the first step's and after the last one's: what was computed beside the loop is put there, where other loops expect it."""


@dataclass(eq=False)
class _Rows:
    """Values of the steps of a loop, one below the other. view: all of them. beside: what was put before and after them."""

    view: View
    count: int
    beside: dict[int, Node] = field(default_factory=dict)

    def has_room_for(self, node: Node, row: int) -> bool:
        is_beside = -_ROOM <= row < 0 or self.count <= row < self.count + _ROOM
        return is_beside and self.beside.get(row, node) is node


@dataclass(eq=False)
class Loops:
    """The loops of a region, which run between its groups.

    function_for_group: the function to emit a group or a loop into. rows: where each value lies that was put into rows.
    """

    emitter: Emitter
    region: Region
    function_for_group: Callable[[], AbstractContextManager[Function]]
    rows: dict[Node, tuple[_Rows, int]] = field(default_factory=dict)

    def emit_parts(
        self,
        parts: Sequence[Part],
        wanted: Mapping[Node, View | None],
        outputs: Collection[Node],
        before_loop: Callable[[], None] = lambda: None,
    ) -> None:
        """Emits what is computed node by node, and loops. wanted: where values had better be. outputs: those that have to be there."""
        for number, part in enumerate(parts):
            if isinstance(part, Repeat):
                before_loop()
                self._emit(part, wanted, outputs)
            else:
                here, later = set(part), read_by(parts[number + 1 :])
                own: dict[Node, View | None] = dict.fromkeys(node for node in part if node in later)
                own |= {node: view for node, view in wanted.items() if node in here}
                self.region.emit(self.function_for_group, part, own)

    def can_be_emitted(self, parts: Sequence[Part], homes: Mapping[Node, View | None]) -> bool:
        """Whether the totals that loops add to have homes at equal distances."""
        return all(
            not self.region.is_total(steps[0]) or _home(steps, homes) is not None
            for part in parts
            if isinstance(part, Repeat)
            for steps in part.writes.values()
        )

    def _emit(self, repeat: Repeat, homes: Mapping[Node, View | None], outputs: Collection[Node]) -> None:
        region = self.region
        own, copies = self._places(repeat, homes)
        with self.function_for_group() as function:
            views = {
                read: self._over_time(function, repeat, read, steps, copies) for read, steps in repeat.reads.items()
            }
            self._emit_steps(function, repeat, {**region.views, **views}, own, copies)
            for node in (node for steps in repeat.writes.values() for node in steps if node in outputs):
                home = homes[node]
                if home is not None and region.views[node] != home:
                    emit_copy(function, region.views[node], home, region.vector_bytes)

    def _places(
        self, repeat: Repeat, homes: Mapping[Node, View | None]
    ) -> tuple[dict[Node, View], list[tuple[Node, View]]]:
        """Where a step writes what is read beyond it, and where it writes it once more.

        That is at home, if homes lie at equal distances; what later steps read is put into rows as well.
        """
        own: dict[Node, View] = {}
        copies: list[tuple[Node, View]] = []
        read = {node for steps in repeat.reads.values() for node in steps}
        for written, steps in repeat.writes.items():
            home = _home(steps, homes)
            if home is None or not read.isdisjoint(steps):
                own[written] = self._new_rows(repeat, written, steps).view
                if home is not None:
                    copies.append((written, home))
            else:
                own[written] = home
            for step, node in enumerate(steps):
                self.region.views[node] = _at(own[written], step) if home is None else homes[node] or home
        return own, copies

    def _new_rows(self, repeat: Repeat, node: Node, steps: Sequence[Node]) -> _Rows:
        """Room for what each step writes or reads."""
        stands_for = repeat.stands_for[node]
        shape, count = self.region.shape_of(stands_for), len(steps)
        size = math.prod(shape)
        buffer = self.region.memory.buffer(self.region.area, size * (count + 2 * _ROOM), node.dtype)
        strides = strides_with(shape, self.region.innermost(stands_for))
        rows = _Rows(View(buffer, size * _ROOM, strides, shape, step_stride=size), count)
        for step, each in enumerate(steps):
            self.rows.setdefault(each, (rows, step))
        return rows

    def _emit_steps(
        self,
        function: Function,
        repeat: Repeat,
        views: dict[Node, View],
        own: Mapping[Node, View],
        copies: Sequence[tuple[Node, View]],
    ) -> None:
        region, emitter, tile = self.region, self.emitter, self.region.tile
        is_long = len(repeat.nodes) > LARGE
        inner = Region(
            region.memory,
            views,
            region.area,
            region.vector_bytes,
            region.constant_view,
            lambda node: not is_long,
            tile and replace(tile, axis=repeat.extended(tile.axis)),
            repeat.extended(region.lane_axis),
        )

        def emit_step(step: ir.Value) -> None:
            function.step = step
            inner.emit(lambda: emitter.outlined(function) if is_long else nullcontext(function), repeat.nodes, own)
            for node, view in copies:
                emit_copy(function, own[node], view, region.vector_bytes)
            function.step = None

        loop(function, repeat.count, emit_step, "step")

    # What steps read
    def _over_time(
        self,
        function: Function,
        repeat: Repeat,
        read: Node,
        steps: Sequence[Node],
        copies: list[tuple[Node, View]],
    ) -> View:
        """Where a step finds what it reads; values that lie here and there are brought together first.

        What the loop itself will write is copied step by step, if that needs other places.
        """
        if all(node.is_constant and not node.shape for node in steps):
            return self.emitter.numbers([node.value for node in steps], read.dtype)
        writer = {first: written for written, (first, *_) in repeat.writes.items()}
        before = next((step for step, node in enumerate(steps) if node in writer), len(steps))
        in_rows = self._in_rows(function, steps, before)
        if in_rows is not None:
            return in_rows
        found = _regular([self.region.view(node) for node in steps]) if before == len(steps) else None
        if found is not None and found.buffer.area is not Area.LOCAL:
            return found
        rows = self._new_rows(repeat, read, [*steps, *steps[:before]])
        if before < len(steps):
            copies.append((writer[steps[before]], _moved(rows.view, before)))
        for step, node in enumerate(steps[:before]):
            emit_copy(function, self.region.view(node), _at(rows.view, step), self.region.vector_bytes)
        return rows.view

    def _in_rows(self, function: Function, steps: Sequence[Node], before: int) -> View | None:
        """Where it lies in rows at equal distances, but for what can be put beside these: that is there before the loop, up to a step."""
        known = [(step, *self.rows[node]) for step, node in enumerate(steps) if node in self.rows]
        if len(known) < 2:
            return None
        (step, rows, row), (following, _, next_row) = known[-2:]
        pace = (next_row - row) // (following - step)
        expected = [row + pace * (number - step) for number in range(len(steps))]
        missing = [
            (number, node, place)
            for number, (node, place) in enumerate(zip(steps, expected, strict=True))
            if self.rows.get(node) != (rows, place)
        ]
        if not all(number < before and rows.has_room_for(node, place) for number, node, place in missing):
            return None
        for _, node, place in missing:
            if place not in rows.beside:
                emit_copy(function, self.region.view(node), _at(rows.view, place), self.region.vector_bytes)
                rows.beside[place] = node
        return replace(_at(rows.view, expected[0]), step_stride=pace * rows.view.step_stride)


def _home(steps: Sequence[Node], homes: Mapping[Node, View | None]) -> View | None:
    """Where the steps write at home, if they do so at equal distances."""
    known = [view for view in map(homes.get, steps) if view is not None]
    return _regular(known) if len(known) == len(steps) else None


def _moved(rows: View, row: int) -> View:
    """The rows from one on."""
    return replace(rows, offset=rows.offset + row * rows.step_stride)


def _seen_from(buffer: Buffer, view: View) -> View:
    """The same view as one of a buffer of the same memory, if it can be one."""
    other, size = view.buffer, buffer.dtype.itemsize
    distance = other.position - buffer.position
    is_near = other.area in (Area.WORKSPACE, Area.SCRATCH, Area.TOTALS) and distance % size == 0
    if other == buffer or not is_near or (other.area, other.dtype) != (buffer.area, buffer.dtype):
        return view
    return replace(view, buffer=buffer, offset=view.offset + distance // size)


def _at(rows: View, row: int) -> View:
    """One row."""
    buffer = replace(rows.buffer, position=rows.buffer.position + row * rows.slots_per_step)
    return replace(_moved(rows, row), buffer=buffer, step_stride=0, slots_per_step=0)


def _regular(views: Sequence[View]) -> View | None:
    """One view that moves on by as much each step; None if these do not."""
    views = [_seen_from(views[0].buffer, view) for view in views]
    slots = views[1].buffer.position - views[0].buffer.position if views[0].buffer.area is Area.TABLE else 0
    moving = replace(views[0], step_stride=views[1].offset - views[0].offset, slots_per_step=slots)
    return moving if all(_at(moving, step) == view for step, view in enumerate(views)) else None

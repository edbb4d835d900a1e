"""Emitting what repeats as a loop: the code of one step, which finds the values of each step where these lie at equal distances."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

from llvmlite import ir

from ...graph import Node
from ..repeats import Repeat
from .arrays import Function, loop
from .copies import emit_copy
from .emitter import LARGE, Emitter
from .region import Region
from .views import Area, View, strides_with

__all__ = ["Loops"]

_ROOM = 4
"""Rows before the first step's and after the last one's: what was computed beside the loop is put there, where other loops expect it."""


@dataclass(eq=False)
class _Rows:
    """Values of the steps of a loop, one below the other. view: the first step's. beside: what was put before and after them."""

    view: View
    count: int
    beside: dict[int, Node] = field(default_factory=dict)

    def has_room_for(self, node: Node, row: int) -> bool:
        is_beside = -_ROOM <= row < 0 or self.count <= row < self.count + _ROOM
        return is_beside and self.beside.get(row, node) is node


@dataclass(eq=False)
class Loops:
    """The loops of an evaluation, which run between the groups of a region. rows: where each value lies that was put into rows."""

    emitter: Emitter
    region: Region
    rows: dict[Node, tuple[_Rows, int]] = field(default_factory=dict)

    def emit(self, repeat: Repeat, homes: Mapping[Node, View | None], outputs: Collection[Node]) -> None:
        """Emits a loop. homes: where values of its steps are wanted, if anywhere. outputs: those that have to be there."""
        region = self.region
        own, copies = self._places(repeat, homes)
        with self.emitter.function_for_group(self.emitter.main) as function:
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
            known = [view for view in map(homes.get, steps) if view is not None]
            home = _regular(known) if len(known) == len(steps) else None
            if home is None or not read.isdisjoint(steps):
                own[written] = self._new_rows(repeat, written, steps).view
                if home is not None:
                    copies.append((written, home))
            else:
                own[written] = home
            for step, node in enumerate(steps):
                self.region.views[node] = _at(home or own[written], step)
        return own, copies

    def _new_rows(self, repeat: Repeat, node: Node, steps: Sequence[Node]) -> _Rows:
        """Room for what each step writes or reads."""
        size, count = node.type.size, len(steps)
        buffer = self.region.memory.buffer(self.region.area, size * (count + 2 * _ROOM), node.dtype)
        strides = strides_with(node.shape, self.region.innermost(repeat.stands_for[node]))
        rows = _Rows(View(buffer, size * _ROOM, strides, node.shape, example_stride=size), count)
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
        region, emitter = self.region, self.emitter
        is_long = len(repeat.nodes) > LARGE
        lane_axis = {new: region.lane_axis[old] for new, old in repeat.stands_for.items() if old in region.lane_axis}
        inner = Region(
            region.memory,
            views,
            region.area,
            region.vector_bytes,
            region.constant_view,
            lambda node: not is_long,
            lane_axis=lane_axis,
        )

        def emit_step(step: ir.Value) -> None:
            before, function.example = function.example, step
            inner.emit(lambda: emitter.outlined(function) if is_long else nullcontext(function), repeat.nodes, own)
            for node, view in copies:
                emit_copy(function, own[node], view, region.vector_bytes)
            function.example = before

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
        in_rows = self._in_rows(function, steps)
        if in_rows is not None:
            return in_rows
        writer = {first: written for written, (first, *_) in repeat.writes.items()}
        before = next((step for step, node in enumerate(steps) if node in writer), len(steps))
        found = _regular([self.region.view(node) for node in steps]) if before == len(steps) else None
        if found is not None and found.buffer.area is not Area.LOCAL:
            return found
        rows = self._new_rows(repeat, read, [*steps, *steps[:before]])
        if before < len(steps):
            copies.append((writer[steps[before]], _moved(rows.view, before)))
        for step, node in enumerate(steps[:before]):
            emit_copy(function, self.region.view(node), _at(rows.view, step), self.region.vector_bytes)
        return rows.view

    def _in_rows(self, function: Function, steps: Sequence[Node]) -> View | None:
        """Where it lies in rows at equal distances, but for what can be put beside these."""
        known = [(step, *self.rows[node]) for step, node in enumerate(steps) if node in self.rows]
        if len(known) < 2:
            return None
        (step, rows, row), (following, _, next_row) = known[:2]
        pace = (next_row - row) // (following - step)
        expected = [row + pace * (number - step) for number in range(len(steps))]
        missing = [
            (node, place) for node, place in zip(steps, expected, strict=True) if self.rows.get(node) != (rows, place)
        ]
        if not all(rows.has_room_for(node, place) for node, place in missing):
            return None
        for node, place in missing:
            if place not in rows.beside:
                emit_copy(function, self.region.view(node), _at(rows.view, place), self.region.vector_bytes)
                rows.beside[place] = node
        return replace(_at(rows.view, expected[0]), example_stride=pace * rows.view.example_stride)


def _moved(rows: View, row: int) -> View:
    """The rows from one on."""
    return replace(rows, offset=rows.offset + row * rows.example_stride)


def _at(rows: View, row: int) -> View:
    """One row."""
    return replace(_moved(rows, row), example_stride=0)


def _regular(views: Sequence[View]) -> View | None:
    """One view that moves on by as much each step; None if these do not."""
    moving = replace(views[0], example_stride=views[1].offset - views[0].offset)
    return moving if all(_at(moving, step) == view for step, view in enumerate(views)) else None

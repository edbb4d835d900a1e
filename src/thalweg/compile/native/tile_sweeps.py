"""Sweeps over the examples, tile by tile: what belongs to a tile is computed while it is in cache, and totals are added up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np
from llvmlite import ir

from ...graph import Graph, Node
from ..examples import Examples
from .arrays import INT8, Function, integer, loop
from .batches import emit_batch
from .copies import emit_combine, emit_fill
from .deferred import Deferred
from .emitter import Emitter
from .feature_products import FeatureProducts
from .formulas import identity
from .memory import Memory
from .phases import Swept
from .region import Region, Tile, tiled
from .repeating import Loops
from .sweeps import begin_sweep, emit_sweep, reduction_of
from .tiles import Tiling
from .views import Area, Buffer, View

__all__ = ["TileSweep"]


@dataclass(eq=False)
class TileSweep:
    """One sweep over all examples.

    graph: of the evaluation, of which this computes what is `swept`. views: where its values lie; the sweep enters its totals.
    homes: where totals are wanted. deferred: what follows this sweep, and reads what it leaves. features: what comes before it, where
    threads share a mini-batch.
    """

    emitter: Emitter
    graph: Graph
    examples: Examples
    tiling: Tiling
    swept: Swept
    views: dict[Node, View]
    homes: Mapping[Node, View]
    deferred: Deferred
    features: FeatureProducts | None
    _places: dict[Node, View] = field(init=False)
    _totals_start: int = 0
    _totals_size: int = 0

    def emit(self) -> None:
        """Emits the sweep, and what adds up the totals of its chunks, in a fixed order."""
        self._choose_places()
        sweep = begin_sweep(self.emitter)
        self._emit_chunk(sweep.function, sweep.chunk)
        emit_sweep(self.emitter, sweep)
        if not self._has_parts:
            self.views.update(self._places)
            return
        for node, place in self._places.items():
            self.views[node] = self.homes.get(node) or self._of_first_chunk(node, place)
        for (_, reduction, _), alike in groupby(self._places, self._way_to_combine):
            self._combine(reduction, list(alike))

    def _way_to_combine(self, node: Node) -> tuple[View | None, str, np.dtype[Any]]:
        """Totals that lie next to each other and have this in common are combined as one array."""
        return self.homes.get(node), reduction_of(node), node.dtype

    def _combine(self, reduction: str, totals: list[Node]) -> None:
        """Adds up the totals of all chunks."""
        result, last = self.views[totals[0]], self._places[totals[-1]].buffer
        first = self._of_first_chunk(totals[0], self._places[totals[0]])
        if len(totals) > 1:
            size = last.size + (last.position - self._places[totals[0]].buffer.position) // last.dtype.itemsize
            result = first = replace(first, strides=(1,), shape=(size,))
        chunks, vector_bytes = self.tiling.chunks, self.emitter.whole_vector_bytes
        emit_combine(self.emitter.main, reduction, first, result, self._totals_size, chunks, vector_bytes)

    @property
    def _has_parts(self) -> bool:
        """Whether each chunk has totals of its own."""
        return self.tiling.chunks > 1

    def _choose_places(self) -> None:
        """Where totals are written: one set for each chunk, if there are several."""
        emitter, totals = self.emitter, self.swept.totals
        if not self._has_parts:
            self._places = {node: self.homes.get(node) or emitter.room_for(node) for node in totals}
            return
        memory, lanes = Memory(), emitter.lane_axis
        self._places = {node: memory.array(Area.TOTALS, node.shape, node.dtype, lanes.get(node)) for node in totals}
        self._totals_size = memory.used[Area.TOTALS]
        block = emitter.memory.buffer(Area.WORKSPACE, self._totals_size * self.tiling.chunks, np.dtype(np.bool_))
        self._totals_start = block.position

    def _emit_chunk(self, function: Function, chunk: ir.Value) -> None:
        """The tiles of a chunk; what no whole tile is left for comes with the last chunk."""
        tiling, builder = self.tiling, function.builder
        if self._has_parts:
            moved = builder.mul(chunk, integer(self._totals_size))
            moved = builder.add(moved, integer(self._totals_start))
            function.areas[Area.TOTALS] = builder.gep(function.areas[Area.WORKSPACE], [moved], source_etype=INT8)
        if tiling.is_divided:
            for node, view in self._places.items():
                emit_fill(function, view, identity(reduction_of(node), node.dtype))
        count = tiling.count // tiling.rows
        begin = builder.sdiv(builder.mul(chunk, integer(count)), integer(tiling.chunks))
        after = builder.add(chunk, integer(1))
        end = builder.sdiv(builder.mul(after, integer(count)), integer(tiling.chunks))
        if count == 1:
            self._emit_tile(function, tiling.rows, integer(0))
        else:

            def body(index: ir.Value) -> None:
                tile = builder.add(begin, index)
                self._emit_tile(function, tiling.rows, builder.mul(tile, integer(tiling.rows)))

            loop(function, builder.sub(end, begin), body, "tiles")
        left = tiling.count % tiling.rows
        if left:
            is_last = builder.icmp_signed("==", chunk, integer(tiling.chunks - 1))
            with builder.if_then(is_last):
                self._emit_tile(function, left, integer(tiling.count - left))

    def _emit_tile(self, function: Function, rows: int, first: ir.Value) -> None:
        """So many examples, from the first on."""
        emitter, axis = self.emitter, self.examples.axis
        function.example = first
        with emitter.borrowed_scratch():
            views = dict(self.views)
            for node in self.graph.inputs:
                if node in axis:
                    views[node] = tiled(emitter.inputs[node], axis[node], rows)
            if self.features is not None:
                self.features.batch.emit_rows(function, views, rows)
            elif emitter.sampling:
                emit_batch(emitter, function, views, rows)
            wanted: dict[Node, View | None] = dict(self._places)
            for node in self.swept.outputs:
                wanted[node] = tiled(emitter.outputs[self.graph.outputs.index(node)], axis[node], rows)
            for node, view in self.deferred.factors.items():
                if node in self.swept.nodes:
                    wanted[node] = tiled(view, axis[node], rows)
            region = Region(
                emitter.memory,
                views,
                Area.SCRATCH,
                emitter.vector_bytes,
                emitter.constant_view,
                lambda node: not emitter.is_large and node not in wanted,
                Tile(rows, axis, self.tiling.is_divided),
                emitter.lane_axis,
            )
            function.locals = {}
            nodes = self.swept.nodes
            if self.features is not None:
                views |= self.features.emit_totals(function, nodes, rows, wanted)
                nodes = [node for node in nodes if node not in self.features.parts]
            loops = Loops(emitter, region, partial(emitter.function_for_group, function))
            parts = emitter.parts_of(nodes, wanted)
            loops.emit_parts(parts if loops.can_be_emitted(parts, wanted) else [nodes], wanted, wanted)

    def _of_first_chunk(self, node: Node, place: View) -> View:
        """Where a total of the first chunk lies, as all can see it; those of the others follow."""
        buffer = Buffer(Area.WORKSPACE, self._totals_start + place.buffer.position, node.dtype, place.buffer.size)
        return View(buffer, 0, place.strides, place.shape)

"""Where a mini-batch goes: room for the examples that are drawn, in the tile or in arrays of the whole batch."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from llvmlite import ir

from ...graph import Node
from .arrays import Function, integer
from .emitter import Emitter
from .region import tiled
from .sampling import (
    INTEGER,
    Columns,
    Sample,
    emit_draw,
    emit_gather,
    emit_gather_columns,
    emit_prefetch,
    emit_prefetch_columns,
    emit_sample,
    is_worth_prefetching,
)
from .shares import Share
from .views import Area, View

__all__ = ["SharedBatch", "emit_batch"]


def emit_batch(emitter: Emitter, function: Function, views: dict[Node, View], rows: int) -> None:
    """Draws the examples of a tile and copies them to where `views` then finds them; where tile and batch are the same, it looks ahead."""
    sampling = emitter.sampling
    assert sampling is not None
    arrays = []
    for number in sampling.data_inputs:
        node = emitter.graph.inputs[number]
        views[node] = emitter.memory.array(Area.SCRATCH, (rows, *node.shape[1:]), node.dtype)
        arrays.append((emitter.inputs[node], views[node]))
    chosen, tag = emitter.memory.array(Area.SCRATCH, (rows,), INTEGER), None
    if rows == sampling.batch and is_worth_prefetching(sampling, [source for source, _ in arrays]):
        # What is drawn ahead must outlast the step.
        chosen = emitter.memory.array(Area.WORKSPACE, (rows,), INTEGER)
        tag = emitter.memory.array(Area.WORKSPACE, (), INTEGER)
    sample = Sample(emitter.iteration, emitter.seed, chosen, tag, rows, arrays)
    emit_sample(function, sampling, sample, emitter.vector_bytes)


@dataclass(eq=False)
class SharedBatch:
    """A mini-batch that threads share: its examples are drawn once, and each chunk copies some of them.

    kept: where data lie for the whole batch, since something reads them after the tile. by_columns: those among them of which each chunk
    copies some columns of all examples.
    """

    emitter: Emitter
    kept: Mapping[Node, View]
    by_columns: Collection[Node] = ()
    _chosen: View = field(init=False)
    _upcoming: View = field(init=False)
    _data: list[Node] = field(init=False)
    looks_ahead: bool = field(init=False)

    def __post_init__(self) -> None:
        emitter, sampling = self.emitter, self.emitter.sampling
        assert sampling is not None
        self._data = [emitter.graph.inputs[number] for number in sampling.data_inputs]
        self._chosen, self._upcoming = (
            emitter.memory.array(Area.WORKSPACE, (sampling.batch,), INTEGER) for _ in range(2)
        )
        self.looks_ahead = is_worth_prefetching(sampling, [emitter.inputs[node] for node in self._data])

    def emit_draw(self) -> None:
        """Draws the examples of this step and of the next, in the main function."""
        emitter = self.emitter
        assert emitter.sampling is not None
        drawn = (self._chosen, self._upcoming) if self.looks_ahead else (self._chosen,)
        emit_draw(emitter.main, emitter.sampling, emitter.iteration, emitter.seed, drawn)

    def emit_rows(self, function: Function, views: dict[Node, View], rows: int) -> None:
        """Copies the examples of a chunk to where `views` then finds them; asks for its next ones, if nothing follows its tile."""
        emitter, arrays = self.emitter, []
        for node in self._data:
            kept = self.kept.get(node)
            if kept is None:
                views[node] = emitter.memory.array(Area.SCRATCH, (rows, *node.shape[1:]), node.dtype)
            else:
                views[node] = tiled(kept, 0, rows)
            if node not in self.by_columns:
                arrays.append((emitter.inputs[node], views[node]))
        assert function.example is not None
        emit_gather(function, arrays, self._at(function, self._chosen, function.example), rows, emitter.vector_bytes)
        if self.looks_ahead and not self.kept:
            upcoming = self._at(function, self._upcoming, function.example)
            emit_prefetch(function, [source for source, _ in arrays], upcoming, rows)

    def emit_columns(self, function: Function, node: Node, share: Share, unit: int) -> None:
        """Copies some columns of all examples to where they are kept."""
        emit_gather_columns(function, self._columns(function, node, self._chosen, share), self.kept[node], unit)

    def emit_requests(
        self, function: Function, chunk: ir.Value, rows: int, columns: Mapping[Node, Share], part: ir.Value, parts: int
    ) -> None:
        """Asks for a part of what a chunk copies in the next step: of its examples, or of its columns of all."""
        if not self.looks_ahead:
            return
        sources = [self.emitter.inputs[node] for node in self._data if node not in columns]
        upcoming = self._at(function, self._upcoming, function.builder.mul(chunk, integer(rows)))
        emit_prefetch(function, sources, upcoming, rows, part, parts)
        for node, share in columns.items():
            emit_prefetch_columns(function, self._columns(function, node, self._upcoming, share), part, parts)

    def _at(self, function: Function, numbers: View, first: ir.Value) -> ir.Value:
        return function.at(function.start_of_view(numbers), INTEGER, first)

    def _columns(self, function: Function, node: Node, numbers: View, share: Share) -> Columns:
        assert self.emitter.sampling is not None
        chosen = function.start_of_view(numbers)
        return Columns(self.emitter.inputs[node], chosen, self.emitter.sampling.batch, share)

"""Where a mini-batch goes: room for the examples that are drawn, in the tile or in arrays of the whole batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...graph import Node
from .arrays import Function
from .emitter import Emitter
from .region import tiled
from .sampling import INTEGER, Sample, emit_sample, is_worth_prefetching
from .views import Area, View

__all__ = ["emit_batch"]


def emit_batch(
    emitter: Emitter, function: Function, views: dict[Node, View], rows: int, kept: Mapping[Node, View]
) -> Sample | None:
    """Draws examples and copies them to where `views` then finds them.

    kept: where data lie for the whole batch, since something reads them after the tile. While that runs, the next examples can be asked
    for; so they are not yet, and are returned, if they are drawn ahead.
    """
    sampling = emitter.sampling
    assert sampling is not None
    arrays = []
    for number in sampling.data_inputs:
        node = emitter.graph.inputs[number]
        copy = (
            tiled(kept[node], 0, rows)
            if node in kept
            else emitter.memory.array(Area.SCRATCH, (rows, *node.shape[1:]), node.dtype)
        )
        arrays.append((emitter.inputs[node], copy))
        views[node] = copy
    # What is drawn ahead must outlast the step, and belong to one tile.
    is_of_chunk = rows == sampling.batch or (emitter.tiling is not None and emitter.tiling.is_split)
    looks_ahead = is_of_chunk and is_worth_prefetching(sampling, [source for source, _ in arrays])
    chosen = emitter.memory.array(Area.SCRATCH, (rows,), INTEGER)
    tag: View | None = None
    if looks_ahead:
        chosen, tag = (
            tiled(emitter.memory.array(Area.WORKSPACE, (sampling.batch,), INTEGER), 0, rows) for _ in range(2)
        )
    asks_at_once = not kept
    sample = Sample(emitter.iteration, emitter.seed, chosen, tag, rows, arrays, asks_at_once)
    emit_sample(function, sampling, sample, emitter.vector_bytes)
    return replace(sample, chosen=replace(chosen, example_stride=rows)) if looks_ahead and kept else None

"""Data that lie on the workers of a cluster."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..compile.cut import Sweep
from ..descent.chunks import chunked_engine
from ..descent.data import Chunk, Data, ScatteredData, Stream, StreamData, Totals
from ..descent.engines import Engine
from ..descent.steps import Step
from ..errors import ArgumentError, DataError
from ..graph import ArrayType
from ..storage import digest_of
from .crew import Crew
from .local_engine import LocalEngine
from .shard import ArrayShard, Draw, Shard, StreamShard
from .totals import ClusterTotals
from .tree import split_rows

__all__ = ["ClusterData", "shards_of"]


def shards_of(data: Data, most: int, workers: int) -> list[Shard]:
    """The examples as shards of nearly the same size, so many at most; of a stream, of whole parts."""
    if isinstance(data, StreamData):
        stream = data.stream
        groups = _even(stream.rows, min(most, len(stream.parts)))
        memory = stream.memory // -(-len(groups) // workers)
        return [StreamShard(_part_of(stream, group, memory)) for group in groups]
    arrays = data.arrays
    spans = split_rows(len(arrays[0]), min(most, len(arrays[0])))
    return [ArrayShard(tuple(array[first:end] for array in arrays)) for first, end in spans]


def _part_of(stream: Stream, parts: Sequence[int], memory: int) -> Stream:
    found = stream.of_parts(parts)
    found.memory = memory
    return found


def _even(rows: Sequence[int], groups: int) -> list[list[int]]:
    """Parts that follow one another as groups of about the same number of rows, none of them empty."""
    ends = np.cumsum(rows)
    middles = (ends - np.asarray(rows) / 2) / max(1, ends[-1]) * groups
    chosen = np.minimum(middles.astype(int), groups - 1)
    return [
        found for found in ([i for i, own in enumerate(chosen) if own == group] for group in range(groups)) if found
    ]


@dataclass(frozen=True, eq=False)
class ClusterData(ScatteredData):
    """Data of which this process sees totals only. original: where they come from. local_steps: see `Cluster`."""

    original: Data
    crew: Crew
    local_steps: int | None = None

    @property
    def types(self) -> tuple[ArrayType, ...]:
        """Shape and dtype of one example of each array."""
        return self.original.types

    @property
    def examples(self) -> int:
        """The number of examples."""
        return self.original.examples

    @property
    def arrays(self) -> Chunk:
        """Raises DataError."""
        raise DataError(
            "the examples lie on the workers of a cluster, and this needs all of them here: leave out cluster"
        )

    def chunks(self) -> Iterable[Chunk]:
        """A pass over all examples, here."""
        return self.original.chunks()

    @property
    def key(self) -> Hashable:
        """The crew."""
        return id(self.crew)

    def totals(self, sweeps: Sequence[Sweep], threads: int) -> Totals:
        """Asks the workers."""
        return ClusterTotals(self.crew, sweeps, len(self.types))

    @property
    def identity(self) -> str:
        """What the examples are known by, and how they are divided: digits depend on that."""
        known = self.original.identity if isinstance(self.original, ScatteredData) else digest_of(self.original.arrays)
        local = (
            "" if self.local_steps is None else f", {self.local_steps} local steps of {len(self.crew.members)} workers"
        )
        return f"{known}, in {len(self.crew.shards)} shards{local}"

    def engine(self, step: Step, batch: int | None, seed: int, iteration: int, next_record: int) -> Engine:
        """What carries a descent forward that goes on with the step's own state."""
        count = len(self.types)
        if batch is not None and not all(shard.fits for shard in self.crew.shards.values()):
            raise ArgumentError(
                f"batch_size={batch}: on a cluster, mini-batches are drawn from examples in the workers' memory, where these do not "
                "fit. Give the stream more memory, or leave out batch_size"
            )
        if batch is not None and self.local_steps is not None:
            return LocalEngine(self.crew, step, batch, seed, self.local_steps, iteration=iteration)
        if self.local_steps is not None:
            raise ArgumentError("local_steps are steps of mini-batches: pass batch_size as well")
        totals: list[ClusterTotals] = []

        def of(sweeps: Sequence[Sweep]) -> ClusterTotals:
            totals.append(ClusterTotals(self.crew, sweeps, count))
            return totals[0]

        engine = chunked_engine(step, count, of, (), iteration, next_record)
        if batch is not None:
            shards = [self.crew.shards[number].examples for number in range(len(self.crew.shards))]
            bounds = tuple(np.cumsum([0, *shards]).tolist())
            engine.data = lambda iteration: _turn(totals[0], Draw(iteration, batch, seed, bounds))
        return engine


def _turn(totals: ClusterTotals, draw: Draw) -> tuple[()]:
    """The mini-batch of an iteration is drawn on the workers; nothing is read here."""
    totals.draw = draw
    return ()

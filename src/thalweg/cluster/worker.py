"""What runs on the other side: a process that holds shards of the examples and answers with totals over them.

It gets graphs as plain data and arrays, never code of the user's.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..compile.cut import Sweep, added, sweep_of
from ..descent.chunks import ChunkTotals, total_of_chunks
from ..graph import Array
from ..ops.plain import from_plain
from .shards import Span, reduced, subtrees

__all__ = ["Answer", "ArrayShard", "Shard", "Worker", "packed", "unpacked"]


class Shard(Protocol):
    """Where a worker gets the examples of a shard."""

    def chunks(self) -> Sequence[Sequence[Array]]:
        """The examples, in one or more chunks."""
        ...


@dataclass(frozen=True, eq=False)
class ArrayShard:
    """Examples that lie in memory, or in the cluster's store."""

    arrays: tuple[Array, ...]

    def chunks(self) -> Sequence[Sequence[Array]]:
        """All examples as one chunk."""
        return [self.arrays]


@dataclass(frozen=True, eq=False)
class Answer:
    """Totals of subtrees of shards, each as one vector, and how long they took. examples: how many went into them."""

    totals: Mapping[Span, Array]
    seconds: float
    examples: int


class Worker:
    """Holds shards. threads: that share the work of one."""

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads
        self.shards: dict[int, Shard] = {}
        self.sweeps: list[Sweep] = []

    def hold(self, shards: Mapping[int, Shard]) -> None:
        """Takes charge of more shards."""
        self.shards.update(shards)

    def learn(self, graphs: Sequence[dict[str, Any]], arrays: int) -> None:
        """Gets the sweeps of a descent. arrays: how many arrays of data there are."""
        self.sweeps = [sweep_of(from_plain(graph), arrays) for graph in graphs]
        self._of_chunks = ChunkTotals(self.sweeps, lambda: (), self.threads)

    def totals(self, number: int, values: Sequence[Array], shards: Sequence[int]) -> Answer:
        """The totals of a sweep over these shards, added up as far as they make whole subtrees."""
        begin, examples = time.perf_counter(), 0
        sweep = self.sweeps[number]
        found: dict[Span, list[Array]] = {}
        for shard in shards:
            parts = []
            for chunk in self.shards[shard].chunks():
                parts.append(self._of_chunks.of_chunk(number, values, chunk))
                examples += len(chunk[0])
            found[(shard, shard + 1)] = total_of_chunks(sweep, parts)
        whole = reduced(found, lambda a, b: added(sweep, a, b))
        assert list(whole) == subtrees(shards)
        packed_totals = {span: packed(totals) for span, totals in whole.items()}
        return Answer(packed_totals, time.perf_counter() - begin, examples)

    def ready(self) -> int:
        """The number of the process."""
        import os

        return os.getpid()


def packed(totals: Sequence[Array]) -> Array:
    """All totals as one vector. Whole numbers up to 2^53 survive float64."""
    return np.concatenate([np.ravel(total).astype(np.float64) for total in totals])


def unpacked(sweep: Sweep, vector: Array) -> list[Array]:
    """The totals of a sweep that were packed into one vector."""
    sizes = np.cumsum([node.type.size for node in sweep.writes])[:-1]
    parts = np.split(vector, sizes)
    return [
        part.reshape(node.shape).astype(np.float64 if node.dtype.kind == "f" else node.dtype)
        for part, node in zip(parts, sweep.writes, strict=True)
    ]

"""What runs on the other side: a process that holds shards of the examples and answers with totals over them.

It gets graphs as plain data and arrays, never code of the user's.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np

from ..compile.cut import Sweep, added, sweep_of
from ..descent.data import ChunkTotals, total_of_chunks
from ..graph import Array
from ..ops.plain import from_plain
from .local_steps import Local, Steps
from .shard import Draw, Shard
from .tree import Span, reduced

__all__ = ["Effort", "Spans", "Worker", "combined", "packed", "unpacked"]


@dataclass(frozen=True)
class Effort:
    """What an answer took. examples: how many went into it."""

    seconds: float
    examples: int


Spans = dict[Span, Array]
"""Totals of subtrees of shards, each as one vector."""


class Worker:
    """Holds shards. threads: that share the work of one."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.shards: dict[int, Shard] = {}
        self.programs: dict[int, ChunkTotals] = {}

    def hold(self, number: int, shard: Shard) -> None:
        """Takes charge of one more shard."""
        self.shards[number] = shard.kept()

    def learn(self, program: int, graphs: Sequence[dict[str, Any]], arrays: int) -> None:
        """Gets the sweeps of a program. arrays: how many arrays of data there are."""
        sweeps = [sweep_of(from_plain(graph), arrays) for graph in graphs]
        self.programs[program] = ChunkTotals(sweeps, lambda: (), self.threads)

    def totals(
        self, program: int, number: int, values: Sequence[Array], shards: Sequence[int], draw: Draw | None
    ) -> tuple[Effort, Spans]:
        """The totals of a sweep over these shards, added up as far as they make whole subtrees."""
        begin, examples = time.perf_counter(), 0
        of_chunks = self.programs[program]
        sweep = of_chunks.sweeps[number]

        def parts(shard: int) -> Iterator[Sequence[Array]]:
            nonlocal examples
            for chunk in self.shards[shard].chunks() if draw is None else self._drawn(shard, draw):
                yield of_chunks.of_chunk(number, values, chunk)
                examples += len(chunk[0])

        found = (((shard, shard + 1), total_of_chunks(sweep, parts(shard))) for shard in sorted(shards))
        whole = reduced(found, lambda a, b: added(sweep, a, b))
        return Effort(time.perf_counter() - begin, examples), {span: packed(x) for span, x in whole.items()}

    def combine(self, program: int, number: int, *answers: Spans) -> Spans:
        """Answers of several workers as one."""
        return combined(self.programs[program].sweeps[number], answers)

    def _drawn(self, number: int, draw: Draw) -> Iterable[Sequence[Array]]:
        """What a mini-batch has of a shard."""
        (arrays,) = self.shards[number].chunks()
        for rows in draw.rows_of(number):
            yield [array[rows] for array in arrays]

    def learn_steps(self, plain: Mapping[str, Any], workers: int) -> None:
        """Gets the whole program of a descent, for steps of its own."""
        self._local = Local.of(plain, self.shards, workers, self.threads)

    def steps(
        self,
        state: Sequence[Array],
        settings: Sequence[Array],
        iteration: int,
        count: int,
        outside: Sequence[float],
        seed: int,
    ) -> tuple[Effort, Steps]:
        """Takes so many steps of its own."""
        begin = time.perf_counter()
        found = self._local.steps(state, settings, iteration, count, outside, seed)
        return Effort(time.perf_counter() - begin, found.examples), found

    def process(self) -> int:
        """The number of the process."""
        return os.getpid()


def combined(sweep: Sweep, answers: Sequence[Spans]) -> Spans:
    """Totals of subtrees from several workers, added up as far as they make larger ones."""
    found = {span: unpacked(sweep, vector) for answer in answers for span, vector in answer.items()}
    ordered = sorted(found.items(), key=itemgetter(0))
    return {span: packed(x) for span, x in reduced(ordered, lambda a, b: added(sweep, a, b)).items()}


def packed(totals: Sequence[Array]) -> Array:
    """All totals as one vector. Whole numbers up to 2^53 survive float64."""
    parts = [np.ravel(total).astype(np.float64, copy=False) for total in totals]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def unpacked(sweep: Sweep, vector: Array) -> list[Array]:
    """The totals of a sweep that were packed into one vector."""
    sizes = np.cumsum([node.type.size for node in sweep.writes])[:-1]
    parts = np.split(vector, sizes)
    return [
        part.reshape(node.shape).astype(np.float64 if node.dtype.kind == "f" else node.dtype)
        for part, node in zip(parts, sweep.writes, strict=True)
    ]

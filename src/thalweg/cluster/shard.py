"""Shards of the examples: how they come to a worker, and what it keeps of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from ..descent.data import Stream
from ..descent.stepped_engine import batch_rows
from ..graph import Array

__all__ = ["ArrayShard", "Draw", "Shard", "StreamShard"]


class Shard(Protocol):
    """Where a worker gets the examples of a shard."""

    @property
    def examples(self) -> int:
        """How many there are."""
        ...

    @property
    def fits(self) -> bool:
        """Whether a worker keeps all of them in memory."""
        ...

    def chunks(self) -> Iterable[Sequence[Array]]:
        """The examples, in one or more chunks; a chunk may be used until the next is asked for."""
        ...

    def kept(self) -> Shard:
        """The shard as a worker keeps it."""
        ...


@dataclass(frozen=True, eq=False)
class ArrayShard:
    """Examples that lie in memory."""

    arrays: tuple[Array, ...]
    fits = True

    @property
    def examples(self) -> int:
        """How many there are."""
        return len(self.arrays[0])

    def chunks(self) -> Iterable[Sequence[Array]]:
        """All examples as one chunk."""
        return [self.arrays]

    def kept(self) -> ArrayShard:
        """The same, in memory of this process's own: what has come through the cluster's store would fill it for as long as it is used."""
        return ArrayShard(tuple(np.array(array) for array in self.arrays))


@dataclass(frozen=True, eq=False)
class StreamShard:
    """Examples that each worker reads from files by itself."""

    stream: Stream

    @property
    def examples(self) -> int:
        """How many there are."""
        return self.stream.examples

    @property
    def fits(self) -> bool:
        """Whether they fit in the stream's memory."""
        return self.stream.fits

    def chunks(self) -> Iterable[Sequence[Array]]:
        """A pass over the examples."""
        return self.stream.chunks()

    def kept(self) -> Shard:
        """Read into memory, if it fits."""
        return ArrayShard(self.stream.whole) if self.fits else self


@dataclass(frozen=True)
class Draw:
    """The mini-batch of an iteration: the same examples that one machine draws.

    bounds: the number of the first example of each shard, then the number of all.
    """

    iteration: int
    batch: int
    seed: int
    bounds: tuple[int, ...]

    @cached_property
    def examples(self) -> Array:
        """Their numbers, counted over all shards."""
        return batch_rows(self.iteration, self.batch, self.bounds[-1], self.seed)

    def rows_of(self, shard: int) -> list[Array]:
        """Those of a shard, by their places in it; in groups of 2ⁿ, since a program is compiled for each number of rows."""
        first, end = self.bounds[shard : shard + 2]
        own = self.examples[(self.examples >= first) & (self.examples < end)] - first
        sizes = [1 << bit for bit in range(len(own).bit_length()) if len(own) >> bit & 1]
        return np.split(own, np.cumsum(sizes)[:-1]) if sizes else []

"""Shards of the examples: how they come to a worker, and what it keeps of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..descent.data import Stream
from ..graph import Array

__all__ = ["ArrayShard", "Draw", "Shard", "StreamShard"]


class Shard(Protocol):
    """Where a worker gets the examples of a shard."""

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

    def chunks(self) -> Iterable[Sequence[Array]]:
        """A pass over the examples."""
        return self.stream.chunks()

    def kept(self) -> Shard:
        """Read into memory, if it fits."""
        return ArrayShard(self.stream.whole) if self.stream.fits else self


@dataclass(frozen=True)
class Draw:
    """A mini-batch: the one of this iteration, of so many examples of all shards together. Every shard gives its share."""

    iteration: int
    batch: int
    seed: int

    def rows_of(self, shard: int, shards: int) -> int:
        """How many examples come from a shard."""
        return self.batch * (shard + 1) // shards - self.batch * shard // shards

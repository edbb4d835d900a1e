"""What the loss is given beside the parameters: arrays, or a stream of chunks of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ...compile.cut import Sweep
from ...errors import DataError
from ...graph import Array, ArrayType
from ..parameters import leaf_arrays
from .checked import arguments_of
from .pieces import Chunk
from .stream import Stream
from .totals import ChunkTotals, Totals

if TYPE_CHECKING:
    from ..engines import Engine
    from ..steps import Step

__all__ = ["ArrayData", "Data", "ScatteredData", "StreamData", "check_data", "check_finite", "data_of"]


@dataclass(frozen=True, eq=False)
class Data(ABC):
    """The data of a descent. structure: of the arguments, whose leaves are the arrays."""

    structure: Any

    @property
    @abstractmethod
    def types(self) -> tuple[ArrayType, ...]:
        """Shape and dtype of one example of each array."""

    @property
    @abstractmethod
    def examples(self) -> int:
        """The number of examples: the length of every array's first axis; 0 if there are no data."""

    @property
    @abstractmethod
    def arrays(self) -> Chunk:
        """All leaves, whole. Raises DataError if they are not in memory."""

    @abstractmethod
    def chunks(self) -> Iterable[Chunk]:
        """A pass over all examples; a chunk may be used until the next is asked for."""


@dataclass(frozen=True, eq=False)
class ArrayData(Data):
    """Data in memory."""

    leaves: Chunk

    @property
    def types(self) -> tuple[ArrayType, ...]:
        """Shape and dtype of one example of each array."""
        return tuple(ArrayType(array.shape[1:], array.dtype) for array in self.leaves)

    @property
    def examples(self) -> int:
        """The number of examples."""
        return len(self.leaves[0]) if self.leaves else 0

    @property
    def arrays(self) -> Chunk:
        """All leaves."""
        return self.leaves

    def chunks(self) -> Iterable[Chunk]:
        """All examples as one chunk."""
        return (self.leaves,) if self.leaves else ()


@dataclass(frozen=True, eq=False)
class ScatteredData(Data):
    """Data that are never together in this process's memory: there are passes over chunks, and totals over all."""

    @property
    @abstractmethod
    def key(self) -> Hashable:
        """What functions over these data are known by."""

    @property
    @abstractmethod
    def identity(self) -> str:
        """What tells these data from others in every process, as far as that can be known without reading them."""

    @abstractmethod
    def totals(self, sweeps: Sequence[Sweep], threads: int) -> Totals:
        """What forms the totals of these sweeps."""

    def engine(self, step: Step, batch: int | None, seed: int, iteration: int, next_record: int) -> Engine | None:
        """What carries a descent forward that goes on with the step's own state; None for the usual engine."""
        return None


@dataclass(frozen=True, eq=False)
class StreamData(ScatteredData):
    """Data of which only chunks are in memory."""

    stream: Stream

    @property
    def types(self) -> tuple[ArrayType, ...]:
        """Shape and dtype of one example of each array."""
        return self.stream.types

    @property
    def examples(self) -> int:
        """The number of examples."""
        return self.stream.examples

    @property
    def arrays(self) -> Chunk:
        """Raises DataError."""
        return self.stream.whole

    @property
    def key(self) -> Hashable:
        """The stream."""
        return self.stream

    @property
    def identity(self) -> str:
        """How many examples there are, of which types, and the memory, which sets the windows."""
        types = ", ".join(map(str, self.types))
        return f"a stream of {self.examples} examples of {types}, with {self.stream.memory} bytes of memory"

    def chunks(self) -> Iterable[Chunk]:
        """A pass over the stream."""
        return self.stream.chunks()

    def totals(self, sweeps: Sequence[Sweep], threads: int) -> Totals:
        """Passes over the stream."""
        return ChunkTotals(sweeps, self.stream.chunks, threads)


def data_of(data: Any) -> Data:
    """The data of a descent. `data` is what the loss gets after the parameters: a tuple of arguments, one array, or a `Stream`.

    Raises DataError if arrays differ in length, are empty, or hold no numbers. NaN and infinity are looked for if a loss is not finite.
    """
    if isinstance(data, Stream):
        return ArrayData(data.structure, data.whole) if data.fits else StreamData(data.structure, data)
    if data is None:
        return _no_data()
    leaves, structure = leaf_arrays(arguments_of(data))
    for number, array in enumerate(leaves):
        if not array.ndim:
            raise DataError(
                f"data[{number}] is a single number; data hold one row per example. Write it into the loss instead."
            )
        if array.shape[0] != leaves[0].shape[0]:
            raise DataError(
                f"data[0] has {leaves[0].shape[0]} rows and data[{number}] has {array.shape[0]}: "
                "all arrays of data need one row per example"
            )
        if not array.size:
            raise DataError(f"data[{number}] is empty: its shape is {array.shape}")
    return ArrayData(structure, tuple(leaves))


@cache
def _no_data() -> ArrayData:
    return ArrayData(leaf_arrays(())[1], ())


def check_data(data: Data, name: str = "data") -> None:
    """Raises DataError, naming the row and the column, if the data hold NaN or infinity."""
    first = 0
    for chunk in data.chunks():
        for number, array in enumerate(chunk):
            check_finite(array, f"{name}[{number}]", first)
        first += len(chunk[0])


def check_finite(array: Array, name: str, first: int = 0) -> None:
    """Raises DataError, naming the row and the column, if an array of data holds NaN or infinity. first: number of its first row."""
    if array.dtype.kind != "f":
        return
    step = max(1, (1 << 20) // max(1, array[0].size))
    for start in range(0, array.shape[0], step):
        block = array[start : start + step]
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(np.sum(block, dtype=np.float64)):
                continue
        bad = np.argwhere(~np.isfinite(block))
        if bad.size:
            row, *rest = bad[0].tolist()
            column = f", column {rest[0]}" if rest else ""
            value = block[tuple(bad[0])]
            raise DataError(
                f"{name} holds {value} in row {row + start + first}{column} (counted from 0). Remove the row or fill the value "
                "in, for example with the column's median."
            )

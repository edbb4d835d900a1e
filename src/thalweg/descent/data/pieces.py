"""Rows on their way from the parts of a stream into memory: pieces of any length, written into chunks of another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from ...errors import DataError
from ...graph import Array
from ..parameters import leaf_arrays

__all__ = ["Chunk", "CopiedPiece", "Piece", "fill_buffers", "leaves_of", "slices"]

Chunk = tuple[Array, ...]
"""Rows of every array of the data, the same ones of each."""


class Piece(Protocol):
    """Rows that can write themselves into arrays, so that they are not copied twice."""

    def __len__(self) -> int: ...

    def write(self, into: Chunk, start: int, stop: int) -> None:
        """Writes rows `start` to `stop` into arrays with so many rows."""


class CopiedPiece:
    """A piece of given arrays."""

    def __init__(self, arrays: Sequence[Array]) -> None:
        self._arrays = arrays

    def __len__(self) -> int:
        return len(self._arrays[0])

    def write(self, into: Chunk, start: int, stop: int) -> None:
        """Copies rows `start` to `stop`."""
        for target, array in zip(into, self._arrays, strict=True):
            target[:] = array[start:stop]


def leaves_of(given: Any) -> tuple[list[Array], Any]:
    """The arrays of a chunk. Raises DataError if they are none, or differ in length."""
    arrays, structure = leaf_arrays(given if isinstance(given, tuple) else (given,))
    if not arrays or any(not array.ndim for array in arrays):
        raise DataError("a chunk of a stream is an array, or a tuple of arrays, with one row per example")
    for number, array in enumerate(arrays):
        if len(array) != len(arrays[0]):
            raise DataError(
                f"a chunk of the stream has {len(arrays[0])} rows in array 0 and {len(array)} in array {number}: all need one row "
                "per example"
            )
    return arrays, structure


def slices(arrays: Chunk, rows: int) -> Iterator[Chunk]:
    """Arrays in chunks of so many rows."""
    for start in range(0, len(arrays[0]), rows):
        yield tuple(array[start : start + rows] for array in arrays)


def fill_buffers(source: Iterator[tuple[Piece, int]], buffers: Iterator[Chunk]) -> Iterator[Chunk]:
    """Writes pieces of any number of rows into buffers of any number of rows. There are as many rows as they take, or more buffers."""
    target: Chunk | None = None
    filled = 0
    for piece, start in source:
        while start < len(piece):
            if target is None:
                target, filled = next(buffers), 0
            rows = len(target[0])
            stop = min(len(piece), start + rows - filled)
            end = filled + stop - start
            piece.write(tuple(array[filled:end] for array in target), start, stop)
            start, filled = stop, end
            if filled == rows:
                yield target
                target = None

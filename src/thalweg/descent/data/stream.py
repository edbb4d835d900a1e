"""Examples that need not fit in memory: read part by part, as often as needed, while the descent goes on."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import cached_property
from typing import Any

import numpy as np

from ...compile.native.permutation import permutation
from ...errors import ArgumentError, DataError
from ...graph import ArrayType
from ..parameters import leaf_arrays
from .ahead import Ahead
from .memory import bytes_of, mapped, size_text
from .pieces import Chunk, CopiedPiece, Piece, fill_buffers, leaves_of, slices

__all__ = ["Stream"]

_LASTING = ("parts", "memory", "rows", "examples", "row_bytes", "_form", "_by_columns", "_readers")

Part = Callable[[], Iterable[Any]]
Pieces = Iterator[tuple[int, Piece]]
"""Pieces of several parts, one part after the other, each piece with the place of its part among them."""

_CHUNK_BYTES = 1 << 24
_LINE = 16
"""Numbers in one cache line, or two."""
_SLOTS = 3
"""Chunks at the same time: one is swept, one is ready, one is being filled."""


class Stream:
    """Data for `minimize` that need not fit in memory.

    parts: functions without arguments. Each returns the examples of one part, such as a file or a group of rows, from its
        beginning whenever it is called: an iterable of what the loss gets after the parameters, an array or a tuple of arrays with
        one row per example, any number of rows at a time. A pass reads the parts in their order; mini-batches in a
        shuffled order, so many small parts are shuffled better than one large one.
    rows: how many examples each part has; by default they are counted, in a pass over all parts.
    memory: what reading may take beside the program itself: bytes, or text such as "2 GB". If all examples fit into five
        eighths of it, they are read once and kept. Else as many as fit are kept, and the others are read again in each pass, by a
        thread that is ahead of the descent.

    >>> X = np.arange(12.0).reshape(6, 2)
    >>> stream = Stream(lambda: [X[:4]], lambda: [X[4:]], memory="100 MB")
    >>> stream.examples, stream.rows
    (6, (4, 2))
    """

    def __init__(self, *parts: Part, rows: Sequence[int] | None = None, memory: int | str = "1 GB") -> None:
        if not parts:
            raise ArgumentError("Stream() without parts: pass functions that return the chunks of each part")
        for number, part in enumerate(parts):
            if not callable(part):
                raise ArgumentError(
                    f"part {number} of the stream is a {type(part).__name__}; expected a function without arguments, which returns "
                    "the chunks anew each time, such as lambda: read_chunks(path)"
                )
        self.parts = parts
        self.memory = bytes_of(memory)
        if rows is not None:
            self.rows = _checked_rows(rows, len(parts))
        self._by_columns: frozenset[int] = frozenset()
        self._readers: tuple[Callable[[Sequence[Any]], Pieces], ...] = ()
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._kept: list[Chunk] = []
        self._has_windows = False
        self._lock = threading.Lock()

    @cached_property
    def rows(self) -> tuple[int, ...]:
        """The number of examples in each part."""
        found = [0] * len(self.parts)
        for number, piece in self._pieces(self._all):
            found[number] += len(piece)
        return tuple(found)

    @cached_property
    def examples(self) -> int:
        """The number of examples in all parts. Raises DataError if there are none."""
        found = sum(self.rows)
        if not found:
            raise DataError("the stream is empty: none of its parts has an example")
        return found

    @property
    def types(self) -> tuple[ArrayType, ...]:
        """Shape and dtype of one example of each array."""
        return self._form[0]

    @property
    def structure(self) -> Any:
        """The nesting of the arrays, as the loss gets them."""
        return self._form[1]

    @cached_property
    def _form(self) -> tuple[tuple[ArrayType, ...], Any]:
        for part in self.parts:
            for given in part():
                arrays, structure = leaves_of(given)
                return tuple(ArrayType(array.shape[1:], array.dtype) for array in arrays), structure
        raise DataError("the stream is empty: none of its parts has a chunk of examples")

    @cached_property
    def row_bytes(self) -> int:
        """What one example takes in memory."""
        return max(1, sum(type.size * type.dtype.itemsize for type in self.types))

    @property
    def fits(self) -> bool:
        """Whether all examples can be kept in memory."""
        return self.examples * self.row_bytes <= self.memory * 5 // 8

    @cached_property
    def whole(self) -> Chunk:
        """All examples in memory. Raises DataError if they do not fit."""
        if not self.fits:
            needed = self.examples * self.row_bytes
            raise DataError(
                f"{self.examples:,} examples take {size_text(needed)}, which does not fit in memory={size_text(self.memory)!r} "
                "with room for reading, so they are streamed; this needs all of them at once. Give more memory, or "
                "leave out what needs them: restarts, grids, the NumPy target, losses that combine examples."
            )
        found = self._empty(self.examples)
        for _ in self._filled(lambda reader: fill_buffers(self._rows_of(self._all, 0, reader), iter([found])), 1):
            pass
        return found

    @cached_property
    def chunk_rows(self) -> int:
        """The rows of every chunk but the last."""
        rows = max(1, min(_CHUNK_BYTES, self.memory // 16) // self.row_bytes)
        if self._by_columns and rows >= 2 * _LINE:
            # Columns that were a power of two apart would compete for the same places in the cache.
            rows -= rows % (2 * _LINE) + _LINE
        return rows

    def chunks(self) -> Iterator[Chunk]:
        """A pass over all examples, in chunks of `chunk_rows` rows. A chunk may be used until the next is asked for.

        Arrays given by columns lie in memory so, unless all examples are there. What fits is kept; the rest is read by a thread,
        while chunks are used. Raises DataError if a part is not what it was.
        """
        if "whole" in self.__dict__:
            yield from slices(self.whole, self.chunk_rows)
            return
        kept = tuple(self._kept)
        if sum(len(chunk[0]) for chunk in kept) == self.examples:
            yield from kept
            return
        yield from self._read_after(kept)

    def windows(self, rows: int, seed: int, first: int = 0) -> Generator[Chunk, None, None]:
        """Endlessly, windows of so many rows, beginning with the one numbered `first`; each may be used until the next is asked for.

        They follow one another through the parts, in an order that is shuffled anew, by the seed, whenever all were read.
        """
        ring = [self._empty(rows) for _ in range(2)]
        self._has_windows = True
        self._kept.clear()

        def fill(reader: int) -> Iterator[Chunk]:
            return fill_buffers(self._endless_rows(seed, rows * first, reader), itertools.cycle(ring))

        try:
            yield from self._filled(fill, len(ring))
        finally:
            self._has_windows = False

    def window_rows(self, batch: int) -> int:
        """The rows of a window: a multiple of the batch, so that two windows take five eighths of the memory."""
        most = self.memory * 5 // 16 // self.row_bytes
        if most < batch:
            raise ArgumentError(
                f"batch_size={batch} takes {size_text(batch * self.row_bytes)}, of which not even two fit in "
                f"memory={size_text(self.memory)!r}: take smaller batches, or give more memory"
            )
        return most // batch * batch

    @classmethod
    def of_pieces(
        cls,
        readers: Sequence[Callable[[Sequence[Any]], Pieces]],
        parts: Sequence[Part],
        types: Sequence[ArrayType],
        rows: Sequence[int],
        memory: int | str,
        by_columns: Collection[int] = (),
    ) -> Stream:
        """A stream whose parts are read as pieces.

        readers: some of the parts, in any order → their pieces. Each is run by a thread of its own, and its pieces write what no
        other's do, such as some of the columns, of all examples.
        types: shape and dtype of one example of each array of a tuple. by_columns: the numbers of the arrays, of two axes, whose
        columns are each written at once: chunks hold them column by column in memory.
        """
        found = cls(*parts, rows=rows, memory=memory)
        structure = leaf_arrays(tuple(np.empty(0) for _ in types))[1]
        found._form = tuple(types), structure
        found._by_columns = frozenset(by_columns)
        found._readers = tuple(readers)
        return found

    def of_parts(self, numbers: Sequence[int]) -> Stream:
        """The stream of some of the parts, with the same bound of memory."""
        found = Stream(*(self.parts[number] for number in numbers), memory=self.memory)
        found.rows = tuple(self.rows[number] for number in numbers)
        found._form = self._form
        found._by_columns = self._by_columns
        found._readers = self._readers
        return found

    def __getstate__(self) -> dict[str, Any]:
        """Without what was read: elsewhere it is read again."""
        return {name: self.__dict__[name] for name in _LASTING if name in self.__dict__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._begin_anew()

    def __repr__(self) -> str:
        return f"<Stream: {len(self.parts):,} parts, memory {size_text(self.memory)}>"

    # Reading
    def _read_after(self, kept: Sequence[Chunk]) -> Generator[Chunk, None, None]:
        """The chunks, of which the first ones are there. More are kept if there is room."""
        rows = self.chunk_rows
        room = 0 if self._has_windows else self.memory // 8 // (self.row_bytes * rows)
        first, end = len(kept), -(-self.examples // rows)
        ring = [self._blank(rows) for _ in range(_SLOTS)]
        to_keep: dict[int, Chunk] = {}

        def chunk(number: int) -> Chunk:
            with self._lock:
                if number < room and number not in to_keep:
                    to_keep[number] = self._blank(rows)
            return self._chunk(to_keep.get(number, ring[number % _SLOTS]), min(rows, self.examples - number * rows))

        def fill(reader: int) -> Iterator[Chunk]:
            return fill_buffers(self._rows_of(self._all, first * rows, reader), map(chunk, range(first, end)))

        for number, found in enumerate(self._filled(fill, _SLOTS, kept)):
            with self._lock:
                if number < room and number == len(self._kept):
                    self._kept.append(found)
            yield found

    def _filled(
        self, fill: Callable[[int], Iterator[Chunk]], slots: int, before: Iterable[Chunk] = ()
    ) -> Generator[Chunk, None, None]:
        """Chunks that every reader has filled, ahead, in threads; and before them others.

        fill: the number of a reader → the chunks, in the same memory for all readers, each when this one has filled it.
        """
        with ExitStack() as stack:
            threads = [stack.enter_context(Ahead(fill(number), slots)) for number in range(max(1, len(self._readers)))]
            yield from before
            for chunk, *_ in zip(*threads, strict=False):
                yield chunk

    @property
    def _all(self) -> Sequence[int]:
        return range(len(self.parts))

    def _empty(self, rows: int) -> Chunk:
        return tuple(mapped((rows, *type.shape), type.dtype) for type in self.types)

    def _blank(self, rows: int) -> Chunk:
        """Memory for a chunk."""
        return tuple(array.reshape(-1) for array in self._empty(rows))

    def _chunk(self, memory: Chunk, rows: int) -> Chunk:
        """The arrays of a chunk of so many rows, at the beginning of memory."""
        arrays = []
        for number, (flat, type) in enumerate(zip(memory, self.types, strict=True)):
            used = flat[: rows * type.size]
            arrays.append(
                used.reshape(*type.shape, rows).T if number in self._by_columns else used.reshape(rows, *type.shape)
            )
        return tuple(arrays)

    def _rows_of(self, order: Sequence[int], skip: int, reader: int) -> Iterator[tuple[Piece, int]]:
        """The pieces that a reader gives of parts in a given order, without the first `skip` rows, and where each begins.

        Parts that are skipped whole are not read.
        """
        begin = 0
        while begin < len(order) and skip >= self.rows[order[begin]]:
            skip -= self.rows[order[begin]]
            begin += 1
        order = order[begin:]
        place = found = 0
        with closing(self._pieces(order, reader)) as pieces:
            for place_of_piece, piece in pieces:
                while place < place_of_piece:
                    self._check_count(order[place], found)
                    place, found = place + 1, 0
                found += len(piece)
                if found > self.rows[order[place]]:
                    break
                if skip < len(piece):
                    yield piece, skip
                skip = max(0, skip - len(piece))
        for number in order[place:]:
            self._check_count(number, found)
            found = 0

    def _check_count(self, number: int, found: int) -> None:
        if found != self.rows[number]:
            raise DataError(
                f"part {number} of the stream has {found:,} examples now, and had {self.rows[number]:,}: every pass has to "
                "read the same ones"
            )

    def _endless_rows(self, seed: int, skip: int, reader: int) -> Iterator[tuple[Piece, int]]:
        epoch, skip = divmod(skip, self.examples)
        while True:
            order = permutation(len(self.parts), seed, epoch).tolist()
            yield from self._rows_of(order, skip, reader)
            epoch, skip = epoch + 1, 0

    def _pieces(self, order: Sequence[int], reader: int = 0) -> Generator[tuple[int, Piece], None, None]:
        """The pieces of parts in a given order, each with the place of its part there."""
        if self._readers:
            yield from self._readers[reader]([self.parts[number] for number in order])
            return
        for place, number in enumerate(order):
            for given in self.parts[number]():
                yield place, self._copied(given, number)

    def _copied(self, given: Any, number: int) -> Piece:
        """What a part gave, checked."""
        types, structure = self._form
        arrays, own = leaves_of(given)
        found = tuple(ArrayType(array.shape[1:], array.dtype) for array in arrays)
        if own != structure or found != types:
            said = [", ".join(f"{type.dtype}{list(type.shape)}" for type in these) for these in (types, found)]
            raise DataError(
                f"part {number} of the stream has a chunk whose rows are {said[1]}; those of the first chunk are {said[0]}. "
                "All chunks need the same arrays, with the same dtypes"
            )
        return CopiedPiece(arrays)


def _checked_rows(rows: Sequence[int], parts: int) -> tuple[int, ...]:
    found = tuple(int(count) for count in rows)
    if len(found) != parts or min(found) < 0:
        raise ArgumentError(f"rows={rows!r}: expected one number of examples for each of the {parts} parts")
    return found

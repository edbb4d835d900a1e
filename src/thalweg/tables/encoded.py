"""The examples of a table that does not fit in memory, as a stream: decoded, encoded and split, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from ..compile.function import CompiledFunction, compiled
from ..compile.processors import available_processors
from ..descent.data import Ahead, Chunk, Stream
from ..graph import Array, ArrayType
from ..trace import trace
from .arrow import as_numpy
from .column import Kind
from .encoding import Encoding, fill_features, span_of
from .part import Part
from .split import is_held_row
from .survey import Survey
from .table import Table

__all__ = ["EncodedRows", "Targets", "stream_of"]

_BLOCK, _TOGETHER = 8192, 32
"""Rows and columns of numbers that compiled code writes at a time."""
_MOST_READERS = 8
"""More threads would wait for Python's lock, and then for memory."""
_LEAST_ROWS, _MOST_ROWS = 1 << 10, 1 << 17
"""In a batch: a power of two, since Arrow takes memory for so many."""
_BATCH_SHARE = 8
"""A batch of all columns takes this part of the memory at most; each thread has about two, of its own columns. With smaller
batches threads wait more often for Python's lock."""
_TARGET_LOAD = 4
"""What a target takes to read; a number that is a feature takes 2."""

Targets = Callable[[Table], Chunk]
"""The rows of a table → what the loss takes after the features, for each row: targets, and weights if there are any."""


def stream_of(
    survey: Survey,
    targets: Targets,
    types: tuple[ArrayType, ...],
    dtype: np.dtype[Any],
    is_validation: bool,
    memory: int,
    more: tuple[str, ...] = (),
) -> Stream:
    """The training or validation rows of a table: features (n,) of a dtype, then what `targets` gives, of these types.

    more: columns that `targets` needs. Each part of the source that can be read alone is a part of the stream. Where some columns
    can be read without the others, threads share them.
    """
    split = survey.split
    deciding = (*split.targets, *split.complete) if survey.target.dropped or survey.incomplete else ()
    columns = len({*survey.encoding.kinds, *split.targets, *more})
    batch_rows = _power_of_two(memory // _BATCH_SHARE // (8 * columns))
    sequential = [piece.sequential(batch_rows) for piece in survey.pieces]
    alone = [piece for piece in sequential if piece is not None]
    is_shared = len(alone) == len(sequential) and len(deciding) <= len(split.targets)
    count = min(available_processors(), _MOST_READERS, len(survey.encoding.kinds)) if is_shared else 1
    pieces = alone if count > 1 else survey.pieces

    loads = [_TARGET_LOAD * len(split.targets) + 2 * len(more), *[len(deciding)] * (count - 1)]
    names: list[list[str]] = [[] for _ in loads]
    for name, places in survey.encoding.indices().items():
        least = loads.index(min(loads))
        names[least].append(name)
        loads[least] += 1 + len(places)
    readers = [
        _Reader(survey, targets if not number else None, is_validation, tuple(own), deciding, more, count == 1)
        for number, own in enumerate(names)
    ]
    parts = [_Rows(readers[0], piece, first) for piece, first in zip(pieces, survey.firsts, strict=True)]
    features = ArrayType((len(survey.encoding.features),), dtype)
    numbers = survey.validation if is_validation else survey.training
    return Stream.of_pieces(
        [reader.read for reader in readers], parts, (features, *types), numbers, memory, by_columns=[0]
    )


def _power_of_two(rows: int) -> int:
    """The most rows of a batch that are not more than these."""
    return max(_LEAST_ROWS, min(_MOST_ROWS, 1 << max(rows.bit_length() - 1, 0)))


@dataclass(frozen=True, eq=False)
class EncodedRows:
    """Rows that write some of their features, and maybe their targets, into arrays.

    places: of the features of each column that is written. numbers: columns without missing values, which need only be standardised.
    table: the other columns that are needed. targets: empty if they are not written. chosen: the rows that are used, of all.
    """

    encoding: Encoding
    places: Mapping[str, list[int]]
    numbers: Mapping[str, Array]
    table: Table
    targets: Chunk
    chosen: Array

    def __len__(self) -> int:
        return len(self.chosen)

    def write(self, into: Chunk, start: int, stop: int) -> None:
        """Writes rows `start` to `stop` of those that are used."""
        X, *others = into
        chosen = self.chosen[start:stop]
        span = span_of(chosen)
        if self.targets:
            for target, values in zip(others, self.targets, strict=True):
                target[:] = values[span]
        places = self.places
        is_by_columns = X.strides[0] == X.itemsize
        if is_by_columns:
            self._write_columns(X, span, places)
        for begin in range(0, len(chosen), _BLOCK):
            rows = chosen[begin : begin + _BLOCK]
            block = X[begin : begin + _BLOCK]
            if self.numbers and not is_by_columns:
                self._write_numbers(block, rows, [places[name] for name in self.numbers])
            for name, indices in places.items():
                if name not in self.numbers:
                    features = [self.encoding.features[index] for index in indices]
                    fill_features(block[:, indices[0] : indices[-1] + 1], features, self.table.column(name), rows)

    def _write_columns(self, X: Array, span: Any, places: Mapping[str, list[int]]) -> None:
        """The numbers into an array that lies column by column. A second feature of a number is that it is missing: never."""
        for name, values in self.numbers.items():
            first, *more = places[name]
            feature, column = self.encoding.features[first], X[:, first]
            np.subtract(values[span], feature.mean, out=column, casting="same_kind")
            np.multiply(column, 1 / feature.scale, out=column)
            for index in more:
                X[:, index] = -self.encoding.features[index].mean / self.encoding.features[index].scale

    def _write_numbers(self, block: Array, rows: Array, places: list[list[int]]) -> None:
        """All columns of numbers at once, into an array that lies row by row."""
        span = span_of(rows)
        columns = [values[span] for values in self.numbers.values()]
        features = self.encoding.features
        for first in range(0, len(columns), _TOGETHER):
            indices = [of_column[0] for of_column in places[first : first + _TOGETHER]]
            means, scales = (np.array([getattr(features[i], name) for i in indices]) for name in ("mean", "scale"))
            given = columns[first : first + _TOGETHER]
            is_whole = len(indices) == block.shape[1]
            target = block if is_whole else np.empty((len(rows), len(indices)), block.dtype)
            if len(rows) == _BLOCK:
                _standardiser(len(given), block.dtype).write([target], *given, means, scales)
            else:
                target[:] = ((np.stack(given) - means[:, None]) / scales[:, None]).T
            if not is_whole:
                block[:, indices] = target
        for of_column in places:
            for index in of_column[1:]:
                block[:, index] = -features[index].mean / features[index].scale


@lru_cache(maxsize=4)
def _all_rows(count: int) -> Array:
    return np.arange(count)


@cache
def _standardiser(count: int, dtype: np.dtype[Any]) -> CompiledFunction:
    """(so many columns of _BLOCK rows, means, scales) → rows of standardised features."""
    wide = np.dtype(np.float64)
    types = [ArrayType((_BLOCK,), wide)] * count + [ArrayType((count,), wide)] * 2

    def standardised(*arrays: Any) -> list[Any]:
        *columns, means, scales = arrays
        return [((np.stack(columns, axis=1) - means) / scales).astype(dtype)]

    return compiled(trace(standardised, types), range(count))


@dataclass(frozen=True, eq=False)
class _Reader:
    """Reads some columns of pieces of a table.

    targets: None if another reads them. names: the columns whose features are read. deciding: those that decide which rows are used,
    beside the number of the row. more: what `targets` needs. is_alone: then a thread decodes while another writes.
    """

    survey: Survey
    targets: Targets | None
    is_validation: bool
    names: tuple[str, ...]
    deciding: tuple[str, ...]
    more: tuple[str, ...]
    is_alone: bool

    def read(self, parts: Sequence[_Rows]) -> Iterator[tuple[int, EncodedRows]]:
        """The examples of parts, each with the place of its part."""
        survey = self.survey
        others = dict.fromkeys(self.deciding)
        if self.targets is not None:
            others |= dict.fromkeys([*survey.split.targets, *self.more])
        schema = pa.schema([survey.source.schema.field(name) for name in (others | dict.fromkeys(self.names))])
        plain = {
            name
            for name in self.names
            if name not in others and name not in survey.gaps and _is_plain(schema.field(name).type, survey.kinds[name])
        }
        indices = survey.encoding.indices()
        places = {name: indices[name] for name in self.names}
        last, first = -1, 0
        found = self._batches(parts, schema)
        try:
            with Ahead(found, slots=2) if self.is_alone else closing(found) as batches:
                for place, batch in batches:
                    if place != last:
                        last, first = place, parts[place].first
                    yield place, self._encoded(batch, first, plain, places)
                    first += len(batch)
        finally:
            pa.default_memory_pool().release_unused()  # Arrow keeps it for this thread, which ends

    def _batches(self, parts: Sequence[_Rows], schema: Any) -> Generator[tuple[int, Any], None, None]:
        for place, part in enumerate(parts):
            for batch in part.piece.batches(schema):
                yield place, batch

    def _encoded(self, batch: Any, first: int, plain: set[str], places: Mapping[str, list[int]]) -> EncodedRows:
        survey, split = self.survey, self.survey.split
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        numbers = {name: as_numpy(column, np.float64, np.nan) for name, column in columns.items() if name in plain}
        table = Table(survey.source.path, (), len(batch))
        if len(numbers) < len(columns):
            arrow = pa.table({name: column for name, column in columns.items() if name not in plain})
            table = Table.of_arrow(arrow, survey.source, None, survey.kinds, first)
        if self.deciding:
            chosen = split.rows(table, first)[self.is_validation]
        elif split.share:
            chosen = np.flatnonzero(is_held_row(first, len(batch), split.seed, split.share) == self.is_validation)
        else:
            chosen = _all_rows(len(batch))
        targets = () if self.targets is None else self.targets(table)
        return EncodedRows(survey.encoding, places, numbers, table, targets, chosen)


@dataclass(frozen=True, eq=False)
class _Rows:
    """A part of a stream: the examples of a piece of a table. first: the number of the piece's first row."""

    reader: _Reader
    piece: Part
    first: int

    def __call__(self) -> Iterator[EncodedRows]:
        return (rows for _, rows in self.reader.read([self]))


def _is_plain(kind: Any, wanted: Kind) -> bool:
    """Whether Arrow's numbers can be taken as they are."""
    types = pa.types
    return wanted is Kind.NUMBER and (types.is_integer(kind) or types.is_floating(kind))

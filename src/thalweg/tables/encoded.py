"""The examples of a table that does not fit in memory, as a stream: decoded, encoded and split, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from ..compile.function import CompiledFunction, compiled
from ..descent.data import Chunk, Stream
from ..graph import Array, ArrayType
from ..trace import trace
from .arrow import as_numpy
from .column import Kind
from .decoding import decoded
from .encoding import Encoding, fill_features
from .part import Part
from .survey import Survey
from .table import Table

__all__ = ["EncodedRows", "Targets", "stream_of"]

_BLOCK, _TOGETHER = 8192, 32
"""Rows and columns of numbers that compiled code writes at a time."""

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

    more: columns that `targets` needs. Each part of the source that can be read alone is a part of the stream.
    """
    numbers = survey.validation if is_validation else survey.training
    reader = _Reader(survey, targets, dtype, is_validation, more)
    parts = [_Rows(reader, piece, first) for piece, first in zip(survey.pieces, survey.firsts, strict=True)]
    features = ArrayType((len(survey.encoding.features),), dtype)
    return Stream.of_pieces(reader.read, parts, (features, *types), numbers, memory, by_columns=[0])


@dataclass(frozen=True, eq=False)
class EncodedRows:
    """Rows that write their features and targets into arrays.

    numbers: columns without missing values, which need only be standardised. table: the other columns that are needed. chosen: the
    rows that are used, of all in `targets`.
    """

    encoding: Encoding
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
        span = _span(chosen)
        for target, values in zip(others, self.targets, strict=True):
            target[:] = values[span]
        places = self.encoding.indices()
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
        span = _span(rows)
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


def _span(rows: Array) -> Any:
    """What chooses rows: a slice if they follow one another."""
    is_run = len(rows) > 0 and int(rows[-1] - rows[0]) == len(rows) - 1
    return slice(int(rows[0]), int(rows[-1]) + 1) if is_run else rows


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
    """Reads pieces of a table."""

    survey: Survey
    targets: Targets
    dtype: np.dtype[Any]
    is_validation: bool
    more: tuple[str, ...]

    def read(self, parts: Sequence[_Rows]) -> Iterator[tuple[int, EncodedRows]]:
        """The examples of parts, each with the place of its part. Threads decode ahead."""
        survey = self.survey
        encoding = survey.encoding
        others = dict.fromkeys([*survey.split.targets, *survey.split.complete, *self.more])
        names = list(others | dict.fromkeys(encoding.kinds))
        schema = pa.schema([survey.source.schema.field(name) for name in names])
        plain = {
            name
            for name in encoding.kinds
            if name not in others and name not in survey.gaps and _is_plain(schema.field(name).type, survey.kinds[name])
        }
        last, first = -1, 0
        with closing(decoded([part.piece for part in parts], schema)) as batches:
            for place, batch in batches:
                if place != last:
                    last, first = place, parts[place].first
                yield place, self._encoded(batch, first, plain)
                first += len(batch)

    def _encoded(self, batch: Any, first: int, plain: set[str]) -> EncodedRows:
        survey = self.survey
        names, columns = batch.schema.names, batch.columns
        numbers = {
            name: as_numpy(column, np.float64, np.nan) for name, column in zip(names, columns, strict=True) if name in plain
        }
        arrow = pa.Table.from_batches([batch.select([name for name in names if name not in plain])])
        table = Table.of_arrow(arrow, survey.source, None, survey.kinds, first)
        chosen = survey.split.rows(table, first)[self.is_validation]
        return EncodedRows(survey.encoding, numbers, table, self.targets(table), chosen)


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

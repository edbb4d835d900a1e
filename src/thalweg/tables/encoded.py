"""The examples of a table that does not fit in memory, as a stream: decoded, encoded and split, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from ..descent.data import Ahead, Chunk, Stream
from ..graph import Array, ArrayType
from .arrow import as_numpy
from .column import Kind
from .encoding import Encoding, fill_features
from .part import Part
from .survey import Survey
from .table import Table

__all__ = ["EncodedRows", "Targets", "stream_of"]

_BLOCK = 4096
"""Rows that are written at a time: what they take stays in cache."""

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
    parts = [partial(reader.rows, piece, first) for piece, first in zip(survey.pieces, survey.firsts, strict=True)]
    features = ArrayType((len(survey.encoding.features),), dtype)
    return Stream.of_pieces(parts, (features, *types), numbers, memory)


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
        for target, values in zip(others, self.targets, strict=True):
            target[:] = values[chosen]
        columns = self.encoding.indices()
        for begin in range(0, len(chosen), _BLOCK):
            rows = chosen[begin : begin + _BLOCK]
            block = X[begin : begin + _BLOCK]
            for name, indices in columns.items():
                features = [self.encoding.features[index] for index in indices]
                if name in self.numbers:
                    values = np.subtract(self.numbers[name][rows], features[0].mean)
                    values /= features[0].scale
                    block[:, indices[0]] = values
                    if len(indices) == 1:
                        continue
                    indices, features = indices[1:], features[1:]  # whether it is missing: never
                    block[:, indices[0]] = -features[0].mean / features[0].scale
                else:
                    fill_features(block[:, indices[0] : indices[-1] + 1], features, self.table.column(name), rows)


@dataclass(frozen=True, eq=False)
class _Reader:
    """Reads pieces of a table."""

    survey: Survey
    targets: Targets
    dtype: np.dtype[Any]
    is_validation: bool
    more: tuple[str, ...]

    def rows(self, piece: Part, first: int) -> Iterator[EncodedRows]:
        """The examples of a piece. Batches are decoded by a thread of their own."""
        survey = self.survey
        encoding = survey.encoding
        others = dict.fromkeys([*survey.split.targets, *survey.split.complete, *self.more])
        names = list(others | dict.fromkeys(encoding.kinds))
        schema = pa.schema([survey.source.schema.field(name) for name in names])
        plain = {
            name
            for name in encoding.kinds
            if name not in others and _is_plain(schema.field(name).type, survey.kinds[name])
        }
        with Ahead(iter(piece.batches(schema)), slots=2) as batches:
            for batch in batches:
                yield self._encoded(batch, first, names, plain)
                first += len(batch)

    def _encoded(self, batch: Any, first: int, names: list[str], plain: set[str]) -> EncodedRows:
        survey = self.survey
        is_whole = {name for name in plain if not batch.column(names.index(name)).null_count}
        numbers = {name: as_numpy(batch.column(names.index(name)), np.float64, np.nan) for name in is_whole}
        numbers = {name: values for name, values in numbers.items() if not np.isnan(values).any()}
        arrow = pa.Table.from_batches([batch.select([name for name in names if name not in numbers])])
        table = Table.of_arrow(arrow, survey.source, None, survey.kinds, first)
        chosen = survey.split.rows(table, first)[self.is_validation]
        return EncodedRows(survey.encoding, numbers, table, self.targets(table), chosen)


def _is_plain(kind: Any, wanted: Kind) -> bool:
    """Whether Arrow's numbers can be taken as they are."""
    types = pa.types
    return wanted is Kind.NUMBER and (types.is_integer(kind) or types.is_floating(kind))

"""Parquet files: groups of rows, whose columns are decoded side by side."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from ..compile.processors import available_processors
from ..errors import TableError
from .files import open_random
from .part import Part, cast_batch, unreadable

__all__ = ["ParquetFile"]

_ROWS = 1 << 16
_BATCH_BYTES = 6 << 20
"""A batch of a wide table has fewer rows."""
_MULTIPLE = 8192
_MOST_SHARES = 8
"""More threads would decode faster than one encodes."""
_BUFFER = 1 << 16
"""Read in pieces of this size, a large group of rows takes no more memory than a small one."""


class ParquetFile(Part):
    """A Parquet file, or some of its groups of rows. groups: their numbers, by default all. first: the number of the first row."""

    def __init__(self, path: str, groups: Sequence[int] | None = None, first: int = 0) -> None:
        self.path = path
        self.how = "Parquet"
        self._groups = groups
        self._first = first

    def schema(self) -> Any:
        with self._open() as file:
            return file.schema_arrow.remove_metadata()

    def batches(self, schema: Any) -> Iterator[Any]:
        return self._decoded(schema, _rows_of_batch(schema), uses_threads=True)

    def shares(self, schema: Any) -> Sequence[Iterator[Any]]:
        # Each in its own thread: Arrow's threads would wait for one another after every batch.
        count = max(1, min(available_processors(), _MOST_SHARES, len(schema)))
        rows = _rows_of_batch(schema)
        return [self._decoded(pa.schema(list(schema)[i::count]), rows, uses_threads=False) for i in range(count)]

    def _decoded(self, schema: Any, rows: int, uses_threads: bool) -> Iterator[Any]:
        with self._open() as file:
            names = set(file.schema_arrow.names)
            columns = [name for name in schema.names if name in names]
            try:
                for batch in file.iter_batches(rows, row_groups=self._groups, columns=columns, use_threads=uses_threads):
                    yield cast_batch(batch, schema, self)
            except (pa.ArrowInvalid, OSError) as error:
                raise unreadable(self, error) from None

    def pieces(self) -> Sequence[Part]:
        with self._open() as file:
            counts = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
        if not counts or self._groups is not None:
            return (self,)
        firsts = [0, *itertools.accumulate(counts)]
        found: list[Part] = []
        begin = 0
        for end in range(1, len(counts) + 1):
            if firsts[end] - firsts[begin] >= _ROWS or end == len(counts):
                found.append(ParquetFile(self.path, range(begin, end), firsts[begin]))
                begin = end
        return found

    def memory(self) -> int:
        with self._open() as file:
            return int(8 * file.metadata.num_rows * file.metadata.num_columns)

    def place(self, row: int) -> str:
        return super().place(row + self._first)

    def _open(self) -> Any:
        import pyarrow.parquet

        try:
            return pyarrow.parquet.ParquetFile(open_random(self.path), pre_buffer=False, buffer_size=_BUFFER)
        except (pa.ArrowInvalid, OSError) as error:
            if isinstance(error, TableError):
                raise
            raise unreadable(self, error) from None


def _rows_of_batch(schema: Any) -> int:
    rows = max(1024, min(_ROWS, _BATCH_BYTES // (8 * max(1, len(schema)))))
    return rows // _MULTIPLE * _MULTIPLE or rows

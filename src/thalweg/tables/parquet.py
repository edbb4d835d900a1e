"""Parquet files: groups of rows, whose columns are decoded side by side."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import pyarrow as pa

from ..errors import TableError
from .files import open_random
from .part import Part, cast_batch, unreadable

__all__ = ["ParquetFile"]

_ROWS = 1 << 16
"""In a group or several, for a piece, at least; in a batch at most, unless the caller says how many."""
_BATCH_BYTES = 6 << 20
"""A batch of a wide table has fewer rows."""
_MULTIPLE = 8192
_BUFFER = 1 << 16
"""Read in pieces of this size, a large group of rows takes no more memory than a small one."""


class ParquetFile(Part):
    """A Parquet file, or some of its groups of rows. groups: their numbers, by default all. first: the number of the first row.
    batch_rows: the rows of a batch that the calling thread decodes alone; by default Arrow's threads decode together.
    """

    def __init__(
        self, path: str, groups: Sequence[int] | None = None, first: int = 0, batch_rows: int | None = None
    ) -> None:
        self.path = path
        self.how = "Parquet"
        self._groups = groups
        self._first = first
        self._batch_rows = batch_rows

    def schema(self) -> Any:
        with self._open() as (_, schema):
            return schema

    def batches(self, schema: Any) -> Iterator[Any]:
        with self._open() as (file, own):
            columns = [name for name in schema.names if name in set(own.names)]
            rows = max(1024, min(_ROWS, _BATCH_BYTES // (8 * max(1, len(columns)))))
            rows = self._batch_rows or rows // _MULTIPLE * _MULTIPLE or rows
            for batch in file.iter_batches(rows, self._groups, columns, use_threads=self._batch_rows is None):
                yield cast_batch(batch, schema, self)

    def sequential(self, batch_rows: int) -> Part:
        return ParquetFile(self.path, self._groups, self._first, batch_rows)

    def pieces(self) -> Sequence[Part]:
        with self._open() as (file, _):
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
        with self._open() as (file, _):
            return int(8 * file.metadata.num_rows * file.metadata.num_columns)

    def place(self, row: int) -> str:
        return super().place(row + self._first)

    @contextmanager
    def _open(self) -> Iterator[tuple[Any, Any]]:
        """The file, and its schema."""
        from pyarrow import parquet

        try:
            with open_random(self.path) as source:
                found = os.stat(self.path)
                metadata, schema = _footer(self.path, found.st_ino, found.st_size, found.st_mtime_ns)
                yield parquet.ParquetFile(source, metadata=metadata, pre_buffer=False, buffer_size=_BUFFER), schema
        except (pa.ArrowInvalid, OSError) as error:
            if isinstance(error, TableError):
                raise
            raise unreadable(self, error) from None


@lru_cache(maxsize=4)
def _footer(path: str, *_state: int) -> tuple[Any, Any]:
    """What stands at the end of a file in this state, and its schema. To read it for each group of rows takes 1 ms and more."""
    from pyarrow import parquet

    file = parquet.ParquetFile(open_random(path), pre_buffer=False)
    return file.metadata, file.schema_arrow.remove_metadata()

"""Parquet and Arrow files, and objects of other libraries that export Arrow."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from ..errors import ArgumentError, TableError
from .files import open_random, open_seekable
from .part import Part, cast_batch

__all__ = ["ArrowFile", "ArrowObject", "ParquetFile"]

_ROWS = 1 << 16
_BATCH_BYTES = 6 << 20
"""A batch of a wide table has fewer rows."""
_MULTIPLE = 8192
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
        with self._open() as file:
            names = set(file.schema_arrow.names)
            columns = [name for name in schema.names if name in names]
            try:
                rows = max(1024, min(_ROWS, _BATCH_BYTES // (8 * max(1, len(columns)))))
                rows = rows // _MULTIPLE * _MULTIPLE or rows
                for batch in file.iter_batches(rows, row_groups=self._groups, columns=columns):
                    yield cast_batch(batch, schema, self)
            except (pa.ArrowInvalid, OSError) as error:
                raise _unreadable(self, error) from None

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
            raise _unreadable(self, error) from None


class ArrowFile(Part):
    """An Arrow file, also called Feather or IPC, in either form: with an index at its end, or a stream."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.how = "Arrow"

    def schema(self) -> Any:
        schema, _ = self._read()
        return schema

    def batches(self, schema: Any) -> Iterator[Any]:
        try:
            for batch in self._read()[1]:
                yield cast_batch(batch, schema, self)
        except (pa.ArrowInvalid, OSError) as error:
            raise _unreadable(self, error) from None

    def _read(self) -> tuple[Any, Iterator[Any]]:
        source = open_seekable(self.path)
        try:
            is_file = source.read(6) == b"ARROW1"
            source.seek(0)
            if not is_file:
                reader = pa.ipc.open_stream(source)
                return reader.schema.remove_metadata(), iter(reader)
            file = pa.ipc.open_file(source)
            return file.schema.remove_metadata(), (file.get_batch(place) for place in range(file.num_record_batches))
        except (pa.ArrowInvalid, OSError) as error:
            raise _unreadable(self, error) from None


def _unreadable(part: Part, error: Exception) -> TableError:
    reason = str(error).strip().rstrip(".")
    return TableError(
        f"{part.path} cannot be read as {part.how}: {reason or 'it is empty'}. Is it whole, and is its ending right?"
    )


class ArrowObject(Part):
    """A frame of pandas, Polars or DuckDB, an Arrow table, a reader of batches: anything with `__arrow_c_stream__`."""

    def __init__(self, exporter: Any) -> None:
        if not hasattr(exporter, "__arrow_c_stream__"):
            raise ArgumentError(
                f"a {type(exporter).__name__} is no table. Give a path, or a frame of pandas, Polars or DuckDB, or an Arrow "
                "table (anything with __arrow_c_stream__)."
            )
        self.path = f"the {type(exporter).__name__}"
        self.how = ""
        # A reader can be read once only.
        self._exporter = self._guarded(exporter.read_all) if isinstance(exporter, pa.RecordBatchReader) else exporter

    def schema(self) -> Any:
        return self._guarded(self._reader).schema.remove_metadata()

    def batches(self, schema: Any) -> Iterator[Any]:
        for batch in self._guarded(self._reader):
            yield cast_batch(batch, schema, self)

    def table(self, schema: Any = None) -> Any:
        table = self._guarded(lambda: self._reader().read_all()).replace_schema_metadata()
        return table if schema is None else table.cast(schema)

    def _reader(self) -> Any:
        return pa.RecordBatchReader.from_stream(self._exporter)

    def _guarded(self, read: Any) -> Any:
        try:
            return read()
        except (ValueError, TypeError, pa.ArrowNotImplementedError) as error:  # Arrow's errors, and the exporter's own
            raise TableError(f"{self.path} cannot be read as a table: {error}") from None

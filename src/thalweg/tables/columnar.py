"""Arrow files, and objects of other libraries that export Arrow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from ..errors import ArgumentError, TableError
from .files import open_seekable
from .part import Part, cast_batch, unreadable

__all__ = ["ArrowFile", "ArrowObject"]


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
            raise unreadable(self, error) from None

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
            raise unreadable(self, error) from None


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

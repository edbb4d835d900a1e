"""Writing rows to a file, batch by batch, whole or not at all."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv

from ..errors import ArgumentError, TableError, ThalwegError
from ..storage import whole_file
from . import compute as pc

__all__ = ["csv_writer", "open_writer"]

Write = Callable[[Any], None]
"""Takes a record batch."""
_ENDINGS = (".csv", ".tsv", ".parquet", ".pq", ".arrow", ".feather")


def csv_writer(stream: BinaryIO, delimiter: str = ",") -> Write:
    """Writes record batches as CSV to a stream; fields are quoted where they must be."""
    is_begun = False

    def write(batch: Any) -> None:
        nonlocal is_begun
        if not is_begun:
            header = io.StringIO(newline="")
            csv.writer(header, delimiter=delimiter, lineterminator="\n").writerow(batch.schema.names)
            stream.write(header.getvalue().encode())
            is_begun = True
        style = "needed" if any(_has_marks(column, delimiter) for column in batch.columns) else "none"
        options = pyarrow.csv.WriteOptions(include_header=False, delimiter=delimiter, quoting_style=style)
        pyarrow.csv.write_csv(batch, stream, options)

    return write


def _has_marks(column: Any, delimiter: str) -> bool:
    """Whether a value must be quoted. Where one must, Arrow quotes them all."""
    if not pa.types.is_string(column.type):
        return False
    return bool(pc.any(pc.match_substring_regex(column, f'["\\r\\n{re.escape(delimiter)}]')).as_py())


@contextmanager
def open_writer(path: str | Path) -> Iterator[Write]:
    """A function that writes record batches of one schema to a file: CSV, TSV, Parquet or Arrow, as the ending says.

    The file appears when the context ends well; until then the old one stays as it was. Raises ArgumentError for another ending,
    TableError if the file cannot be written.
    """
    ending = Path(path).suffix.lower()
    if ending not in _ENDINGS:
        raise ArgumentError(f"{path}: the ending says how rows are written; give one of {', '.join(_ENDINGS)}")
    try:
        with whole_file(path) as stream:
            if ending in (".csv", ".tsv"):
                yield csv_writer(stream, "\t" if ending == ".tsv" else ",")
            else:
                yield from _arrow_writer(stream, is_parquet=ending in (".parquet", ".pq"))
    except OSError as error:
        if isinstance(error, ThalwegError):
            raise
        raise TableError(
            f"the rows cannot be written to {path}: {error.strerror or error}. Nothing was changed there."
        ) from None


def _arrow_writer(stream: BinaryIO, is_parquet: bool) -> Iterator[Write]:
    writer: Any = None

    def write(batch: Any) -> None:
        nonlocal writer
        if writer is None and is_parquet:
            from pyarrow import parquet

            writer = parquet.ParquetWriter(stream, batch.schema)
        elif writer is None:
            writer = pa.ipc.new_file(stream, batch.schema)
        writer.write_batch(batch)

    try:
        yield write
    finally:  # a writer that is not closed complains when it is deleted
        if writer is not None:
            writer.close()

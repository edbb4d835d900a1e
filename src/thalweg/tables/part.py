"""What every format gives: rows under names, in batches of Arrow."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from ..errors import TableError
from .arrow import cast, encoded
from .files import split_ending

__all__ = ["Part", "cast_batch", "unreadable"]

_INFLATED = 5
"""Text is so many times as long as when it was compressed."""


class Part(ABC):
    """One file or one object. It can be read several times, and need not fit in memory.

    path: for messages. how: what it was taken for, for a person: "CSV in UTF-8". absent: what a column is here that only
    other parts of the same source have: an error, missing in every row, or 0 in every row. blank_rows: that stand at the end and are
    left out.
    """

    path: str
    how: str
    absent: Literal["error", "missing", "zero"] = "error"
    blank_rows: int = 0

    @abstractmethod
    def schema(self) -> Any:
        """The names and Arrow types of the columns; may read everything. Raises TableError."""

    @abstractmethod
    def batches(self, schema: Any) -> Iterator[Any]:
        """The rows as record batches of exactly that schema, which is `schema()`, what several parts agree on, or some of those columns."""

    def sequential(self, batch_rows: int) -> Part | None:
        """The same rows, decoded by the calling thread alone, about so many at a time; None if some columns cannot be read without
        the others.

        Threads that read some of the columns each are faster than threads that wait for one another after every batch.
        """
        return None

    def pieces(self) -> Sequence[Part]:
        """Parts of this one that can each be read alone, in their order; only itself where there are none."""
        return (self,)

    def memory(self) -> int:
        """About how many bytes all rows take in memory; 0 where they are there already."""
        if not Path(self.path).is_file():
            return 0
        size = Path(self.path).stat().st_size
        return size * (_INFLATED if split_ending(self.path)[1] else 1)

    def table(self, schema: Any = None) -> Any:
        """All rows as an Arrow table. Without a schema text comes as dictionaries of its different words."""
        own = schema or self.schema()
        table = pa.Table.from_batches(self.batches(own), own)
        return table if schema else encoded(table)

    def place(self, row: int) -> str:
        """Where a row (counted from 0) stands, for messages."""
        return f"{self.path}, row {row + 1:,}"


def cast_batch(batch: Any, schema: Any, part: Part) -> Any:
    """A record batch with the columns and types of a schema. Columns that it lacks are null or 0, as the part has it."""
    if batch.schema.equals(schema):
        return batch
    own = {name: place for place, name in enumerate(batch.schema.names)}
    columns = []
    for field in schema:
        if field.name in own:
            columns.append(_cast(batch.column(own[field.name]), field, part))
        elif part.absent == "zero":
            columns.append(pa.repeat(pa.scalar(0, field.type), len(batch)))
        else:
            columns.append(pa.nulls(len(batch), field.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _cast(column: Any, field: Any, part: Part) -> Any:
    try:
        return cast(column, field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise TableError(
            f"{part.path}: the column {field.name!r} holds {column.type} values, which cannot be taken as {field.type}, as "
            "in the other parts of the table. Write it the same way everywhere."
        ) from None


def unreadable(part: Part, error: Exception) -> TableError:
    """The error for a file that its format's reader refuses."""
    reason = str(error).strip().rstrip(".")
    return TableError(
        f"{part.path} cannot be read as {part.how}: {reason or 'it is empty'}. Is it whole, and is its ending right?"
    )

"""A source of rows: files or objects, read as often as needed, in batches that need not fit in memory together.

`Table` is what a source becomes when all of it is in memory.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property
from typing import Any

import pyarrow as pa

from ..errors import TableError
from .arrow import common_type, decoded
from .names import is_pandas_index
from .part import Part

__all__ = ["Source"]


class Source:
    """Rows from parts (files, or one object) that agree on their columns. path: for messages. missing_marks: what else than
    `MISSING` stands for a missing value.

    >>> from thalweg.tables import open_source
    >>> source = open_source(pa.table({"height": [1.5, 1.9]}))
    >>> [batch.num_rows for batch in source.batches()]
    [2]
    """

    def __init__(self, path: str, parts: Sequence[Part], missing_marks: tuple[str, ...] = ()) -> None:
        self.path = path
        self.parts = tuple(parts)
        self.missing_marks = missing_marks
        self._ahead: _Ahead | None = None

    @property
    def how(self) -> str:
        """What it was taken for, for a person."""
        kinds = list(dict.fromkeys(part.how for part in self.parts))
        count = f"{len(self.parts):,} files, " if len(self.parts) > 1 else ""
        return count + "; ".join(kinds[:3]) + ("; ..." if len(kinds) > 3 else "")

    @property
    def absent_is_zero(self) -> bool:
        """Whether a column that is not there is 0 in every row."""
        return all(part.absent == "zero" for part in self.parts)

    @cached_property
    def schema(self) -> Any:
        """The columns that all parts agree on. Raises TableError if they do not."""
        return _agreed([(part, part.schema()) for part in self.parts])

    def names(self) -> list[str]:
        """The names of the columns, in their order."""
        return [name for name in self.schema.names if not is_pandas_index(name)]

    def batches(self, columns: Collection[str] | None = None) -> Iterator[Any]:
        """All rows, as record batches of one schema; a new pass over them each time. columns: those to read, by default all."""
        schema = self.schema
        if columns is not None:
            schema = pa.schema([field for field in schema if field.name in columns])
        for part in self.parts:
            yield from (batch for batch in part.batches(schema) if len(batch))

    def pieces(self) -> list[Part]:
        """What can be read alone, in the order of the rows."""
        return [piece for part in self.parts for piece in part.pieces()]

    def read_ahead(self) -> None:
        """Begins to read all rows into memory, by a thread of its own; `table` waits for them.

        Arrow needs no lock of Python's while it reads, so that others can load modules or compile meanwhile; a processor is left to
        them.
        """
        self._ahead = _Ahead(self._read)

    @property
    def is_being_read(self) -> bool:
        """Whether a thread is at work still."""
        return self._ahead is not None and self._ahead.is_at_work

    def table(self) -> Any:
        """All rows in memory, as an Arrow table. Each part is read once, unless it must be read as other types."""
        ahead, self._ahead = self._ahead, None
        if ahead is None:
            return self._read()
        return ahead.result()

    def _read(self) -> Any:
        read = [part.table() for part in self.parts]
        schema = _agreed([(part, table.schema) for part, table in zip(self.parts, read, strict=True)])
        self.__dict__.setdefault("schema", _plain(schema))
        read = [_without_dictionaries(table, schema) for table in read]
        whole = [
            table if table.schema.equals(schema) else part.table(schema)
            for part, table in zip(self.parts, read, strict=True)
        ]
        return pa.concat_tables(whole)

    def place(self, row: int | None) -> str:
        """Where a row (counted from 0, over all parts) stands; with None, the whole."""
        if row is None:
            return self.path
        for part in self.parts[:-1]:
            count = sum(len(batch) for batch in part.batches(self.schema))
            if row < count:
                return part.place(row)
            row -= count
        return self.parts[-1].place(row)


class _Ahead:
    """What a thread works out, with all of Arrow's threads but one until somebody waits for it. An error is raised for them."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._found: Any = None
        self._error: BaseException | None = None
        self._processors = pa.cpu_count()
        pa.set_cpu_count(max(1, self._processors - 1))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._found = self._work()
        except BaseException as error:
            self._error = error
        finally:
            pa.set_cpu_count(self._processors)

    @property
    def is_at_work(self) -> bool:
        return self._thread.is_alive()

    def result(self) -> Any:
        pa.set_cpu_count(self._processors)
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._found


def _agreed(schemas: Sequence[tuple[Part, Any]]) -> Any:
    """The columns of all parts, each with a type that holds what every part has there."""
    first, agreed = schemas[0]
    if len(schemas) == 1:
        return agreed
    types = dict(zip(agreed.names, agreed.types, strict=True))
    for part, schema in schemas[1:]:
        _check_same_columns(first, types, part, schema.names)
        for field in schema:
            types[field.name] = common_type(types.get(field.name, field.type), field.type)
    return pa.schema(list(types.items()))


def _plain(schema: Any) -> Any:
    """A schema without dictionaries."""
    return pa.schema(
        [(field.name, field.type.value_type if pa.types.is_dictionary(field.type) else field.type) for field in schema]
    )


def _without_dictionaries(table: Any, schema: Any) -> Any:
    """A table whose dictionaries are decoded where the columns of a schema are plain."""
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type) and field.type.value_type == schema.field(field.name).type:
            table = table.set_column(place, field.name, decoded(table.column(place)))
    return table


def _check_same_columns(first: Part, names: Any, part: Part, others: Sequence[str]) -> None:
    lacks = [name for name in names if name not in others]
    more = [name for name in others if name not in names]
    if part.absent != "error" or not (lacks or more):
        return
    named = ", ".join(map(repr, (lacks or more)[:5]))
    here, there = (first.path, part.path) if lacks else (part.path, first.path)
    raise TableError(
        f"{here} has columns that {there} has not: {named}. The files of one table need the same columns; name the files "
        "that belong together with a glob."
    )

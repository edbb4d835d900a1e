"""A table in memory: named columns, each of a kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa  # noqa: F401  # of the example

from ..beside import shared
from ..errors import TableError
from .column import Column, Kind
from .infer import Place, infer_column
from .names import check_names, is_pandas_index, no_such_column
from .source import Source
from .threads import threads_for

__all__ = ["Table", "no_rows"]


@dataclass(frozen=True, eq=False)
class Table:
    """A table.

    path: where it came from, for messages. row_count: without the header. how: what the file was taken for. place: names a
    row (counted from 0), or with None all, in a message. absent_is_zero: a column that is not there is 0 in every row, as
    LIBSVM's files have it. missing_marks: what else stood for a missing value.
    """

    path: str
    columns: tuple[Column, ...]
    row_count: int
    how: str = ""
    place: Place = field(default=lambda row: "the table" if row is None else f"the table, row {row + 1:,}")
    absent_is_zero: bool = False
    missing_marks: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, source: Source, kinds: Mapping[str, Kind] | None = None, expected: Mapping[str, Kind] | None = None
    ) -> Table:
        """All of a source, in memory. `read_table` says more.

        >>> from thalweg.tables import open_source
        >>> table = Table.of(open_source(pa.table({"height": [1.5, None, 1.9], "colour": ["red", "blue", "red"]})))
        >>> print(table.describe())
        the Table: 3 rows, 2 columns, 1 value missing
          height  number; 1.5 to 1.9; 1 missing
          colour  category; 2 different: blue, red
        """
        arrow = source.table()
        threads = threads_for(arrow.num_rows * arrow.num_columns)
        table = cls.of_arrow(arrow, source, kinds, expected, threads=threads)
        if not table.row_count:
            raise no_rows(source.path)
        return table

    @classmethod
    def of_arrow(
        cls,
        arrow: Any,
        source: Source,
        kinds: Mapping[str, Kind] | None = None,
        expected: Mapping[str, Kind] | None = None,
        first: int = 0,
        threads: int = 1,
    ) -> Table:
        """Rows of a source, as an Arrow table. first: the number of the first of them. threads: that share the columns."""
        names = [name for name in arrow.column_names if not is_pandas_index(name)]
        check_names(names, source.path)
        wanted = dict(kinds or {})
        for name in wanted:
            if name not in names:
                raise no_such_column(source.path, name, names)
        if not arrow.num_rows:
            return cls(source.path, (), 0, source.how)

        def place(row: int | None) -> str:
            return source.place(None if row is None else first + row)

        wanted = {**(expected or {}), **wanted}
        marks = source.missing_marks

        def inferred(name: str) -> Column:
            return infer_column(name, arrow.column(name), wanted.get(name), place, marks)

        columns = shared(inferred, names, threads)
        return cls(source.path, tuple(columns), arrow.num_rows, source.how, place, source.absent_is_zero, marks)

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    def names(self) -> list[str]:
        """The names of the columns, in their order."""
        return [column.name for column in self.columns]

    def column(self, name: str) -> Column:
        """The column of that name. Raises TableError, with names like it, if there is none."""
        found = self._by_name.get(name)
        if found is not None:
            return found
        if self.absent_is_zero:
            return Column(name, Kind.NUMBER, np.zeros(self.row_count))
        raise no_such_column(self.path, name, self.names())

    def describe(self, most: int = 100) -> str:
        """What was understood: rows, columns, and of each column its kind, its range or categories, what is missing.

        most: how many columns are described.
        """
        missing = sum(column.missing_count for column in self.columns)
        rows, columns = counted(self.row_count, "row"), counted(len(self.columns), "column")
        how = f" ({self.how})" if self.how else ""
        head = f"{self.path}{how}: {rows}, {columns}" + (f", {counted(missing, 'value')} missing" if missing else "")
        shown = self.columns[:most]
        width = max(len(column.name) for column in shown)
        lines = [head, *(f"  {column.name:{width}}  {column.describe()}" for column in shown)]
        more = len(self.columns) - len(shown)
        return "\n".join([*lines, f"  ... and {counted(more, 'column')} more"] if more else lines)


def no_rows(path: str) -> TableError:
    """The error for a table without rows."""
    return TableError(f"{path} has a header but no rows. Add rows under the names of the columns.")


def counted(count: int, noun: str) -> str:
    """A number of things, in words.

    >>> counted(1, "row"), counted(2000, "row")
    ('1 row', '2,000 rows')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")

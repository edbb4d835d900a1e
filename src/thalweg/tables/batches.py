"""A source as tables of some rows each: for tables larger than memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import pyarrow as pa

from .column import Kind
from .names import no_such_column
from .source import Source
from .table import Table, no_rows

__all__ = ["tables_in"]


def tables_in(
    source: Source,
    columns: Collection[str],
    most: int,
    kinds: Mapping[str, Kind] | None = None,
    expected: Mapping[str, Kind] | None = None,
) -> Iterator[Table]:
    """All rows of a source in their order, as tables of some of the columns and `most` rows at most.

    kinds, expected: as for `read_table`. Kinds that are not given are inferred from each part by itself, so give them. Raises
    TableError as `read_table` does; columns that are not there are left out.

    >>> from thalweg.tables import open_source
    >>> source = open_source(pa.table({"height": [1.5, 1.9, 1.7]}))
    >>> [table.row_count for table in tables_in(source, ["height"], 2)]
    [2, 1]
    """
    for name in kinds or {}:
        if name not in source.names():
            raise no_such_column(source.path, name, source.names())
    # Without any of them the first is read, to count rows.
    chosen = [name for name in source.names() if name in columns] or source.names()[:1]
    wanted = {**(expected or {}), **(kinds or {})}
    first = 0
    for batch in source.batches(chosen):
        whole = pa.Table.from_batches([batch])
        for start in range(0, len(batch), most):
            yield Table.of_arrow(whole.slice(start, most), source, None, wanted, first + start)
        first += len(batch)
    if not first:
        raise no_rows(source.path)

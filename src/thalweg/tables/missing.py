"""Rows with missing values: filled, left out, or refused, as asked."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping
from typing import Literal, get_args

import numpy as np

from ..errors import ArgumentError, TableError
from ..graph import Array
from .column import Column
from .table import Table

__all__ = ["Missing", "Unseen", "check_choice", "complete_rows", "refuse_missing"]

Missing = Literal["impute", "drop", "refuse"]
"""impute: the training median, or a category of its own; drop: the rows are left out; refuse: an error with the place."""
Unseen = Literal["none", "refuse"]
"""A category that training never saw: none of the known ones, or an error with the place."""
_NAMES: Mapping[str, object] = {"missing": Missing, "unseen": Unseen}


def check_choice(name: str, value: str) -> None:
    """Raises ArgumentError unless the argument of that name may have that value."""
    allowed = get_args(_NAMES[name])
    if value not in allowed:
        raise ArgumentError(f"{name}={value!r} is unknown. Give one of {', '.join(map(repr, allowed))}.")


def complete_rows(table: Table, rows: Array, without: Collection[str]) -> Array:
    """Those of the rows in which no column that could be used is missing. Raises TableError if there are none.

    without: columns that do not count, such as the target.
    """
    columns = _used(table, rows, without)
    is_complete = np.ones(len(rows), bool)
    for column in columns:
        is_complete &= ~column.is_missing[rows]
    if not is_complete.any():
        worst = max(columns, key=lambda column: int(np.count_nonzero(column.is_missing[rows])))
        raise TableError(
            f"{table.path}: in every row a value is missing, most often of {worst.name!r}, so dropping leaves nothing. Leave that "
            f"column out (--ignore {shlex.quote(worst.name)}), or fill missing values: --missing impute."
        )
    return rows[is_complete]


def refuse_missing(
    table: Table, rows: Array, names: Iterable[str] | None = None, without: Collection[str] = ()
) -> None:
    """Raises TableError if a value is missing in the rows. names: the columns, by default all that could be used but some."""
    columns = _used(table, rows, without) if names is None else [table.column(name) for name in names]
    found = [(column, rows[column.is_missing[rows]]) for column in columns]
    found = [(column, absent) for column, absent in found if len(absent)]
    if not found:
        return
    column, absent = min(found, key=lambda each: int(each[1][0]))
    counts = ", ".join(f"{column.name} ({len(absent):,})" for column, absent in found[:5])
    more = ", ..." if len(found) > 5 else ""
    raise TableError(
        f"{table.place(int(absent[0]))}, column {column.name!r}: the value is missing, and missing values are refused. Missing "
        f"are: {counts}{more}. Fill them in the table, or have them filled: --missing impute (in Python: missing='impute')."
    )


def _used(table: Table, rows: Array, without: Collection[str]) -> list[Column]:
    """Columns that can be used, and are not missing throughout."""
    columns = [column for column in table.columns if column.name not in without and column.kind.is_used]
    return [column for column in columns if not column.is_missing[rows].all()]

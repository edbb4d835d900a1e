"""A table in memory: named columns, each of a kind."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from ..errors import TableError
from ..graph import Array

__all__ = ["Column", "Kind", "Table"]


class Kind(Enum):
    """What a column holds, and so how it is used."""

    NUMBER = "number"
    CATEGORY = "category"
    BOOLEAN = "boolean"
    TEXT = "text"  # nearly every value differs: names, identifiers; not used


@dataclass(frozen=True, eq=False)
class Column:
    """One column.

    values: for numbers and booleans float64, NaN where missing; otherwise int64 numbers of `categories`, -1 where missing.
    """

    name: str
    kind: Kind
    values: Array
    categories: tuple[str, ...] = ()

    @property
    def is_missing(self) -> Array:
        """Which rows have no value."""
        return np.isnan(self.values) if self.values.dtype.kind == "f" else self.values < 0

    @property
    def missing_count(self) -> int:
        return int(np.count_nonzero(self.is_missing))

    def describe(self) -> str:
        """What the column was understood to be."""
        parts = [self.kind.value]
        present = self.values[~self.is_missing]
        if self.kind is Kind.NUMBER and len(present):
            parts.append(f"{present.min():g} to {present.max():g}")
        if self.kind is Kind.CATEGORY:
            shown = ", ".join(self.categories[:4]) + (", ..." if len(self.categories) > 4 else "")
            parts.append(f"{len(self.categories)} different: {shown}")
        if self.kind is Kind.TEXT:
            parts.append("nearly every value differs; not used")
        if self.missing_count:
            parts.append(f"{self.missing_count:,} missing")
        return "; ".join(parts)


@dataclass(frozen=True, eq=False)
class Table:
    """A table. path: where it came from, for messages. row_count: without the header."""

    path: str
    columns: tuple[Column, ...]
    row_count: int

    def names(self) -> list[str]:
        """The names of the columns, in their order."""
        return [column.name for column in self.columns]

    def column(self, name: str) -> Column:
        """The column of that name. Raises TableError, with names like it, if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        near = difflib.get_close_matches(name, self.names(), 3)
        hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"It has {', '.join(self.names())}."
        raise TableError(f"{self.path} has no column {name!r}. {hint}")

    def take(self, rows: Any) -> Table:
        """Some of the rows."""
        columns = tuple(Column(c.name, c.kind, c.values[rows], c.categories) for c in self.columns)
        return Table(self.path, columns, len(columns[0].values))

"""The target: what is to be predicted, and which model follows from its kind."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from ..errors import TableError
from ..graph import Array
from .table import Column, Kind, Table

__all__ = ["ModelKind", "Target", "target_of"]


class ModelKind(Enum):
    """The models that a target can ask for."""

    LINEAR = "linear"
    LOGISTIC = "logistic"


@dataclass(frozen=True, eq=False)
class Target:
    """The target of a table.

    values: float64, one for each of `rows`; for classes 0 and 1. rows: the numbers of the rows that have one.
    classes: the names of the two classes, if there are any. dropped: how many rows have no value.
    """

    name: str
    kind: ModelKind
    values: Array
    rows: Array
    classes: tuple[str, ...]
    dropped: int


def target_of(table: Table, name: str) -> Target:
    """The target of that name. Raises TableError if it is not there, constant, missing throughout, or has no model."""
    column = table.column(name)
    rows = np.flatnonzero(~column.is_missing)
    if not len(rows):
        raise TableError(f"{table.path}: the target {name!r} is missing in every row")
    present = column.values[rows]
    distinct = np.unique(present)
    if len(distinct) == 1:
        raise TableError(
            f"{table.path}: the target {name!r} is {_name(column, distinct[0])} in every row, so there is nothing to predict. "
            "Choose another column with --target."
        )
    dropped = table.row_count - len(rows)
    if len(distinct) == 2:
        classes = tuple(_name(column, value) for value in distinct)
        return Target(name, ModelKind.LOGISTIC, (present == distinct[1]).astype(float), rows, classes, dropped)
    if column.kind is Kind.NUMBER:
        return Target(name, ModelKind.LINEAR, present, rows, (), dropped)
    raise TableError(
        f"{table.path}: the target {name!r} has {len(distinct)} classes, and thalweg fits two so far. "
        "Choose a column of numbers or of two classes, or keep the rows of two classes."
    )


def _name(column: Column, value: float) -> str:
    if column.kind is Kind.BOOLEAN:
        return "true" if value else "false"
    return column.categories[int(value)] if column.categories else f"{value:g}"

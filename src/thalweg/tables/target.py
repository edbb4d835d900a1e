"""The target: what is to be predicted, and which model follows from its kind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from ..errors import TableError
from ..graph import Array
from .column import Column, Kind
from .table import Table

__all__ = ["ModelKind", "Target", "model_kind", "target_of"]


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


def model_kind(column: Column, path: str = "the table") -> ModelKind:
    """The model that a target asks for: logistic if it has two different values, linear if it is a number.

    path: the table, for messages. Raises TableError if the target is missing throughout, constant, text or a date, or has
    more than two classes.

    >>> model_kind(Column("price", Kind.NUMBER, np.array([1.0, 2.0, 3.5])))
    <ModelKind.LINEAR: 'linear'>
    """
    what = f"{path}: the target {column.name!r}"
    different = np.unique(column.values[~column.is_missing])
    if not len(different):
        raise TableError(f"{what} is missing in every row. Choose another column with --target.")
    if len(different) == 1:
        raise TableError(
            f"{what} is {column.value_name(different[0])} in every row that has one, so there is nothing to predict. "
            "Choose another column with --target."
        )
    if column.kind in (Kind.TEXT, Kind.DATE):
        raise TableError(
            f"{what} holds {_PLURAL[column.kind]}, {len(different):,} different ones, which no model predicts. "
            "Choose a column of numbers or of two classes."
        )
    if len(different) == 2:
        return ModelKind.LOGISTIC
    if column.kind is Kind.NUMBER:
        return ModelKind.LINEAR
    names = ", ".join(column.value_name(value) for value in different[:5]) + (", ..." if len(different) > 5 else "")
    raise TableError(
        f"{what} has {len(different):,} classes ({names}). That needs a softmax model, which is not there yet: "
        "choose a column of numbers or of two classes, or keep the rows of two classes."
    )


_PLURAL = {Kind.TEXT: "texts", Kind.DATE: "dates"}


def target_of(table: Table, name: str, rows: Array | None = None) -> Target:
    """The target of that name; rows without a value are left out and counted.

    rows: the numbers of the rows to look at, by default all. Raises TableError if the column is not there (with names like
    it), and as `model_kind` does.
    """
    column = table.column(name)
    looked_at = np.arange(table.row_count) if rows is None else rows
    kind = model_kind(replace(column, values=column.values[looked_at]), table.path)
    chosen = looked_at[~column.is_missing[looked_at]]
    values = column.values[chosen]
    dropped = int(np.count_nonzero(column.is_missing))
    if kind is ModelKind.LINEAR:
        return Target(name, kind, values, chosen, (), dropped)
    low, high = np.unique(values)
    classes = (column.value_name(low), column.value_name(high))
    return Target(name, kind, (values == high).astype(float), chosen, classes, dropped)

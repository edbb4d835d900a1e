"""The target: the column that is to be predicted, as numbers or as classes; or several columns of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import TableError
from ..graph import Array
from .column import Column, Kind, different_values
from .encoding import check_size
from .table import Table

__all__ = ["Target", "class_name", "holds_classes", "places_of_classes", "target_of"]

_MOST_CLASSES = 1_000
_PLURAL = {Kind.TEXT: "texts", Kind.DATE: "dates"}


@dataclass(frozen=True, eq=False)
class Target:
    """The target of a table.

    names: of its columns. kind: of the (first) column. classes: their names, in order; none if the target is a number.
    values: one for each of `rows`, float64: numbers, (rows, m) for m columns, or the numbers of classes, from 0.
    rows: the numbers of the rows that have a target. dropped: how many rows have none.
    """

    names: tuple[str, ...]
    kind: Kind
    classes: tuple[str, ...]
    values: Array
    rows: Array
    dropped: int

    @property
    def name(self) -> str:
        """The columns, for a person."""
        return ", ".join(self.names)


def class_name(column: Column, value: float) -> str:
    """The name of a class; of a number all its digits, so that none share one.

    >>> class_name(Column("zip", Kind.NUMBER, np.array([1234567.0])), 1234567.0)
    '1234567'
    """
    if column.kind is Kind.NUMBER:
        return str(int(value)) if value == int(value) else repr(float(value))
    return column.value_name(value)


def holds_classes(column: Column, path: str = "the table") -> bool:
    """Whether a target holds classes: it is no number, or has two different values.

    path: the table, for messages. Raises TableError if the target is missing throughout, constant, text or a date.

    >>> holds_classes(Column("price", Kind.NUMBER, np.array([1.0, 2.0, 3.5])))
    False
    """
    what = f"{path}: the target {column.name!r}"
    different = different_values(column.values[~column.is_missing])
    if not len(different):
        raise TableError(f"{what} is missing in every row. Choose another column with --target.")
    if len(different) == 1:
        raise TableError(
            f"{what} is {column.value_name(different[0])} in every row that has one, so there is nothing to predict. "
            "Choose another column with --target."
        )
    if not column.kind.is_used:
        held = _PLURAL.get(column.kind, column.note)
        instead = (
            f"{column.advice[:1].upper()}{column.advice[1:]}."
            if column.advice
            else "Choose a column of numbers or of classes."
        )
        raise TableError(f"{what} holds {held}, {len(different):,} different ones, which no model predicts. {instead}")
    return len(different) == 2 or column.kind is not Kind.NUMBER


def target_of(
    table: Table, names: str | Sequence[str], rows: Array | None = None, as_classes: bool | None = None
) -> Target:
    """The target of that name, or those names; rows without a value are left out and counted.

    rows: the numbers of the rows to look at, by default all. as_classes: whether to take it as classes; by default as
    `holds_classes` says. Raises TableError if a column is not there (with names like it), or cannot be taken so.
    """
    listed = (names,) if isinstance(names, str) else tuple(names)
    columns = [table.column(name) for name in listed]
    looked_at = np.arange(table.row_count) if rows is None else rows
    found = [holds_classes(replace(column, values=column.values[looked_at]), table.path) for column in columns]
    is_missing = np.any([column.is_missing for column in columns], axis=0)
    chosen = looked_at[~is_missing[looked_at]]
    dropped = int(np.count_nonzero(is_missing))
    if len(columns) > 1:
        _check_several(columns, as_classes, table.path)
        _check_sizes(columns, chosen, table.path)
        values = np.stack([column.values[chosen] for column in columns], axis=1)
        return Target(listed, Kind.NUMBER, (), values, chosen, dropped)
    column = columns[0]
    values = column.values[chosen]
    if not (found[0] if as_classes is None else as_classes):
        if column.categories:
            raise TableError(
                f"{table.path}: the target {column.name!r} holds categories ({_listed(column, np.unique(values))}), which are no "
                "numbers: choose a model, and an objective, of classes, such as --model softmax"
            )
        _check_sizes(columns, chosen, table.path)
        return Target(listed, column.kind, (), values.astype(np.float64), chosen, dropped)
    different = different_values(values)
    places = np.searchsorted(different, values)
    if len(different) > _MOST_CLASSES:
        raise TableError(
            f"{table.path}: the target {column.name!r} has {len(different):,} different values, too many for classes. "
            "Choose a model of numbers, such as --model linear."
        )
    classes = tuple(class_name(column, value) for value in different)
    return Target(listed, column.kind, classes, places.astype(np.float64), chosen, dropped)


def places_of_classes(column: Column, classes: Sequence[str]) -> Array:
    """For each row the number of its class (N,), −1 for one that is not among them, −2 where it is missing.

    What is true or false may stand in other words than those of `classes`.
    """
    if column.kind is Kind.BOOLEAN:
        return np.where(column.is_missing, -2, column.values).astype(np.int64)
    number_of = {name: number for number, name in enumerate(classes)}
    result = np.full(len(column.values), -2, np.int64)
    present = ~column.is_missing
    different, places = np.unique(column.values[present], return_inverse=True)
    numbers = np.array([number_of.get(class_name(column, value), -1) for value in different], np.int64)
    result[present] = numbers[places]
    return result


def _check_several(columns: Sequence[Column], as_classes: bool | None, path: str) -> None:
    for column in columns:
        if as_classes or column.kind not in (Kind.NUMBER, Kind.BOOLEAN):
            raise TableError(
                f"{path}: several targets are predicted together only if all are numbers, and {column.name!r} is to be taken as "
                "classes. Fit a model for each."
            )


def _check_sizes(columns: Sequence[Column], rows: Array, path: str) -> None:
    for column in columns:
        check_size(column.name, float(np.abs(column.values[rows]).max(initial=0)), path)


def _listed(column: Column, different: Array) -> str:
    names = ", ".join(column.value_name(value) for value in different[:5])
    return names + (", ..." if len(different) > 5 else "")

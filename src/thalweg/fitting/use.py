"""What a fitted model does with tables of any size: predictions and evaluation, batch by batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import TableError
from ..graph import Array
from ..models import ClassMetrics, Metrics
from ..tables import (
    Differences,
    Kind,
    Marks,
    Missing,
    Source,
    Table,
    Unseen,
    class_name,
    marks_of,
    open_source,
    places_of_classes,
    tables_in,
)
from ..tables.table import counted
from .table_model import TableModel

__all__ = ["Evaluation", "NewRows", "evaluate", "predictions"]

_NUMBERS_AT_ONCE = 1 << 22
"""Of features: 32 MB."""


@dataclass(frozen=True, eq=False)
class NewRows:
    """A table of new rows that need not fit in memory, and how to take it.

    source: its rows. kinds: of columns that are not to be taken as at training. missing, unseen: as `Encoding.transform` has
    them. differences: from the training rows, as far as they were read.
    """

    source: Source
    kinds: Mapping[str, Kind]
    missing: Missing
    unseen: Unseen
    differences: Differences

    @classmethod
    def of(
        cls,
        model: TableModel,
        data: Any,
        *,
        kinds: Mapping[str, Kind] | None = None,
        missing: Missing = "impute",
        unseen: Unseen = "none",
        missing_marks: Marks = (),
        **reading: Any,
    ) -> NewRows:
        """data, reading: as `open_source` takes them. missing_marks: beside those of training."""
        wanted = {**_expected(model), **(kinds or {})}
        as_text = frozenset(name for name, kind in wanted.items() if kind in (Kind.CATEGORY, Kind.TEXT))
        marks = (*model.missing_marks, *marks_of(missing_marks))
        source = open_source(data, as_text=as_text, missing_marks=marks, **reading)
        return cls(source, kinds or {}, missing, unseen, Differences(model.encoding))

    def notes(self, model: TableModel) -> list[str]:
        """How they differ from the training rows."""
        notes = self.differences.notes(self.source, known=model.target)
        blank = sum(part.blank_rows for part in self.source.parts)
        return [*notes, f"{counted(blank, 'blank row')} at the end of a file left out"] if blank else notes


def _expected(model: TableModel) -> dict[str, Kind]:
    return {**model.encoding.kinds, **dict.fromkeys(model.target, model.kind)}


def _batches(model: TableModel, rows: NewRows, more: tuple[str, ...] = ()) -> Iterator[tuple[Table, Array]]:
    """The rows in tables, with the predictions for each. more: columns that are needed beside the features."""
    if not rows.source.absent_is_zero:
        model.encoding.check_columns(rows.source.schema.names, rows.source.path)
    most = max(1, _NUMBERS_AT_ONCE // len(model.encoding.features))
    columns = {*model.encoding.kinds, *more}
    for table in tables_in(rows.source, columns, most, rows.kinds, _expected(model)):
        X = model.features(table, missing=rows.missing, unseen=rows.unseen)
        rows.differences.add(table)
        yield table, model.predict_features(X)


def predictions(model: TableModel, data: Any, **options: Any) -> Iterator[Array]:
    """As `TableModel.predict_features` has them, batch by batch. data, options: NewRows, or what `NewRows.of` takes."""
    for _, predicted in _batches(model, _new_rows(model, data, options)):
        yield predicted


def _new_rows(model: TableModel, data: Any, options: Mapping[str, Any]) -> NewRows:
    return data if isinstance(data, NewRows) else NewRows.of(model, data, **options)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How good a model is on a table.

    rows: that were evaluated. left_out: rows without a target. metrics: of each column of the target, by its name. unseen: classes
    that training never saw, with the number of rows; unseen_place: where the first is. notes: how the rows differ from those of
    training.
    """

    rows: int
    left_out: int
    classes: tuple[str, ...]
    metrics: Mapping[str, Metrics]
    unseen: Mapping[str, int]
    unseen_place: str
    notes: list[str] = field(default_factory=list)

    @property
    def of_classes(self) -> ClassMetrics | None:
        """The metrics of a target of classes, with the confusion matrix."""
        metrics = next(iter(self.metrics.values()))
        return metrics if isinstance(metrics, ClassMetrics) else None

    def scores(self) -> dict[str, dict[str, float]]:
        """For each column of the target its metrics by name."""
        return {name: metrics.values() for name, metrics in self.metrics.items()}

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; None for what is not defined."""
        scores = {name: _plain(values) for name, values in self.scores().items()}
        plain: dict[str, Any] = {"rows": self.rows, "rows_without_target": self.left_out, "scores": scores}
        found = self.of_classes
        if found is not None:
            plain["classes"] = {name: _plain(found.of_class(number)) for number, name in enumerate(self.classes)}
            names = (*self.classes, *([None] if found.unseen else []))
            plain["confusion"] = [
                {"class": name, "predicted": dict(zip(self.classes, row, strict=True))}
                for name, row in zip(names, found.confusion.tolist(), strict=False)
            ]
            plain["unseen_classes"] = dict(self.unseen)
            plain["AUC_error"] = found.area_error
        return plain | {"notes": self.notes}


def _plain(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if np.isfinite(value) else None for name, value in values.items()}


def evaluate(model: TableModel, data: Any, **options: Any) -> Evaluation:
    """Compares predictions with the target, batch by batch. data, options: NewRows, or what `NewRows.of` takes.

    Rows without a target are left out. A class that training never saw is refused, with its place, if `unseen` is "refuse"; else it
    counts as a wrong answer, and the rows are left out of the logarithmic loss and of the area under the ROC curve.
    Raises TableError.
    """
    rows = _new_rows(model, data, options)
    for name in model.target:
        if name not in rows.source.names() and not rows.source.absent_is_zero:
            raise TableError(
                f"{rows.source.path} has no column {name!r}, with which predictions are compared. It has "
                f"{', '.join(rows.source.names()[:20])}. To predict rows without it: thalweg predict"
            )
    metrics = dict(zip(model.target, model.metrics(), strict=True))
    unseen: Counter[str] = Counter()
    place, left_out = "", 0
    for table, predicted in _batches(model, rows, model.target):
        if not model.classes:
            left_out += _add_numbers(table, predicted, metrics)
            continue
        column = table.column(model.target[0])
        y = places_of_classes(column, model.classes)
        strange = np.flatnonzero(y == -1)
        if len(strange):
            place = place or table.place(int(strange[0]))
            if rows.unseen == "refuse":
                first = class_name(column, column.values[strange[0]])
                raise TableError(
                    f"{place}, column {column.name!r}: training never saw the class {first!r}, and such rows are refused. It saw "
                    f"{', '.join(model.classes[:10])}. To count them as wrong answers: --unseen none"
                )
            unseen.update(class_name(column, column.values[row]) for row in strange)
        present = y != -2
        left_out += int(np.count_nonzero(~present))
        metrics[column.name].update(y[present], predicted[present])
    count = next(iter(metrics.values())).count
    if not count:
        raise TableError(f"{rows.source.path}: the target {', '.join(model.target)} is missing in every row")
    return Evaluation(count, left_out, model.classes, metrics, unseen, place, rows.notes(model))


def _add_numbers(table: Table, predicted: Array, metrics: Mapping[str, Metrics]) -> int:
    """Adds the rows that have all targets to the metrics, and returns how many have not."""
    columns = [table.column(name) for name in metrics]
    for column in columns:
        if column.categories:
            raise TableError(
                f"{table.path}: the target {column.name!r} held numbers at training, and holds {column.kind.value} values now"
            )
    present = ~np.any([column.is_missing for column in columns], axis=0)
    by_column = predicted.reshape(len(predicted), -1)
    for number, column in enumerate(columns):
        metrics[column.name].update(column.values[present], by_column[present, number])
    return int(np.count_nonzero(~present))

"""From a table to a model: what joins tables, models and descent."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from ..descent import Progress, Result
from ..descent.checkpoint import Keeper
from ..graph import Array
from ..judged import minimize
from ..tables import Table, read_table
from .descend import task_of
from .prepare import Prepared, prepare
from .settings import Settings
from .table_model import TableModel

__all__ = ["fit", "fit_prepared", "model_of"]


def fit(
    data: Any,
    target: str | Sequence[str],
    *,
    on_progress: Callable[[Progress], object] | None = None,
    checkpoints: Keeper | None = None,
    **settings: Any,
) -> TableModel:
    """Fits a model to a table.

    data: a `thalweg.tables.Table`, or anything that `thalweg.tables.read_table` takes: a path, a frame of pandas or Polars, an
    Arrow table. target: the column to predict, or several columns of numbers. on_progress, checkpoints: as for `minimize`.
    settings: as `thalweg.fitting.Settings` has them: model, hidden, objective, l1, l2, method, batch_size, epochs, ...
    Raises TableError or ArgumentError.

    >>> import pyarrow as pa
    >>> model = fit(pa.table({"x": [1.0, 2, 3, 4, 5, 6, 7, 8], "y": [3.0, 5, 7, 9, 11, 13, 15, 17]}), "y", l2=0)
    >>> [round(float(y), 3) for y in model.predict(pa.table({"x": [9.0, 10.0]}))]
    [19.0, 21.0]
    """
    table = data if isinstance(data, Table) else read_table(data)
    return fit_prepared(prepare(table, target, Settings(**settings)), on_progress, checkpoints)


def fit_prepared(
    prepared: Prepared,
    on_progress: Callable[[Progress], object] | None = None,
    checkpoints: Keeper | None = None,
) -> TableModel:
    """Descends as `task_of` says."""
    task = task_of(prepared)
    result = minimize(task.loss, task.start, **task.options, on_progress=on_progress, checkpoints=checkpoints)
    return model_of(prepared, result)


def model_of(prepared: Prepared, result: Result) -> TableModel:
    """The model whose parameters a descent has found, with its scores on training and validation rows."""
    model = TableModel(
        prepared.model,
        result.parameters,
        prepared.encoding,
        prepared.target.names,
        prepared.target.kind,
        prepared.target.classes,
        prepared.mean,
        prepared.scale,
        {},
        result,
    )
    parts = {"training": (prepared.training, prepared.fitted), "validation": (prepared.validation, prepared.kept)}
    scores = {
        name: {} if part is None else _scores(model, prepared.target.values[places], part.X)
        for name, (places, part) in parts.items()
    }
    return dataclasses.replace(model, scores=scores)


def _scores(model: TableModel, y: Array, X: Array) -> dict[str, float]:
    metrics = model.metrics()
    predicted = model.predict_features(X)
    if len(metrics) == 1:
        metrics[0].update(y, predicted)
        return metrics[0].values()
    found: dict[str, float] = {}
    for number, (name, metric) in enumerate(zip(model.target, metrics, strict=True)):
        metric.update(y[:, number], predicted[:, number])
        found |= {f"{what} of {name}": value for what, value in metric.values().items()}
    return found

"""From a table to a model: what joins tables, models and descent."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..arguments import FIT, check_arguments
from ..beside import beside
from ..descent import Progress, Result
from ..descent.checkpoint import Keeper
from ..errors import ArgumentError
from ..graph import Array
from ..judged import minimize, minimize_to_judge
from ..models import Metrics
from ..tables import Kind, Marks, Source, Table, open_source, reading_bound
from .descend import task_of
from .prepare import Prepared, prepare
from .settings import Settings
from .streamed import PreparedStream, StreamedPart
from .table_model import TableModel

if TYPE_CHECKING:
    from ..cluster import Cluster
    from ..live import Live

__all__ = ["fit", "fit_prepared", "model_of", "prepare_source", "prepare_within"]


def fit(
    data: Any,
    target: str | Sequence[str],
    *,
    kinds: Mapping[str, Kind | str] | None = None,
    missing_marks: Marks = (),
    memory: int | str | None = None,
    on_progress: Callable[[Progress], object] | None = None,
    checkpoints: Keeper | None = None,
    cluster: Cluster | None = None,
    live: bool | Live = False,
    **settings: Any,
) -> TableModel:
    """Fits a model to a table.

    data: a `thalweg.tables.Table`, or anything that `thalweg.tables.read_table` takes: a path, a frame of pandas or Polars, an
    Arrow table. target: the column to predict, or several columns of numbers. kinds: columns whose kind is not to be inferred, such as
    {"zip": "category"}; of a `Table` it is known already. missing_marks: as for `read_table`, "-" or ["n.a.", -999]; the model
    remembers them. memory: as for `prepare_source`.
    on_progress, checkpoints, cluster, live: as for `minimize`.
    settings: as `thalweg.fitting.Settings` has them: model, hidden, objective, l1, l2, method, batch_size, epochs, ...
    Raises TableError or ArgumentError.

    >>> import pyarrow as pa
    >>> model = fit(pa.table({"x": [1.0, 2, 3, 4, 5, 6, 7, 8], "y": [3.0, 5, 7, 9, 11, 13, 15, 17]}), "y", l2=0)
    >>> [round(float(y), 3) for y in model.predict(pa.table({"x": [9.0, 10.0]}))]
    [19.0, 21.0]
    """
    check_arguments("fit", settings, [field.name for field in dataclasses.fields(Settings)], FIT)
    if isinstance(data, Table):
        if kinds:
            raise ArgumentError("kinds=...: the kinds of a Table are known: give them to read_table")
        if missing_marks != ():
            raise ArgumentError("missing_marks=...: a Table was read already: give them to read_table")
        return fit_prepared(prepare(data, target, Settings(**settings)), on_progress, checkpoints, cluster, live)
    known = {name: _kind_of(kind) for name, kind in (kinds or {}).items()}
    as_text = frozenset(name for name, kind in known.items() if kind in (Kind.CATEGORY, Kind.TEXT))
    source = open_source(data, as_text=as_text, missing_marks=missing_marks)
    prepared = prepare_source(source, target, Settings(**settings), kinds=known, memory=memory)
    return fit_prepared(prepared, on_progress, checkpoints, cluster, live)


def _kind_of(kind: Kind | str) -> Kind:
    try:
        return Kind(kind)
    except ValueError:
        allowed = ", ".join(kind.value for kind in Kind if kind is not Kind.OTHER)
        raise ArgumentError(f"kinds: {kind!r} is no kind of column. Give one of {allowed}.") from None


def prepare_source(
    source: Source,
    target: str | Sequence[str],
    settings: Settings | None = None,
    *,
    kinds: Mapping[str, Kind] | None = None,
    memory: int | str | None = None,
) -> Prepared | PreparedStream:
    """Understands a table: in memory, or, if it would take more than half of what is available, as a stream.

    memory: of reading, as bytes or text such as "2 GB", 64 MB at least; if it is given the table is streamed. kinds: as for
    `read_table`.
    """
    return prepare_within(reading_bound(source, memory), source, target, settings, kinds=kinds)


def prepare_within(
    bound: int | None,
    source: Source,
    target: str | Sequence[str],
    settings: Settings | None = None,
    *,
    kinds: Mapping[str, Kind] | None = None,
) -> Prepared | PreparedStream:
    """Understands a table with the memory that `reading_bound` has found."""
    settings = settings or Settings()
    kinds = {**(kinds or {}), **dict.fromkeys(settings.ignored, Kind.OTHER)}  # what is ignored need not be understood
    if bound is None:
        return prepare(Table.of(source, kinds), target, settings)
    from .streaming import prepare_stream  # most tables fit in memory

    return prepare_stream(source, target, settings, memory=bound, kinds=kinds)


def fit_prepared(
    prepared: Prepared | PreparedStream,
    on_progress: Callable[[Progress], object] | None = None,
    checkpoints: Keeper | None = None,
    cluster: Cluster | None = None,
    live: bool | Live | None = False,
    judges: bool = False,
) -> TableModel:
    """Descends as `task_of` says. judges: whether the verdict is worked out as well, as far as may be in the time that something else
    takes."""
    task = task_of(prepared)
    options: dict[str, Any] = {
        **task.options,
        "on_progress": on_progress,
        "checkpoints": checkpoints,
        "cluster": cluster,
        "live": live or False,
    }
    if not judges:
        return model_of(prepared, minimize(task.loss, task.start, **options))
    result = minimize_to_judge(task.loss, task.start, **options)
    verdict = beside(lambda: result.verdict)
    model = model_of(prepared, result)
    verdict()
    return model


def model_of(prepared: Prepared | PreparedStream, result: Result) -> TableModel:
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
        prepared.missing_marks,
    )
    if isinstance(prepared, PreparedStream):
        scores = {
            "training": _scores_of_stream(model, prepared.fitted),
            "validation": _scores_of_stream(model, prepared.kept),
        }
    else:
        parts = {"training": (prepared.training, prepared.fitted), "validation": (prepared.validation, prepared.kept)}
        scores = {
            name: {} if part is None else _scores(model, prepared.target.values[places], part.X)
            for name, (places, part) in parts.items()
        }
    return dataclasses.replace(model, scores=scores)


def _scores(model: TableModel, y: Array, X: Array) -> dict[str, float]:
    metrics = model.metrics()
    _add(model, metrics, y, X)
    return _named(model, metrics)


def _scores_of_stream(model: TableModel, part: StreamedPart | None) -> dict[str, float]:
    """The same in a pass over a stream."""
    if part is None:
        return {}
    metrics = model.metrics()
    for X, y, *_ in part.data.chunks():
        _add(model, metrics, y if model.classes else y * model.scale + model.mean, X)
    return _named(model, metrics)


def _add(model: TableModel, metrics: Sequence[Metrics], y: Array, X: Array) -> None:
    predicted = model.predict_features(X)
    if len(metrics) == 1:
        metrics[0].update(y, predicted)
        return
    for number, metric in enumerate(metrics):
        metric.update(y[:, number], predicted[:, number])


def _named(model: TableModel, metrics: Sequence[Metrics]) -> dict[str, float]:
    if len(metrics) == 1:
        return metrics[0].values()
    return {
        f"{what} of {name}": value
        for name, metric in zip(model.target, metrics, strict=True)
        for what, value in metric.values().items()
    }

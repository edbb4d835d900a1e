"""From a table that does not fit in memory to what a descent needs, in one pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..descent.data import Chunk, size_text
from ..errors import ArgumentError, TableError
from ..graph import Array, ArrayType
from ..models import Model
from ..models.losses import PoissonDeviance
from ..tables import Kind, Source, Survey, Table, places_of_classes, stream_of
from ..tables.survey import survey
from .prepare import as_classes, as_targets, dtype_of, is_standardised, model_for
from .settings import Settings
from .streamed import PreparedStream, StreamedPart

__all__ = ["prepare_stream"]

_DECODER, _SMALLEST = 3_000_000, 24_000_000
"""Bytes that decoding takes for each column, and what a stream needs beside that."""


def prepare_stream(
    source: Source,
    target: str | Sequence[str],
    settings: Settings | None = None,
    *,
    memory: int,
    kinds: Mapping[str, Kind] | None = None,
) -> PreparedStream:
    """Understands a table in one pass. memory: in bytes, 64 MB at least. Raises TableError or ArgumentError."""
    settings = settings or Settings()
    settings.check_ignored(target)
    if memory < 2 * (_SMALLEST + _DECODER):
        raise _too_small(memory, 1)
    found = survey(
        source,
        target,
        kinds=kinds,
        ignored=settings.ignored,
        weights=settings.weights,
        missing=settings.missing,
        as_classes=as_classes(settings),
        seed=settings.seed,
        share=settings.validation,
        memory=memory,
    )
    model = model_for(found.target, len(found.encoding.features), settings)
    if isinstance(model.criterion, PoissonDeviance) and min(numbers.least for numbers in found.numbers) < 0:
        raise TableError(
            f"{source.path}: the target {found.target.name!r} is below 0 in some rows, and Poisson regression predicts counts, 0 or "
            "more. Choose the model linear."
        )
    mean, scale = _unit(found, model)
    targets = _Targets(found, model, settings, mean, scale)
    dtype = np.dtype(dtype_of(model))
    types = tuple(ArrayType(array.shape[1:], array.dtype) for array in targets.empty())
    more = (settings.weights,) if settings.weights else ()

    has_validation = sum(found.validation) > 0
    columns = len({*found.encoding.kinds, *found.target.names, *more})
    room = memory - (1 + has_validation) * _DECODER * columns
    if room < (1 + has_validation) * _SMALLEST:
        raise _too_small(memory, columns)

    def part(is_validation: bool, share: int) -> StreamedPart:
        return StreamedPart(stream_of(found, targets, types, dtype, is_validation, share, more), dtype)

    kept = part(True, max(room // 4, _SMALLEST)) if has_validation else None
    fitted = part(False, room if kept is None else room - kept.data.memory)
    return PreparedStream(found, settings, model, fitted, kept, mean, scale, memory)


def _too_small(memory: int, columns: int) -> ArgumentError:
    needed = size_text(2 * (_SMALLEST + _DECODER * columns))
    which = f"a table with {columns} columns that are used" if columns > 1 else "a table"
    return ArgumentError(f"memory={size_text(memory)!r} is too small: to stream {which} takes {needed} or more")


def _unit(found: Survey, model: Model) -> tuple[Array, Array]:
    if not is_standardised(model):
        return np.zeros(()), np.ones(())
    shape = () if len(found.numbers) == 1 else (len(found.numbers),)
    mean = np.array([numbers.mean for numbers in found.numbers]).reshape(shape)
    scale = np.array([numbers.deviation or 1.0 for numbers in found.numbers]).reshape(shape)
    return mean, scale


class _Targets:
    """Targets, and weights if there are any, of the rows of a table."""

    def __init__(self, found: Survey, model: Model, settings: Settings, mean: Array, scale: Array) -> None:
        self._target, self._model, self._weights = found.target, model, settings.weights
        self._mean, self._scale = mean, scale
        self._dtype = np.dtype(dtype_of(model))
        total = found.class_weights.sum() if found.target.classes else found.weights.mean * found.weights.count
        self._unit = 1.0 if settings.weights is None else total / sum(found.training)
        if settings.weights is not None and not total > 0:
            raise TableError(f"{found.source.path}: the weights in {settings.weights!r} are 0 in every row")
        self._factors: Array | None = None
        if settings.class_weight is not None:
            if not found.target.classes:
                raise ArgumentError(
                    f"class_weight={settings.class_weight!r}: the target {found.target.name!r} is a number and has no classes"
                )
            self._factors = total / (len(found.class_weights) * np.maximum(found.class_weights, 1e-300))

    def empty(self) -> Chunk:
        """The targets of no rows."""
        shape = (0, len(self._target.names)) if len(self._target.names) > 1 else (0,)
        return self._of(np.zeros(shape), np.zeros(0))

    def __call__(self, table: Table) -> Chunk:
        columns = [table.column(name) for name in self._target.names]
        if self._target.classes:
            values: Array = places_of_classes(columns[0], self._target.classes)
        elif len(columns) > 1:
            values = np.stack([column.values for column in columns], axis=1)
        else:
            values = columns[0].values
        own = np.ones(len(values)) if self._weights is None else table.column(self._weights).values
        return self._of(values, own / self._unit)

    def _of(self, values: Array, weights: Array) -> Chunk:
        with np.errstate(invalid="ignore"):  # rows without a target, which are not used
            y = as_targets((values - self._mean) / self._scale, self._model, np.empty(0, self._dtype))
        if self._weights is None and self._factors is None:
            return (y,)
        if self._factors is not None:
            weights = weights * self._factors[np.maximum(values.astype(np.int64), 0)]
        return y, weights.astype(self._dtype)

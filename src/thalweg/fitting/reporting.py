"""The report of a table's model: its descent, with coefficients, scores, and predictions for rows that were kept apart."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ArgumentError
from ..graph import Array
from .prepare import Part, Prepared
from .streamed import PreparedStream
from .table_model import TableModel

if TYPE_CHECKING:
    from ..pictures import Depicted, Fitted

__all__ = ["fitted_of", "write_report"]


def write_report(
    model: TableModel, prepared: Prepared | PreparedStream, path: str | Path, further: tuple[Depicted, ...] = ()
) -> Path:
    """Writes the page of a model that was just fitted. further: pictures that others have made.

    Raises ArgumentError if the model was loaded, the path does not end in .html, or Matplotlib is not installed.
    """
    from .. import report  # what draws is loaded only if something is to be drawn
    from ..diagnosis import judge

    if model.result is None:
        raise ArgumentError("a report tells of a descent, and a model that was loaded has none: fit it again")
    title = f"{', '.join(model.target)} of {Path(prepared.path).name}"
    result = model.result
    if result.judge is None:  # of a search
        result = dataclasses.replace(result, judge=judge)
    return report.write(result, path, title, fitted_of(model, prepared), further)


def fitted_of(model: TableModel, prepared: Prepared | PreparedStream | None = None) -> Fitted:
    """What the report tells of the model. Predictions are for the validation rows, or the training rows if there are none; without
    the table there are none."""
    from ..pictures import Fitted

    target = ", ".join(model.target)
    if prepared is None:
        return Fitted(target, _coefficients(model), classes=model.classes, scores=model.scores)
    X, actual, rows = _examples(prepared)
    predicted = model.predict_features(X)
    if model.classes:
        predicted = np.argmax(predicted, axis=1)
    return Fitted(
        target,
        _coefficients(model),
        predicted,
        np.asarray(actual),
        model.classes,
        model.scores,
        rows,
        model.target if not model.classes and predicted.ndim > 1 else (),
    )


def _examples(prepared: Prepared | PreparedStream) -> tuple[Array, Array, str]:
    """Features and targets of the rows that predictions are shown for, and their name; of a stream, the first ones."""
    which = "training rows" if prepared.kept is None else "validation rows"
    part = prepared.fitted if prepared.kept is None else prepared.kept
    if isinstance(part, Part):
        assert isinstance(prepared, Prepared)
        places = prepared.training if prepared.kept is None else prepared.validation
        return part.X, prepared.target.values[places], which
    X, y, *_ = next(iter(part.data.chunks()))
    actual = y if prepared.target.classes else y * prepared.scale + prepared.mean
    return np.array(X, order="C"), np.array(actual), f"the first {len(X):,} {which}"


def _coefficients(model: TableModel) -> dict[str, float]:
    if not model.is_linear:
        return {}
    coefficients, _ = model.coefficients()
    if coefficients.ndim == 1:
        return _named(model, coefficients, "")
    of_columns: Any = model.classes or model.target
    return {
        name: value
        for column, own in zip(of_columns, coefficients.T, strict=True)
        for name, value in _named(model, own, f" → {column}").items()
    }


def _named(model: TableModel, coefficients: Array, ending: str) -> dict[str, float]:
    return {f"{name}{ending}": float(value) for name, value in zip(model.encoding.names, coefficients, strict=True)}

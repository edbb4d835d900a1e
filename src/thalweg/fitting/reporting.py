"""The report of a table's model: its descent, with coefficients, scores, and predictions for rows that were kept apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..graph import Array
from ..pictures import Depicted, Fitted
from .prepare import Prepared
from .table_model import TableModel

__all__ = ["fitted_of", "write_report"]


def write_report(model: TableModel, prepared: Prepared, path: str | Path, further: tuple[Depicted, ...] = ()) -> Path:
    """Writes the page of a model that was just fitted. further: pictures that others have made.

    Raises ArgumentError if the model was loaded, the path does not end in .html, or Matplotlib is not installed.
    """
    from .. import report

    if model.result is None:
        raise ArgumentError("a report tells of a descent, and a model that was loaded has none: fit it again")
    title = f"{', '.join(model.target)} of {Path(prepared.table.path).name}"
    return report.write(model.result, path, title, fitted_of(model, prepared), further)


def fitted_of(model: TableModel, prepared: Prepared) -> Fitted:
    """What the report tells of the model. Predictions are for the validation rows, or the training rows if there are none."""
    part, places = prepared.kept, prepared.validation
    if part is None:
        part, places = prepared.fitted, prepared.training
    predicted = model.predict_features(part.X)
    actual = prepared.target.values[places]
    rows = "training rows" if prepared.kept is None else "validation rows"
    if model.classes:
        predicted = np.argmax(predicted, axis=1)
    elif predicted.ndim > 1:  # of several targets the first is shown
        predicted, actual = predicted[:, 0], actual[:, 0]
    return Fitted(
        model.target[0] if not model.classes else ", ".join(model.target),
        _coefficients(model),
        predicted,
        np.asarray(actual),
        model.classes,
        model.scores,
        rows,
    )


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

"""The commands that use a fitted model: predict, evaluate and export."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from .options import at_prediction, kinds_of, reads_tables

if TYPE_CHECKING:
    from ..fitting import NewRows, TableModel
    from ..graph import Array

__all__ = ["evaluate", "export", "predict"]


def _opened(model: str, tables: tuple[str, ...], options: dict[str, Any]) -> tuple[TableModel, NewRows]:
    """The model, and the rows that the options of `at_prediction` and `reads_tables` describe."""
    from ..fitting import NewRows, TableModel

    loaded = TableModel.load(model)
    return loaded, NewRows.of(loaded, list(tables), kinds=kinds_of(options.pop("kinds")), **options)


@click.command()
@click.argument("model")
@click.argument("tables", nargs=-1, required=True)
@click.option(
    "--output",
    "-o",
    help="A file for the predictions: CSV, TSV, Parquet or Arrow, as its ending says; by default they are printed.",
)
@at_prediction
@reads_tables
def predict(model: str, tables: tuple[str, ...], output: str | None, **options: Any) -> None:
    """Predict the rows of a table with a fitted MODEL.

    TABLES: as for fit; of any size, since they are read batch by batch. For classes the probability of each is told, too. What
    differs from the training rows is told on the standard error output.
    """
    from ..fitting import predictions

    count = 0
    loaded, rows = _opened(model, tables, options)
    with _writer(output) as write:
        for predicted in predictions(loaded, rows):
            write(_as_batch(loaded, predicted, is_rounded=output is None))
            count += len(predicted)
    for note in rows.notes(loaded):
        click.echo(f"Note: {note}", err=True)
    if output is not None:
        click.echo(f"{count:,} predictions written to {output}")


@contextmanager
def _writer(output: str | None) -> Iterator[Callable[[Any], None]]:
    from ..tables import csv_writer, open_writer

    if output is None:
        yield csv_writer(sys.stdout.buffer)
        return
    with open_writer(output) as write:
        yield write


def _as_batch(model: TableModel, predicted: Array, is_rounded: bool) -> Any:
    """Predictions as a record batch. is_rounded: probabilities to six decimals, for a person."""
    import numpy as np
    import pyarrow as pa

    from ..tables.arrow import number_array, text_array

    if not model.classes:
        columns = {
            name: number_array(values) for name, values in zip(model.target, np.atleast_2d(predicted.T), strict=True)
        }
        return pa.RecordBatch.from_arrays(list(columns.values()), list(columns))
    answers = text_array(model.classes).take(number_array(np.argmax(predicted, axis=1)))
    what = "probability" if model.has_probabilities else "score"
    shown = predicted.round(6) if is_rounded else predicted
    columns = {f"{what} of {name}": number_array(shown[:, k]) for k, name in enumerate(model.classes)}
    return pa.RecordBatch.from_arrays([answers, *columns.values()], [model.target[0], *columns])


@click.command()
@click.argument("model")
@click.argument("tables", nargs=-1, required=True)
@click.option("--json", "is_json", is_flag=True, help="Print JSON instead of tables.")
@at_prediction
@reads_tables
def evaluate(model: str, tables: tuple[str, ...], is_json: bool, **options: Any) -> None:
    """Compare a fitted MODEL's answers with a table.

    TABLES: as for fit; of any size, since they are read batch by batch.
    """
    from ..fitting import evaluate as evaluate_model
    from . import show_evaluation

    loaded, rows = _opened(model, tables, options)
    evaluation = evaluate_model(loaded, rows)
    if is_json:
        click.echo(json.dumps(evaluation.to_dict(), ensure_ascii=False, indent=2))
    else:
        show_evaluation.evaluated(loaded, evaluation)


@click.command()
@click.argument("model")
@click.argument("output")
def export(model: str, output: str) -> None:
    """Write a fitted MODEL for use without thalweg.

    OUTPUT: model.onnx, with the preparation of the columns in it; or model.npz, plain arrays of NumPy.
    """
    from ..fitting import TableModel

    loaded = TableModel.load(model)
    if output.endswith(".onnx"):
        loaded.to_onnx(output)
    elif output.endswith(".npz"):
        loaded.save_arrays(output)
    else:
        raise click.BadParameter(f"{output!r}: write a name that ends in .onnx or .npz", param_hint="OUTPUT")
    click.echo(f"Written to {output}")

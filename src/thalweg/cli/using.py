"""The commands that use a fitted model: predict."""

from __future__ import annotations

from typing import Any

import click

from .options import at_prediction, kinds_of, reads_tables

__all__ = ["predict"]


@click.command()
@click.argument("model")
@click.argument("tables", nargs=-1, required=True)
@click.option("--output", "-o", default=None, help="A CSV file for the predictions; by default they are printed.")
@at_prediction
@reads_tables
def predict(
    model: str,
    tables: tuple[str, ...],
    output: str | None,
    missing: Any,
    unseen: Any,
    kinds: tuple[str, ...],
    **reading: Any,
) -> None:
    """Predict the rows of a table with a fitted MODEL.

    TABLES: as for fit. What differs from the training rows is told on the standard error output.
    """
    from ..fitting import TableModel
    from ..tables import read_table
    from . import show

    loaded = TableModel.load(model)
    read = read_table(list(tables), kinds=kinds_of(kinds), expected=loaded.encoding.kinds, **reading)
    predicted = loaded.predict_features(loaded.features(read, missing=missing, unseen=unseen))
    for note in loaded.encoding.notes(read, known=loaded.target):
        click.echo(f"Note: {note}", err=True)
    show.predictions(loaded, predicted, output)

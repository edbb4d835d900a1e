"""What the commands print."""

from __future__ import annotations

import csv
import io
import sys
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from ..descent.result import duration
from ..errors import TableError
from ..fit import Model, Prepared
from ..graph import Array
from ..tables import ModelKind
from ..tables.atomic import write_whole

__all__ = ["console", "fitted", "grid_of", "predictions", "understood"]

_MOST = 100
"""Columns and coefficients that are shown."""
console = Console(highlight=False)


def grid_of(*headers: str) -> Grid:
    """A table without lines; numbers stand to the right."""
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for number, header in enumerate(headers):
        grid.add_column(header, justify="left" if number == 0 else "right")
    return grid


def understood(prepared: Prepared) -> None:
    """What was read, and what will be fitted."""
    table, target = prepared.table, prepared.target
    how = f" ({table.how})" if table.how else ""
    missing = sum(column.missing_count for column in table.columns)
    absent = f", {missing:,} values missing" if missing else ""
    console.print(f"[bold]{escape(table.path)}[/]{how}: {table.row_count:,} rows, {len(table.columns)} columns{absent}")
    grid = Grid(box=None, pad_edge=False, show_header=False)
    for column in table.columns[:_MOST]:
        reason = prepared.encoding.left_out.get(column.name)
        note = (
            " [bold]target[/]"
            if column.name == target.name
            else f" [dim]not used: {escape(reason)}[/]"
            if reason
            else ""
        )
        grid.add_row(f"  {escape(column.name)}", escape(column.describe()) + note)
    if len(table.columns) > _MOST:
        grid.add_row("  ...", f"and {len(table.columns) - _MOST:,} columns more")
    console.print(grid)
    name = "linear regression" if target.kind is ModelKind.LINEAR else "logistic regression"
    classes = f" of {target.name} = {target.classes[1]} against {target.classes[0]}" if target.classes else ""
    classes = escape(classes)
    n = len(prepared.encoding.features)
    console.print(f"Model: {name}{classes}; {n} features, {n}·1 + 1 = {prepared.parameter_count} parameters")
    dropped = f"; {target.dropped:,} without a target are left out" if target.dropped else ""
    if prepared.incomplete:
        dropped += f"; {prepared.incomplete:,} with missing values are left out"
    console.print(
        f"Rows: {len(prepared.training):,} for training, {len(prepared.validation):,} for validation{dropped}"
    )


def fitted(model: Model, prepared: Prepared, is_alone: bool = True) -> None:
    """How the descent ended, how good the model is, and its coefficients. is_alone: whether it had the machine for itself, and
    saw all examples at every step, so that its speed is worth telling."""
    result = model.result
    assert result is not None
    rate = f" ({result.steps * len(prepared.y) / max(result.seconds, 1e-9):.3g} examples/s)" if is_alone else ""
    console.print(
        f"\nDescended {result.steps:,} steps in {duration(result.seconds)}{rate}. It stopped because {result.stopped_by}."
    )
    for note in result.notes:
        console.print(f"Note: {note}")
    if result.verdict is not None:
        console.print(f"Verdict: {result.verdict.kind.value}. {_capitalised(result.verdict.sentence)}.", markup=False)
        for advice in result.verdict.advice:
            console.print(f"Advice: {advice}", markup=False)
    console.print(f"Loss {result.loss:.6g} (penalty included), gradient norm {result.gradient_norm:.2e}\n")
    names = list(model.scores["training"])
    grid = grid_of("", *names)
    for part, scores in model.scores.items():
        if scores:
            grid.add_row(part, *(f"{scores[name]:,.4g}" for name in names))
    console.print(grid)
    coefficients, intercept = model.coefficients()
    unit = "the log-odds" if model.kind is ModelKind.LOGISTIC else model.target
    console.print(f"\nCoefficients: the change of {unit} for one unit of the feature", markup=False)
    grid = grid_of("feature", "coefficient")
    # Of many, those that weigh most: the weights of standardised features compare.
    places = sorted(np.argsort(-np.abs(model.parameters["w"]), kind="stable")[:_MOST])
    names = model.encoding.names
    for place in places:
        grid.add_row(f"  {escape(names[place])}", f"{coefficients[place]:,.6g}")
    if len(names) > _MOST:
        grid.add_row(f"  ... and {len(names) - _MOST:,} that weigh less", "")
    grid.add_row("  intercept", f"{intercept:,.6g}")
    console.print(grid)


def _capitalised(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _rows(model: Model, predicted: Array) -> tuple[list[str], Any]:
    if model.kind is ModelKind.LINEAR:
        return [model.target], ([f"{value:.10g}"] for value in predicted)
    header = [model.target, f"probability of {model.classes[1]}"]
    return header, ([model.classes[int(p >= 0.5)], f"{p:.6f}"] for p in predicted)


def predictions(model: Model, predicted: Array, output: str | None) -> None:
    """Prints the predictions as CSV, or writes them whole to a file."""
    header, rows = _rows(model, predicted)
    stream = sys.stdout if output is None else io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    if output is None or not isinstance(stream, io.StringIO):
        return
    try:
        write_whole(output, stream.getvalue().encode())
    except OSError as error:
        raise TableError(
            f"the predictions cannot be written to {output}: {error.strerror or error}. Nothing was changed there."
        ) from None
    console.print(f"{len(predicted):,} predictions written to {output}", markup=False)

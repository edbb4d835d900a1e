"""The command `thalweg`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from .. import __version__
from ..errors import ThalwegError

if TYPE_CHECKING:
    from ..tables import Kind

__all__ = ["main"]


class _Group(click.Group):
    """Errors that thalweg raises on purpose are for the user to read: one message, no traceback."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except ThalwegError as error:
            click.echo(f"thalweg: {error}", err=True)
            sys.exit(1)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="thalweg")
def main() -> None:
    """Gradient descent on tables: fit a model, search its hyperparameters, predict with it."""


def _kinds(values: tuple[str, ...]) -> dict[str, Kind]:
    from ..tables import Kind

    allowed = [kind.value for kind in Kind if kind is not Kind.OTHER]
    kinds = {}
    for value in values:
        column, _, name = value.rpartition("=")
        if not column or name not in allowed:
            raise click.BadParameter(
                f"{value!r}: write COLUMN=KIND with a kind out of {', '.join(allowed)}", param_hint="--kind"
            )
        kinds[column] = Kind(name)
    return kinds


_READING = (
    click.option(
        "--kind",
        "kinds",
        multiple=True,
        metavar="COLUMN=KIND",
        help="Take a column as number, category, boolean, date or text (not used).",
    ),
    click.option(
        "--format",
        "format_",
        metavar="FORMAT",
        help="csv, tsv, jsonl, parquet, arrow, numpy or libsvm; by default as the ending says.",
    ),
    click.option("--encoding", help="Of text, such as latin-1; by default UTF-8, else CP949."),
    click.option(
        "--delimiter",
        callback=lambda context, parameter, value: "\t" if value in ("\\t", "tab") else value,
        help="Of CSV; by default what fits of comma, semicolon, tab and bar.",
    ),
)


def _reads_tables(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_READING):
        command = option(command)
    return command


@main.command()
@click.argument("tables", nargs=-1, required=True)
@click.option("--target", required=True, metavar="COLUMN", help="The column to predict.")
@click.option("--output", "-o", default="model.thalweg", show_default=True, help="Where to save the model.")
@click.option("--seed", default=0, show_default=True, help="Of the split into training and validation rows.")
@click.option(
    "--missing",
    type=click.Choice(["impute", "drop", "refuse"]),
    default="impute",
    show_default=True,
    help="Fill missing values, leave out their rows, or stop at the first.",
)
@click.option("--live", is_flag=True, help="Watch the descent in the browser; hold, change or stop it there.")
@click.option(
    "--live-port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="PORT",
    help="Of the live page; by default a free one.",
)
@_reads_tables
def fit(
    tables: tuple[str, ...],
    target: str,
    output: str,
    seed: int,
    missing: Any,
    live: bool,
    live_port: int,
    kinds: tuple[str, ...],
    format_: str | None,
    encoding: str | None,
    delimiter: str | None,
) -> None:
    """Fit a model to a table by gradient descent.

    TABLES: files of one table, a folder or a glob; CSV, TSV, JSON lines, Parquet, Arrow, NumPy or LIBSVM, also compressed.

    The model follows from the target: a number gives linear regression, two classes give logistic regression.
    """
    from ..fit import fit as fit_table
    from ..fit import prepare
    from ..live import Live, TerminalChart
    from ..tables import read_table
    from . import show

    read = read_table(list(tables), kinds=_kinds(kinds), format=format_, encoding=encoding, delimiter=delimiter)
    prepared = prepare(read, target, seed, missing=missing)
    show.understood(prepared)
    with TerminalChart(show.console, len(prepared.y)) as chart:
        model = fit_table(prepared, seed, chart.update, Live(live_port) if live or live_port else False)
    model.save(output)
    show.fitted(model, prepared)
    click.echo(f"\nSaved to {output}. Predict with: thalweg predict {output} NEW_ROWS.csv")
    sys.exit(_exit_status(model.result))


def _exit_status(result: Any) -> int:
    """0 if a minimum was found or nothing speaks against it; 3 if not: see the verdict."""
    from ..diagnosis import VerdictKind

    bad = (VerdictKind.OVERSHOOTING, VerdictKind.SADDLE_POINT, VerdictKind.PLATEAU, VerdictKind.STILL_DESCENDING)
    return 3 if result is not None and result.verdict is not None and result.verdict.kind in bad else 0


@main.command()
@click.argument("function", metavar="FILE.py:FUNCTION")
@click.option(
    "--at", "point", required=True, metavar="JSON", help="The parameters, such as '[1, 2]' or '{\"w\": [0, 1]}'."
)
def explain(function: str, point: str) -> None:
    """Explain the gradient of a function in a Python file: every node with its value and its adjoint, and checks."""
    import json
    import runpy

    import numpy as np

    from .. import diagnosis

    file, _, name = function.rpartition(":")
    if not file or not name:
        raise click.BadParameter(f"{function!r}: write FILE.py:FUNCTION", param_hint="FILE.py:FUNCTION")
    try:
        names = runpy.run_path(file)
    except OSError as error:
        raise click.BadParameter(f"{file}: {error.strerror}", param_hint="FILE.py:FUNCTION") from None
    if not callable(names.get(name)):
        raise click.BadParameter(f"{file} defines no function {name!r}", param_hint="FILE.py:FUNCTION")
    try:
        parsed = json.loads(point)
    except json.JSONDecodeError as error:
        raise click.BadParameter(f"{point!r} is no JSON: {error}", param_hint="--at") from None
    if isinstance(parsed, dict):
        parameters: Any = {key: np.array(value, float) for key, value in parsed.items()}
    else:
        parameters = np.array(parsed, float)
    click.echo(str(diagnosis.explain(names[name], parameters)))


@main.command()
@click.argument("tables", nargs=-1, required=True)
@click.option("--target", required=True, metavar="COLUMN", help="The column to predict.")
@click.option("--save", default=None, metavar="MODEL", help="Where to save the model that the best trial fitted.")
@click.option("--rounds", default=4, show_default=True, help="After each, the ranges narrow around the best trials.")
@click.option("--trials", default=32, show_default=True, help="In each round.")
@click.option("--halving", is_flag=True, help="Stop weak trials early, by successive halving.")
@click.option("--file", default=None, metavar="FILE", help="Record the trials; if it is there, go on with its search.")
@click.option(
    "--range",
    "ranges",
    multiple=True,
    metavar="NAME=LOW:HIGH",
    help="Of learning_rate, momentum or penalty, such as learning_rate=1e-4:1.",
)
@click.option("--epochs", default=50, show_default=True, help="How often each trial sees every training row.")
@click.option("--batch-size", default=64, show_default=True, help="Rows in a mini-batch.")
@click.option("--seed", default=0, show_default=True, help="Of the split, the trials and the mini-batches.")
@click.option(
    "--missing",
    type=click.Choice(["impute", "drop", "refuse"]),
    default="impute",
    show_default=True,
    help="Fill missing values, leave out their rows, or stop at the first.",
)
@_reads_tables
def tune(
    tables: tuple[str, ...],
    target: str,
    save: str | None,
    rounds: int,
    trials: int,
    halving: bool,
    file: str | None,
    ranges: tuple[str, ...],
    epochs: int,
    batch_size: int,
    seed: int,
    missing: Any,
    kinds: tuple[str, ...],
    format_: str | None,
    encoding: str | None,
    delimiter: str | None,
) -> None:
    """Search the hyperparameters of a table's model: learning rate, momentum, penalty.

    TABLES: as for fit. Trials draw them at random, train in mini-batches, and are scored on the validation rows.
    """
    from ..fit import prepare
    from ..tables import read_table
    from ..tune import tune as tune_table
    from . import show, show_search

    read = read_table(list(tables), kinds=_kinds(kinds), format=format_, encoding=encoding, delimiter=delimiter)
    prepared = prepare(read, target, seed, missing=missing)
    show.understood(prepared)
    with show_search.LiveSearch() as live:
        tuned = tune_table(
            prepared,
            ranges=_bounds(ranges),
            rounds=rounds,
            trials=trials,
            halving=halving,
            epochs=epochs,
            batch_size=batch_size,
            file=file,
            seed=seed,
            on_progress=live.update,
        )
    if save is not None:
        tuned.model.save(save)
    show_search.searched(tuned.found)
    show.fitted(tuned.model, prepared, is_alone=False)
    if save is not None:
        click.echo(f"\nSaved to {save}. Predict with: thalweg predict {save} NEW_ROWS.csv")


def _bounds(values: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    bounds = {}
    for value in values:
        name, _, ends = value.partition("=")
        try:
            low, high = (float(end) for end in ends.split(":"))
        except ValueError:
            raise click.BadParameter(
                f"{value!r}: write NAME=LOW:HIGH with two numbers, such as learning_rate=1e-4:1", param_hint="--range"
            ) from None
        bounds[name] = (low, high)
    return bounds


@main.command()
@click.argument("model")
@click.argument("tables", nargs=-1, required=True)
@click.option("--output", "-o", default=None, help="A CSV file for the predictions; by default they are printed.")
@click.option(
    "--missing",
    type=click.Choice(["impute", "refuse"]),
    default="impute",
    show_default=True,
    help="Fill missing values as at training, or stop at the first.",
)
@click.option(
    "--unseen",
    type=click.Choice(["none", "refuse"]),
    default="none",
    show_default=True,
    help="Take categories that training never saw as none of the known, or stop at the first.",
)
@_reads_tables
def predict(
    model: str,
    tables: tuple[str, ...],
    output: str | None,
    missing: Any,
    unseen: Any,
    kinds: tuple[str, ...],
    format_: str | None,
    encoding: str | None,
    delimiter: str | None,
) -> None:
    """Predict the rows of a table with a fitted MODEL.

    TABLES: as for fit. What differs from the training rows is told on the standard error output.
    """
    from ..fit import Model
    from ..tables import read_table
    from . import show

    loaded = Model.load(model)
    read = read_table(
        list(tables),
        kinds=_kinds(kinds),
        expected=loaded.encoding.kinds,
        format=format_,
        encoding=encoding,
        delimiter=delimiter,
    )
    predicted, _ = loaded.predict(read, missing=missing, unseen=unseen)
    for note in loaded.encoding.notes(read, known=[loaded.target]):
        click.echo(f"Note: {note}", err=True)
    show.predictions(loaded, predicted, output)

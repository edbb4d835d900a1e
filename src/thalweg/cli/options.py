"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import ModelFileError

if TYPE_CHECKING:
    from ..live import Live
    from ..tables import Kind, Source

__all__ = [
    "READING",
    "at_prediction",
    "keeps_checkpoints",
    "keeps_missing",
    "kinds_of",
    "learns",
    "place_to_write",
    "reads_tables",
    "reports",
    "source_from",
    "watches",
]

Command = Callable[..., None]


def _all_of(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def kinds_of(values: Sequence[str]) -> dict[str, Kind]:
    """--kind COLUMN=KIND, given several times."""
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


def source_from(tables: Sequence[str], reading: Mapping[str, Any]) -> tuple[Source, dict[str, Kind]]:
    """The table that the options of `reads_tables` describe, wherever it is; and the kinds that were given."""
    from ..tables import Kind, open_source

    kinds = kinds_of(reading["kinds"])
    as_text = frozenset(name for name, kind in kinds.items() if kind in (Kind.CATEGORY, Kind.TEXT))
    others = {name: value for name, value in reading.items() if name != "kinds"}
    return open_source(list(tables), as_text=as_text, **others), kinds


reads_tables = _all_of(
    click.option(
        "--kind",
        "kinds",
        multiple=True,
        metavar="COLUMN=KIND",
        help="Take a column as number, category, boolean, date or text (not used).",
    ),
    click.option(
        "--format",
        metavar="FORMAT",
        help="csv, tsv, jsonl, parquet, arrow, numpy or libsvm; by default as the ending says.",
    ),
    click.option(
        "--encoding",
        help="Of text, such as cp1252; by default UTF-8, else what it seems to be of Windows-1252 and CP949.",
    ),
    click.option(
        "--delimiter",
        callback=lambda context, parameter, value: "\t" if value in ("\\t", "tab") else value,
        help="Of CSV; by default what fits of comma, semicolon, tab, bar and spaces.",
    ),
    click.option(
        "--missing-mark",
        "missing_marks",
        multiple=True,
        metavar="MARK",
        help="What stands for a missing value beside an empty cell, NA and the like, such as - or -999; the model remembers it. "
        "Can be given several times.",
    ),
)
"""How a table is read: `READING`."""

READING = ("kinds", "format", "encoding", "delimiter", "missing_marks")
"""The options' names."""

keeps_missing = click.option(
    "--missing",
    type=click.Choice(["impute", "drop", "refuse"]),
    default="impute",
    show_default=True,
    help="Fill missing values, leave out their rows, or stop at the first.",
)

keeps_checkpoints = click.option(
    "--checkpoint-every",
    "every",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="Between checkpoints in a run folder; there is always one at the end.",
)


def _report_path(context: Any, parameter: Any, value: str | None) -> str | None:
    """Refused before a long descent rather than after it."""
    if value is not None:
        from .. import report

        report.check(value)
    return value


def place_to_write(context: Any, parameter: Any, value: str | None) -> str | None:
    """Refused before a long descent rather than after it."""
    if value is not None:
        folder = Path(value).absolute().parent
        if not (folder.is_dir() and os.access(folder, os.W_OK)):
            why = "nothing can be written to the" if folder.is_dir() else "there is no"
            raise ModelFileError(
                f"the model cannot be written to {value}: {why} folder {folder}. Choose another place with {parameter.opts[0]}."
            )
    return value


reports = click.option(
    "--report", metavar="PAGE.html", callback=_report_path, help="Write a page with the verdict, curves and pictures."
)


def _page(port: int) -> Live:
    from ..live import Live

    return Live(port)


def watches(command: Command) -> Command:
    """Adds --live; the command gets `live`, a `Live` or None."""

    @wraps(command)
    def with_live(*arguments: Any, live: bool, live_port: int, **options: Any) -> None:
        command(*arguments, live=_page(live_port) if live or live_port else None, **options)

    return _all_of(
        click.option("--live", is_flag=True, help="Watch the descent in the browser; hold, change or stop it there."),
        click.option(
            "--live-port",
            type=click.IntRange(0, 65535),
            default=0,
            metavar="PORT",
            help="Of the live page; by default a free one.",
        ),
    )(with_live)


at_prediction = _all_of(
    click.option(
        "--missing",
        type=click.Choice(["impute", "refuse"]),
        default="impute",
        show_default=True,
        help="Fill missing values as at training, or stop at the first.",
    ),
    click.option(
        "--unseen",
        type=click.Choice(["none", "refuse"]),
        default="none",
        show_default=True,
        help="Take categories, and classes, that training never saw as none of the known, or stop at the first.",
    ),
)
"""What is done with new rows that are not like those of training."""


def _widths(context: Any, parameter: Any, value: str | None) -> tuple[int, ...] | None:
    if value is None:
        return None
    try:
        return tuple(int(width) for width in value.split(",") if width.strip())
    except ValueError:
        raise click.BadParameter(f"{value!r}: write the width of each hidden layer, such as 64,32") from None


def _model(context: Any, parameter: Any, value: str | None) -> str | None:
    """The name of a model. They are not loaded for --help."""
    if value is not None:
        from ..fitting.settings import MODELS

        if value not in MODELS:
            raise click.BadParameter(f"{value!r} is unknown. Give one of {', '.join(MODELS)}.")
    return value


learns = _all_of(
    click.option(
        "--target", multiple=True, required=True, metavar="COLUMN", help="The column to predict. Several if numbers."
    ),
    click.option(
        "--model",
        metavar="MODEL",
        callback=_model,
        help="linear, logistic, softmax, support-vector-machine, poisson or perceptron; by default as the target says.",
    ),
    click.option(
        "--hidden", metavar="WIDTHS", callback=_widths, help="Of a perceptron's hidden layers, such as 64,32."
    ),
    click.option(
        "--activation", default="relu", show_default=True, help="relu, leaky_relu, tanh, sigmoid, gelu, softplus."
    ),
    click.option(
        "--objective",
        metavar="LOSS",
        help="squared, absolute, huber, quantile:0.9, poisson, logistic, cross_entropy, hinge, squared_hinge; by default the model's.",
    ),
    click.option("--weights", metavar="COLUMN", help="How much each row counts."),
    click.option("--ignore", multiple=True, metavar="COLUMN", help="Leave a column out. Can be given several times."),
    click.option(
        "--class-weight",
        type=click.Choice(["balanced"]),
        help="Let all classes count alike, however many rows they have.",
    ),
)
"""What is learnt, and by which model."""

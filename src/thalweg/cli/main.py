"""The command `thalweg`."""

from __future__ import annotations

import sys
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
    """Gradient descent on tables: fit a model, predict with it."""


def _kinds(values: tuple[str, ...]) -> dict[str, Kind]:
    from ..tables import Kind

    kinds = {}
    for value in values:
        column, _, name = value.rpartition("=")
        if not column or name not in [kind.value for kind in Kind]:
            known = ", ".join(kind.value for kind in Kind)
            raise click.BadParameter(f"{value!r}: write COLUMN=KIND with a kind out of {known}", param_hint="--kind")
        kinds[column] = Kind(name)
    return kinds


_kind_option = click.option(
    "--kind", "kinds", multiple=True, metavar="COLUMN=KIND", help="Take a column as number, category or text."
)


@main.command()
@click.argument("table")
@click.option("--target", required=True, metavar="COLUMN", help="The column to predict.")
@click.option("--output", "-o", default="model.thalweg", show_default=True, help="Where to save the model.")
@click.option("--seed", default=0, show_default=True, help="Of the split into training and validation rows.")
@_kind_option
def fit(table: str, target: str, output: str, seed: int, kinds: tuple[str, ...]) -> None:
    """Fit a model to a TABLE (CSV) by gradient descent.

    The model follows from the target: a number gives linear regression, two classes give logistic regression.
    """
    from ..fit import fit as fit_table
    from ..fit import prepare
    from ..tables import read_table
    from . import show

    read = read_table(table, kinds=_kinds(kinds))
    prepared = prepare(read, target, seed)
    show.understood(prepared)
    with show.LiveProgress(len(prepared.y)) as progress:
        model = fit_table(prepared, seed, progress.update)
    model.save(output)
    show.fitted(model, prepared)
    click.echo(f"\nSaved to {output}. Predict with: thalweg predict {output} NEW_ROWS.csv")


@main.command()
@click.argument("model")
@click.argument("table")
@click.option("--output", "-o", default=None, help="A CSV file for the predictions; by default they are printed.")
@_kind_option
def predict(model: str, table: str, output: str | None, kinds: tuple[str, ...]) -> None:
    """Predict the rows of a TABLE (CSV) with a fitted MODEL."""
    from ..fit import Model
    from ..tables import read_table
    from . import show

    loaded = Model.load(model)
    read = read_table(table, kinds=_kinds(kinds))
    predicted, unseen = loaded.predict(read)
    for column, count in unseen.items():
        click.echo(f"{count:,} rows hold a {column} that training never saw; it is left out of account", err=True)
    show.predictions(loaded, predicted, output)

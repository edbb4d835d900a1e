"""The commands that learn from a table: fit and tune."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import (
    READING,
    keeps_checkpoints,
    keeps_missing,
    learns,
    place_to_write,
    reads_tables,
    reports,
    source_from,
    watches,
)

if TYPE_CHECKING:
    from ..cluster import Cluster
    from ..fitting import Prepared, PreparedStream, TableModel
    from ..live import Live
    from ..runs import Run
    from ..tables import Source

__all__ = ["INTERRUPTED", "Asked", "fit", "fitted", "report", "resume", "told", "tune"]


INTERRUPTED = 130
"""The exit status that shells know for Ctrl-C."""


@click.command()
@click.argument("tables", nargs=-1, required=True)
@learns
@click.option("--l1", type=float, metavar="λ", help="Strength of λ Σ |w|, which makes weights exactly zero.")
@click.option(
    "--l2", type=float, metavar="λ", help="Strength of λ Σ w²; by default as scikit-learn has it, 0 with --l1."
)
@click.option("--method", metavar="METHOD", help="Of descent: lbfgs, adam, momentum, gradient-descent, newton, ...")
@click.option("--learning-rate", type=float, help="Of the method, if it has one.")
@click.option(
    "--batch-size", type=int, help="Rows in a mini-batch; by default all, for perceptrons a tenth, 64 to 200."
)
@click.option(
    "--epochs", type=int, help="How often each row is seen at most; by default 200 in mini-batches, else 5,000."
)
@click.option(
    "--patience",
    default=10,
    show_default=True,
    help="Mini-batches stop after so many epochs in which the validation loss has not improved.",
)
@click.option(
    "--output",
    "-o",
    metavar="MODEL",
    callback=place_to_write,
    help="Where to save the model; by default model.thalweg, with --run in the run folder.",
)
@click.option(
    "--run",
    "folder",
    metavar="FOLDER",
    help="Keep settings, history and checkpoints in a folder; go on with: thalweg resume FOLDER.",
)
@keeps_checkpoints
@click.option(
    "--memory",
    metavar="SIZE",
    help="Stream the table, which need not fit in memory: 2GB. By default it is, if it takes over half of what is available.",
)
@click.option(
    "--cluster",
    metavar="ADDRESS",
    help='Descend on the workers of a Ray cluster: "auto", host:6379, ray://host:10001, or "local" for one of this machine\'s own.',
)
@click.option("--seed", default=0, show_default=True, help="Of the split, the start and the mini-batches.")
@reports
@watches
@keeps_missing
@reads_tables
def fit(
    tables: tuple[str, ...],
    target: tuple[str, ...],
    output: str | None,
    folder: str | None,
    every: float,
    report: str | None,
    live: Live | None,
    **options: Any,
) -> None:
    """Fit a model to a table by gradient descent.

    TABLES: files of one table, a folder or a glob; CSV, TSV, JSON lines, Parquet, Arrow, NumPy or LIBSVM, also compressed.

    The model follows from the target: a number gives linear regression, two classes logistic regression, more a softmax. With
    --hidden it is a perceptron.
    """
    reading = {name: options.pop(name) for name in READING}
    asked = Asked(tables, target, options, reading, options.pop("memory"), options.pop("cluster"))
    if folder is not None:
        from .running import begin

        sys.exit(_exit_status(begin(folder, every, asked, output, report, live)))
    model, prepared = fitted(asked, live=live)
    sys.exit(_exit_status(told(model, prepared, [output or "model.thalweg"], report)))


@click.command()
@click.argument("folder")
@keeps_checkpoints
@reports
@watches
def resume(folder: str, every: float, report: str | None, live: Live | None) -> None:
    """Go on with a fit that was interrupted.

    FOLDER: of a fit that was begun with --run FOLDER. It ends in the same model, to the last bit, as a fit that was not
    disturbed. Of one that has ended the model is shown.
    """
    from .running import resume as go_on

    sys.exit(_exit_status(go_on(folder, every, report, live)))


@click.command()
@click.argument("folder")
@click.option("--output", "-o", metavar="PAGE.html", help="Where to write it; by default report.html in the folder.")
def report(folder: str, output: str | None) -> None:
    """Write the report of a run.

    FOLDER: of a fit that was begun with --run FOLDER; it may have ended, or not yet.
    """
    from .running import report_of

    click.echo(f"Report in {report_of(folder, output)}")


@dataclass(frozen=True)
class Asked:
    """What a fit was asked for. tables: paths, globs and folders. options: of `Settings`. reading: as `reads_tables` has it.
    memory: of reading, if the table is to be streamed. cluster: its address."""

    tables: Sequence[str]
    target: Sequence[str]
    options: Mapping[str, Any]
    reading: Mapping[str, Any]
    memory: str | None = None
    cluster: str | None = None


def fitted(
    asked: Asked, run: Run | None = None, live: Live | None = None
) -> tuple[TableModel, Prepared | PreparedStream]:
    """Reads the table, says what was understood, and descends: the model, and what it was fitted to."""
    from ..tables import reading_bound

    source, kinds = source_from(asked.tables, asked.reading)
    bound = reading_bound(source, asked.memory)
    if run is not None:  # what is available may have changed since it began, and the digits depend on it
        bound = run.decided("streamed with memory", bound)
    if bound is None:
        source.read_ahead()

    # What follows is loaded while the table is read.
    from ..diagnosis import judge  # noqa: F401  # the verdict will be asked for
    from ..fitting import Settings, fit_prepared, prepare_within, task_of
    from ..live import TerminalChart
    from . import show

    _load_meanwhile(source)
    prepared = prepare_within(bound, source, asked.target, Settings(**asked.options), kinds=kinds)
    show.understood(prepared)
    with TerminalChart(show.console, task_of(prepared).examples) as chart:
        return fit_prepared(prepared, chart.update, run, _cluster_at(asked.cluster), live, judges=True), prepared


def _load_meanwhile(source: Source) -> None:
    """Loads what most fits need later on, while the table is still being read."""
    if source.is_being_read:
        import numpy.random  # noqa: F401  # which NumPy itself loads late
    if source.is_being_read:
        from ..compile.native import get_ready

        get_ready()


def _cluster_at(address: str | None) -> Cluster | None:
    if address is None:
        return None
    from ..cluster import Cluster

    return Cluster(None if address == "local" else address)


def told(
    model: TableModel, prepared: Prepared | PreparedStream, outputs: Sequence[str | Path], report: str | None
) -> Any:
    """Saves a model, unless its descent went up, shows it, and writes its report; its result. outputs: the first is told."""
    from ..fitting import task_of
    from . import show

    if not model.has_diverged:
        for output in outputs:
            model.save(output)
    show.fitted(model, task_of(prepared).examples)
    if model.has_diverged:
        kept = f" {outputs[0]} is as it was." if os.path.exists(outputs[0]) else ""
        click.echo(f"\nNo model was saved: the loss went up instead of down, so it would predict nothing.{kept}")
    else:
        click.echo(f"\nSaved to {outputs[0]}. Predict with: thalweg predict {outputs[0]} NEW_ROWS.csv")
    if report is not None:
        from ..fitting import write_report

        write_report(model, prepared, report)
        click.echo(f"Report in {report}")
    return model.result


def _exit_status(result: Any) -> int:
    """0 if a minimum was found or nothing speaks against it, 3 if not: see the verdict; 130 if the user ended it, as shells have it
    for Ctrl-C. docs/tables.md has all of them.

    Mini-batches end when validation or epochs say so. At the kink of a loss no rule can tell that the last digits are missing.
    """
    from ..diagnosis import VerdictKind

    if result is None:
        return 0
    if result.stopped_by.reason == "interrupted":
        return INTERRUPTED
    is_batched = result.origin is not None and result.origin.plan.batch is not None
    bad = {VerdictKind.OVERSHOOTING}
    if not is_batched:
        bad |= {VerdictKind.SADDLE_POINT, VerdictKind.PLATEAU}
        if any(rule.startswith("MaxSteps") for rule in result.stopped_by.rules):
            bad.add(VerdictKind.STILL_DESCENDING)
    return 3 if result.verdict is not None and result.verdict.kind in bad else 0


@click.command()
@click.argument("tables", nargs=-1, required=True)
@learns
@click.option(
    "--output",
    "-o",
    metavar="MODEL",
    callback=place_to_write,
    help="Where to save the model of the best trial; by default it is not saved.",
)
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
@reports
@keeps_missing
@reads_tables
def tune(
    tables: tuple[str, ...],
    target: tuple[str, ...],
    output: str | None,
    rounds: int,
    trials: int,
    halving: bool,
    file: str | None,
    ranges: tuple[str, ...],
    epochs: int,
    batch_size: int,
    seed: int,
    report: str | None,
    **options: Any,
) -> None:
    """Search a model's learning rate, momentum and penalty.

    TABLES: as for fit, but read into memory as a whole. Trials draw the three at random, train in mini-batches, and are scored on
    the validation rows.
    """
    from ..fitting import Prepared, Settings, prepare_within, write_report
    from ..fitting import tune as tune_table
    from ..tables import reading_bound
    from . import show, show_search

    reading = {name: options.pop(name) for name in READING}
    source, kinds = source_from(tables, reading)
    if reading_bound(source) is not None:
        click.echo("Note: the table may take more memory than there is: tune reads all of it, unlike fit.", err=True)
    prepared = prepare_within(None, source, target, Settings(seed=seed, **options), kinds=kinds)
    assert isinstance(prepared, Prepared)  # it is in memory
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
    if output is not None:
        tuned.model.save(output)
    show_search.searched(tuned.found)
    show.fitted(tuned.model)
    if output is not None:
        click.echo(f"\nSaved to {output}. Predict with: thalweg predict {output} NEW_ROWS.csv")
    if report is not None:
        write_report(tuned.model, prepared, report, (tuned.found.narrowing(),))
        click.echo(f"Report in {report}")


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
        if low > high:
            raise click.BadParameter(f"{value!r}: write {name}={high:g}:{low:g}", param_hint="--range")
        bounds[name] = (low, high)
    return bounds

"""A fit in a run folder: begun, gone on with, ended."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from ..errors import RunError, TableError
from ..fitting import TableModel, fitted_of, write_report
from ..live import Live
from ..runs import Run, about, result_so_far
from ..tables import changes_of_files, files_of, state_of_files
from . import show
from .learning import INTERRUPTED, Asked, fitted, told
from .options import READING

__all__ = ["begin", "report_of", "resume"]


def begin(folder: str, every: float, asked: Asked, output: str | None, report: str | None, live: Live | None) -> Any:
    """Fits in a run folder; if the same fit was begun there, goes on with it. The result, or None if it had ended before.

    Raises RunError if the folder is of another fit, is in use, or cannot be written to, or if the table has changed.
    """
    with _terminated_as_interrupted(), Run(folder, every) as run:
        plain = {
            "tables": [os.path.abspath(path) for path in asked.tables],
            "target": list(asked.target),
            **asked.options,
            **asked.reading,
            "memory": asked.memory,
            "cluster": asked.cluster,
            "output": None if output is None else os.path.abspath(output),
        }
        run.note("fit", plain)
        return _go_on(run, report, live)


def resume(folder: str, every: float, report: str | None, live: Live | None) -> Any:
    """Goes on with the fit in a run folder. The result, or None if it had ended before.

    Raises RunError if there is none, and as `begin` does.
    """
    with _terminated_as_interrupted(), Run(folder, every, has_begun=True) as run:
        if "fit" not in run.about:
            raise RunError(
                f"the run in {folder} is no fit of a table: go on with it in Python, by the call of tw.minimize that began it"
            )
        return _go_on(run, report, live)


def _go_on(run: Run, report: str | None, live: Live | None) -> Any:
    file = run.folder / "model.thalweg"
    asked = run.about["fit"]
    output = Path(asked["output"]) if asked["output"] else file
    if file.exists() and report is None:  # else the report is drawn from the end of the descent, which is kept
        model = TableModel.load(file)
        if output != file and not output.exists():
            model.save(output)
        click.echo(f"The run in {run.folder} has ended. Its model is {output}.")
        show.ended(model)
        click.echo(f"\nPredict with: thalweg predict {output} NEW_ROWS.csv")
        return None
    _check_tables(run, asked["tables"])
    model, prepared = fitted(_asked_before(asked), run, live)
    result = model.result
    assert result is not None
    if result.stopped_by.reason == "interrupted":
        click.echo(f"Interrupted. Nothing is lost; go on with: thalweg resume {run.folder}")
        sys.exit(INTERRUPTED)
    return told(model, prepared, list(dict.fromkeys([output, file])), report)


def report_of(folder: str, output: str | None) -> Path:
    """Writes the report of a run: of a fit that has ended all of it, else the record so far. Its path.

    Raises RunError if there is no run, or nothing was recorded yet.
    """
    from .. import report

    found = about(folder)
    path = report.check(output or Path(folder) / "report.html")
    file = Path(folder) / "model.thalweg"
    if not file.exists() or "fit" not in found:
        return report.write(result_so_far(folder), path, f"The run in {Path(folder).name}")
    try:
        with Run(folder, has_begun=True) as run:
            _check_tables(run, found["fit"]["tables"])
            model, prepared = fitted(_asked_before(found["fit"]), run)
        return write_report(model, prepared, path)
    except (RunError, TableError) as error:
        click.echo(f"Note: {error} The page holds what the folder does, without pictures of the loss.")
    model = TableModel.load(file)
    return report.write(result_so_far(folder), path, f"The run in {Path(folder).name}", fitted_of(model))


def _asked_before(plain: dict[str, Any]) -> Asked:
    reading = {name: plain[name] for name in READING}
    others = (*READING, "tables", "target", "output", "memory", "cluster")
    options = {name: value for name, value in plain.items() if name not in others}
    hidden = options["hidden"]
    options["hidden"] = None if hidden is None else tuple(hidden)
    return Asked(plain["tables"], plain["target"], options, reading, plain["memory"], plain["cluster"])


def _check_tables(run: Run, tables: list[str]) -> None:
    """Puts down what the table's files are like, or raises RunError if they have changed."""
    now = state_of_files(files_of(tables))
    changes = changes_of_files(run.about.get("files", now), now)
    if changes:
        raise RunError(
            f"the table has changed since the run in {run.folder} began: {'; '.join(changes[:3])}{'; ...' if changes[3:] else ''}. Put "
            "back what was there, or begin another run in another folder."
        )
    run.note("files", now, free=list(now))


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Ends on SIGTERM, which clusters send before they kill, as on Ctrl-C: with a checkpoint."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda number, frame: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

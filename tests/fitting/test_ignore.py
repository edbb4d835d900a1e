"""Columns that are to be left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import thalweg as tw
from thalweg.cli.main import main
from thalweg.errors import ArgumentError, TableError
from thalweg.fitting import TableModel

NUMBERS = np.random.default_rng(0).standard_normal((60, 2))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A table whose `note` is a number but for one cell, and whose `gap` is missing where `note` is odd."""
    path = tmp_path / "rows.csv"
    lines = [f"{i if i else 'x'},{'' if i % 2 else 1.5 * i},{a},{a + b}" for i, (a, b) in enumerate(NUMBERS)]
    path.write_text("\n".join(["note,gap,a,y", *lines]))
    return path


@pytest.mark.parametrize("memory", [(), ("--memory", "100MB")])
def test_what_is_ignored_is_not_even_understood(rows: Path, tmp_path: Path, memory: tuple[str, ...]) -> None:
    model = tmp_path / "m.thalweg"
    ordered = ("fit", rows, "--target", "y", "--output", model, "--missing", "drop", *memory)
    assert "'x' is not a number" in run(*ordered).output
    told = run(*ordered, "--ignore", "note", "--ignore", "gap")
    assert told.exit_code == 0, told.output
    assert " ".join(told.output.split()).count("ignored, as asked") == 2
    assert "left out" not in told.output  # no row is incomplete
    loaded = TableModel.load(model)
    assert list(loaded.encoding.kinds) == ["a"]
    assert set(loaded.encoding.left_out) == {"note", "gap"}
    evaluated = run("evaluate", model, rows)
    assert evaluated.exit_code == 0
    assert "Note" not in evaluated.output


def test_searches_and_python_ignore_too(rows: Path, tmp_path: Path) -> None:
    searched = run(
        *("tune", rows, "--target", "y", "--ignore", "note", "--ignore", "gap", "--rounds", 1, "--trials", 2),
        *("--epochs", 2, "--batch-size", 16),
    )
    assert "ignored, as asked" in searched.output
    assert list(tw.fit(rows, "y", ignore=["note", "gap"]).encoding.kinds) == ["a"]
    assert list(tw.fit(rows, "y", ignore="note").encoding.kinds) == ["gap", "a"]


def test_what_cannot_be_ignored_is_refused(rows: Path) -> None:
    with pytest.raises(TableError, match="no column 'notes'.*note"):
        tw.fit(rows, "y", ignore=["notes"])
    with pytest.raises(ArgumentError, match="'y': it is the target"):
        tw.fit(rows, "y", ignore=["y", "note"])
    with pytest.raises(ArgumentError, match="'a': it is the column of weights"):
        tw.fit(rows, "y", weights="a", ignore="a", memory="100MB")

"""`--missing-mark`, as a user types it: said once, and not again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from thalweg.cli.main import main
from thalweg.fitting import TableModel

MARKS = ("--missing-mark", "-", "--missing-mark", "-999")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def words(result: Result) -> str:
    return " ".join(result.output.split())


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A number that is a line in two others, with marks; and what a spreadsheet leaves behind."""
    a, b = np.random.default_rng(0).standard_normal((2, 300))
    path = tmp_path / "marked.csv"
    rows = [
        f"{'-' if k % 9 == 2 else x},{-999 if k % 7 == 1 else z},{2 * x - z},,"
        for k, (x, z) in enumerate(zip(a, b, strict=True))
    ]
    path.write_text("\n".join(["a,b,y,,", *rows, ",,,,", ",,,,"]) + "\n")
    return path


@pytest.mark.parametrize("how", [(), ("--memory", "100MB")])
def test_a_column_that_is_no_number_says_how_it_becomes_one(table: Path, how: tuple[str, ...]) -> None:
    said = words(run("fit", table, "--target", "y", "--output", table.with_name("m"), *how))
    assert "without 2 blank columns, without 2 blank rows at its end): 300 rows, 3 columns" in said
    assert "all but '-' are numbers: if it stands for a missing value, --missing-mark - (in Python" in said
    assert "-999 lies apart: if it stands for a missing value, --missing-mark -999 (in Python" in said


@pytest.mark.parametrize("how", [(), ("--memory", "100MB"), ("--run", "run")])
def test_a_model_remembers_its_marks(table: Path, how: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(table.parent)
    said = words(run("fit", table, "--target", "y", "--output", "m", *MARKS, *how))
    assert "all but" not in said
    assert "lies apart" not in said
    blank = table.with_name("blank.csv")
    blank.write_text(table.read_text().replace("-,", ",").replace(",-999,", ",,"))
    assert run("evaluate", "m", table).output == run("evaluate", "m", blank).output
    assert run("predict", "m", table).output == run("predict", "m", blank).output
    if how == ("--run", "run"):
        Path("run", "model.thalweg").unlink()
        before = TableModel.load("m")
        assert run("resume", "run").exit_code == 0
        assert TableModel.load("m").missing_marks == before.missing_marks == ("-", "-999")
        assert TableModel.load("m").scores == before.scores


def test_further_marks_of_new_rows(table: Path) -> None:
    model = table.with_name("m")
    run("fit", table, "--target", "y", "--output", model, *MARKS)
    new = table.with_name("new.csv")
    new.write_text("a,b\nnil,1\n-,2\n")
    assert "'nil' is not a number" in words(run("predict", model, new))
    assert len(run("predict", model, new, "--missing-mark", "nil").stdout.split()) == 3


def test_tune_has_them_too(table: Path) -> None:
    model = table.with_name("m")
    few = ("--rounds", "1", "--trials", "2", "--epochs", "1")
    assert run("tune", table, "--target", "y", "--output", model, *MARKS, *few).exit_code == 0
    assert TableModel.load(model).missing_marks == ("-", "-999")

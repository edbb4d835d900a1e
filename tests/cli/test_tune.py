"""The command `tune`, as a user types it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from thalweg import LogUniform, SearchProgress, Trial, Uniform
from thalweg.cli import show_search
from thalweg.cli.main import main
from thalweg.fitting import TableModel, fit_prepared, prepare, tune
from thalweg.hyperparameters import Status
from thalweg.tables import read_table

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = ("--rounds", 2, "--trials", 16, "--epochs", 20)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def table_of(output: str) -> str:
    """The table of rounds and the best, which hold no times."""
    return output[output.index("round ") : output.index(" trials in ")].rpartition("\n")[0]


def test_it_prints_the_rounds_and_saves_a_model(tmp_path: Path) -> None:
    model, file = tmp_path / "m.thalweg", tmp_path / "trials.jsonl"
    command = ("tune", EXAMPLES / "mpg.csv", "--target", "mpg", *SMALL, "--output", model, "--file", file)
    result = run(*command)
    assert result.exit_code == 0, result.output
    for part in (
        "linear regression",
        "1e-05 to 1",
        "0.5 to 0.99",
        "1e-08 to 1",
        "best",
        "32 trials in",
        "R²",
        "Saved to",
    ):
        assert part in result.output
    assert len(file.read_text().splitlines()) == 33
    assert run("predict", model, EXAMPLES / "mpg.csv").exit_code == 0
    assert TableModel.load(model).scores["validation"]["R²"] > 0.75
    again = run(*command)
    assert "32 trials were recorded before" in " ".join(again.output.split())
    assert table_of(again.output) == table_of(result.output)


def test_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    file = tmp_path / "trials.jsonl"
    command = ("tune", EXAMPLES / "penguins.csv", "--target", "sex", *SMALL, "--halving", "--file", file)
    whole = run(*command)
    assert whole.exit_code == 0, whole.output
    assert "stopped early" in whole.output
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:20]) + lines[20][:30])
    again = run(*command)
    told = " ".join(again.output.split())
    assert "19 trials were recorded before" in told
    assert "was cut short and is dropped" in told
    assert table_of(again.output) == table_of(whole.output)
    trials = [json.loads(line) for line in file.read_text().splitlines()[1:]]
    assert sorted(trial["number"] for trial in trials) == list(range(32))


def test_the_model_is_as_good_as_the_optimum() -> None:
    prepared = prepare(read_table(EXAMPLES / "penguins.csv"), "sex")
    tuned = tune(prepared, rounds=3, trials=16, epochs=40)
    best = fit_prepared(prepared).scores["validation"]["log loss"]
    assert tuned.model.scores["validation"]["log loss"] < best * 1.02
    assert tuned.found.best.score == pytest.approx(tuned.model.scores["validation"]["log loss"], rel=1e-6)


def test_ranges_can_be_given(tmp_path: Path) -> None:
    result = run("tune", EXAMPLES / "mpg.csv", "--target", "mpg", *SMALL, "--range", "learning_rate=1e-6:1e-5")
    assert result.exit_code == 0, result.output
    assert "1e-06 to 1e-05" in result.output
    assert "widen it there" in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--range", "learning_rate=3"), "write NAME=LOW:HIGH"),
        (("--range", "rate=1:2"), "what is searched is learning_rate, momentum, penalty"),
        (("--range", "penalty=0:1"), "above 0, since 0 has no logarithm"),
        (("--range", "momentum=0.9:0.5"), "write momentum=0.5:0.9"),
        (("--range", "momentum=0.9:2"), "'momentum', 0.9 to 2, holds values that cannot be tried"),
        (("--rounds", 0), "--rounds 0"),
        (("--epochs", 0), "--epochs 0"),
        (("--batch-size", 0), "--batch-size 0"),
        (("--file", EXAMPLES / "mpg.csv"), "is no record of a search"),
    ],
)
def test_errors_are_one_message_without_a_traceback(arguments: tuple[object, ...], message: str) -> None:
    result = run("tune", EXAMPLES / "mpg.csv", "--target", "mpg", *arguments)
    assert result.exit_code != 0
    assert message in result.output
    assert "Traceback" not in result.output


def test_a_table_too_small_to_keep_rows_for_validation(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y\n1,a\n2,b\n3,a\n4,b\n")
    result = run("tune", tmp_path / "t.csv", "--target", "y")
    assert "too few rows to keep some for validation" in result.output


def test_the_search_is_shown_live(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(show_search, "console", Console(file=screen, force_terminal=True, width=100))
    best = Trial(3, 0, {"learning_rate": 0.0123}, 1, 1.0, 10, 0.5, 0.25, Status.COMPLETE, 0.1)
    ranges = {"learning_rate": LogUniform(1e-4, 1), "momentum": Uniform(0.5, 0.9)}
    with show_search.LiveSearch() as live:
        live.update(SearchProgress(1, 4, 40, 128, best, ranges, 2.0))
    shown = screen.getvalue()
    for part in (
        "round 2 of 4, 40 of 128 trials, about 4 s left",
        "best    0.25  (learning_rate 0.0123)",
        "learning_rate   0.0001 to 1",
        "momentum        0.5 to 0.9",
    ):
        assert part in shown

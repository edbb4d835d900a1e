"""Mistakes that everybody makes in the first hour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from thalweg.cli.main import main


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Fifty rows of a number that is a line in another."""
    x = np.linspace(-1, 1, 50)
    path = tmp_path / "line.csv"
    path.write_text("x,y\n" + "".join(f"{a},{3 * a + 1}\n" for a in x))
    return path


def told(table: Path, *options: str) -> str:
    output = str(table.with_suffix(".thalweg"))
    return CliRunner().invoke(main, ["fit", str(table), "--target", "y", "--output", output, *options]).output


def test_a_rate_that_overshoots_names_no_line_of_the_command_itself(table: Path) -> None:
    shown = told(table, "--method", "gradient-descent", "--learning-rate", "10")
    assert "overshooting" in shown
    assert "..." not in shown.partition("Commands:")[2]


def test_a_number_is_not_taken_for_classes(table: Path) -> None:
    assert "use the model linear" in " ".join(told(table, "--model", "logistic").split())


def test_the_target_stands_apart_from_its_range(table: Path) -> None:
    assert "-2 to 4; target" in told(table)


def test_a_place_that_cannot_be_written_to_is_refused_before_the_descent(tmp_path: Path) -> None:
    found = CliRunner().invoke(main, ["fit", "nothing.csv", "--target", "y", "--output", str(tmp_path / "no" / "m")])
    assert found.exit_code == 1
    assert "there is no folder" in found.output


def test_missing_columns_are_told_with_all_that_are_there(tmp_path: Path) -> None:
    rows = "".join(f"{i},{i % 7},{i % 3},{2 * i}\n" for i in range(60))
    (tmp_path / "a.csv").write_text("a,b,c,y\n" + rows)
    model = str(tmp_path / "m.thalweg")
    assert CliRunner().invoke(main, ["fit", str(tmp_path / "a.csv"), "--target", "y", "-o", model]).exit_code == 0
    (tmp_path / "b.csv").write_text("a,other,y\n1,2,3\n2,3,4\n")
    found = CliRunner().invoke(main, ["predict", model, str(tmp_path / "b.csv")])
    assert "has no columns 'b', 'c', on which the model was fitted. It has a, other, y." in " ".join(
        found.output.split()
    )


def test_a_descent_that_went_up_is_told_once_and_saves_nothing(table: Path) -> None:
    output = table.with_suffix(".thalweg")
    command = ["fit", str(table), "--target", "y", "--method", "gradient-descent", "--output", str(output)]
    ended = CliRunner().invoke(main, [*command, "--learning-rate", "10"])
    assert ended.exit_code == 3
    shown = " ".join(ended.output.split())
    assert shown.count("to become infinite") == 1
    assert "Advice: take --learning-rate" in shown
    assert "No model was saved" in shown
    assert not output.exists()
    assert CliRunner().invoke(main, [*command, "--learning-rate", "0.5"]).exit_code == 0
    content = output.read_bytes()
    assert f"{output} is as it was" in " ".join(
        CliRunner().invoke(main, [*command, "--learning-rate", "10"]).output.replace("\n", " ").split()
    )
    assert output.read_bytes() == content


def test_the_commands_fit_on_a_screen() -> None:
    shown = CliRunner().invoke(main, ["--help"], terminal_width=80).output
    assert "..." not in shown.partition("Commands:")[2]
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("command", ["fit", "tune"])
def test_where_a_model_goes_is_said_by_one_word(command: str) -> None:
    assert "-o, --output MODEL" in CliRunner().invoke(main, [command, "--help"]).output


def ratings(path: Path, classes: int, step: float = 1.0) -> Path:
    generator = np.random.default_rng(0)
    x = generator.standard_normal((40 * classes, 2))
    y = step * np.tile(np.arange(classes), 40)
    path.write_text("a,b,y\n" + "".join(f"{a},{b},{c:g}\n" for (a, b), c in zip(x, y, strict=True)))
    return path


def test_few_whole_numbers_are_numbers_and_that_is_said(tmp_path: Path) -> None:
    few = ratings(tmp_path / "few.csv", 5)
    shown = " ".join(told(few, "--epochs", "2").split())
    assert "y holds 5 different whole numbers, 0 to 4, and they are predicted as numbers" in shown
    assert "If they are names of classes: --model softmax; if they are counts: --model poisson." in shown
    streamed = " ".join(told(few, "--memory", "100MB", "--hidden", "4", "--epochs", "1").split())
    assert "classes: --objective cross_entropy; if they are counts: --objective poisson." in streamed
    for options in (("--model", "softmax"), ("--model", "linear"), ("--objective", "huber")):
        assert "whole numbers" not in told(few, *options)
    assert "whole numbers" not in told(ratings(tmp_path / "halves.csv", 5, 0.5))
    assert "whole numbers" not in told(ratings(tmp_path / "many.csv", 21))


def test_of_many_classes_as_many_are_shown_as_fit_in_a_line(tmp_path: Path) -> None:
    shown = told(ratings(tmp_path / "many.csv", 12), "--model", "softmax", "--epochs", "2")
    assert "Shown are" in shown
    assert "of 12 classes. All coefficients: thalweg export MODEL model.npz" in " ".join(shown.split())
    assert "…" not in shown
    assert "Shown are" not in told(ratings(tmp_path / "few.csv", 3), "--model", "softmax", "--epochs", "2")


def test_numbers_too_small_for_their_squares_are_refused(table: Path) -> None:
    table.write_text("x,y\n" + "".join(f"{a},{a}e-200\n" for a in range(1, 30)))
    assert "holds no numbers larger than 2.9e-199. Give it in a smaller unit." in " ".join(told(table).split())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--method", "adam", "--learning-rate", "-1"), "--learning-rate -1.0: expected a number, 0 or more"),
        (("--method", "sgd"), "--method sgd is unknown. Give one of 'gradient-descent'"),
        (("--hidden", "8,4", "--model", "linear"), "--hidden 8,4: only a perceptron"),
        (("--class-weight", "balanced"), "--class-weight balanced: the target 'y' is a number"),
        (("--ignore", "y"), "--ignore y: it is the target"),
        (("--memory", "1MB"), "--memory 1MB is too small"),
    ],
)
def test_errors_name_the_option(table: Path, options: tuple[str, ...], message: str) -> None:
    assert f"thalweg: {message}" in told(table, *options)


def test_numbers_with_signs_and_separators_are_said_to_be_text(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("price,area,y\n" + "".join(f'"${1000 + 37 * i:,}.00",{i % 9}.5%,{i}\n' for i in range(120)))
    plainly = "numbers are written as 1234.5, without thousands separators, currency, unit or %, unlike '$1,000.00'"
    shown = " ".join(told(path).split())
    assert f"not used: {plainly}" in shown
    assert "category; 9 different: 0.5%, 1.5%, 2.5%, 3.5%, ...; numbers are written as 1234.5" in shown
    command = ["fit", str(path), "--target", "price"]
    assert f"Numbers{plainly[7:]}." in CliRunner().invoke(main, command).output


def test_a_file_without_names_of_columns_is_told(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("1,2.5\n2,3.5\n3,4.5\n")
    assert "Are these values? The first line has to name the columns" in told(tmp_path / "t.csv")


def test_what_makes_scores_look_better_than_they_are_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,x,y\n" + "".join(f"{i},{i * i % 7},{'yes' if i % 50 == 0 else 'no'}\n" for i in range(1, 301)))
    shown = " ".join(told(path).split())
    assert "id number; 1 to 300; rises by 1 from row to row: if it only numbers them, --ignore id" in shown
    assert "Note: 98 % of the rows are no, so whoever always answers that is right as often" in shown
    assert "Note: 98 %" not in " ".join(told(path, "--class-weight", "balanced").split())


@pytest.mark.parametrize(
    ("numbers", "problem"), [(120, "120 of the 121 classes of y have one row only"), (200, "holds texts, 201")]
)
def test_a_target_of_numbers_and_words_is_told(tmp_path: Path, numbers: int, problem: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{i % 13},{i + 0.5 if i < numbers else 'high'}\n" for i in range(300)))
    shown = " ".join(told(path).split())
    assert problem in shown
    assert (
        "ll but 'high' are numbers: correct the cells, or, if it stands for a missing value, --missing-mark high"
        in shown
    )

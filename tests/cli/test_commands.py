"""The commands, as a user types them; and that the fits are good."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from thalweg.cli import show
from thalweg.cli.main import main
from thalweg.fitting import Settings, prepare
from thalweg.tables import read_table

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_fit_and_predict_numbers(tmp_path: Path) -> None:
    model, predictions = tmp_path / "m.thalweg", tmp_path / "p.csv"
    table = EXAMPLES / "california-housing.csv"
    result = run("fit", table, "--target", "median_house_value", "--output", model)
    assert result.exit_code == 0, result.output
    for part in (
        *("20,640 rows", "207 missing", "linear regression", "14 → 1, 15 parameters", "16,512 for training"),
        *("It stopped because", "R²", "validation", "median_income", "intercept", "ocean_proximity = INLAND"),
    ):
        assert part in result.output.replace("\n", " ")
    result = run("predict", model, table, "--output", predictions)
    assert result.exit_code == 0, result.output
    with predictions.open() as file:
        predicted = [float(row["median_house_value"]) for row in csv.DictReader(file)]
    y = read_table(table).column("median_house_value").values
    assert 1 - np.mean((predicted - y) ** 2) / np.var(y) > 0.64


def test_fit_and_predict_classes(tmp_path: Path) -> None:
    model = tmp_path / "m.thalweg"
    result = run("fit", EXAMPLES / "penguins.csv", "--target", "sex", "--output", model)
    assert result.exit_code == 0, result.output
    assert "logistic regression of sex = MALE against FEMALE" in result.output.replace("\n", " ")
    assert "11 without a target are left out" in result.output
    result = run("predict", model, EXAMPLES / "penguins.csv")
    assert "Note: bill_length_mm is missing in 2 rows, and never was at training" in result.stderr
    rows = list(csv.reader(result.stdout.splitlines()))
    assert rows[0] == ["sex", "probability of FEMALE", "probability of MALE"]
    assert {row[0] for row in rows[1:]} == {"MALE", "FEMALE"}


def test_the_layers_of_a_perceptron_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(show, "console", Console(file=screen, width=100))
    show.understood(prepare(read_table(EXAMPLES / "penguins.csv"), "species", Settings(hidden=(8, 4))))
    told = " ".join(screen.getvalue().split())
    for part in ("perceptron of species: 3 classes (Adelie,", "1 14 → 8 relu, 120 parameters", "in all 171 parameters"):
        assert part in told


def test_classes_are_evaluated(tmp_path: Path) -> None:
    model = tmp_path / "m.thalweg"
    result = run("fit", EXAMPLES / "penguins.csv", "--target", "species", "-o", model)
    assert "softmax regression of species" in result.output
    assert "feature Adelie Chinstrap Gentoo" in " ".join(result.output.split())
    told = " ".join(run("evaluate", model, EXAMPLES / "penguins.csv").output.split())
    for part in (
        "accuracy log loss AUC",
        "class precision recall F1 rows",
        "Confusion: rows are classes",
        "Gentoo 0 0 124",
    ):
        assert part in told


def test_the_exit_status_says_whether_it_ended_well(tmp_path: Path) -> None:
    command = ("fit", EXAMPLES / "mpg.csv", "--target", "mpg", "-o", tmp_path / "m")
    assert run(*command).exit_code == 0
    assert run(*command, "--epochs", 3).exit_code == 3
    assert run(*command, "--objective", "absolute").exit_code == 0
    assert run(*command, "--batch-size", 64, "--epochs", 2).exit_code == 0
    assert run(*command, "--method", "gradient-descent", "--learning-rate", 3).exit_code == 3


def test_several_targets(tmp_path: Path) -> None:
    model, table = tmp_path / "m.thalweg", EXAMPLES / "penguins.csv"
    result = run("fit", table, "--target", "body_mass_g", "--target", "flipper_length_mm", "-o", model)
    assert "R² of flipper_length_mm" in result.output
    assert run("predict", model, table).stdout.startswith("body_mass_g,flipper_length_mm\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fit", "none.csv", "--target", "y"), "none.csv does not exist"),
        (("fit", EXAMPLES / "mpg.csv", "--target", "mgp"), "no column 'mgp'. Did you mean 'mpg'?"),
        (
            ("fit", EXAMPLES / "penguins.csv", "--target", "species", "--model", "linear"),
            "categories (Adelie, Chinstrap",
        ),
        (("fit", EXAMPLES / "mpg.csv", "--target", "mpg", "--kind", "weight:x"), "write COLUMN=KIND"),
        (("fit", EXAMPLES / "mpg.csv", "--target", "mpg", "--output", "/no/such/folder/m"), "cannot be written"),
        (
            ("fit", EXAMPLES / "mpg.csv", "--target", "mpg", "--kind", "weight=other"),
            "number, category, boolean, text, date",
        ),
        (
            ("fit", EXAMPLES / "mpg.csv", "--target", "mpg", "--missing", "refuse"),
            "line 34 (row 33), column 'horsepower': the",
        ),
        (("fit", EXAMPLES / "mpg.csv", "--target", "mpg", "--hidden", "a"), "write the width of each hidden layer"),
        (("fit", EXAMPLES / "mpg.csv", "--target", "mpg", "--model", "svm"), "Give one of linear, logistic"),
        (("fit", EXAMPLES / "mpg.csv", "--target", "mpg", "--format", "exel"), "--format exel is unknown"),
        (("fit", EXAMPLES / "mpg.csv", "--target", "mpg", "--encoding", "x"), "--encoding x is unknown"),
        (("predict", "none.thalweg", EXAMPLES / "mpg.csv"), "there is no model none.thalweg"),
        (("predict", EXAMPLES / "mpg.csv", EXAMPLES / "mpg.csv"), "no thalweg model"),
    ],
)
def test_errors_are_one_message_without_a_traceback(arguments: tuple[object, ...], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code != 0
    assert message in result.output
    assert "Traceback" not in result.output


def test_any_format_in_several_files(tmp_path: Path) -> None:
    table = pa.csv.read_csv(EXAMPLES / "penguins.csv")
    for number in range(4):
        part = table.slice(number * 86, 86)
        pa.parquet.write_table(part, tmp_path / f"{number}.parquet")
        pa.csv.write_csv(part, tmp_path / f"{number}.csv")
    model, outputs = tmp_path / "m.thalweg", []
    files = [tmp_path / f"{number}.csv" for number in range(4)]
    for data in ([tmp_path / "*.parquet"], files, [EXAMPLES / "penguins.csv"]):
        result = run("fit", *data, "--target", "sex", "-o", model)
        assert result.exit_code == 0, result.output
        outputs.append(run("predict", model, *data).stdout)
    assert outputs[0] == outputs[1] == outputs[2]
    result = run("fit", tmp_path / "*.parquet", "--target", "sex", "-o", model)
    assert "(4 files, Parquet): 344 rows, 7 columns, 19 values missing" in " ".join(result.output.split())


def test_libsvm_with_features_that_training_had_and_new_rows_have_not(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lines = [f"{1 if a > 0 else -1} 1:{a:.3f} 3:{b:.3f}" for a, b in rng.standard_normal((200, 2))]
    (tmp_path / "a").write_text("\n".join(lines))
    (tmp_path / "b").write_text("1 1:2\n-1 1:-2\n")
    assert run("fit", tmp_path / "a", "--target", "y", "-o", tmp_path / "m").exit_code == 0
    result = run("predict", tmp_path / "m", tmp_path / "b")
    assert result.stderr == ""
    assert [row[0] for row in csv.reader(result.stdout.splitlines())] == ["y", "1", "-1"]


def test_missing_values_as_asked(tmp_path: Path) -> None:
    model = tmp_path / "m"
    result = run("fit", EXAMPLES / "mpg.csv", "--target", "mpg", "-o", model, "--missing", "drop")
    assert result.exit_code == 0, result.output
    assert "6 with missing values are left out" in result.output.replace("\n", " ")
    assert "horsepower is missing" not in result.output
    result = run("predict", model, EXAMPLES / "mpg.csv", "--missing", "refuse")
    assert "line 34 (row 33), column 'horsepower': the value is missing" in result.output


def test_unseen_categories_as_asked(tmp_path: Path) -> None:
    model, new = tmp_path / "m", tmp_path / "new.csv"
    assert run("fit", EXAMPLES / "mpg.csv", "--target", "mpg", "-o", model).exit_code == 0
    lines = (EXAMPLES / "mpg.csv").read_text().splitlines()
    new.write_text("\n".join([*lines[:3], lines[3].replace("usa", "mars")]))
    result = run("predict", model, new)
    assert "Note: 1 row of origin hold what training never saw (mars)" in result.stderr
    assert len(result.stdout.splitlines()) == 4
    result = run("predict", model, new, "--unseen", "refuse")
    assert "line 4 (row 3), column 'origin': training never saw 'mars'" in result.output


def test_a_disk_that_is_full_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, predictions = tmp_path / "m", tmp_path / "p.csv"
    assert run("fit", EXAMPLES / "mpg.csv", "--target", "mpg", "-o", model).exit_code == 0
    assert run("predict", model, EXAMPLES / "mpg.csv", "-o", predictions).exit_code == 0
    before = model.read_bytes(), predictions.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    result = run("fit", EXAMPLES / "mpg.csv", "--target", "weight", "-o", model)
    assert f"cannot be written to {model}: No space left on device. Nothing was changed there" in result.output
    result = run("predict", model, EXAMPLES / "mpg.csv", "-o", predictions)
    assert f"cannot be written to {predictions}: No space left on device. Nothing was changed there" in result.output
    assert (model.read_bytes(), predictions.read_bytes()) == before
    assert sorted(os.listdir(tmp_path)) == ["m", "p.csv"]


@pytest.mark.parametrize("delimiter", ["\t", r"\t", "tab"])
def test_a_tab_can_be_typed(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a, b\ty\n" + "".join(f"{n}\t{2 * n + 1}\n" for n in range(20)))
    assert run("fit", path, "--target", "y", "-o", tmp_path / "m", "--delimiter", delimiter).exit_code == 0


def test_names_with_brackets_are_shown_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a[red].csv"
    path.write_text("size [cm],y\n" + "".join(f"{n},{2 * n + 1}\n" for n in range(20)))
    result = run("fit", path, "--target", "y", "-o", tmp_path / "m")
    assert "a[red].csv" in result.output.replace("\n", "")
    assert "size [cm]" in result.output


def test_of_many_columns_the_first_and_of_many_coefficients_the_largest_are_shown(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 150))
    np.savez(tmp_path / "t.npz", X=X, y=X[:, 140] * 3 + 0.01 * rng.standard_normal(300))
    result = run("fit", tmp_path / "t.npz", "--target", "y", "-o", tmp_path / "m")
    assert "and 51 columns more" in result.output
    assert "X_140  " in result.output
    assert "... and 50 that weigh less" in result.output


def test_help_names_the_commands() -> None:
    output = run("--help").output
    assert "fit" in output
    assert "predict" in output

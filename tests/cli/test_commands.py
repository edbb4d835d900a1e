"""The commands, as a user types them; and that the fits are good."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from thalweg.cli.main import main
from thalweg.fit import fit, prepare
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
        *("20,640 rows", "207 missing", "linear regression", "14·1 + 1 = 15 parameters", "16,512 for training"),
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
    rows = list(csv.reader(result.output.splitlines()))
    assert rows[0] == ["sex", "probability of MALE"]
    assert {row[0] for row in rows[1:]} == {"MALE", "FEMALE"}


def test_the_linear_fit_is_that_of_scikit_learn() -> None:
    from sklearn.linear_model import Ridge

    prepared = prepare(read_table(EXAMPLES / "mpg.csv"), "mpg")
    model = fit(prepared)
    ridge = Ridge(alpha=1.0).fit(prepared.X, prepared.y)
    np.testing.assert_allclose(model.parameters["w"], ridge.coef_, atol=1e-6)
    assert model.scores["validation"]["R²"] > 0.75


def test_the_logistic_fit_is_that_of_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression

    prepared = prepare(read_table(EXAMPLES / "penguins.csv"), "sex")
    model = fit(prepared)
    theirs = LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000).fit(prepared.X, prepared.y)
    np.testing.assert_allclose(model.parameters["w"], theirs.coef_[0], atol=1e-4)
    assert model.scores["validation"]["accuracy"] > 0.85


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fit", "none.csv", "--target", "y"), "none.csv does not exist"),
        (("fit", EXAMPLES / "mpg.csv", "--target", "mgp"), "no column 'mgp'. Did you mean 'mpg'?"),
        (("fit", EXAMPLES / "penguins.csv", "--target", "species"), "3 classes"),
        (("fit", EXAMPLES / "mpg.csv", "--target", "mpg", "--kind", "weight:x"), "write COLUMN=KIND"),
        (("fit", EXAMPLES / "mpg.csv", "--target", "mpg", "--output", "/no/such/folder/m"), "cannot be written"),
        (("predict", "none.thalweg", EXAMPLES / "mpg.csv"), "there is no model none.thalweg"),
        (("predict", EXAMPLES / "mpg.csv", EXAMPLES / "mpg.csv"), "no thalweg model"),
    ],
)
def test_errors_are_one_message_without_a_traceback(arguments: tuple[object, ...], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code != 0
    assert message in result.output
    assert "Traceback" not in result.output


def test_help_names_the_commands() -> None:
    output = run("--help").output
    assert "fit" in output
    assert "predict" in output

"""Fits of tables against scikit-learn's, and what settings do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import Lasso, LogisticRegression, PoissonRegressor, Ridge
from sklearn.svm import LinearSVC

import thalweg as tw
from thalweg.fitting import Prepared, Settings, TableModel, fit_prepared, prepare, task_of
from thalweg.models import Hinge, Perceptron, Quantile
from thalweg.tables import read_table

EXAMPLES = Path(__file__).parents[2] / "examples"


def prepared(name: str, target: str, **settings: Any) -> Prepared:
    return prepare(read_table(EXAMPLES / f"{name}.csv"), target, Settings(**settings))


def weights_of(found: Prepared) -> np.ndarray[Any, Any]:
    return fit_prepared(found).layers[0]["w"].T


def test_linear_is_ridge_and_lasso() -> None:
    found = prepared("mpg", "mpg")
    ridge = Ridge(alpha=1.0).fit(found.fitted.X, found.fitted.y)
    np.testing.assert_allclose(weights_of(found), ridge.coef_, atol=1e-6)
    found = prepared("mpg", "mpg", l1=0.1)
    lasso = Lasso(alpha=0.05, tol=1e-12, max_iter=100_000).fit(found.fitted.X, found.fitted.y)
    w = weights_of(found)
    np.testing.assert_allclose(w, lasso.coef_, atol=1e-4)
    assert np.count_nonzero(w) < len(w)


def test_logistic_with_weights_of_rows_and_classes(tmp_path: Path) -> None:
    found = prepared("titanic", "alone", weights="fare", class_weight="balanced")
    assert "fare" not in found.encoding.kinds
    assert found.fitted.weights is not None
    assert found.fitted.weights.mean() == pytest.approx(1)
    own = read_table(EXAMPLES / "titanic.csv").column("fare").values[found.target.rows[found.training]]
    theirs = LogisticRegression(class_weight="balanced", tol=1e-10, max_iter=10_000)
    theirs.set_params(C=1.0 * len(own) / own.sum())  # theirs are not normalised
    theirs.fit(found.fitted.X, found.fitted.y, own)
    # scikit-learn balances the numbers of rows, not their weights; so do its expected factors here.
    counts, totals = np.bincount(found.fitted.y.astype(int)), np.bincount(found.fitted.y.astype(int), own)
    for number in (0, 1):
        share = found.fitted.weights[found.fitted.y == number].sum() / len(own)
        assert share == pytest.approx(0.5)
        assert counts[number] > 0 < totals[number]
    theirs = LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000)
    theirs.fit(found.fitted.X, found.fitted.y, found.fitted.weights)
    np.testing.assert_allclose(weights_of(found), theirs.coef_[0], atol=1e-4)


def test_softmax_is_multinomial_regression() -> None:
    found = prepared("penguins", "species")
    theirs = LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000).fit(found.fitted.X, found.fitted.y)
    np.testing.assert_allclose(weights_of(found), theirs.coef_, atol=1e-4)


def test_poisson_and_support_vector_machine() -> None:
    found = prepared("penguins", "body_mass_g", model="poisson")
    N = len(found.fitted.X)
    theirs = PoissonRegressor(alpha=1 / N, tol=1e-10, max_iter=10_000).fit(found.fitted.X, found.fitted.y)
    np.testing.assert_allclose(weights_of(found), theirs.coef_, atol=1e-5)
    found = prepared("penguins", "sex", model="support-vector-machine")
    assert found.model.criterion == Hinge(is_squared=True)
    machine = LinearSVC(C=1.0, tol=1e-10, max_iter=100_000, intercept_scaling=1e4)
    machine.fit(found.fitted.X, found.fitted.y)  # the scaling leaves its intercept nearly unpenalised, as ours is
    np.testing.assert_allclose(weights_of(found), machine.coef_[0], atol=2e-2)


def test_a_perceptron_learns_what_a_line_cannot(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (2_000, 2))
    table = pa.table({"a": X[:, 0], "b": X[:, 1], "y": np.array(["out", "in"])[(X[:, 0] * X[:, 1] > 0).astype(int)]})
    model = tw.fit(table, "y", hidden=(16,), learning_rate=0.01, epochs=60)
    assert model.scores["validation"]["accuracy"] > 0.95
    assert tw.fit(table, "y").scores["validation"]["accuracy"] < 0.7
    assert model.result is not None
    assert model.layers[0]["w"].dtype == np.float32
    assert (model.predict(table) == table.column("y").to_numpy()).mean() > 0.95
    np.testing.assert_allclose(model.probabilities(table).sum(axis=1), 1)


def test_defaults_follow_from_the_target_and_the_model() -> None:
    task = task_of(prepared("penguins", "species"))
    assert (type(task.options["method"]), task.options["batch_size"]) == (tw.LBFGS, None)
    task = task_of(prepared("penguins", "species", hidden=(4,)))
    assert (type(task.options["method"]), task.examples) == (tw.Adam, 64)
    assert task.options["validation"] is not None
    assert "ValidationStalls" in str(task.options["stop"])
    task = task_of(prepared("mpg", "mpg", method="momentum", learning_rate=0.2, batch_size=32))
    assert task.options["method"] == tw.Momentum(0.2)
    for objective, kind in (("hinge", "SupportVectorMachine"), ("poisson", "Poisson"), ("cross_entropy", "Softmax")):
        target = ("penguins", "sex") if objective != "poisson" else ("mpg", "mpg")
        assert type(prepared(*target, objective=objective).model).__name__ == kind
    digits = prepare(
        read_table(pa.table({"x": np.arange(30.0), "y": np.arange(30) % 3})), "y", Settings(model="softmax")
    )
    assert digits.target.classes == ("0", "1", "2")


@pytest.mark.parametrize(
    ("target", "settings", "message"),
    [
        ("species", {"model": "linear"}, "holds categories .*--model softmax"),
        ("species", {"model": "logistic"}, "has 3 classes, and logistic regression is for two"),
        ("bill_length_mm", {"class_weight": "balanced"}, "is a number and has no classes"),
        ("sex", {"weights": "species"}, "'species', holds category values, not numbers"),
        ("species", {"weights": "body_mass_g"}, r"line 5 \(row 4\), column 'body_mass_g': a weight .* it is missing"),
        ("sex", {"model": "svm"}, "model='svm' is unknown. Give one of 'linear'"),
        ("sex", {"objective": "log"}, "objective='log' is unknown. Give one of squared"),
        ("sex", {"objective": "quantile:2"}, "objective='quantile:2': level=2.0: expected a number between 0 and 1"),
        ("sex", {"method": "sgd"}, "method='sgd' is unknown"),
        ("sex", {"method": "lbfgs", "learning_rate": 0.1}, "lbfgs finds the length of its steps itself"),
        ("sex", {"model": "linear", "hidden": (3,)}, "only a perceptron has hidden layers"),
        ("sex", {"model": "poisson", "objective": "squared"}, "the target 'sex' holds categories"),
        ("body_mass_g", {"model": "poisson", "objective": "squared"}, "the model poisson has the objective poisson"),
        ("sex", {"l1": -1.0}, "l1=-1.0: expected a number, 0 or more"),
        ("sex", {"epochs": 0}, "epochs=0: expected a whole number"),
        (("sex", "species"), {}, "only if all are numbers, and 'sex'"),
    ],
)
def test_what_cannot_be_fitted_says_why(target: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(tw.ThalwegError, match=message):
        task_of(prepared("penguins", target, **settings))


def test_counts_below_zero_and_one_class_only() -> None:
    table = read_table(pa.table({"x": np.arange(8.0), "y": [3.0, 1, 2, -1, 4, 5, 6, 7], "c": ["a"] * 8}))
    with pytest.raises(tw.TableError, match="row 4: the target 'y' is below 0, and Poisson regression predicts counts"):
        prepare(table, "y", Settings(model="poisson"))
    with pytest.raises(
        tw.TableError, match="the target 'c' is a in every row that has one, so there is nothing to predict"
    ):
        prepare(table, "c")


def test_a_model_comes_back_from_its_file(model_and_table: tuple[TableModel, Path], tmp_path: Path) -> None:
    model, table = model_and_table
    model.save(tmp_path / "m")
    loaded = TableModel.load(tmp_path / "m")
    assert (loaded.model, loaded.classes, loaded.scores) == (model.model, model.classes, model.scores)
    np.testing.assert_array_equal(loaded.predict(table), model.predict(table))


def test_a_loss_of_ones_own_cannot_be_saved(tmp_path: Path) -> None:
    class Cube(tw.models.Loss):
        def __call__(self, score: Any, target: Any) -> Any:
            return np.absolute(score - target) ** 3

    model = tw.fit(EXAMPLES / "mpg.csv", "mpg", objective=Cube(), model="linear", epochs=20)
    with pytest.raises(tw.ModelFileError, match="a file holds no code"):
        model.save(tmp_path / "m")


def test_plain_arrays_are_all_that_it_takes(model_and_table: tuple[TableModel, Path], tmp_path: Path) -> None:
    model, path = model_and_table
    model.save_arrays(tmp_path / "m.npz")
    table = read_table(path, expected=model.encoding.kinds)
    with np.load(tmp_path / "m.npz", allow_pickle=False) as arrays:
        features = []
        for place, name in enumerate(arrays["columns"]):
            column = table.column(str(name))
            if arrays["is_missing"][place]:
                feature = column.is_missing
            elif arrays["is_number"][place]:
                feature = np.where(column.is_missing, arrays["fills"][place], column.values)
            else:
                feature = np.array([*column.categories, None])[column.values] == arrays["categories"][place]
            features.append((feature - arrays["means"][place]) / arrays["scales"][place])
        x = np.stack(features, axis=1)
        np.testing.assert_allclose(x, model.features(table), rtol=1e-6, atol=1e-6)
        if not isinstance(model.model, Perceptron) and not model.classes and str(arrays["model"]) == "linear":
            predicted = (x @ arrays["1.w"] + arrays["1.b"]) * arrays["target.scale"] + arrays["target.mean"]
            np.testing.assert_allclose(predicted, model.predict(table))
        assert list(arrays["classes"]) == list(model.classes)


def test_coefficients_are_in_the_units_of_the_table() -> None:
    table = pa.table(
        {"x": np.arange(20.0), "z": np.tile([0.0, 5.0], 10), "y": 3 * np.arange(20.0) - 2 * np.tile([0.0, 5.0], 10)}
    )
    own, intercept = tw.fit(table, "y", l2=0).coefficients()
    np.testing.assert_allclose([*own, intercept], [3, -2, 0], atol=1e-5)


def test_a_quantile_lies_above_its_share_of_the_rows() -> None:
    found = prepared("mpg", "mpg", objective="quantile:0.9")
    assert found.model.criterion == Quantile(0.9)
    model = fit_prepared(found)
    actual = found.target.values[found.training]
    assert np.mean(actual < model.predict_features(found.fitted.X)) == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize("targets", ["y", ["x", "y"]])
def test_a_target_whose_squares_overflow_is_refused(targets: Any) -> None:
    table = pa.table({"x": np.arange(20.0), "z": np.arange(20.0) ** 2, "y": np.arange(20.0) * 1e160})
    with pytest.raises(tw.TableError, match=r"'y' holds numbers as large as 1.9e\+161. Give it in a larger unit"):
        tw.fit(table, targets)

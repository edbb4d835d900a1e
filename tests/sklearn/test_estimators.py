"""Estimators: the optima of scikit-learn's solvers, their parameters, and life among scikit-learn's own tools."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import (
    ElasticNet,
    HuberRegressor,
    Lasso,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
)
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

import thalweg as tw
from thalweg.sklearn import DescentClassifier, DescentRegressor, PerceptronClassifier, PerceptronRegressor

Xd, yd = load_diabetes(return_X_y=True)
Xc, yc = load_breast_cancer(return_X_y=True)
Xi, yi = load_iris(return_X_y=True)
rng = np.random.default_rng(0)


def logistic_objective(estimator: Any, X: Any, y: Any, weights: Any = 1.0) -> float:
    """Σ w_i log(1/p_i) + ½ Σ W², from the coefficients."""
    scores = X @ estimator.coef_.T + estimator.intercept_
    if scores.shape[1] == 1:
        scores = np.hstack([np.zeros_like(scores), scores])
    top = scores.max(axis=1)
    values = np.log(np.exp(scores - top[:, None]).sum(axis=1)) + top - scores[np.arange(len(y)), y]
    return float(np.sum(weights * values) + np.sum(estimator.coef_**2) / 2)


@pytest.mark.parametrize("name", ["iris", "breast cancer", "digits"])
def test_logistic_regression_ends_at_the_same_loss_as_scikit_learn(name: str) -> None:
    X, y = {"iris": (Xi, yi), "breast cancer": (Xc, yc), "digits": load_digits(return_X_y=True)}[name]
    X, y = StandardScaler().fit_transform(X)[:600], y[:600]
    ours = DescentClassifier().fit(X, y)
    theirs = LogisticRegression(tol=1e-10, max_iter=10_000).fit(X, y)
    a, b = logistic_objective(ours, X, y), logistic_objective(theirs, X, y)
    assert a == pytest.approx(b, rel=1e-8)
    assert a <= b * (1 + 1e-10)


def test_unscaled_features_do_no_harm() -> None:
    ours = DescentClassifier().fit(Xc, yc)
    theirs = LogisticRegression(tol=1e-12, max_iter=100_000, solver="newton-cholesky").fit(Xc, yc)
    assert logistic_objective(ours, Xc, yc) == pytest.approx(logistic_objective(theirs, Xc, yc), rel=1e-8)


@pytest.mark.parametrize("has_intercept", [True, False])
def test_ridge(has_intercept: bool) -> None:
    theirs = Ridge(alpha=0.3, fit_intercept=has_intercept).fit(Xd, yd)
    ours = DescentRegressor(alpha=0.3, fit_intercept=has_intercept).fit(Xd, yd)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-8)


def test_several_outputs() -> None:
    Y = np.stack([yd, -2 * yd + Xd[:, 0]], axis=1)
    np.testing.assert_allclose(DescentRegressor().fit(Xd, Y).coef_, Ridge().fit(Xd, Y).coef_, atol=1e-4)
    perceptron = PerceptronRegressor(max_iter=500, tol=1e-3, random_state=0).fit(Xd, Y)
    assert perceptron.predict(Xd).shape == Y.shape
    assert perceptron.score(Xd, Y) > 0.3


@pytest.mark.parametrize("penalty", ["l1", "elasticnet"])
def test_penalties_with_kinks_have_the_same_zeros_as_coordinate_descent(penalty: str) -> None:
    N = len(yd)
    reference = Lasso(0.5, tol=1e-12) if penalty == "l1" else ElasticNet(0.02, l1_ratio=0.6, tol=1e-12)
    theirs = reference.set_params(max_iter=100_000).fit(Xd, yd)
    alpha = 0.5 * N if penalty == "l1" else 0.02 * N
    ours = DescentRegressor(penalty=penalty, alpha=alpha, l1_ratio=0.6, max_iter=20_000).fit(Xd, yd)
    np.testing.assert_array_equal(ours.coef_ != 0, theirs.coef_ != 0)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("loss", "reference"),
    [
        ("poisson", PoissonRegressor(alpha=0.1, tol=1e-10, max_iter=1000)),
        (tw.models.Quantile(0.8), QuantileRegressor(quantile=0.8, alpha=0)),
    ],
    ids=["poisson", "quantile"],
)
def test_other_losses(loss: Any, reference: Any) -> None:
    X = StandardScaler().fit_transform(Xd)
    is_poisson = loss == "poisson"
    alpha = 0.1 * len(X) if is_poisson else 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        ours, theirs = DescentRegressor(loss, alpha=alpha).fit(X, yd), reference.fit(X, yd)
    if is_poisson:
        np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-5)
    else:
        assert np.mean(loss(ours.predict(X), yd)) == pytest.approx(np.mean(loss(theirs.predict(X), yd)), rel=0.01)


def test_huber_keeps_outliers_from_pulling() -> None:
    X = rng.standard_normal((200, 3))
    y = X @ [1.0, -2.0, 3.0] + 0.1 * rng.standard_normal(200)
    y[:10] += 100
    ours = DescentRegressor("huber", penalty=None).fit(X, y)
    np.testing.assert_allclose(ours.coef_, HuberRegressor(alpha=0).fit(X, y).coef_, atol=0.1)
    assert np.abs(ours.coef_ - [1, -2, 3]).max() < 0.2


def test_the_support_vector_machine_of_liblinear() -> None:
    X = StandardScaler().fit_transform(Xc)
    ours = DescentClassifier("squared_hinge").fit(X, yc)
    theirs = LinearSVC(intercept_scaling=1000, tol=1e-8, max_iter=1_000_000, dual=False).fit(X, yc)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-3)
    assert not hasattr(ours, "predict_proba")


@pytest.mark.parametrize("class_weight", ["balanced", {0: 3.0, 1: 0.5}])
def test_weights_of_classes(class_weight: Any) -> None:
    X = StandardScaler().fit_transform(Xc)
    ours = DescentClassifier(class_weight=class_weight).fit(X, yc)
    theirs = LogisticRegression(class_weight=class_weight, tol=1e-10, max_iter=10_000).fit(X, yc)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)


def test_weights_of_examples() -> None:
    weights = rng.uniform(0, 2, len(yd))
    ours = DescentRegressor().fit(Xd, yd, sample_weight=weights)
    np.testing.assert_allclose(ours.coef_, Ridge().fit(Xd, yd, sample_weight=weights).coef_, atol=1e-4)


@pytest.mark.parametrize("kind", [DescentClassifier, PerceptronClassifier])
def test_sparse_features_give_what_dense_ones_give(kind: Any) -> None:
    X = rng.standard_normal((150, 8)) * (rng.random((150, 8)) < 0.3)
    y = np.where(X[:, 0] + X[:, 1] > 0, "yes", "no")
    dense = kind(random_state=0, max_iter=50).set_params(tol=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        dense.fit(X, y)
        sparse = clone(dense).fit(scipy.sparse.csr_array(X), y)
    np.testing.assert_allclose(dense.predict_proba(X), sparse.predict_proba(scipy.sparse.csc_matrix(X)), rtol=1e-10)


@pytest.mark.parametrize("kind", [DescentRegressor, PerceptronRegressor])
def test_partial_fit_learns_from_parts(kind: Any) -> None:
    estimator = kind(random_state=0, alpha=1e-3)
    for _ in range(60):
        for rows in np.array_split(np.arange(400), 2):
            estimator.partial_fit(Xd[rows], yd[rows])
    assert estimator.score(Xd[:400], yd[:400]) > 0.45


def test_partial_fit_of_classifiers() -> None:
    X = StandardScaler().fit_transform(Xi)
    order = rng.permutation(150)
    for estimator in (DescentClassifier(random_state=0), PerceptronClassifier(random_state=0)):
        for _ in range(80):
            for rows in np.array_split(order, 3):
                estimator.partial_fit(X[rows], yi[rows], classes=[0, 1, 2])
        assert estimator.score(X, yi) > 0.9
        with pytest.raises(tw.DataError, match=r"\[7\]"):
            estimator.partial_fit(X[:2], [0, 7])


def test_early_stopping_and_warm_start() -> None:
    stopped = PerceptronRegressor(early_stopping=True, random_state=0, max_iter=500).fit(Xd, yd)
    assert "validation" in str(stopped.result_.stopped_by)
    assert len(stopped.result_.history.validation_loss) > 10
    X = StandardScaler().fit_transform(Xc)
    again = DescentClassifier(warm_start=True).fit(X, yc)
    steps = again.n_iter_
    assert again.fit(X, yc).n_iter_ < steps / 5
    with pytest.raises(tw.ArgumentError, match="warm_start"):
        again.fit(X, np.where(yc, "a", "b"))


def test_the_same_random_state_gives_the_same_perceptron() -> None:
    a, b, c = (PerceptronClassifier(random_state=s, tol=1.0).fit(Xi, yi) for s in (1, 1, 2))
    np.testing.assert_array_equal(a.coefs_[0], b.coefs_[0])
    assert not np.array_equal(a.coefs_[0], c.coefs_[0])


def test_a_perceptron_shows_its_layers_in_the_units_of_the_data() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = PerceptronRegressor((8, 4), "tanh", random_state=0, max_iter=50).fit(Xd, yd)
    values = Xd
    for w, b in zip(fitted.coefs_[:-1], fitted.intercepts_[:-1], strict=True):
        values = np.tanh(values @ w + b)
    np.testing.assert_allclose(values @ fitted.coefs_[-1] + fitted.intercepts_[-1], fitted.predict(Xd))
    assert "10 → 8 tanh" in str(fitted.model_)


def test_single_precision_stays() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for estimator in (DescentRegressor(), PerceptronRegressor(max_iter=5, random_state=0)):
            assert estimator.fit(Xd.astype(np.float32), yd).predict(Xd.astype(np.float32)).dtype == np.float32


def test_they_live_in_pipelines_searches_and_column_transformers() -> None:
    frame = pd.DataFrame({"size": rng.standard_normal(120), "color": rng.choice(["red", "green"], 120)})
    y = np.where(frame["size"] + (frame["color"] == "red") + 0.2 * rng.standard_normal(120) > 0.5, "big", "small")
    columns = make_column_transformer((StandardScaler(), ["size"]), (OneHotEncoder(), ["color"]))
    pipeline = make_pipeline(columns, DescentClassifier())
    search = GridSearchCV(pipeline, {"descentclassifier__alpha": [0.01, 0.1, 100.0]}, cv=3).fit(frame, y)
    assert search.best_score_ > 0.85
    assert search.best_params_["descentclassifier__alpha"] < 100
    assert cross_val_score(pipeline, frame, y, cv=3).mean() > 0.85
    assert DescentRegressor().fit(frame[["size"]], frame["size"]).feature_names_in_.tolist() == ["size"]


def test_they_can_be_pickled_and_cloned() -> None:
    fitted = DescentClassifier(method=tw.Newton(), tol=1e-8).fit(Xi, yi)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(Xi), fitted.predict(Xi))
    assert clone(fitted).method == tw.Newton()


def test_running_out_of_steps_is_said() -> None:
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        DescentClassifier(max_iter=2).fit(Xi, yi)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (DescentRegressor("hinge"), "loss='hinge'"),
        (DescentRegressor(tw.models.Hinge()), "predicts numbers"),
        (DescentRegressor(penalty="ridge"), "penalty='ridge'"),
        (DescentRegressor(alpha=-1), "alpha=-1"),
        (DescentRegressor(max_iter=0), "max_iter=0"),
        (DescentRegressor(batch_size=2.5), "batch_size=2.5"),
        (DescentRegressor(method="adam"), "method='adam'"),
        (DescentRegressor(l1_ratio=2, penalty="elasticnet"), "l1_ratio=2"),
        (DescentRegressor(early_stopping=True, validation_fraction=1.0), "validation_fraction=1.0"),
        (PerceptronRegressor((3, 0)), r"hidden\[1\]=0"),
        (PerceptronRegressor(activation="step"), "activation='step'"),
        (DescentRegressor(penalty="l1", method=tw.Adam()), "AcceleratedGradient"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_mistakes_are_named(estimator: Any, message: str) -> None:
    with pytest.raises(tw.ArgumentError, match=message):
        estimator.fit(Xd, yd)


def test_counts_cannot_be_negative() -> None:
    with pytest.raises(tw.DataError, match="Poisson"):
        DescentRegressor("poisson").fit(Xd, -yd)


@pytest.mark.parametrize("kind", [DescentClassifier, PerceptronClassifier])
def test_large_sparse_features_are_made_dense_part_by_part(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    X = rng.standard_normal((600, 20)) * (rng.random((600, 20)) < 0.3)
    y = (X @ np.linspace(-3, 3, 20) > 0).astype(int)
    monkeypatch.setattr("thalweg.sklearn.inputs.LARGEST_DENSE", 1000)
    monkeypatch.setattr("thalweg.sklearn.estimator.LARGEST_PART", 8 * 20 * 200)
    estimator = kind(random_state=0, alpha=1e-3, max_iter=60, tol=1e-3).fit(scipy.sparse.csr_matrix(X), y)
    assert estimator.score(X, y) > 0.95
    assert 5 < estimator.n_iter_ <= 60
    with pytest.raises(tw.ArgumentError, match="early_stopping"):
        kind(early_stopping=True).fit(scipy.sparse.csr_matrix(X), y)


def test_a_long_descent_on_few_examples_is_one_story() -> None:
    """It begins in NumPy and goes on compiled, with the same memory."""
    fitted = DescentClassifier(alpha=0.01).fit(Xc[:300], yc[:300])
    history = fitted.result_.history
    assert fitted.n_iter_ > 80
    np.testing.assert_array_equal(history.step, np.arange(len(history)))
    assert (np.diff(history.loss) < 1e-9).all()
    assert fitted.result_.gradient_norm < 1e-9

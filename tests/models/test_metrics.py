"""Metrics from sums that grow, against scikit-learn's, which see everything at once."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as theirs

from thalweg.models import ClassMetrics, NumberMetrics
from thalweg.models.metrics import RankArea


def test_metrics_of_numbers() -> None:
    rng = np.random.default_rng(0)
    y = rng.poisson(3.0, 1_000).astype(float) + 1e6
    predicted = y + rng.standard_normal(1_000)
    found = NumberMetrics(is_count=True)
    for part in np.array_split(np.arange(1_000), 7):
        found.update(y[part], predicted[part])
    values = found.values()
    assert values["R²"] == pytest.approx(theirs.r2_score(y, predicted), rel=1e-9)
    assert values["RMSE"] == pytest.approx(theirs.root_mean_squared_error(y, predicted))
    assert values["MAE"] == pytest.approx(theirs.mean_absolute_error(y, predicted))
    assert values["Poisson deviance"] == pytest.approx(theirs.mean_poisson_deviance(y, predicted), rel=1e-6)
    assert np.isnan(NumberMetrics().values()["R²"])


@pytest.mark.parametrize("K", [2, 4])
def test_metrics_of_classes(K: int) -> None:
    rng = np.random.default_rng(K)
    y = rng.integers(0, K, 2_000)
    scores = rng.standard_normal((2_000, K)).round(1) + 1.5 * np.eye(K)[y]
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    found = ClassMetrics(K)
    for part in np.array_split(np.arange(2_000), 5):
        found.update(y[part], probabilities[part])
    answers = probabilities.argmax(axis=1)
    area = theirs.roc_auc_score(y, probabilities[:, 1] if K == 2 else probabilities, multi_class="ovr")
    assert found.values() == pytest.approx(
        {"accuracy": theirs.accuracy_score(y, answers), "log loss": theirs.log_loss(y, probabilities), "AUC": area}
    )
    np.testing.assert_array_equal(found.confusion[:K], theirs.confusion_matrix(y, answers))
    precision, recall, f1, rows = theirs.precision_recall_fscore_support(y, answers)
    for number in range(K):
        expected = {"precision": precision[number], "recall": recall[number], "F1": f1[number], "rows": rows[number]}
        assert found.of_class(number) == pytest.approx(expected)


def test_classes_that_training_never_saw_are_wrong_answers() -> None:
    found = ClassMetrics(2)
    found.update(np.array([0, 1, -1, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5], [0.6, 0.4]]))
    assert found.unseen == 1
    assert found.values()["accuracy"] == 0.5
    assert found.values()["log loss"] == pytest.approx(-np.log([0.9, 0.8, 0.4]).mean())
    np.testing.assert_array_equal(found.confusion, [[1, 0], [1, 1], [1, 0]])


@pytest.mark.parametrize("different", [2, 5, 100_000])
def test_the_area_counts_equal_scores_as_half_right(different: int) -> None:
    rng = np.random.default_rng(different)
    scores = np.round(rng.random(1000) * different) / different
    is_positive = rng.random(1000) < 0.3 + 0.4 * scores
    area = RankArea()
    area.update(scores[:400], is_positive[:400])
    area.update(scores[400:], is_positive[400:])
    assert area.value() == (pytest.approx(theirs.roc_auc_score(is_positive, scores), rel=1e-12), 0.0)


def test_beyond_what_is_kept_the_area_is_right_within_the_bound_that_is_told() -> None:
    rng = np.random.default_rng(0)
    is_positive = rng.random(60_000) < 0.3
    scores = np.where(rng.random(60_000) < 0.2, 0.25, rng.standard_normal(60_000) + is_positive)  # many are equal
    exact, found = RankArea(), RankArea(kept=5_000)
    for part in np.array_split(np.arange(60_000), 20):
        exact.update(scores[part], is_positive[part])
        found.update(scores[part], is_positive[part])
    assert exact.value() == (pytest.approx(theirs.roc_auc_score(is_positive, scores)), 0)
    area, error = found.value()
    assert 0 < abs(area - exact.value()[0]) <= error < 1e-3

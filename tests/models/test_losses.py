"""Losses against closed forms on small cases, PyTorch's functional losses and scikit-learn's metrics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from thalweg.models import (
    Absolute,
    CrossEntropy,
    HalfSquared,
    Hinge,
    Huber,
    LogisticLoss,
    PoissonDeviance,
    Quantile,
    Squared,
)

torch = pytest.importorskip("torch")
F = torch.nn.functional

rng = np.random.default_rng(0)
z, y = rng.standard_normal(40), rng.standard_normal(40)
scores, classes = 2 * rng.standard_normal((40, 5)), rng.integers(0, 5, 40)
two = rng.integers(0, 2, 40)
counts = rng.poisson(2.0, 40).astype(float)


def of_torch(loss: Any, score: Any, target: Any, **options: Any) -> Any:
    return loss(torch.tensor(score), torch.tensor(target), **options).numpy()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Squared()(z, y), of_torch(F.mse_loss, z, y, reduction="none")),
        (HalfSquared()(z, y), of_torch(F.mse_loss, z, y, reduction="none") / 2),
        (Absolute()(z, y), of_torch(F.l1_loss, z, y, reduction="none")),
        (Huber(0.7)(z, y), of_torch(F.huber_loss, z, y, reduction="none", delta=0.7)),
        (CrossEntropy()(scores, classes), of_torch(F.cross_entropy, scores, classes, reduction="none")),
        (LogisticLoss()(z, two), of_torch(F.binary_cross_entropy_with_logits, z, two * 1.0, reduction="none")),
        (Hinge()(z, two), np.maximum(0, 1 - np.where(two, z, -z))),
        (Hinge()(scores, classes), 5 * of_torch(F.multi_margin_loss, scores, classes, reduction="none")),
        (Hinge(True)(scores, classes), 5 * of_torch(F.multi_margin_loss, scores, classes, reduction="none", p=2)),
        (CrossEntropy()(scores, np.eye(5)[classes]), of_torch(F.cross_entropy, scores, classes, reduction="none")),
    ],
    ids=[
        "squared",
        "half",
        "absolute",
        "huber",
        "cross-entropy",
        "logistic",
        "hinge",
        "hinges",
        "squared hinges",
        "soft",
    ],
)
def test_agrees_with_pytorch(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


def test_means_agree_with_the_metrics_of_scikit_learn() -> None:
    assert np.mean(Quantile(0.3)(z, y)) == pytest.approx(metrics.mean_pinball_loss(y, z, alpha=0.3))
    assert np.mean(PoissonDeviance()(z, counts)) == pytest.approx(metrics.mean_poisson_deviance(counts, np.exp(z)))
    assert np.mean(Hinge()(z, two)) == pytest.approx(metrics.hinge_loss(two, z))
    p = CrossEntropy().prediction(scores)
    assert np.mean(CrossEntropy()(scores, classes)) == pytest.approx(metrics.log_loss(classes, p))


def test_the_multi_class_hinge_of_a_course_on_image_recognition() -> None:
    """Scores (3.2, 5.1, −1.7) for class 0: max(0, 5.1 − 3.2 + 1) + max(0, −1.7 − 3.2 + 1) = 2.9."""
    np.testing.assert_allclose(Hinge()(np.array([[3.2, 5.1, -1.7]]), np.array([0])), [2.9])


def test_softmax_of_a_small_case() -> None:
    value = CrossEntropy()(np.array([[1.0, 2.0, 3.0]]), np.array([2]))
    np.testing.assert_allclose(value, -np.log(np.exp(3) / (np.exp(1) + np.exp(2) + np.exp(3))))


def test_large_scores_do_not_overflow() -> None:
    assert CrossEntropy()(np.array([[1e4, 0.0]]), np.array([1]))[0] == 1e4
    assert LogisticLoss()(np.array([-1e4, 1e4]), np.array([0, 0])).tolist() == [0, 1e4]


def test_outputs_are_added() -> None:
    np.testing.assert_allclose(Squared()(scores, np.zeros((40, 5))), np.sum(scores**2, axis=1))
    yes = scores > 0.3
    by_hand = sum(LogisticLoss()(scores[:, j], yes[:, j]) for j in range(5))
    np.testing.assert_allclose(LogisticLoss()(scores, yes), by_hand)

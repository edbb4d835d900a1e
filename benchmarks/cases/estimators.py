"""Estimators beside scikit-learn's: logistic regression to equal tolerance, and epochs of a perceptron on 70,000 × 784."""

from __future__ import annotations

import warnings

import numpy as np

from ..harness import Goal, Report, interleaved, missing

EPOCHS = 3


def measure(repeats: int) -> list[Report]:
    """Two reports."""
    if missing("sklearn"):
        return []
    warnings.simplefilter("ignore")
    return [_logistic(repeats), _perceptron(min(repeats, 3))]


def _logistic(repeats: int) -> Report:
    from sklearn.linear_model import LogisticRegression

    from thalweg.sklearn import DescentClassifier

    rng = np.random.default_rng(0)
    X = rng.standard_normal((100_000, 50))
    y = X @ rng.standard_normal(50) + 2 * rng.standard_normal(100_000) > 0
    seconds = interleaved(
        {
            "thalweg DescentClassifier(tol=1e-8)": lambda: DescentClassifier(tol=1e-8).fit(X, y),
            "scikit-learn LogisticRegression(tol=1e-8)": lambda: LogisticRegression(tol=1e-8, max_iter=10_000).fit(
                X, y
            ),
        },
        repeats,
    )
    ours, theirs = seconds.values()
    goal = Goal("≤ 1.0 × scikit-learn", ours / theirs, 1.0)
    return Report("logistic regression, 100,000 × 50 float64, to a gradient of 1e-8", "fit", seconds, [goal])


def _perceptron(repeats: int) -> Report:
    from sklearn.neural_network import MLPClassifier

    from thalweg.sklearn import PerceptronClassifier

    rng = np.random.default_rng(0)
    X = np.maximum(rng.standard_normal((70_000, 784), np.float32), 0)
    y = rng.integers(0, 10, 70_000)
    X[np.arange(70_000), 50 * y] += 3
    seconds = interleaved(
        {
            "thalweg PerceptronClassifier()": lambda: PerceptronClassifier(max_iter=EPOCHS, random_state=0).fit(X, y),
            "scikit-learn MLPClassifier()": lambda: MLPClassifier(max_iter=EPOCHS, random_state=0).fit(X, y),
        },
        repeats,
    )
    ours, theirs = seconds.values()
    goal = Goal("≤ 1.0 × scikit-learn", ours / theirs, 1.0)
    return Report(
        f"perceptron 784-100-10 on 70,000 float32 rows, {EPOCHS} epochs of batches of 200", "fit", seconds, [goal]
    )

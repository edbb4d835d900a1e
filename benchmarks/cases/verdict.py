"""What a verdict costs: against the run that it judges, and its curvature by Lanczos against full gradients.

The first verdict of a loss compiles its programs; both it and a warm one are shown. Curvature: a perceptron of a million parameters,
1,000-900-100 with tanh, 10,000 examples: the ratio does not depend on their number.
"""

from __future__ import annotations

import statistics
import time

import numpy as np

from ..harness import Goal, Report


def measure(repeats: int) -> list[Report]:
    """One report for the cost of a verdict, one for that of the curvature."""
    return [_verdict(repeats), _curvature()]


def _verdict(repeats: int) -> Report:
    import thalweg as tw

    rng = np.random.default_rng(0)
    X = rng.standard_normal((100_000, 20))
    y = (X @ rng.standard_normal(20) + 3 * rng.standard_normal(100_000) > 0).astype(np.float64)

    def loss(w: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        z = X @ w
        return np.mean(np.logaddexp(0, z) - y * z) + 1e-5 * np.sum(w**2)

    runs, verdicts = [], []
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        result = tw.minimize(loss, np.zeros(20), data=(X, y), method=tw.GradientDescent(0.5), stop=tw.MaxSteps(1000))
        middle = time.perf_counter()
        _ = result.verdict
        verdicts.append(time.perf_counter() - middle)
        runs.append(middle - begin)
    small = []
    for _ in range(repeats + 1):
        result = tw.minimize(lambda x: (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2, np.array([-1.2, 1.0]))
        begin = time.perf_counter()
        _ = result.verdict
        small.append(time.perf_counter() - begin)
    seconds = {
        "thalweg: the run, 1,000 full steps": statistics.median(runs[1:]),
        "its verdict": statistics.median(verdicts[1:]),
        "its verdict, the first": verdicts[0],
        "the verdict on a Rosenbrock function": statistics.median(small[1:]),
    }
    allowed = max(0.05, 0.1 * seconds["thalweg: the run, 1,000 full steps"])
    goals = [
        Goal("the verdict: 10 % of the run, or 50 ms", seconds["its verdict"] / allowed, 1.0),
        Goal("Rosenbrock: 50 ms", seconds["the verdict on a Rosenbrock function"] / 0.05, 1.0),
    ]
    return Report("What a verdict costs, logistic regression 100,000 × 20", "run", seconds, goals)


def _curvature() -> Report:
    from thalweg.descent.data import data_of
    from thalweg.descent.plan import evaluated
    from thalweg.descent.problem import problem_of
    from thalweg.diagnosis.spectrum import spectrum_of

    rng = np.random.default_rng(0)
    X = rng.standard_normal((10_000, 1000), np.float32)
    Y = rng.standard_normal((10_000, 100), np.float32)
    start = {
        "W": 0.03 * rng.standard_normal((1000, 900), np.float32),
        "V": 0.03 * rng.standard_normal((900, 100), np.float32),
    }

    def loss(p: dict[str, np.ndarray], X: np.ndarray, Y: np.ndarray) -> np.ndarray:
        return np.mean((np.tanh(X @ p["W"]) @ p["V"] - Y) ** 2)

    data = data_of((X, Y))
    problem = problem_of(loss, start, data, data.examples)
    vector = problem.layout.vector(start)
    evaluated(problem, vector, data.arrays)
    begin = time.perf_counter()
    for _ in range(3):
        evaluated(problem, vector, data.arrays)
    gradient = (time.perf_counter() - begin) / 3
    spectrum_of(problem, vector, data.arrays)
    begin = time.perf_counter()
    spectrum_of(problem, vector, data.arrays)
    seconds = {"thalweg: one gradient": gradient, "the spectrum": time.perf_counter() - begin}
    goals = [Goal("the spectrum ≤ 40 gradients", seconds["the spectrum"] / gradient, 40)]
    return Report("Curvature by Lanczos, 990,000 parameters", "evaluation", seconds, goals)

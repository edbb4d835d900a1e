"""L-BFGS and Newton–CG on L2-regularised logistic regression, 100,000 × 100 float64, whole warm calls.

SciPy gets a gradient (and Hessian-vector product) written by hand in NumPy; scikit-learn its own. Tolerances are chosen so that all
end at about the same gradient norm, which is printed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..harness import Goal, Report, interleaved, missing

NORM = 1e-6


def measure(repeats: int) -> list[Report]:
    """One report for each method."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100_000, 100))
    y = (X @ rng.standard_normal(100) + 3 * rng.standard_normal(100_000) > 0).astype(np.float64)
    return [_report(X, y, "L-BFGS", repeats), _report(X, y, "Newton–CG", repeats)]


def _report(X: np.ndarray, y: np.ndarray, method: str, repeats: int) -> Report:
    import thalweg as tw

    count, size = X.shape
    penalty = 1 / count

    def loss(w: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        z = X @ w
        return np.mean(np.logaddexp(0, z) - y * z) + 0.5 * penalty * np.sum(w**2)

    def by_hand(w: np.ndarray) -> tuple[float, np.ndarray]:
        z = X @ w
        probability = 1 / (1 + np.exp(-z))
        value = np.mean(np.logaddexp(0, z) - y * z) + 0.5 * penalty * w @ w
        return float(value), X.T @ (probability - y) / count + penalty * w

    def product(w: np.ndarray, v: np.ndarray) -> np.ndarray:
        probability = 1 / (1 + np.exp(-(X @ w)))
        return X.T @ (probability * (1 - probability) * (X @ v)) / count + penalty * v

    ends: dict[str, np.ndarray] = {}

    def thalweg() -> None:
        chosen = tw.LBFGS() if method == "L-BFGS" else tw.NewtonCG()
        rule = tw.GradientBelow(NORM) | tw.MaxSteps(1000)
        ends["thalweg"] = tw.minimize(loss, np.zeros(size), data=(X, y), method=chosen, stop=rule).parameters

    runs: dict[str, Callable[[], object]] = {"thalweg": thalweg}
    if not missing("scipy"):
        from scipy.optimize import minimize

        def with_scipy() -> None:
            if method == "L-BFGS":
                options = {"gtol": NORM / size**0.5, "ftol": 0, "maxiter": 1000}
                found = minimize(by_hand, np.zeros(size), jac=True, method="L-BFGS-B", options=options)
            else:
                options = {"xtol": 1e-6}
                found = minimize(by_hand, np.zeros(size), jac=True, hessp=product, method="Newton-CG", options=options)
            ends["SciPy"] = found.x

        runs["SciPy"] = with_scipy
    if not missing("sklearn"):
        from sklearn.linear_model import LogisticRegression

        def with_sklearn() -> None:
            solver = "lbfgs" if method == "L-BFGS" else "newton-cg"
            model = LogisticRegression(C=1.0, fit_intercept=False, tol=NORM, max_iter=1000, solver=solver)
            ends["scikit-learn"] = model.fit(X, y).coef_[0]

        runs["scikit-learn"] = with_sklearn
    seconds = interleaved(runs, repeats)
    norms = {name: float(np.linalg.norm(by_hand(w)[1])) for name, w in ends.items()}
    for name, end in ends.items():
        assert by_hand(end)[0] <= by_hand(ends["thalweg"])[0] + 1e-9, name
    goals = []
    if "SciPy" in seconds:
        goals.append(Goal("≤ 0.5 × SciPy", seconds["thalweg"] / seconds["SciPy"], 0.5))
    if "scikit-learn" in seconds:
        goals.append(Goal("≤ 1.0 × scikit-learn", seconds["thalweg"] / seconds["scikit-learn"], 1.0))
    notes = ["final gradient norms: " + ", ".join(f"{name} {norm:.1e}" for name, norm in norms.items())]
    return Report(f"{method}, logistic regression 100,000 × 100", "run", seconds, goals, notes)

"""From a CSV file of 200,000 × 20 to a fitted logistic model, as a whole process.

Each process starts fresh, reads the file, standardises the features and fits to the same loss: with the penalty that
`thalweg fit` has, 0.5 / N ‖w‖², on the same number of rows; their losses over the whole table must agree. thalweg also works out
the types of columns, keeps a fifth of the rows for validation, scores both parts, judges the end (the verdict), prints, and
saves the model. The first row has an empty cache of compiled code, the second a filled one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..harness import Goal, Report, interleaved, missing, process_seconds

ROWS, FEATURES = 200_000, 20
READ = """
import numpy as np, pandas as pd
table = pd.read_csv({path!r})
y = (table.pop("label") == "yes").to_numpy()
X = table.to_numpy(np.float32)
held = np.random.default_rng(0).permutation(len(y))
X, y = X[held[len(y) // 5:]], y[held[len(y) // 5:]]
mean, deviation = X.mean(0), X.std(0)
def keep(name, w, b):
    np.save({folder!r} + "/" + name, np.append(w / deviation, b - (w / deviation) @ mean))
"""
SKLEARN = (
    READ
    + """
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
model = LogisticRegression(tol=1e-6).fit(StandardScaler().fit_transform(X), y)
keep("scikit-learn", model.coef_[0], model.intercept_[0])
"""
)
JAX = (
    READ
    + """
import jax, jax.numpy as jnp
from jax.scipy.optimize import minimize
X = jnp.asarray((X - mean) / deviation)
y = jnp.asarray(y, jnp.float32)
def loss(w):
    z = X @ w[:-1] + w[-1]
    return jnp.mean(jnp.logaddexp(0, z) - y * z) + 0.5 / len(y) * jnp.sum(w[:-1] ** 2)
found = np.asarray(jax.jit(lambda w: minimize(loss, w, method="BFGS", options=dict(gtol=1e-5)).x)(jnp.zeros(X.shape[1] + 1)))
keep("JAX", found[:-1], found[-1])
"""
)
THALWEG = """
import sys
sys.argv = ["thalweg", "fit", {path!r}, "--target", "label", "--output", {model!r}]
from thalweg.cli.main import run
run()
"""


def measure(repeats: int) -> list[Report]:
    """One report."""
    with tempfile.TemporaryDirectory() as folder:
        path, model = str(Path(folder) / "table.csv"), str(Path(folder) / "model")
        X, y = _write(path)
        ours, theirs = THALWEG.format(path=path, model=model), {}
        if not missing("sklearn", "pandas"):
            theirs["pandas + scikit-learn"] = lambda: process_seconds(_with(SKLEARN, path, folder))
        if not missing("jax", "pandas"):
            theirs["pandas + JAX"] = lambda: process_seconds(_with(JAX, path, folder))
        runs = {
            "thalweg fit, empty cache": lambda: process_seconds(ours),
            "thalweg fit, cache filled": lambda: process_seconds(ours, is_cold=False),
            **theirs,
        }
        seconds = interleaved(runs, max(3, repeats // 2))
        _compare(model, sorted(Path(folder).glob("*.npy")), X, y)
    goals = [
        Goal(f"{way} ≤ 0.5 × {peer}", seconds[way] / seconds[peer], 0.5)
        for peer in theirs
        for way in ("thalweg fit, empty cache", "thalweg fit, cache filled")
    ]
    return [Report("CSV of 200,000 × 20, from the file to a logistic model", "process", seconds, goals)]


def _with(code: str, path: str, folder: str) -> str:
    return code.replace("{path!r}", repr(path)).replace("{folder!r}", repr(folder))


def _compare(model: str, others: Sequence[Path], X: np.ndarray, y: np.ndarray) -> None:
    """The losses of all models over the whole table agree."""
    from thalweg.fitting.table_model import TableModel

    weights, intercept = TableModel.load(model).coefficients()
    losses = {"thalweg": _loss(np.append(weights, intercept), X, y)}
    losses |= {file.stem: _loss(np.load(file), X, y) for file in others}
    for name, value in losses.items():
        assert abs(value - losses["thalweg"]) < 1e-3 * losses["thalweg"], (name, losses)


def _loss(w: np.ndarray, X: np.ndarray, y: np.ndarray) -> float:
    z = X @ w[:-1] + w[-1]
    return float(np.mean(np.logaddexp(0, z) - y * z))


def _write(path: str) -> tuple[np.ndarray, np.ndarray]:
    import pyarrow as pa
    import pyarrow.csv

    rng = np.random.default_rng(0)
    X = np.round(rng.standard_normal((ROWS, FEATURES)), 5)
    y = X @ rng.standard_normal(FEATURES) + 2 * rng.logistic(size=ROWS) > 0
    columns = {f"x{i}": X[:, i] for i in range(FEATURES)}
    pyarrow.csv.write_csv(pa.table({**columns, "label": np.where(y, "yes", "no")}), path)
    return X, y

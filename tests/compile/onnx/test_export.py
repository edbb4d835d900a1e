"""Functions as ONNX files: ONNX Runtime computes what NumPy does, for any number of examples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import scipy.special

import thalweg as tw

rng = np.random.default_rng(0)
W = rng.standard_normal((4, 5))

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "arithmetic": lambda X, z: ((X * 2 - 1) / (X + 3)) ** 2 - X**1.5 + abs(-z)[:, np.newaxis],
    "exponentials": lambda X, z: np.log1p(np.exp(X)) + np.expm1(X) * np.sqrt(X) + np.logaddexp(z, 0)[:, np.newaxis],
    "softmax": lambda X, z: scipy.special.softmax(np.tanh(X @ W), axis=1),
    "log of softmax": lambda X, z: X - scipy.special.logsumexp(X, axis=1, keepdims=True),
    "norms": lambda X, z: X / np.linalg.norm(X, axis=1, keepdims=True),
    "functions of float32": lambda X, z: np.sin(X) * np.cosh(X) + np.arctan(X) - np.arcsin(X) + scipy.special.erf(X),
    "kinks": lambda X, z: (
        np.where(X > 0.5, np.maximum(X, 0.7), np.clip(X, 0.2, 0.3)) + np.sign(X) * np.floor(3 * X) + X % 0.3
    ),
    "slices": lambda X, z: np.concatenate([X[:, ::2], X[:, ::-1], z[:, np.newaxis]], axis=1)[:, 1:],
    "products": lambda X, z: np.einsum("ni,nj->nij", X, X @ W) @ np.arange(5.0),
    "a column": lambda X, z: X @ W[:, 0] + z,
    "reductions": lambda X, z: np.stack(
        [X.max(axis=1), X.min(axis=1), X.mean(axis=1), np.cumsum(X, axis=1)[:, -1]], axis=1
    ),
    "what does not depend on the examples": lambda X, z: (0 * X + 1) * np.array([1.0, 2, 3, 4]) - np.zeros(()),
    "several": lambda X, z: (X.T.T, z, np.logical_and(X > 0.3, z[:, np.newaxis] != X).astype(float)),
}


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_the_runtime_computes_the_same(name: str, tmp_path: Path) -> None:
    function = FUNCTIONS[name]
    dtype = np.float32 if "float32" in name else np.float64  # ONNX Runtime has some functions in float32 only
    tw.export_onnx(function, tmp_path / "f.onnx", np.zeros((2, 4), dtype), np.zeros(2, dtype))
    session = onnxruntime.InferenceSession(tmp_path / "f.onnx")
    for count in (1, 7):
        X, z = rng.uniform(0.1, 0.9, (count, 4)).astype(dtype), rng.standard_normal(count).astype(dtype)
        expected = function(X, z)
        given = {value.name: {"X": X, "z": z}[value.name] for value in session.get_inputs()}
        for got, wanted in zip(
            session.run(None, given), expected if isinstance(expected, tuple) else (expected,), strict=True
        ):
            np.testing.assert_allclose(got, wanted, rtol=1e3 * np.finfo(dtype).eps, atol=np.finfo(dtype).eps)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda X: X - X.mean(axis=0), r"test_export\.py:\d+ .*: sum mixes the rows of different examples"),
        (lambda X: X[::-1], "slice mixes the rows"),
        (lambda X: X @ X.T, "mixes the rows"),
        (lambda X: scipy.special.gammaln(X), r"test_export\.py:\d+ .*ONNX has no operator for gammaln"),
    ],
)
def test_what_cannot_be_written_says_why(function: Callable[..., Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(tw.TracingError, match=message):
        tw.export_onnx(function, tmp_path / "f.onnx", np.zeros((2, 4)))


def test_arguments(tmp_path: Path) -> None:
    with pytest.raises(tw.ArgumentError, match="an array with a row for each example"):
        tw.export_onnx(lambda X: X, tmp_path / "f.onnx")
    with pytest.raises(tw.ArgumentError, match="cannot be written"):
        tw.export_onnx(lambda X: X, tmp_path / "no" / "f.onnx", np.zeros((2, 4)))

"""Sweeps over examples on a device: whole, in tiles, and as a kernel, against the reference; and that GPUs are given the kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

jax = pytest.importorskip("jax")

from thalweg.autodiff import gradient  # noqa: E402  # after the check that JAX is there
from thalweg.compile.jax import sweeps  # noqa: E402
from thalweg.compile.jax.kernel import padded  # noqa: E402
from thalweg.compile.jax.program import precise  # noqa: E402
from thalweg.compile.jax.sweeps import Evaluator  # noqa: E402
from thalweg.compile.prepare import Prepared, prepare  # noqa: E402
from thalweg.graph import ArrayType, Graph, evaluate  # noqa: E402
from thalweg.rewrite import simplify  # noqa: E402
from thalweg.trace import trace  # noqa: E402

Array = np.ndarray[Any, Any]

WITH_KERNEL: dict[str, Callable[..., Any]] = {
    "squares": lambda w, X, y: np.mean((X @ w - y) ** 2),
    "logistic": lambda w, X, y: np.mean(np.log(1 + np.exp(-y * (X @ w)))) + 0.1 * np.sum(w**2),
    "residuals": lambda w, X, y: (X @ w - y) @ (X @ w - y) / len(y),
    "standardised": lambda w, X, y: np.mean(((X - X.mean(axis=0)) / X.std(axis=0) @ w - y) ** 2),
}
WITHOUT: dict[str, Callable[..., Any]] = {
    "worst": lambda w, X, y: np.max(np.abs(X @ w - y)),
    "weights per example": lambda w, X, y: np.sum(np.linspace(0, 1, len(y)) * (X @ w - y) ** 2),
    "two layers": lambda w, X, y: np.mean((np.tanh(X[:, :, None] * w) @ w - y[:, None]) ** 2),
    "mixed": lambda w, X, y: np.sum((X @ w)[1:] * (X @ w)[:-1]),
}


def problem(loss: Callable[..., Any], count: int, dtype: str = "float64") -> tuple[Graph, Prepared, list[Array]]:
    rng = np.random.default_rng(count)
    arrays = [rng.standard_normal(7), rng.standard_normal((count, 7)), np.sign(rng.standard_normal(count))]
    arrays = [array.astype(dtype) for array in arrays]
    graph = simplify(trace(lambda *xs: (loss(*xs),), [ArrayType(a.shape, a.dtype) for a in arrays]))
    both = Graph(graph.inputs, (graph.outputs[0], *gradient(graph.outputs[0], graph.inputs[:1])))
    return both, prepare(both), arrays


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small data are treated as large ones."""
    monkeypatch.setattr(sweeps, "_CACHE_BYTES", 2000)
    monkeypatch.setattr(sweeps, "_FEWEST_ROWS", 64)
    monkeypatch.setattr(sweeps, "_WORTH_A_KERNEL", 0)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("is_interpreted", [False, True], ids=["tiles", "kernel"])
@pytest.mark.parametrize("name", sorted(WITH_KERNEL | WITHOUT))
def test_every_way_gives_the_value_and_gradient_of_the_reference(name: str, is_interpreted: bool) -> None:
    """1000 examples are not a whole number of tiles."""
    graph, prepared, arrays = problem((WITH_KERNEL | WITHOUT)[name], 1000)
    evaluator = Evaluator("cpu", "full", prepared.graph.inputs[1:3], is_interpreted=is_interpreted)
    with precise():
        found = jax.jit(lambda *xs: evaluator(prepared.graph, xs))(*arrays, *prepared.values)
    for value, wanted in zip(found, evaluate(graph, arrays), strict=True):
        assert value.dtype == wanted.dtype
        np.testing.assert_allclose(value, wanted, rtol=1e-9, atol=1e-11)


@pytest.mark.usefixtures("small", "h200")
@pytest.mark.parametrize("name", sorted(WITH_KERNEL | WITHOUT))
def test_gpus_are_given_one_kernel_for_each_sweep(name: str) -> None:
    """The code for CUDA is made, though not run, on a machine without a GPU."""
    _, prepared, arrays = problem((WITH_KERNEL | WITHOUT)[name], 1000, "float32")
    evaluator = Evaluator("gpu", "full", prepared.graph.inputs[1:3])
    with precise():
        traced = jax.jit(lambda *xs: evaluator(prepared.graph, xs)).trace(*arrays, *prepared.values)
        code = traced.lower(lowering_platforms=("cuda",)).as_text()
    assert ("xla.gpu.triton" in code) == (name in WITH_KERNEL)


def test_blocks_have_powers_of_two_as_extents() -> None:
    assert padded((1, 7, 8, 100)) == (1, 8, 8, 128)

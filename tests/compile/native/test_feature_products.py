"""Products that threads share by features: the reference's result, and the same digits for any number of threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.descent.data import data_of
from thalweg.descent.native_engine import compiled_step
from thalweg.descent.problem import problem_of
from thalweg.descent.steps import step_of

FEATURES, OUTPUTS, EXAMPLES, BATCH = 517, 24, 300, 48


def squared(z: Any, y: Any) -> Any:
    return np.mean(np.sum((np.tanh(z) - y[:, None]) ** 2, axis=1))


def plain(p: Any, X: Any, y: Any) -> Any:
    return squared(X @ p["W"] + p["b"], y)


def twice(p: Any, X: Any, y: Any) -> Any:
    """Two matrices share the columns of the data."""
    return squared(X @ p["W"] * (1 + X @ p["V"]) + p["b"], y)


def also_by_element(p: Any, X: Any, y: Any) -> Any:
    """The tile reads the data, too."""
    return squared(X @ p["W"] + p["b"], y) + np.mean(np.sum(np.cos(X), axis=1) * p["b"][0])


def also_in_a_product(p: Any, X: Any, y: Any) -> Any:
    """What is shared by features is itself a factor of a gradient."""
    z = X @ p["W"]
    return squared(z @ p["U"] + p["b"], y)


def with_penalty(p: Any, X: Any, y: Any) -> Any:
    """The matrix is read elsewhere as well, after its gradient is known."""
    return squared(X @ p["W"] + p["b"], y) + 0.01 * np.sum(p["W"] ** 2)


def transposed(p: Any, X: Any, y: Any) -> Any:
    """A matrix whose rows are the outputs: not shared so."""
    return squared(X @ p["W"].reshape(OUTPUTS, FEATURES).T + p["b"], y)


def case(dtype: Any) -> tuple[dict[str, Any], tuple[Any, Any]]:
    rng = np.random.default_rng(7)
    p = {name: rng.standard_normal((FEATURES, OUTPUTS)) / FEATURES**0.5 for name in "VW"}
    p["U"], p["b"] = rng.standard_normal((OUTPUTS, OUTPUTS)) / 5, np.zeros(OUTPUTS)
    X, y = rng.standard_normal((EXAMPLES, FEATURES)), rng.standard_normal(EXAMPLES)
    return {name: value.astype(dtype) for name, value in p.items()}, (X.astype(dtype), y.astype(dtype))


LOSSES = [plain, twice, also_by_element, also_in_a_product, with_penalty, transposed]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("method", [tw.Momentum(0.02), tw.Adam(0.01)])
def test_the_reference_agrees_and_threads_change_nothing(loss: Callable[..., Any], method: tw.Method) -> None:
    start, data = case(np.float64)
    given: dict[str, Any] = {"data": data, "batch_size": BATCH, "method": method, "stop": tw.MaxSteps(30), "seed": 2}
    one, three = (tw.minimize(loss, start, threads=threads, **given) for threads in (1, 3))
    reference = tw.minimize(loss, start, target="numpy", **given)
    for name, expected in reference.parameters.items():
        np.testing.assert_array_equal(one.parameters[name], three.parameters[name])
        np.testing.assert_allclose(one.parameters[name], expected, rtol=1e-9, atol=1e-12)


def test_float32_agrees_to_its_rounding() -> None:
    start, data = case(np.float32)
    given: dict[str, Any] = {
        "data": data,
        "batch_size": BATCH,
        "method": tw.GradientDescent(0.02),
        "stop": tw.MaxSteps(30),
    }
    own, reference = (tw.minimize(plain, start, target=target, **given) for target in ("native", "numpy"))
    np.testing.assert_allclose(own.parameters["W"], reference.parameters["W"], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("loss", "names", "sweeps"), [(plain, "Wb", 3), (twice, "VWb", 3), (transposed, "Wb", 2)])
def test_one_sweep_over_the_features_where_rows_lie_together(loss: Callable[..., Any], names: str, sweeps: int) -> None:
    """Before the sweeps over the examples, and over the rows of the gradients."""
    start, data = case(np.float64)
    start = {name: start[name] for name in names}
    vector = np.concatenate([start[name].ravel() for name in names])
    step = step_of(problem_of(loss, start, data_of(data), BATCH), vector, tw.GradientDescent(0.1), tw.MaxSteps(3))
    assert compiled_step(step, data, BATCH).program.sweeps == sweeps

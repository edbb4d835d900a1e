"""Mini-batches and long vectors of parameters that threads share: the same digits for any number of threads, and the reference's result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.compile.examples import follow_examples
from thalweg.compile.native.deferred import deferred_products
from thalweg.compile.native.tiles import choose_tiling
from thalweg.compile.prepare import prepare
from thalweg.descent.data import data_of
from thalweg.descent.native_engine import compiled_step
from thalweg.descent.problem import problem_of
from thalweg.descent.steps import step_of

HIDDEN, FEATURES, EXAMPLES = 72, 600, 400


def loss(layers: Any, X: Any, y: Any) -> Any:
    (W1, b1), (W2, b2) = layers
    z = np.tanh(X @ W1 + b1) @ W2 + b2
    return np.mean(np.log(np.sum(np.exp(z), axis=1)) - np.take_along_axis(z, y[:, None], 1)[:, 0])


def case(dtype: Any, features: int = FEATURES) -> tuple[Any, Any]:
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((EXAMPLES, features)).astype(dtype), rng.integers(0, 4, EXAMPLES)
    W1 = (rng.standard_normal((features, HIDDEN)) / features**0.5).astype(dtype)
    W2 = (rng.standard_normal((HIDDEN, 4)) / HIDDEN**0.5).astype(dtype)
    return [(W1, np.zeros(HIDDEN, dtype)), (W2, np.zeros(4, dtype))], (X, y)


@dataclass(frozen=True)
class Normalised(tw.GradientDescent):
    """Its direction needs the whole gradient before any of the parameters can be updated."""

    def direction(self, now: Any, state: Any) -> tuple[Any, Any]:
        return -now.gradient / np.sqrt(np.sum(now.gradient**2)), state


@pytest.mark.parametrize(
    ("batch", "method", "features"),
    [(64, tw.GradientDescent(0.1), FEATURES), (60, tw.Adam(0.01), FEATURES + 5), (64, Normalised(0.1), FEATURES)],
)
def test_the_number_of_threads_changes_nothing_and_the_reference_agrees(
    batch: int, method: tw.Method, features: int
) -> None:
    start, data = case(np.float64, features)
    given: dict[str, Any] = {"data": data, "batch_size": batch, "method": method, "stop": tw.MaxSteps(40), "seed": 5}
    one, two, many = (tw.minimize(loss, start, threads=threads, **given) for threads in (1, 2, 8))
    reference = tw.minimize(loss, start, target="numpy", **given)
    for layers in zip(one.parameters, two.parameters, many.parameters, reference.parameters, strict=True):
        for a, b, c, expected in zip(*layers, strict=True):
            np.testing.assert_array_equal(a, b)
            np.testing.assert_array_equal(a, c)
            np.testing.assert_allclose(a, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(one.history.loss, reference.history.loss, rtol=1e-9)


@pytest.mark.parametrize(("method", "sweeps"), [(tw.GradientDescent(0.1), 3), (tw.Adam(0.01), 3), (Normalised(0.1), 5)])
def test_the_update_follows_the_rows_of_the_product_where_it_can(method: tw.Method, sweeps: int) -> None:
    """Three sweeps a step: over the features, over the examples, and over the rows of the product with their update. A direction that needs
    the norm of the gradient waits: for the product, then for the norm."""
    start, data = case(np.float64)
    vector = np.concatenate([array.ravel() for layer in start for array in layer])
    step = step_of(problem_of(loss, start, data_of(data), 64), vector, method, tw.MaxSteps(3))
    assert compiled_step(step, data, 64).program.sweeps == sweeps


def test_only_a_large_total_waits_until_all_examples_are_done() -> None:
    start, data = case(np.float32)
    problem = problem_of(loss, start, data_of(data), 64)
    prepared = prepare(problem.with_gradient)
    examples = follow_examples(prepared.graph, prepared.graph.inputs[1:3], 64)
    whole, split = (choose_tiling(prepared.graph, examples, True, can_be_split) for can_be_split in (False, True))
    assert split.is_split
    assert split.rows * split.chunks == 64
    assert deferred_products(prepared.graph, examples, whole) == []
    (product,) = deferred_products(prepared.graph, examples, split)
    assert sorted(product.shape) == [HIDDEN, FEATURES]

"""Descents over chunks of examples end where those over arrays do."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import pytest

import thalweg as tw
from thalweg.descent.chunks import chunked_engine
from thalweg.descent.data import ChunkTotals
from thalweg.descent.minimize import plan_of
from thalweg.descent.steps import Outside, start_of
from thalweg.graph import Array

GENERATOR = np.random.default_rng(0)
COUNT = 1003
X = GENERATOR.normal(size=(COUNT, 5))
y = X @ GENERATOR.normal(size=5) + 0.1 * GENERATOR.normal(size=COUNT) + 1
CLASSES = GENERATOR.integers(0, 3, COUNT)
LINE = {"w": np.zeros(5), "b": 0.0}


def squares(p: Any, X: Any, y: Any) -> Any:
    return np.mean((X @ p["w"] + p["b"] - y) ** 2)


def root(p: Any, X: Any, y: Any) -> Any:
    return np.sqrt(squares(p, X, y)) + 0.01 * np.sum(p["w"] ** 2)


def standardised(p: Any, X: Any, y: Any) -> Any:
    return np.mean(((X - X.mean(axis=0)) / X.std(axis=0) @ p["w"] + p["b"] - y) ** 2)


def largest(p: Any, X: Any, y: Any) -> Any:
    return np.max(np.abs(X @ p["w"] + p["b"] - y))


def with_ones(p: Any, X: Any, y: Any) -> Any:
    return np.mean((np.column_stack([X, np.ones(len(y))]) @ np.append(p["w"], p["b"]) - y) ** 2)


def softmax(p: Any, X: Any, y: Any) -> Any:
    z = X @ p["W"]
    of_class = np.take_along_axis(z, y[:, None], axis=1)[:, 0]
    return np.mean(np.log(np.sum(np.exp(z), axis=1)) - of_class) + 0.1 * np.sum(p["W"] ** 2)


def descended(
    loss: Callable[..., Any],
    parameters: Any,
    data: tuple[Array, ...],
    method: tw.Method,
    rows: Sequence[int],
    order: Literal["C", "F"] = "C",
) -> Array:
    """The parameters after 8 steps over chunks of so many rows."""
    plan, method = plan_of(loss, parameters, data=data, method=method, stop=tw.MaxSteps(8))
    vector = plan.problem.layout.vector(parameters)
    step = plan.step(vector, method)
    state, settings = start_of(plan.problem, vector, method, plan.rule, 0)
    bounds = np.cumsum([0, *rows])
    chunks = [tuple(np.array(array[a:b], order=order) for array in data) for a, b in itertools.pairwise(bounds)]
    started = dataclasses.replace(step, state=tuple(state), settings=settings)
    engine = chunked_engine(started, len(data), lambda sweeps: ChunkTotals(sweeps, lambda: chunks))
    status, _ = engine.advance(1000, Outside())
    assert status > 0
    found: Array = step.named(engine.state)["parameters"]
    return found


@pytest.mark.parametrize(
    "method", [tw.GradientDescent(0.05), tw.LBFGS(), tw.NewtonCG()], ids=lambda m: type(m).__name__
)
@pytest.mark.parametrize(
    ("loss", "parameters", "target"),
    [
        (squares, LINE, y),
        (root, LINE, y),
        (standardised, LINE, y),
        (with_ones, LINE, y),
        (softmax, {"W": np.zeros((5, 3))}, CLASSES),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_chunks_of_any_size_lead_to_the_same_parameters(
    loss: Callable[..., Any], parameters: Any, target: Array, method: tw.Method
) -> None:
    whole = tw.minimize(loss, parameters, data=(X, target), method=method, stop=tw.MaxSteps(8))
    expected = np.concatenate([np.ravel(whole.parameters[name]) for name in sorted(parameters)])
    found = descended(loss, parameters, (X, target), method, [400, 400, 203])
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    ("loss", "parameters", "target"),
    [(standardised, LINE, y), (softmax, {"W": np.zeros((5, 3))}, CLASSES)],
    ids=lambda x: getattr(x, "__name__", ""),
)
@pytest.mark.parametrize("rows", [[400, 400, 203], [5, 997, 1]])
def test_rows_may_lie_column_by_column(
    loss: Callable[..., Any], parameters: Any, target: Array, rows: Sequence[int]
) -> None:
    method = tw.GradientDescent(0.05)
    expected = descended(loss, parameters, (X, target), method, rows)
    found = descended(loss, parameters, (X, target), method, rows, order="F")
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_the_largest_of_all_examples_is_a_total_too() -> None:
    method = tw.GradientDescent(0.05)
    whole = tw.minimize(largest, LINE, data=(X, y), method=method, stop=tw.MaxSteps(8))
    found = descended(largest, LINE, (X, y), method, [1, 500, 502])
    np.testing.assert_allclose(found, [whole.parameters["b"], *whole.parameters["w"]], rtol=1e-12)


def test_a_loss_that_mixes_examples_is_refused_with_its_line() -> None:
    def mixing(w: Any, X: Any) -> Any:
        return np.sum((X[1:] @ w) * (X[:-1] @ w))

    with pytest.raises(tw.LossError, match=r"combines different examples at .*test_chunks.py"):
        descended(mixing, np.ones(5), (X,), tw.GradientDescent(0.1), [500, 503])


def test_an_array_with_a_row_for_each_example_must_be_among_the_data() -> None:
    weights = GENERATOR.random(COUNT)

    def weighted(w: Any, X: Any) -> Any:
        return np.mean(weights * (X @ w) ** 2)

    with pytest.raises(tw.LossError, match=r"a value for each example"):
        descended(weighted, np.ones(5), (X,), tw.GradientDescent(0.1), [500, 503])

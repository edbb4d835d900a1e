"""The three sources of the gradient, and losses that cannot be traced."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.descent.data import data_of
from thalweg.descent.gradients import gradient_source
from thalweg.descent.problem import problem_of

Array = np.ndarray[Any, Any]
START = np.array([-1.2, 1.0])


def rosenbrock(p: Any) -> Any:
    return (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2


def slope(p: Any) -> Any:
    valley = p[1] - p[0] ** 2
    return np.stack([-2 * (1 - p[0]) - 400 * p[0] * valley, 200 * valley])


def uncompiled(p: Any) -> float:
    """The same with a float() and an if, which no tracing sees through."""
    x, y = float(p[0]), float(p[1])
    return (1 - x) ** 2 + (100 if x < 1e9 else 0) * (y - x * x) ** 2


def gradient_of(loss: Any, at: Any, source: Any) -> Array:
    problem = problem_of(loss, at, data_of(None), 0, gradient_source(source))
    result = tw.minimize(loss, at, gradient=source, method=tw.GradientDescent(1.0), stop=tw.MaxSteps(1), target="numpy")
    assert problem.layout.size == np.size(at)
    return np.asarray(at) - result.parameters


# Numerical
@pytest.mark.parametrize(("changed", "wanted"), [(1.25322, -2.5), (1.25353, 0.6), (1.25347, 0.0)])
def test_the_numbers_of_the_lectures(changed: float, wanted: float) -> None:
    """(f(x + h) − f(x)) / h with h = 1e-4: 1.25347 → 1.25322 gives −2.5, and so on."""

    def table(p: Any) -> float:
        return 1.25347 + (changed - 1.25347) * round(float(p[0]) / 1e-4)

    source = tw.Numerical("forward", step=1e-4)
    result = tw.minimize(table, np.zeros(1), gradient=source, method=tw.GradientDescent(1e-9), stop=tw.MaxSteps(1))
    assert result.history.loss[0] == 1.25347
    assert result.history.gradient_norm[0] == pytest.approx(abs(wanted), abs=1e-9)
    assert -result.parameters[0] * 1e9 == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(("scheme", "order"), [("forward", 1), ("central", 2)])
def test_the_error_of_differences_falls_with_the_step(scheme: str, order: int) -> None:
    at = np.array([0.3, -0.7, 2.0])

    def loss(p: Any) -> Any:
        return np.sum(np.exp(p) * np.sin(p))

    exact = np.exp(at) * (np.sin(at) + np.cos(at))
    errors = [np.abs(gradient_of(loss, at, tw.Numerical(scheme, step=h)) - exact).max() for h in (1e-2, 1e-3)]
    assert np.log10(errors[0] / errors[1]) == pytest.approx(order, abs=0.1)


@pytest.mark.parametrize("scale", [1.0, 1e6])
def test_the_step_that_is_chosen_is_good(scale: float) -> None:
    at = scale * np.array([1.0, -2.0])
    found = gradient_of(lambda p: np.sum((p / scale) ** 3) * scale, at, "numerical")
    np.testing.assert_allclose(found, 3 * (at / scale) ** 2, rtol=1e-8)


METHODS = [
    tw.GradientDescent(1e-3), tw.Nesterov(1e-3), tw.Adam(0.01), tw.LBFGS(), tw.BFGS(), tw.ConjugateGradient(),
    tw.GradientDescent(1e-3, line_search=tw.Armijo()),
]  # fmt: skip


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_every_method_takes_a_gradient_from_any_source(method: tw.Method) -> None:
    """The same steps; those of differences to some digits."""
    arguments: dict[str, Any] = {"method": method, "stop": tw.MaxSteps(6)}
    automatic = tw.minimize(rosenbrock, START, **arguments)
    given = tw.minimize(rosenbrock, START, gradient=slope, **arguments)
    numerical = tw.minimize(rosenbrock, START, gradient="numerical", **arguments)
    np.testing.assert_allclose(given.history.loss, automatic.history.loss, rtol=1e-9)
    np.testing.assert_allclose(numerical.history.loss, automatic.history.loss, rtol=1e-4)
    assert "uncompiled" not in str(given.notes)
    called = tw.minimize(uncompiled, START, gradient=slope, **arguments)
    np.testing.assert_allclose(called.history.loss, automatic.history.loss, rtol=1e-9)
    assert "uncompiled" in str(called.notes)


# Given
def test_a_gradient_is_nested_as_the_parameters_are() -> None:
    X = np.random.default_rng(0).standard_normal((40, 3))
    y = X @ np.arange(3.0) + 1

    def loss(p: Any, X: Any, y: Any) -> Any:
        return np.mean((X @ p["w"] + p["b"] - y) ** 2)

    def of_loss(p: Any, X: Any, y: Any) -> Any:
        residual = X @ p["w"] + p["b"] - y
        return {"w": 2 * X.T @ residual / len(y), "b": 2 * np.mean(residual)}

    for target in ("native", "numpy"):
        result = tw.minimize(loss, {"w": np.zeros(3), "b": 0.0}, data=(X, y), gradient=of_loss, target=target)
        np.testing.assert_allclose(result.parameters["w"], np.arange(3.0), atol=1e-6)
    batches = tw.minimize(
        loss, {"w": np.zeros(3), "b": 0.0}, data=(X, y), gradient=of_loss, batch_size=8, method=tw.Adam(0.1)
    )
    assert batches.loss < 1e-3


@pytest.mark.parametrize(
    ("gradient", "message"),
    [
        (lambda p: p[:1], r"returns the shape \(1,\) for the parameters, whose shape is \(2,\)"),
        (lambda p: (p, p), "returns 2 arrays for 1"),
        (lambda p: None, "returns 0 arrays for 1"),
        (lambda p: np.array([float(p[0])]), r"returns the shape \(1,\)"),
    ],
)
def test_a_gradient_of_another_shape(gradient: Any, message: str) -> None:
    with pytest.raises(tw.LossError, match=message):
        tw.minimize(rosenbrock, START, gradient=gradient, stop=tw.MaxSteps(2))


@pytest.mark.parametrize("gradient", [None, "auto", np.ones(2), 3])
def test_what_is_no_source_of_a_gradient(gradient: Any) -> None:
    with pytest.raises(tw.ArgumentError, match='expected "automatic", "numerical"'):
        tw.minimize(rosenbrock, START, gradient=gradient)


@pytest.mark.parametrize("step", [0, -1e-4, float("nan"), float("inf"), "small"])
def test_steps_of_differences_are_checked(step: Any) -> None:
    with pytest.raises(tw.ArgumentError, match="expected a number above 0"):
        tw.Numerical(step=step)
    with pytest.raises(tw.ArgumentError, match="scheme='backward'"):
        tw.Numerical("backward")


# Losses that cannot be traced
def test_a_loss_that_cannot_be_traced_is_told_what_to_do() -> None:
    with pytest.raises(tw.TracingError, match='gradient="numerical"'):
        tw.minimize(uncompiled, START)


def test_a_loss_that_cannot_be_traced_runs_uncompiled() -> None:
    result = tw.minimize(uncompiled, START, gradient="numerical")
    np.testing.assert_allclose(result.parameters, 1, atol=1e-3)
    assert "uncompiled" in str(result.notes)


def test_each_evaluation_of_a_given_gradient_is_one_call() -> None:
    calls = {"loss": 0, "gradient": 0}

    def loss(p: Any) -> float:
        calls["loss"] += 1
        return uncompiled(p)

    def gradient(p: Any) -> Array:
        calls["gradient"] += 1
        return np.asarray(slope([float(x) for x in p]))

    result = tw.minimize(loss, START, gradient=gradient)
    assert result.loss < 1e-10
    assert max(calls.values()) <= result.evaluations + 4


def test_the_callable_gets_arrays_of_its_own() -> None:
    """It may write on them."""

    def loss(p: Any) -> float:
        p -= 3
        return float(np.sum(np.square(p, out=p)))

    result = tw.minimize(loss, START, gradient="numerical", stop=tw.MaxSteps(50))
    np.testing.assert_allclose(result.parameters, 3, atol=1e-4)


def test_losses_of_torch_and_jax() -> None:
    torch, jax = pytest.importorskip("torch"), pytest.importorskip("jax")

    def of_torch(p: Any) -> Any:
        return rosenbrock(torch.tensor(p))

    def by_torch(p: Any) -> Any:
        x = torch.tensor(p, requires_grad=True)
        rosenbrock(x).backward()
        return x.grad.numpy()

    result = tw.minimize(of_torch, START, gradient=by_torch)
    np.testing.assert_allclose(result.parameters, 1, atol=1e-4)
    with jax.enable_x64(True):
        by_jax = jax.jit(jax.grad(rosenbrock))
        same = tw.minimize(lambda p: float(jax.jit(rosenbrock)(p)), START, gradient=lambda p: np.asarray(by_jax(p)))
    np.testing.assert_allclose(same.history.loss[:10], result.history.loss[:10], rtol=1e-6)


def test_data_and_batches_of_a_loss_that_cannot_be_traced() -> None:
    x = np.arange(20.0)

    def loss(p: Any, rows: Any) -> float:
        return float(np.mean((np.asarray(rows) - float(p)) ** 2))

    whole = tw.minimize(loss, 0.0, data=x, gradient="numerical")
    assert whole.parameters == pytest.approx(9.5, abs=1e-5)
    rule: dict[str, Any] = {"method": tw.GradientDescent(0.1), "stop": tw.MaxSteps(30), "batch_size": 5, "seed": 4}
    batches = tw.minimize(loss, 0.0, data=x, gradient="numerical", **rule)
    traced = tw.minimize(lambda p, rows: np.mean((rows - p) ** 2), 0.0, data=x, **rule)
    np.testing.assert_allclose(batches.history.loss, traced.history.loss, rtol=1e-6)


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyError, ValueError])
def test_errors_of_the_callable_are_its_own(error: type[Exception]) -> None:
    def loss(p: Any) -> float:
        if float(p[0]) > -2:
            raise error("mine")
        return 0.0

    with pytest.raises(error, match="mine"):
        tw.minimize(loss, START, gradient="numerical")


def test_a_callable_that_returns_no_number() -> None:
    with pytest.raises(tw.LossError, match="a loss is one number"):
        tw.minimize(lambda p: [float(p[0]), 1], START, gradient="numerical")


def test_too_many_parameters_for_differences() -> None:
    with pytest.raises(tw.ArgumentError, match="evaluations of the loss for each step"):
        tw.minimize(lambda p: np.sum(p**2), np.zeros(3000), gradient="numerical")

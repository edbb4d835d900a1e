"""Penalties: closed forms, proximal steps, and the optima of scikit-learn's solvers; methods that go on with their memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge

import thalweg as tw
from thalweg.models import Linear, Logistic, Softmax

rng = np.random.default_rng(0)
X = rng.standard_normal((300, 30))
TRUE = np.concatenate([[1.0, -2.0, 3.0, 0.5, -0.3], np.zeros(25)])
y = X @ TRUE + 1 + 0.3 * rng.standard_normal(300)
PRECISE = tw.GradientBelow(1e-10) | tw.MaxSteps(20_000)
MODEL = Linear(30, objective="half_squared")


def test_values_by_hand_leave_biases_out() -> None:
    parameters = {"layers": ({"w": np.array([1.0, -2.0]), "b": np.array([5.0])},), "bias": 3.0}
    assert float(tw.L1(0.5).value(parameters)) == 1.5
    assert float(tw.L2(0.5).value(parameters)) == 2.5
    assert float(tw.ElasticNet(0.5, 2.0).value(parameters)) == 11.5
    assert float(tw.L1(1.0, leaves_out=()).value(parameters)) == 11
    assert float(tw.L1(np.array([1.0, 10.0])).value(parameters)) == 21


def test_the_proximal_step_minimises_what_it_should() -> None:
    """½ (v − w)² + μλ |v|, against a fine grid."""
    grid = np.linspace(-3, 3, 60_001)
    for w in (-2.0, -0.3, 0.0, 0.4, 1.7):
        found = tw.L1(0.5).proximal(np.array([w]), 0.8)[0]
        best = grid[np.argmin((grid - w) ** 2 / 2 + 0.4 * np.abs(grid))]
        assert found == pytest.approx(best, abs=1e-4)


@pytest.mark.parametrize("strength", [0.01, 0.1, 1.0])
@pytest.mark.parametrize("method", [None, tw.GradientDescent(0.4)], ids=["accelerated", "plain"])
def test_lasso_is_that_of_coordinate_descent(strength: float, method: tw.Method | None) -> None:
    ours = tw.minimize(MODEL.loss, MODEL.start(), data=(X, y), penalty=tw.L1(strength), method=method, stop=PRECISE)
    theirs = Lasso(alpha=strength, tol=1e-12, max_iter=100_000).fit(X, y)
    value = np.mean((theirs.predict(X) - y) ** 2) / 2 + strength * np.sum(np.abs(theirs.coef_))
    assert ours.loss == pytest.approx(value, rel=1e-9)
    np.testing.assert_array_equal(ours.parameters["w"] != 0, theirs.coef_ != 0)
    np.testing.assert_allclose(ours.parameters["w"], theirs.coef_, atol=1e-7)
    assert ours.gradient_norm < 1e-9


def test_the_elastic_net_is_that_of_coordinate_descent() -> None:
    ours = tw.minimize(MODEL.loss, MODEL.start(), data=(X, y), penalty=tw.ElasticNet(0.1, 0.2), stop=PRECISE)
    theirs = ElasticNet(alpha=0.5, l1_ratio=0.2, tol=1e-12, max_iter=100_000).fit(X, y)
    np.testing.assert_allclose(ours.parameters["w"], theirs.coef_, atol=1e-7)
    np.testing.assert_array_equal(ours.parameters["w"] != 0, theirs.coef_ != 0)


def test_l2_is_ridge_for_every_method() -> None:
    theirs = Ridge(alpha=3.0).fit(X, y)
    for method in (None, tw.Newton(), tw.LevenbergMarquardt(), tw.GradientDescent(0.3)):
        ours = tw.minimize(
            Linear(30).loss, Linear(30).start(), data=(X, y), penalty=tw.L2(0.01), method=method,
            stop=tw.GradientBelow(1e-9) | tw.MaxSteps(5000),
        )  # fmt: skip
        np.testing.assert_allclose(ours.parameters["w"], theirs.coef_, atol=1e-8)


@pytest.mark.parametrize("classes", [2, 3])
def test_sparse_logistic_regression_is_that_of_saga(classes: int) -> None:
    scores = np.stack([X @ np.roll(TRUE, k) for k in range(classes)], axis=1)
    labels = np.argmax(scores + rng.gumbel(size=scores.shape), axis=1)
    model = Logistic(30) if classes == 2 else Softmax(30, 3)
    ours = tw.minimize(
        model.loss,
        model.start(),
        data=(X, labels),
        penalty=tw.L1(0.02),
        stop=tw.GradientBelow(1e-8) | tw.MaxSteps(9000),
    )
    theirs = LogisticRegression(
        C=1 / (300 * 0.02), l1_ratio=1.0, solver="saga", tol=1e-9, max_iter=20_000, random_state=0
    ).fit(X, labels)
    coefficients = {"w": theirs.coef_[0] if classes == 2 else theirs.coef_.T}
    coefficients["b"] = theirs.intercept_[0] if classes == 2 else theirs.intercept_
    value = float(model.loss(coefficients, X, labels) + tw.L1(0.02).value(coefficients))
    assert ours.loss == pytest.approx(value, rel=1e-6)
    assert ours.loss < value + 1e-9
    np.testing.assert_array_equal(ours.parameters["w"] != 0, coefficients["w"] != 0)


def test_the_recorded_loss_is_the_whole_objective_and_falls() -> None:
    result = tw.minimize(
        MODEL.loss, MODEL.start(), data=(X, y), penalty=tw.L1(0.1), method=tw.GradientDescent(0.3), stop=PRECISE
    )
    assert (np.diff(result.history.loss) < 1e-12).all()
    assert result.history.loss[-1] == pytest.approx(
        float(MODEL.loss(result.parameters, X, y) + tw.L1(0.1).value(result.parameters)), rel=1e-12
    )


def test_both_targets_take_the_same_steps() -> None:
    native, reference = (
        tw.minimize(MODEL.loss, MODEL.start(), data=(X, y), penalty=tw.L1(0.1), target=target, stop=tw.MaxSteps(20))
        for target in ("native", "numpy")
    )
    np.testing.assert_allclose(native.history.loss, reference.history.loss, rtol=1e-11)


def test_mini_batches_find_the_zeros_too() -> None:
    result = tw.minimize(
        MODEL.loss, MODEL.start(), data=(X, y), batch_size=50, penalty=tw.L1(0.3), stop=tw.MaxSteps(2000)
    )
    assert not result.parameters["w"][5:].any()


def test_a_grid_of_rates_runs_with_a_penalty() -> None:
    many = tw.minimize(
        MODEL.loss,
        MODEL.start(),
        data=(X, y),
        penalty=tw.L1(0.1),
        method=tw.GradientDescent(tw.grid(0.1, 0.3)),
        stop=PRECISE,
    )
    alone = tw.minimize(
        MODEL.loss, MODEL.start(), data=(X, y), penalty=tw.L1(0.1), method=tw.GradientDescent(0.3), stop=PRECISE
    )
    assert many.loss == pytest.approx(alone.loss, rel=1e-12)


def test_acceleration_needs_fewer_steps_without_a_penalty_as_well() -> None:
    def valley(x: Any) -> Any:
        return x[0] ** 2 + 1000 * x[1] ** 2

    plain, fast = (
        tw.minimize(valley, np.array([3.0, 1.0]), method=method, stop=tw.GradientBelow(1e-8) | tw.MaxSteps(100_000))
        for method in (tw.GradientDescent(1 / 2000), tw.AcceleratedGradient(1 / 2000))
    )
    assert fast.steps < plain.steps / 10
    assert fast.gradient_norm < 1e-6


def test_a_penalty_of_ones_own_keeps_weights_above_zero() -> None:
    @dataclass(frozen=True)
    class NotNegative(tw.Penalty):
        def proximal(self, parameters: Any, step: Any) -> Any:
            return self.changed(parameters, lambda leaf: np.maximum(leaf, 0.0))

    result = tw.minimize(MODEL.loss, MODEL.start(), data=(X, y), penalty=NotNegative(), stop=PRECISE)
    reference = Ridge(alpha=1e-9, positive=True, tol=1e-12).fit(X, y)
    np.testing.assert_allclose(result.parameters["w"], reference.coef_, atol=1e-6)


@pytest.mark.parametrize(
    "method", [tw.Adam(), tw.LBFGS(), tw.Momentum(0.1), tw.GradientDescent(0.1, line_search=tw.Armijo())]
)
def test_methods_without_proximal_steps_are_refused(method: tw.Method) -> None:
    with pytest.raises(tw.ArgumentError, match="AcceleratedGradient"):
        tw.minimize(MODEL.loss, MODEL.start(), data=(X, y), penalty=tw.L1(0.1), method=method)


@pytest.mark.parametrize("strength", [-1, np.nan, "much", True, None])
def test_strengths_are_checked(strength: Any) -> None:
    with pytest.raises(tw.ArgumentError, match="strength"):
        tw.L1(strength)
    with pytest.raises(tw.ArgumentError, match="penalty=0.1"):
        tw.minimize(MODEL.loss, MODEL.start(), data=(X, y), penalty=0.1)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", [tw.Adam(0.01), tw.Momentum(0.01), tw.AcceleratedGradient(0.1)])
def test_a_descent_in_two_parts_is_the_descent_in_one(method: tw.Method) -> None:
    def run(start: Any, steps: int, memory: Any = None) -> tw.Result:
        return tw.minimize(MODEL.loss, start, data=(X, y), method=method, stop=tw.MaxSteps(steps), memory=memory)

    whole = run(MODEL.start(), 30)
    first = run(MODEL.start(), 12)
    second = run(first.parameters, 18, first.memory)
    np.testing.assert_array_equal(whole.parameters["w"], second.parameters["w"])
    with pytest.raises(tw.ArgumentError, match="memory"):
        run(MODEL.start(), 1, {"other": np.zeros(3)})


def test_steps_become_shorter_where_the_start_was_flatter() -> None:
    """Of a Huber loss that starts beyond its bend, few examples are curved at first."""
    model = Linear(30, objective=tw.models.Huber(0.1))
    shifted = 50 + y, {"w": np.zeros(30), "b": np.float64(49.0)}
    result = tw.minimize(model.loss, shifted[1], data=(X, shifted[0]), penalty=tw.L1(0.01), stop=PRECISE)
    assert result.gradient_norm < 1e-9
    assert result.steps < 5000

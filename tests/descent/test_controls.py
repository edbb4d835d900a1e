"""Holding, changing and ending a descent while it runs."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest

import thalweg as tw

DIAGONAL = np.array([1.0, 30.0, 100.0])


def bowl(x: Any) -> Any:
    return 0.5 * np.sum(DIAGONAL * x**2)


def at_step(controls: tw.Controls, step: int, action: Any) -> Any:
    """A function for on_progress that acts once, as soon as a step is reached."""
    done: list[int] = []

    def on_progress(now: tw.Progress) -> None:
        if now.step >= step and not done:
            done.append(now.step)
            action()

    return on_progress


def test_a_changed_rate_is_that_of_a_schedule() -> None:
    """Changed by hand from step n on, a descent is the same as with a schedule that changes at n."""
    controls = tw.Controls()
    options: dict[str, Any] = {"stop": tw.MaxSteps(300_000), "target": "native"}
    result = tw.minimize(
        bowl,
        np.ones(3),
        method=tw.GradientDescent(1e-5),
        controls=controls,
        on_progress=at_step(controls, 1000, lambda: controls.change_learning_rate(0.5)),
        **options,
    )
    (change,) = result.history.interventions
    assert change.rate_factor == 0.5
    assert change.step >= 1000
    assert f"multiplied by 0.5 by hand, from step {change.step:,} on" in str(result)
    assert "cannot be repeated" in str(result)
    before = result.history.step < change.step
    assert (result.history.learning_rate[before] == 1e-5).all()
    assert (result.history.learning_rate[~before] == 0.5e-5).all()
    schedule = tw.schedules.chained((change.step, 1e-5), (1, 0.5e-5))
    same = tw.minimize(bowl, np.ones(3), method=tw.GradientDescent(schedule), **options)
    np.testing.assert_array_equal(same.parameters, result.parameters)
    assert same.history.interventions == ()


def test_untouched_controls_change_no_digit() -> None:
    for method in (tw.Adam(0.01), tw.LBFGS(), tw.GradientDescent(0.01)):
        plain = tw.minimize(bowl, np.ones(3), method=method, stop=tw.MaxSteps(500))
        controlled = tw.minimize(bowl, np.ones(3), method=method, stop=tw.MaxSteps(500), controls=tw.Controls())
        np.testing.assert_array_equal(plain.parameters, controlled.parameters)
        np.testing.assert_array_equal(plain.history.loss, controlled.history.loss)
        assert controlled.notes == plain.notes


@pytest.mark.parametrize("restarts", [None, 3])
@pytest.mark.parametrize("batch_size", [None, 8])
def test_stop_from_another_thread(restarts: int | None, batch_size: int | None) -> None:
    controls = tw.Controls()
    X = np.random.default_rng(0).normal(size=(64, 3))

    def loss(w: Any, X: Any) -> Any:
        return np.mean((X @ w) ** 2)

    result = tw.minimize(
        loss,
        np.ones(3),
        data=X,
        method=tw.GradientDescent(1e-9),
        batch_size=batch_size,
        restarts=restarts,
        controls=controls,
        on_progress=at_step(controls, 1, lambda: threading.Timer(0.1, controls.stop).start()),
        stop=tw.MaxSteps(10**12),
    )
    assert result.seconds < 1
    assert result.stopped_by.reason == "interrupted"
    assert result.verdict.kind is tw.VerdictKind.STOPPED_BY_USER
    assert result.steps > 0


def test_stop_ends_within_a_step_that_takes_long(target: str) -> None:
    """The sweep over the examples is given up; what is returned needs no other look at them."""
    if target == "jax":
        pytest.skip("a device does a step to its end")
    X = np.random.default_rng(0).normal(size=(800_000, 20))

    def loss(w: Any, X: Any) -> Any:
        return sum(np.mean((np.tanh(k * X) @ w) ** 2) for k in range(1, 17))

    controls = tw.Controls()
    ends: list[float] = []
    timers: list[threading.Timer] = []

    def on_progress(now: tw.Progress) -> None:
        if now.step >= 1 and not timers:
            timers.append(threading.Timer(0.05, lambda: (ends.append(time.perf_counter()), controls.stop())))
            timers[0].start()

    result = tw.minimize(
        loss, np.ones(20), data=X, method=tw.GradientDescent(0.01), controls=controls, on_progress=on_progress
    )
    took = time.perf_counter() - ends[0]
    one_step = result.seconds / (result.steps + 1)
    assert one_step > 0.05
    assert took < 0.5 * one_step
    assert np.isfinite(result.loss)
    assert result.loss == result.history.loss[result.history.step == result.steps][0]


def test_the_best_parameters_are_kept() -> None:
    """Gradient descent that overshoots: the smallest loss lies behind."""
    controls = tw.Controls()

    def on_progress(now: tw.Progress) -> None:
        if now.step >= 60:
            controls.stop(keep_best=True)

    slowly_growing = tw.GradientDescent(0.0206)  # the largest stable rate is 2 / 100
    result = tw.minimize(
        bowl,
        np.array([1.0, 1.0, 1e-2]),
        method=slowly_growing,
        controls=controls,
        on_progress=on_progress,
        stop=tw.MaxSteps(3000),
    )
    assert result.loss < result.history.loss[-1]
    assert result.loss == result.history.loss.min()
    assert result.loss == pytest.approx(bowl(result.parameters), rel=1e-12)
    assert result.steps == result.history.step[np.argmin(result.history.loss)]
    assert any("smallest" in note for note in result.notes)


def test_with_mini_batches_the_best_on_validation_data_is_kept() -> None:
    random = np.random.default_rng(0)
    X, kept = random.normal(size=(256, 4)), random.normal(size=(64, 4))
    controls = tw.Controls()

    def loss(w: Any, X: Any) -> Any:
        return np.mean((X @ w - 1 - X[:, 0]) ** 2)

    result = tw.minimize(
        loss,
        np.zeros(4),
        data=X,
        validation=kept,
        batch_size=16,
        method=tw.GradientDescent(0.1),
        controls=controls,
        on_progress=lambda now: controls.stop(keep_best=True) if len(now.history.validation_loss) >= 20 else None,
    )
    assert loss(result.parameters, kept) == pytest.approx(result.history.validation_loss.min(), rel=1e-12)


def test_members_of_a_population_keep_their_best() -> None:
    controls = tw.Controls()
    result = tw.minimize(
        bowl,
        np.array([1.0, 1.0, 1e-2]),
        method=tw.GradientDescent(tw.grid(0.001, 0.0206)),
        controls=controls,
        on_progress=lambda now: controls.stop(keep_best=True) if now.step >= 60 else None,
        stop=tw.MaxSteps(3000),
    )
    assert isinstance(result, tw.Population)
    for member in result.members:
        assert member.loss == pytest.approx(bowl(member.parameters), rel=1e-12)
        assert member.loss <= np.nanmin(member.history.loss)


def test_a_pause_is_not_counted() -> None:
    controls = tw.Controls()

    def pause() -> None:
        controls.pause()
        threading.Timer(0.4, controls.resume).start()

    begin = time.perf_counter()
    result = tw.minimize(
        bowl,
        np.ones(3),
        method=tw.GradientDescent(1e-9),
        controls=controls,
        on_progress=at_step(controls, 1, pause),
        stop=tw.MaxSteps(1000),
    )
    assert time.perf_counter() - begin > 0.4
    assert result.seconds < 0.3
    assert "paused by hand for 0.4 s" in str(result)


def test_a_paused_descent_can_be_stopped() -> None:
    controls = tw.Controls()
    controls.pause()
    threading.Timer(0.05, controls.stop).start()
    result = tw.minimize(bowl, np.ones(3), controls=controls)
    assert (result.steps, result.stopped_by.reason) == (0, "interrupted")
    assert result.loss == bowl(np.ones(3))


@pytest.mark.parametrize("factor", [0, -1, np.nan, 1e9])
def test_other_factors_are_refused(factor: float) -> None:
    with pytest.raises(tw.ArgumentError, match="from 1e-6 to 1e6"):
        tw.Controls().change_learning_rate(factor)


def test_other_controls_are_refused() -> None:
    with pytest.raises(tw.ArgumentError, match=r"expected tw.Controls\(\)"):
        tw.minimize(bowl, np.ones(3), controls="stop")  # type: ignore[arg-type]


@pytest.mark.parametrize("method", [tw.GradientDescent(0.002), tw.LBFGS(), tw.Nesterov(0.001), tw.LevenbergMarquardt()])
@pytest.mark.parametrize("target", ["native", "numpy"])
def test_two_parameters_are_recorded_with_their_loss(method: tw.Method, target: str) -> None:
    def loss(p: Any) -> Any:
        return np.sum((p * np.array([1.0, 3.0]) - 2) ** 2)

    result = tw.minimize(loss, np.zeros(2), method=method, target=target, stop=tw.MaxSteps(20))
    passed = result.history.parameters
    assert passed.shape == (len(result.history), 2)
    np.testing.assert_allclose([loss(point) for point in passed], result.history.loss, rtol=1e-9, atol=1e-16)
    assert tw.minimize(bowl, np.ones(3), target=target).history.parameters.shape[1] == 0


def test_members_record_their_parameters() -> None:
    result = tw.minimize(lambda p: np.sum((p - 3.0) ** 2), np.zeros(2), restarts=9, method=tw.GradientDescent(0.1))
    assert isinstance(result, tw.Population)
    for member in result.members:
        np.testing.assert_allclose(np.sum((member.history.parameters - 3) ** 2, axis=1), member.history.loss)

"""What ends a descent: rules alone and combined, validation, buttons, Ctrl-C; and what the result says of it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import thalweg as tw

Array = np.ndarray[Any, Any]
START = np.array([-1.2, 1.0])
SLOW = tw.GradientDescent(1e-7)
ENDLESS = tw.MaxSteps(10**12)


def rosenbrock(p: Any) -> Any:
    return (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2


def once_begun(action: Callable[[], None]) -> Callable[[tw.Progress], None]:
    """An `on_progress` that has the action done 0.15 seconds after the first sign of the descent, so not while it is compiled."""
    timers: list[threading.Timer] = []

    def begin(progress: tw.Progress) -> None:
        if not timers:
            timers.append(threading.Timer(0.15, action))
            timers[0].start()

    return begin


TARGETS = pytest.mark.parametrize(
    "more", [{}, {"target": "numpy"}, {"target": "jax"}, {"restarts": 20}], ids=["native", "numpy", "jax", "many"]
)


@TARGETS
def test_a_button_is_pressed_by_another_thread(more: dict[str, Any]) -> None:
    button = tw.Stop()
    press = once_begun(button.press)
    result = tw.minimize(rosenbrock, START, method=SLOW, stop=button | ENDLESS, on_progress=press, **more)
    assert button.is_pressed
    assert result.stopped_by.reason == "interrupted"
    assert "the user stopped it" in result.stopped_by.sentence
    assert result.steps > 10
    assert result.seconds < 2
    assert result.loss == pytest.approx(rosenbrock(result.parameters), rel=1e-12)


def test_a_button_that_was_pressed_before() -> None:
    button = tw.Stop()
    button.press()
    assert tw.minimize(rosenbrock, START, method=SLOW, stop=ENDLESS | button).steps == 0
    assert tw.minimize(rosenbrock, START, method=SLOW, stop=button & tw.MaxSteps(7)).steps == 7


@TARGETS
@pytest.mark.skipif(os.name == "nt", reason="signals are sent differently there")
def test_ctrl_c_keeps_what_was_reached(more: dict[str, Any]) -> None:
    timer = threading.Timer(0.15, lambda: os.kill(os.getpid(), signal.SIGINT))

    def begin(_: tw.Progress) -> None:
        if not timer.is_alive():
            timer.start()  # not before: compiling takes a while

    result = tw.minimize(rosenbrock, START, method=SLOW, stop=ENDLESS, on_progress=begin, **more)
    assert result.stopped_by.reason == "interrupted"
    assert result.steps > 10
    assert result.loss == pytest.approx(rosenbrock(result.parameters), rel=1e-12)


@pytest.mark.parametrize(
    "method", [tw.GradientDescent(1e-3, line_search=tw.Armijo()), tw.GradientDescent(1e-6)], ids=["searched", "fixed"]
)
@pytest.mark.parametrize("restarts", [None, 2])
def test_an_interrupted_descent_tells_the_loss_of_where_it_stands(method: tw.Method, restarts: int | None) -> None:
    """The history is thinned out, so its last row may be of an earlier step."""
    result = tw.minimize(
        rosenbrock, START, method=method, stop=ENDLESS, restarts=restarts, on_progress=lambda p: p.step > 5000 and p.loss > 0
    )  # fmt: skip
    assert result.stopped_by.reason == "interrupted"
    for member in getattr(result, "members", (result,)):
        assert member.loss == pytest.approx(rosenbrock(member.parameters), rel=1e-9)
        assert member.gradient_norm == pytest.approx(np.linalg.norm(tw.grad(rosenbrock)(member.parameters)), rel=1e-6)


@TARGETS
def test_seconds(more: dict[str, Any]) -> None:
    begin = time.perf_counter()
    result = tw.minimize(rosenbrock, START, method=SLOW, stop=tw.MaxSeconds(0.2), **more)
    assert result.stopped_by.rules == ("MaxSeconds(0.2)",)
    assert "0.2 seconds have passed" in str(result.stopped_by)
    assert 0.19 < time.perf_counter() - begin < 3


def test_progress_is_shown_and_can_fail() -> None:
    seen: list[tw.Progress] = []
    tw.minimize(rosenbrock, START, method=SLOW, stop=tw.MaxSteps(10**6), on_progress=seen.append)
    steps = [progress.step for progress in seen]
    assert steps == sorted(steps)
    assert steps[-1] == 10**6
    for progress in seen:
        assert progress.loss == progress.history.loss[-1]
    with pytest.raises(ZeroDivisionError):
        tw.minimize(rosenbrock, START, method=SLOW, stop=ENDLESS, on_progress=lambda p: 1 / 0)


# Combinations
def first_step(losses: Array, norms: Array, rule: str) -> int:
    """Where a rule fires, by looking at a recorded descent; at the latest at its end."""
    steps = np.arange(len(losses))
    fires = {"loss": losses <= 3.0, "gradient": norms <= 4.0, "steps": steps >= 150}
    where = {
        "a | b": fires["loss"] | fires["gradient"],
        "a & b": fires["loss"] & fires["gradient"],
        "a & (b | c)": fires["loss"] & (fires["gradient"] | fires["steps"]),
        "(a & b) | c": fires["loss"] & fires["gradient"] | fires["steps"],
    }[rule]
    return int(np.argmax(where)) if where.any() else len(losses) - 1


@pytest.mark.parametrize("target", ["native", "numpy"])
@pytest.mark.parametrize("name", ["a | b", "a & b", "a & (b | c)", "(a & b) | c"])
def test_rules_combine_as_their_conditions_do(name: str, target: str) -> None:
    method = tw.Momentum(3e-4, 0.95)
    history = tw.minimize(rosenbrock, START, method=method, stop=tw.MaxSteps(400)).history
    a, b, c = tw.LossBelow(3.0), tw.GradientBelow(4.0), tw.MaxSteps(150)
    rule = {"a | b": a | b, "a & b": a & b, "a & (b | c)": a & (b | c), "(a & b) | c": (a & b) | c}[name]
    result = tw.minimize(rosenbrock, START, method=method, stop=rule | tw.MaxSteps(400), target=target)
    assert result.steps == first_step(history.loss, history.gradient_norm, name)
    if result.loss <= 3.0:
        assert "LossBelow(3)" in result.stopped_by.rules
        assert f"the loss, {result.loss:.6g}, is at or below 3" in result.stopped_by.sentence
    else:
        assert "LossBelow(3)" not in result.stopped_by.rules


def test_no_change_counts_steps_in_a_row() -> None:
    """The loss holds for 4 steps, moves, then holds for good."""

    def schedule(t: Any) -> Any:
        return np.where(t == 4, 0.1, np.where(t == 0, 0.1, 1e-30))

    result = tw.minimize(
        lambda x: np.sum(x**2) + 1, np.ones(2), method=tw.GradientDescent(schedule), stop=tw.NoChange(5) | tw.MaxSteps(40)
    )  # fmt: skip
    assert result.steps == 10


@pytest.mark.parametrize("method", [tw.LBFGS(), tw.Newton(), tw.LevenbergMarquardt(), tw.Adam(0.1), tw.RandomSearch()])
def test_the_numbers_of_a_sentence_are_those_of_the_result(method: tw.Method) -> None:
    result = tw.minimize(
        lambda x: np.sum((x - 1) ** 2), np.zeros(2), method=method, stop=tw.LossBelow(0.05) | tw.MaxSteps(5000)
    )
    assert result.loss <= 0.05
    assert result.stopped_by.rules == ("LossBelow(0.05)",)
    assert f"{result.loss:.6g}" in result.stopped_by.sentence


# Validation
RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 30))
Y = X[:, 0] + X[:, 1] + RNG.standard_normal(60)
TRAINING, KEPT = (X[:30], Y[:30]), (X[30:], Y[30:])


def squares(w: Any, X: Any, y: Any) -> Any:
    return np.mean((X @ w - y) ** 2)


@pytest.mark.parametrize("target", ["native", "numpy"])
@pytest.mark.parametrize(
    ("method", "batch"),
    [(tw.GradientDescent(0.05), None), (tw.Adam(0.01), 8), (tw.LBFGS(), None), (tw.RandomSearch(0.1), None)],
    ids=["gradient descent", "mini-batches", "lbfgs", "random"],
)
def test_validation_that_stalls(method: tw.Method, batch: int | None, target: str) -> None:
    """More columns than it has examples for: the training loss goes on falling while the other rises."""
    result = tw.minimize(
        squares, np.zeros(30), data=TRAINING, validation=KEPT, method=method, batch_size=batch, target=target, seed=3,
        stop=tw.ValidationStalls(5) | tw.MaxSteps(3000), validate_every=4,
    )  # fmt: skip
    history = result.history
    best = int(np.argmin(history.validation_loss))
    assert squares(result.parameters, *KEPT) == pytest.approx(history.validation_loss[best], rel=1e-9)
    assert result.loss == pytest.approx(squares(result.parameters, *TRAINING), rel=1e-9)
    assert result.steps == history.validation_step[best]
    assert len(history.validation_loss) == best + 6
    assert f"now {history.validation_loss[-1]:.6g}, has not improved in 5 checks" in result.stopped_by.sentence
    if method.line_search is None:
        np.testing.assert_array_equal(np.diff(history.validation_step), 4)


def test_an_improvement_has_to_be_as_large_as_asked() -> None:
    arguments: dict[str, Any] = {"data": TRAINING, "validation": TRAINING, "method": tw.GradientDescent(0.01)}
    any_, large = (
        tw.minimize(squares, np.zeros(30), stop=tw.ValidationStalls(3, share) | tw.MaxSteps(5000), **arguments)
        for share in (0.0, 0.05)
    )
    assert large.history.validation_step[-1] < any_.history.validation_step[-1]
    losses = large.history.validation_loss
    assert losses[-1] >= 0.95 * losses[-4]


def test_validation_without_its_rule_is_recorded_only() -> None:
    result = tw.minimize(
        squares, np.zeros(30), data=TRAINING, validation=KEPT, method=tw.GradientDescent(0.05), stop=tw.MaxSteps(50)
    )
    assert result.steps == 50
    np.testing.assert_array_equal(result.history.validation_step, [0, 10, 20, 30, 40, 50])


def test_validation_data_are_checked() -> None:
    rule = tw.ValidationStalls(3) | tw.MaxSteps(40)
    broken = KEPT[0].copy()
    broken[4, 2] = np.nan
    with pytest.raises(tw.DataError, match=r"validation\[0\] holds nan in row 4, column 2"):
        tw.minimize(squares, np.zeros(30), data=TRAINING, validation=(broken, KEPT[1]), stop=rule)
    with pytest.raises(tw.ArgumentError, match="ValidationStalls needs data that are kept apart"):
        tw.minimize(squares, np.zeros(30), data=TRAINING, stop=rule)
    with pytest.raises(tw.ArgumentError, match="validate_every=0"):
        tw.minimize(squares, np.zeros(30), data=TRAINING, validation=KEPT, stop=rule, validate_every=0)
    with pytest.raises(tw.ThalwegError, match="30"):
        tw.minimize(squares, np.zeros(30), data=TRAINING, validation=(KEPT[0][:, :3], KEPT[1]), stop=rule)
    with pytest.raises(tw.ArgumentError, match="validation=... watches one descent"):
        tw.minimize(squares, np.zeros(30), data=TRAINING, validation=KEPT, stop=rule, restarts=2)


def test_a_class_that_only_the_validation_data_have() -> None:
    def loss(W: Any, X: Any, y: Any) -> Any:
        return -np.mean((X @ W)[np.arange(len(y)), y]) + np.sum(W**2)

    with pytest.raises(tw.DataError, match="index 3, which leaves an axis of length 3"):
        tw.minimize(
            loss, np.zeros((30, 3)), data=(X, np.arange(60) % 3), validation=(X, np.arange(60) % 4), stop=tw.MaxSteps(20)
        )  # fmt: skip


# NaN in the data
@pytest.mark.parametrize("method", [tw.LBFGS(), tw.Newton(), tw.LevenbergMarquardt(), tw.Adam()])
@pytest.mark.parametrize("restarts", [None, 3])
def test_a_row_that_is_not_finite_is_named(method: tw.Method, restarts: int | None) -> None:
    broken = np.ones((300, 2))
    broken[200, 1] = np.nan
    for batch in (None, 32) if isinstance(method, tw.Adam) else (None,):
        with pytest.raises(tw.DataError, match=r"data\[0\] holds nan in row 200, column 1"):
            tw.minimize(
                lambda w, X: np.mean((X @ w - 1) ** 2), np.zeros(2), data=broken, method=method, batch_size=batch, restarts=restarts
            )  # fmt: skip


def test_seconds_and_buttons_change_nothing_else() -> None:
    """Rules that never fire leave no trace in the numbers."""
    plain = tw.minimize(rosenbrock, START, method=tw.Adam(0.01), stop=tw.MaxSteps(500))
    other = tw.minimize(
        rosenbrock, START, method=tw.Adam(0.01), stop=tw.MaxSteps(500) | tw.Stop() | tw.MaxSeconds(100.0)
    )
    np.testing.assert_array_equal(plain.history.loss, other.history.loss)

"""Descents: worked examples, agreement of targets and with PyTorch's and Optax's formulas, stopping, failures."""

from __future__ import annotations

import time
from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import thalweg as tw

Array = np.ndarray[Any, Any]


def rosenbrock(p: Any) -> Any:
    x, y = p
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def squares(parameters: Any, X: Any, y: Any) -> Any:
    return np.mean((X @ parameters["w"] + parameters["b"] - y) ** 2)


@pytest.fixture
def table() -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((500, 5))
    return X, X @ np.arange(5.0) + 1 + 0.1 * rng.standard_normal(500)


START = {"w": np.zeros(5), "b": 0.0}


def test_the_worked_example_of_the_lectures() -> None:
    """L = ½Σ(Xv - y)², one step of 0.01 from (1, 1)."""
    X, y = np.array([[1.0, 0.0], [-1.0, -1.0], [2.0, 0.0]]), np.array([2.0, 1.0, 5.0])

    def loss(v: Any) -> Any:
        return np.sum((X @ v - y) ** 2) / 2

    value, gradient = tw.value_and_grad(loss)(np.ones(2))
    assert value == 9.5
    np.testing.assert_array_equal(gradient, [-4, 3])
    result = tw.minimize(loss, np.ones(2), method=tw.GradientDescent(learning_rate=0.01), stop=tw.MaxSteps(1))
    np.testing.assert_allclose(result.parameters, [1.04, 0.97], rtol=1e-15)
    np.testing.assert_allclose(X @ result.parameters, [1.04, -2.01, 2.08], rtol=1e-15)
    assert result.loss == pytest.approx(9.25405, abs=1e-12)
    np.testing.assert_array_equal(result.history.loss[0], 9.5)


@pytest.mark.parametrize(
    "method",
    [
        tw.GradientDescent(1e-3),
        tw.Momentum(1e-4, 0.9),
        tw.Adam(0.01),
        tw.GradientDescent(lambda t: 1e-3 / (1 + 0.01 * t)),
    ],
    ids=["gradient descent", "momentum", "adam", "schedule"],
)
def test_the_targets_walk_the_same_way(method: tw.Method) -> None:
    native, reference = (
        tw.minimize(rosenbrock, np.array([-1.2, 1.0]), method=method, stop=tw.MaxSteps(300), target=target)
        for target in ("native", "numpy")
    )
    np.testing.assert_allclose(native.history.loss, reference.history.loss, rtol=1e-9)
    np.testing.assert_allclose(native.parameters, reference.parameters, rtol=1e-9)
    assert native.steps == reference.steps == 300


@pytest.mark.parametrize("batch_size", [1, 32, 77, 256])
def test_mini_batches_are_the_same_on_both_targets(table: tuple[Array, Array], batch_size: int) -> None:
    native, reference = (
        tw.minimize(
            squares, START, data=table, batch_size=batch_size, seed=3, target=target,
            method=tw.GradientDescent(0.01), stop=tw.MaxSteps(60),
        )
        for target in ("native", "numpy")
    )  # fmt: skip
    np.testing.assert_allclose(native.history.loss, reference.history.loss, rtol=1e-10)
    np.testing.assert_allclose(native.parameters["w"], reference.parameters["w"], rtol=1e-10)


def follow(update: Any, steps: int) -> list[Array]:
    """A trajectory on the Rosenbrock function by a formula written out by hand."""
    w = np.array([-1.2, 1.0])
    gradient = tw.grad(rosenbrock)
    path = []
    for step in range(steps):
        w = update(w, gradient(w), step)
        path.append(w)
    return path


def test_momentum_is_the_published_formula() -> None:
    velocity = np.zeros(2)

    def update(w: Array, g: Array, step: int) -> Array:
        nonlocal velocity
        velocity = 0.9 * velocity - g
        return w + 1e-4 * velocity

    path = follow(update, 50)
    for steps in (1, 2, 50):
        result = tw.minimize(rosenbrock, [-1.2, 1.0], method=tw.Momentum(1e-4, 0.9), stop=tw.MaxSteps(steps))
        np.testing.assert_allclose(result.parameters, path[steps - 1], rtol=1e-12)


def test_adam_is_the_published_formula() -> None:
    m, v = np.zeros(2), np.zeros(2)

    def update(w: Array, g: Array, step: int) -> Array:
        nonlocal m, v
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        corrected = m / (1 - 0.9 ** (step + 1)), v / (1 - 0.999 ** (step + 1))
        return w - 0.01 * corrected[0] / (np.sqrt(corrected[1]) + 1e-8)

    path = follow(update, 50)
    for steps in (1, 2, 50):
        result = tw.minimize(rosenbrock, [-1.2, 1.0], method=tw.Adam(0.01), stop=tw.MaxSteps(steps))
        np.testing.assert_allclose(result.parameters, path[steps - 1], rtol=1e-12)


def _nesterov(memory: dict[str, Any], w: Array, g: Array) -> Array:
    memory["v"] = 0.9 * memory.get("v", 0) + g
    return w - 1e-4 * (g + 0.9 * memory["v"])


def _adagrad(memory: dict[str, Any], w: Array, g: Array) -> Array:
    memory["s"] = memory.get("s", 0) + g**2
    return w - 0.1 * g / (np.sqrt(memory["s"]) + 1e-10)


def _rmsprop(memory: dict[str, Any], w: Array, g: Array) -> Array:
    memory["s"] = 0.99 * memory.get("s", 0) + 0.01 * g**2
    return w - 0.01 * g / (np.sqrt(memory["s"]) + 1e-8)


def _adamw(memory: dict[str, Any], w: Array, g: Array) -> Array:
    t = memory["t"] = memory.get("t", 0) + 1
    memory["m"] = 0.9 * memory.get("m", 0) + 0.1 * g
    memory["v"] = 0.999 * memory.get("v", 0) + 0.001 * g**2
    w = w * (1 - 0.01 * 0.1)
    return w - 0.01 * (memory["m"] / (1 - 0.9**t)) / (np.sqrt(memory["v"] / (1 - 0.999**t)) + 1e-8)


FORMULAS = {
    "nesterov": (tw.Nesterov(1e-4, 0.9), _nesterov),
    "adagrad": (tw.Adagrad(0.1), _adagrad),
    "rmsprop": (tw.RMSProp(0.01), _rmsprop),
    "adamw": (tw.AdamW(0.01, weight_decay=0.1), _adamw),
}


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_other_methods_are_the_published_formulas(name: str) -> None:
    """In the form in which PyTorch has them."""
    method, formula = FORMULAS[name]
    memory: dict[str, Any] = {}
    path = follow(lambda w, g, _: formula(memory, w, g), 50)
    for steps in (1, 2, 50):
        result = tw.minimize(rosenbrock, np.array([-1.2, 1.0]), method=method, stop=tw.MaxSteps(steps))
        np.testing.assert_allclose(result.parameters, path[steps - 1], rtol=1e-12)


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_other_methods_are_pytorchs(name: str) -> None:
    torch = pytest.importorskip("torch")
    optimisers = {
        "nesterov": lambda p: torch.optim.SGD(p, lr=1e-4, momentum=0.9, nesterov=True),
        "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.1),
        "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01),
        "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
    }
    p = torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True)
    optimiser = optimisers[name]([p])
    for _ in range(100):
        optimiser.zero_grad()
        rosenbrock(p).backward()
        optimiser.step()
    result = tw.minimize(rosenbrock, np.array([-1.2, 1.0]), method=FORMULAS[name][0], stop=tw.MaxSteps(100))
    np.testing.assert_allclose(result.parameters, p.detach().numpy(), rtol=1e-11)


def test_a_method_of_ones_own(table: tuple[Array, Array]) -> None:
    @dataclass(frozen=True)
    class SignDescent(tw.Method):
        learning_rate: float = 0.01

        def direction(self, now: tw.Point, state: Any) -> tuple[Any, Any]:
            return -np.sign(now.gradient), state

    result = tw.minimize(squares, START, data=table, method=SignDescent(0.01), stop=tw.MaxSteps(100))
    np.testing.assert_allclose(np.abs(result.parameters["b"]), 1, atol=0.02)
    np.testing.assert_allclose(result.parameters["w"][4], 1.0, rtol=1e-12)


def test_a_method_that_changes_shapes_is_named() -> None:
    @dataclass(frozen=True)
    class Wrong(tw.Method):
        def direction(self, now: tw.Point, state: Any) -> tuple[Any, Any]:
            return np.concatenate([now.gradient, now.gradient]), state

    with pytest.raises(tw.ThalwegError, match="shape"):
        tw.minimize(rosenbrock, [1.0, 2.0], method=Wrong())


def test_parameters_of_any_nesting() -> None:
    Pair = namedtuple("Pair", "a b")

    @dataclass
    class Layer:
        weight: Any
        bias: Any

    def loss(p: Any) -> Any:
        return (
            np.sum((p["layers"][0].weight - 1) ** 2)
            + (p["layers"][0].bias - 2) ** 2
            + (p["pair"].a * p["pair"].b - 3) ** 2
        )

    start = {"layers": [Layer(np.zeros((2, 3)), 0.0)], "pair": Pair(np.float64(1), np.float64(1))}
    result = tw.minimize(loss, start, method=tw.GradientDescent(0.1), stop=tw.GradientBelow(1e-9) | tw.MaxSteps(10_000))
    np.testing.assert_allclose(result.parameters["layers"][0].weight, 1)
    assert isinstance(result.parameters["pair"], Pair)
    np.testing.assert_allclose(result.parameters["pair"].a * result.parameters["pair"].b, 3)
    np.testing.assert_array_equal(start["layers"][0].weight, 0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_parameters_keep_their_dtype(dtype: str, table: tuple[Array, Array]) -> None:
    data = tuple(x.astype(dtype) for x in table)
    result = tw.minimize(squares, {"w": np.zeros(5, dtype), "b": np.zeros((), dtype)}, data=data)
    assert result.parameters["w"].dtype == dtype
    np.testing.assert_allclose(result.parameters["w"], np.arange(5), atol=0.05)


def test_the_same_seed_gives_the_same_run_on_any_number_of_threads() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40_000, 20)).astype(np.float32)
    y = X @ rng.standard_normal(20).astype(np.float32)
    start = {"w": np.zeros(20, np.float32), "b": np.float32(0)}
    runs = [
        tw.minimize(squares, start, data=(X, y), method=tw.Momentum(0.05), stop=tw.MaxSteps(50), threads=threads)
        for threads in (1, 2, 1)
    ]
    for run in runs[1:]:
        np.testing.assert_array_equal(run.parameters["w"], runs[0].parameters["w"])
        np.testing.assert_array_equal(run.history.loss, runs[0].history.loss)


def test_arrays_that_the_loss_refers_to_are_divided_into_tiles_as_well(table: tuple[Array, Array]) -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20_000, 8))
    y = X @ np.arange(8.0)
    result = tw.minimize(lambda w: np.mean((X @ w - y) ** 2), np.zeros(8), method=tw.GradientDescent(0.1))
    np.testing.assert_allclose(result.parameters, np.arange(8), atol=1e-4)
    assert not result.notes


def test_a_loss_that_mixes_examples_runs_whole_and_says_so(table: tuple[Array, Array]) -> None:
    def smooth(w: Any, X: Any, y: Any) -> Any:
        p = X @ w
        return np.mean((p - y) ** 2) + np.mean((p[1:] - p[:-1]) ** 2)

    result = tw.minimize(smooth, np.zeros(5), data=table, method=tw.GradientDescent(0.05), stop=tw.MaxSteps(50))
    assert "mixes" in str(result.notes) or "combines different examples" in str(result.notes)
    assert result.history.loss[-1] < result.history.loss[0]
    batched = tw.minimize(
        smooth, np.zeros(5), data=table, batch_size=64, method=tw.GradientDescent(0.01), stop=tw.MaxSteps(50)
    )
    reference = tw.minimize(
        smooth,
        np.zeros(5),
        data=table,
        batch_size=64,
        method=tw.GradientDescent(0.01),
        stop=tw.MaxSteps(50),
        target="numpy",
    )
    np.testing.assert_allclose(batched.parameters, reference.parameters, rtol=1e-9)


# Stopping
def bowl(x: Any) -> Any:
    return np.sum(x**2)


def test_gradient_below() -> None:
    result = tw.minimize(bowl, np.ones(3), method=tw.GradientDescent(0.1), stop=tw.GradientBelow(1e-3))
    assert result.gradient_norm <= 1e-3
    assert result.history.gradient_norm[-2] > 1e-3
    assert "at or below 0.001" in result.stopped_by.sentence
    assert result.stopped_by.rules == ("GradientBelow(0.001)",)


def test_loss_below() -> None:
    result = tw.minimize(bowl, np.ones(3), method=tw.GradientDescent(0.1), stop=tw.LossBelow(0.5))
    assert result.loss <= 0.5 < result.history.loss[-2]
    assert "at or below 0.5" in result.stopped_by.sentence


def test_a_rule_of_ones_own() -> None:
    @dataclass(frozen=True)
    class LossRises(tw.StoppingRule):
        factor: float

        def initial_memory(self) -> Any:
            return np.inf

        def fires(self, now: Any, memory: Any) -> tuple[Any, Any]:
            return now.loss > self.factor * memory, np.minimum(now.loss, memory)

        def sentence(self, now: Any) -> str:
            return f"the loss, {now.loss:.3g}, is {self.factor:g} times the smallest so far"

    result = tw.minimize(bowl, np.ones(3), method=tw.GradientDescent(1.1), stop=LossRises(10.0) | tw.MaxSteps(1000))
    assert result.loss > 30
    assert "10 times the smallest" in str(result.stopped_by)


def test_no_change() -> None:
    result = tw.minimize(lambda x: bowl(x) + 1, np.ones(3), method=tw.GradientDescent(0.1), stop=tw.NoChange(7, 1e-6))
    losses = result.history.loss
    assert abs(losses[-1] - losses[-8]) <= 1e-6 * losses[-1]
    assert "has not changed for 7 steps" in str(result.stopped_by)


def test_max_steps_and_combinations() -> None:
    result = tw.minimize(bowl, np.ones(3), method=tw.GradientDescent(0.1), stop=tw.MaxSteps(5))
    assert result.steps == 5
    np.testing.assert_allclose(result.parameters, 0.8**5)
    either = tw.GradientBelow(1e-3) | tw.MaxSteps(5)
    assert tw.minimize(bowl, np.ones(3), method=tw.GradientDescent(0.1), stop=either).steps == 5
    both = tw.GradientBelow(1e-3) & tw.MaxSteps(100)
    assert tw.minimize(bowl, np.ones(3), method=tw.GradientDescent(0.1), stop=both).steps == 100


def test_max_seconds() -> None:
    result = tw.minimize(rosenbrock, [-1.2, 1.0], method=tw.GradientDescent(1e-6), stop=tw.MaxSeconds(0.3))
    assert 0.25 < result.seconds < 1.5
    assert "seconds have passed" in str(result.stopped_by)


def test_rules_look_at_the_penalty_as_well() -> None:
    """The data part is flat; only the penalty changes."""
    result = tw.minimize(
        lambda w: 1 + 0 * w[0] + 0.5 * np.sum(w**2),
        np.ones(2),
        method=tw.GradientDescent(0.01),
        stop=tw.NoChange(5) | tw.MaxSteps(50),
    )
    assert result.steps == 50


def test_the_user_can_stop_it() -> None:
    result = tw.minimize(
        rosenbrock, [-1.2, 1.0], method=tw.GradientDescent(1e-6), on_progress=lambda p: p.step > 10_000
    )
    assert result.stopped_by.reason == "interrupted" or result.steps == 10_000


def test_ctrl_c_keeps_what_was_reached() -> None:
    def interrupt(progress: tw.Progress) -> None:
        if progress.step > 100:
            raise KeyboardInterrupt

    result = tw.minimize(
        rosenbrock, [-1.2, 1.0], method=tw.GradientDescent(1e-6), stop=tw.MaxSteps(10**9), on_progress=interrupt
    )
    assert result.stopped_by.reason == "interrupted"
    assert result.steps > 100
    assert result.loss == pytest.approx(rosenbrock(result.parameters), rel=1e-12)


def test_history_thins_out() -> None:
    result = tw.minimize(rosenbrock, [-1.2, 1.0], method=tw.GradientDescent(1e-5), stop=tw.MaxSteps(200_000))
    assert len(result.history) < 20_000
    step = result.history.step
    np.testing.assert_array_equal(step[:2049], np.arange(2049))
    assert (np.diff(step[(step >= 4096) & (step <= 8192)]) == 4).all()
    assert result.history.step[-1] == 200_000


# Numbers that go wrong
@pytest.mark.parametrize("function", [np.log, np.sqrt])
def test_a_start_where_the_loss_is_not_finite_is_to_blame_itself(function: Any) -> None:
    result = tw.minimize(lambda p: np.sum(function(p - 1)), np.ones(2))
    assert "start elsewhere" in str(result.notes)
    assert "learning rate" not in str(result.notes)


@pytest.mark.parametrize("target", ["native", "numpy"])
def test_divergence_keeps_the_last_finite_parameters(target: str) -> None:
    result = tw.minimize(rosenbrock, [-1.2, 1.0], method=tw.GradientDescent(1.0), target=target)
    assert result.stopped_by.reason == "not finite"
    assert np.isfinite(result.parameters).all()
    assert np.isfinite(result.loss)
    assert result.loss == pytest.approx(rosenbrock(result.parameters))
    assert "smaller learning rate" in str(result.notes)
    assert "test_minimize.py:" in str(result.notes)


def test_a_gradient_that_is_not_finite_is_no_success() -> None:
    result = tw.minimize(lambda x: np.sum(np.sqrt(x)), np.zeros(2), method=tw.GradientDescent(0.1))
    assert result.stopped_by.reason == "not finite"
    assert "gradient" in str(result.stopped_by)
    assert "sqrt" in str(result.notes) or "divide" in str(result.notes)


def test_a_start_where_the_loss_is_not_finite() -> None:
    result = tw.minimize(lambda x: np.log(x[0]), np.array([-1.0]))
    assert result.stopped_by.reason == "not finite"
    assert result.steps == 0
    assert "np.log" in str(result.notes)


# Clear when it can't
def no_return(x: Any) -> Any:
    np.sum(x)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda x: x**2, r"array of the shape \(2,\).*np\.mean"),
        (lambda x: np.sum(x > 0), "floating-point|comparisons"),
        (lambda x: np.sum(np.where(x > 0, 1.0, 0.0)), "comparisons"),
        (lambda x: 3.0, "does not depend on the parameters"),
        (lambda x: (np.sum(x), 1), "returns a tuple"),
        (no_return, "returns nothing"),
    ],
)
def test_what_is_no_loss(loss: Any, message: str) -> None:
    with pytest.raises(tw.LossError, match=message):
        tw.minimize(loss, np.ones(2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": (np.array([[1.0], [np.nan]]), np.ones(2))}, r"data\[0\] holds nan in row 1, column 0"),
        ({"data": (np.ones((2, 1)), np.array([1, np.inf]))}, r"data\[1\] holds inf in row 1"),
        ({"data": (np.ones((2, 1)), np.ones(3))}, "data.0. has 2 rows and data.1. has 3"),
        ({"data": (np.ones((0, 1)), np.ones(0))}, "is empty"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"stop": 100}, "stop=100 is no stopping rule"),
        ({"method": "adam"}, "method='adam' is no method"),
        ({"threads": 0}, "threads=0"),
        ({"target": "gpu"}, "target='gpu'"),
    ],
)
def test_wrong_arguments(change: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"data": (np.ones((2, 1)), np.ones(2)), **change}
    with pytest.raises(tw.ThalwegError, match=message):
        tw.minimize(lambda w, X, y: np.mean((X @ w - y) ** 2), np.zeros(1), **arguments)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tw.GradientDescent(0.0), "learning_rate=0.0: expected a number above 0"),
        (lambda: tw.GradientDescent(-1), "learning_rate=-1"),
        (lambda: tw.Momentum(0.1, 1.0), r"momentum=1\.0"),
        (lambda: tw.Adam(beta1=-0.1), "beta1"),
        (lambda: tw.Adam(epsilon=0.0), "epsilon"),
        (lambda: tw.RMSProp(decay=1.0), "decay"),
        (lambda: tw.Adagrad(epsilon=0.0), "epsilon"),
        (lambda: tw.AdamW(weight_decay=-1.0), "weight_decay"),
        (lambda: tw.MaxSteps(0), "steps=0"),
        (lambda: tw.MaxSteps(1.5), r"steps=1\.5"),
        (lambda: tw.GradientBelow(0), "threshold"),
        (lambda: tw.MaxSeconds(-1), "seconds"),
        (lambda: tw.NoChange(3, -1.0), "tolerance"),
        (lambda: tw.MaxSteps(3) | 5, "no stopping rule"),
    ],
)
def test_arguments_are_checked_where_they_enter(make: Any, message: str) -> None:
    with pytest.raises(tw.ArgumentError, match=message):
        make()


@pytest.mark.parametrize("batch_size", [None, 32])
def test_classes_as_indices(batch_size: int | None) -> None:
    """Softmax regression that reads the logarithm of the right class by its number."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 4))
    y = np.argmax(X @ rng.standard_normal((4, 3)), axis=1)

    def cross_entropy(W: Any, X: Any, y: Any) -> Any:
        logarithms = X @ W - np.log(np.sum(np.exp(X @ W), axis=1, keepdims=True))
        return -np.mean(logarithms[np.arange(len(y)), y])

    arguments: dict[str, Any] = {"batch_size": batch_size, "method": tw.GradientDescent(0.5), "stop": tw.MaxSteps(200)}
    result = tw.minimize(cross_entropy, np.zeros((4, 3)), data=(X, y), **arguments)
    assert np.mean(np.argmax(X @ result.parameters, axis=1) == y) > 0.95
    reference = tw.minimize(cross_entropy, np.zeros((4, 3)), data=(X, y), target="numpy", **arguments)
    np.testing.assert_allclose(result.parameters, reference.parameters, rtol=1e-9)
    y[250] = 3
    with pytest.raises(tw.DataError, match="index 3, which leaves an axis of length 3"):
        tw.minimize(cross_entropy, np.zeros((4, 3)), data=(X, y), **arguments)


def test_parameters_that_are_none() -> None:
    with pytest.raises(tw.ArgumentError, match="there are no parameters"):
        tw.minimize(bowl, {})
    with pytest.raises(tw.ArgumentError, match="not an array of real numbers"):
        tw.minimize(bowl, {"w": "text"})
    with pytest.raises(tw.ArgumentError, match="start with NaN"):
        tw.minimize(bowl, np.array([np.nan]))


def test_a_result_prints_for_a_person() -> None:
    text = str(tw.minimize(bowl, np.ones(2), method=tw.GradientDescent(0.1)))
    for part in ("Stopped because", "loss", "gradient norm", "steps", "parameters"):
        assert part in text


@pytest.mark.parametrize("method", [tw.LBFGS(), tw.ConjugateGradient(), tw.NewtonCG()], ids=lambda m: type(m).__name__)
def test_many_parameters_without_data_are_no_examples(method: tw.Method) -> None:
    target = np.linspace(0, 1, 20_000)
    result = tw.minimize(lambda w: np.sum((w - target) ** 2), np.zeros(20_000), method=method, stop=tw.MaxSteps(5))
    np.testing.assert_allclose(result.parameters, target, atol=1e-6)


def test_rows_know_when_they_were() -> None:
    """A descent that is held up in the middle: the pause shows where it was."""
    paused: list[int] = []

    def pause(now: tw.Progress) -> None:
        if now.step > 100 and not paused:
            paused.append(now.step)
            time.sleep(0.2)

    result = tw.minimize(
        lambda x: np.sum(x**2), np.ones(3), method=tw.GradientDescent(1e-9), stop=tw.MaxSteps(20_000), on_progress=pause
    )
    history = result.history
    assert len(history.seconds) == len(history.step)
    assert (np.diff(history.seconds) >= 0).all()
    assert history.seconds[-1] <= result.seconds
    before, after = history.seconds[history.step < paused[0]], history.seconds[history.step > paused[0]]
    assert after[0] - before[-1] > 0.19


@pytest.mark.parametrize("shape", [(100,), (100, 1)])
def test_targets_in_a_column_are_told_of_where_they_meet_a_vector(shape: tuple[int, ...]) -> None:
    X = np.random.default_rng(0).standard_normal((100, 3))
    y = (X @ np.array([1.0, 2.0, 3.0])).reshape(shape)
    result = tw.minimize(lambda w, X, y: np.mean((X @ w - y) ** 2), np.zeros(3), data=(X, y))
    expected = "(100, 100) arises: if that is not meant, (100,) may have met (100, 1); y.ravel() is (100,)"
    assert (expected in str(result.notes)) == (len(shape) == 2)

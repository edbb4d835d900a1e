"""The jax target does what the native target does: the same steps to rounding, the same batches, the same end.

`pytest tests/descent --target jax` runs all tests of descents on it; here are the few that touch every part of the loop.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import thalweg as tw

pytest.importorskip("jax")

Array = np.ndarray[Any, Any]
START = np.array([-1.2, 1.0, 0.3])
rng = np.random.default_rng(0)
X = rng.standard_normal((700, 5))
y = (X @ np.arange(5.0) + rng.standard_normal(700) > 0).astype(float)
KEPT = (X[:100], y[:100])


def rosenbrock(p: Any) -> Any:
    return np.sum(100 * (p[1:] - p[:-1] ** 2) ** 2 + (1 - p[:-1]) ** 2)


def logistic(w: Any, X: Any, y: Any) -> Any:
    return np.mean(np.logaddexp(0, X @ w) - y * (X @ w))


def perceptron(p: Any, X: Any, y: Any) -> Any:
    return np.mean((np.tanh(X @ p["a"] + p["b"]) @ p["c"] - y) ** 2)


LAYERS = {"a": 0.1 * rng.standard_normal((5, 8)), "b": np.zeros(8), "c": 0.1 * rng.standard_normal(8)}
QUICK = tw.MaxSteps(30)
CURVE = tw.schedules.cosine(0.1, steps=50)

ON_ROSENBROCK: dict[str, dict[str, Any]] = {
    "L-BFGS, rules combined": {"stop": (tw.GradientBelow(1e-7) & tw.LossBelow(1e-9)) | tw.MaxSteps(500)},
    "Newton": {"method": tw.Newton(), "stop": QUICK},
    "Levenberg–Marquardt": {"method": tw.LevenbergMarquardt()},
    "random search": {"method": tw.RandomSearch(0.5), "stop": tw.MaxSteps(300)},
    "a step too large": {"method": tw.GradientDescent(0.05)},
    "many steps, thinned": {"method": tw.Adam(1e-3), "stop": tw.MaxSteps(9000)},
}
ON_DATA: dict[str, dict[str, Any]] = {
    "rounds of Newton–CG": {"method": tw.NewtonCG(), "stop": tw.MaxSteps(10)},  # at the minimum rounding decides
    "mini-batches over uneven epochs": {"method": tw.Adam(0.05), "batch_size": 32, "stop": tw.MaxSteps(100), "seed": 5},
    "proximal steps": {"penalty": tw.L1(0.02), "stop": tw.MaxSteps(60)},
    "validation": {
        "method": tw.Momentum(CURVE), "validation": KEPT, "validate_every": 5, "stop": tw.ValidationStalls(3) | QUICK
    },
}  # fmt: skip
METHODS = [
    tw.GradientDescent(1e-3), tw.Momentum(1e-3), tw.Nesterov(1e-3), tw.Adagrad(0.1), tw.RMSProp(0.01), tw.Adam(0.02),
    tw.AdamW(0.02), tw.BFGS(), tw.LBFGS(memory=4), tw.ConjugateGradient(), tw.BarzilaiBorwein(), tw.Newton(), tw.NewtonCG(),
    tw.GradientDescent(1e-3, line_search=tw.Armijo()), tw.Momentum(0.1, line_search=tw.StrongWolfe()),
]  # fmt: skip


def both(loss: Any, start: Any, **options: Any) -> tuple[Any, Any]:
    native, there = (tw.minimize(loss, start, target=target, **options) for target in ("native", "jax"))
    return native, there


def check_same(a: tw.Result, b: tw.Result, rtol: float = 1e-7, few: int = 8) -> None:
    """The first steps to rounding, before it has grown; and the end."""
    np.testing.assert_array_equal(a.history.step[:few], b.history.step[:few])
    for name in ("loss", "gradient_norm", "learning_rate", "slope"):
        first, second = (getattr(result.history, name)[:few] for result in (a, b))
        np.testing.assert_allclose(first, second, rtol=rtol, atol=1e-12)
    assert a.stopped_by.rules == b.stopped_by.rules
    assert a.stopped_by.reason == b.stopped_by.reason
    assert a.loss == pytest.approx(b.loss, rel=1e-4, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("name", ON_ROSENBROCK)
def test_descents_without_data(name: str) -> None:
    native, there = both(rosenbrock, START, **ON_ROSENBROCK[name])
    check_same(native, there)
    if name in ("many steps, thinned", "random search", "a step too large"):
        np.testing.assert_array_equal(native.history.step, there.history.step)
        assert (native.steps, native.evaluations, native.ascents) == (there.steps, there.evaluations, there.ascents)


@pytest.mark.parametrize("name", ON_DATA)
def test_descents_over_data(name: str) -> None:
    native, there = both(logistic, np.zeros(5), data=(X, y), **ON_DATA[name])
    check_same(native, there, few=100)
    np.testing.assert_array_equal(native.history.validation_step, there.history.validation_step)
    np.testing.assert_allclose(native.history.validation_loss, there.history.validation_loss, rtol=1e-9)


@pytest.mark.parametrize("name", [*ON_DATA, "L-BFGS, rules combined", "a step too large", "many steps, thinned"])
def test_steps_many_at_a_time_as_on_a_gpu(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are done after the end change nothing: the state, the history and the number of steps are as ever."""
    from thalweg.compile.jax import program

    own = program._descents
    monkeypatch.setattr(program, "_known", type(program._known)())
    monkeypatch.setattr(program, "_descents", lambda *given: (replace(one, unasked=7) for one in own(*given)))
    options = (ON_DATA | ON_ROSENBROCK)[name]
    if name in ON_DATA:
        native, there = both(logistic, np.zeros(5), data=(X, y), **options)
    else:
        native, there = both(rosenbrock, START, **options)
    check_same(native, there)
    assert native.stopped_by == there.stopped_by or name.startswith("L-BFGS")
    if "L-BFGS" not in name and "Newton" not in name:
        assert (native.steps, native.evaluations) == (there.steps, there.evaluations)
        np.testing.assert_array_equal(native.history.step, there.history.step)


def test_members_of_a_population() -> None:
    """Among them one whose steps are too large."""
    options: dict[str, Any] = {"restarts": 5, "stop": tw.MaxSteps(40) | tw.GradientBelow(1e-3), "seed": 2}
    native, there = both(
        logistic, np.zeros(5), data=(X, y), method=tw.GradientDescent(tw.grid(0.1, 1.0, 1e300)), **options
    )
    assert len(native.members) == len(there.members) == 15
    for a, b in zip(native.members, there.members, strict=True):
        check_same(a, b, few=40)
        assert a.steps == b.steps


def test_members_that_search_along_their_directions() -> None:
    native, there = both(rosenbrock, START, restarts=6, stop=tw.MaxSteps(25))
    for a, b in zip(native.members, there.members, strict=True):
        check_same(a, b, rtol=1e-6)


def test_single_precision_and_a_memory_to_go_on_with() -> None:
    layers = {name: array.astype(np.float32) for name, array in LAYERS.items()}
    data = (X.astype(np.float32), y.astype(np.float32))
    first = both(perceptron, layers, data=data, method=tw.Adam(0.01), batch_size=64, stop=QUICK)
    check_same(*first, rtol=1e-3)
    assert first[1].parameters["a"].dtype == np.float32
    again = [
        tw.minimize(perceptron, result.parameters, data=data, method=tw.Adam(0.01), stop=QUICK, memory=result.memory, target=target)
        for result, target in zip(first, ("native", "jax"), strict=True)
    ]  # fmt: skip
    check_same(again[0], again[1], rtol=1e-3)


def test_bfloat16_goes_to_about_the_same_place() -> None:
    data = (X.astype(np.float32), y.astype(np.float32))
    start, rule = np.zeros(5, np.float32), tw.MaxSteps(40)
    exact = tw.minimize(logistic, start, data=data, stop=rule)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rough = tw.minimize(logistic, start, data=data, stop=rule, target="jax", device=tw.Device(precision="bfloat16"))
    assert rough.loss == pytest.approx(exact.loss, rel=1e-2)
    assert not np.array_equal(rough.parameters, exact.parameters)


SMALL = tw.Device("cpu", memory=8_000)


@pytest.mark.parametrize("batch", [None, 32])
def test_data_that_do_not_fit_on_the_device_are_streamed(batch: int | None) -> None:
    """Mini-batches are those of a descent whose data are there."""
    method = tw.Adam(0.05)
    native = tw.minimize(logistic, np.zeros(5), data=(X, y), method=method, batch_size=batch, stop=tw.MaxSteps(60))
    there = tw.minimize(
        logistic,
        np.zeros(5),
        data=(X, y),
        method=method,
        batch_size=batch,
        stop=tw.MaxSteps(60),
        target="jax",
        device=SMALL,
    )
    check_same(native, there, few=60)
    assert "700 examples (33.6 kB) were streamed to cpu 0" in there.notes


def test_populations_need_their_data_on_the_device() -> None:
    with pytest.raises(tw.DeviceError, match=r"the data take 33.6 kB, and cpu 0 has 8 kB for them"):
        tw.minimize(logistic, np.zeros(5), data=(X, y), restarts=3, target="jax", device=SMALL)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS, ids=lambda m: type(m).__name__ + ("+" if m.line_search else ""))
@pytest.mark.parametrize("loss", ["rosenbrock", "logistic", "perceptron", "population"])
def test_every_method_on_every_kind_of_loss(method: tw.Method, loss: str) -> None:
    if loss == "rosenbrock":
        check_same(*both(rosenbrock, START, method=method, stop=QUICK), rtol=1e-6, few=5)
    elif loss == "logistic":
        check_same(*both(logistic, np.zeros(5), data=(X, y), method=method, stop=QUICK), rtol=1e-6)
    elif loss == "perceptron":
        check_same(*both(perceptron, LAYERS, data=(X, y), method=method, stop=QUICK), rtol=1e-6, few=5)
    else:
        native, there = both(rosenbrock, START, method=method, restarts=4, stop=QUICK)
        for a, b in zip(native.members, there.members, strict=True):
            check_same(a, b, rtol=1e-6, few=4)

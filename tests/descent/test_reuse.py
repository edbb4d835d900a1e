"""What is kept from call to call never shows, except in the time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.descent.reuse import Known, form_of

Array = np.ndarray[Any, Any]
TARGET = np.zeros(3)


def to_target(w: Any) -> Any:
    return np.sum((w - TARGET) ** 2)


def found(loss: Any = to_target, **more: Any) -> Array:
    return tw.minimize(loss, np.zeros(3), **more).parameters  # type: ignore[no-any-return]


def test_an_array_that_is_changed_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """The values that were known come back in another array, while the first holds others by now."""
    first = np.array([1.0, 2.0, 3.0])
    monkeypatch.setitem(globals(), "TARGET", first)
    np.testing.assert_allclose(found(), [1, 2, 3])
    first[:] = 4, 5, 6
    np.testing.assert_allclose(found(), [4, 5, 6])
    monkeypatch.setitem(globals(), "TARGET", np.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(found(), [1, 2, 3])
    first[:] = 7, 8, 9
    monkeypatch.setitem(globals(), "TARGET", np.array([4.0, 5.0, 6.0]))
    np.testing.assert_allclose(found(restarts=10), [4, 5, 6], atol=1e-6)


@pytest.mark.parametrize("size", [300, 200_000], ids=["kept", "too large to be kept"])
def test_data_in_a_closure_that_change(size: int) -> None:
    rng = np.random.default_rng(0)
    X, other = rng.standard_normal((size, 3)), rng.standard_normal((size, 3))
    y = X @ np.arange(3.0)

    def loss(w: Any) -> Any:
        return np.mean((X @ w - y) ** 2)

    for change in range(4):
        if change == 1:
            y[:] = X @ np.ones(3)
        if change == 2:
            X, y = other, other @ np.arange(3.0)  # rebound
        if change == 3:
            X[:] = 2 * X
        wanted = np.linalg.lstsq(X, y, rcond=None)[0]
        np.testing.assert_allclose(found(loss), wanted, atol=1e-5)


def test_numbers_in_a_closure() -> None:
    shift = [0.0]

    def loss(w: Any) -> Any:
        return np.sum((w - shift[0]) ** 2) if shift[0] < 5 else np.sum((w + 1) ** 2)

    for value in (1.0, 2.0, 1.0, 7.0, 2.0):
        shift[0] = value
        np.testing.assert_allclose(found(loss), value if value < 5 else -1, atol=1e-6)


def test_sharing_of_equal_arrays_survives() -> None:
    """r @ r with the same data written twice is still a square."""
    A = np.random.default_rng(0).standard_normal((50, 3))
    b = A @ np.arange(3.0)
    method = tw.LevenbergMarquardt()
    np.testing.assert_allclose(found(lambda w: (A @ w - b) @ (A @ w - b), method=method), np.arange(3.0), atol=1e-9)


def every_run(data: tuple[Array, Array]) -> list[Array]:
    """Calls that differ in one thing each."""

    def loss(w: Any, X: Any, y: Any) -> Any:
        return np.mean((X @ w - y) ** 2)

    few = tuple(array[:77] for array in data)
    rates = tw.GradientDescent, tw.Momentum
    changes: list[dict[str, Any]] = [
        *({"seed": seed, "batch_size": 16} for seed in (1, 2)),
        *({"batch_size": size} for size in (8, 32)),
        *({"method": kind(rate)} for kind in rates for rate in (0.1, 0.01, 1)),
        *({"method": tw.GradientDescent(lambda t, s=s: s / (1 + t))} for s in (0.1, 0.2)),
        *({"stop": rule} for rule in (tw.MaxSteps(3), tw.MaxSteps(5), tw.MaxSteps(9) & tw.LossBelow(1e9), tw.LossBelow(1.0))),
        *({"stop": tw.NoChange(steps, share) | tw.MaxSteps(50)} for steps in (2, 5) for share in (0, 1e-1)),
        *({"method": tw.LBFGS(memory=memory)} for memory in (1, 3)),
        *({"method": tw.LBFGS(line_search=search)} for search in (tw.Armijo(), tw.StrongWolfe(), tw.StrongWolfe(1e-4, 0.2))),
        *({"method": tw.ConjugateGradient(formula)} for formula in ("fletcher_reeves", "dai_yuan")),
        *({"data": some} for some in (few, data, tuple(array.astype(np.float32) for array in data))),
        *({"gradient": source} for source in ("numerical", tw.Numerical("forward"), "automatic")),
        *({"restarts": count} for count in (2, 9)),
        *({"threads": threads} for threads in (1, 2)),
        *({"target": target} for target in ("numpy", "native")),
    ]  # fmt: skip
    results = []
    for change in changes:
        arguments = {"data": data, "method": tw.GradientDescent(0.1), "stop": tw.MaxSteps(6), **change}
        if arguments.get("batch_size"):
            arguments["method"] = tw.Adam(0.01)
        results.append(np.asarray(tw.minimize(loss, np.zeros(4), **arguments).parameters))
    return results


def test_calls_that_differ_in_one_thing_do_not_take_each_others_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same calls, with everything kept and with nothing kept."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 4))
    data = X, X @ np.arange(4.0) + rng.standard_normal(200)
    first, again = every_run(data), every_run(data)
    monkeypatch.setattr(Known, "get", lambda self, key, make: make())
    fresh = every_run(data)
    for a, b, c in zip(first, again, fresh, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)


def test_methods_and_rules_of_ones_own_are_not_known() -> None:
    factor = [1.0]

    @dataclass(frozen=True)
    class Scaled(tw.Method):
        def direction(self, now: tw.Point, state: Any) -> tuple[Any, Any]:
            return -factor[0] * now.gradient, state

    @dataclass(frozen=True)
    class Late(tw.StoppingRule):
        def fires(self, now: Any, memory: Any) -> tuple[Any, Any]:
            return now.step >= 10 * factor[0], memory

    assert form_of(Scaled()) is form_of(Late()) is form_of(tw.MaxSteps(1) | Late()) is None
    ends = []
    for factor[0] in (0.1, 0.3):
        result = tw.minimize(lambda x: np.sum(x**2), np.ones(1), method=Scaled(), stop=Late())
        assert result.steps == 10 * factor[0]
        ends.append(float(result.parameters[0]))
    assert ends == pytest.approx([0.8, 0.4**3])


def test_buttons_are_not_mixed_up() -> None:
    first, second = tw.Stop(), tw.Stop()
    first.press()
    arguments: dict[str, Any] = {"method": tw.GradientDescent(0.1)}
    assert tw.minimize(to_target, np.ones(3), stop=first | tw.MaxSteps(4), **arguments).steps == 0
    assert tw.minimize(to_target, np.ones(3), stop=second | tw.MaxSteps(4), **arguments).steps == 4


def test_what_is_told_of_places_is_of_this_loss() -> None:
    """Equal graphs, written in two places."""

    def here(x: Any) -> Any:
        return np.sum(np.log(x))

    def there(x: Any) -> Any:
        return np.sum(np.log(x))

    lines = [
        str(tw.minimize(loss, -np.ones(2), stop=tw.MaxSteps(3)).notes).split("test_reuse.py:")[1].split()[0]
        for loss in (here, there)
    ]
    assert lines[0] != lines[1]


def test_many_threads_call_at_once() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2000, 4))
    y = X @ np.arange(4.0)
    methods = [tw.LBFGS(), tw.GradientDescent(0.1), tw.Adam(0.1), tw.Newton()]

    def job(number: int) -> Array:
        shift = float(number % 3)
        return np.asarray(
            tw.minimize(
                lambda w, X, y: np.mean((X @ w - y - shift) ** 2), np.zeros(4), data=(X, y), method=methods[number % 4],
                stop=tw.MaxSteps(20),
            ).parameters
        )  # fmt: skip

    wanted = [job(number) for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        for _ in range(2):
            for a, b in zip(pool.map(job, range(12)), wanted, strict=True):
                np.testing.assert_array_equal(a, b)


def test_the_least_recently_used_is_forgotten() -> None:
    known, made = Known(2), []

    def get(key: Any) -> None:
        known.get(key, lambda: made.append(key))

    for key in "abacab":
        get(key)
    assert made == ["a", "b", "c", "b"]
    get(None)
    get(None)
    assert made[-2:] == [None, None]


def test_the_second_call_is_faster() -> None:
    def loss(w: Any) -> Any:
        return np.sum(np.cosh(w - 0.123) ** 2)

    seconds = [tw.minimize(loss, np.zeros(3)).compile_seconds for _ in range(3)]
    assert min(seconds[1:]) < 0.5 * seconds[0]

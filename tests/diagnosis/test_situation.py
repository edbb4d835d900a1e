"""Places where it is easy to be wrong: after a long fall, in any units, at kinks, far out, where rounding hides the loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg import MaxSteps, VerdictKind

from .catalogue import GD, GLOBAL, LOCAL, SADDLE, VALLEY

MINIMA = {GLOBAL, LOCAL, VALLEY}
UNKNOWN, DESCENDING = VerdictKind.UNKNOWN, VerdictKind.STILL_DESCENDING


def verdict_of(loss: Any, start: Any, method: Any = None, steps: int = 400, **options: Any) -> tw.Verdict:
    stop = MaxSteps(steps) if method is not None else None
    return tw.minimize(loss, np.asarray(start, float), method=method, stop=stop, **options).verdict


def smooth_saddle(x: Any) -> Any:
    return x[0] ** 2 - x[1] ** 2 + x[1] ** 4


def degenerate_saddle(x: Any) -> Any:
    return x[0] ** 2 - x[1] ** 4 + x[1] ** 6


def kinked_saddle(x: Any) -> Any:
    return x[0] ** 2 - np.abs(x[1]) + x[1] ** 2


@pytest.mark.parametrize("far", [1e3, 1e6])
@pytest.mark.parametrize("loss", [smooth_saddle, degenerate_saddle, kinked_saddle])
def test_a_long_fall_hides_no_saddle(loss: Callable[..., Any], far: float) -> None:
    assert verdict_of(loss, [far, 0], GD(0.1)).kind is SADDLE


def test_a_long_fall_hides_no_direction_that_has_not_moved() -> None:
    """A millionth of the fall so far is as much as all that is left."""
    assert verdict_of(lambda x: 1e12 * x[0] ** 2 + x[1] ** 2, [1, 1], GD(1e-13), 200).kind is DESCENDING
    far = verdict_of(lambda x: x[0] ** 2 + np.sum(np.logaddexp(0, -x[1:])), [1e5, 0, 0], GD(0.1))
    assert far.kind in (VerdictKind.NO_MINIMUM, DESCENDING)


@pytest.mark.parametrize("unit", [1e-12, 1e12])
@pytest.mark.parametrize(
    "loss",
    [
        smooth_saddle,
        degenerate_saddle,
        lambda x: np.sum(np.cos(x)),
        lambda x: np.exp(-np.sum(x**2)),
        lambda x: x[0] ** 4 - x[1] ** 4,
    ],
)
def test_saddles_and_maxima_at_zero_in_any_units(loss: Callable[..., Any], unit: float) -> None:
    """Nothing but the loss itself tells how long a parameter is."""
    assert verdict_of(lambda x: loss(x / unit), [0, 0], GD(1e-30), 1).kind is SADDLE
    assert verdict_of(lambda x: unit * loss(x), [0, 0], GD(1e-30), 1).kind is SADDLE


@pytest.mark.parametrize("offset", [-1e9, 1e12])
@pytest.mark.parametrize(
    ("loss", "start"),
    [
        (lambda x: 1e-3 * np.exp(-np.sum(x**2)), [0, 0]),
        (lambda x: 1e-3 * np.sum((x**2 - 1) ** 2), [0.1, 0.1]),
        (lambda x: 1e-4 * np.sum((x - 3) ** 2), [0, 0]),
    ],
    ids=["maximum", "double well", "quadratic"],
)
def test_rounding_makes_no_minima(loss: Callable[..., Any], start: list[float], offset: float) -> None:
    """Of so large a loss the digits do not show the fall; its gradient and curvature do."""
    assert verdict_of(lambda x: loss(x) + offset, start, GD(1e-18), 50).kind not in MINIMA


ROTATIONS = {size: np.linalg.qr(np.random.default_rng(0).standard_normal((size, size)))[0] for size in (6, 30)}


@pytest.mark.parametrize("size", [6, 30])
def test_a_narrow_way_down_from_a_kink(size: int) -> None:
    """One direction of many leads down; too few were tried to call it a minimum."""
    signs = np.array([1.0] * (size - 1) + [-0.1])
    rotation = ROTATIONS[size]
    loss = lambda x: np.sum(signs * np.abs(rotation @ x)) + np.sum(x**2)  # noqa: E731
    assert verdict_of(loss, np.zeros(size), GD(0.01), 3).kind in (SADDLE, UNKNOWN)


def test_kinks() -> None:
    def steep(x: Any) -> Any:
        return 1e6 * np.abs(x[0]) + np.abs(x[1] - 1)

    assert verdict_of(steep, [0, 5], GD(1e-8), 100).kind is DESCENDING
    assert verdict_of(lambda x: -np.sqrt(np.sum(x**2)), np.zeros(3), GD(0.1), 3).kind not in MINIMA
    assert verdict_of(lambda x: np.sqrt(np.sum(x**2)), np.zeros(3), GD(0.1), 3).kind is GLOBAL
    assert verdict_of(lambda x: -np.sum(np.abs(x)), np.zeros(3), GD(0.1), 3).kind not in MINIMA


def test_a_convex_loss_has_no_saddle() -> None:
    """The descent ends beside a kink, too far to see it, too close to step."""
    found = verdict_of(lambda x: np.sum(np.abs(x / 1e-12 - 1)), [0.3e-12, 2.2e-12])
    assert found.kind in (GLOBAL, DESCENDING, UNKNOWN)


@pytest.mark.parametrize("far", [3.5, 20, 40])
def test_plateaus_however_far_out(far: float) -> None:
    """At 40 the gradient is zero to the last bit."""
    assert verdict_of(lambda x: -np.exp(-np.sum(x**2)), [far], GD(0.1), 100).kind is VerdictKind.PLATEAU


def test_a_curved_way_down() -> None:
    """Peano's: along every straight line it is a minimum."""
    assert verdict_of(lambda x: (x[1] - x[0] ** 2) * (x[1] - 3 * x[0] ** 2), [0, 0], GD(0.1), 3).kind not in MINIMA


def test_a_lower_valley_behind_a_barrier_is_no_saddle() -> None:
    assert verdict_of(lambda x: np.sum(x**4 - x**6), [0], GD(1e-8), 10).kind is LOCAL
    assert verdict_of(lambda x: np.sum(x**4 - x**6), [0.3]).kind in (LOCAL, DESCENDING)


@pytest.mark.parametrize("start", [[0.3, 0.4], [1.0, 0.0]])
def test_valleys(start: list[float]) -> None:
    assert verdict_of(lambda x: (np.sum(x**2) - 1) ** 2, start, GD(0.1), 1000).kind is VALLEY


@pytest.mark.parametrize("shape", [(30, 50), (300, 500)])
def test_more_parameters_than_equations(shape: tuple[int, int]) -> None:
    generator = np.random.default_rng(0)
    A, b = generator.standard_normal(shape), generator.standard_normal(shape[0])
    found = verdict_of(lambda w, X, y: np.mean((X @ w - y) ** 2), np.zeros(shape[1]), data=(A, b))
    assert found.kind is GLOBAL


def test_not_finite_is_no_minimum() -> None:
    assert verdict_of(lambda x: np.log(x[0]), [-1], GD(0.1), 3).kind not in MINIMA
    assert verdict_of(lambda x: np.log(np.abs(x[0])), [1], GD(0.1), 200).kind not in MINIMA
    assert verdict_of(lambda x: x[0] + 0 * np.log(x[0]), [3], GD(0.1), 100).kind not in MINIMA


def test_separable_data_are_known_when_only_the_last_digits_are_left() -> None:
    generator = np.random.default_rng(0)
    X = generator.standard_normal((200, 3))
    y = (X @ np.array([1.0, -2, 0.5]) > 0) * 1.0

    def logistic(w: Any, X: Any, y: Any) -> Any:
        return np.mean(np.logaddexp(0, X @ w) - y * (X @ w))

    def squared_hinge(w: Any, X: Any, y: Any) -> Any:
        return np.mean(np.maximum(0, 1 - (2 * y - 1) * (X @ w)) ** 2)

    faded = verdict_of(logistic, np.zeros(3), tw.Newton(), 300, data=(X, y))
    assert faded.kind is VerdictKind.NO_MINIMUM
    reached = verdict_of(squared_hinge, np.zeros(3), data=(X, y))
    assert reached.kind in (GLOBAL, DESCENDING)


def test_overflow_is_no_crash() -> None:
    assert verdict_of(lambda x: np.sum(np.exp(x) - x), [700.0]).kind not in MINIMA


@pytest.mark.parametrize(
    "loss",
    [
        lambda x: np.sum(x**4) - 0.2 * (x @ np.ones(40) / 40**0.5) ** 4,
        lambda x: np.sum(x[:39] ** 4) - x[39] ** 4,
        lambda x: np.sum(x[1:] ** 4) - x[0] ** 4,
    ],
    ids=["between the axes", "last", "first"],
)
def test_one_way_down_of_forty_without_curvature(loss: Callable[..., Any]) -> None:
    assert verdict_of(loss, np.zeros(40), GD(0.01), 3).kind not in MINIMA


def test_a_verdict_is_asked_twice_and_after_the_data_changed() -> None:
    generator = np.random.default_rng(0)
    X, y = generator.standard_normal((50, 3)), generator.standard_normal(50)
    found = tw.minimize(lambda w, X, y: np.mean((X @ w - y) ** 2), np.zeros(3), data=(X, y))
    X[:] = np.nan
    assert found.verdict.kind is UNKNOWN
    assert found.verdict is found.verdict


def _classes(dtype: type, count: int = 20_000) -> tuple[Any, ...]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((count, 5)).astype(dtype)
    return X, (X @ rng.standard_normal((5, 3)) + rng.gumbel(size=(count, 3))).argmax(axis=1)


def _softmax(w: Any, X: Any, y: Any) -> Any:
    z = X @ w["w"] + w["b"]
    chosen = np.take_along_axis(z, y[:, None], axis=1)[:, 0]
    return np.mean(np.log(np.sum(np.exp(z), axis=1)) - chosen) + 1e-3 * np.sum(w["w"] ** 2)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_descent_s_own_program_evaluates_as_another_does(dtype: type) -> None:
    from thalweg.descent.plan import evaluated
    from thalweg.diagnosis.situation import Situation

    data, start = _classes(dtype), {"w": np.zeros((5, 3), dtype), "b": np.zeros(3, dtype)}
    result = tw.minimize(_softmax, start, data=data)
    here = Situation(result)
    assert result.origin.there is not None
    for place in (here.start.astype(dtype), here.end, here.end + dtype(0.1)):
        own, other = here.evaluated(place), evaluated(here.problem, place, here.arrays)
        for one, two in zip(own, other, strict=True):
            assert np.allclose(one, two, rtol=1e-4, atol=float(100 * np.finfo(dtype).eps))
    assert np.isclose(here.loss, float(here.evaluated(here.end)[0]), rtol=1e-6)
    assert np.isclose(here.gradient_norm, result.gradient_norm)


def test_a_verdict_that_was_prepared_is_the_same() -> None:
    from thalweg.judged import minimize_to_judge

    start = {"w": np.zeros((5, 3)), "b": np.zeros(3)}
    prepared = minimize_to_judge(_softmax, start, data=_classes(np.float64))
    plain = tw.minimize(_softmax, start, data=_classes(np.float64))
    assert prepared.verdict.to_dict() == plain.verdict.to_dict()
    assert prepared.verdict.kind is VerdictKind.GLOBAL_MINIMUM

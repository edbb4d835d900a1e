"""Losses of very many nodes: what their verdicts take from the program of the descent is what programs of their own would say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.descent import evaluation
from thalweg.descent.data import data_of
from thalweg.descent.problem import problem_of
from thalweg.diagnosis import VerdictKind, differences, spectrum
from thalweg.diagnosis.differences import Differences, is_long
from thalweg.diagnosis.situation import Situation
from thalweg.diagnosis.spectrum import spectrum_of

SERIES = np.random.default_rng(0).standard_normal(400)


def recurrence(p: Any) -> Any:
    """Some three thousand nodes."""
    state, total = 0.0, 0.0
    for y in SERIES:
        state = p[0] * state + p[1] * np.tanh(y) + p[2]
        total = total + (state - y) ** 2
    return total / len(SERIES)


def filtered(p: Any) -> Any:
    state, total = 0.0, 0.0
    for y in SERIES:
        state = 0.9 * state + p[0] * y + p[1]
        total = total + (state - np.cos(y)) ** 2
    return total / len(SERIES)


def long(loss: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The mean of many losses that differ in the last digits only."""

    def own(x: Any) -> Any:
        total = 0.0
        for k in range(250):
            total = total + loss(x * (1 + 1e-15 * k))
        return total / 250

    return own


def test_the_verdict_compiles_nothing_further(monkeypatch: pytest.MonkeyPatch) -> None:
    result = tw.minimize(recurrence, np.array([0.5, 0.1, 0.0]))
    assert is_long(result.origin.plan.problem.graph)

    def none(*_: Any, **__: Any) -> Any:
        raise AssertionError("a further program")

    monkeypatch.setattr(evaluation, "compiled", none)
    monkeypatch.setattr(spectrum, "compiled", none)
    assert result.verdict.kind is VerdictKind.LOCAL_MINIMUM


def coarse(p: Any) -> Any:
    """In float32, whatever the parameters are: differences say little."""
    return recurrence(p.astype(np.float32))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("loss", [recurrence, filtered])
def test_curvature_from_differences_is_that_of_the_hessian(loss: Callable[[Any], Any], dtype: Any) -> None:
    start = np.array([0.5, 0.1, 0.0][: 3 if loss is recurrence else 2], dtype)
    here = Situation(tw.minimize(loss, start))
    wide = problem_of(loss, start.astype(np.float64), data_of(None), 0)
    exact = spectrum_of(wide, here.end.astype(np.float64), ())  # by its own program
    found = here.spectrum
    error = found.smallest_error + exact.smallest_error
    assert found.is_exact
    assert (
        error < (1e-9 if dtype is np.float64 else 1e-5) * exact.largest
    )  # float32: what the parameters' last digits change
    np.testing.assert_allclose(found.values, exact.values, rtol=0, atol=error)


def test_where_differences_say_little_the_hessian_is_compiled() -> None:
    here = Situation(tw.minimize(coarse, np.array([0.5, 0.1, 0.0])))
    exact = spectrum_of(here.problem, here.end, ())
    np.testing.assert_array_equal(here.spectrum.values, exact.values)


def test_a_linear_filter_is_known_to_be_at_its_global_minimum() -> None:
    A = np.zeros((len(SERIES), 2))
    row = np.zeros(2)
    for number, y in enumerate(SERIES):
        row = 0.9 * row + np.array([y, 1.0])
        A[number] = row
    expected, *_ = np.linalg.lstsq(A, np.cos(SERIES))
    result = tw.minimize(filtered, np.zeros(2))
    np.testing.assert_allclose(result.parameters, expected, atol=1e-6)
    assert result.verdict.kind is VerdictKind.GLOBAL_MINIMUM
    least = np.mean((A @ expected - np.cos(SERIES)) ** 2)
    assert result.verdict.gap is not None
    assert result.loss - least <= result.verdict.gap + 1e-15


SHORT: dict[str, tuple[Callable[[Any], Any], list[float]]] = {
    "valley of Rosenbrock": (lambda x: (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2, [-1.2, 1.0]),
    "convex": (lambda x: np.sum(np.log(1 + np.exp(x))) + np.sum(x**2), [1.0, -3.0]),
    "saddle point": (lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4, [1.0, 0.0]),
    "flat valley": (lambda x: (np.sum(x**2) - 1) ** 2, [0.3, 0.4]),
    "no minimum": (lambda x: np.exp(-x[0]) + x[1] ** 2, [1.0, 1.0]),
    "plateau": (lambda x: -np.exp(-np.sum(x**2)), [8.0, 8.0]),
    "kink": (lambda x: np.sum(np.abs(x)) + x[0] ** 2, [1.0, 2.0]),
}


@pytest.mark.parametrize("name", SHORT)
def test_verdicts_on_long_losses_are_those_on_short_ones(name: str) -> None:
    loss, start = SHORT[name]
    short, same = (tw.minimize(own, np.array(start)) for own in (loss, long(loss)))
    assert [is_long(result.origin.plan.problem.graph) for result in (short, same)] == [False, True]
    assert same.verdict.kind is short.verdict.kind


def bump(x: Any) -> Any:
    """The end of the descent is on top of a bump that is narrower than the differences' steps."""
    return 1e-6 * np.exp(-(((x[0] - 0.5) / 1e-4) ** 2)) + (x[0] - 0.5) ** 2 + x[1] ** 2


def hyperbola(x: Any) -> Any:
    """A flat valley, whose bottom float32 misses by its last digits."""
    return (x[0] * x[1] - 1) ** 2


def bent_by_side(x: Any) -> Any:
    """Falls to the left of 0.5, but curves up on the mean of both sides."""
    return np.where(x[0] > 0.5, 1.0, -1e-3) * (x[0] - 0.5) ** 2 + (x[1] - 0.25) ** 2


@pytest.mark.parametrize(
    ("loss", "dtype", "kind"),
    [
        (bent_by_side, np.float64, VerdictKind.SADDLE_POINT),
        (bump, np.float64, VerdictKind.SADDLE_POINT),
        (hyperbola, np.float32, VerdictKind.FLAT_VALLEY),
    ],
)
def test_differences_do_not_see_what_is_not_there(
    loss: Callable[[Any], Any], dtype: Any, kind: VerdictKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(differences, "_LONG", 0)
    for method in (tw.LBFGS(), tw.GradientDescent(0.1)):
        assert tw.minimize(loss, np.array([0.5, 1.0], dtype), method=method).verdict.kind is kind


def test_convex_losses_are_not_seen_to_be_bent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(differences, "_LONG", 0)
    X, y = SERIES.reshape(-1, 4), np.sign(SERIES[:100])
    for loss in (
        lambda w: np.mean(np.log(1 + np.exp(-y * (X @ w)))),
        lambda w: np.mean(np.abs(X @ w - y)),
        lambda w: np.mean((X @ w - y) ** 2),
        lambda w: np.sum(w) + 1e9,
        lambda w: np.max(X @ w) + 1e-12 * np.sum(w**4),
    ):
        assert not Situation(tw.minimize(loss, np.ones(4), stop=tw.MaxSteps(20))).is_bent
    assert Situation(tw.minimize(lambda w: np.sum(np.sin(w)), np.ones(4))).is_bent


def _differences(loss: Callable[[Any], Any], point: np.ndarray[Any, Any], lengths: float) -> Differences:
    problem = problem_of(loss, point, data_of(None), 0)
    return Differences(lambda at: evaluation.evaluated(problem, at, ())[1], point, np.full(point.size, lengths))


@pytest.mark.parametrize("size", [1e-160, 1.0, 1e150])
@pytest.mark.parametrize("length", [1e-6, 1.0, 50.0])
def test_the_error_of_differences_is_no_less_than_claimed(size: float, length: float) -> None:
    def loss(x: Any) -> Any:
        return size * (np.exp(-0.5 * x[0] ** 2) * np.sin(x[1]) + x[0] * x[1] ** 3)

    x = np.array([0.7, -0.4])
    found, error = _differences(loss, x, length).columns()
    bell = np.exp(-0.5 * 0.7**2)
    mixed = -0.7 * bell * np.cos(-0.4) + 3 * 0.4**2
    exact = [[(0.7**2 - 1) * bell * np.sin(-0.4), mixed], [mixed, -bell * np.sin(-0.4) + 6 * 0.7 * -0.4]]
    assert np.max(np.abs(found / size - exact)) <= error / size + 1e-14
    assert length != 1.0 or error < 1e-9 * size


def test_differences_stay_within_the_domain_or_say_nothing() -> None:
    found, error = _differences(lambda x: np.sum(x * np.log(x)), np.array([1e-3, 2.0]), 1.0).columns()
    assert np.max(np.abs(np.diag(found) - [1e3, 0.5])) <= error < 10
    outside, _ = _differences(lambda x: np.sum(np.sqrt(x)), np.array([-1.0]), 1.0).columns()
    assert np.isnan(outside).all()

"""Where descents start: the distributions, the seeds, and starts of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy import stats

import thalweg as tw

Array = np.ndarray[Any, Any]
SHAPES = {"W": np.full((300, 200), 7.0), "b": np.full(200, 7.0), "s": 7.0}


def drawn(start: tw.Start, seed: int = 0, like: Any = SHAPES) -> Any:
    """The start itself: the first step is not taken."""

    def loss(p: Any) -> Any:
        return np.sum(p["W"] ** 2) + np.sum(p["b"] ** 2) + p["s"] ** 2

    rule = tw.MaxSteps(1) | tw.LossBelow(1e300)
    return tw.minimize(loss, like, start=start, seed=seed, method=tw.GradientDescent(1e-9), stop=rule).parameters


@pytest.mark.parametrize(
    ("start", "matrix", "vector"),
    [
        (tw.Gaussian(0.5), stats.norm(7, 0.5), stats.norm(7, 0.5)),
        (tw.Uniform(-2, 3), stats.uniform(-2, 5), stats.uniform(-2, 5)),
        (tw.Glorot(), stats.uniform(-np.sqrt(6 / 500), 2 * np.sqrt(6 / 500)), None),
        (tw.He(), stats.norm(0, np.sqrt(2 / 300)), None),
        (tw.Zeros(), None, None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_starts_are_drawn_from_their_distributions(start: tw.Start, matrix: Any, vector: Any) -> None:
    """Kolmogorov's test; what has no distribution is zero."""
    found = drawn(start, seed=5)
    for name, distribution in (("W", matrix), ("b", vector), ("s", vector)):
        if distribution is None:
            assert not np.any(found[name])
        elif name != "s":
            assert stats.kstest(np.ravel(found[name]), distribution.cdf).pvalue > 1e-3
            assert distribution.support()[0] <= np.min(found[name])


def test_the_fans_of_a_kernel() -> None:
    """He et al.: 3 × 3 × 16 inputs of each output."""

    def loss(p: Any) -> Any:
        return np.sum(p**2)

    arguments: dict[str, Any] = {"stop": tw.LossBelow(1e300), "method": tw.GradientDescent(0.1)}
    found = tw.minimize(loss, np.zeros((3, 3, 16, 32)), start=tw.He(), **arguments).parameters
    assert np.std(found) == pytest.approx(np.sqrt(2 / (3 * 3 * 16)), rel=0.05)


def test_seeds() -> None:
    first, same, other = (drawn(tw.Gaussian(), seed)["W"] for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)
    assert abs(np.corrcoef(first.ravel(), other.ravel())[0, 1]) < 0.02
    np.testing.assert_array_equal(drawn(tw.Gaussian(), -1)["b"], drawn(tw.Gaussian(), -1)["b"])


def test_float32_and_the_given_arrays_stay() -> None:
    like = {"W": np.ones((3, 2), np.float32), "b": np.ones(2, np.float32), "s": np.float32(1)}
    found = drawn(tw.Gaussian(), like=like)
    assert found["W"].dtype == np.float32
    assert (like["W"] == 1).all()


def test_a_start_of_ones_own() -> None:
    @dataclass(frozen=True)
    class Rising(tw.Start):
        step: float

        def leaf(self, shape: Any, given: Array, generator: np.random.Generator) -> Array:
            return given + self.step * np.arange(np.prod(shape, dtype=int)).reshape(shape)

    found = drawn(Rising(0.5), like={"W": np.zeros((2, 2)), "b": np.ones(3), "s": 2.0})
    np.testing.assert_array_equal(found["W"], [[0, 0.5], [1, 1.5]])
    np.testing.assert_array_equal(found["b"], [1, 1.5, 2])
    assert found["s"] == 2


def test_many_starts_begin_at_what_is_given() -> None:
    def loss(x: Any) -> Any:
        return np.sum((x - 1) ** 2)

    rule: dict[str, Any] = {"stop": tw.LossBelow(1e300), "method": tw.GradientDescent(0.1), "restarts": 4}
    plain = tw.minimize(loss, np.full(2, 5.0), **rule)
    np.testing.assert_array_equal(plain.members[0].parameters, 5)
    assert len({float(member.parameters[0]) for member in plain.members}) == 4
    drawn_ = tw.minimize(loss, np.full(2, 5.0), start=tw.Uniform(0, 1), **rule)
    assert all((member.parameters <= 1).all() for member in drawn_.members)


def test_the_same_seed_gives_the_same_run_on_any_number_of_threads() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30_000, 6))
    y = np.sin(X @ np.arange(6.0))

    def loss(p: Any, X: Any, y: Any) -> Any:
        return np.mean((np.tanh(X @ p["W"]) @ p["v"] - y) ** 2)

    for batch in (None, 64):
        runs = [
            tw.minimize(
                loss, {"W": np.zeros((6, 4)), "v": np.zeros(4)}, data=(X, y), start=tw.Gaussian(0.5), seed=9, threads=threads,
                batch_size=batch, method=tw.Adam(0.01), stop=tw.MaxSteps(30),
            )
            for threads in (1, 2, 3)
        ]  # fmt: skip
        for run in runs[1:]:
            np.testing.assert_array_equal(run.parameters["W"], runs[0].parameters["W"])
            np.testing.assert_array_equal(run.history.loss, runs[0].history.loss)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tw.Gaussian(0.0), "scale=0.0: expected a number above 0"),
        (lambda: tw.Gaussian(float("nan")), "scale=nan"),
        (lambda: tw.Uniform(1, 1), "low has to be smaller than high"),
        (lambda: tw.Uniform(0, float("inf")), "two finite numbers"),
        (lambda: tw.minimize(np.sum, np.ones(2), start="zeros"), "start='zeros': expected a start"),
        (lambda: tw.minimize(np.sum, np.ones(2), start=tw.Gaussian), "expected a start"),
        (lambda: tw.minimize(np.sum, np.ones(2), restarts=0), "restarts=0"),
        (lambda: tw.minimize(np.sum, np.ones(2), restarts=2.0), r"restarts=2\.0"),
    ],
)
def test_arguments_are_checked(make: Any, message: str) -> None:
    with pytest.raises(tw.ArgumentError, match=message):
        make()

"""The point with the smallest loss, found again: where it was met, whatever came after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.descent import best as best_module
from thalweg.descent.best import Best
from thalweg.descent.steps import Outside


def rosenbrock(x: Any) -> Any:
    return np.sum((1 - x[:-1]) ** 2 + 100 * (x[1:] - x[:-1] ** 2) ** 2)


def stopped(method: Any, steps: int, start: Any, **options: Any) -> Any:
    """A descent that a person stops, after so many steps, and wants the best of."""
    controls = tw.Controls()

    def on_progress(now: tw.Progress) -> None:
        if now.step >= steps:
            controls.stop(keep_best=True)

    return tw.minimize(
        rosenbrock,
        start,
        method=method,
        stop=tw.MaxSteps(10**12),
        controls=controls,
        on_progress=on_progress,
        **options,
    )


RESTLESS = [
    pytest.param(tw.Adam(0.3), id="Adam"),
    pytest.param(tw.Momentum(2e-4, momentum=0.99), id="momentum"),
    pytest.param(tw.Nesterov(2e-4, momentum=0.99), id="Nesterov"),
    pytest.param(tw.GradientDescent(1.9e-3), id="zigzag"),
]


@pytest.mark.parametrize("method", RESTLESS)
def test_the_best_point_is_one_that_was_passed(method: Any) -> None:
    """A descent that ends at the step that is told stands there; none of the losses that were seen is smaller."""
    start = np.array([-1.2, 1.0, -0.5])
    found = stopped(method, 200_000, start)
    assert found.history.step[-1] >= 200_000
    assert found.loss <= found.history.loss.min()
    assert found.loss == pytest.approx(float(rosenbrock(found.parameters)), rel=1e-12)
    again = tw.minimize(rosenbrock, start, method=method, stop=tw.MaxSteps(found.steps))
    if not isinstance(method, tw.Nesterov):  # whose losses are those of points ahead
        np.testing.assert_array_equal(again.parameters, found.parameters)
    gradient = tw.grad(rosenbrock)(found.parameters)
    assert found.gradient_norm == pytest.approx(float(np.linalg.norm(gradient)), rel=1e-9, abs=1e-12)


def test_each_member_has_its_own() -> None:
    start = np.array([-1.2, 1.0, -0.5])
    found = stopped(tw.GradientDescent(tw.grid(1e-4, 1.5e-3)), 100_000, start)
    assert isinstance(found, tw.Population)
    for member, rate in zip(found.members, (1e-4, 1.5e-3), strict=True):
        assert member.loss <= np.nanmin(member.history.loss)
        alone = tw.minimize(rosenbrock, start, method=tw.GradientDescent(rate), stop=tw.MaxSteps(member.steps))
        np.testing.assert_allclose(member.parameters, alone.parameters, rtol=1e-9)  # lanes round otherwise


def test_members_that_ended_long_ago_keep_theirs() -> None:
    """One overshoots at once and ends; its smallest loss is that of the start."""
    found = stopped(tw.GradientDescent(tw.grid(1e-6, 10.0)), 1_000_000, np.array([-1.2, 1.0]))
    slow, wild = found.members
    assert wild.loss == pytest.approx(float(rosenbrock(np.array([-1.2, 1.0]))), rel=1e-14)
    assert wild.steps == 0
    assert slow.steps >= 1_000_000


def test_a_changed_rate_holds_on_the_way_back_as_well() -> None:
    controls = tw.Controls()

    def on_progress(now: tw.Progress) -> None:
        if now.step > 50_000:
            controls.change_learning_rate(2.5)  # from here on it overshoots
        if now.step > 100_000 or not np.isfinite(now.loss):
            controls.stop(keep_best=True)

    found = tw.minimize(
        rosenbrock,
        np.array([-1.2, 1.0]),
        method=tw.GradientDescent(1e-3),
        stop=tw.MaxSteps(10**9),
        controls=controls,
        on_progress=on_progress,
    )
    assert found.loss <= found.history.loss.min()
    assert found.loss == pytest.approx(float(rosenbrock(found.parameters)), rel=1e-12)


def test_a_resumed_descent_knows_what_was_best_before() -> None:
    """Checkpoints hold the mark: the smallest loss may lie before the process was killed."""
    marks = Best([np.zeros((1, 2)), np.full(1, np.inf)])
    marks.before_stretch([np.ones((1, 2)), np.full(1, np.inf)], 7, Outside(rate_factor=0.5))
    marks.after_stretch(np.array([3.0]), np.array([9]))
    kept = marks.to_arrays(["parameters", "best.loss"])
    later = Best([np.zeros((1, 2)), np.full(1, np.inf)])
    later.go_on(kept, ["parameters", "best.loss"])
    later.before_stretch([np.full((1, 2), 5.0), np.full(1, 3.0)], 9, Outside())
    later.after_stretch(np.array([3.0]), np.array([20]))
    assert (later.loss[0], later.iteration[0], later.iterations[0]) == (3.0, 7, 2)
    np.testing.assert_array_equal(later.state[0], np.ones((1, 2)))
    assert Outside(*later.outside[0]).rate_factor == 0.5
    later.after_stretch(np.array([2.0]), np.array([30]))
    assert (later.iteration[0], later.iterations[0]) == (9, 21)


def test_marks_take_a_small_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it takes to copy a state: marks of it become rare."""
    clock = Clock()
    monkeypatch.setattr(best_module.time, "perf_counter", lambda: clock.now)
    best = Best([np.ones((1, 2))])
    state: Any = [SlowToCopy(clock)]
    for iteration in range(2000):
        best.before_stretch(state, iteration, Outside())
        clock.now += 0.05
        best.after_stretch(np.array([1.0 / (1 + iteration)]), np.array([iteration + 1]))
    assert clock.copies > 50  # it goes on
    assert clock.copies * SlowToCopy.seconds < 1.1 * best_module._SHARE * clock.now
    assert best.iterations[0] <= 1 + SlowToCopy.seconds / best_module._SHARE / 0.05


@dataclass
class Clock:
    """Seconds that pass when something takes time."""

    now: float = 0.0
    copies: int = 0


@dataclass
class SlowToCopy:
    """Stands for a large array."""

    clock: Clock
    seconds = 0.01

    def copy(self) -> Any:
        self.clock.now += self.seconds
        self.clock.copies += 1
        return np.ones((1, 2))

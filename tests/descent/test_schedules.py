"""Schedules: their values by hand, the same when compiled, and wrong arguments."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg import schedules

EXPECTED: dict[str, tuple[Any, Callable[[int], float]]] = {
    "constant": (schedules.constant(0.1), lambda t: 0.1),
    "inverse_time": (schedules.inverse_time(0.1, 0.5), lambda t: 0.1 / (1 + 0.5 * t)),
    "step_decay": (schedules.step_decay(0.1, 0.5, 7), lambda t: 0.1 * 0.5 ** (t // 7)),
    "exponential": (schedules.exponential(0.1, 0.9), lambda t: 0.1 * 0.9**t),
    "polynomial": (schedules.polynomial(0.1, 0.01, 20, 2.0), lambda t: 0.01 + 0.09 * (1 - min(t / 20, 1)) ** 2),
    "cosine": (schedules.cosine(0.1, 20, 0.01), lambda t: 0.01 + 0.09 * (1 + math.cos(math.pi * min(t / 20, 1))) / 2),
    "warm_up": (schedules.warm_up(5, schedules.exponential(0.1, 0.9)), lambda t: min((t + 1) / 5, 1) * 0.1 * 0.9**t),
    "chained": (schedules.chained((5, 0.1), (5, 0.01), (5, 0.001)), lambda t: (0.1, 0.01, 0.001)[min(t // 5, 2)]),
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_rates_of_a_descent_are_those_of_the_formula(name: str) -> None:
    schedule, formula = EXPECTED[name]
    result = tw.minimize(
        lambda x: np.sum(x**2), np.ones(2), method=tw.GradientDescent(learning_rate=schedule), stop=tw.MaxSteps(30)
    )
    wanted = [formula(t) for t in range(31)]
    np.testing.assert_allclose(result.history.learning_rate, wanted, rtol=1e-13)
    np.testing.assert_allclose([float(schedule(t)) for t in range(31)], wanted, rtol=1e-13)


def test_one_cycle_rises_and_falls() -> None:
    rates = [float(schedules.one_cycle(1.0, 100)(t)) for t in range(101)]
    assert rates[0] == pytest.approx(0.04)
    assert rates[30] == pytest.approx(1.0)
    assert rates[100] == pytest.approx(4e-6)
    assert (np.diff(rates[:31]) > 0).all()
    assert (np.diff(rates[30:]) < 0).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.constant(0), "rate=0"),
        (lambda: schedules.exponential(0.1, 1.5), "decay=1.5"),
        (lambda: schedules.cosine(0.1, 0), "steps=0"),
        (lambda: schedules.warm_up(2.5, 0.1), "steps=2.5"),
        (lambda: schedules.one_cycle(0.1, 10, share=1.0), "share=1.0"),
        (lambda: schedules.chained(), "at least one part"),
    ],
)
def test_wrong_arguments(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(tw.ArgumentError, match=message):
        make()

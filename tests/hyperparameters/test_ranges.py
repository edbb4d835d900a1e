"""Ranges: what they draw, how they narrow, and what they refuse."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import thalweg as tw
from thalweg.hyperparameters.ranges import check_range

RANGES = [
    tw.LogUniform(1e-6, 1),
    tw.Uniform(0.5, 0.99),
    tw.Uniform(-3, 7),
    tw.Integer(1, 9),
    tw.Choice("relu", "tanh", "none"),
    tw.Choice(0.1, 0.5, 2),
]


def holds(range: Any, value: Any) -> bool:
    return value in range.options if isinstance(range, tw.Choice) else range.low <= value <= range.high


@pytest.mark.parametrize("range", RANGES, ids=str)
def test_draws_stay_inside_and_repeat(range: Any) -> None:
    values = [range.draw(np.random.default_rng(seed)) for seed in np.arange(300).tolist()]
    assert all(holds(range, value) for value in values)
    assert values == [range.draw(np.random.default_rng(seed)) for seed in np.arange(300).tolist()]
    json.dumps(values)
    json.dumps(range.to_dict())


def test_every_power_of_ten_gets_its_share() -> None:
    rng = np.random.default_rng(0)
    values = np.log10([tw.LogUniform(1e-6, 1).draw(rng) for _ in range(6000)])
    counts, _ = np.histogram(values, bins=np.arange(-6, 1))
    assert np.all(np.abs(counts - 1000) < 120)


def test_whole_numbers_and_options_come_equally_often() -> None:
    rng = np.random.default_rng(0)
    for range_ in (tw.Integer(3, 6), tw.Choice("a", "b", "c", "d")):
        _, counts = np.unique([range_.draw(rng) for _ in range(4000)], return_counts=True)
        assert len(counts) == 4
        assert np.all(np.abs(counts - 1000) < 120)


def width(range: Any) -> float:
    if isinstance(range, tw.Choice):
        return len(range.options)
    if isinstance(range, tw.LogUniform):
        return math.log(range.high / range.low)
    return float(range.high - range.low)


@given(st.sampled_from(RANGES), st.integers(0, 2**32), st.integers(1, 8), st.floats(0.1, 1))
def test_narrowing(range: Any, seed: int, count: int, factor: float) -> None:
    """Narrower each time, never outside what the user gave, and always around the best value."""
    rng = np.random.default_rng(seed)
    now = range
    for _ in np.arange(6):
        kept = [range.draw(rng) for _ in np.arange(count)]
        new = now.narrowed(kept, factor, range)
        if isinstance(range, tw.Choice):
            assert set(new.options) <= {*now.options, kept[0]}
        else:
            assert range.low <= new.low <= new.high <= range.high
        if isinstance(range, tw.Integer):
            assert width(new) < width(now) or width(now) == 0
        elif not isinstance(range, tw.Choice):
            assert width(new) <= factor * width(now) * (1 + 1e-9)
        now = new


@given(st.sampled_from(RANGES), st.integers(0, 2**32))
def test_the_best_value_stays_inside(range: Any, seed: int) -> None:
    """The best may lie outside of the last range: it is of any round."""
    rng = np.random.default_rng(seed)
    best, now = range.draw(rng), range
    for _ in np.arange(6):
        now = now.narrowed([best, *(now.draw(rng) for _ in np.arange(5))], 0.5, range)
        assert holds(now, best)


def test_close_values_do_not_make_a_range_vanish() -> None:
    now: Any = tw.LogUniform(1e-6, 1)
    for _ in range(200):
        now = now.narrowed([0.01, 0.01], 0.5, tw.LogUniform(1e-6, 1))
    assert now.low < now.high
    assert now.low <= 0.01 <= now.high


def test_a_uniform_range_is_a_start_as_well() -> None:
    found = tw.minimize(lambda w: np.sum(w**2), np.zeros(3), start=tw.Uniform(2, 3), stop=tw.MaxSteps(1))
    assert found.history.loss[0] > 12
    from thalweg.descent import Uniform

    assert check_range("x", Uniform(1, 2)) == tw.Uniform(1, 2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tw.LogUniform(0, 1), "above 0, since 0 has no logarithm"),
        (lambda: tw.LogUniform(-1, 1), "above 0"),
        (lambda: tw.LogUniform(1, 1e-6), r"low has to be smaller than high: write tw.LogUniform\(1e-06, 1\)"),
        (lambda: tw.Uniform(1, 1), "is empty.*no range is needed"),
        (lambda: tw.Uniform(2, 1), r"write tw.Uniform\(1, 2\)"),
        (lambda: tw.Uniform(0, math.inf), "two finite numbers"),
        (lambda: tw.Uniform(0, math.nan), "two finite numbers"),
        (lambda: tw.Uniform("0", 1), "two finite numbers"),
        (lambda: tw.Integer(1.5, 3), "two whole numbers"),
        (lambda: tw.Integer(3, 1), r"write tw.Integer\(1, 3\)"),
        (lambda: tw.Choice(), "is empty"),
        (lambda: tw.Choice("a", "b", "a"), "'a' twice"),
        (lambda: check_range("rate", (1e-3, 1)), r"'rate': write tw.Uniform\(0.001, 1\) or tw.LogUniform\(0.001, 1\)"),
        (lambda: check_range("width", [8, 16, 32]), r"tw.Choice\(...\) for some options"),
        (lambda: check_range("rate", 0.1), "a value that is fixed belongs into the method or the loss"),
    ],
)
def test_what_is_no_range(make: Any, message: str) -> None:
    with pytest.raises(tw.ArgumentError, match=message):
        make()


@pytest.mark.parametrize(
    ("range", "low", "middle", "high"),
    [
        (tw.LogUniform(1e-6, 1), 1.1e-6, 0.5e-3, 0.99),
        (tw.Uniform(0, 1), 0.001, 0.5, 0.999),
        (tw.Integer(1, 5), 1, 3, 5),
    ],
)
def test_edges(range: Any, low: float, middle: float, high: float) -> None:
    assert (range.edge(low), range.edge(middle), range.edge(high)) == ("low", None, "high")

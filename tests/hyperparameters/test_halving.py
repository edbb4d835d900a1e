"""Successive halving: spends less, finds the same where the case is clear, and what goes on is not disturbed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.hyperparameters.halving import limited, steps_of

RNG = np.random.default_rng(0)
X = RNG.standard_normal((80, 6)) * np.geomspace(1, 0.05, 6)
Y = X @ np.arange(6.0) + 0.1 * RNG.standard_normal(80)


def squares(w: Any, X: Any, y: Any) -> Any:
    return np.mean((X @ w - y) ** 2)


ARGUMENTS: dict[str, Any] = {
    "loss": squares,
    "parameters": np.zeros(6),
    "ranges": {"learning_rate": tw.LogUniform(1e-6, 10), "momentum": tw.Choice(0.0, 0.9)},
    "data": (X[:60], Y[:60]),
    "validation": (X[60:], Y[60:]),
    "method": tw.Momentum,
    "rounds": 1,
    "trials": 27,
}


@pytest.mark.parametrize("batch_size", [None, 10])
def test_it_spends_less_and_finds_the_same(batch_size: int | None) -> None:
    ranges = {"learning_rate": tw.LogUniform(1e-6, 10)}
    arguments = {**ARGUMENTS, "ranges": ranges, "batch_size": batch_size, "stop": tw.MaxSteps(270)}
    whole, halved = tw.search(**arguments), tw.search(**arguments, halving=True)
    assert sum(t.steps for t in halved.trials) < sum(t.steps for t in whole.trials) / 4
    assert halved.best.number == whole.best.number
    assert halved.best.score == whole.best.score
    np.testing.assert_array_equal(halved.parameters, whole.parameters)
    assert halved.result.steps == 270


def test_what_goes_on_ends_as_if_it_had_never_paused() -> None:
    """To the last bit, mini-batches included; and the counts are those of the algorithm."""
    arguments = {
        **ARGUMENTS,
        "batch_size": 7,
        "stop": tw.MaxSteps(270),
        "ranges": {"learning_rate": tw.LogUniform(1e-4, 0.1)},
    }
    whole, halved = tw.search(**arguments), tw.search(**arguments, halving=True)
    by_budget = {b: [t for t in halved.trials if t.budget == b] for b in {t.budget for t in halved.trials}}
    assert {round(270 * b): len(trials) for b, trials in by_budget.items()} == {10: 18, 30: 6, 90: 2, 270: 1}
    for trial in halved.trials:
        assert trial.steps == round(270 * trial.budget)
        if trial.budget == 1:
            assert trial.score == whole.trials[trial.number].score
        else:
            assert trial.status.value == "stopped early"
    for budget, trials in by_budget.items():
        alone = tw.search(**{**arguments, "stop": tw.MaxSteps(round(270 * budget))})
        assert all(trial.score == alone.trials[trial.number].score for trial in trials)


def test_groups_compete_with_each_other() -> None:
    ranges = {"method": tw.Choice(tw.GradientDescent(), tw.Adam()), "learning_rate": tw.LogUniform(1e-3, 0.3)}
    found = tw.search(
        **{**ARGUMENTS, "ranges": ranges, "stop": tw.MaxSteps(90), "halving": tw.Halving(factor=2, rungs=3)}
    )
    complete = [trial for trial in found.trials if trial.budget == 1]
    assert len(complete) == 4
    assert found.best in complete


def test_what_has_come_to_rest_is_complete() -> None:
    """A descent that another rule ended needs no further steps."""
    rule = tw.GradientBelow(1e-3) | tw.MaxSteps(2700)
    found = tw.search(**{**ARGUMENTS, "stop": rule, "halving": True})
    rested = [trial for trial in found.trials if trial.status.value == "complete" and trial.steps < 2700]
    assert rested
    assert all(trial.budget == 1 for trial in rested)


def test_those_that_fail_do_not_go_on() -> None:
    ranges = {"learning_rate": tw.LogUniform(1e-3, 1e6)}
    found = tw.search(
        **{**ARGUMENTS, "ranges": ranges, "stop": tw.MaxSteps(540), "halving": tw.Halving(3, rungs=1), "rounds": 2}
    )
    assert any(trial.status.value == "not finite" for trial in found.trials)
    assert found.best.budget == 1


def test_budgets_and_limits() -> None:
    assert tw.Halving(2).budgets(16) == (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1)
    assert tw.Halving(3, rungs=1).budgets(100) == (1 / 3, 1)
    assert tw.Halving(3).budgets(1) == (1 / 3, 1)
    rule = tw.GradientBelow(1e-3) | tw.MaxSteps(100)
    assert steps_of(rule) == 100
    assert str(limited(rule, 10)) == "GradientBelow(0.001) | MaxSteps(10)"
    assert steps_of(tw.GradientBelow(1e-3) & tw.MaxSteps(100)) is None


@pytest.mark.parametrize("arguments", [{"factor": 1}, {"factor": 2.5}, {"rungs": 0}])
def test_what_is_no_halving(arguments: Any) -> None:
    with pytest.raises(tw.ArgumentError, match="expected a whole number"):
        tw.Halving(**arguments)

"""Searches: what is planted is found, ranges narrow around it, trials run together, and what cannot work is said beforehand."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.descent import plan as plans

RNG = np.random.default_rng(0)
TRUE = RNG.standard_normal(40) * (RNG.random(40) < 0.3)
X = RNG.standard_normal((60, 40))
Y = X @ TRUE + 2 * RNG.standard_normal(60)
NEW_X = RNG.standard_normal((500, 40))
NEW_Y = NEW_X @ TRUE + 2 * RNG.standard_normal(500)
DATA: dict[str, Any] = {"data": (X, Y), "validation": (NEW_X, NEW_Y)}


def ridge(w: Any, X: Any, y: Any, *, penalty: Any = 0.0) -> Any:
    return np.mean((X @ w - y) ** 2) + penalty * np.sum(w**2)


def bowl(w: Any) -> Any:
    return (w[0] ** 2 + 10 * w[1] ** 2) / 2


@pytest.mark.parametrize("seed", range(4))
def test_the_best_learning_rate_is_found(seed: int) -> None:
    """After 30 steps from (1, 1) gradient descent is at ((1 - η)³⁰, (1 - 10η)³⁰); a little more than the best η diverges."""
    rates = np.linspace(0.1, 0.2, 10_001)
    best = rates[np.argmin((1 - rates) ** 60 + 10 * (1 - 10 * rates) ** 60)]
    ranges = {"learning_rate": tw.LogUniform(1e-6, 1)}
    found = tw.search(bowl, np.ones(2), ranges, method=tw.GradientDescent, stop=tw.MaxSteps(30), seed=seed)
    assert found.best_values["learning_rate"] == pytest.approx(best, rel=0.03)
    assert found.best.score == found.result.loss == bowl(found.parameters)
    assert len(found.trials) == 128


def test_the_best_penalty_is_found() -> None:
    penalties = np.geomspace(1e-6, 10, 500)
    fits = [np.linalg.solve(X.T @ X / 60 + p * np.eye(40), X.T @ Y / 60) for p in penalties]
    scores = [np.mean((NEW_X @ w - NEW_Y) ** 2) for w in fits]
    found = tw.search(
        ridge, np.zeros(40), {"penalty": tw.LogUniform(1e-6, 10)}, **DATA, method=tw.LBFGS(), rounds=3, trials=16
    )
    best = int(np.argmin(scores))
    assert found.best_values["penalty"] == pytest.approx(penalties[best], rel=0.1)
    assert found.best.score == pytest.approx(scores[best], rel=1e-4)
    np.testing.assert_allclose(found.parameters, fits[best], atol=0.02)
    assert found.score == "the loss on the validation data, with penalty=0.0"


def branching(w: Any, X: Any, y: Any, *, penalty: Any = 0.0) -> Any:
    return ridge(w, X, y, penalty=penalty) if penalty > 0 else ridge(w, X, y)


WIDE = {
    "learning_rate": tw.LogUniform(1e-6, 1),
    "momentum": tw.Uniform(0.5, 0.99),
    "penalty": tw.LogUniform(1e-6, 10),
}


def test_ranges_shrink_around_the_best_and_stay_within_what_was_given() -> None:
    found = tw.search(ridge, np.zeros(40), WIDE, **DATA, method=tw.Momentum, stop=tw.MaxSteps(300), batch_size=16)
    assert len(found.ranges) == 5
    for number, (before, after) in enumerate(zip(found.ranges[:-1], found.ranges[1:], strict=True)):
        done = [trial for trial in found.trials if trial.round <= number]
        best = min(done, key=lambda trial: trial.score)
        for name, given in WIDE.items():
            old, new = before[name], after[name]
            assert given.low <= new.low <= best.values[name] <= new.high <= given.high
            if isinstance(given, tw.LogUniform):
                assert new.high / new.low <= (old.high / old.low) ** 0.5 * (1 + 1e-9)
            else:
                assert new.high - new.low <= 0.5 * (old.high - old.low) * (1 + 1e-9)
        for trial in found.trials:
            if trial.round == number:
                assert all(before[name].low <= value <= before[name].high for name, value in trial.values.items())
    by_round = [min(t.score for t in found.trials if t.round == number) for number in range(4)]
    assert found.best.score == min(by_round)
    medians = [np.median([t.score for t in found.trials if t.round == number]) for number in range(4)]
    assert medians[-1] < medians[0]


def test_a_trial_is_what_minimize_does_with_its_values() -> None:
    found = tw.search(
        ridge,
        np.zeros(40),
        WIDE,
        **DATA,
        method=tw.Momentum,
        stop=tw.MaxSteps(50),
        batch_size=16,
        trials=8,
        rounds=1,
        seed=3,
    )
    for trial in found.trials:
        penalty = trial.values["penalty"]
        alone = tw.minimize(
            lambda w, X, y, p=penalty: ridge(w, X, y, penalty=p),
            np.zeros(40),
            data=(X, Y),
            batch_size=16,
            seed=3,
            method=tw.Momentum(trial.values["learning_rate"], trial.values["momentum"]),
            stop=tw.MaxSteps(50),
        )
        if trial.status.value == "not finite":
            assert alone.stopped_by.reason == "not finite"
        else:
            assert trial.training_loss == pytest.approx(alone.loss, rel=1e-6)
            assert trial.score == pytest.approx(ridge(alone.parameters, NEW_X, NEW_Y), rel=1e-6)


def count_programs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of members in each program that is compiled from now on."""
    members: list[int] = []
    original = plans.compiled_step

    def counted(*arguments: Any) -> Any:
        made = original(*arguments)
        members.append(made.members)
        return made

    monkeypatch.setattr(plans, "compiled_step", counted)
    return members


def test_trials_that_share_a_shape_run_as_one_program(monkeypatch: pytest.MonkeyPatch) -> None:
    members = count_programs(monkeypatch)

    def loss(w: Any, X: Any, y: Any, *, penalty: Any = 0.0) -> Any:
        return np.mean(np.abs(X @ w - y)) + penalty * np.sum(w**2)

    tw.search(loss, np.zeros(40), WIDE, **DATA, method=tw.Momentum, stop=tw.MaxSteps(5), rounds=3)
    assert members == [16]


def test_choices_make_a_program_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a loss, of methods, and of the width of a layer."""
    members = count_programs(monkeypatch)

    def start(width: int) -> Any:
        rng = np.random.default_rng(0)
        return {"A": rng.standard_normal((1, width)), "b": np.zeros(width), "c": rng.standard_normal(width) / width}

    def loss(p: Any, X: Any, y: Any, *, activation: str) -> Any:
        hidden = X[:, :1] @ p["A"] + p["b"]
        return np.mean(((np.tanh(hidden) if activation == "tanh" else hidden) @ p["c"] - y) ** 2)

    x = np.linspace(-2, 2, 64)[:, None]
    y = np.tanh(3 * x[:, 0] - 1)
    found = tw.search(
        loss,
        start,
        {
            "activation": tw.Choice("tanh", "none"),
            "width": tw.Choice(1, 4),
            "method": tw.Choice(tw.Adam, tw.Momentum()),
            "learning_rate": tw.LogUniform(1e-3, 1),
        },
        data=(x, y),
        validation=(x[::2] + 0.01, np.tanh(3 * (x[::2, 0] + 0.01) - 1)),
        stop=tw.MaxSteps(200),
        trials=24,
        rounds=2,
    )
    assert found.best_values["activation"] == "tanh"
    assert found.result.parameters["c"].shape == (found.best_values["width"],)
    assert len(members) <= 16
    assert found.ranges[1]["activation"] == tw.Choice("tanh")
    assert found.result.method.learning_rate == found.best_values["learning_rate"]


def test_numbers_with_decimals_share_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    members = count_programs(monkeypatch)
    ranges = {"momentum": tw.Choice(0.0, 0.5, 0.9), "learning_rate": tw.Choice(0.011, 0.1)}
    found = tw.search(bowl, np.ones(2), ranges, method=tw.Momentum, stop=tw.MaxSteps(41), rounds=1, trials=24)
    assert len(members) == 1
    assert {tuple(trial.values.values()) for trial in found.trials} == {
        (a, b) for a in (0.0, 0.5, 0.9) for b in (0.011, 0.1)
    }


def test_batch_sizes_and_starts() -> None:
    found = tw.search(
        ridge,
        np.zeros(40),
        {"batch_size": tw.Choice(4, 16), "learning_rate": tw.LogUniform(1e-4, 0.1)},
        **DATA,
        method=tw.GradientDescent,
        start=tw.Gaussian(0.1),
        stop=tw.MaxSteps(20),
        rounds=1,
        trials=8,
    )
    assert {trial.values["batch_size"] for trial in found.trials} == {4, 16}
    losses = [trial.training_loss for trial in found.trials]
    assert len(set(losses)) == 8


def test_a_score_of_the_users() -> None:
    def score(w: Any, X: Any, y: Any, *, penalty: float) -> float:
        assert isinstance(w, np.ndarray)
        assert isinstance(penalty, float)
        return float(np.median(np.abs(X @ w - y)))

    def required(w: Any, X: Any, y: Any, *, penalty: Any) -> Any:
        return ridge(w, X, y, penalty=penalty)

    ranges = {"penalty": tw.LogUniform(1e-6, 10)}
    found = tw.search(required, np.zeros(40), ranges, **DATA, score=score, method=tw.LBFGS, rounds=2, trials=8)
    assert found.best.score == pytest.approx(float(np.median(np.abs(NEW_X @ found.parameters - NEW_Y))), rel=1e-9)
    assert found.score == "score, smaller is better"


def test_what_is_not_finite_ranks_last() -> None:
    """Learning rates that diverge, and a score that is NaN."""
    ranges = {"learning_rate": tw.LogUniform(1e-3, 1e30)}
    found = tw.search(bowl, np.ones(2), ranges, method=tw.GradientDescent, stop=tw.MaxSteps(200), rounds=2)
    failed = [trial for trial in found.trials if trial.status.value == "not finite"]
    assert failed
    assert found.ranking[-len(failed) :] == tuple(sorted(failed, key=lambda trial: trial.number))
    assert all(trial.score == np.inf for trial in failed)
    assert "not finite" in str(found)

    def score(w: Any) -> float:
        return float("nan") if w[0] > 0.5 else float(bowl(w))

    found = tw.search(
        bowl,
        np.ones(2),
        {"learning_rate": tw.LogUniform(1e-6, 0.1)},
        method=tw.GradientDescent,
        score=score,
        stop=tw.MaxSteps(30),
    )
    assert np.isfinite(found.best.score)
    assert found.parameters[0] <= 0.5


def test_no_trial_is_finite() -> None:
    with pytest.raises(tw.ArgumentError, match="none of the 4 trials reached a finite score.*range begin lower"):
        tw.search(
            lambda w: np.sum(w**4), np.ones(2), {"learning_rate": tw.LogUniform(1e3, 1e4)}, method=tw.GradientDescent,
            rounds=1, trials=4,
        )  # fmt: skip


def test_the_best_at_the_edge_is_told() -> None:
    ranges = {"learning_rate": tw.LogUniform(1e-5, 1e-3)}
    found = tw.search(bowl, np.ones(2), ranges, method=tw.GradientDescent, stop=tw.MaxSteps(30))
    assert any(
        re.search("learning_rate 0.000.* at the high end of its range, 1e-05 to 0.001: widen", n) for n in found.notes
    )


def test_the_same_seed_gives_the_same_search() -> None:
    arguments: dict[str, Any] = {**DATA, "method": tw.Momentum, "stop": tw.MaxSteps(30), "rounds": 2, "trials": 9}
    one, two, other = (tw.search(ridge, np.zeros(40), WIDE, **arguments, seed=seed) for seed in (5, 5, 6))
    assert [(t.values, t.score) for t in one.trials] == [(t.values, t.score) for t in two.trials]
    np.testing.assert_array_equal(one.parameters, two.parameters)
    assert one.best_values != other.best_values


def test_progress() -> None:
    seen: list[tw.SearchProgress] = []
    tw.search(
        bowl, np.ones(2), {"learning_rate": tw.LogUniform(1e-6, 1)}, method=tw.GradientDescent, rounds=3, trials=40,
        stop=tw.MaxSteps(30), on_progress=seen.append,
    )  # fmt: skip
    assert [now.done for now in seen] == sorted(now.done for now in seen)
    assert {now.round for now in seen} == {0, 1, 2}
    assert {32, 40, 72, 80, 120} <= {now.done for now in seen}
    assert seen[-1].best is not None
    assert seen[-1].best.score == min(now.best.score for now in seen if now.best)
    assert seen[-1].ranges["learning_rate"].high < 1
    assert any(now.descent for now in seen)


def test_the_user_stops_it() -> None:
    found = tw.search(
        bowl, np.ones(2), {"learning_rate": tw.LogUniform(1e-6, 1)}, method=tw.GradientDescent, stop=tw.MaxSteps(30),
        on_progress=lambda now: now.done >= 32,
    )  # fmt: skip
    assert len(found.trials) == 32
    assert "the user stopped the search after 32 of 128 trials" in str(found)


def test_ctrl_c_keeps_what_has_run() -> None:
    def press(now: tw.SearchProgress) -> None:
        if now.done >= 64 and now.descent:
            raise KeyboardInterrupt

    ranges = {"learning_rate": tw.LogUniform(1e-6, 1)}
    arguments: dict[str, Any] = {"method": tw.GradientDescent, "stop": tw.MaxSteps(30)}
    found = tw.search(bowl, np.ones(2), ranges, **arguments, on_progress=press)
    assert len(found.trials) == 64
    assert found.best.score < 1e-3

    def at_once(now: tw.SearchProgress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(tw.ArgumentError, match="stopped before a trial had ended"):
        tw.search(bowl, np.ones(2), ranges, **arguments, on_progress=at_once)


def test_it_prints_for_a_person() -> None:
    text = str(tw.search(ridge, np.zeros(40), WIDE, **DATA, method=tw.Momentum, stop=tw.MaxSteps(30), rounds=2))
    for part in ("64 trials in 2 rounds", "score ", "best ", "learning_rate 1e-06 to 1, momentum 0.5 to 0.99"):
        assert part in text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ranges": {}}, "there is nothing to search"),
        ({"ranges": {"learning_rate": (1e-6, 1)}}, r"'learning_rate': write tw.Uniform\(1e-06, 1\)"),
        ({"ranges": {"learning_rat": tw.Uniform(0, 1)}}, "Did you mean 'learning_rate'"),
        ({"ranges": {"penalti": tw.Uniform(0, 1)}}, "the loss ridge has no argument of this name. Did you mean 'penalty'"),
        ({"ranges": {"momentum": tw.Uniform(0.5, 1.5)}}, "'momentum', 0.5 to 1.5, holds values that cannot be tried: momentum=1.5"),
        ({"validation": None}, r"training has not seen: pass validation=\(X, y\)"),
        ({"validation": (NEW_X[:, :3], NEW_Y)}, r"data of the shapes \(60, 40\), \(60,\), and validation has \(500, 3\)"),
        ({"validation": NEW_X}, r"and validation has \(500, 40\): pass the same arrays with other rows"),
        ({"validation": (NEW_X, NEW_Y * np.nan)}, r"validation\[1\] holds nan in row 0"),
        ({"stop": tw.ValidationStalls() | tw.MaxSteps(10)}, "trials of a search run together"),
        ({"rounds": 0}, "rounds=0"),
        ({"trials": 1.5}, "trials=1.5"),
        ({"keep": 0}, "keep=0"),
        ({"narrowing": 2}, "narrowing=2"),
        ({"halving": 3}, "halving=3: expected True"),
        ({"halving": True, "stop": tw.GradientBelow(1e-3)}, r"the rule GradientBelow\(0.001\) sets none"),
        ({"score": 3}, "score=3: expected a function"),
        ({"score": lambda w, X, y: "good"}, "returns 'good'; a score is one number"),
        ({"method": "adam"}, "method='adam' is no method"),
        ({"file": "/no/such/folder/f.jsonl"}, "No such file or directory"),
        ({"loss": lambda w, X, y, *, penalty: np.mean((X @ w - y) ** 2) * penalty}, "the default for which the loss is a score"),
        ({"loss": branching}, "If it is 'penalty' that Python looks at: make its range a tw.Choice"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_said_before_it_runs(change: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {
        "loss": ridge,
        "parameters": np.zeros(40),
        "ranges": WIDE,
        **DATA,
        "method": tw.Momentum,
    }

    def ran(_: Any) -> None:
        raise AssertionError("it ran")

    with pytest.raises((tw.ThalwegError, ValueError), match=message):
        tw.search(**{**arguments, "on_progress": ran, **change})


def test_parameters_that_need_what_is_not_searched() -> None:
    with pytest.raises(tw.ArgumentError, match="takes 'width', for which there is no range"):
        tw.search(bowl, lambda width: np.zeros(width), {"learning_rate": tw.LogUniform(1e-3, 1)}, method=tw.Adam)

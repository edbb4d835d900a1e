"""Populations and trials on workers are those of one process, to the last digit."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import thalweg as tw

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(300, 4))
y = X @ GENERATOR.normal(size=4) + 0.1 * GENERATOR.normal(size=300)


def loss(w: Any, X: Any, y: Any, *, penalty: Any = 0.0) -> Any:
    return np.mean((X @ w - y) ** 2) + penalty * np.sum(w**2)


def test_a_population_is_the_same_as_in_one_process(cluster: tw.Cluster) -> None:
    options: dict[str, Any] = {
        "data": (X, y),
        "method": tw.Momentum(tw.powers_of_ten(-4, 0)),
        "restarts": 3,
        "stop": tw.MaxSteps(50),
    }
    there, here = tw.minimize(loss, np.zeros(4), cluster=cluster, **options), tw.minimize(loss, np.zeros(4), **options)
    assert there.ranking == here.ranking
    for a, b in zip(there.members, here.members, strict=True):
        np.testing.assert_array_equal(a.parameters, b.parameters)
        np.testing.assert_array_equal(a.history.loss, b.history.loss)
    assert there.members[0].verdict.kind == here.members[0].verdict.kind


def test_a_search_is_the_same_as_in_one_process(cluster: tw.Cluster) -> None:
    options: dict[str, Any] = {
        "method": tw.Momentum,
        "data": (X[:200], y[:200]),
        "validation": (X[200:], y[200:]),
        "rounds": 2,
        "trials": 6,
        "stop": tw.MaxSteps(100),
    }
    ranges = {"learning_rate": tw.LogUniform(1e-4, 1), "penalty": tw.LogUniform(1e-6, 1)}
    there = tw.search(loss, np.zeros(4), ranges, cluster=cluster, **options)
    here = tw.search(loss, np.zeros(4), ranges, **options)
    assert there.best_values == here.best_values
    assert [trial.score for trial in there.trials] == [trial.score for trial in here.trials]


def test_an_error_of_the_users_comes_back_as_it_is(cluster: tw.Cluster) -> None:
    def fails(job: int) -> int:
        raise ZeroDivisionError(f"job {job}")

    with pytest.raises(ZeroDivisionError, match="job 7"):
        list(cluster.map(fails, [7]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"workers": 0}, "workers=0"),
        ({"shards": -1}, "shards=-1"),
        ({"workers": 64}, "raise shards"),
        ({"address": 3}, "text"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(tw.ArgumentError, match=message):
        tw.Cluster(**arguments)


def test_halving_is_not_for_clusters(cluster: tw.Cluster) -> None:
    with pytest.raises(tw.ArgumentError, match="leave out one of them"):
        tw.search(
            loss,
            np.zeros(4),
            {"learning_rate": tw.LogUniform(1e-4, 1)},
            method=tw.Momentum,
            data=(X, y),
            stop=tw.MaxSteps(9),
            halving=True,
            cluster=cluster,
        )


def test_jobs_come_back_in_their_order_and_none_begins_after_an_error(cluster: tw.Cluster, tmp_path: Path) -> None:
    def job(number: int, folder: str) -> int:
        (Path(folder) / str(number)).touch()
        time.sleep(0.05 * (number % 3))
        if number == 20:
            raise ZeroDivisionError("job 20")
        return number

    assert list(cluster.map(job, range(15), str(tmp_path))) == list(range(15))
    found: list[int] = []
    with pytest.raises(ZeroDivisionError, match="job 20"):
        found.extend(cluster.map(job, range(15, 100), str(tmp_path)))
    assert found == [15, 16, 17, 18, 19]
    time.sleep(0.5)
    assert len(list(tmp_path.iterdir())) <= 20 + 2 * 2 * cluster.count()

"""Descents on a cluster: the same digits as on one worker, also after workers were killed."""

from __future__ import annotations

import dataclasses
import os
import signal
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.cluster import crew as crews
from thalweg.cluster.data import ClusterData
from thalweg.cluster.datasets import dataset_stream
from thalweg.cluster.shard import StreamShard
from thalweg.descent.minimize import planned
from thalweg.descent.single import run_single

GENERATOR = np.random.default_rng(0)
COUNT = 20_003
X = GENERATOR.normal(size=(COUNT, 8))
y = (X @ GENERATOR.normal(size=8) + GENERATOR.logistic(size=COUNT) > 0).astype(np.float64)
PARAMETERS = {"w": np.zeros(8), "b": 0.0}


def loss(p: Any, X: Any, y: Any) -> Any:
    z = X @ p["w"] + p["b"]
    return np.mean(np.log(1 + np.exp(z)) - y * z) + 0.01 * np.sum(p["w"] ** 2)


def squares(p: Any, X: Any, y: Any) -> Any:
    return np.sum((X @ p["w"] + p["b"] - y) ** 2)


METHODS = [tw.GradientDescent(0.5), tw.LBFGS(), tw.NewtonCG(), tw.LevenbergMarquardt()]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_full_batches_end_as_on_one_machine(cluster: tw.Cluster, method: tw.Method) -> None:
    objective = squares if isinstance(method, tw.LevenbergMarquardt) else loss
    options: dict[str, Any] = {"data": (X, y), "method": method, "stop": tw.MaxSteps(8)}
    there = tw.minimize(objective, PARAMETERS, cluster=cluster, **options)
    here = tw.minimize(objective, PARAMETERS, **options)
    np.testing.assert_allclose(there.parameters["w"], here.parameters["w"], rtol=1e-8)
    assert there.loss == pytest.approx(here.loss, rel=1e-12)
    assert there.steps == here.steps
    assert there.verdict.kind == here.verdict.kind


class _Killed:
    """Kills a worker in the middle of a descent, with a signal that cannot be caught."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
        self.asked, self.at, self.killed = 0, at, 0
        ask = crews.Crew.ask

        def asking(crew: crews.Crew, name: str, arguments: Any) -> Any:
            self.asked += 1
            if self.asked == self.at:
                os.kill(crew.ray.get(crew.members[0].actor.process.remote()), signal.SIGKILL)
                self.killed += 1
            return ask(crew, name, arguments)

        monkeypatch.setattr(crews.Crew, "ask", asking)


@pytest.mark.parametrize("batch_size", [None, 256])
def test_a_killed_worker_changes_no_digit(
    cluster: tw.Cluster, monkeypatch: pytest.MonkeyPatch, batch_size: int | None
) -> None:
    options: dict[str, Any] = {
        "data": (X, y),
        "method": tw.Momentum(0.1),
        "stop": tw.MaxSteps(12),
        "batch_size": batch_size,
        "cluster": cluster,
    }
    undisturbed = tw.minimize(loss, PARAMETERS, **options)
    killed = _Killed(monkeypatch, 7)
    found = tw.minimize(loss, PARAMETERS, **options)
    assert killed.killed == 1
    np.testing.assert_array_equal(found.parameters["w"], undisturbed.parameters["w"])
    np.testing.assert_array_equal(found.history.loss, undisturbed.history.loss)
    assert any("died and was replaced" in note for note in found.notes)


@pytest.mark.parametrize("moment", ["_given", "begin"])
def test_a_worker_may_die_before_the_first_step(
    cluster: tw.Cluster, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    options: dict[str, Any] = {"data": (X, y), "stop": tw.MaxSteps(3), "cluster": cluster}
    undisturbed = tw.minimize(loss, PARAMETERS, **options)
    usual, killed = getattr(crews.Crew, moment), []

    def killing(crew: crews.Crew, *arguments: Any) -> Any:
        if not killed:
            killed.append(crew.ray.get(crew.members[0].actor.process.remote()))
            os.kill(killed[0], signal.SIGKILL)
        return usual(crew, *arguments)

    monkeypatch.setattr(crews.Crew, moment, killing)
    found = tw.minimize(loss, PARAMETERS, **options)
    assert killed
    np.testing.assert_array_equal(found.parameters["w"], undisturbed.parameters["w"])


def test_without_room_for_another_the_others_take_over(cluster: tw.Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {"data": (X, y), "method": tw.LBFGS(), "stop": tw.MaxSteps(5), "cluster": cluster}
    undisturbed = tw.minimize(loss, PARAMETERS, **options)
    monkeypatch.setattr(crews, "_SECONDS_TO_REPLACE", 0.0)
    _Killed(monkeypatch, 4)
    found = tw.minimize(loss, PARAMETERS, **options)
    np.testing.assert_array_equal(found.parameters["w"], undisturbed.parameters["w"])
    assert any("went to the others" in note for note in found.notes)


def test_the_number_of_workers_changes_no_digit(cluster: tw.Cluster) -> None:
    found = [
        tw.minimize(loss, PARAMETERS, data=(X, y), stop=tw.MaxSteps(5), cluster=tw.Cluster(workers=workers))
        for workers in (1, 2)
    ]
    np.testing.assert_array_equal(found[0].parameters["w"], found[1].parameters["w"])


def test_mini_batches_are_repeatable_and_train(cluster: tw.Cluster) -> None:
    options: dict[str, Any] = {"data": (X, y), "batch_size": 500, "stop": tw.MaxSteps(60), "cluster": cluster}
    first, again = (tw.minimize(loss, PARAMETERS, method=tw.Adam(0.05), seed=3, **options) for _ in range(2))
    other = tw.minimize(loss, PARAMETERS, method=tw.Adam(0.05), seed=4, **options)
    best = tw.minimize(loss, PARAMETERS, data=(X, y))
    np.testing.assert_array_equal(first.parameters["w"], again.parameters["w"])
    assert not np.array_equal(first.parameters["w"], other.parameters["w"])
    assert first.loss < best.loss + 0.01


@pytest.mark.parametrize("batch_size", [7, 100])
def test_mini_batches_are_those_of_one_machine(cluster: tw.Cluster, batch_size: int) -> None:
    """Also where a batch has fewer examples than there are shards, and shards differ in size."""
    rows = [(0, 10), (10, 13), (13, 400)]
    parts = [lambda a=a, b=b: [(X[a:b], y[a:b])] for a, b in rows]
    options: dict[str, Any] = {"method": tw.Momentum(0.1), "batch_size": batch_size, "stop": tw.MaxSteps(90)}
    here = tw.minimize(loss, PARAMETERS, data=(X[:400], y[:400]), **options)
    there = [
        tw.minimize(loss, PARAMETERS, data=(X[:400], y[:400]), cluster=cluster, **options),
        _on_parts(cluster, parts, [b - a for a, b in rows], options),
    ]
    for found in there:
        np.testing.assert_allclose(found.parameters["w"], here.parameters["w"], rtol=1e-9)


def _on_parts(cluster: tw.Cluster, parts: list[Any], rows: list[int], options: dict[str, Any]) -> tw.Result:
    """A descent whose shards are these parts."""
    plan, members, _ = planned(loss, PARAMETERS, data=(X[: sum(rows)], y[: sum(rows)]), **options)
    shards = [StreamShard(tw.Stream(part, rows=[count])) for part, count in zip(parts, rows, strict=True)]
    with cluster.crew(shards) as crew:
        spread = dataclasses.replace(plan, data=ClusterData(plan.data.structure, plan.data, crew))
        return run_single(spread, members[0].vector, members[0].method, None)


def test_mini_batches_of_what_does_not_fit_in_the_workers_memory_are_refused(cluster: tw.Cluster) -> None:
    def part() -> Any:
        return [(np.zeros((150_000, 8)), np.zeros(150_000))]

    stream = tw.Stream(part, part, rows=[150_000] * 2, memory="16 MB")
    with pytest.raises(tw.ArgumentError, match="Give the stream more memory, or leave out batch_size"):
        tw.minimize(loss, PARAMETERS, data=stream, batch_size=100, cluster=cluster)


def test_local_steps_train(cluster: tw.Cluster) -> None:
    found = tw.minimize(
        loss,
        PARAMETERS,
        data=(X, y),
        method=tw.Adam(0.02),
        batch_size=64,
        stop=tw.MaxSteps(600),
        cluster=tw.Cluster(workers=2, local_steps=50),
    )
    best = tw.minimize(loss, PARAMETERS, data=(X, y))
    assert found.steps == 600
    assert found.loss < best.loss + 0.01


def test_a_button_reaches_workers_that_take_steps_of_their_own(cluster: tw.Cluster) -> None:
    button = tw.Stop()
    found = tw.minimize(
        loss,
        PARAMETERS,
        data=(X, y),
        method=tw.GradientDescent(1e-6),
        batch_size=64,
        stop=button | tw.MaxSteps(10**7),
        on_progress=lambda now: button.press() if now.step > 20 else None,
        cluster=tw.Cluster(workers=2, local_steps=5),
    )
    assert found.stopped_by.reason == "interrupted"
    assert found.steps < 10**6


def test_a_tree_of_workers_gives_the_same_digits(cluster: tw.Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {"data": (X, y), "stop": tw.MaxSteps(4), "cluster": cluster}
    direct = tw.minimize(loss, PARAMETERS, **options)
    monkeypatch.setattr("thalweg.cluster.totals._FAN_IN", 1)
    monkeypatch.setattr("thalweg.cluster.totals.ClusterTotals.fan_in", 1, raising=False)
    np.testing.assert_array_equal(tw.minimize(loss, PARAMETERS, **options).parameters["w"], direct.parameters["w"])


def test_a_stream_is_read_by_the_workers(cluster: tw.Cluster, tmp_path: Any) -> None:
    paths = []
    for number in range(5):
        rows = slice(number * 4000, (number + 1) * 4000)
        np.savez(tmp_path / f"{number}.npz", X=X[rows], y=y[rows])
        paths.append(str(tmp_path / f"{number}.npz"))

    def part(path: str) -> Any:
        def chunks() -> Any:
            with np.load(path) as file:
                return [(file["X"], file["y"])]

        return chunks

    stream = tw.Stream(*map(part, paths))
    there = tw.minimize(loss, PARAMETERS, data=stream, stop=tw.MaxSteps(5), cluster=cluster)
    here = tw.minimize(loss, PARAMETERS, data=(X[:20_000], y[:20_000]), stop=tw.MaxSteps(5))
    np.testing.assert_allclose(there.parameters["w"], here.parameters["w"], rtol=1e-9)


def test_an_address_without_a_cluster_is_a_clear_error() -> None:
    import ray

    if ray.is_initialized():
        pytest.skip("a cluster is connected already")
    with pytest.raises(tw.ClusterError, match="there is no Ray cluster at 127.0.0.1:1"):
        tw.minimize(loss, PARAMETERS, data=(X, y), cluster=tw.Cluster("127.0.0.1:1"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Ray's own
def test_blocks_of_a_ray_dataset_are_read_where_they_lie(cluster: tw.Cluster) -> None:
    import pyarrow as pa
    import ray

    tables = [
        pa.table({"X": list(X[rows]), "y": y[rows]}) for rows in (slice(0, 3000), slice(3000, 4000), slice(4000, 9000))
    ]
    cluster.count()  # connects

    def arrays(table: Any) -> Any:
        features = table.column("X").combine_chunks()
        return features.flatten().to_numpy().reshape(len(table), -1), table.column("y").to_numpy()

    stream = dataset_stream(ray.data.from_arrow(tables), arrays)
    there = tw.minimize(loss, PARAMETERS, data=stream, stop=tw.MaxSteps(4), cluster=cluster)
    here = tw.minimize(loss, PARAMETERS, data=(X[:9000], y[:9000]), stop=tw.MaxSteps(4))
    np.testing.assert_allclose(there.parameters["w"], here.parameters["w"], rtol=1e-9)


def test_a_cluster_that_is_gone_is_a_clear_error(cluster: tw.Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(self: Any, *arguments: Any, **named: Any) -> Any:
        raise ConnectionError("the driver's connection is closed")

    import ray

    cluster.count()
    monkeypatch.setattr(ray, "get", gone)
    with pytest.raises(tw.ClusterError, match="does not answer any more"):
        tw.minimize(loss, PARAMETERS, data=(X, y), cluster=cluster)


def test_tables_are_fitted_on_a_cluster(cluster: tw.Cluster, tmp_path: Any) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from thalweg.fitting import fit

    for number in range(4):
        rows = slice(number * 2000, (number + 1) * 2000)
        columns = {f"x{i}": X[rows, i] for i in range(8)} | {"y": y[rows] > 0}
        pq.write_table(pa.table(columns), tmp_path / f"{number}.parquet")
    files = str(tmp_path / "*.parquet")
    there, here = fit(files, "y", memory="200 MB", cluster=cluster), fit(files, "y", memory="200 MB")
    np.testing.assert_allclose(there.parameters["w"], here.parameters["w"], rtol=1e-6)
    assert there.scores["validation"]["accuracy"] == here.scores["validation"]["accuracy"]


@pytest.mark.parametrize("batch_size", [None, 500])
def test_after_the_cluster_was_gone_the_descent_goes_on_to_the_same_digits(
    cluster: tw.Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, batch_size: int | None
) -> None:
    options: dict[str, Any] = {
        "data": (X, y),
        "method": tw.Adam(0.05),
        "stop": tw.MaxSteps(20),
        "batch_size": batch_size,
        "cluster": cluster,
    }
    undisturbed = tw.minimize(loss, PARAMETERS, **options)
    ask, asked = crews.Crew.ask, []

    def asking(crew: crews.Crew, name: str, arguments: Any) -> Any:
        asked.append(name)
        if len(asked) == 9:
            raise tw.ClusterError("the cluster does not answer any more")
        return ask(crew, name, arguments)

    with monkeypatch.context() as patched:
        patched.setattr(crews.Crew, "ask", asking)
        with pytest.raises(tw.ClusterError, match="The last checkpoint is kept"):
            tw.minimize(loss, PARAMETERS, checkpoints=tw.Checkpoints(tmp_path, every=1e-3), **options)
    found = tw.minimize(loss, PARAMETERS, checkpoints=tw.Checkpoints(tmp_path), **options)
    np.testing.assert_array_equal(found.parameters["w"], undisturbed.parameters["w"])
    np.testing.assert_array_equal(found.history.loss, undisturbed.history.loss)

"""What a step costs on many workers: a cost model as a simulation, fed with what is measured on this machine.

    python -m benchmarks.scale [--measure]

The model: the driver calls every worker (one call after the other), each reads its examples once, answers with one vector; of more
than eight workers, some put eight answers together, level by level. `--measure` measures the constants with one and two workers on
this machine, and compares the model's prediction with steps that it was not fitted to. See docs/scale.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import statistics
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

FAN_IN = 8


@dataclass(frozen=True)
class Costs:
    """Constants of the model, in seconds and bytes.

    call: of the driver for each call, answer included. latency: of a round trip. rate: bytes of examples that a worker goes through
    in a second. network: bytes that a machine sends or receives in a second. sum: bytes of totals that are added in a second.
    spread: standard deviation of the logarithm of a worker's time. slow: share of steps in which a worker is held up, and
    by what factor.
    """

    call: float = 0.35e-3
    latency: float = 1.0e-3
    rate: float = 8e9
    network: float = 1.25e9
    sum: float = 2e9
    spread: float = 0.05
    slow: tuple[float, float] = (1e-4, 3.0)


def step_seconds(
    costs: Costs, workers: int, bytes_of_examples: float, parameters: int, rng: np.random.Generator
) -> float:
    """One step of a full-batch method, from the parameters to the sum of all totals."""
    vector = 8.0 * parameters
    sent = costs.call * np.arange(1, workers + 1)
    # Parameters travel as a tree among the machines: each passes on what it has received.
    arrives = sent + costs.latency / 2 + vector / costs.network * (1 + np.log2(workers))
    factor = np.exp(costs.spread * rng.standard_normal(workers))
    factor = np.where(rng.random(workers) < costs.slow[0], costs.slow[1] * factor, factor)
    ready = arrives + bytes_of_examples / workers / costs.rate * factor
    while len(ready) > FAN_IN:
        groups = [ready[first : first + FAN_IN] for first in range(0, len(ready), FAN_IN)]
        ready = np.array([_received(costs, group, vector) for group in groups])
    return _received(costs, ready, vector)


def _received(costs: Costs, ready: Any, vector: float) -> float:
    """When all answers have arrived at one place, one after the other, and are added up."""
    now = 0.0
    for moment in np.sort(ready):
        now = max(now, float(moment) + costs.latency / 2) + vector / costs.network + vector / costs.sum
    return now


def predicted(costs: Costs, workers: int, bytes_of_examples: float, parameters: int, steps: int = 200) -> float:
    """The median of simulated steps."""
    rng = np.random.default_rng(0)
    return statistics.median(step_seconds(costs, workers, bytes_of_examples, parameters, rng) for _ in range(steps))


def table(costs: Costs) -> None:
    """From a machine to a thousand of them."""
    print("row: 128 bytes; seconds of a step (share of it that is not reading examples)")
    print(f"{'workers':>8} {'examples':>10} {'100 parameters':>22} {'100,000':>22} {'10,000,000':>22}")
    for workers, examples in ((1, 1e9), (8, 1e10), (64, 1e11), (1000, 1e12), (1000, 1e11), (1000, 1e9), (10_000, 1e12)):
        cells = []
        for parameters in (100, 100_000, 10_000_000):
            seconds = predicted(costs, workers, 128 * examples, parameters, 20)
            reading = 128 * examples / workers / costs.rate
            cells.append(f"{seconds:12.4g} s ({1 - reading / seconds:5.1%})")
        print(f"{workers:>8} {examples:>10.0e} " + " ".join(f"{cell:>22}" for cell in cells))


def measured(workers: int, rows: int, parameters: int, steps: int = 60) -> float:
    """The median of real steps on this machine."""
    import thalweg as tw

    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, 15))
    y = X @ rng.normal(size=15)
    moments: list[tuple[int, float]] = []

    def loss(w: Any, X: Any, y: Any) -> Any:
        return np.mean((X @ w[:15] - y) ** 2) + 1e-6 * np.mean(w**2)

    tw.minimize(
        loss,
        np.zeros(max(parameters, 15)),
        data=(X, y),
        method=tw.GradientDescent(0.01),
        stop=tw.MaxSteps(steps),
        cluster=tw.Cluster(workers=workers),
        on_progress=lambda now: moments.append((now.step, time.perf_counter())),
    )
    times = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.pairwise(moments[2:]) if b[0] > a[0]]
    return statistics.median(times)


def measure() -> Costs:
    """Constants from steps on this machine, then steps that the model has to foresee."""
    import ray

    found: dict[tuple[int, int, int], float] = {}
    cases = [(64, 15), (64, 200_000), (2_000_000, 15), (1_000_000, 15), (500_000, 100_000)]
    for workers in (1, 2):
        for rows, parameters in cases:
            found[workers, rows, parameters] = measured(workers, rows, parameters)
        ray.shutdown()
    empty = found[1, 64, 15], found[2, 64, 15]
    call = max(1e-5, empty[1] - empty[0])
    latency = max(1e-5, empty[0] - call)
    rate = 128 * 2_000_000 / max(1e-9, found[1, 2_000_000, 15] - empty[0])
    travel = (found[1, 64, 200_000] - empty[0]) / (8 * 200_000)
    costs = Costs(call, latency, rate, network=2.5 / travel, sum=5 / travel)
    print(dataclasses.replace(costs))
    print(f"{'workers':>8} {'rows':>10} {'parameters':>11} {'measured':>12} {'model':>12}")
    for (workers, rows, parameters), seconds in found.items():
        model = predicted(costs, workers, 128 * rows, parameters)
        print(f"{workers:>8} {rows:>10,} {parameters:>11,} {1e3 * seconds:>9.2f} ms {1e3 * model:>9.2f} ms")
    return costs


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--measure", action="store_true")
    arguments = parser.parse_args()
    table(measure() if arguments.measure else Costs())


if __name__ == "__main__":
    main()

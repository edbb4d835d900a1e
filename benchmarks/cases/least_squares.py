"""Least squares on 1,000,000 × 100 float32: full-batch steps of gradient descent, the bandwidth, and the memory.

Every competitor takes 50 steps from zero; times are of whole calls, divided by 50. A call of thalweg evaluates loss and gradient
once more, at its end. The plain read is the fastest that was found from Python:
two threads, each the maximum of half of the matrix.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import numpy as np

from ..harness import Goal, Report, interleaved, missing

STEPS = 50
MEMORY = """
import re, numpy as np, thalweg as tw
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
rng = np.random.default_rng(0)
X = np.empty((1_000_000, 100), np.float32)
for block in X.reshape(100, -1):
    block[:] = rng.standard_normal(block.size, np.float32)
y = X[:, 0].copy()
before = peak()
tw.minimize(lambda w, X, y: np.mean((X @ w - y) ** 2), np.zeros(100, np.float32), data=(X, y),
            method=tw.GradientDescent(0.1), stop=tw.MaxSteps(5))
print(peak() - (X.nbytes + y.nbytes) / 2**20, peak() - before)
"""


def _read(X: np.ndarray) -> None:
    halves = np.array_split(X.reshape(-1), 2)
    threads = [threading.Thread(target=half.max) for half in halves]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def measure(repeats: int) -> list[Report]:
    """One report."""
    import thalweg as tw

    rng = np.random.default_rng(0)
    X = rng.standard_normal((1_000_000, 100), np.float32)
    y = X @ rng.standard_normal(100, np.float32) + rng.standard_normal(1_000_000, np.float32)
    runs: dict[str, Callable[[], object]] = {}
    ends: dict[str, np.ndarray] = {}
    alone: list[float] = []

    def thalweg() -> None:
        result = tw.minimize(
            lambda w, X, y: np.mean((X @ w - y) ** 2),
            np.zeros(100, np.float32),
            data=(X, y),
            method=tw.GradientDescent(0.1),
            stop=tw.MaxSteps(STEPS),
        )
        ends["thalweg"] = result.parameters
        alone.append(result.seconds)

    runs["thalweg"] = thalweg

    def numpy_() -> None:
        w = np.zeros(100, np.float32)
        for _ in range(STEPS):
            w -= np.float32(0.1) * (np.float32(2 / len(y)) * (X.T @ (X @ w - y)))
        ends["NumPy"] = w

    runs["NumPy"] = numpy_
    if not missing("jax"):
        import jax
        import jax.numpy as jnp

        Xj, yj = jnp.asarray(X), jnp.asarray(y)
        both = jax.value_and_grad(lambda w, X, y: jnp.mean((X @ w - y) ** 2))

        @jax.jit
        def descend(w: object, X: object, y: object) -> object:
            def step(w: object, _: object) -> object:
                loss, gradient = both(w, X, y)
                return w - 0.1 * gradient, loss

            return jax.lax.scan(step, w, None, length=STEPS)

        def with_jax() -> None:
            w, _ = descend(jnp.zeros(100, jnp.float32), Xj, yj)  # type: ignore[misc]
            ends["JAX"] = np.asarray(w)

        runs["JAX"] = with_jax
    if not missing("torch"):
        import torch

        Xt, yt = torch.from_numpy(X), torch.from_numpy(y)

        def with_torch() -> None:
            w = torch.zeros(100, requires_grad=True)
            optimiser = torch.optim.SGD([w], lr=0.1)
            for _ in range(STEPS):
                optimiser.zero_grad()
                loss = torch.mean((Xt @ w - yt) ** 2)
                loss.backward()
                optimiser.step()
            ends["PyTorch"] = w.detach().numpy()

        runs["PyTorch"] = with_torch
    per_run = interleaved(runs, repeats)
    for end in ends.values():
        np.testing.assert_allclose(end, ends["thalweg"], rtol=1e-3, atol=1e-4)
    seconds = {name: value / STEPS for name, value in per_run.items()}
    seconds["thalweg, the descent alone"] = statistics.median(alone[1:]) / STEPS
    reads = []
    for _ in range(2 * repeats + 3):
        begin = time.perf_counter()
        _read(X)
        reads.append(time.perf_counter() - begin)
    seconds["plain read, 2 threads"] = sorted(reads)[len(reads) // 2]
    memory = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True).stdout.split()
    peers = [seconds[name] for name in ("JAX", "PyTorch") if name in seconds]
    goals = [
        Goal("≥ 60 % of the bandwidth of a plain read", seconds["thalweg"] / seconds["plain read, 2 threads"], 1 / 0.6),
        Goal("memory: data + 100 MB (the whole process, in units of 100 MB)", float(memory[0]) / 100, 1.0),
    ]
    if peers:
        goals.insert(0, Goal("≤ 0.35 × the faster of PyTorch and JAX", seconds["thalweg"] / min(peers), 0.35))
    notes = [f"peak beyond the data: {float(memory[0]):.0f} MB, of which the descent added {float(memory[1]):.0f} MB"]
    return [Report("Least squares 1,000,000 × 100 float32, one full-batch step", "step", seconds, goals, notes)]

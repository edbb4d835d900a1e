"""Losses with a loop over time: a predator–prey model whose steps of Runge–Kutta are fitted to what was observed.

thalweg and JAX are given the same Python loop; JAX also the way that its users are told to write it, `lax.scan`. The time to the first
gradient is that of a process that has taken a gradient of something else before, with an empty cache; calls are warm.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial

from ..harness import Goal, Report, interleaved, missing

MODEL = """
import time
import numpy
def rate(np, z, p):
    x, y = z[0], z[1]
    return np.array([p[0] * x - p[1] * x * y, p[2] * x * y - p[3] * y])
def following(np, z, p, h=0.02):
    a = rate(np, z, p)
    b = rate(np, z + h / 2 * a, p)
    c = rate(np, z + h / 2 * b, p)
    d = rate(np, z + h * c, p)
    return z + h / 6 * (a + 2 * b + 2 * c + d)
def loop(np, p, observed):
    z, path = np.array([1.0, 0.5]), []
    for _ in range(len(observed)):
        z = following(np, z, p)
        path.append(z)
    return np.mean((np.stack(path) - observed) ** 2)
def scan(np, p, observed):
    def step(z, _):
        z = following(np, z, p)
        return z, z
    return np.mean((jax.lax.scan(step, np.array([1.0, 0.5]), None, len(observed))[1] - observed) ** 2)
start = numpy.array([1.2, 0.8, 0.9, 2.5])
observed = numpy.abs(numpy.random.default_rng(0).standard_normal(({steps}, 2)))
"""
THALWEG = """
import numpy as np, thalweg as tw
tw.value_and_grad(lambda x: np.sum(x))(np.ones(2))
begin = time.perf_counter()
gradient = tw.value_and_grad(lambda p: {loss}(np, p, observed))
gradient(start)
first = time.perf_counter() - begin
call = lambda: gradient(start)
"""
JAX = """
import jax, jax.numpy as np
jax.config.update("jax_enable_x64", True)
jax.jit(jax.value_and_grad(lambda x: np.sum(x)))(np.ones(2))[0].block_until_ready()
begin = time.perf_counter()
gradient = jax.jit(jax.value_and_grad(lambda p: {loss}(np, p, observed)))
gradient(start)[0].block_until_ready()
first = time.perf_counter() - begin
call = lambda: gradient(start)[0].block_until_ready()
"""
PRINT = """
times = []
for _ in range(200):
    begin = time.perf_counter()
    call()
    times.append(time.perf_counter() - begin)
value, slopes = gradient(start)
print(first, sorted(times)[100], float(value), *map(float, slopes))
"""


def _run(ways: str, loss: str, steps: int, calls: dict[str, list[list[float]]], name: str) -> float:
    code = (MODEL + ways).replace("{loss}", loss).replace("{steps}", str(steps)) + PRINT
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "THALWEG_CACHE": folder}
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    first, *rest = map(float, run.stdout.split())
    calls.setdefault(name, []).append(rest)
    return first


def measure(repeats: int) -> list[Report]:
    """One report for the time to the first gradient, one for a warm call."""
    calls: dict[str, list[list[float]]] = {}
    kinds = {f"thalweg, {steps} steps": (THALWEG, "loop", steps) for steps in (20, 200, 1000)}
    if not missing("jax"):
        kinds |= {"JAX, 20 steps": (JAX, "loop", 20), "JAX with scan, 200 steps": (JAX, "scan", 200)}
    first = interleaved({name: partial(_run, *kind, calls, name) for name, kind in kinds.items()}, max(1, repeats // 3))
    warm = {name: sorted(row[0] for row in rows)[len(rows) // 2] for name, rows in calls.items()}
    goals, of_calls = [], []
    if not missing("jax"):
        for ours, theirs in (
            ("thalweg, 20 steps", "JAX, 20 steps"),
            ("thalweg, 200 steps", "JAX with scan, 200 steps"),
        ):
            for mine, other in zip(calls[ours][0][1:], calls[theirs][0][1:], strict=True):
                assert abs(mine - other) <= 1e-8 * abs(other)
        goals = [Goal("20 steps ≤ 0.1 × JAX", first["thalweg, 20 steps"] / first["JAX, 20 steps"], 0.1)]
        ratio = warm["thalweg, 200 steps"] / warm["JAX with scan, 200 steps"]
        of_calls = [Goal("200 steps ≤ 1 × JAX with scan", ratio, 1.0)]
    return [
        Report("A loop over time, time to the first gradient", "result", first, goals),
        Report("The same, warm", "gradient", warm, of_calls),
    ]

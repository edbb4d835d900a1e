"""Time to the first result for losses of many graph nodes: trace, differentiate, compile, evaluate once.

A sum of sines of products of scalars taken from a vector of 32 parameters, unrolled by a Python loop, every term different;
and a chain of sin and tanh on whole vectors, which XLA can finish for few nodes only. thalweg's cache of compiled code is empty.
"""

from __future__ import annotations

from ..harness import Goal, Report, interleaved, missing

LOSS = """
def scalars(np, x, nodes):
    total = 0.0
    for i in range(nodes // 5):
        a, b = x[i % 32], x[(7 * i + 3) % 32]
        total = total + np.sin(a * b + 0.001 * i) * 0.3
    return total
def vectors(np, x, nodes):
    y = x
    for i in range(nodes // 5):
        y = np.sin(y) * 0.5 + np.tanh(x + y)
    return np.sum(y)
import time
"""
THALWEG = (
    LOSS
    + """
import numpy as np, thalweg as tw
tw.value_and_grad(lambda x: np.sum(x))(np.ones(2))
begin = time.perf_counter()
tw.value_and_grad(lambda x: {loss}(np, x, {nodes}))(np.linspace(0.1, 1, 32))
print(time.perf_counter() - begin)
"""
)
JAX = (
    LOSS
    + """
import jax, jax.numpy as np
jax.config.update("jax_enable_x64", True)
jax.jit(jax.value_and_grad(lambda x: np.sum(x)))(np.ones(2))[0].block_until_ready()
begin = time.perf_counter()
jax.jit(jax.value_and_grad(lambda x: {loss}(np, x, {nodes})))(np.linspace(0.1, 1, 32))[0].block_until_ready()
print(time.perf_counter() - begin)
"""
)


def _printed(code: str) -> float:
    import os
    import subprocess
    import sys
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "THALWEG_CACHE": folder}
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return float(run.stdout)


def measure(repeats: int) -> list[Report]:
    """One report for scalars, one for vectors."""
    reports = []
    for loss in ("scalars", "vectors"):
        compared = 5000 if loss == "scalars" else 500
        sizes = sorted({compared, 1250, 2500, 5000, 10_000})
        runs = {
            f"thalweg, {nodes:,} nodes": (lambda n=nodes, f=loss: _printed(THALWEG.format(loss=f, nodes=n)))
            for nodes in sizes
        }
        if not missing("jax"):
            runs[f"JAX, {compared:,} nodes"] = lambda n=compared, f=loss: _printed(JAX.format(loss=f, nodes=n))
        seconds = interleaved(runs, max(1, repeats // 3))
        growth = seconds["thalweg, 10,000 nodes"] / seconds["thalweg, 2,500 nodes"]
        goals = [Goal("linear: 10,000 nodes ≤ 4.6 × 2,500 nodes", growth, 4.6)]
        if f"JAX, {compared:,} nodes" in seconds:
            ratio = seconds[f"thalweg, {compared:,} nodes"] / seconds[f"JAX, {compared:,} nodes"]
            goals.insert(0, Goal(f"{compared:,} nodes ≤ 0.5 × JAX", ratio, 0.5))
        reports.append(Report(f"Time to first result, a loss of {loss}", "result", seconds, goals))
    return reports

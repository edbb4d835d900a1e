"""Logistic regression on 100,000 × 50 float32: one epoch of plain SGD with batches of 32, shuffled.

JAX permutes inside of the compiled function and gathers each batch in its `scan`, or all rows once before it, or takes an
order drawn by NumPy: all are timed, the fastest counts. PyTorch: randperm, then one index per batch; 300 steps, scaled to the epoch.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

import numpy as np

from ..harness import Goal, Report, interleaved, missing

BATCH, RATE = 32, 0.1


def measure(repeats: int) -> list[Report]:
    """One report."""
    import thalweg as tw

    rng = np.random.default_rng(0)
    X = rng.standard_normal((100_000, 50), np.float32)
    y = np.sign(X @ rng.standard_normal(50) + rng.standard_normal(100_000)).astype(np.float32)
    steps = len(y) // BATCH
    ends: dict[str, np.ndarray] = {}
    runs: dict[str, Callable[[], object]] = {}

    def loss(w: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.mean(np.log(1 + np.exp(-y * (X @ w))))

    alone: list[float] = []

    def thalweg() -> None:
        result = tw.minimize(
            loss,
            np.zeros(50, np.float32),
            data=(X, y),
            batch_size=BATCH,
            method=tw.GradientDescent(RATE),
            stop=tw.MaxSteps(steps),
        )
        ends["thalweg"] = result.parameters
        alone.append(result.seconds)

    runs["thalweg"] = thalweg
    if not missing("jax"):
        import jax
        import jax.numpy as jnp

        Xj, yj = jnp.asarray(X), jnp.asarray(y)
        gradient = jax.grad(lambda w, X, y: jnp.mean(jax.nn.softplus(-y * (X @ w))))

        def epoch(gathers_once: bool) -> Callable[..., object]:
            @jax.jit
            def run(key: object, w: object, X: object, y: object) -> object:
                order = jax.random.permutation(key, len(y))[: steps * BATCH].reshape(steps, BATCH)  # type: ignore[arg-type]
                if gathers_once:
                    batches = (X[order], y[order])  # type: ignore[index]
                    return jax.lax.scan(lambda w, b: (w - RATE * gradient(w, *b), None), w, batches)[0]
                return jax.lax.scan(lambda w, i: (w - RATE * gradient(w, X[i], y[i]), None), w, order)[0]  # type: ignore[index]

            return run

        for name, run in (("JAX, gather in scan", epoch(False)), ("JAX, gather once", epoch(True))):

            def with_jax(name: str = name, run: Callable[..., object] = run) -> None:
                ends[name] = np.asarray(run(jax.random.key(0), jnp.zeros(50, jnp.float32), Xj, yj))

            runs[name] = with_jax

        @jax.jit
        def scan_over(order: object, w: object, X: object, y: object) -> object:
            return jax.lax.scan(lambda w, i: (w - RATE * gradient(w, X[i], y[i]), None), w, order)[0]  # type: ignore[index]

        def with_numpys_order() -> None:
            order = rng.permutation(len(y))[: steps * BATCH].reshape(steps, BATCH)
            ends["JAX, NumPy's order"] = np.asarray(scan_over(order, jnp.zeros(50, jnp.float32), Xj, yj))

        runs["JAX, NumPy's order"] = with_numpys_order
    if not missing("torch"):
        import torch

        Xt, yt = torch.from_numpy(X), torch.from_numpy(y)

        def with_torch() -> float:
            import time

            w = torch.zeros(50, requires_grad=True)
            optimiser = torch.optim.SGD([w], lr=RATE)
            order = torch.randperm(len(yt))
            begin = time.perf_counter()
            for step in range(300):
                rows = order[step * BATCH : (step + 1) * BATCH]
                optimiser.zero_grad()
                value = torch.nn.functional.softplus(-yt[rows] * (Xt[rows] @ w)).mean()
                value.backward()
                optimiser.step()
            return (time.perf_counter() - begin) * steps / 300

        runs["PyTorch (300 steps, scaled)"] = with_torch
    seconds = interleaved(runs, 2 * repeats)
    descent = seconds["thalweg, the descent alone"] = statistics.median(alone[1:])
    if not missing("sklearn"):
        from sklearn.linear_model import SGDClassifier

        model = SGDClassifier(loss="log_loss", max_iter=1, tol=None, alpha=1e-9)
        seconds["scikit-learn SGDClassifier (batch 1)"] = interleaved({"x": lambda: model.fit(X, y)}, 3)["x"]
    values = {name: float(np.mean(np.logaddexp(0, -y * (X @ w)))) for name, w in ends.items()}
    for name, value in values.items():
        assert abs(value - values["thalweg"]) < 0.02 * values["thalweg"], (name, values)
    goals = []
    of_jax = [value for name, value in seconds.items() if name.startswith("JAX")]
    if of_jax:
        goals.append(Goal("the descent alone ≤ 0.3 × JAX", descent / min(of_jax), 0.3))
        goals.append(Goal("the whole call ≤ 0.3 × JAX", seconds["thalweg"] / min(of_jax), 0.3))
    of_torch = [value for name, value in seconds.items() if name.startswith("PyTorch")]
    if of_torch:
        goals.append(Goal("the descent alone ≤ 1/200 × PyTorch", descent / of_torch[0], 1 / 200))
    notes = [
        f"{descent / steps * 1e6:.2f} µs a step; the whole call also evaluates the loss over all examples, at its end"
    ]
    return [Report("Logistic regression 100,000 × 50, batch 32, one shuffled epoch", "epoch", seconds, goals, notes)]

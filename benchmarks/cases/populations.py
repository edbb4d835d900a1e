"""Populations: 64 learning rates of a logistic regression, and 256 starts of a Rosenbrock function in 10 dimensions.

JAX: the scan of one descent under `jit(vmap(...))`. Times of thalweg are of the descents alone and of whole calls; a whole call
also evaluates every member over all examples, ranks them and groups them.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

import numpy as np

from ..harness import Goal, Report, interleaved, missing

BATCH, STEPS = 32, 20_000


def measure(repeats: int) -> list[Report]:
    """One report for each."""
    return [_learning_rates(repeats), _restarts(repeats)]


def _learning_rates(repeats: int) -> Report:
    import thalweg as tw

    rng = np.random.default_rng(0)
    X = rng.standard_normal((100_000, 50), np.float32)
    y = np.sign(X @ rng.standard_normal(50) + rng.standard_normal(100_000)).astype(np.float32)
    steps = len(y) // BATCH
    rates = np.logspace(-4, 1, 64)
    alone: dict[str, list[float]] = {"thalweg, one": [], "thalweg, 64": []}

    def loss(w: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.mean(np.log(1 + np.exp(-y * (X @ w))))

    def run(name: str, rate: object) -> None:
        result = tw.minimize(
            loss,
            np.zeros(50, np.float32),
            data=(X, y),
            batch_size=BATCH,
            method=tw.GradientDescent(rate),  # type: ignore[arg-type]  # a number or a grid
            stop=tw.MaxSteps(steps),
        )
        alone[name].append(result.seconds)

    runs: dict[str, Callable[[], object]] = {
        "thalweg, one": lambda: run("thalweg, one", 0.1),
        "thalweg, 64": lambda: run("thalweg, 64", tw.grid(*rates.tolist())),
    }
    if not missing("jax"):
        import jax
        import jax.numpy as jnp

        Xj, yj = jnp.asarray(X), jnp.asarray(y)
        gradient = jax.grad(lambda w, X, y: jnp.mean(jax.nn.softplus(-y * (X @ w))))

        def epoch(rate: object, order: object, X: object, y: object) -> object:
            def step(w: object, i: object) -> object:
                return w - rate * gradient(w, X[i], y[i]), None  # type: ignore[operator, index]

            return jax.lax.scan(step, jnp.zeros(50, jnp.float32), order)[0]

        many = jax.jit(jax.vmap(epoch, in_axes=(0, None, None, None)))
        of_jax = jnp.asarray(rates, jnp.float32)

        def with_jax() -> None:
            order = rng.permutation(len(y))[: steps * BATCH].reshape(steps, BATCH)
            many(of_jax, order, Xj, yj).block_until_ready()

        runs["JAX, 64 under vmap"] = with_jax
    seconds = interleaved(runs, repeats)
    for name, found in alone.items():
        seconds[f"{name}, the descent alone"] = statistics.median(found[1:])
    together = seconds["thalweg, 64, the descent alone"]
    goals = [Goal("64 rates ≤ 8 × one", together / seconds["thalweg, one, the descent alone"], 8)]
    if "JAX, 64 under vmap" in seconds:
        goals.append(Goal("≤ 0.5 × JAX", together / seconds["JAX, 64 under vmap"], 0.5))
        goals.append(Goal("the whole call ≤ 0.5 × JAX", seconds["thalweg, 64"] / seconds["JAX, 64 under vmap"], 0.5))
    return Report("64 learning rates, logistic regression 100,000 × 50, batch 32, one epoch", "epoch", seconds, goals)


def _restarts(repeats: int) -> Report:
    import thalweg as tw

    alone: list[float] = []

    def rosenbrock(x: np.ndarray) -> np.ndarray:
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    def thalweg() -> None:
        result = tw.minimize(
            rosenbrock,
            np.zeros(10),
            restarts=256,
            start=tw.Uniform(-1, 1),
            method=tw.GradientDescent(1e-4),
            stop=tw.MaxSteps(STEPS),
        )
        alone.append(result.seconds)

    runs: dict[str, Callable[[], object]] = {"thalweg": thalweg}
    if not missing("jax"):
        import jax
        import jax.numpy as jnp

        jax.config.update("jax_enable_x64", True)
        gradient = jax.grad(lambda x: jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))

        @jax.jit
        @jax.vmap
        def descend(x: object) -> object:
            return jax.lax.fori_loop(0, STEPS, lambda _, x: x - 1e-4 * gradient(x), x)

        starts = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (256, 10)))
        runs["JAX under vmap"] = lambda: descend(starts).block_until_ready()
    seconds = interleaved(runs, 2 * repeats)
    seconds["thalweg, the descents alone"] = statistics.median(alone[1:])
    goals = []
    if "JAX under vmap" in seconds:
        peer = seconds["JAX under vmap"]
        goals.append(Goal("the descents alone ≤ 0.5 × JAX", seconds["thalweg, the descents alone"] / peer, 0.5))
        goals.append(Goal("the whole call ≤ 0.5 × JAX", seconds["thalweg"] / peer, 0.5))
    return Report(f"256 starts, Rosenbrock in 10 dimensions, {STEPS:,} steps", "run", seconds, goals)

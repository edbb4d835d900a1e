"""A perceptron 784-128-10 and softmax regression 784-10, float32: one shuffled epoch of batches of 64 over 60,000 examples, SGD and Adam.

The data have the shape of MNIST. JAX permutes inside of the compiled function and gathers each batch in its `scan`, or all rows once
before it: both are timed, the faster counts. PyTorch: randperm, then one index per batch, `torch.nn.functional.cross_entropy`;
100 steps, scaled to the epoch.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ..harness import Goal, Report, interleaved, missing

EXAMPLES, FEATURES, HIDDEN, CLASSES, BATCH = 60_000, 784, 128, 10, 64
STEPS = EXAMPLES // BATCH
RATES = {"SGD": 0.1, "Adam": 1e-3}
TORCH_STEPS = 100


def measure(repeats: int) -> list[Report]:
    """Four reports: two models, two methods."""
    rng = np.random.default_rng(0)
    X = rng.random((EXAMPLES, FEATURES), np.float32) - np.float32(0.5)
    y = rng.integers(0, CLASSES, EXAMPLES)
    X[np.arange(EXAMPLES), 50 * y] += 1
    W1 = (rng.standard_normal((FEATURES, HIDDEN)) / FEATURES**0.5).astype(np.float32)
    W2 = (rng.standard_normal((HIDDEN, CLASSES)) / HIDDEN**0.5).astype(np.float32)
    starts = {
        "perceptron 784-128-10": [(W1, np.zeros(HIDDEN, np.float32)), (W2, np.zeros(CLASSES, np.float32))],
        "softmax regression 784-10": [(np.zeros((FEATURES, CLASSES), np.float32), np.zeros(CLASSES, np.float32))],
    }
    bounds = {"perceptron 784-128-10": (0.6, 0.4), "softmax regression 784-10": (0.4, 0.4)}
    return [
        _report(f"{model}, {method}", method, start, (X, y), bounds[model], min(repeats, 5))
        for model, start in starts.items()
        for method in RATES
    ]


def loss(layers: Any, X: Any, y: Any) -> Any:
    """Mean cross-entropy, in plain NumPy."""
    for W, b in layers[:-1]:
        X = np.maximum(0, X @ W + b)
    z = X @ layers[-1][0] + layers[-1][1]
    return np.mean(np.log(np.sum(np.exp(z), axis=1)) - np.take_along_axis(z, y[:, None], 1)[:, 0])


def _report(name: str, method: str, start: Any, data: Any, bounds: tuple[float, float], repeats: int) -> Report:
    import thalweg as tw

    ends: dict[str, Any] = {}
    alone: list[float] = []
    own = tw.GradientDescent(RATES["SGD"]) if method == "SGD" else tw.Adam(RATES["Adam"])

    def thalweg() -> None:
        result = tw.minimize(loss, start, data=data, batch_size=BATCH, method=own, stop=tw.MaxSteps(STEPS))
        ends["thalweg"] = result.parameters
        alone.append(result.seconds)

    runs: dict[str, Callable[[], object]] = {"thalweg": thalweg}
    if not missing("jax"):
        for way, run in _with_jax(method, start, data).items():

            def jax_run(way: str = way, run: Callable[[], Any] = run) -> None:
                ends[way] = run()

            runs[way] = jax_run
    if not missing("torch"):
        runs["PyTorch (scaled)"] = _with_torch(method, start, data)
    seconds = interleaved(runs, repeats)
    descent = seconds["thalweg, the descent alone"] = statistics.median(alone[1:])
    values = {way: float(loss(layers, *data)) for way, layers in ends.items()}
    for way, value in values.items():
        assert abs(value - values["thalweg"]) < 0.05 * values["thalweg"], (way, values)
    goals = []
    for peer, bound in zip(("JAX", "PyTorch"), bounds, strict=True):
        theirs = [value for way, value in seconds.items() if way.startswith(peer)]
        if theirs:
            goals.append(Goal(f"the descent alone ≤ {bound} × {peer}", descent / min(theirs), bound))
            goals.append(Goal(f"the whole call ≤ {bound} × {peer}", seconds["thalweg"] / min(theirs), bound))
    return Report(
        f"{name}, batch 64, one epoch of 60,000", "epoch", seconds, goals, [f"{descent / STEPS * 1e6:.0f} µs a step"]
    )


def _with_jax(method: str, start: Any, data: Any) -> dict[str, Callable[[], Any]]:
    import jax
    import jax.numpy as jnp

    X, y = map(jnp.asarray, data)
    tree = jax.tree_util.tree_map
    rate = RATES[method]

    def mean_loss(layers: Any, X: Any, y: Any) -> Any:
        for W, b in layers[:-1]:
            X = jax.nn.relu(X @ W + b)
        z = X @ layers[-1][0] + layers[-1][1]
        return jnp.mean(jax.nn.logsumexp(z, axis=1) - jnp.take_along_axis(z, y[:, None], 1)[:, 0])

    gradient = jax.grad(mean_loss)

    def step(carry: Any, X: Any, y: Any) -> Any:
        layers, m, v, t = carry
        slopes = gradient(layers, X, y)
        if method == "SGD":
            return tree(lambda w, g: w - rate * g, layers, slopes), m, v, t
        t = t + 1
        m = tree(lambda m, g: 0.9 * m + 0.1 * g, m, slopes)
        v = tree(lambda v, g: 0.999 * v + 0.001 * g * g, v, slopes)
        a, b = 1 / (1 - 0.9**t), 1 / (1 - 0.999**t)
        return tree(lambda w, m, v: w - rate * (m * a) / (jnp.sqrt(v * b) + 1e-8), layers, m, v), m, v, t

    def epoch(gathers_once: bool) -> Callable[[], Any]:
        @jax.jit
        def run(key: Any, layers: Any, X: Any, y: Any) -> Any:
            zeros = tree(jnp.zeros_like, layers) if method == "Adam" else ()
            carry = (layers, zeros, zeros, jnp.float32(0))
            order = jax.random.permutation(key, EXAMPLES)[: STEPS * BATCH].reshape(STEPS, BATCH)
            if gathers_once:
                return jax.lax.scan(lambda c, b: (step(c, *b), None), carry, (X[order], y[order]))[0][0]
            return jax.lax.scan(lambda c, i: (step(c, X[i], y[i]), None), carry, order)[0][0]

        return lambda: tree(np.asarray, run(jax.random.key(0), start, X, y))

    return {"JAX, gather in scan": epoch(False), "JAX, gather once": epoch(True)}


def _with_torch(method: str, start: Any, data: Any) -> Callable[[], float]:
    import torch

    X, y = map(torch.from_numpy, data)

    def run() -> float:
        layers = [tuple(torch.from_numpy(a.copy()).requires_grad_() for a in layer) for layer in start]
        weights = [w for layer in layers for w in layer]
        kind = torch.optim.SGD if method == "SGD" else torch.optim.Adam
        optimiser = kind(weights, lr=RATES[method])
        order = torch.randperm(len(y))
        begin = time.perf_counter()
        for number in range(TORCH_STEPS):
            rows = order[number * BATCH : (number + 1) * BATCH]
            z = X[rows]
            for W, b in layers[:-1]:
                z = torch.relu(torch.addmm(b, z, W))
            z = torch.addmm(layers[-1][1], z, layers[-1][0])
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(z, y[rows]).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        return (time.perf_counter() - begin) * STEPS / TORCH_STEPS

    return run

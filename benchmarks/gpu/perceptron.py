"""A perceptron with mini-batches, which are products of matrices."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..harness import missing
from .contest import Case, Contest, Scale, compiled_by_torch, repeated, timed, torch_device

__all__ = ["perceptron"]


def perceptron(scale: Scale) -> Iterator[Case]:
    """784-128-10 and 784-1024-10 with mini-batches, which are products of matrices."""
    for precision in ("full", "tensorfloat32"):
        for width, batch in ((128, 64), (1024, 1024)):
            title = f"Perceptron 784-{width}-10, mini-batches of {batch}, {precision} precision"
            yield Case(title, lambda of=(width, batch, precision): _perceptron(scale, *of), 1.05, 0.2)


def _perceptron(scale: Scale, width: int, batch: int, precision: str) -> Contest:
    import jax
    import jax.numpy as jnp

    import thalweg as tw

    rng = np.random.default_rng(0)
    X = rng.standard_normal((scale.images, 784), np.float32)
    y = np.argmax(X @ rng.standard_normal((784, 10), np.float32), axis=1)
    batches = scale.images // batch
    steps, rate = scale.epochs * batches, 0.05
    start = {
        "A": (rng.standard_normal((784, width)) / 28).astype(np.float32), "a": np.zeros(width, np.float32),
        "B": (rng.standard_normal((width, 10)) / width**0.5).astype(np.float32), "b": np.zeros(10, np.float32),
    }  # fmt: skip
    finals: dict[str, np.ndarray] = {}

    def accuracy(name: str, p: Any) -> None:
        A, a, B, b = (np.asarray(p[key]) for key in "AaBb")
        finals[name] = np.array([np.mean(np.argmax(np.maximum(X @ A + a, 0) @ B + b, axis=1) == y)])

    def loss(p: Any, X: Any, y: Any) -> Any:
        scores = np.maximum(X @ p["A"] + p["a"], 0) @ p["B"] + p["b"]
        scores = scores - np.max(scores, axis=1, keepdims=True)
        picked = np.take_along_axis(scores, y[:, None], axis=1)[:, 0]
        return np.mean(np.log(np.sum(np.exp(scores), axis=1)) - picked)

    def thalweg() -> float:
        result = tw.minimize(
            loss, start, data=(X, y), batch_size=batch, method=tw.GradientDescent(rate), stop=tw.MaxSteps(steps), target="jax",
            device=tw.Device(scale.kind, precision=precision),
        )  # fmt: skip
        accuracy("thalweg", result.parameters)
        return result.seconds / steps

    device = jax.devices(scale.kind)[0]
    Xj, yj, start_j = jax.device_put((X, y, start), device)

    def jax_loss(p: Any, X: Any, y: Any) -> Any:
        scores = jax.nn.relu(X @ p["A"] + p["a"]) @ p["B"] + p["b"]
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(scores), y[:, None], axis=1))

    @jax.jit
    def descend(p: Any, key: Any, X: Any, y: Any) -> Any:
        def epoch(p: Any, key: Any) -> Any:
            rows = jax.random.permutation(key, len(X))[: batches * batch].reshape(batches, batch)

            def step(p: Any, chosen: Any) -> Any:
                value, gradient = jax.value_and_grad(jax_loss)(p, X[chosen], y[chosen])
                return jax.tree.map(lambda w, g: w - rate * g, p, gradient), value

            return jax.lax.scan(step, p, rows)

        return jax.lax.scan(epoch, p, jax.random.split(key, scale.epochs))

    def with_jax() -> float:
        with jax.default_matmul_precision("highest" if precision == "full" else "tensorfloat32"):
            begin = time.perf_counter()
            p, _ = jax.block_until_ready(descend(start_j, jax.random.key(0), Xj, yj))
            seconds = (time.perf_counter() - begin) / steps
        accuracy("JAX", p)
        return seconds

    runs: dict[str, Callable[[], float]] = {"thalweg": thalweg, "JAX": with_jax}
    if not missing("torch"):
        runs["PyTorch, compiled"] = _perceptron_in_torch(X, y, start, batch, rate, precision, scale, accuracy)
    return Contest(runs, finals)


def _perceptron_in_torch(
    X: np.ndarray, y: np.ndarray, start: Any, batch: int, rate: float, precision: str, scale: Scale, accuracy: Any
) -> Callable[[], float]:
    import torch

    device = torch_device(scale)
    Xt, yt = torch.from_numpy(X).to(device), torch.from_numpy(y).to(device)
    p = {key: torch.from_numpy(array.copy()).to(device) for key, array in start.items()}
    batches = len(X) // batch
    rows = torch.zeros((batches, batch), dtype=torch.int64, device=device)
    number = torch.zeros(
        (1,), dtype=torch.int64, device=device
    )  # of the mini-batch: known there, so that a graph goes on by itself
    repeat: list[Callable[[int], None]] = []

    def loss(p: Any, X: Any, y: Any) -> Any:
        scores = torch.relu(X @ p["A"] + p["a"]) @ p["B"] + p["b"]
        return torch.nn.functional.cross_entropy(scores, y)

    def step(p: Any, X: Any, y: Any, rows: Any, number: Any) -> None:
        chosen = rows.index_select(0, number)[0]
        gradient = torch.func.grad(loss)(p, X[chosen], y[chosen])
        for key, array in p.items():
            array.sub_(rate * gradient[key])
        number.add_(1).remainder_(len(rows))

    def run() -> float:
        torch.set_float32_matmul_precision("highest" if precision == "full" else "high")
        if not repeat:
            compiled = compiled_by_torch(step, scale)
            repeat.append(repeated(lambda: compiled(p, Xt, yt, rows, number), scale))
        for key, array in start.items():
            p[key].copy_(torch.from_numpy(array))
        number.zero_()

        def epochs() -> None:
            for _ in range(scale.epochs):
                rows.copy_(torch.randperm(len(Xt), device=device)[: batches * batch].reshape(batches, batch))
                repeat[0](batches)

        seconds = timed(epochs, scale.epochs * batches)
        accuracy("PyTorch, compiled", {key: value.cpu() for key, value in p.items()})
        return seconds

    return run

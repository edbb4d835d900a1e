"""Gradient descent over all examples: reading the data is what takes the time."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..harness import missing
from .contest import Case, Contest, Scale, compiled_by_torch, repeated, timed, torch_device

__all__ = ["full_batch"]

FEATURES = 100

LOSSES: dict[str, tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]] = {
    "Least squares": (
        lambda w, X, y: np.mean((X @ w - y) ** 2),
        lambda jnp, w, X, y: jnp.mean((X @ w - y) ** 2),
        lambda torch, w, X, y: torch.mean((X @ w - y) ** 2),
    ),
    "Logistic regression": (
        lambda w, X, y: np.mean(np.logaddexp(0, -y * (X @ w))),
        lambda jnp, w, X, y: jnp.mean(jnp.logaddexp(0, -y * (X @ w))),
        lambda torch, w, X, y: torch.mean(torch.nn.functional.softplus(-y * (X @ w))),
    ),
}


def full_batch(scale: Scale) -> Iterator[Case]:
    """Gradient descent over all examples."""
    made = functools.cache(lambda: _made(scale))
    for name in LOSSES:
        title = f"{name}, {scale.rows:,} × {FEATURES} float32, full batch"
        yield Case(title, lambda name=name: _full_batch(name, *made(), scale), 0.6)


def _made(scale: Scale) -> tuple[Any, Any]:
    """X and y, made on the device."""
    import jax
    import jax.numpy as jnp

    @jax.jit
    def make(key: Any) -> tuple[Any, Any]:
        first, second = jax.random.split(key)
        X = jax.random.normal(first, (scale.rows, FEATURES), jnp.float32)
        return X, jnp.sign(X @ jax.random.normal(second, (FEATURES,)))

    with jax.default_device(jax.devices(scale.kind)[0]):
        X, y = make(jax.random.key(0))
        return X, y


def _full_batch(name: str, Xj: Any, yj: Any, scale: Scale) -> Contest:
    import jax
    import jax.numpy as jnp

    import thalweg as tw

    ours, for_jax, for_torch = LOSSES[name]
    rate, steps, start = 0.1, scale.steps, np.zeros(FEATURES, np.float32)
    ends: dict[str, np.ndarray] = {}
    X, y = np.asarray(Xj), np.asarray(yj)

    def thalweg() -> float:
        result = tw.minimize(
            ours, start, data=(X, y), method=tw.GradientDescent(rate), stop=tw.MaxSteps(steps), target="jax", device=scale.kind
        )  # fmt: skip
        ends["thalweg"] = result.parameters
        return result.seconds / steps

    both = jax.value_and_grad(lambda w, X, y: for_jax(jnp, w, X, y))

    @jax.jit
    def descend(w: Any, X: Any, y: Any) -> Any:
        def step(w: Any, _: object) -> Any:
            loss, gradient = both(w, X, y)
            return w - rate * gradient, loss

        return jax.lax.scan(step, w, None, length=steps)

    def with_jax() -> float:
        begin = time.perf_counter()
        w, _ = jax.block_until_ready(descend(start, Xj, yj))
        seconds = (time.perf_counter() - begin) / steps
        ends["JAX"] = np.asarray(w)
        return seconds

    runs: dict[str, Callable[[], float]] = {"thalweg": thalweg, "JAX": with_jax}
    if not missing("torch"):
        runs["PyTorch, compiled"] = _full_batch_in_torch(for_torch, Xj, yj, rate, scale, ends)
    return Contest(runs, ends, X.nbytes + y.nbytes)


def _full_batch_in_torch(
    loss: Callable[..., Any], Xj: Any, yj: Any, rate: float, scale: Scale, ends: dict[str, np.ndarray]
) -> Callable[[], float]:
    import torch

    X, y = torch.from_dlpack(Xj), torch.from_dlpack(yj)  # the same memory
    w = torch.zeros(FEATURES, device=torch_device(scale))
    repeat: list[Callable[[int], None]] = []

    def step(w: Any, X: Any, y: Any) -> None:
        w.sub_(rate * torch.func.grad(lambda w: loss(torch, w, X, y))(w))

    def run() -> float:
        if not repeat:
            compiled = compiled_by_torch(step, scale)
            repeat.append(repeated(lambda: compiled(w, X, y), scale))
        w.zero_()
        seconds = timed(lambda: repeat[0](scale.steps), scale.steps)
        ends["PyTorch, compiled"] = w.cpu().numpy()
        return seconds

    return run

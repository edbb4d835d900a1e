"""Many small descents at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..harness import missing
from .contest import Case, Contest, Scale, compiled_by_torch, repeated, timed, torch_device

__all__ = ["populations"]


def populations(scale: Scale) -> Iterator[Case]:
    """Many descents at once: starts of a Rosenbrock function in 10 dimensions, with Adam."""
    title = f"Population of {scale.members:,}: Rosenbrock in 10 dimensions, Adam"
    yield Case(title, lambda: _population(scale), 0.5)


def _population(scale: Scale) -> Contest:
    import jax
    import jax.numpy as jnp

    import thalweg as tw

    rate, beta1, beta2, epsilon, steps = 1e-3, 0.9, 0.999, 1e-8, scale.member_steps
    finals: dict[str, np.ndarray] = {}
    starts: list[np.ndarray] = []

    def rosenbrock(x: Any) -> Any:
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    def thalweg() -> float:
        result = tw.minimize(
            rosenbrock, np.zeros(10, np.float32), start=tw.Gaussian(0.5), restarts=scale.members, method=tw.Adam(rate),
            stop=tw.MaxSteps(steps), target="jax", device=scale.kind,
        )  # fmt: skip
        finals["thalweg"] = np.array([np.median([member.loss for member in result.members])])
        if not starts:
            starts.append(np.stack([member.origin.start for member in result.members]))
        return result.seconds / steps

    def adam(gradient: Any, w: Any, m: Any, v: Any, t: Any, sqrt: Any) -> Any:
        m, v = beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * gradient * gradient
        return w - rate * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + epsilon), m, v

    def of_one(x: Any) -> Any:
        return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    @jax.jit
    def descend(w: Any) -> Any:
        both = jax.vmap(jax.value_and_grad(of_one))

        def step(state: Any, t: Any) -> Any:
            w, m, v = state
            losses, gradient = both(w)
            return adam(gradient, w, m, v, t, jnp.sqrt), losses.mean()

        times = jnp.arange(1, steps + 1, dtype=jnp.float32)
        (w, _, _), _ = jax.lax.scan(step, (w, jnp.zeros_like(w), jnp.zeros_like(w)), times)
        return w, jax.vmap(of_one)(w)

    thalweg()
    begun = jax.device_put(starts[0].astype(np.float32), jax.devices(scale.kind)[0])

    def with_jax() -> float:
        begin = time.perf_counter()
        _, losses = jax.block_until_ready(descend(begun))
        seconds = (time.perf_counter() - begin) / steps
        finals["JAX"] = np.array([np.median(losses)])
        return seconds

    runs: dict[str, Callable[[], float]] = {"thalweg": thalweg, "JAX": with_jax}
    if not missing("torch"):
        import torch

        device = torch_device(scale)
        w, m, v = (torch.zeros(starts[0].shape, device=device) for _ in range(3))
        t = torch.zeros((), device=device)
        repeat: list[Callable[[int], None]] = []

        def losses(w: Any) -> Any:
            return torch.sum(100 * (w[:, 1:] - w[:, :-1] ** 2) ** 2 + (1 - w[:, :-1]) ** 2, dim=1)

        def step(w: Any, m: Any, v: Any, t: Any) -> None:
            gradient = torch.func.grad(lambda w: losses(w).sum())(w)
            t.add_(1)
            for old, new in zip((w, m, v), adam(gradient, w, m, v, t, torch.sqrt), strict=True):
                old.copy_(new)

        def with_torch() -> float:
            if not repeat:
                compiled = compiled_by_torch(step, scale)
                repeat.append(repeated(lambda: compiled(w, m, v, t), scale))
            w.copy_(torch.from_numpy(starts[0].astype(np.float32)))
            for array in (m, v, t):
                array.zero_()
            seconds = timed(lambda: repeat[0](steps), steps)
            finals["PyTorch, compiled"] = np.array([losses(w).median().item()])
            return seconds

        runs["PyTorch, compiled"] = with_torch
    return Contest(runs, finals)

"""`python -m benchmarks.gpu [--small] [--repeats N]`: the jax target beside plain JAX and compiled PyTorch, on a GPU.

With `--small`, on the processor and with little data, to see that everything runs and that all come to the same end; its ratios
say nothing of GPUs. Times are of a step, in descents of many steps, without compiling and without sending the data there.
Everyone computes in float32, the perceptron also with TensorFloat-32. The bandwidth is that of adding 1 to an array of 2 GB.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # leaves PyTorch its share of the memory

import numpy as np
from rich.console import Console

from .harness import Goal, Report, interleaved, missing, print_report

FEATURES = 100


@dataclass(frozen=True)
class Scale:
    """How large the cases are. kind: of the device."""

    kind: str
    rows: int
    steps: int
    images: int
    epochs: int
    members: int
    member_steps: int
    copied: int


LARGE = Scale("gpu", 20_000_000, 200, 60_000, 5, 1024, 5_000, 500_000_000)
SMALL = Scale("cpu", 20_000, 20, 2_000, 1, 64, 200, 1_000_000)


def _bandwidth(scale: Scale) -> float:
    """Bytes per second that a kernel reads and writes."""
    import jax
    import jax.numpy as jnp

    array = jax.device_put(jnp.zeros(scale.copied, jnp.float32), jax.devices(scale.kind)[0])
    add = jax.jit(lambda x: x + 1)
    add(array).block_until_ready()
    times = []
    for _ in range(10):
        begin = time.perf_counter()
        add(array).block_until_ready()
        times.append(time.perf_counter() - begin)
    return 2 * array.nbytes / statistics.median(times)


def _torch_device(scale: Scale) -> str:
    return "cuda" if scale.kind == "gpu" else "cpu"


def _synchronised(scale: Scale) -> None:
    import torch

    if scale.kind == "gpu":
        torch.cuda.synchronize()


@dataclass
class Contest:
    """Competitors of one case. Each run returns the seconds of a step. ends: what each came to."""

    runs: dict[str, Callable[[], float]]
    ends: dict[str, np.ndarray]

    def report(self, name: str, repeats: int, bound: float, tolerance: float = 1e-2) -> Report:
        """The medians, after the ends were compared."""
        seconds = interleaved(self.runs, repeats)
        for other, end in self.ends.items():
            np.testing.assert_allclose(end, self.ends["thalweg"], rtol=tolerance, atol=tolerance, err_msg=other)
        peers = [value for other, value in seconds.items() if other != "thalweg"]
        goal = Goal(f"≤ {bound:g} × the faster of PyTorch and JAX", seconds["thalweg"] / min(peers), bound)
        return Report(name, "step", seconds, [goal])


def _timed(run: Callable[[], Any], steps: int) -> float:
    begin = time.perf_counter()
    run()
    return (time.perf_counter() - begin) / steps


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


def full_batch(scale: Scale, repeats: int, bandwidth: float) -> list[Report]:
    """Gradient descent over all examples: the data are what takes the time."""
    rng = np.random.default_rng(0)
    X = np.empty((scale.rows, FEATURES), np.float32)
    for begin in range(0, scale.rows, 1 << 20):
        X[begin : begin + (1 << 20)] = rng.standard_normal((min(1 << 20, scale.rows - begin), FEATURES), np.float32)
    y = np.sign(X @ rng.standard_normal(FEATURES, np.float32)).astype(np.float32)
    reports = []
    for name in LOSSES:
        contest = _full_batch(name, X, y, scale)
        report = contest.report(f"{name}, {scale.rows:,} × {FEATURES} float32, full batch", repeats, 0.6)
        share = (X.nbytes + y.nbytes) / report.seconds["thalweg"] / bandwidth
        report.notes = [
            f"thalweg reads the data at {share:.0%} of the bandwidth of a copy, {bandwidth / 1e9:,.0f} GB/s"
        ]
        reports.append(report)
    return reports


def _full_batch(name: str, X: np.ndarray, y: np.ndarray, scale: Scale) -> Contest:
    import jax
    import jax.numpy as jnp

    import thalweg as tw

    ours, for_jax, for_torch = LOSSES[name]
    rate, steps, start = 0.1, scale.steps, np.zeros(FEATURES, np.float32)
    ends: dict[str, np.ndarray] = {}

    def thalweg() -> float:
        result = tw.minimize(
            ours, start, data=(X, y), method=tw.GradientDescent(rate), stop=tw.MaxSteps(steps), target="jax", device=scale.kind
        )  # fmt: skip
        ends["thalweg"] = result.parameters
        return result.seconds / steps

    device = jax.devices(scale.kind)[0]
    Xj, yj = jax.device_put(X, device), jax.device_put(y, device)
    both = jax.value_and_grad(lambda w, X, y: for_jax(jnp, w, X, y))

    @jax.jit
    def descend(w: Any, X: Any, y: Any) -> Any:
        def step(w: Any, _: object) -> Any:
            loss, gradient = both(w, X, y)
            return w - rate * gradient, loss

        return jax.lax.scan(step, w, None, length=steps)

    def with_jax() -> float:
        seconds = _timed(lambda: jax.block_until_ready(descend(start, Xj, yj)), steps)
        ends["JAX"] = np.asarray(descend(start, Xj, yj)[0])
        return seconds

    runs: dict[str, Callable[[], float]] = {"thalweg": thalweg, "JAX": with_jax}
    if not missing("torch"):
        import torch

        Xt, yt = torch.from_dlpack(Xj), torch.from_dlpack(yj)  # the same memory
        compiled = torch.compile(lambda w, X, y: for_torch(torch, w, X, y))

        def descend_torch() -> None:
            w = torch.zeros(FEATURES, device=_torch_device(scale), requires_grad=True)
            optimiser = torch.optim.SGD([w], lr=rate)
            for _ in range(steps):
                optimiser.zero_grad()
                compiled(w, Xt, yt).backward()
                optimiser.step()
            ends["PyTorch, compiled"] = w.detach().cpu().numpy()
            _synchronised(scale)

        runs["PyTorch, compiled"] = lambda: _timed(descend_torch, steps)
    return Contest(runs, ends)


def perceptron(scale: Scale, repeats: int) -> list[Report]:
    """784-128-10 with mini-batches, which are products of matrices."""
    return [
        _perceptron(scale, batch, precision).report(
            f"Perceptron 784-128-10, mini-batches of {batch}, {precision} precision", repeats, 1.05, 0.2
        )
        for precision in ("full", "tensorfloat32")
        for batch in (64, 1024)
    ]


def _perceptron(scale: Scale, batch: int, precision: str) -> Contest:
    import jax
    import jax.numpy as jnp

    import thalweg as tw

    rng = np.random.default_rng(0)
    X = rng.standard_normal((scale.images, 784), np.float32)
    y = np.argmax(X @ rng.standard_normal((784, 10), np.float32), axis=1)
    batches = scale.images // batch
    steps, rate = scale.epochs * batches, 0.05
    start = {
        "A": (rng.standard_normal((784, 128)) / 28).astype(np.float32), "a": np.zeros(128, np.float32),
        "B": (rng.standard_normal((128, 10)) / 11).astype(np.float32), "b": np.zeros(10, np.float32),
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
            seconds = _timed(lambda: jax.block_until_ready(descend(start_j, jax.random.key(0), Xj, yj)), steps)
            accuracy("JAX", descend(start_j, jax.random.key(0), Xj, yj)[0])
        return seconds

    runs: dict[str, Callable[[], float]] = {"thalweg": thalweg, "JAX": with_jax}
    if not missing("torch"):
        import torch

        Xt = torch.from_numpy(X).to(_torch_device(scale))
        yt = torch.from_numpy(y).to(_torch_device(scale))

        def torch_loss(p: Any, X: Any, y: Any) -> Any:
            scores = torch.relu(X @ p["A"] + p["a"]) @ p["B"] + p["b"]
            return torch.nn.functional.cross_entropy(scores, y)

        compiled = torch.compile(torch_loss)

        def descend_torch() -> None:
            torch.set_float32_matmul_precision("highest" if precision == "full" else "high")
            p = {
                key: torch.from_numpy(array.copy()).to(_torch_device(scale)).requires_grad_()
                for key, array in start.items()
            }
            optimiser = torch.optim.SGD(p.values(), lr=rate)
            for _ in range(scale.epochs):
                for chosen in torch.randperm(len(Xt), device=Xt.device)[: batches * batch].reshape(batches, batch):
                    optimiser.zero_grad()
                    compiled(p, Xt[chosen], yt[chosen]).backward()
                    optimiser.step()
            accuracy("PyTorch, compiled", {key: value.detach().cpu() for key, value in p.items()})
            _synchronised(scale)

        runs["PyTorch, compiled"] = lambda: _timed(descend_torch, steps)
    return Contest(runs, finals)


def populations(scale: Scale, repeats: int) -> list[Report]:
    """Many descents at once: starts of a Rosenbrock function in 10 dimensions, with Adam."""
    contest = _population(scale)
    return [contest.report(f"Population of {scale.members:,}: Rosenbrock in 10 dimensions, Adam", repeats, 0.5)]


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
        seconds = _timed(lambda: jax.block_until_ready(descend(begun)), steps)
        finals["JAX"] = np.array([np.median(descend(begun)[1])])
        return seconds

    runs: dict[str, Callable[[], float]] = {"thalweg": thalweg, "JAX": with_jax}
    if not missing("torch"):
        import torch

        def losses(w: Any) -> Any:
            return torch.sum(100 * (w[:, 1:] - w[:, :-1] ** 2) ** 2 + (1 - w[:, :-1]) ** 2, dim=1)

        def step(w: Any, m: Any, v: Any, t: Any) -> Any:
            gradient = torch.func.grad(lambda w: losses(w).sum())(w)
            return adam(gradient, w, m, v, t, torch.sqrt)

        compiled = torch.compile(step)

        def descend_torch() -> None:
            w = torch.from_numpy(starts[0].astype(np.float32)).to(_torch_device(scale))
            m, v = torch.zeros_like(w), torch.zeros_like(w)
            times = torch.arange(1, steps + 1, dtype=torch.float32, device=w.device)
            for t in times:
                w, m, v = compiled(w, m, v, t)
            finals["PyTorch, compiled"] = np.array([losses(w).median().item()])
            _synchronised(scale)

        runs["PyTorch, compiled"] = lambda: _timed(descend_torch, steps)
    return Contest(runs, finals)


CASES = {"full_batch": full_batch, "perceptron": perceptron, "populations": populations}


def main() -> None:
    """Runs the cases and prints a table for each, with the goals."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("cases", nargs="*", choices=[[], *CASES], help="all, if none is named")
    parser.add_argument(
        "--small", action="store_true", help="on the processor, with little data: a check that all runs"
    )
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    scale = SMALL if arguments.small else LARGE
    import thalweg as tw

    device = next(found for found in tw.devices() if (found.kind, found.number) == (scale.kind, 0))
    console = Console(width=110, highlight=False)
    bandwidth = _bandwidth(scale)
    console.print(f"{device}: {bandwidth / 1e9:,.0f} GB/s, read and written, by a kernel that adds 1\n")
    for name in arguments.cases or CASES:
        case: Any = CASES[name]
        for report in case(scale, arguments.repeats, *([bandwidth] if name == "full_batch" else [])):
            print_report(console, report)


if __name__ == "__main__":
    main()

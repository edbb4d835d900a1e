"""The Rosenbrock function, 20,000 steps of momentum in float64: as a whole cold process, and warm.

Cold: imports, tracing, compiling, running; thalweg's cache of compiled code is empty. Warm: JAX calls its compiled
`fori_loop` again. Of thalweg there are two rows: the descent alone, which is what compares with that, though it also records
the history and checks stopping rules at every step; and the whole call, which sees to it that the loss, and what it refers to,
are the same as before.
"""

from __future__ import annotations

from ..harness import Goal, Report, interleaved, missing, process_seconds

THALWEG = """
import numpy as np, thalweg as tw
def rosenbrock(p):
    x, y = p
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2
def run():
    return tw.minimize(rosenbrock, np.array([-1.2, 1.0]), method=tw.Momentum(1e-4, 0.9), stop=tw.MaxSteps(20_000))
"""
JAX = """
import jax
jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp
def rosenbrock(p):
    x, y = p
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2
gradient = jax.grad(rosenbrock)
@jax.jit
def descend(p):
    def step(_, state):
        p, v = state
        v = 0.9 * v - 1e-4 * gradient(p)
        return p + v, v
    return jax.lax.fori_loop(0, 20_000, step, (p, jnp.zeros(2)))[0]
def run():
    return descend(jnp.array([-1.2, 1.0])).block_until_ready()
"""
TORCH = """
import torch
torch.set_num_threads(1)
def run(steps=20_000):
    p = torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.SGD([p], lr=1e-4, momentum=0.9)
    for _ in range(steps):
        optimiser.zero_grad()
        x, y = p
        loss = (1 - x) ** 2 + 100 * (y - x**2) ** 2
        loss.backward()
        optimiser.step()
    return p.detach()
"""
NUMPY = """
import numpy as np
def run(steps=20_000):
    x, y, u, v = -1.2, 1.0, 0.0, 0.0
    for _ in range(steps):
        r = y - x * x
        u = 0.9 * u - 1e-4 * (-2 * (1 - x) - 400 * x * r)
        v = 0.9 * v - 1e-4 * 200 * r
        x, y = x + u, y + v
    return np.array([x, y])
"""


def measure(repeats: int) -> list[Report]:
    """The cold and the warm case."""
    import numpy as np

    sources = {"thalweg": THALWEG, "Python, by hand": NUMPY}
    if not missing("jax"):
        sources["JAX"] = JAX
    if not missing("torch"):
        sources["PyTorch"] = TORCH
    spaces: dict[str, dict[str, object]] = {name: {} for name in sources}
    for name, source in sources.items():
        exec(source, spaces[name])
    ends = {
        name: np.asarray(getattr(space["run"](), "parameters", None))
        for name, space in spaces.items()
        if name == "thalweg"
    }  # type: ignore[operator]
    for name, space in spaces.items():
        if name not in ("thalweg", "PyTorch"):
            np.testing.assert_allclose(np.asarray(space["run"]()), ends["thalweg"], rtol=1e-9)  # type: ignore[operator]
    cold = interleaved(
        {
            name: (lambda s=source: process_seconds(s + "\nfound = run()\nprint(getattr(found, 'parameters', found))"))
            for name, source in sources.items()
            if name != "PyTorch"
        },
        max(3, repeats // 2),
    )
    cold["thalweg, cache filled"] = min(process_seconds(THALWEG + "\nrun()", is_cold=False) for _ in range(3))
    warm_runs = {
        name: (lambda s=space: s["run"]()) for name, space in spaces.items() if name not in ("PyTorch", "thalweg")
    }  # type: ignore[operator]
    warm_runs["thalweg, the descent alone"] = lambda: float(spaces["thalweg"]["run"]().seconds)  # type: ignore[operator]
    warm = interleaved(warm_runs, 4 * repeats)
    warm["thalweg, the whole call"] = interleaved({"x": lambda: spaces["thalweg"]["run"]()}, 4 * repeats)["x"]  # type: ignore[operator]
    if "PyTorch" in spaces:
        one = interleaved({"x": lambda: spaces["PyTorch"]["run"](500)}, 3)["x"]  # type: ignore[operator]
        warm["PyTorch (500 steps, scaled)"] = one * 40
    reports = [Report("Rosenbrock, 20,000 steps, whole cold process", "process", cold)]
    reports.append(Report("Rosenbrock, 20,000 steps, warm", "run", warm))
    if "JAX" in cold:
        reports[0].goals = [Goal("≤ 0.5 × JAX", cold["thalweg"] / cold["JAX"], 0.5)]
        reports[1].goals = [
            Goal("the descent alone ≤ 1.0 × JAX", warm["thalweg, the descent alone"] / warm["JAX"], 1.0),
            Goal("the whole call ≤ 1.0 × JAX", warm["thalweg, the whole call"] / warm["JAX"], 1.0),
        ]
    return reports

"""Descents of every kind, and what it means that two are equal to the last bit."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import optree

import thalweg as tw

rng = np.random.default_rng(0)
X = rng.standard_normal((900, 6))
Y = (X @ rng.standard_normal(6) + 0.5 * rng.standard_normal(900) > 0).astype(float)
NEW_X, NEW_Y = rng.standard_normal((90, 6)), rng.integers(0, 2, 90).astype(float)


def logistic(p: Any, X: Any, y: Any) -> Any:
    z = X @ p["w"] + p["b"]
    return np.mean(np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0) - y * z) + 1e-3 * np.sum(p["w"] ** 2)


def squares(p: Any, X: Any, y: Any) -> Any:
    return np.mean((np.tanh(X @ p["w"]) + p["b"] - y) ** 2)


def rosenbrock(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


MANY_X = rng.standard_normal((250_000, 8))
MANY_Y = MANY_X @ np.linspace(-1, 2, 8)


def stream() -> tw.Stream:
    """More than fits in its memory."""
    parts = [lambda i=i: [(MANY_X[i::40], MANY_Y[i::40])] for i in range(40)]
    return tw.Stream(*parts, rows=[len(MANY_Y[i::40]) for i in range(40)], memory="16 MB")


def line(w: Any, X: Any, y: Any) -> Any:
    return np.mean((X @ w - y) ** 2)


START = {"w": np.full(6, 0.1), "b": np.zeros(())}
VALLEY = np.linspace(-1.2, 1.5, 6)
STEPS = tw.MaxSteps(120)

_METHODS = {
    "gradient descent": tw.GradientDescent(1e-3),
    "momentum with a schedule": tw.Momentum(tw.schedules.cosine(1e-3, steps=100)),
    "Nesterov": tw.Nesterov(1e-4),
    "Adam": tw.Adam(0.01),
    "L-BFGS": tw.LBFGS(memory=4),
    "L-BFGS by Armijo": tw.LBFGS(line_search=tw.Armijo()),
    "BFGS": tw.BFGS(),
    "conjugate gradients": tw.ConjugateGradient(),
    "Barzilai-Borwein": tw.BarzilaiBorwein(),
    "Newton": tw.Newton(),
    "Newton-CG": tw.NewtonCG(),
    "random search": tw.RandomSearch(0.3),
    "accelerated": tw.AcceleratedGradient(1e-3),
}

DESCENTS: dict[str, Callable[..., tw.Result]] = {
    **{
        name: lambda method=method, **more: tw.minimize(
            rosenbrock, VALLEY, method=method, stop=tw.GradientBelow(1e-9) | tw.NoChange(30) | STEPS, seed=3, **more
        )
        for name, method in _METHODS.items()
    },
    "Levenberg-Marquardt": lambda **more: tw.minimize(
        squares, START, data=(X, Y), method=tw.LevenbergMarquardt(), stop=tw.MaxSteps(12), **more
    ),
    "mini-batches with validation": lambda **more: tw.minimize(
        logistic,
        START,
        data=(X, Y),
        method=tw.Adam(tw.schedules.warm_up(20, 0.05)),
        batch_size=32,
        stop=tw.ValidationStalls(8) | tw.MaxSteps(400),
        validation=(NEW_X, NEW_Y),
        validate_every=7,
        seed=5,
        **more,
    ),
    "validation of a line search": lambda **more: tw.minimize(
        logistic,
        START,
        data=(X, Y),
        stop=tw.ValidationStalls(3) | tw.GradientBelow(1e-10) | STEPS,
        validation=(NEW_X, NEW_Y),
        validate_every=3,
        **more,
    ),
    "penalty": lambda **more: tw.minimize(
        logistic, START, data=(X, Y), penalty=tw.L1(0.01), stop=tw.NoChange(5) | STEPS, **more
    ),
    "float32": lambda **more: tw.minimize(
        rosenbrock, VALLEY.astype(np.float32), method=tw.RMSProp(1e-3), stop=tw.MaxSteps(3000), **more
    ),
    "reference": lambda **more: tw.minimize(
        logistic, START, data=(X, Y), method=tw.LBFGS(), stop=tw.MaxSteps(25), target="numpy", **more
    ),
    "untraced": lambda **more: tw.minimize(
        lambda x: float(np.sum((x - 1) ** 4)), np.zeros(3), gradient="numerical", stop=tw.MaxSteps(25), **more
    ),
    "streamed": lambda **more: tw.minimize(line, np.zeros(8), data=stream(), stop=tw.MaxSteps(5), **more),
    "streamed mini-batches": lambda **more: tw.minimize(
        line, np.zeros(8), data=stream(), batch_size=50, method=tw.Adam(0.01), stop=tw.MaxSteps(6000), seed=3, **more
    ),
    "jax": lambda **more: tw.minimize(
        logistic, START, data=(X, Y), batch_size=32, method=tw.Adam(0.05), stop=tw.MaxSteps(300), target="jax", **more
    ),
    "overshooting": lambda **more: tw.minimize(
        lambda x: np.sum(x**4), np.ones(3), method=tw.GradientDescent(0.9), stop=tw.MaxSteps(50), **more
    ),
}


def untimed(history: str) -> list[dict[str, object]]:
    """The lines of history.jsonl, without the seconds."""
    return [
        {name: value for name, value in json.loads(line).items() if name != "seconds"} for line in history.splitlines()
    ]


def assert_equal(found: tw.Result, expected: tw.Result) -> None:
    """Equal to the last bit, but for the time it took and how it came about."""
    for name in ("loss", "gradient_norm", "steps", "evaluations", "ascents", "stopped_by"):
        np.testing.assert_equal(getattr(found, name), getattr(expected, name), name)
    ours, theirs = found.history, expected.history
    np.testing.assert_array_equal(ours.rows.whole[:, :-1], theirs.rows.whole[:, :-1])
    assert (np.diff(ours.seconds) >= 0).all()
    assert (list(ours.checks), ours.interventions) == (list(theirs.checks), theirs.interventions)
    for name in ("parameters", "memory"):
        ours, theirs = optree.tree_leaves(getattr(found, name)), optree.tree_leaves(getattr(expected, name))
        assert [np.asarray(x).tobytes() for x in ours] == [np.asarray(x).tobytes() for x in theirs], name
    assert [note for note in found.notes if "gone on" not in note] == list(expected.notes)

"""Descents whose verdict is known, in every kind: what was run, and what is true of where it ended.

`PYTHONPATH=tests python -m diagnosis.catalogue` prints the table in docs/verdicts.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from references import losses

import thalweg as tw
from thalweg import MaxSteps, VerdictKind

GLOBAL, LOCAL, VALLEY = VerdictKind.GLOBAL_MINIMUM, VerdictKind.LOCAL_MINIMUM, VerdictKind.FLAT_VALLEY
SADDLE, PLATEAU, NONE = VerdictKind.SADDLE_POINT, VerdictKind.PLATEAU, VerdictKind.NO_MINIMUM
DESCENDING, OVERSHOOTING, NOISE = VerdictKind.STILL_DESCENDING, VerdictKind.OVERSHOOTING, VerdictKind.NOISE_FLOOR


@dataclass(frozen=True)
class Case:
    """run: the descent. truth: what its end is; `also` would be true as well."""

    name: str
    truth: VerdictKind
    run: Callable[[], tw.Result]
    also: tuple[VerdictKind, ...] = ()


def descent(loss: Any, start: Any, method: tw.Method | None = None, steps: int | None = None, **options: Any) -> Any:
    """A descent that is run later."""
    stop = None if steps is None else MaxSteps(steps)
    return lambda: tw.minimize(loss, start, method=method, stop=stop, **options)


GD = tw.GradientDescent
rng = np.random.default_rng(0)
X = rng.standard_normal((200, 5))
SCORE = X @ rng.standard_normal(5)
SEPARABLE = (SCORE > 0).astype(float)
OVERLAPPING = (SCORE + 2 * rng.standard_normal(200) > 0).astype(float)
UNSCALED = X * np.array([1, 1, 1e6, 1, 1])
TWO_SAME = np.column_stack([X[:, 0], X[:, 0], X[:, 1]])


def logistic(w: Any, X: Any, y: Any) -> Any:
    z = X @ w
    return np.mean(np.logaddexp(0, z) - y * z)


def penalised(w: Any, X: Any, y: Any) -> Any:
    return logistic(w, X, y) + 0.05 * np.sum(w**2)


def squares(w: Any, X: Any, y: Any) -> Any:
    return np.mean((X @ w - y) ** 2)


def absolute(w: Any, X: Any, y: Any) -> Any:
    return np.mean(np.abs(X @ w - y))


def hinge(w: Any, X: Any, y: Any) -> Any:
    return np.mean(np.maximum(0, 1 - (2 * y - 1) * (X @ w))) + 0.05 * np.sum(w**2)


def softmax(W: Any, X: Any, y: Any) -> Any:
    z = X @ W
    return np.mean(np.log(np.sum(np.exp(z), axis=1)) - np.take_along_axis(z, y[:, None], 1)[:, 0]) + 0.05 * np.sum(W**2)


def free_softmax(W: Any, X: Any, y: Any) -> Any:
    z = X @ W
    return np.mean(np.log(np.sum(np.exp(z), axis=1)) - np.take_along_axis(z, y[:, None], 1)[:, 0])


def poisson(w: Any, X: Any, y: Any) -> Any:
    z = X @ w
    return np.mean(np.exp(z) - y * z)


def squared_hinge(w: Any, X: Any, y: Any) -> Any:
    return np.mean(np.maximum(0, 1 - (2 * y - 1) * (X @ w)) ** 2)


def perceptron(p: Any, X: Any, y: Any) -> Any:
    return np.mean((np.tanh(X @ p["W"] + p["b"]) @ p["v"] - y) ** 2)


def hidden(scale: float) -> dict[str, Any]:
    draw = np.random.default_rng(1)
    return {"W": scale * draw.standard_normal((5, 4)), "b": np.zeros(4), "v": scale * draw.standard_normal(4)}


CLASSES = (SCORE > 0).astype(np.int64) + (SCORE > 1)
NOISY_CLASSES = np.argmax(SCORE[:, None] * [0, 1, -1] + rng.gumbel(size=(200, 3)), axis=1)
ONE_APART = np.where(X[:, 0] > 0.8, 2, NOISY_CLASSES % 2)
NEVER_SEEN = NOISY_CLASSES % 2
SHOP = (np.arange(200) % 5 == 0).astype(float)
WITH_SHOP = np.column_stack([X, SHOP])
WITH_ONE = np.column_stack([X, np.ones(200)])
COUNTS = rng.poisson(np.exp(0.3 * SCORE)).astype(float)
AXIS = np.eye(6)[3]
ROTATION = np.linalg.qr(np.random.default_rng(2).standard_normal((6, 6)))[0]


def quadratic_saddle(x: Any) -> Any:
    """One direction of six is curved downwards, along no axis."""
    return np.sum(np.array([1.0, 2.0, 3.0, -0.1, 4.0, 5.0]) * (ROTATION @ x) ** 2)


CASES: list[Case] = [
    Case("(x − 3)²", GLOBAL, descent(lambda x: np.sum((x - 3) ** 2), np.zeros(2))),
    Case("x⁴", GLOBAL, descent(lambda x: np.sum(x**4), np.array([0.5]))),
    Case("exp(x) − x", GLOBAL, descent(lambda x: np.sum(np.exp(x) - x), np.array([1.0, -2.0]))),
    Case("log cosh, from its minimum", GLOBAL, descent(lambda x: np.sum(np.log(np.cosh(x))), np.zeros(2))),
    Case("least squares", GLOBAL, descent(squares, np.zeros(5), data=(X, SCORE))),
    Case("least squares, Newton", GLOBAL, descent(squares, np.zeros(5), tw.Newton(), data=(X, SCORE + 1))),
    Case("least squares, two equal columns", GLOBAL, descent(squares, np.zeros(3), data=(TWO_SAME, SCORE)), (VALLEY,)),
    Case("(x + y − 1)²", GLOBAL, descent(lambda x: (x[0] + x[1] - 1) ** 2, np.array([2.0, 3.0])), (VALLEY,)),
    Case("logistic regression", GLOBAL, descent(logistic, np.zeros(5), data=(X, OVERLAPPING))),
    Case("logistic regression with penalty", GLOBAL, descent(penalised, np.zeros(5), data=(X, SEPARABLE))),
    Case("softmax regression with penalty", GLOBAL, descent(softmax, np.zeros((5, 3)), data=(X, CLASSES))),
    Case("quadratic at 1.9/λ", GLOBAL, descent(lambda x: 5 * np.sum(x**2), np.ones(2), GD(0.19), 2000)),
    Case("|x − 1|", GLOBAL, descent(lambda x: np.sum(np.abs(x - 1)), np.array([0.3, 2.2]))),
    Case("Rosenbrock, L-BFGS", LOCAL, descent(losses.rosenbrock, np.array([-1.2, 1.0])), (GLOBAL,)),
    Case("double valley from A", LOCAL, descent(lambda x: np.sum(x**4 - 3 * x**2 + x), np.array([1.0]))),
    Case("double valley from B", LOCAL, descent(lambda x: np.sum(x**4 - 3 * x**2 + x), np.array([-1.0]))),
    Case("sin x", LOCAL, descent(lambda x: np.sum(np.sin(x)), np.array([0.3]))),
    Case("narrow minimum", LOCAL, descent(lambda x: np.sum(1 - np.exp(-1e4 * x**2) + 0.01 * x**2), np.array([0.005]))),
    Case("(xy − 1)²", VALLEY, descent(lambda x: (x[0] * x[1] - 1) ** 2, np.array([2.0, 3.0]))),
    Case("circle (x² + y² − 1)²", VALLEY, descent(lambda x: (np.sum(x**2) - 1) ** 2, np.array([0.3, 0.4]))),
    Case("x² − y² at 0", SADDLE, descent(lambda x: x[0] ** 2 - x[1] ** 2, np.zeros(2), GD(0.1), 100)),
    Case(
        "x² − y² + y⁴, on its line of symmetry",
        SADDLE,
        descent(lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4, np.array([1.0, 0.0]), GD(0.1), 500),
    ),
    Case("monkey saddle", SADDLE, descent(lambda x: x[0] ** 3 - 3 * x[0] * x[1] ** 2, np.zeros(2), GD(0.1), 10)),
    Case("x³ at 0", SADDLE, descent(lambda x: np.sum(x**3), np.zeros(1), GD(0.1), 10), (NONE,)),
    Case("xy at 0", SADDLE, descent(lambda x: x[0] * x[1], np.zeros(2), GD(0.1), 10)),
    Case("rotated saddle of six dimensions", SADDLE, descent(quadratic_saddle, np.zeros(6), GD(0.01), 10)),
    Case("perceptron from zeros", SADDLE, descent(perceptron, hidden(0.0), GD(0.01), 50, data=(X, SCORE))),
    Case("sigmoid, far out", PLATEAU, descent(lambda x: np.sum(1 / (1 + np.exp(-x))), np.array([12.0]), GD(0.1), 50)),
    Case(
        "Gaussian well, far out", PLATEAU, descent(lambda x: -np.exp(-np.sum(x**2)), np.array([3.5, 0.0]), GD(0.1), 100)
    ),
    Case("tanh², far out", PLATEAU, descent(lambda x: np.sum(np.tanh(x) ** 2), np.array([8.0]), GD(0.1), 100)),
    Case("exp(−x)", NONE, descent(lambda x: np.sum(np.exp(-x)), np.zeros(1), GD(1.0), 1000)),
    Case("−x", NONE, descent(lambda x: -np.sum(x), np.zeros(1), GD(0.1), 100)),
    Case("log(1 + exp(−x))", NONE, descent(lambda x: np.sum(np.logaddexp(0, -x)), np.zeros(1), GD(1.0), 2000)),
    Case("separable logistic regression, L-BFGS", NONE, descent(logistic, np.zeros(5), data=(X, SEPARABLE))),
    Case(
        "separable logistic regression, gradient descent",
        NONE,
        descent(logistic, np.zeros(5), GD(1.0), 20_000, data=(X, SEPARABLE)),
        (DESCENDING,),
    ),
    Case("softmax regression", GLOBAL, descent(free_softmax, np.zeros((5, 3)), data=(X, NOISY_CLASSES))),
    Case("squared hinge, separable", GLOBAL, descent(squared_hinge, np.zeros(5), data=(X, SEPARABLE)), (DESCENDING,)),
    Case("Poisson regression", GLOBAL, descent(poisson, np.zeros(6), data=(WITH_SHOP, COUNTS))),
    Case("softmax, one class apart, L-BFGS", NONE, descent(free_softmax, np.zeros((6, 3)), data=(WITH_ONE, ONE_APART))),
    Case(
        "softmax, one class apart, Newton",
        NONE,
        descent(free_softmax, np.zeros((6, 3)), tw.Newton(), 100, data=(WITH_ONE, ONE_APART)),
    ),
    Case("softmax, a class never seen", NONE, descent(free_softmax, np.zeros((6, 3)), data=(WITH_ONE, NEVER_SEEN))),
    Case(
        "softmax, one class apart, with penalty",
        GLOBAL,
        descent(softmax, np.zeros((6, 3)), data=(WITH_ONE, ONE_APART)),
    ),
    Case(
        "logistic regression, a category of one class",
        NONE,
        descent(logistic, np.zeros(6), data=(WITH_SHOP, np.maximum(OVERLAPPING, SHOP))),
    ),
    Case(
        "Poisson, a category without counts",
        NONE,
        descent(poisson, np.zeros(6), data=(WITH_SHOP, COUNTS * (1 - SHOP))),
    ),
    Case("quadratic at 2.1/λ", OVERSHOOTING, descent(lambda x: 5 * np.sum(x**2), np.ones(2), GD(0.21), 200)),
    Case(
        "quadratic at 2.1/λ until it overflows",
        OVERSHOOTING,
        descent(lambda x: 5 * np.sum(x**2), np.ones(2), GD(0.21), 20_000),
    ),
    Case("quadratic at 2/λ", OVERSHOOTING, descent(lambda x: 5 * np.sum(x**2), np.ones(2), GD(0.2), 200)),
    Case(
        "momentum at 1.05 of its limit",
        OVERSHOOTING,
        descent(lambda x: 5 * np.sum(x**2), np.ones(2), tw.Momentum(1.05 * 0.38, 0.9), 2000),
    ),
    Case("unscaled column", OVERSHOOTING, descent(squares, np.zeros(5), GD(0.01), 500, data=(UNSCALED, SCORE))),
    Case("Rosenbrock, rate 0.01", OVERSHOOTING, descent(losses.rosenbrock, np.array([-1.2, 1.0]), GD(0.01), 500)),
    Case("a rate of 1e-18", DESCENDING, descent(lambda x: np.sum((x - 3) ** 2), np.ones(2), GD(1e-18), 2000)),
    Case(
        "a rate of 1e-18, stopped by NoChange",
        DESCENDING,
        descent(lambda x: np.sum((x - 3) ** 2), np.ones(2), GD(1e-18)),
    ),
    Case(
        "logistic regression, 20 steps", DESCENDING, descent(logistic, np.zeros(5), GD(0.1), 20, data=(X, OVERLAPPING))
    ),
    Case("Rosenbrock, 100 steps", DESCENDING, descent(losses.rosenbrock, np.array([-1.2, 1.0]), GD(1e-3), 100)),
    Case("perceptron, 50 steps", DESCENDING, descent(perceptron, hidden(1.0), GD(0.01), 50, data=(X, SCORE))),
    Case(
        "ill-conditioned quadratic, 100 steps",
        DESCENDING,
        descent(lambda x: x[0] ** 2 + 1e4 * x[1] ** 2, np.ones(2), GD(5e-5), 100),
    ),
    Case("absolute errors, 20 steps", DESCENDING, descent(absolute, np.zeros(5), GD(0.01), 20, data=(X, SCORE))),
    Case(
        "logistic regression, batches of 8",
        NOISE,
        descent(logistic, np.zeros(5), GD(1.0), 5000, data=(X, OVERLAPPING), batch_size=8),
    ),
    Case(
        "least squares, batches of 4",
        NOISE,
        descent(squares, np.zeros(5), GD(0.1), 5000, data=(X, OVERLAPPING), batch_size=4),
    ),
]


def _of_reference(loss: losses.Loss) -> list[Case]:
    found = []
    start = np.array(loss.start)
    if loss.is_smooth and loss.minima and not loss.has_more:
        truth = GLOBAL if loss.is_convex else LOCAL
        also = (LOCAL,) if loss.is_convex else (GLOBAL, SADDLE, VALLEY)
        found.append(Case(f"{loss.name}, L-BFGS", truth, descent(loss.function, start), also))
    for number, saddle in enumerate(loss.saddles[:2]):
        run = descent(loss.function, np.array(saddle), GD(1e-9), 3)
        found.append(Case(f"{loss.name}, at saddle {number + 1}", SADDLE, run))
    return found


CASES += [case for loss in losses.LOSSES for case in _of_reference(loss)]


def table() -> str:
    """The catalogue as Markdown: what is true (of several starts and minima each that can be), and what is said."""
    rows = ["| descent | truth | verdict |", "|---|---|---|"]
    for case in CASES:
        said = case.run().verdict.kind.value
        true = ", ".join(kind.value for kind in (case.truth, *case.also))
        rows.append(f"| {case.name} | {true} | {said} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())

"""Convexity: known losses, random losses, moduli, bounds, counterexamples, and every primitive in the table."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special as special
from known_losses import CONVEX, NOT_CONVEX
from random_losses import random_loss

import thalweg as tw
from thalweg.convexity_proof.convexity import prove
from thalweg.convexity_proof.curvature_rules import ROWS, WITHOUT_CURVATURE
from thalweg.convexity_proof.curves import CURVES, ENTROPY, RECIPROCAL, Curve, power_curve
from thalweg.convexity_proof.intervals import Interval
from thalweg.convexity_proof.normalise import in_real_numbers
from thalweg.convexity_proof.refute import Segment, find_counterexample, rounding
from thalweg.graph import Array, ArrayType, Graph, evaluate
from thalweg.ops import PRIMITIVES
from thalweg.rewrite import simplify
from thalweg.trace import trace

KNOWN_LIMITS = {
    "cloglog": "log(1 - exp(-exp(z))) cancels in every formula for its second derivative",
    "huber norm": "the square of a norm is taken for a sum of squares, which keeps its curvature at 0, and hides the norm",
    "-geo mean 2": "exp of a mean of logarithms: concave only by the degree of the logarithms together",
}
"""Convex losses that are not proven, and why."""


# Known losses
@pytest.mark.parametrize("name", CONVEX)
def test_a_convex_loss_is_proven(name: str) -> None:
    loss, x = CONVEX[name]
    found = tw.convexity(loss, x)
    if name in KNOWN_LIMITS:
        assert found.kind is tw.ConvexityKind.UNKNOWN, "no longer a limit: move it out of the list"
    else:
        assert found.is_convex, found


@pytest.mark.parametrize("name", NOT_CONVEX)
def test_a_loss_that_is_not_convex_is_refuted(name: str) -> None:
    loss, x = NOT_CONVEX[name]
    found = tw.convexity(loss, x)
    assert found.kind is tw.ConvexityKind.NOT_CONVEX, found
    example = found.counterexample
    assert example is not None
    a, b = (tw.descent.parameters.flatten(tree)[0] for tree in (example.a, example.b))
    structure = tw.descent.parameters.flatten(x)[1]
    between = [example.theta * u + (1 - example.theta) * v for u, v in zip(a, b, strict=True)]
    import optree

    with np.errstate(all="ignore"):
        losses = [float(np.sum(loss(optree.tree_unflatten(structure, leaves)))) for leaves in (a, b, between)]
    assert np.isfinite(losses[:2]).all()
    chord = example.theta * losses[0] + (1 - example.theta) * losses[1]
    assert not losses[2] <= chord


@pytest.mark.parametrize("name", NOT_CONVEX)
def test_the_proof_alone_does_not_certify_it(name: str) -> None:
    loss, x = NOT_CONVEX[name]
    assert not proven(*graph_of_nested(loss, x)).is_convex


def test_there_are_many_known_losses() -> None:
    assert len(CONVEX) > 80
    assert len(NOT_CONVEX) > 40


# The table
@pytest.mark.parametrize("name", PRIMITIVES)
def test_every_primitive_has_a_row_or_none_on_purpose(name: str) -> None:
    assert (name in ROWS) != (name in WITHOUT_CURVATURE)


ALL_CURVES = {**CURVES, "x log x": ENTROPY, "1 / x": RECIPROCAL}
ALL_CURVES |= {f"x ** {p}": curve for p in (2, 3, 4, 7, 0.5, 1.5, 0.1, -0.5, -2.5) if (curve := power_curve(p))}


@pytest.mark.parametrize("name", ALL_CURVES)
def test_a_curve_holds_what_it_says(name: str) -> None:
    """Regions and ranges against values on a grid, slopes and bends against differences."""
    curve: Curve = ALL_CURVES[name]
    low, high = max(curve.domain[0] + 0.02, -30.0), min(curve.domain[1] - 0.02, 30.0)
    x = np.linspace(low, high, 4001)[1:-1]
    x = x[np.abs(x) > 1e-3] if curve.pole is not None or curve.kinks else x
    step = 1e-4 * np.minimum(1, np.abs(x) + 1e-2)
    x = x[(x - 2 * step > low) & (x + 2 * step < high)]
    step = 1e-4 * np.minimum(1, np.abs(x) + 1e-2)
    f = curve.value
    scale = np.abs(f(x)) + 1e-3
    slope = (f(x + step) - f(x - step)) / (2 * step)
    np.testing.assert_allclose(curve.slope(x), slope, rtol=2e-3, atol=2e-6 * float(np.max(scale / step * 1e-6)) + 1e-5)
    bend = (curve.slope(x + step) - curve.slope(x - step)) / (2 * step)
    bend_noise = np.abs(curve.slope(x)) * 1e-15 / step
    assert np.all(np.abs(curve.bend(x) - bend) <= 2e-3 * np.abs(bend) + 10 * bend_noise + 1e-5)
    for regions, value, sign in [
        (curve.rising, curve.slope, 1),
        (curve.falling, curve.slope, -1),
        (curve.convex, curve.bend, 1),
        (curve.concave, curve.bend, -1),
    ]:
        for start, end in regions:
            inside = x[(x >= start) & (x <= end)]
            assert np.all(sign * value(inside) >= 0)
    random = np.random.default_rng(0)
    for _ in range(300):
        a, b = np.sort(random.uniform(low, high, 2))
        points = np.linspace(a, b, 50)
        interval = Interval(np.array(a), np.array(b))
        for enclosure, function in [
            (curve.values(interval), curve.value),
            (curve.slopes(interval), curve.slope),
            (curve.bends(interval), curve.bend),
        ]:
            with np.errstate(all="ignore"):
                values = function(points)
            values = values[np.isfinite(values)]
            assert np.all((values >= enclosure.lower) & (values <= enclosure.upper))


@pytest.mark.parametrize(
    "name", [name for name in ALL_CURVES if ALL_CURVES[name].log_convex or ALL_CURVES[name].log_concave]
)
def test_logarithms_curve_as_they_are_said_to(name: str) -> None:
    curve: Curve = ALL_CURVES[name]
    for regions, sign in [(curve.log_convex, 1), (curve.log_concave, -1)]:
        for start, end in regions:
            x = np.linspace(max(start, -5), min(end, 5), 401)[1:-1]
            logarithm = np.log(curve.value(x))
            assert np.all(sign * np.diff(logarithm, 2) >= -1e-12 * (1 + np.abs(logarithm[1:-1])))


# Random losses
def graph_of(loss: Callable[[Any], Any], size: int) -> Graph | None:
    """θ → loss in real numbers; None if the loss cannot be traced or does not depend on θ."""
    try:
        graph = trace(lambda x: [loss(x)], [ArrayType((size,), np.dtype(np.float64))])
    except tw.ThalwegError:
        return None
    real = in_real_numbers(simplify(graph), ())
    return real if real.outputs[0].shape == () and real.inputs[0] in real.nodes else None


def graph_of_nested(loss: Callable[[Any], Any], x: Any) -> tuple[Graph, int]:
    layout = tw.descent.parameters.layout_of(x)
    graph = graph_of(lambda vector: loss(layout.tree(vector)), layout.size)
    assert graph is not None
    return graph, layout.size


def proven(graph: Graph, size: int) -> Any:
    return prove(graph, Interval(np.full(size, -np.inf), np.full(size, np.inf)))[2]


def refuted(graph: Graph, size: int, modulus: float, seed: int) -> Segment | None:
    """A segment on which f - μ/2 ‖θ‖² is above its chord by more than rounding."""

    def loss(point: Array) -> float:
        return float(evaluate(graph, [point])[0])

    def is_counterexample(segment: Segment) -> bool:
        a, b, theta = segment
        between = theta * a + (1 - theta) * b
        losses = [loss(point) for point in (a, b, between)]
        if not np.isfinite(losses[:2]).all():
            return False
        if np.isnan(losses[2]):
            return True
        gain = modulus / 2 * theta * (1 - theta) * float(np.sum((a - b) ** 2)) * (1 - 1e-9)
        gap = losses[2] + gain - theta * losses[0] - (1 - theta) * losses[1]
        noise = sum(rounding(graph, point, np.dtype(np.float64)) for point in (a, b, between))
        return bool(gap > noise + 1e-10 * (abs(losses[0]) + abs(losses[1])))

    start = np.random.default_rng(seed).standard_normal(size)
    bounds = Interval(np.full(size, -np.inf), np.full(size, np.inf))
    return find_counterexample(graph, start, bounds, is_counterexample, segments=256, points=6, seed=seed)


def check_random_losses(seeds: range) -> Counter[str]:
    """Every proof of convexity is attacked with far and near segments and along negative eigenvectors."""
    count: Counter[str] = Counter()
    for seed in seeds:
        loss, size = random_loss(seed)
        graph = graph_of(loss, size)
        if graph is None:
            count["skipped"] += 1
            continue
        verdict = proven(graph, size)
        count["convex" if verdict.is_convex else "unknown"] += 1
        if verdict.is_convex:
            found = refuted(graph, size, verdict.modulus, seed)
            assert found is None, f"seed {seed} was called convex with modulus {verdict.modulus}, but {found}"
    return count


def test_no_random_loss_is_wrongly_called_convex() -> None:
    count = check_random_losses(range(120))
    assert count["convex"] > 10


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, 10_000, 500))
def test_no_random_loss_of_thousands_is_wrongly_called_convex(start: int) -> None:
    check_random_losses(range(1000 + start, 1500 + start))


@pytest.mark.parametrize("seed", range(60))
def test_random_joints_of_two_branches(seed: int) -> None:
    """where(x <= c, p, q) of parabolas: convex if and only if both are, they meet, and the slope does not fall."""
    random = np.random.default_rng(seed)
    c = float(np.round(random.normal(), 2))
    bend = np.round(random.uniform(-0.3, 2, 2), 2)
    slope = np.round(random.normal(size=2), 2)
    slope[1] = slope[0] if random.random() < 0.3 else slope[1]
    jump = float(random.choice([0.0, 0.0, 0.01, -1.0]))

    def loss(x: Any) -> Any:
        left = bend[0] * (x - c) ** 2 + slope[0] * (x - c)
        right = bend[1] * (x - c) ** 2 + slope[1] * (x - c) + jump
        return np.sum(np.where(x <= c, left, right))

    is_convex = bool((bend >= 0).all() and slope[1] >= slope[0] and jump == 0)
    graph = graph_of(loss, 2)
    assert graph is not None
    assert proven(graph, 2).is_convex == is_convex


@pytest.mark.parametrize("seed", range(40))
def test_random_quadratics(seed: int) -> None:
    """Proven exactly when the eigenvalues say so, with their modulus."""
    random = np.random.default_rng(seed)
    size = int(random.integers(1, 6))
    Q = random.standard_normal((size, size))
    Q = (Q + Q.T) / 2 + random.choice([0.0, 1.0, 3.0]) * np.eye(size)
    smallest = np.linalg.eigvalsh(Q)[0]
    found = tw.convexity(lambda x: x @ Q @ x - np.sum(x), np.zeros(size))
    if smallest > 0:
        assert found.kind is tw.ConvexityKind.STRONGLY_CONVEX
        assert found.modulus == pytest.approx(2 * smallest, rel=1e-6)
    else:
        assert found.kind is tw.ConvexityKind.NOT_CONVEX


# Moduli and what follows from them
def regression(rows: int, columns: int, seed: int) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    return random.standard_normal((rows, columns)), random.standard_normal(rows)


def test_modulus_of_least_squares() -> None:
    X, y = regression(200, 7, 0)
    found = tw.convexity(lambda w, X, y: np.mean((X @ w - y) ** 2), np.zeros(7), data=(X, y))
    exact = 2 * np.linalg.eigvalsh(X.T @ X)[0] / 200
    assert found.modulus <= exact
    assert found.modulus == pytest.approx(exact, rel=1e-9)


def test_dependent_columns_are_convex_and_not_strongly_so() -> None:
    X, y = regression(50, 4, 1)
    X[:, 3] = X[:, 0] - 2 * X[:, 1]
    found = tw.convexity(lambda w, X, y: np.sum((X @ w - y) ** 2), np.zeros(4), data=(X, y))
    assert found.kind is tw.ConvexityKind.CONVEX
    assert found.modulus == 0


def test_a_penalty_counts_only_if_it_covers_all_parameters() -> None:
    X, y = regression(30, 3, 2)

    def loss(p: Any, X: Any, y: Any) -> Any:
        return np.mean(np.logaddexp(0, -np.sign(y) * (X @ p["w"] + p["b"]))) + 0.3 * np.sum(p["w"] ** 2)

    found = tw.convexity(loss, {"w": np.zeros(3), "b": 0.0}, data=(X, y))
    assert found.kind is tw.ConvexityKind.CONVEX
    whole = tw.convexity(lambda p, X, y: loss(p, X, y) + 0.2 * p["b"] ** 2, {"w": np.zeros(3), "b": 0.0}, data=(X, y))
    assert whole.modulus == pytest.approx(0.4, rel=1e-9)


def test_modulus_with_very_many_parameters() -> None:
    found = tw.convexity(lambda w: np.sum(np.abs(w)) + 0.7 * w @ w, np.zeros(5000))
    assert found.modulus == pytest.approx(1.4, rel=1e-9)


def test_modulus_from_a_second_derivative() -> None:
    X, _ = regression(20, 3, 3)
    found = tw.convexity(lambda w: np.sum(np.cosh(X @ w)), np.zeros(3))
    assert found.modulus == pytest.approx(np.linalg.eigvalsh(X.T @ X)[0], rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_the_gradient_bounds_the_gap(seed: int) -> None:
    """f(x) - min f ≤ ‖∇f(x)‖² / (2 μ), wherever x is."""
    X, y = regression(40, 3, seed)

    def loss(w: Any, X: Any, y: Any) -> Any:
        return np.mean(np.logaddexp(0, -np.sign(y) * (X @ w))) + 0.05 * np.sum(w**2)

    modulus = tw.convexity(loss, np.zeros(3), data=(X, y)).modulus
    assert modulus == pytest.approx(0.1, rel=1e-9)
    from scipy.optimize import minimize

    gradient = tw.grad(loss)
    best = minimize(lambda w: loss(w, X, y), np.zeros(3), jac=lambda w: gradient(w, X, y), tol=1e-12).fun
    random = np.random.default_rng(seed)
    for _ in range(20):
        w = 3 * random.standard_normal(3)
        bound = np.sum(gradient(w, X, y) ** 2) / (2 * modulus)
        assert loss(w, X, y) - best <= bound + 1e-10


def test_a_bound_is_not_above_the_curvature_anywhere() -> None:
    """The Hessian at random points, less the modulus, has no negative eigenvalue."""
    X, y = regression(25, 3, 4)

    def loss(w: Any) -> Any:
        return np.sum(np.cosh(X @ w - y)) + np.sum(np.logaddexp(0, w)) + w[0] * w[1]

    modulus = tw.convexity(loss, np.zeros(3)).modulus
    assert modulus > 0
    hessian = tw.hessian(loss)
    for w in np.random.default_rng(0).standard_normal((20, 3)):
        assert np.linalg.eigvalsh(hessian(w))[0] >= modulus - 1e-9


# Domains, data, dtypes, shapes
def test_bounds_of_the_parameters() -> None:
    assert not tw.convexity(lambda x: np.sum(1 / x), np.ones(2))
    assert tw.convexity(lambda x: np.sum(1 / x), np.ones(2), within=(0.0, np.inf))
    assert tw.convexity(lambda x: np.sum(x**3), np.ones(2), within=(np.zeros(2), np.full(2, 9.0)))
    assert not tw.convexity(lambda x: np.sum(x**3), np.ones(2), within=(-1.0, 9.0))
    assert tw.convexity(lambda x: -np.sum(np.sin(x)), np.ones(2), within=(0.1, 3.1))


def test_bounds_that_make_no_sense() -> None:
    with pytest.raises(tw.ArgumentError, match="lower bound lies above"):
        tw.convexity(lambda x: np.sum(x**2), np.ones(2), within=(1.0, 0.0))
    with pytest.raises(tw.ArgumentError, match="the shapes of x"):
        tw.convexity(lambda x: np.sum(x**2), np.ones(2), within=(np.zeros(3), np.ones(3)))


@pytest.mark.parametrize(
    "loss",
    [
        lambda x: np.sum(x**2 + np.log(x**2 - 1) - np.log(x**2 - 1)),
        lambda x: np.sum(np.log(np.abs(x)) - np.log(np.abs(x))),
        lambda x: np.sum(x**2) + 0 * np.sum(1 / x),
        lambda x: np.sum(1 / np.sqrt(np.where(x > 0, 2 * x, -x))),
        lambda x: np.sum(x**2) + 0 * np.sum(np.abs(x) ** -0.5),
    ],
)
def test_a_domain_that_is_not_convex_is_not_certified(loss: Any) -> None:
    """The parts cancel; the hole in their domain does not."""
    assert not tw.convexity(loss, 2 * np.ones(2))


def test_rounding_of_a_naive_formula_is_no_counterexample() -> None:
    """log(1 - p) is coarse where p is almost 1, and the loss is convex all the same."""

    def loss(z: Any) -> Any:
        return -np.sum(np.log(1 - 1 / (1 + np.exp(-z))))

    for start in (30.0, 36.0, 36.7):
        assert tw.convexity(loss, np.full(3, start)).is_convex


def test_signs_of_data_decide() -> None:
    random = np.random.default_rng(0)
    X, weights = random.standard_normal((20, 2)), np.abs(random.standard_normal(20))

    def loss(w: Any, X: Any, weights: Any) -> Any:
        return np.sum(weights * np.abs(X @ w))

    assert tw.convexity(loss, np.zeros(2), data=(X, weights))
    weights[3] = -weights[3]
    assert not tw.convexity(loss, np.zeros(2), data=(X, weights))


def test_a_mask_of_data_chooses_convex_elements() -> None:
    X, y = regression(30, 2, 5)
    is_known = y > 0

    def loss(w: Any) -> Any:
        z = X @ w
        return np.sum(np.where(is_known, np.exp(z), 0)) - np.sum(np.where(is_known, 0, np.sqrt(1e9 + z * 0)))

    assert tw.convexity(loss, np.zeros(2))


def test_single_precision() -> None:
    X, y = (part.astype(np.float32) for part in regression(60, 3, 6))
    found = tw.convexity(lambda w, X, y: np.mean((X @ w - y) ** 2), np.zeros(3, np.float32), data=(X, y))
    exact = 2 * np.linalg.eigvalsh(X.astype(np.float64).T @ X)[0] / 60
    assert found.modulus == pytest.approx(exact, rel=1e-6)


def test_large_data_are_decided_quickly() -> None:
    X, y = regression(100_000, 10, 7)

    def loss(w: Any, X: Any, y: Any) -> Any:
        return np.mean(np.log(1 + np.exp(-np.sign(y) * (X @ w)))) + 0.01 * np.sum(w**2)

    start = time.perf_counter()
    assert tw.convexity(loss, np.zeros(10), data=(X, y)).modulus == pytest.approx(0.02, rel=1e-9)
    assert time.perf_counter() - start < 30


def test_soft_labels_give_every_row_its_own_function() -> None:
    random = np.random.default_rng(8)
    X, y = random.standard_normal((500, 2)), random.random(500)

    def loss(w: Any, X: Any, y: Any) -> Any:
        z = X @ w
        return np.mean(np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z))))

    assert tw.convexity(loss, np.zeros(2), data=(X, y))


# What is said
def test_the_derivation_names_nodes_reasons_and_lines() -> None:
    found = tw.convexity(lambda w: np.log(np.sum(np.exp(w))) + np.sum(np.abs(w)), np.zeros(3))
    text = str(found)
    assert text.startswith("Convex: ")
    assert "logsumexp(#1)" in text
    assert "|x| is convex" in text
    assert "test_convexity.py:" in text


def test_a_counterexample_reads_well() -> None:
    text = str(tw.convexity(lambda w: w[0] * w[1], np.zeros(2)))
    assert text.startswith("Not convex: f = ")
    assert "0.5 a + 0.5 b" in text


def test_unknown_says_where_the_proof_ends() -> None:
    loss, x = CONVEX["cloglog"]
    found = tw.convexity(loss, x)
    assert "known_losses.py:" in found.reason
    assert not found


def test_a_certificate_is_true_and_all_else_false() -> None:
    assert bool(tw.convexity(lambda x: np.sum(np.exp(x)), np.zeros(1)))
    assert not tw.convexity(lambda x: np.sum(special.expit(x)), np.zeros(1))

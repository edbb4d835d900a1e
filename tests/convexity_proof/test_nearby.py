"""Bounds around a point: of the curvature, compared with Hessians of JAX at random points of the ball, and of what is left to fall."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize as scipy_minimize

import thalweg as tw
from thalweg.convexity_proof import ProvenLoss
from thalweg.convexity_proof.cells import Cells
from thalweg.convexity_proof.intervals import Interval
from thalweg.convexity_proof.jacobian import Jacobian
from thalweg.convexity_proof.nearby import _around
from thalweg.convexity_proof.normalise import in_real_numbers, normalise
from thalweg.convexity_proof.proof import prove_nodes
from thalweg.convexity_proof.quadratic import jacobian_of
from thalweg.convexity_proof.regroup import affine_chain, decide, sum_of
from thalweg.descent.data import data_of
from thalweg.descent.problem import problem_of


def logistic(w: Any, X: Any, y: Any, np: Any = np) -> Any:
    z = X @ w
    return np.mean(np.logaddexp(0, z) - y * z)


def written_out(w: Any, X: Any, y: Any, np: Any = np) -> Any:
    """Stable by hand, and each example's function is another one."""
    z = X @ w
    return np.mean(np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))) + 1e-3 * np.sum(w**2)


def by_margin(w: Any, X: Any, y: Any, np: Any = np) -> Any:
    return np.sum(np.log(1 + np.exp(-(2 * y - 1) * (X @ w + 0.3)))) / 7


def poisson(w: Any, X: Any, y: Any, np: Any = np) -> Any:
    z = X @ w
    return np.mean(np.exp(z) - y * z)


def squared_hinge(w: Any, X: Any, y: Any, np: Any = np) -> Any:
    return np.mean(np.maximum(0, 1 - (2 * y - 1) * (X @ w)) ** 2)


def cosh_with_squares(w: Any, X: Any, y: Any, np: Any = np) -> Any:
    return np.sum(np.cosh(X @ w - y)) / 10 + np.sum((w[0] - w[-1]) ** 2)


LOSSES = [logistic, written_out, by_margin, poisson, squared_hinge, cosh_with_squares]


def examples(seed: int, rows: int = 300) -> tuple[Any, Any]:
    """Columns of very different units, some that go together, examples far out."""
    generator = np.random.default_rng(seed)
    X = generator.standard_normal((rows, 4)) * 10.0 ** generator.integers(-2, 3, 4)
    X[:, 1] += 0.9 * X[:, 0]
    X[::50] *= 4
    w = generator.standard_normal(4) / np.sqrt(np.mean(X**2, axis=0)) / 2
    y = (X @ w + generator.logistic(size=rows) > 0) * 1.0
    return np.column_stack([X, np.ones(rows)]), y


def proven(loss: Callable[..., Any], X: Any, y: Any) -> ProvenLoss:
    data = data_of((X, y))
    return ProvenLoss.of(problem_of(loss, np.zeros(X.shape[1]), data, data.examples), data)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("loss", LOSSES)
def test_the_modulus_is_below_the_curvature_in_the_ball(loss: Callable[..., Any], seed: int) -> None:
    import jax

    jax.config.update("jax_enable_x64", True)
    generator = np.random.default_rng(seed)
    X, y = examples(seed)
    known = proven(loss, X, y)
    assert known.convexity.is_convex
    assert known._sum is not None
    point = generator.standard_normal(5) / np.sqrt(np.mean(X**2, axis=0)) / 3
    around = _around(known._proof, known._sum, point)
    assert around is not None
    transform = around.inner / around.units[:, None]
    hessian = jax.jit(jax.hessian(lambda w: loss(w, X, y, jax.numpy)))
    for radius in (0.0, 1e-3, 0.1, 1.0):
        modulus, _ = around.curvature(radius)
        assert radius > 1e-3 or modulus > 0.2, "too weak to be of use"
        for _ in range(20):
            step = generator.standard_normal(5)
            step *= radius * generator.random() ** 0.2 / np.linalg.norm(step)
            there = transform.T @ np.asarray(hessian(point + transform @ step)) @ transform
            assert np.linalg.eigvalsh(there)[0] >= modulus - 1e-9


@pytest.mark.parametrize("loss", LOSSES)
def test_no_more_is_left_to_fall_than_the_bound(loss: Callable[..., Any]) -> None:
    X, y = examples(9)
    known, gradient = proven(loss, X, y), tw.grad(loss)
    sizes = np.sqrt(np.mean(X**2, axis=0))
    result = scipy_minimize(
        lambda v: (float(loss(v / sizes, X, y)), gradient(v / sizes, X, y) / sizes),
        np.zeros(5),
        jac=True,
        method="BFGS",
        options={"gtol": 1e-10},
    )
    count = 0
    for size in (1e-6, 1e-4, 1e-2, 1e-1):
        for seed in range(5):
            point = (result.x + size * np.random.default_rng(seed).standard_normal(5)) / sizes
            bound = known.gap(point, gradient(point, X, y))
            count += bound is not None
            left = loss(point, X, y) - result.fun
            assert bound is None or left - 1e-12 <= bound
            assert size > 1e-6 or (bound is not None and bound <= 3 * left + 1e-12)
    assert count >= 8


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("loss", [logistic, by_margin])
def test_of_separable_data_nothing_is_proven_anywhere(loss: Callable[..., Any], seed: int) -> None:
    """There is no minimum: no bound may say that one is close, however far down the descent has come."""
    X, y = examples(seed)
    w = np.random.default_rng(seed).standard_normal(5) / np.sqrt(np.mean(X**2, axis=0))
    y = (X @ w > 0) * 1.0
    if seed % 2:  # one group alone is apart
        group = np.random.default_rng(seed).random(len(X)) < 0.1
        X, y = np.column_stack([X, group]), np.where(group, 1.0, examples(seed)[1])
        w = np.append(np.zeros(5), 1.0)
    known, gradient = proven(loss, X, y), tw.grad(loss)
    for length in (1.0, 10.0, 30.0, 100.0, 1e3, 1e5):
        assert known.gap(length * w, gradient(length * w, X, y)) is None


def test_rows_of_examples_agree_with_the_whole_matrix() -> None:
    X, y = examples(0, 40)

    def loss(p: Any, X: Any, y: Any) -> Any:
        return np.mean(np.exp(0.5 - y * (X @ p["w"][1:6] + p["b"]) / 3 - 2 * (X @ p["v"])))

    data = data_of((X, y))
    start = {"b": 0.0, "v": np.zeros(5), "w": np.zeros(7)}
    known = ProvenLoss.of(problem_of(loss, start, data, data.examples), data)
    assert known._sum is not None
    (part,) = known._sum.parts
    chain = affine_chain(known._proof, part)
    assert chain is not None
    jacobian = Jacobian.of(known._proof, chain.base)
    assert jacobian is not None
    assert len(jacobian.terms) > 1
    whole = jacobian_of(known._proof.theta, chain.base)
    for places in (slice(0, 40, 1), slice(3, 29, 7)):
        np.testing.assert_allclose(jacobian.rows(places), whole[places], rtol=1e-14, atol=0)


@pytest.mark.parametrize("seed", range(5))
def test_bounds_in_cells_hold_at_every_number(seed: int) -> None:
    """Of log(1 + exp(z)), whose curvature p (1 − p) is known, on narrow and wide intervals."""
    generator = np.random.default_rng(seed)
    X, y = examples(seed)
    known = proven(logistic, X, y)
    assert known._sum is not None
    chain = next(c for node in known._sum.parts if (c := affine_chain(known._proof, node)) is not None)
    places = 3 * generator.standard_normal(len(X))
    cells = Cells.around(chain, places)
    reach = 10.0 ** generator.uniform(-6, 0.5, len(X))
    curved, steep = cells.bounds(places - reach, places + reach, chain.row, np.ones(len(X)))
    for share in np.linspace(-1, 1, 41):
        p = 1 / (1 + np.exp(-(places + share * reach)))
        assert (curved <= p * (1 - p) + 1e-15).all()
        assert (steep >= p - 1e-15).all()
    assert np.median(curved / (1 / (2 + 2 * np.cosh(places)))) > 0.5


@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_proven_of_all_elements_together_is_proven_of_each(loss: Callable[..., Any]) -> None:
    X, y = examples(1, 5000)
    data = data_of((X, y))
    graph = normalise(in_real_numbers(problem_of(loss, np.zeros(5), data, 5000).graph, data.arrays))
    everywhere = Interval(np.full(5, -np.inf), np.full(5, np.inf))
    proofs = [prove_nodes(graph, everywhere, largest) for largest in (1 << 12, 1 << 21)]
    together, each = (decide(proof, sum_of(proof)) for proof in proofs)
    assert together.is_convex
    assert each.is_convex
    assert together.modulus == pytest.approx(each.modulus, rel=1e-9)
    for node in graph.nodes:
        one, other = (proof.facts[node] for proof in proofs)
        assert (one.lower <= other.lower).all()
        assert (one.upper >= other.upper).all()
        assert (one.convex <= other.convex).all()
        assert (one.concave <= other.concave).all()

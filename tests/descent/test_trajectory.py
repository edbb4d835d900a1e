"""The way of a descent, retraced, is the way that was gone."""

from __future__ import annotations

import numpy as np
import pytest

import thalweg as tw
from thalweg.descent import retrace


def rosenbrock(p):
    x, y = p
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


START = np.array([-1.2, 1.0])


@pytest.mark.parametrize("method", [tw.LBFGS(), tw.GradientDescent(1e-3), tw.Adam(0.01), tw.Newton()], ids=str)
def test_it_has_the_losses_of_the_history(method: tw.Method) -> None:
    result = tw.minimize(rosenbrock, START, method=method, stop=tw.MaxSteps(300))
    (way,) = retrace(result)
    assert np.array_equal(way.step, np.arange(result.steps + 1))
    assert np.array_equal(way.parameters[0], START)
    assert np.array_equal(way.parameters[-1], result.parameters)
    losses = dict(zip(way.step.tolist(), map(rosenbrock, way.parameters), strict=True))
    rows = zip(result.history.step.tolist(), result.history.loss.tolist(), strict=True)
    assert all(losses[step] == pytest.approx(loss, rel=1e-9, abs=1e-22) for step, loss in rows)


def test_gradient_descent_by_hand() -> None:
    (way,) = retrace(tw.minimize(rosenbrock, START, method=tw.GradientDescent(1e-3), stop=tw.MaxSteps(50)))
    here = START
    for row in way.parameters[1:]:
        here = here - 1e-3 * tw.grad(rosenbrock)(here)
        assert np.allclose(row, here, rtol=1e-12)


def test_long_ways_are_thinned_and_end_where_they_ended() -> None:
    result = tw.minimize(rosenbrock, START, method=tw.GradientDescent(1e-4), stop=tw.MaxSteps(50_000))
    (way,) = retrace(result, most=100)
    assert len(way) <= 102
    assert way.step[-1] == 50_000
    assert np.array_equal(way.parameters[-1], result.parameters)


def test_populations_have_a_way_for_each_member() -> None:
    result = tw.minimize(rosenbrock, START, restarts=3, method=tw.GradientDescent(tw.powers_of_ten(-4, -1)))
    ways = retrace(result, most=200)
    assert len(ways) == len(result.members) == 12
    for way, member in zip(ways, result.members, strict=True):
        assert np.array_equal(way.parameters[-1], member.origin.end)
        assert way.step[-1] == member.steps


def test_mini_batches_are_the_same_ones() -> None:
    generator = np.random.default_rng(0)
    X = generator.normal(size=(300, 3))
    y = X @ [1.0, 2.0, 3.0] + generator.normal(size=300)
    result = tw.minimize(lambda w, X, y: np.mean((X @ w - y) ** 2), np.zeros(3), data=(X, y), batch_size=16, seed=3)
    (way,) = retrace(result)
    assert np.array_equal(way.parameters[-1], result.parameters)


def test_what_cannot_be_retraced_has_no_way() -> None:
    import pickle

    result = tw.minimize(rosenbrock, START, method=tw.GradientDescent(1e-3), stop=tw.MaxSteps(50))
    assert retrace(pickle.loads(pickle.dumps(result))) == ()
    assert retrace(result, seconds=0.0) == ()
    result.origin.end[:] = 0.0  # as after a change of the rate on the way
    assert retrace(result) == ()

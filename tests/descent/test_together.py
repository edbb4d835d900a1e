"""Members of a population with numbers of their own in the loss, and members that go on after a limit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.descent.member import Member
from thalweg.descent.minimize import plan_of
from thalweg.descent.together import Descents

RNG = np.random.default_rng(0)
X = RNG.standard_normal((200, 3))
Y = X @ np.array([1.0, 2.0, 3.0]) + 0.1 * RNG.standard_normal(200)
PENALTIES = (0.0, 0.1, 1.0, 10.0, 0.3)


def ridge(w: Any, X: Any, y: Any, *, penalty: Any) -> Any:
    return np.mean((X @ w - y) ** 2) + penalty * np.sum(w**2)


def descents_of(steps: int, penalties: Any = PENALTIES, batch_size: int | None = None, room: int = 0) -> Descents:
    plan, method = plan_of(
        ridge,
        np.zeros(3),
        data=(X, Y),
        batch_size=batch_size,
        method=tw.Momentum(0.02),
        stop=tw.MaxSteps(steps),
        numbers=("penalty",),
    )
    return Descents(plan, [Member(np.zeros(3), method, {}, 0, (p,)) for p in penalties], room)


def test_each_member_has_its_own_penalty() -> None:
    descents = descents_of(1000)
    descents.run(None)
    for penalty, result in zip(PENALTIES, descents.ends().results, strict=True):
        exact = np.linalg.solve(X.T @ X / 200 + penalty * np.eye(3), X.T @ Y / 200)
        np.testing.assert_allclose(result.parameters, exact, atol=1e-9)
        assert result.loss == pytest.approx(ridge(exact, X, Y, penalty=penalty))


@pytest.mark.parametrize("batch_size", [None, 7])
def test_members_that_go_on_end_as_if_they_had_never_paused(batch_size: int | None) -> None:
    whole = descents_of(90, batch_size=batch_size)
    whole.run(None)
    parts = descents_of(90, batch_size=batch_size)
    parts.limit(range(5), tw.MaxSteps(30), 0)
    parts.run(None)
    assert [parts.steps(place) for place in range(5)] == [30] * 5
    parts.limit([1, 3, 4], tw.MaxSteps(90), 30)
    parts.run(None)
    ended = parts.ends().results
    assert [result.steps for result in ended] == [30, 90, 30, 90, 90]
    for place in (1, 3, 4):
        reference = whole.ends().results[place]
        np.testing.assert_array_equal(ended[place].parameters, reference.parameters)
        assert ended[place].loss == reference.loss
        np.testing.assert_array_equal(ended[place].history.step, reference.history.step)
        np.testing.assert_array_equal(ended[place].history.loss, reference.history.loss)


def test_a_member_alone_has_the_digits_that_it_has_among_others() -> None:
    """If there is room for the others."""
    penalties = np.geomspace(1e-3, 1, 32)
    all_of_them = descents_of(100, penalties)
    all_of_them.run(None)
    assert all_of_them.lockstep.lanes == 16
    for place in (0, 17):
        alone = descents_of(100, penalties[place : place + 1], room=32)
        alone.run(None)
        np.testing.assert_array_equal(alone.ends().results[0].parameters, all_of_them.ends().results[place].parameters)

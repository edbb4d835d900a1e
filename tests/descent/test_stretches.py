"""Stretches grow to what is worth a call, whatever a call costs; measured on machines of which all costs are known."""

from __future__ import annotations

import pytest

from thalweg.descent.stretches import STRETCH_SECONDS, Stretches


def sizes(fixed: float, of_iteration: float, count: int = 12, first: float = 0.0) -> list[int]:
    """The stretches of a descent whose calls and iterations take so long. first: what the first call takes beside."""
    stretches, found = Stretches(), []
    for number in range(count):
        found.append(stretches.iterations)
        seconds = fixed + of_iteration * stretches.iterations + (first if number == 0 else 0.0)
        stretches.learn(stretches.iterations, seconds)
    return found


@pytest.mark.parametrize("of_iteration", [1e-8, 3e-5, 2e-3])
def test_calls_that_cost_little(of_iteration: float) -> None:
    assert sizes(1e-6, of_iteration)[-1] * of_iteration == pytest.approx(STRETCH_SECONDS, rel=0.1)


@pytest.mark.parametrize(("fixed", "of_iteration"), [(0.06, 1e-3), (0.2, 1e-5), (0.1, 0.04)])
def test_calls_that_cost_more_than_a_stretch_should_take(fixed: float, of_iteration: float) -> None:
    """The iterations get four times as long as the call, as far as a person waits so long."""
    last = sizes(fixed, of_iteration, 20)[-1]
    assert last * of_iteration == pytest.approx(min(4 * fixed, 1.0), rel=0.35)


@pytest.mark.parametrize("of_iteration", [0.3, 30.0])
def test_long_iterations_come_one_by_one(of_iteration: float) -> None:
    found = sizes(1e-3, of_iteration)
    assert found[2:] == [1] * (len(found) - 2)
    assert found[1] == (2 if of_iteration < 1 else 1)


def test_a_slow_first_call_is_forgotten() -> None:
    found = sizes(0.0, 0.01, first=0.4)
    assert found[-1] == 5
    assert max(found) <= 20

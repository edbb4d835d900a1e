"""Proofs of losses of very many nodes: the work grows as the graph does, and what is given up is unknown, never wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from thalweg.convexity_proof import ConvexityKind, ProvenLoss, convexity, intervals
from thalweg.convexity_proof import proof as proofs
from thalweg.convexity_proof.chains import is_link
from thalweg.convexity_proof.dominators import Dominators
from thalweg.convexity_proof.intervals import Interval
from thalweg.descent.data import data_of
from thalweg.descent.problem import problem_of
from thalweg.graph import ArrayType, Node, input_node, make
from thalweg.ops.elementwise import add, tanh

SERIES = np.random.default_rng(0).standard_normal(1000)


def oscillator(p: Any, steps: int) -> Any:
    """An equation of motion, integrated by Heun's method."""
    place, speed, total = 1.0, 0.0, 0.0
    for _ in range(steps):
        force = -p[0] * np.sin(place) - p[1] * speed
        ahead = speed + 0.1 * force
        speed = speed + 0.05 * (force - p[0] * np.sin(place + 0.1 * speed) - p[1] * ahead)
        place = place + 0.1 * ahead
        total = total + (place - 0.1) ** 2
    return total / steps


def filtered(p: Any, steps: int) -> Any:
    """A linear filter: quadratic in the parameters."""
    state, total = 0.0, 0.0
    for y in SERIES[:steps]:
        state = 0.9 * state + p[0] * y + p[1]
        total = total + (state - np.cos(y)) ** 2
    return total / steps


def classified(p: Any, steps: int) -> Any:
    """Signs, from what a linear filter makes of a series: convex, of as many parts as there are steps."""
    state, total = 0.0, 0.0
    for y in SERIES[:steps]:
        state = 0.9 * state + p[0] * y + p[1]
        total = total + np.log(1 + np.exp(-np.sign(np.sin(3 * y)) * state))
    return total / steps + 0.01 * np.sum(p**2)


def clipped(p: Any, steps: int) -> Any:
    """With a choice in each step."""
    state, total = 0.0, 0.0
    for y in SERIES[:steps]:
        state = np.where(state > 1, p[0] * state, p[1] * state + y)
        total = total + state**2
    return total / steps


def of_one_number(p: Any, steps: int) -> Any:
    """Each state is a function of one parameter: chains may begin anywhere."""
    state, total = 0.5, 0.0
    for y in SERIES[:steps]:
        state = np.tanh(state * p[0] + 0.1 * y)
        total = total + (state - 0.1) ** 2
    return total / steps


def calls(work: Callable[[], object]) -> int:
    """How many functions are called, which does not depend on the machine."""
    count = 0

    def counted(*_: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def proven(loss: Callable[..., Any], steps: int) -> ProvenLoss:
    data = data_of(None)
    return ProvenLoss.of(problem_of(lambda p: loss(p, steps), np.array([0.5, 0.1]), data, data.examples), data)


@pytest.mark.parametrize(
    ("loss", "kind"),
    [
        (oscillator, ConvexityKind.UNKNOWN),
        (filtered, ConvexityKind.STRONGLY_CONVEX),
        (classified, ConvexityKind.STRONGLY_CONVEX),
        (clipped, ConvexityKind.UNKNOWN),
        (of_one_number, ConvexityKind.UNKNOWN),
    ],
)
def test_twice_the_nodes_take_twice_the_work(
    monkeypatch: pytest.MonkeyPatch, loss: Callable[..., Any], kind: ConvexityKind
) -> None:
    monkeypatch.setattr(proofs, "_EFFORT", 0)  # the part that does not grow
    monkeypatch.setattr(proofs, "_EFFORT_PER_NODE", 2)
    short, long = (calls(lambda steps=steps: proven(loss, steps)) for steps in (60, 120))
    assert long < 2.3 * short
    monkeypatch.setattr(proofs, "_EFFORT", 1 << 11)
    assert proven(loss, 60).convexity.kind is kind


@pytest.mark.parametrize(
    ("loss", "is_convex"),
    [
        (lambda p: np.sum(np.log(1 + np.exp(p))) + np.sum(p**2), True),
        (lambda p: np.sqrt(1 + np.sum(p**2)) + np.max(p), True),
        (lambda p: np.sum(p * np.tanh(p)), False),
        (lambda p: p[0] ** 2 - p[1] ** 2 + p[0] * p[1], False),
        (lambda p: p[0] ** 2 + p[1] ** 2 + p[0] * p[1], True),
    ],
)
@pytest.mark.parametrize("effort", [0, 10, 100])
def test_without_effort_nothing_wrong_is_proven(
    monkeypatch: pytest.MonkeyPatch, loss: Callable[..., Any], is_convex: bool, effort: int
) -> None:
    monkeypatch.setattr(proofs, "_EFFORT", effort)
    monkeypatch.setattr(proofs, "_EFFORT_PER_NODE", 0)
    found = convexity(loss, np.array([0.5, -0.5]))
    assert not found.is_convex or is_convex


def test_a_long_derivation_is_shown_in_part() -> None:
    found = proven(clipped, 100).convexity
    assert len(found.derivation) > 500
    shown = str(found).splitlines()
    assert len(shown) < 120
    assert any("more in `derivation`" in line for line in shown)


def test_lines_do_not_grow_with_the_operands() -> None:
    def stacked(p: Any, steps: int) -> Any:
        return np.sum(np.stack([np.tanh(p * y) for y in SERIES[:steps]]) ** 2)

    assert max(map(len, proven(stacked, 200).convexity.derivation)) < 300


@pytest.mark.parametrize("seed", range(8))
def test_dominators_are_what_every_way_leads_through(seed: int) -> None:
    """Against the definition: without the dominator, nothing that is no elementwise function is reached any more."""
    generator = np.random.default_rng(seed)
    type = ArrayType((), np.dtype(np.float64))
    bases = [input_node(type) for _ in range(2)]
    nodes: list[Node] = [*bases]
    found = Dominators()
    for base in bases:
        found.add_base(base)
    for _ in range(40):
        recent = nodes[-int(generator.integers(2, 6)) :]
        operands = [recent[i] for i in generator.integers(0, len(recent), 2)]
        node = make(tanh, operands[0]) if generator.random() < 0.4 else make(add, *operands)
        found.add(node, node.operands)
        nodes.append(node)

    def reached(start: Node, without: Node | None) -> set[Node]:
        seen, stack = {start}, [start]
        while stack:
            for operand in stack.pop().operands:
                if operand is not without and operand not in seen:
                    seen.add(operand)
                    stack.append(operand)
        return seen

    for node in filter(is_link, nodes):
        above = reached(node, None) - {node}
        expected = {other for other in above if not reached(node, other) & {*bases}}
        assert list(found.of(node)) == sorted(expected, key=nodes.index, reverse=True)


def test_products_of_few_and_of_many_intervals_agree() -> None:
    generator = np.random.default_rng(0)
    values = np.concatenate([generator.standard_normal(28), [0.0, -0.0, np.inf, -np.inf, 1e-320, 1e308, 0.5, -2.0]])
    ends = np.sort(generator.choice(values, (2, 2, 5000)), axis=1)
    a, b = (Interval(*pair) for pair in ends)
    many = intervals.multiply(a, b)
    for part in np.split(np.arange(5000), 100):
        few = intervals.multiply(Interval(a.lower[part], a.upper[part]), Interval(b.lower[part], b.upper[part]))
        np.testing.assert_array_equal(few.lower, many.lower[part])
        np.testing.assert_array_equal(few.upper, many.upper[part])

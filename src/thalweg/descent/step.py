"""One step of a descent, as a graph: loss, gradient, stopping rules and update together.

Everything that changes from step to step is the state; the numbers of the method and of the rules are inputs, so that
other numbers run in the same compiled program.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import optree

from ..errors import ArgumentError
from ..graph import Array, ArrayType, Graph, inline
from ..trace import Traced, as_traced, trace
from ..trace.traced import type_of
from .methods import Method, Point
from .parameters import flatten, leaf_arrays
from .problem import Problem
from .stopping import Measurement, StoppingRule, evaluate

__all__ = ["RECORDED", "Status", "Step", "step_of"]

FLOAT64 = np.dtype(np.float64)

RECORDED = ("loss", "gradient_norm", "learning_rate")
"""What each row of the history holds after the step's number."""

STEP, VECTOR, PREVIOUS, PREVIOUS_LOSS, PREVIOUS_NORM = range(5)
"""The first parts of the state: what the method and the rules remember follows."""


class Status(IntEnum):
    """Why a step was not taken; above zero: which rules fired, as bits from bit 1 on."""

    GOES_ON = 0
    RULE = 1
    LOSS_NOT_FINITE = -1
    GRADIENT_NOT_FINITE = -2
    PARAMETERS_NOT_FINITE = -3


@dataclass(frozen=True, eq=False)
class Step:
    """The graph of one step, and the values that it starts with.

    graph: (*state, *settings, seconds, *data) → (*new state, loss, gradient norm, learning rate, status).
    """

    graph: Graph
    state: tuple[Array, ...]
    settings: tuple[Array, ...]
    problem: Problem


def _numbers(value: Any, dtype: np.dtype[Any]) -> list[tuple[str, Array]]:
    """The numeric fields of a method or rule. Floats are given the dtype; whole numbers stay whole."""
    found = []
    for field in dataclasses.fields(value):
        number = getattr(value, field.name)
        if isinstance(number, bool):
            continue
        if isinstance(number, float | np.floating):
            found.append((field.name, np.asarray(number, dtype)))
        elif isinstance(number, int | np.integer):
            found.append((field.name, np.asarray(number, np.int64)))
    return found


def _with_numbers(value: Any, numbers: Sequence[tuple[str, Any]]) -> Any:
    """The same method or rule with traced values in place of its numbers."""
    changed = copy.copy(value)
    for name, number in numbers:
        object.__setattr__(changed, name, number)
    return changed


class _Settings:
    """Collects the numbers of methods and rules, and puts traced values in their places."""

    def __init__(self) -> None:
        self.arrays: list[Array] = []

    def collect(self, value: Any, dtype: np.dtype[Any]) -> Any:
        """A function that puts traced numbers in place, given all traced settings."""
        rules = getattr(value, "rules", None)
        if rules is not None:
            parts = [self.collect(rule, dtype) for rule in rules]
            return lambda traced: _with_numbers(value, [("rules", tuple(part(traced) for part in parts))])
        numbers = _numbers(value, dtype)
        first = len(self.arrays)
        self.arrays.extend(array for _, array in numbers)
        names = [name for name, _ in numbers]
        return lambda traced: _with_numbers(value, list(zip(names, traced[first : first + len(names)], strict=True)))


def step_of(problem: Problem, vector: Array, method: Method, rule: StoppingRule) -> Step:
    """Traces one step of a method under a stopping rule.

    Raises ArgumentError if the method changes the shape of the parameters or of its own state.
    """
    settings = _Settings()
    method_with = settings.collect(method, vector.dtype)
    rule_with = settings.collect(rule, FLOAT64)
    method_state, method_structure = leaf_arrays(method.initial_state(vector))
    memory, memory_structure = leaf_arrays(rule.initial_memory())
    state = [
        np.zeros((), np.int64),
        vector.copy(),
        vector.copy(),
        np.full((), np.nan),
        np.full((), np.nan),
        *(array.copy() for array in method_state),
        *(array.copy() for array in memory),
    ]
    first_method, first_memory = 5, 5 + len(method_state)
    data_types = [node.type for node in problem.graph.inputs[1:]]
    types = [type_of(array) for array in (*state, *settings.arrays)] + [ArrayType((), FLOAT64), *data_types]

    def step(*inputs: Any) -> list[Any]:
        old = inputs[: len(state)]
        numbers = inputs[len(state) : len(state) + len(settings.arrays)]
        seconds, *data = inputs[len(state) + len(settings.arrays) :]
        theta = old[VECTOR]
        loss_node, gradient_node = inline(problem.with_gradient, [x.node for x in (theta, *data)])
        loss, gradient = Traced(loss_node).astype(FLOAT64), Traced(gradient_node)
        norm = np.sqrt(np.sum(gradient.astype(FLOAT64) * gradient.astype(FLOAT64)))
        now = Measurement(old[STEP], loss, norm, seconds)
        fired: list[Any] = []
        remembered = optree.tree_unflatten(memory_structure, old[first_memory:])
        stops, new_memory = evaluate(rule_with(numbers), now, remembered, fired)
        used = method_with(numbers)
        count = old[STEP].astype(vector.dtype)
        own = optree.tree_unflatten(method_structure, old[first_method:first_memory])
        direction, new_own = used.direction(Point(theta, gradient, loss, count), own)
        rate = as_traced(used.rate(count)).astype(vector.dtype)
        new = theta + rate * direction
        status = _status(loss, norm, new, stops, fired)
        new_state = [
            old[STEP] + 1,
            _same_type(new, theta, f"{type(method).__name__} changes the parameters"),
            theta,
            loss,
            norm,
            *_same_types(new_own, own, f"{type(method).__name__}.direction changes its state"),
            *_same_types(new_memory, remembered, "a stopping rule changes its memory"),
        ]
        return [*new_state, loss, norm, rate.astype(FLOAT64), status]

    return Step(trace(step, types), tuple(state), tuple(settings.arrays), problem)


def _status(loss: Any, norm: Any, new: Any, stops: Any, fired: list[Any]) -> Any:
    """Not finite comes first: NaN must never pass for convergence."""
    bits: Any = np.int64(0)
    for number, flag in enumerate(fired):
        bits = bits + np.where(flag, np.int64(2 << number), np.int64(0))
    wide = new.astype(FLOAT64)
    status = np.where(stops, bits + np.int64(Status.RULE), np.int64(Status.GOES_ON))
    moved_out = ~stops & ~np.isfinite(np.sum(wide * wide))
    status = np.where(moved_out, np.int64(Status.PARAMETERS_NOT_FINITE), status)
    status = np.where(np.isfinite(norm), status, np.int64(Status.GRADIENT_NOT_FINITE))
    return np.where(np.isfinite(loss), status, np.int64(Status.LOSS_NOT_FINITE))


def _same_type(new: Any, old: Any, what: str) -> Traced:
    value = as_traced(new)
    if value.dtype != old.dtype and value.dtype.kind == old.dtype.kind:
        value = value.astype(old.dtype)
    if value.shape == () and old.shape != ():
        value = np.broadcast_to(value, old.shape)  # type: ignore[assignment]  # traced, as it was
    if value.shape != old.shape or value.dtype != old.dtype:
        raise ArgumentError(
            f"{what}: {old.node.type} became {value.node.type}. Every step must keep shapes and dtypes."
        )
    return value


def _same_types(new: Any, old: Any, what: str) -> list[Traced]:
    new_leaves, new_structure = flatten(new)
    old_leaves, old_structure = flatten(old)
    if new_structure != old_structure:
        raise ArgumentError(f"{what}: {old_structure} became {new_structure}. Return the same nesting.")
    return [_same_type(a, b, what) for a, b in zip(new_leaves, old_leaves, strict=True)]

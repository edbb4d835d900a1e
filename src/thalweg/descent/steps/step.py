"""The steps of a descent as a graph: its stages, one after another, and the state that they carry on.

Everything that changes from step to step is the state; the numbers of the method and of the rules are inputs, so that
other numbers run in the same compiled program.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import optree

from ...errors import ArgumentError
from ...graph import Array, ArrayType, Graph
from ...trace import trace
from ...trace.dtypes import supported_dtype, type_of
from ..methods.base import Method
from ..methods.levenberg_marquardt import LevenbergMarquardt
from ..methods.random_search import RandomSearch
from ..parameters import flatten, leaf_arrays
from ..penalties import Penalty
from ..problem import Problem
from ..stopping import StoppingRule
from .context import Context, Stage, State
from .fixed import Keeps, fixed_stages, fixed_state
from .least_squares import least_squares_stages, least_squares_state
from .random import random_stages, random_state
from .searched import searched_stages, searched_state
from .settings import Settings
from .status import RECORDED, RECORDED_PARAMETERS

__all__ = ["Outside", "Step", "settings_of", "start_of", "starts_of", "step_of"]

FLOAT64 = np.dtype(np.float64)


class Outside(NamedTuple):
    """Numbers that are brought up to date between stretches.

    seconds: since the descent began. validation_loss, validation_number: of the last check. rate_factor: what a person multiplies
    the learning rate by.
    """

    seconds: float = 0.0
    validation_loss: float = float("nan")
    validation_number: float = 0.0
    rate_factor: float = 1.0


@dataclass(frozen=True, eq=False)
class Step:
    """The graph of the stages of a step, and the values that they start with.

    graph: (*state, *settings, *outside, *data) → for each stage its new state, followed, in the stage that
    looks at new points, by a row of the history (`RECORDED`) and the status.
    stages: for each the number of its first output, and whether it looks at new points. recorded: numbers in a row of the
    history: `RECORDED`, then the parameters if they are few.
    state, structure: the initial state, as leaves and their nesting. keeps: what of the best point the state holds. form: what tells
    the step from others of the same problem; None if that cannot be known.
    """

    graph: Graph
    stages: tuple[tuple[int, bool], ...]
    state: tuple[Array, ...]
    structure: Any
    settings: tuple[Array, ...]
    problem: Problem
    recorded: int = len(RECORDED)
    keeps: Keeps = Keeps.NOTHING
    form: Hashable | None = None

    def named(self, state: Sequence[Array]) -> State:
        """The state by names."""
        return dict(optree.tree_unflatten(self.structure, state))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What the leaves of the state are called, such as `parameters` and `rule.0.count`."""
        return tuple(".".join(map(str, path)) for path in optree.treespec_paths(self.structure))

    def place(self, name: str) -> int:
        """The number of the leaf that is called so, an array in the state."""
        numbered: Any = optree.tree_unflatten(self.structure, list(range(len(self.state))))
        return int(numbered[name])


def step_of(
    problem: Problem, vector: Array, method: Method, rule: StoppingRule, seed: int = 0, keeps: Keeps = Keeps.NOTHING
) -> Step:
    """Traces the stages of a method under a stopping rule. seed: of methods that draw at random. keeps: of the best point.

    Raises ArgumentError if the method changes the shape of the parameters or of its own state.
    """
    settings, method_with, rule_with, penalty_with = _settings(vector.dtype, method, rule, problem.penalty)
    places_of_numbers = [settings.add(0.0, vector.dtype) for _ in problem.numbers]
    own, stages = _stages(problem, vector, method, seed, keeps)
    state, structure = leaf_arrays({**_common_state(vector, rule), **own})
    types = [type_of(array) for array in (*state, *settings.arrays)]
    types += [ArrayType((), FLOAT64) for _ in Outside._fields]
    types += [node.type for node in problem.data_inputs]
    places: list[tuple[int, bool]] = []
    few = vector.size if vector.size <= RECORDED_PARAMETERS else 0

    def all_stages(*inputs: Any) -> list[Any]:
        old: Any = optree.tree_unflatten(structure, inputs[: len(state)])
        numbers = inputs[len(state) : len(state) + len(settings.arrays)]
        seconds, *rest = inputs[len(state) + len(settings.arrays) :]
        validation, data = (rest[0], rest[1]), [*rest[3:], *(put(numbers) for put in places_of_numbers)]
        context = Context(
            problem,
            method_with(numbers),
            rule_with(numbers),
            seconds,
            validation,
            data,
            method,
            None if penalty_with is None else penalty_with(numbers),
            rate_factor=rest[2],
        )
        outputs: list[Any] = []
        for stage in stages:
            turn = stage(context, old)
            places.append((len(outputs), turn.status is not None))
            leaves, new_structure = flatten(turn.state)
            assert new_structure == structure, "a stage keeps the state's names"
            outputs += leaves
            if turn.status is not None:
                assert len(turn.recorded) == len(RECORDED)
                passed = [old["parameters"][place].astype(FLOAT64) for place in range(few)]
                outputs += [*turn.recorded, *passed, turn.status]
        return outputs

    graph = trace(all_stages, types)
    _check_types(graph, types[: len(state)], places)
    copies = tuple(array.copy() for array in state)
    return Step(graph, tuple(places), copies, structure, tuple(settings.arrays), problem, len(RECORDED) + few, keeps)


def start_of(
    problem: Problem,
    vector: Array,
    method: Method,
    rule: StoppingRule,
    seed: int,
    keeps: Keeps = Keeps.NOTHING,
) -> tuple[list[Array], tuple[Array, ...]]:
    """The state and the settings of another descent, for the same graph. The arrays of the state are new ones."""
    own, _ = _stages(problem, vector, method, seed, keeps)
    leaves, _ = flatten({**_common_state(vector, rule), **own})
    return [_copy(leaf) for leaf in leaves], tuple(_settings(vector.dtype, method, rule, problem.penalty)[0].arrays)


def starts_of(
    problem: Problem,
    vectors: Array,
    methods: Sequence[Method],
    rule: StoppingRule,
    seeds: Sequence[int],
    keeps: Keeps = Keeps.NOTHING,
) -> list[Array]:
    """The states of many descents, from vectors (K, P), for the same graph: each array is that of one with an axis (K, ...) before.

    Raises ArgumentError if the methods need memories of different shapes.
    """
    states = [
        _stages(problem, vector, method, seed, keeps)[0]
        for vector, method, seed in zip(vectors, methods, seeds, strict=True)
    ]
    _, structure = flatten(states[0])
    of_each = [structure.flatten_up_to(state) for state in states]
    shapes = [[np.shape(leaf) for leaf in leaves] for leaves in of_each]
    if any(other != shapes[0] for other in shapes[1:]):
        raise ArgumentError(
            f"{methods[0]}: a grid over a number that sets the size of the method's memory cannot run as one program; "
            "call minimize once for each value"
        )
    own = optree.tree_unflatten(structure, [np.array(leaves) for leaves in zip(*of_each, strict=True)])
    leaves, structure = flatten(_common_state(vectors[0], rule))
    common = optree.tree_unflatten(structure, [np.stack([leaf] * len(vectors)) for leaf in leaves])
    return [_copy(leaf) for leaf in flatten({**common, "parameters": vectors, **own})[0]]


def settings_of(
    problem: Problem,
    dtype: np.dtype[Any],
    methods: Sequence[Method],
    rule: StoppingRule,
    numbers: Sequence[Sequence[float]],
) -> list[Array]:
    """The settings of many descents, (K, ...). dtype: of the parameters. numbers: of the loss, for each, as the problem names them."""
    known: dict[int, list[Array]] = {}  # members may share a method
    for method in methods:
        if id(method) not in known:
            known[id(method)] = _settings(dtype, method, rule, problem.penalty)[0].arrays
    of_methods = [np.array(column) for column in zip(*(known[id(method)] for method in methods), strict=True)]
    return of_methods + [np.array(column, dtype) for column in zip(*numbers, strict=True)]


def _copy(leaf: Any) -> Array:
    array = np.array(leaf, order="C")
    return array.astype(supported_dtype(array.dtype), copy=False)


def _settings(
    dtype: np.dtype[Any], method: Method, rule: StoppingRule, penalty: Penalty | None
) -> tuple[Settings, Any, Any, Any]:
    """The numbers of the method, the rule and the penalty, and the functions that put traced numbers in their places."""
    settings = Settings()
    of_method, of_rule = settings.collect(method, dtype), settings.collect(rule, FLOAT64)
    of_penalty = None if penalty is None else settings.collect(penalty, dtype)
    return settings, of_method, of_rule, of_penalty


def _common_state(vector: Array, rule: StoppingRule) -> State:
    zero = np.int64(0)
    return {
        "step": zero,
        "evaluations": zero,
        "parameters": vector,
        "rule": rule.initial_memory(),
        "ascents": zero,
        "first_ascent": zero,
    }


def _stages(
    problem: Problem, vector: Array, method: Method, seed: int, keeps: Keeps
) -> tuple[State, tuple[Stage, ...]]:
    """What the kind of method adds to the state, and its stages."""
    if isinstance(method, LevenbergMarquardt):
        return least_squares_state(vector), least_squares_stages(problem)
    if isinstance(method, RandomSearch):
        return random_state(vector, seed), random_stages()
    memory = method.initial_state(vector)
    if method.line_search is not None:
        return searched_state(vector, method, memory), searched_stages(method)
    return fixed_state(vector, memory, keeps), fixed_stages()


def _check_types(graph: Graph, types: Sequence[ArrayType], places: Sequence[tuple[int, bool]]) -> None:
    for first, _ in places:
        for number, type in enumerate(types):
            found = graph.outputs[first + number].type
            assert found == type, f"state {number}: {type} became {found}"

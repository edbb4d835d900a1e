"""What a call of `minimize` comes down to, checked; and the steps and programs for it, made once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..compile.device import Device
from ..graph import Array, Graph
from ..ops.contraction import dot, free_axes
from . import device as devices
from .checkpoint import Keeper
from .chunks import over_data
from .controls import Controls
from .data import Data, ScatteredData
from .engines import CompiledStep
from .evaluation import Evaluation, evaluated, evaluation, evaluation_of
from .methods import LBFGS, Method
from .native_engine import compiled_step
from .penalties import Penalty
from .problem import Problem, problem_of
from .reuse import form_of
from .stepped_engine import batch_rows
from .steps import Keeps, Lanes, Outside, Step, in_lanes, start_of, step_of
from .stopping import StoppingRule
from .stretches import Stretches

__all__ = ["Origin", "Plan"]


@dataclass(frozen=True, eq=False)
class Origin:
    """What a result came from: enough to look at the loss around it.

    start, end: vectors. numbers: of the loss. alone: the method of a descent that had a program of its own. there: loss and gradient
    (P,) at the end, over all examples, if the descent left them behind.
    """

    plan: Plan
    start: Array
    end: Array
    numbers: tuple[float, ...] = ()
    alone: Method | None = None
    there: tuple[Array, Array] | None = None


@dataclass(frozen=True, eq=False)
class Plan:
    """What is to be done.

    problem: the loss for the examples of one step, all or a batch. validation: data kept apart; every: iterations between
    checks on them. begin: when the call began, in seconds. memory: of the method, from an earlier descent. controls: what a person
    may do to the descent. device: of the jax target. keeper: of checkpoints.
    """

    loss: Callable[..., Any]
    parameters: Any
    problem: Problem
    source: Any
    data: Data
    batch: int | None
    rule: StoppingRule
    seed: int
    threads: int
    target: str
    validation: Data | None
    every: int
    begin: float
    penalty: Penalty | None = None
    memory: Any = None
    controls: Controls | None = None
    device: Device | None = None
    keeper: Keeper | None = None
    _latest_form: list[Any] = field(default_factory=lambda: [None, None], init=False, repr=False)

    @property
    def keeps(self) -> Keeps:
        """Of the best point so far the loss, if a person may ask for it, and losses of different steps compare."""
        return Keeps.LOSS if self.controls is not None and self.batch is None else Keeps.NOTHING

    @property
    def is_in_memory(self) -> bool:
        """Whether machine code of this process descends over examples in its memory."""
        is_native = self.target == "native" and self.device is None and self.problem.is_traced
        return is_native and not isinstance(self.data, ScatteredData)

    def step(self, vector: Array, method: Method, keeps: Keeps | None = None) -> Step:
        """The step's graph for methods of this kind. keeps: of the best point, by default what the plan says."""
        kept = self.keeps if keeps is None else keeps
        key = self._key(method, kept)
        return self.problem.known.get(
            None if key is None else ("step", key, vector.dtype),
            lambda: step_of(self.problem, vector, method, self.rule, self.seed, kept),
        )

    def program(self, step: Step, method: Method, arrays: Sequence[Array] | None = None) -> CompiledStep:
        """The step's program. Arrays that the loss refers to stay with it. arrays: by default all data."""
        key = self._key(method, step.keeps)
        given = self.data.arrays if arrays is None else arrays
        types = tuple((array.shape, array.dtype) for array in given)
        return self.problem.known.get(
            None if key is None else ("program", key, self.device, self.batch, types),
            lambda: self._compiled(step, given),
        )

    def stretches(self, step: Step, method: Method, members: int = 1) -> Stretches:
        """The sizes of stretches, as an earlier descent of this kind has learnt them. members: that descend together."""
        key = self._key(method, step.keeps)
        given = self.target, self.device, self.threads, self.batch, self.data.examples, members
        return self.problem.known.get(None if key is None else ("stretches", key, *given), Stretches)

    def _compiled(self, step: Step | Lanes, arrays: Sequence[Array]) -> CompiledStep:
        if self.device is None:
            return compiled_step(step, arrays, self.batch)
        return devices.device_step(step, arrays, self.batch, self.device)

    def program_of_many(self, step: Step, method: Method, lanes: int) -> tuple[CompiledStep, int]:
        """The program for members in so many lanes, and the number of lanes: 1 where lanes gain nothing."""
        key = self._key(method, step.keeps)
        types = tuple((array.shape, array.dtype) for array in self.data.arrays)

        def make() -> tuple[CompiledStep, int]:
            wide = in_lanes(step, lanes)
            if lanes == 1 or (self.device is None and _is_heavy(wide.graph)):
                return self.program(step, method), 1
            return self._compiled(wide, self.data.arrays), lanes

        return self.problem.known.get(
            None if key is None else ("lanes", lanes, key, self.device, self.batch, types), make
        )

    def _key(self, method: Method, keeps: Keeps) -> Any:
        before, key = self._latest_form
        if before is not method:
            key = form_of(method), form_of(self.rule)
            self._latest_form[:] = method, key
        return None if None in key else (*key, keeps)

    def whole(self) -> Problem:
        """The problem for all examples."""
        if self.batch is None:
            return self.problem
        return problem_of(
            self.loss, self.parameters, self.data, self.data.examples, self.source, self.problem.numbers, self.penalty
        )

    def evaluation(self, vector: Array) -> Evaluation:
        """Loss and gradient norm over all examples, wherever they are."""
        problem = self.whole()
        if not isinstance(self.data, ScatteredData):
            return evaluation(problem, vector, self.data.arrays, target=self.target)
        value, gradient = self.over_scattered(self.data, vector)
        return evaluation_of(problem, vector, value, gradient)

    def evaluated(self, vector: Array, alone: Method | None) -> tuple[Array, Array]:
        """Loss and gradient (P,) over all examples in memory. alone: as `Origin` has it; rounds of L-BFGS evaluate once, so that its
        program, which is there already, serves."""
        problem = self.whole()
        is_there = isinstance(alone, LBFGS) and self._key(alone, self.keeps) is not None
        if alone is None or not is_there or not self.is_in_memory or self.batch is not None:
            return evaluated(problem, vector, self.data.arrays)
        state, settings = start_of(problem, vector, alone, self.rule, self.seed, self.keeps)
        step = self.step(vector, alone)
        engine = self.program(step, alone).engine(state, settings, self.data.arrays, self.seed, self.threads)
        engine.advance(1, Outside())
        there = step.named(engine.state)
        return there["loss"], there["gradient"]

    def over_scattered(self, data: ScatteredData, vector: Array) -> tuple[Array, Array]:
        """Loss and gradient over all examples, wherever they are, without the part of the penalty that has a kink."""
        problem = self.whole()
        function = problem.known.get(
            ("scattered", data.key), lambda: over_data(problem.with_gradient, data, threads=self.threads)
        )
        value, gradient = function(vector)
        return value, gradient

    def batch_of(self, number: int) -> Sequence[Array]:
        """The examples of a step."""
        if self.batch is None:
            return self.data.arrays
        rows = batch_rows(number, self.batch, self.data.examples, self.seed)
        return [array[rows] for array in self.data.arrays]


_HEAVY = 4096
"""Products of matrices of the members' own, of this many multiplications, run faster for one member after the other."""


def _is_heavy(graph: Graph) -> bool:
    """Whether each member multiplies large matrices of its own, so that nothing is gained by lanes."""
    for node in graph.nodes:
        if node.primitive is dot and node.attributes["batch"][0]:
            a, b = node.operands
            contract, shared = node.attributes["contract"], node.attributes["batch"]
            rows = math.prod(a.shape[axis] for axis in free_axes(len(a.shape), contract[0], shared[0]))
            columns = math.prod(b.shape[axis] for axis in free_axes(len(b.shape), contract[1], shared[1]))
            inner = math.prod(a.shape[axis] for axis in contract[0])
            if rows > 1 and columns > 1 and rows * columns * inner > _HEAVY:
                return True
    return False

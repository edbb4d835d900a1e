"""What one descent came to, and what can be said of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..graph import Array, evaluate
from .beginning import beginning_of, engine_of
from .best import Best, with_point
from .checkpoint import Checkpoint
from .data import ScatteredData, check_data
from .engines import Engine
from .history import History
from .methods import Method
from .norms import norm
from .not_finite import explain
from .plan import Origin, Plan
from .problem import problem_of
from .result import Ending, Result
from .run import Ended, Validation, reason
from .steps import Keeps, Status, Step
from .stopping import Measurement, ValidationStalls, leaves

__all__ = ["Outcome"]

_LONG = 0.05
"""Seconds for an evaluation: who ends a descent by hand does not want to wait for another."""


@dataclasses.dataclass(eq=False)
class Outcome:
    """What a descent came to, and what can be said of it."""

    plan: Plan
    start: Array
    method: Method
    step: Step
    engine: Engine
    ended: Ended
    checks: Validation | None
    notes_before: Sequence[str]
    best: Best | None

    def __post_init__(self) -> None:
        self.state = self.step.named(self.engine.state)
        self.last_step = int(self.state["step"])
        self.rows = self.ended.rows
        self.has_failed = self.ended.status in (Status.LOSS_NOT_FINITE, Status.GRADIENT_NOT_FINITE)
        self.notes = [*self.notes_before, *self.engine.notes]

    def result(self, compile_seconds: float) -> Result:
        """The result. Raises DataError if the data are why the loss is not finite."""
        plan, state = self.plan, self.state
        if self.has_failed:
            check_data(plan.data)
            if plan.problem.is_traced:
                self.notes.append(_explained(plan, state["parameters"], self.last_step))
        vector, at, found = self._end()
        stopped = reason(self.ended.status, self.ended.is_interrupted, plan.rule, self._seen(found))
        if self.checks is not None:
            if plan.validation is not None and any(np.isnan(loss) for _, loss in self.checks.told):
                check_data(plan.validation, "validation")
            stalls = any(isinstance(rule, ValidationStalls) for rule in leaves(plan.rule))
            if (stalls or self._wants_best) and self.checks.best is not None and not self.has_failed:
                vector, at = self.checks.best, self.checks.best_step
                found = self._ending(vector)
                self.notes.append(f"these are the parameters of step {at:,}, whose validation loss was the smallest")
        if plan.controls is not None:
            self.notes += plan.controls.notes
        rates = self.rows.column("learning_rate")
        if self.ended.status == Status.PARAMETERS_NOT_FINITE and not np.isfinite(rates[-1]):
            self.notes.append(f"the schedule of the learning rate gives {rates[-1]} at step {self.last_step:,}")
        if (rates < 0).any():
            first = int(self.rows.column("step")[np.argmax(rates < 0)])
            self.notes.append(f"the learning rate is below zero at step {first:,}: steps like that lead uphill")
        if plan.batch is None and int(state["ascents"]):
            self.notes.append(self._ascent_note())
        return Result(
            parameters=plan.problem.layout.tree(vector),
            end=found,
            steps=at,
            seconds=self.ended.seconds,
            stopped_by=stopped,
            history=History(
                self.rows,
                () if self.checks is None else self.checks.told,
                () if plan.controls is None else plan.controls.interventions,
            ),
            compile_seconds=compile_seconds,
            method=self.method,
            notes=tuple(self.notes),
            evaluations=int(state["evaluations"]),
            ascents=int(state["ascents"]),
            memory=state.get("method"),
            origin=Origin(plan, self.start, vector, alone=self.method, there=self._there(vector)),
        )

    def _there(self, vector: Array) -> tuple[Array, Array] | None:
        """Loss and gradient at the end, if the state holds them."""
        state = self.state
        is_there = self.plan.batch is None and vector is state["parameters"] and "gradient" in state
        is_there = is_there and bool(np.isfinite(state["loss"]))  # else it was never evaluated
        return (np.asarray(state["loss"]), state["gradient"].copy()) if is_there else None

    def _end(self) -> tuple[Array, int, Ending]:
        """The last parameters that are finite, their step, and loss and gradient there, over all examples."""
        plan, state = self.plan, self.state
        vector, at = state["parameters"], self.last_step
        is_back = self.has_failed and self.last_step > 0 and "previous" in state
        if is_back:
            vector, at = state["previous"]["parameters"], self.last_step - 1
        if plan.batch is None and is_back:
            return vector, at, _recorded(state["previous"])
        if self.ended.is_interrupted and not self.has_failed and (found := self._known()) is not None:
            return found
        # Interrupted, the last row may be of an earlier step: not every one is recorded.
        is_recorded = self.ended.status > 0 or ("turn" in state and self.ended.status != 0)
        is_there = is_recorded and not self.method.looks_ahead
        if plan.batch is None and is_there and len(self.rows):
            return vector, at, Ending.at(*self._last_seen())
        return vector, at, self._ending(vector)

    def _ending(self, vector: Array) -> Ending:
        """Loss and gradient over all examples, which mini-batches do not tell: an epoch's work, for who asks for it."""
        plan = self.plan
        can_wait = plan.batch is not None and self.ended.status > 0 and not isinstance(plan.data, ScatteredData)
        return Ending(lambda: plan.evaluation(vector)) if can_wait else Ending.at(*plan.evaluation(vector))

    def _met_again(self, best: Best) -> tuple[Array, int, Ending]:
        """The point with the smallest loss: the way to it is gone again, unless it is that of a single step."""
        named = self.step.named([array[0] for array in best.state])
        at = int(named["step"])
        rows = np.flatnonzero(self.rows.column("step") == at)
        if best.iterations[0] == 1 and len(rows) and not self.method.looks_ahead:
            norm = float(self.rows.column("gradient_norm")[rows[-1]])
            return named["parameters"], at, Ending.at(float(best.loss[0]), norm)
        step = self.plan.step(self.start, self.method, Keeps.POINT)
        state, _ = beginning_of(self.plan, step, self.start, self.method)
        begin, count = int(best.iteration[0]), int(best.iterations[0])
        marked = with_point(step, state, self.step, [array[0] for array in best.state])
        found = Checkpoint.of_state(dict(zip(step.names, marked, strict=True)), begin, begin + count)
        engine = engine_of(self.plan, step, self.start, self.method, found)
        engine.advance(count, best.outside[0].tolist())
        point = step.named(engine.state)["best"]
        return point["parameters"], int(point["step"]), _recorded(point)

    @property
    def _wants_best(self) -> bool:
        controls = self.plan.controls
        return controls is not None and controls.keeps_best

    def _known(self) -> tuple[Array, int, Ending] | None:
        """Of a descent that was ended by hand: a point whose loss is known already, if it is wanted, or another look at all
        examples would take long."""
        state = self.state
        if self._wants_best and self.best is not None and np.isfinite(self.best.loss[0]):
            vector, at, found = self._met_again(self.best)
            self.notes.append(f"these are the parameters of step {at:,}, whose loss was the smallest")
            return vector, at, found
        if self.plan.batch is not None or self.ended.seconds < _LONG * (int(state["evaluations"]) + 1):
            return None
        if "previous" in state and np.isfinite(state["previous"]["loss"]):
            before = state["previous"]
            self.notes.append(f"these are the parameters of step {self.last_step - 1:,}, the last whose loss is known")
            return before["parameters"], self.last_step - 1, _recorded(before)
        if "gradient" in state and np.isfinite(state["loss"]):
            return state["parameters"], self.last_step, Ending.at(float(state["loss"]), norm(state["gradient"]))
        self.notes.append("it was ended before the loss was known anywhere")
        return state["parameters"], self.last_step, Ending.at(float("nan"), float("nan"))

    def _seen(self, found: Ending) -> Measurement:
        """What the rules saw last: of a mini-batch, its own loss."""
        check = self.checks.outside if self.checks else (float("nan"), 0.0)
        is_of_batch = self.plan.batch is not None and self.ended.status > 0 and len(self.rows)
        loss, norm = self._last_seen() if is_of_batch else found.numbers
        return Measurement(self.last_step, loss, norm, self.ended.seconds, *check)

    def _last_seen(self) -> tuple[float, float]:
        """Loss and gradient norm in the newest row of the history."""
        _, _, loss, norm, *_ = self.rows.last.tolist()
        return loss, norm

    def _ascent_note(self) -> str:
        count, first = int(self.state["ascents"]), int(self.state["first_ascent"])
        instead = "; steepest descent was taken instead" if "is_steepest" in self.state else ""
        times = "once" if count == 1 else f"{count:,} times"
        return f"the direction did not point downhill (∇f·Δw ≥ 0) {times}, first at step {first:,}{instead}"


def _recorded(part: Mapping[str, Any]) -> Ending:
    """Loss and gradient of a point that the state holds."""
    return Ending.at(float(part["loss"]), float(part["gradient_norm"]))


def _explained(plan: Plan, vector: Array, step: int) -> str:
    """Where numbers that are not finite began; of a stream, in the first chunk where they did."""
    if not isinstance(plan.data, ScatteredData):
        return explain(plan.problem, vector, plan.batch_of(step), is_start=step == 0)
    for chunk in plan.data.chunks():
        problem = problem_of(plan.loss, plan.parameters, plan.data, len(chunk[0]), plan.source)
        with np.errstate(all="ignore"):
            found = evaluate(problem.with_gradient, [vector, *chunk])
        if not all(np.isfinite(value).all() for value in found):
            break
    return explain(problem, vector, chunk, is_start=step == 0)

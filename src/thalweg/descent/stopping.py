"""Stopping rules: when a descent ends. They look at the whole objective, penalty included, and are compiled with it.

Rules combine: `GradientBelow(1e-6) | MaxSteps(10_000)` stops at whichever comes first, `&` when both hold. To write a
rule of your own, derive from `StoppingRule` and give `fires`, in plain NumPy. Every comparison is written so that NaN
does not pass for success; a loss, gradient or parameter that is not finite ends every descent by itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from ..arguments import whole_number
from ..errors import ArgumentError

__all__ = [
    "AllOf",
    "AnyOf",
    "GradientBelow",
    "LossBelow",
    "MaxSeconds",
    "MaxSteps",
    "Measurement",
    "NoChange",
    "Stop",
    "StoppingRule",
    "ValidationStalls",
    "evaluate",
    "leaves",
]


@dataclass(frozen=True)
class Measurement:
    """What a rule can look at, before the step is taken.

    step: the number of steps taken so far. loss: of the whole objective. gradient_norm: Euclidean. seconds: since the
    descent began, brought up to date some twenty times a second. validation_loss: at the last check on the validation data, NaN
    before there was one; validation_number: how many checks there were.
    """

    step: Any
    loss: Any
    gradient_norm: Any
    seconds: Any
    validation_loss: Any = np.nan
    validation_number: Any = 0


@dataclass(frozen=True)
class StoppingRule:
    """What all rules share. A rule of your own derives from this class.

    initial_memory: what the rule remembers, a nesting of numbers. By default nothing.
    fires: (measurement, memory) → (whether it fires, new memory). Required.
    """

    def initial_memory(self) -> Any:
        """The memory that the rule starts with."""
        return ()

    def fires(self, now: Any, memory: Any) -> tuple[Any, Any]:
        """Whether to stop, and the memory for the next step."""
        raise ArgumentError(f"{type(self).__name__} has no method fires(now, memory)")

    def sentence(self, now: Measurement) -> str:
        """Why it fired, for a person to read."""
        return f"{self} fired"

    def __or__(self, other: StoppingRule) -> StoppingRule:
        return AnyOf((*_parts(self, AnyOf), *_parts(other, AnyOf)))

    def __and__(self, other: StoppingRule) -> StoppingRule:
        return AllOf((*_parts(self, AllOf), *_parts(other, AllOf)))

    def __str__(self) -> str:
        values = ", ".join(f"{getattr(self, field.name):g}" for field in fields(self))
        return f"{type(self).__name__}({values})"


def _parts(rule: StoppingRule, kind: Any) -> tuple[StoppingRule, ...]:
    if not isinstance(rule, StoppingRule):
        raise ArgumentError(f"stop={rule!r} is no stopping rule; write, for example, stop=tw.MaxSteps(1000)")
    return rule.rules if isinstance(rule, kind) else (rule,)


@dataclass(frozen=True)
class _Combination(StoppingRule):
    rules: tuple[StoppingRule, ...]

    def initial_memory(self) -> Any:
        return tuple(rule.initial_memory() for rule in self.rules)

    def combine(self, a: Any, b: Any) -> Any:
        """Whether both, or one of them, must hold."""
        raise NotImplementedError

    def evaluate(self, now: Any, memory: Any, fired: list[Any]) -> tuple[Any, Any]:
        """As `fires`; notes in `fired` what each simple rule says."""
        results = [evaluate(rule, now, part, fired) for rule, part in zip(self.rules, memory, strict=True)]
        total = results[0][0]
        for other, _ in results[1:]:
            total = self.combine(total, other)
        return total, tuple(part for _, part in results)

    def sentence(self, now: Measurement) -> str:
        return "; ".join(rule.sentence(now) for rule in self.rules)


@dataclass(frozen=True)
class AnyOf(_Combination):
    """Fires as soon as one of its rules does. Written `a | b`."""

    def combine(self, a: Any, b: Any) -> Any:
        return np.logical_or(a, b)

    def __str__(self) -> str:
        return " | ".join(map(str, self.rules))


@dataclass(frozen=True)
class AllOf(_Combination):
    """Fires when all of its rules do at once. Written `a & b`."""

    def combine(self, a: Any, b: Any) -> Any:
        return np.logical_and(a, b)

    def __str__(self) -> str:
        return " & ".join(f"({rule})" if isinstance(rule, AnyOf) else str(rule) for rule in self.rules)


def evaluate(rule: StoppingRule, now: Any, memory: Any, fired: list[Any]) -> tuple[Any, Any]:
    """Whether a rule fires, and its new memory; notes in `fired` what each simple rule in it says."""
    if isinstance(rule, _Combination):
        return rule.evaluate(now, memory, fired)
    result, memory = rule.fires(now, memory)
    fired.append(result)
    return result, memory


def leaves(rule: StoppingRule) -> Iterator[StoppingRule]:
    """The simple rules that a rule is made of."""
    if isinstance(rule, _Combination):
        for part in rule.rules:
            yield from leaves(part)
    else:
        yield rule


def _check_positive(name: str, value: Any) -> None:
    if not isinstance(value, int | float | np.number) or not (math.isfinite(value) and value > 0):
        raise ArgumentError(f"{name}={value!r}: expected a number above 0")


@dataclass(frozen=True)
class GradientBelow(StoppingRule):
    """Stops when the gradient's Euclidean norm is at or below a threshold.

    >>> GradientBelow(1e-6) | MaxSteps(1000)  # doctest: +ELLIPSIS
    AnyOf(rules=...)
    """

    threshold: float

    def __post_init__(self) -> None:
        _check_positive("threshold", self.threshold)

    def fires(self, now: Any, memory: Any) -> tuple[Any, Any]:
        """‖∇f‖ ≤ threshold."""
        return now.gradient_norm <= self.threshold, memory

    def sentence(self, now: Measurement) -> str:
        return f"the gradient's norm, {now.gradient_norm:.3g}, is at or below {self.threshold:g}"


@dataclass(frozen=True)
class LossBelow(StoppingRule):
    """Stops when the loss, penalty included, is at or below a target."""

    target: float

    def __post_init__(self) -> None:
        if not isinstance(self.target, int | float | np.number) or not math.isfinite(self.target):
            raise ArgumentError(f"target={self.target!r}: expected a finite number")

    def fires(self, now: Any, memory: Any) -> tuple[Any, Any]:
        """loss ≤ target."""
        return now.loss <= self.target, memory

    def sentence(self, now: Measurement) -> str:
        return f"the loss, {now.loss:.6g}, is at or below {self.target:g}"


@dataclass(frozen=True)
class NoChange(StoppingRule):
    """Stops when the loss has not changed for a number of steps in a row.

    steps: how many. tolerance: a change of less than tolerance · |loss| counts as none; by default 1e-10.
    """

    steps: int
    tolerance: float = 1e-10

    def __post_init__(self) -> None:
        whole_number("steps", self.steps)
        if not self.tolerance >= 0:
            raise ArgumentError(f"tolerance={self.tolerance!r}: expected a number, 0 or more")

    def initial_memory(self) -> Any:
        """The loss that later ones are compared with, and for how many steps it has held."""
        return {"loss": np.float64(np.inf), "count": np.int64(0)}

    def fires(self, now: Any, memory: Any) -> tuple[Any, Any]:
        """|loss − remembered loss| ≤ tolerance · |loss|, `steps` times in a row."""
        is_same = np.absolute(now.loss - memory["loss"]) <= self.tolerance * np.absolute(now.loss)
        count = np.where(is_same, memory["count"] + 1, 0)
        kept = np.where(is_same, memory["loss"], now.loss)
        return count >= self.steps, {"loss": kept, "count": count}

    def sentence(self, now: Measurement) -> str:
        return f"the loss, {now.loss:.6g}, has not changed for {self.steps} steps (tolerance {self.tolerance:g})"


@dataclass(frozen=True)
class MaxSteps(StoppingRule):
    """Stops after a number of steps."""

    steps: int

    def __post_init__(self) -> None:
        whole_number("steps", self.steps)

    def fires(self, now: Any, memory: Any) -> tuple[Any, Any]:
        """step ≥ steps."""
        return now.step >= self.steps, memory

    def sentence(self, now: Measurement) -> str:
        return f"all {self.steps:,} steps were taken"


@dataclass(frozen=True)
class MaxSeconds(StoppingRule):
    """Stops after a time, measured some twenty times a second."""

    seconds: float

    def __post_init__(self) -> None:
        _check_positive("seconds", self.seconds)

    def fires(self, now: Any, memory: Any) -> tuple[Any, Any]:
        """seconds ≥ limit."""
        return now.seconds >= self.seconds, memory

    def sentence(self, now: Measurement) -> str:
        return f"{self.seconds:g} seconds have passed"


@dataclass(frozen=True)
class ValidationStalls(StoppingRule):
    """Stops when the loss on validation data has not improved for a number of checks in a row.

    checks: how many. improvement: what counts as one, relative to the best loss. The descent then returns the parameters of
    the best check. Needs `minimize(..., validation=...)`, which also says how often to check.

    Source: L. Prechelt, *Early Stopping – But When?* (1998).
    """

    checks: int = 5
    improvement: float = 0.0

    def __post_init__(self) -> None:
        whole_number("checks", self.checks)
        if not self.improvement >= 0:
            raise ArgumentError(f"improvement={self.improvement!r}: expected a number, 0 or more")

    def initial_memory(self) -> Any:
        """The best loss so far, the number of its check, and of the last check."""
        return {"best": np.float64(np.inf), "at": np.float64(0)}

    def fires(self, now: Any, memory: Any) -> tuple[Any, Any]:
        """No check since `checks` of them was better than the best. A loss of NaN is no improvement."""
        needed = memory["best"] - self.improvement * np.absolute(memory["best"])
        is_better = now.validation_loss < np.where(np.isfinite(memory["best"]), needed, memory["best"])
        best = np.where(is_better, now.validation_loss, memory["best"])
        at = np.where(is_better, now.validation_number, memory["at"])
        return now.validation_number - at >= self.checks, {"best": best, "at": at}

    def sentence(self, now: Measurement) -> str:
        return f"the validation loss, now {now.validation_loss:.6g}, has not improved in {self.checks} checks"


@dataclass(frozen=True, eq=False)
class Stop(StoppingRule):
    """A button: stops soon after another thread, or a page, has pressed it.

    >>> button = Stop()
    >>> rule = button | MaxSteps(1_000_000)
    >>> button.press()
    >>> button.is_pressed
    True
    """

    flag: Any = field(default_factory=lambda: np.zeros((), np.int64), repr=False)

    def press(self) -> None:
        """Stops the descent, at the latest at the end of the current stretch, some 50 ms."""
        self.flag[...] = 1

    @property
    def is_pressed(self) -> bool:
        """Whether it was pressed."""
        return bool(self.flag)

    def fires(self, now: Any, memory: Any) -> tuple[Any, Any]:
        """It was pressed."""
        return self.flag != 0, memory

    def sentence(self, now: Measurement) -> str:
        return f"the user stopped it at step {int(now.step):,}"

    def __str__(self) -> str:
        return "Stop()"

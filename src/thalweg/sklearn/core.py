"""What all estimators share: from checked examples to a descent, and back to parameters in the features' own units."""

from __future__ import annotations

import dataclasses
import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from ..descent import (
    L2,
    LBFGS,
    ElasticNet,
    GradientBelow,
    History,
    MaxSteps,
    Method,
    NoChange,
    Penalty,
    Result,
    StoppingRule,
    ValidationStalls,
    minimize,
)
from ..errors import ArgumentError
from .inputs import Examples
from .rules import EpochsStall
from .standardised import Layers, Standardised

__all__ = ["Fitted", "Task", "check_number", "seed_of", "solve"]


def check_number(name: str, value: Any, low: float, is_whole: bool = False, high: float = math.inf) -> None:
    """Raises ArgumentError unless low ≤ value ≤ high."""
    kinds = (int, np.integer) if is_whole else (int, float, np.number)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        what = "a whole number" if is_whole else "a number"
        raise ArgumentError(
            f"{name}={value!r}: expected {what}, {low:g} or more{f', up to {high:g}' if high < math.inf else ''}"
        )


@dataclass(frozen=True, eq=False)
class Task:
    """What is to be descended.

    l1, l2: strengths λ₁ and λ₂ in λ₁ Σ |w| + λ₂ Σ w², beside the mean loss. is_own_units: whether they are meant for the features' own
    units. tolerance: of the gradient, or, with mini-batches, of the loss of epochs. patience: epochs, or checks on validation data.
    validation_fraction: of the examples, kept apart; None without early stopping.
    """

    standardised: Standardised
    examples: Examples
    l1: float
    l2: float
    is_own_units: bool
    method: Method | None
    batch_size: int | None
    max_iter: int
    tolerance: float
    patience: int
    validation_fraction: float | None
    stratify: bool
    seed: int
    threads: int | None


@dataclass(frozen=True, eq=False)
class Fitted:
    """What came of it. layers: in the features' own units. n_iter: steps, or, with mini-batches, epochs."""

    layers: Layers
    result: Result
    n_iter: int


def solve(task: Task, start: Layers | None, memory: Any = None, is_partial: bool = False) -> Fitted:
    """Descends. start: layers in own units; by default the model's own start. is_partial: one epoch, and no warning."""
    training, validation = _split(task)
    count = len(training.X)
    batch = task.batch_size if task.batch_size is not None and task.batch_size < count else None
    per_epoch = 1 if batch is None else -(-count // batch)
    dtype = training.X.dtype
    parameters = task.standardised.start(task.seed, dtype) if start is None else task.standardised.standard(start)
    penalty = _penalty(task, dtype)
    rule = MaxSteps(per_epoch) if is_partial else _rule(task, batch, per_epoch, dtype)

    def descend(parameters: Any, memory: Any, stop: StoppingRule, target: str) -> Result:
        return minimize(
            task.standardised.loss,
            parameters,
            data=training.data,
            method=_method(task, batch),
            penalty=penalty,
            batch_size=batch,
            stop=stop,
            validation=None if validation is None else validation.data,
            seed=task.seed,
            threads=task.threads,
            target=target,
            memory=memory,
        )

    target = _target(task, count, batch, per_epoch, is_partial)
    if target == "numpy" and _is_open_ended(task, batch) and not is_partial and task.max_iter > _FIRST_STEPS:
        result = descend(parameters, memory, rule | MaxSteps(_FIRST_STEPS), "numpy")
        if result.stopped_by.rules == (str(MaxSteps(_FIRST_STEPS)),):
            left = _rule(dataclasses.replace(task, max_iter=task.max_iter - _FIRST_STEPS), batch, per_epoch, dtype)
            result = _joined(result, descend(result.parameters, result.memory, left, "native"))
    else:
        result = descend(parameters, memory, rule, target)
    if not is_partial:
        _warn(result, task)
    return Fitted(task.standardised.own(result.parameters), result, max(1, -(-result.steps // per_epoch)))


_MEMORY = 30
"""Of L-BFGS: a linear model's weights are often far from equally curved, and a step's own cost is that of reading the examples."""


def _method(task: Task, batch: int | None) -> Method | None:
    """None where `minimize` chooses: proximal steps need a learning rate from the curvature."""
    return LBFGS(memory=_MEMORY) if task.method is None and batch is None and not task.l1 else task.method


def _split(task: Task) -> tuple[Examples, Examples | None]:
    if task.validation_fraction is None:
        return task.examples, None
    examples = task.examples
    places = np.arange(len(examples.X))
    training, kept = train_test_split(
        places,
        test_size=task.validation_fraction,
        random_state=task.seed,
        stratify=examples.y if task.stratify else None,
    )
    return examples.rows(training), examples.rows(kept)


def _penalty(task: Task, dtype: Any) -> Penalty | None:
    """For standardised features; where it can be an array it is one, so that other strengths need no other program."""
    if not (task.l1 or task.l2):
        return None
    if not task.is_own_units:
        return ElasticNet(task.l1, task.l2) if task.l1 else L2(task.l2)
    scale = task.standardised.scaling.inverse.astype(np.float64)
    model = task.standardised.model
    shaped = scale[:, np.newaxis] if model.outputs is not None else scale
    l1, l2 = (task.l1 * shaped).astype(dtype), (task.l2 * shaped**2).astype(dtype)
    return ElasticNet(l1, l2) if task.l1 else L2(l2)


_WINDOW = 10
"""Batches, at least, whose mean loss is told from noise."""


def _rule(task: Task, batch: int | None, per_epoch: int, dtype: Any) -> StoppingRule:
    last = MaxSteps(task.max_iter * per_epoch)
    if task.validation_fraction is not None:
        return ValidationStalls(task.patience) | last
    if batch is not None or task.method is not None:
        window = 1 if batch is None else max(per_epoch, _WINDOW)
        return EpochsStall(window, task.patience, task.tolerance) | last
    precision = 4 * float(np.finfo(dtype).eps)
    return GradientBelow(task.tolerance) | NoChange(10, precision) | last


_FIRST_STEPS = 60
_SECONDS_TO_COMPILE = 0.3


def _is_open_ended(task: Task, batch: int | None) -> bool:
    """Whether it may take many more steps than most do: L-BFGS on features that go together."""
    return task.method is None and batch is None and not task.l1 and task.validation_fraction is None


def _target(task: Task, count: int, batch: int | None, per_epoch: int, is_partial: bool) -> str:
    """NumPy node by node for descents that take less time than compiling them. What is open-ended goes on compiled."""
    most = _FIRST_STEPS if _is_open_ended(task, batch) else task.max_iter * per_epoch
    steps = per_epoch if is_partial else min(most, task.max_iter * per_epoch)
    multiplications = 6 * (batch or count) * task.standardised.model.parameter_count
    seconds = steps * (5e-4 + multiplications / 4e8)
    return "numpy" if seconds < _SECONDS_TO_COMPILE else "native"


def _joined(first: Result, second: Result) -> Result:
    """Two parts of one descent as one."""
    names = ("step", "loss", "gradient_norm", "learning_rate", "slope", "seconds")
    a, b = first.history, second.history
    kept = slice(None, -1)  # the last row of the first part is the first row of the second
    before = {"step": first.steps, "seconds": first.seconds}
    columns = {name: np.concatenate([getattr(a, name)[kept], getattr(b, name) + before.get(name, 0)]) for name in names}
    return dataclasses.replace(
        second,
        history=History.of(columns),
        steps=first.steps + second.steps,
        evaluations=first.evaluations + second.evaluations,
        ascents=first.ascents + second.ascents,
        seconds=first.seconds + second.seconds,
        compile_seconds=first.compile_seconds + second.compile_seconds,
    )


def _warn(result: Result, task: Task) -> None:
    """Nothing is silent: a descent that ran out of steps, or failed, says so."""
    is_cut = any(rule.startswith("MaxSteps") for rule in result.stopped_by.rules) and len(result.stopped_by.rules) == 1
    if is_cut or result.stopped_by.reason == "not finite":
        advice = "raise max_iter, or tol" if is_cut else "lower the method's learning rate"
        warnings.warn(
            f"the descent stopped because {result.stopped_by.sentence} (max_iter={task.max_iter}): {advice}",
            ConvergenceWarning,
            stacklevel=5,
        )


def seed_of(random_state: Any) -> int:
    """A seed from what scikit-learn takes for one."""
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))

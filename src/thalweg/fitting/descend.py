"""What descends: the method, the penalty and the stopping rule that go with a model, as `minimize` takes them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from ..descent import (
    L2,
    LBFGS,
    Adam,
    ElasticNet,
    GradientBelow,
    GradientDescent,
    MaxSteps,
    Method,
    NoChange,
    Penalty,
    StoppingRule,
    ValidationStalls,
)
from ..errors import ArgumentError
from ..models import Model, Perceptron, Squared
from ..models.losses import PoissonDeviance
from .prepare import Prepared
from .settings import METHODS, Settings
from .streamed import PreparedStream

__all__ = ["GRADIENT_THRESHOLD", "Task", "task_of"]

GRADIENT_THRESHOLD = 1e-7
_STEPS, _EPOCHS = 5_000, 200


@dataclass(frozen=True, eq=False)
class Task:
    """A descent: `minimize(task.loss, task.start, **task.options)`."""

    loss: Callable[..., Any]
    start: Any
    options: dict[str, Any]
    count: int

    @property
    def examples(self) -> int:
        """How many each step sees."""
        return self.options["batch_size"] or self.count


def task_of(prepared: Prepared | PreparedStream) -> Task:
    """The descent that fits what was prepared.

    Models with one linear layer are convex: they descend by L-BFGS on all rows at once. Perceptrons descend by Adam, in
    mini-batches, until the loss on the validation rows stalls.
    """
    settings, model = prepared.settings, prepared.model
    count = prepared.fitted.count
    batch = _batch_size(settings, model, count)
    options = {
        "data": prepared.fitted.data,
        "method": _method(settings, model, batch),
        "penalty": _penalty(settings, model, count),
        "batch_size": batch,
        "stop": _rule(prepared, batch, count),
        "validation": prepared.kept.data if prepared.kept is not None and batch is not None else None,
        "seed": settings.seed,
    }
    return Task(model.loss, model.start(settings.seed, prepared.fitted.dtype), options, count)


def _batch_size(settings: Settings, model: Model, count: int) -> int | None:
    batch = settings.batch_size
    if batch is None and isinstance(model, Perceptron) and settings.method is None:
        batch = min(200, max(64, count // 10))
    return batch if batch is not None and batch < count else None


def _rule(prepared: Prepared | PreparedStream, batch: int | None, count: int) -> StoppingRule:
    settings = prepared.settings
    if batch is None:
        return GradientBelow(GRADIENT_THRESHOLD) | NoChange(20, 1e-14) | MaxSteps(settings.epochs or _STEPS)
    last = MaxSteps((settings.epochs or _EPOCHS) * math.ceil(count / batch))
    return last if prepared.kept is None else ValidationStalls(settings.patience) | last


def _method(settings: Settings, model: Model, batch: int | None) -> Method | None:
    """None where `minimize` chooses: proximal steps need a learning rate from the curvature."""
    rate: dict[str, Any] = {} if settings.learning_rate is None else {"learning_rate": settings.learning_rate}
    if isinstance(settings.method, Method):
        return settings.method
    if settings.method is not None:
        kind = METHODS[settings.method]
        if rate and "learning_rate" not in {field.name for field in fields(kind)}:
            raise ArgumentError(
                f"learning_rate={settings.learning_rate}: {settings.method} finds the length of its steps itself"
            )
        return kind(**rate)
    if settings.l1:
        return GradientDescent(**rate) if rate else None
    if batch is not None:
        return Adam(**(rate or {"learning_rate": 0.001 if isinstance(model, Perceptron) else 0.01}))
    return GradientDescent(**rate) if rate else LBFGS()


def _penalty(settings: Settings, model: Model, count: int) -> Penalty | None:
    l2 = settings.l2
    if l2 is None:
        l2 = 0.0 if settings.l1 else _default_l2(model, count)
    if settings.l1:
        return ElasticNet(settings.l1, l2)
    return L2(l2) if l2 else None


def _default_l2(model: Model, count: int) -> float:
    if isinstance(model, Perceptron):
        return 5e-5
    # Ridge minimises Σ r² + Σ w²; LogisticRegression and LinearSVC Σ ℓ + ½ Σ w². The deviance is twice a likelihood's logarithm.
    return 1 / count if isinstance(model.criterion, Squared | PoissonDeviance) else 0.5 / count

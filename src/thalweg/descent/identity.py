"""What tells one descent from another, in every process."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..compile.native.jit import host_fingerprint
from ..graph import Array
from ..storage import digest_of
from .data import Data, ScatteredData
from .methods import Method
from .plan import Plan
from .steps import Keeps, Step
from .steps.settings import Settings

__all__ = ["FREE", "identity_of"]

FREE = ("stop", "machine")
"""The numbers of the stopping rules; and processor, LLVM and thalweg, on which the last digits depend."""


def identity_of(plan: Plan, step: Step, state: Sequence[Array], method: Method) -> dict[str, Any]:
    """What tells a descent from others, as plain data: all that its digits depend on.

    A loss that cannot be traced is known by its name alone. FREE: what may change when a descent goes on.
    """
    name = getattr(plan.loss, "__name__", type(plan.loss).__name__)
    is_traced = plan.problem.is_traced
    penalty = Settings()
    if plan.penalty is not None:
        penalty.collect(plan.penalty, plan.problem.layout.dtype)
    return {
        "loss": f"{name} {plan.problem.graph.fingerprint[:16]}" if is_traced else name,
        "data": _digest(plan.data),
        "start": digest_of(state),
        "method": _text(method),
        "penalty": None if plan.penalty is None else f"{type(plan.penalty).__name__} {digest_of(penalty.arrays)}",
        "batch_size": plan.batch,
        "validation": None if plan.validation is None else _digest(plan.validation),
        "validate_every": None if plan.validation is None else plan.every,
        "seed": plan.seed,
        "target": plan.target if plan.device is None else f"{plan.target} on {plan.device}",
        "can be steered, by controls or a live page": step.keeps is not Keeps.NOTHING,
        "stop": _text(plan.rule),
        "machine": host_fingerprint()[:16] if plan.target == "native" else None,
        "kinds of rules and schedules": step.graph.fingerprint[:16] if is_traced else None,
    }


def _digest(data: Data) -> str | None:
    """What tells data from others."""
    if isinstance(data, ScatteredData):
        return data.identity
    return digest_of(data.arrays) if data.arrays else None


def _text(value: Any) -> str:
    """A method or rule as text that is the same in every process."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(value))

"""What tells one descent from another, in every process."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..compile.native.jit import host_fingerprint
from ..graph import Array
from ..storage import digest_of
from .methods import Method
from .plan import Plan
from .steps import Step
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
        "data": digest_of(plan.data.arrays) if plan.data.arrays else None,
        "start": digest_of(state),
        "method": _text(method),
        "penalty": None if plan.penalty is None else f"{type(plan.penalty).__name__} {digest_of(penalty.arrays)}",
        "batch_size": plan.batch,
        "validation": None if plan.validation is None else digest_of(plan.validation.arrays),
        "validate_every": None if plan.validation is None else plan.every,
        "seed": plan.seed,
        "target": plan.target,
        "stop": _text(plan.rule),
        "machine": host_fingerprint()[:16] if plan.target == "native" else None,
        "kinds of rules and schedules": step.graph.fingerprint[:16] if is_traced else None,
    }


def _text(value: Any) -> str:
    """A method or rule as text that is the same in every process."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(value))

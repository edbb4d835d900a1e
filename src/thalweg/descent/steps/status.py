"""What a descent says of itself at each step: the row of the history, and whether and why it ends."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import numpy as np

__all__ = ["RECORDED", "RECORDED_PARAMETERS", "Status", "fired_rules", "status_of"]

RECORDED = ("step", "loss", "gradient_norm", "learning_rate", "slope")
"""What each row of the history holds. slope: ∇f·Δw, which is below zero for a descent."""

RECORDED_PARAMETERS = 2
"""Up to so many parameters are recorded too, so that the way can be drawn over the loss."""


class Status(IntEnum):
    """Why a step was not taken; above zero: which rules fired, as bits from bit 1 on."""

    GOES_ON = 0
    RULE = 1
    LOSS_NOT_FINITE = -1
    GRADIENT_NOT_FINITE = -2
    PARAMETERS_NOT_FINITE = -3
    NO_SMALLER_LOSS = -4


def status_of(loss: Any, norm: Any, stops: Any, fired: Sequence[Any], exceptions: Sequence[tuple[Any, Status]]) -> Any:
    """The status of a step. Not finite comes first: NaN must never pass for convergence.

    fired: a flag for each simple rule. exceptions: what ends the descent if no rule does, the weaker first.
    """
    bits: Any = np.int64(0)
    for number, flag in enumerate(fired):
        bits = bits + np.where(flag, np.int64(2 << number), np.int64(0))
    status: Any = np.int64(Status.GOES_ON)
    for holds, value in exceptions:
        status = np.where(holds, np.int64(value), status)
    status = np.where(stops, bits + np.int64(Status.RULE), status)
    if norm is not None:
        status = np.where(np.isfinite(norm), status, np.int64(Status.GRADIENT_NOT_FINITE))
    return np.where(np.isfinite(loss), status, np.int64(Status.LOSS_NOT_FINITE))


def fired_rules(status: int, count: int) -> list[int]:
    """The numbers of the simple rules, out of so many, that a status names."""
    return [number for number in range(count) if status > 0 and status >> 1 >> number & 1]

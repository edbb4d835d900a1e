"""What compiled programs and those who run them agree on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from .permutation import Sampling

__all__ = ["DENSE_BITS", "Control", "Loop"]

DENSE_BITS = 10
"""The history holds every step up to 2 · 2^10, and 2^10 of each doubling of the steps after that."""


class Control(IntEnum):
    """The meaning of the control block's integers. Those that threads wait on lie on cache lines of their own."""

    STOP = 0
    ITERATIONS = 1
    STATUS = 2
    RECORDED = 3
    CAPACITY = 4
    NEXT_RECORD = 5
    STEP = 6
    SEED = 7
    TICKET = 16
    DONE = 32
    QUIT = 48
    SIZE = 64


@dataclass(frozen=True)
class Loop:
    """What makes a graph the step of a descent.

    carried: so many of the inputs, from the first, are the state; output i becomes input i of the next step.
    recorded: so many outputs after those are floating-point scalars for the history. The last output is the status, an
    integer: 0 goes on; anything else ends the descent before the state is replaced.
    """

    carried: int
    recorded: int
    sampling: Sampling | None = None

"""What compiled programs and those who run them agree on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from ...graph import Graph
from .permutation import Sampling

__all__ = ["Control", "Loop", "Stage"]


class Control(IntEnum):
    """The meaning of the control block's integers. Those that threads wait on lie on cache lines of their own."""

    STOP = 0  # ends a stretch; an iteration whose sweep is given up is not done
    ITERATIONS = 1
    STATUS = 2
    RECORDED = 3
    CAPACITY = 4
    NEXT_RECORD = 5
    ITERATION = 6
    SEED = 7
    ALONE = 8  # so many sweeps that are short enough are not shared, since threads were slow to come
    OPEN = 16  # the chunks of the open sweep that nobody has taken, as bits
    SWEEP = 17
    SWEEPS = 18
    DONE = 32
    QUIT = 48
    SIZE = 64


@dataclass(frozen=True)
class Stage:
    """A part of a descent that runs while the state says so.

    first: the first of the graph's outputs that belong to it: the successors of the state. recorded: how many outputs follow
    those for the history; after them comes the status, an integer: 0 goes on; anything else ends the descent before
    the state is replaced. None for a stage that neither records nor ends.
    """

    first: int
    recorded: int | None

    def graph(self, whole: Graph, carried: int) -> Graph:
        """The part of the whole graph that it evaluates."""
        count = carried + (0 if self.recorded is None else self.recorded + 1)
        return Graph(whole.inputs, whole.outputs[self.first : self.first + count])


@dataclass(frozen=True)
class Loop:
    """What makes a graph the steps of a descent.

    carried: so many of the inputs, from the first, are the state; a stage's output i becomes input i.
    stages: in each iteration they run in this order, each if it is its turn. turn: the input that says whose turn it
    is, one number or one for each member of a population; None if there is one stage.
    lanes: so many members descend together; `wide` inputs, from the first, then have an axis of lanes, which comes first in their shape
    and last in memory. dense_bits: the history holds 2 · 2^dense_bits iterations, then 2^dense_bits of each doubling of them.
    """

    carried: int
    stages: tuple[Stage, ...]
    turn: int | None = None
    sampling: Sampling | None = None
    lanes: int = 1
    wide: int = 0
    dense_bits: int = 10

"""Running a population: members share a compiled program, several of them in its lanes, and blocks of lanes share the threads.

Members that have ended are taken out between stretches, so they cost nothing further. Which members share a block, and
which thread runs it, changes no digit of any member.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..graph import Array
from .best import SMALLEST, Best
from .engines import Engine
from .history import RowsOfMany
from .loops import DENSE_BITS_OF_MANY, record_stride
from .plan import Plan
from .steps import LAST_LOSS, LAST_NORM, STATUS, Outside, Step
from .stretches import Stretches

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

__all__ = ["Lockstep", "run_together"]

_MOST_ROWS = 1000
"""Rows of the history of a stretch."""


@dataclass(eq=False)
class _Block:
    """Some members on their way. members: their numbers, for each lane; -1 where a lane is empty."""

    engine: Engine
    members: Array


@dataclass(eq=False)
class Lockstep:
    """A population on its way.

    step: of one member. states: for each array of the state, that of all members, (K, ...).
    settings: likewise. room: how many members lanes are made for; if only some of a population run, and the others are known,
    they have the lanes, and so the digits, that they have among all. seconds: of descent before.
    """

    plan: Plan
    step: Step
    states: list[Array]
    settings: list[Array]
    room: int = 0
    iteration: int = 0
    seconds: float = 0.0
    rows: RowsOfMany = field(init=False)

    def __post_init__(self) -> None:
        self.count = len(self.states[0])
        self.rows = RowsOfMany(self.step.recorded)
        self.status = np.zeros(self.count, np.int64)
        self.loss, self.norm = np.full(self.count, np.nan), np.full(self.count, np.nan)
        together = max(self.count, self.room)
        # A device computes members side by side, and compiles slowly: all are in one block, to the end.
        lanes = together if self.plan.target == "jax" else _lane_count(together, self.states)
        self.program, self.lanes = self.plan.program_of_many(self.step, lanes)
        self.blocks: list[_Block] = []
        self.best = Best(self.states) if SMALLEST in self.step.names else None
        self._pack(np.arange(self.count))

    # Blocks
    def _pack(self, members: Array) -> None:
        """Fills blocks with members."""
        groups = [members[start : start + self.lanes] for start in range(0, len(members), self.lanes)]
        threads = max(1, self.plan.threads // max(1, len(groups)))
        self.blocks = [self._block(group, threads) for group in groups]

    def _block(self, members: Array, threads: int) -> _Block:
        if self.lanes == 1:
            (m,) = members.tolist()
            state = [np.array(array[m]) for array in self.states]
            settings = [np.array(array[m]) for array in self.settings]
        else:
            padded = np.append(members, np.repeat(members[-1:], self.lanes - len(members)))
            is_empty = np.arange(self.lanes) >= len(members)
            state = [array[padded] for array in self.states]
            state += [np.where(is_empty, 1, self.status[padded]), self.loss[padded], self.norm[padded]]
            settings = [array[padded] for array in self.settings]
            state, settings = [_lanes_last(x) for x in state], [_lanes_last(x) for x in settings]
        engine = self.program.engine(state, settings, self.plan.data.arrays, self.plan.seed, threads, self.iteration)
        return _Block(engine, np.append(members, np.full(self.lanes - len(members), -1)))

    def _keep(self, block: _Block) -> None:
        """Puts a block's members back to where they are kept."""
        lanes = np.flatnonzero(block.members >= 0)
        members = block.members[lanes]
        carried = len(self.states)
        for kept, array in zip(self.states, block.engine.state, strict=False):
            kept[members] = array[None] if self.lanes == 1 else array[lanes]
        if self.lanes > 1:
            for kept, place in ((self.status, STATUS), (self.loss, LAST_LOSS), (self.norm, LAST_NORM)):
                kept[members] = block.engine.state[carried + place][lanes]

    def active(self) -> Array:
        """The members that still descend."""
        return np.flatnonzero(self.status == 0)

    def go_on(self, members: Array, settings: Sequence[Array], iteration: int) -> None:
        """Members that a rule has ended, all at this iteration, descend further with other settings; the others have ended."""
        for kept, new in zip(self.settings, settings, strict=True):
            kept[members] = new
        self.status[members] = 0
        self.iteration = iteration
        self._pack(self.active())

    # Stretches
    def advance(self, iterations: int, outside: Outside, pool: ThreadPoolExecutor) -> int:
        """Lets every block do so many iterations, then takes out the members that have ended. Returns how many the longest did."""
        blocks, reached = self.blocks, np.full(self.count, self.iteration)
        begin = time.perf_counter()
        if self.best is not None:
            self.best.before_stretch(self.states, self.iteration, outside)
        results = list(pool.map(lambda block: block.engine.advance(iterations, outside), blocks))
        clock = self.seconds + outside.seconds
        ends = (self.iteration, clock), (self.iteration + iterations, clock + time.perf_counter() - begin)
        for block, (status, rows) in zip(blocks, results, strict=True):
            self._note(block, status, rows, *ends)
            self._keep(block)
            reached[block.members[block.members >= 0]] = block.engine.iteration
        if self.best is not None:
            self.best.after_stretch(self.states[self.step.names.index(SMALLEST)], reached)
        done = int(reached.max()) - self.iteration
        self.iteration += iterations
        active = self.active()
        if math.ceil(len(active) / self.lanes) < len(blocks):
            self._pack(active)
        return done

    def _note(self, block: _Block, status: int, rows: Array, begin: tuple[int, float], end: tuple[int, float]) -> None:
        if len(rows):
            self.rows.add(block.members, rows, begin, end)
        if self.lanes == 1:
            (m,) = block.members.tolist()
            self.status[m] = status
            if len(rows):
                self.loss[m], self.norm[m] = rows[-1, 2:4]

    def request_stop(self) -> None:
        """Ends the stretch of every block at once."""
        for block in self.blocks:
            block.engine.request_stop()

    def longest(self) -> int:
        """The most iterations of a stretch whose history has room for all rows."""
        begin, dense = self.iteration, 1 << DENSE_BITS_OF_MANY
        end = max(2 * dense, 1 << begin.bit_length())  # where the stride doubles next
        rows = -(-(end - begin) // record_stride(begin, DENSE_BITS_OF_MANY))
        while rows + dense <= _MOST_ROWS:
            end, rows = 2 * end, rows + dense
        return end - begin


def _lanes_last(array: Array) -> Array:
    """The same array, with the lanes, its first axis, innermost in memory."""
    axes = range(array.ndim - 1)
    return np.ascontiguousarray(array.transpose(*(1 + axis for axis in axes), 0)).transpose(-1, *axes)


def run_together(
    lockstep: Lockstep, stretches: Stretches, goes_on: Callable[[Lockstep, float], bool]
) -> tuple[bool, float]:
    """Runs a population to its end; returns whether the user stopped it, and the seconds. Ctrl-C keeps what was reached."""
    from concurrent.futures import ThreadPoolExecutor  # one descent alone needs none

    controls = lockstep.plan.controls
    begin, is_interrupted = time.perf_counter(), False
    try:
        with (
            ThreadPoolExecutor(max_workers=lockstep.plan.threads) as pool,
            nullcontext() if controls is None else controls.steering(lockstep.request_stop),
        ):
            while len(lockstep.active()):
                if controls is not None:
                    begin += controls.before_stretch(lambda: lockstep.iteration)
                    if controls.is_stopped:
                        is_interrupted = True
                        break
                now = time.perf_counter()
                factor = 1.0 if controls is None else controls.applied_factor
                iterations = min(stretches.iterations, lockstep.longest())
                done = lockstep.advance(iterations, Outside(now - begin, rate_factor=factor), pool)
                stretches.learn(max(done, 1), max(time.perf_counter() - now, 1e-7))
                if not goes_on(lockstep, time.perf_counter() - begin):
                    is_interrupted = True
                    break
    except KeyboardInterrupt:
        is_interrupted = True
    return is_interrupted, time.perf_counter() - begin


def _lane_count(members: int, states: Sequence[Array]) -> int:
    """How many members share a block: enough to fill vectors, few enough for the state to stay in cache."""
    if members == 1:
        return 1
    size = sum(array[0].nbytes for array in states)
    vectors = max((array.dtype.itemsize for array in states if array.ndim > 1), default=8)
    wanted = min(_ROW_BYTES // vectors, _STATE_BYTES // max(size, 1), -(-members // _LEAST_BLOCKS))
    return 8 * max(1, wanted // 8)


_ROW_BYTES = 128
_STATE_BYTES = 128 << 10
_LEAST_BLOCKS = 2

"""The history of a descent: the rows that it recorded, and their columns, which are put together when someone asks for them."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..graph import Array
from .checkpoint import no_rows
from .controls import Intervention
from .steps import RECORDED

__all__ = ["Block", "History", "Rows", "RowsOfMany", "timed"]


def timed(rows: Array, begin: tuple[int, float], end: tuple[int, float]) -> Array:
    """Rows of a stretch with the seconds as one more column. begin, end: iteration and seconds."""
    return np.concatenate([rows, _seconds(rows, begin, end)[:, None]], axis=1)


def _seconds(rows: Array, begin: tuple[int, float], end: tuple[int, float]) -> Array:
    return np.interp(rows[:, 0], (begin[0], end[0]), (begin[1], end[1]))


class Rows:
    """What a single descent has recorded so far: (iteration, *RECORDED, *parameters, seconds) in each row.

    known: rows that were there before. What a stretch adds is kept as it came until the whole is asked for.
    """

    def __init__(self, known: Array | None = None) -> None:
        joined = no_rows() if known is None else known
        new: list[tuple[Array, tuple[int, float], tuple[int, float]]] = []
        self._parts = joined, new  # they change together: several threads may ask for the whole
        self._count = len(joined)

    def __len__(self) -> int:
        return self._count

    @property
    def last(self) -> Array:
        """The newest row, perhaps without its seconds."""
        joined, new = self._parts
        newest: Array = (new[-1][0] if new else joined)[-1]
        return newest

    def add(self, rows: Array, begin: tuple[int, float], end: tuple[int, float]) -> None:
        """What a stretch recorded. begin, end: of the stretch, iteration and seconds. Rows that are there already count once."""
        if self._count and len(rows) and rows[0, 0] <= self.last[0]:
            rows = rows[np.searchsorted(rows[:, 0], self.last[0], "right") :]
        if len(rows):
            self._parts[1].append((rows, begin, end))
            self._count += len(rows)

    def column(self, name: str) -> Array:
        """One of RECORDED, of all rows."""
        number = 1 + RECORDED.index(name)
        joined, new = self._parts
        parts = [rows[:, number] for rows, *_ in new]
        if len(joined) or not parts:
            parts.insert(0, joined[:, number])
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    @property
    def whole(self) -> Array:
        """All rows, with seconds."""
        joined, new = self._parts
        if new:
            timed_rows = [timed(*stretch) for stretch in new]
            joined = np.concatenate([joined, *timed_rows] if len(joined) else timed_rows)
            self._parts = joined, []
        return joined


class Block(NamedTuple):
    """What members that share a block recorded in a stretch.

    members: in the lanes, -1 where there is none. rows: (n, recorded, lanes), (*RECORDED, *parameters), with a step below zero where a
    member had ended. seconds: at each row (n,).
    """

    members: Array
    rows: Array
    seconds: Array

    def lane(self, lane: int) -> Array:
        """The rows of one of them, with the seconds as one more column."""
        return np.concatenate([self.rows[:, :, lane], self.seconds[:, None]], axis=1)


class RowsOfMany:
    """What descents that run together have recorded so far. recorded: numbers in a row of one of them."""

    def __init__(self, recorded: int, blocks: Sequence[Block] = ()) -> None:
        self.blocks = list(blocks)
        self._recorded = recorded
        self._places: dict[int, list[tuple[Block, int]]] = {}
        self._placed = 0
        self._lock = threading.Lock()  # results are asked for by any thread

    def add(self, members: Array, rows: Array, begin: tuple[int, float], end: tuple[int, float]) -> None:
        """What a block recorded in a stretch, (iteration, *numbers of all lanes). begin, end: of the stretch, iteration and seconds."""
        numbers = rows[:, 1:].reshape(len(rows), self._recorded, len(members))
        self.blocks.append(Block(members, numbers, _seconds(rows, begin, end)))

    def so_far(self) -> RowsOfMany:
        """The same, to which nothing is added any more."""
        return RowsOfMany(self._recorded, self.blocks)

    def of(self, member: int) -> Array:
        """A member's rows, as those of a single descent."""
        with self._lock:
            for block in self.blocks[self._placed :]:
                for lane, one in enumerate(block.members.tolist()):
                    self._places.setdefault(one, []).append((block, lane))
                self._placed += 1
        parts = [block.lane(lane) for block, lane in self._places.get(member, ())]
        joined = np.concatenate(parts) if parts else np.zeros((0, self._recorded + 1))
        joined = joined[joined[:, 0] >= 0]
        return np.concatenate([np.zeros((len(joined), 1)), joined], axis=1)

    def first_losses(self, count: int) -> Array:
        """The loss at which each of so many members began (count,); NaN where it recorded nothing."""
        found = np.full(count, np.nan)
        is_open = np.ones(count, bool)
        loss = RECORDED.index("loss")
        for members, rows, _ in self.blocks:
            is_recorded = rows[:, 0] >= 0
            lanes = np.flatnonzero((members >= 0) & is_open[members] & is_recorded.any(axis=0))
            if len(lanes):
                found[members[lanes]] = rows[is_recorded.argmax(axis=0)[lanes], loss, lanes]
                is_open[members[lanes]] = False
            if not is_open.any():
                break
        return found


@dataclass(frozen=True, eq=False, repr=False)
class History:
    """What was recorded on the way, one entry per row; every step up to 2048, then every
    2nd up to 4096, every 4th up to 8192, and so on, and the last.

    step, loss, gradient_norm, learning_rate, slope: arrays of one length. For mini-batches, loss and gradient are those of
    the batch. learning_rate: μ in w ← w + μΔw. slope: ∇f·Δw, below zero where the direction points downhill. With a line
    search both are those of the step that led to the row, else those of the step that leads on. NaN where there is none.
    seconds: of descent, at each row; single steps are not timed, but stretches of some 50 ms, whose steps share the time evenly.
    validation_step, validation_loss: of the checks on validation data, if there were any.
    parameters: at each step, (rows, P), of up to two parameters; of more (rows, 0). interventions: what was changed by hand.
    rows, checks: what the columns are made of; a check is (step, loss).
    """

    rows: Rows
    checks: Sequence[tuple[int, float]] = ()
    interventions: tuple[Intervention, ...] = ()

    @classmethod
    def of(cls, columns: Mapping[str, Any], checks: Sequence[tuple[int, float]] = ()) -> History:
        """A history with given columns: step, loss, gradient_norm, learning_rate, slope and seconds."""
        order = (columns["step"], *(columns[name] for name in RECORDED), columns["seconds"])
        return cls(Rows(np.stack(order, axis=1).astype(np.float64)), checks)

    def __len__(self) -> int:
        return len(self._seen)

    def __repr__(self) -> str:
        steps = f", steps {self.step[0]:,} to {self.step[-1]:,}" if len(self) else ""
        return f"History(rows: {len(self):,}{steps}, checks on validation data: {len(self.checks):,})"

    def __getstate__(self) -> dict[str, Any]:
        return {"rows": Rows(self.rows.whole), "checks": self.checks, "interventions": self.interventions}

    @cached_property
    def _seen(self) -> Array:
        """The rows; a step that is seen twice, since a search failed there, counts once."""
        rows = self.rows.whole
        if len(rows) < 2:
            return rows
        is_last = np.append(rows[1:, 1] != rows[:-1, 1], True)
        return rows if is_last.all() else rows[is_last]

    @cached_property
    def step(self) -> Array:
        return self._seen[:, 1].astype(np.int64)

    @property
    def loss(self) -> Array:
        return self._seen[:, 2]

    @property
    def gradient_norm(self) -> Array:
        return self._seen[:, 3]

    @property
    def learning_rate(self) -> Array:
        return self._seen[:, 4]

    @property
    def slope(self) -> Array:
        return self._seen[:, 5]

    @property
    def seconds(self) -> Array:
        return self._seen[:, -1]

    @property
    def parameters(self) -> Array:
        return self._seen[:, 1 + len(RECORDED) : -1]

    @cached_property
    def validation_step(self) -> Array:
        return np.array([step for step, _ in self.checks], np.int64)

    @cached_property
    def validation_loss(self) -> Array:
        return np.array([loss for _, loss in self.checks], np.float64)

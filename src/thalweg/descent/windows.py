"""Mini-batches of examples that do not fit in memory: drawn from windows, one after the other."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from ..graph import Array
from .data import Chunk
from .engines import Exchanging

__all__ = ["WindowedEngine"]


@dataclass(eq=False)
class WindowedEngine:
    """Runs the program of mini-batches on one window of examples after the other; the state goes on.

    windows: endless, the next is made ready while one is used; the engine already has the first. batches: in a window. What the
    program takes for an epoch is a window, which it shuffles.
    """

    engine: Exchanging
    windows: Generator[Chunk, None, None]
    batches: int
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.notes = (*self.engine.notes, *self.notes)
        self._number = self.engine.iteration // self.batches

    @property
    def state(self) -> Sequence[Array]:
        """The current values."""
        return self.engine.state

    @property
    def iteration(self) -> int:
        """How many rounds of the loop were done."""
        return self.engine.iteration

    @property
    def next_record(self) -> int:
        """The iteration from which on the next row of the history is due."""
        return self.engine.next_record

    def advance(self, iterations: int, outside: Sequence[float]) -> tuple[int, Array]:
        """Does up to so many iterations, not beyond the end of the window."""
        number, place = divmod(self.iteration, self.batches)
        if number != self._number:
            self.engine.exchange(next(self.windows))
            self._number = number
        return self.engine.advance(min(iterations, self.batches - place), outside)

    def request_stop(self) -> None:
        """Ends the stretch after the current iteration."""
        self.engine.request_stop()

    def close(self) -> None:
        """Stops reading, and lets go of the windows' memory; the state stays."""
        self.windows.close()
        self.engine.release_data()

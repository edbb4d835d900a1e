"""What carries a descent forward, whatever runs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..graph import Array

__all__ = ["CompiledStep", "Engine", "Exchanging"]


class Engine(Protocol):
    """Advances the state of a descent.

    state: the current values. iteration: how many rounds of the loop were done. next_record: the iteration from which on the next
    row of the history is due. notes: for the user.
    """

    notes: tuple[str, ...]

    @property
    def state(self) -> Sequence[Array]:
        """The current values."""
        ...

    @property
    def iteration(self) -> int:
        """How many rounds of the loop were done."""
        ...

    @property
    def next_record(self) -> int:
        """The iteration from which on the next row of the history is due."""
        ...

    def advance(self, iterations: int, outside: Sequence[float]) -> tuple[int, Array]:
        """Does up to so many iterations; returns the status, and rows of the history. outside: see `Outside`."""
        ...

    def request_stop(self) -> None:
        """Ends the stretch at once: an iteration that has not ended by then is not done."""
        ...


class Exchanging(Engine, Protocol):
    """An engine that can go on with other data."""

    def exchange(self, data: Sequence[Array]) -> None:
        """Goes on with other data, of the same types."""
        ...

    def release_data(self) -> None:
        """Lets go of the data's memory; the engine cannot advance any more."""
        ...


class CompiledStep(Protocol):
    """A step as a program, for any state, settings and data of the same shapes."""

    def engine(
        self,
        state: Sequence[Array],
        settings: Sequence[Array],
        data: Sequence[Array],
        seed: int,
        threads: int,
        iteration: int = 0,
        next_record: int | None = None,
    ) -> Exchanging:
        """The engine with a state to go on from; the arrays of the state are its own from now on.

        next_record: the iteration from which on the next row of the history is due, by default this one.
        """
        ...

"""What a person may do to a descent while it runs: hold it, change its learning rate, end it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..errors import ArgumentError

__all__ = ["Controls", "Intervention"]

_LARGEST_FACTOR = 1e6
_LOOK_AROUND = 0.1
"""Seconds between two looks at what else may end a pause."""


@dataclass(frozen=True)
class Intervention:
    """What was changed by hand. step: the first for which it holds. rate_factor: on the learning rate, from then on."""

    step: int
    rate_factor: float

    def __str__(self) -> str:
        times = f"multiplied by {self.rate_factor:.6g}" if self.rate_factor != 1 else "set back to the method's own"
        return f"the learning rate was {times} by hand, from step {self.step:,} on"


class Controls:
    """Holds, changes and ends a descent from another thread: `minimize(..., controls=controls)`.

    Everything takes effect at the end of the current stretch, some 50 ms; a stop also within a step that takes long.

    >>> controls = Controls()
    >>> controls.change_learning_rate(0.5)
    >>> controls.stop(keep_best=True)
    >>> controls.is_stopped, controls.rate_factor
    (True, 0.5)
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._rate_factor = 1.0
        self._is_paused = False
        self._is_stopped = False
        self._keeps_best = False
        self._halt: Callable[[], None] | None = None
        self._applied = 1.0
        self._paused_seconds = 0.0
        self._interventions: list[Intervention] = []

    # For the person
    def pause(self) -> None:
        """Holds the descent. The time until it goes on is not counted."""
        with self._changed:
            self._is_paused = True

    def resume(self) -> None:
        """Lets it go on."""
        with self._changed:
            self._is_paused = False
            self._changed.notify_all()

    def stop(self, keep_best: bool = False) -> None:
        """Ends it. keep_best: whether the result has the parameters with the smallest loss on the way: of all examples, or, with
        mini-batches, the smallest loss on validation data. Otherwise, and where there was no such check, it has the last."""
        with self._changed:
            self._is_stopped = True
            self._keeps_best = self._keeps_best or keep_best
            self._changed.notify_all()
            if self._halt is not None:
                self._halt()

    def change_learning_rate(self, factor: float) -> None:
        """Multiplies the method's learning rate, whatever its schedule says, from the next stretch on. 1 sets it back.

        Raises ArgumentError unless the factor lies between 1e-6 and 1e6.
        """
        if not 1 / _LARGEST_FACTOR <= factor <= _LARGEST_FACTOR:
            raise ArgumentError(f"factor={factor!r}: expected a number from 1e-6 to 1e6")
        with self._changed:
            self._rate_factor = float(factor)

    @property
    def is_paused(self) -> bool:
        """Whether the descent is to be held."""
        return self._is_paused and not self._is_stopped

    @property
    def is_stopped(self) -> bool:
        """Whether the descent is to end."""
        return self._is_stopped

    @property
    def keeps_best(self) -> bool:
        """Whether the descent was stopped and its best parameters are wanted."""
        return self._keeps_best

    @property
    def rate_factor(self) -> float:
        """What the learning rate is to be multiplied by."""
        return self._rate_factor

    @property
    def interventions(self) -> tuple[Intervention, ...]:
        """What was changed so far, as it took effect."""
        return tuple(self._interventions)

    @property
    def notes(self) -> list[str]:
        """What a result has to say of all this."""
        found = [str(intervention) for intervention in self._interventions]
        if found:
            found.append("changed by hand, this descent cannot be repeated from its arguments alone")
        if self._paused_seconds:
            found.append(f"it was paused by hand for {self._paused_seconds:.1f} s, which are not counted")
        return found

    # For the descent
    @contextmanager
    def steering(self, halt: Callable[[], None]) -> Iterator[None]:
        """While a descent runs. halt: ends its stretch at once."""
        with self._changed:
            self._halt = halt
            self._interventions, self._applied, self._paused_seconds = [], 1.0, 0.0
        try:
            yield
        finally:
            with self._changed:
                self._halt = None

    def before_stretch(self, step: Callable[[], int], is_over: Callable[[], bool] = lambda: False) -> float:
        """Waits while the descent is paused, and notes what is changed from this step on. Returns the seconds that were waited.

        is_over: whether something else has ended the descent, such as a signal.
        """
        begin = time.perf_counter()
        with self._changed:
            waited = 0.0
            if self.is_paused:
                while self.is_paused and not is_over():
                    self._changed.wait(_LOOK_AROUND)
                waited = time.perf_counter() - begin
                self._paused_seconds += waited
            if not math.isclose(self._rate_factor, self._applied, rel_tol=1e-12):
                self._applied = self._rate_factor
                self._interventions.append(Intervention(step(), self._applied))
        return waited

    @property
    def applied_factor(self) -> float:
        """What the learning rate of the current stretch is multiplied by."""
        return self._applied

"""How many iterations a stretch of a descent gets: so many that it takes a moment, and that what a call costs anyway weighs little."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["STRETCH_SECONDS", "Stretches"]

STRETCH_SECONDS = 0.05
_MOST_SECONDS = 1.0
"""So long a stretch may take where calls are dear: a person waits for its end."""

_CALLS_WORTH = 4
"""The iterations of a stretch take so many times as long as the call itself."""

_FASTEST_GROWTH = 64


@dataclass(eq=False)
class Stretches:
    """The sizes of stretches, learnt from those before.

    iterations: of the next. fixed: seconds of a call that does nothing, as far as is known: from two stretches of which one was twice
    as large.
    """

    iterations: int = 1
    fixed: float = 0.0
    _before: tuple[int, float] | None = None

    def learn(self, done: int, seconds: float) -> None:
        """A stretch of so many iterations took so long."""
        if self._before is not None:
            self._learn_fixed(*self._before, done, seconds)
        is_first, self._before = self._before is None, (done, seconds)
        self.fixed = min(self.fixed, seconds)
        # However fast the iterations seem, they take some of the time.
        of_iteration = max(seconds - self.fixed, seconds / _FASTEST_GROWTH) / done
        wanted = min(max(STRETCH_SECONDS, _CALLS_WORTH * self.fixed), _MOST_SECONDS)
        growth = min(max(2.0, wanted / seconds), _FASTEST_GROWTH)
        self.iterations = max(1, int(min(wanted / of_iteration, growth * done)))
        if is_first and seconds < _MOST_SECONDS:
            self.iterations = max(2 * done, self.iterations)  # otherwise the price of a call would never show

    def _learn_fixed(self, done: int, seconds: float, now_done: int, now_seconds: float) -> None:
        if max(done, now_done) < 2 * min(done, now_done):
            return
        of_iteration = max(0.0, (now_seconds - seconds) / (now_done - done))
        self.fixed = max(0.0, min(seconds - of_iteration * done, now_seconds - of_iteration * now_done))

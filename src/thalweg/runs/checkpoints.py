"""What `minimize(..., checkpoints=...)` takes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..descent.checkpoint import Kept
from ..errors import ArgumentError
from .run import Run

__all__ = ["Checkpoints"]


@dataclass(frozen=True)
class Checkpoints:
    """A folder in which a descent keeps its checkpoints and its history, to go on from there when it is called again.

    folder: made if it is not there; one folder for each descent. every: the seconds between checkpoints; more where writing one
    takes more than a hundredth of that. There is always one at the end.

    Interrupted by Ctrl-C, by `on_progress`, by `kill -9` or a loss of power, the same call goes on and ends in the same digits as
    a descent that was not disturbed. Of the stopping rules the numbers may change: with more steps, a descent that has ended
    goes on. Raises ArgumentError for an `every` that is no number above 0; `minimize` raises RunError if the folder is in use,
    of another descent, or cannot be written to.

    >>> import tempfile
    >>> import numpy as np
    >>> import thalweg as tw
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for steps in (10, 30):
    ...         method, stop = tw.GradientDescent(0.1), tw.MaxSteps(steps)
    ...         kept = tw.Checkpoints(folder)
    ...         result = tw.minimize(lambda x: np.sum(x**2), np.ones(2), method=method, stop=stop, checkpoints=kept)
    ...         print(result.steps, result.notes)
    10 ()
    30 ('gone on from the checkpoint of step 10',)
    """

    folder: str | Path
    every: float = 30.0

    def __post_init__(self) -> None:
        is_number = isinstance(self.every, int | float) and not isinstance(self.every, bool)
        if not is_number or not (self.every > 0 and math.isfinite(self.every)):
            raise ArgumentError(f"every={self.every!r}: expected the seconds between checkpoints, a number above 0")

    @contextmanager
    def of(self, identity: Mapping[str, Any]) -> Iterator[Kept]:
        """The checkpoints of a descent, for as long as it runs."""
        with Run(self.folder, self.every) as run, run.of(identity) as kept:
            yield kept

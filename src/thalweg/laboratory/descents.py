"""The descents of a scene: each as `minimize` runs it, with the parameters of every step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..descent import GradientBelow, MaxSteps, Result, retrace
from ..errors import ArgumentError
from ..graph import Array
from ..judged import minimize
from .scene import Run
from .subject import Subject

__all__ = ["Descent", "descend"]

_THRESHOLD = 1e-8


@dataclass(frozen=True, eq=False)
class Descent:
    """A descent and its way. path: the parameters at every step (K, P), all finite. losses, gradients: there, over all examples."""

    result: Result
    path: Array
    losses: Array
    gradients: Array

    @property
    def verdict(self) -> Any:
        """What was found, as `minimize` says it."""
        return self.result.verdict


def start_of(subject: Subject, run: Run) -> Array:
    """Where a run begins (P,). Raises ArgumentError if its start has another number of parameters."""
    if not run.start:
        return subject.start
    if len(run.start) != subject.size:
        raise ArgumentError(f"start has {len(run.start)} numbers, and the loss takes {subject.size}")
    return np.array(run.start, np.float64)


def descend(subject: Subject, run: Run, steps: int, seed: int) -> Descent:
    """Descends. Raises what `minimize` raises."""
    result = minimize(
        subject.loss,
        subject.nested(start_of(subject, run)),
        data=subject.data,
        method=run.descent_method,
        batch_size=run.batch_size if subject.examples is not None else None,
        stop=GradientBelow(_THRESHOLD) | MaxSteps(steps),
        seed=seed,
        threads=1,
    )
    ways = retrace(result, most=2 * (steps + 2))  # so that none is left out
    path = np.asarray(ways[0].parameters if ways else subject.start[None], np.float64)
    finite = np.isfinite(path).all(axis=1) & (np.abs(path) < 1e150).all(axis=1)
    path = path[: len(path) if finite.all() else max(1, int(np.argmin(finite)))]
    return Descent(result, path, subject.losses(path), subject.gradients(path))

"""Evidence that several kinds of verdicts share."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..convexity_proof import Convexity, ConvexityKind, convexity_of
from .landscape import Ray
from .situation import Situation

__all__ = ["SEEN_ALL_ROUND", "convexity_at", "distance_of", "figures_of"]

SEEN_ALL_ROUND = 3
"""In so many dimensions random directions leave no wide gaps."""


def figures_of(here: Situation) -> dict[str, Any]:
    history = here.result.history
    figures: dict[str, Any] = {"loss": here.result.loss, "gradient norm": here.result.gradient_norm}
    if len(history) > 10:
        late = max(1, len(history) // 10)
        steps = max(1, int(history.step[-1] - history.step[-1 - late]))
        figures["gain per step at the end"] = float(history.loss[-1 - late] - history.loss[-1]) / steps
    return figures


_LARGEST_PROOF = 1 << 24


def convexity_at(here: Situation) -> Convexity:
    """A proof of convexity, where it does not take longer than the rest."""
    size = here.end.nbytes + sum(array.nbytes for array in here.arrays)
    if size > _LARGEST_PROOF or here.end.size > 5000:
        return Convexity(ConvexityKind.UNKNOWN, reason="not looked for: the proof would take longer than the descent")
    return convexity_of(here.problem, here.plan.data)


def distance_of(ray: Ray) -> float:
    return ray.best_length * float(np.linalg.norm(ray.direction))

"""Evidence that several kinds of verdicts share."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..descent.norms import norm
from ..graph import Array
from .landscape import Ray
from .situation import Situation

__all__ = ["SEEN_ALL_ROUND", "direction_named", "distance_of", "figures_of"]

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


def distance_of(ray: Ray) -> float:
    return ray.best_length * float(np.linalg.norm(ray.direction))


def direction_named(direction: Array) -> str:
    """A direction (P,), as a vector of length 1 in words."""
    unit = direction / (norm(direction) or 1.0)
    return np.array2string(unit, precision=3, threshold=6, edgeitems=3, suppress_small=True)

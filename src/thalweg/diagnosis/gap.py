"""How far above the minimum a convex loss can still be: a guaranteed bound, from strong convexity that is proven around the end."""

from __future__ import annotations

import numpy as np

from .situation import Situation

__all__ = ["gap_of"]


def gap_of(here: Situation) -> float | None:
    """A bound of f(w) − min f, for a loss that is proven convex; None if none can be proven."""
    proven = here.proven
    if proven is None:
        return None
    end = here.end.astype(np.float64)
    slope = here.gradient if here.end.dtype == np.float64 else proven.gradient(end)
    return proven.gap(end, slope, enough=here.noise)

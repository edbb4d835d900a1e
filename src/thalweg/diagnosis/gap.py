"""How far above the minimum a convex loss can still be: a guaranteed bound, from strong convexity that is proven.

Where f is convex everywhere, and strongly convex with modulus μ in a box that holds the ball of radius 2‖∇f‖/μ around w, the
minimum lies in that ball, since f is at least f(w) on its surface. Then f(w) − min f ≤ ‖∇f‖² / 2μ.

Source: S. Boyd and L. Vandenberghe, *Convex Optimization* (2004), section 9.1.2.
"""

from __future__ import annotations

from ..convexity_proof import Convexity, convexity_of
from .situation import Situation

__all__ = ["gap_of"]

_RADII = (1e-2, 1e-4)
"""Half-widths of the boxes that are tried, in units of the parameters' scale."""


def gap_of(here: Situation, known: Convexity) -> float | None:
    """A bound of f(w) − min f, for a loss that is proven convex; None if none can be proven."""
    norm = here.gradient_norm
    if known.modulus > 0:
        return norm**2 / (2 * known.modulus)
    for radius in _RADII:
        half = radius * here.scale
        near = convexity_of(here.problem, here.plan.data, within=(here.end - half, here.end + half))
        if near.modulus > 0 and 2 * norm / near.modulus <= half:
            return norm**2 / (2 * near.modulus)
    return None

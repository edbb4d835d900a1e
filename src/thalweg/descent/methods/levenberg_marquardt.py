"""Levenberg–Marquardt, for sums of squares."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import ArgumentError
from .base import Method, check_positive

__all__ = ["LevenbergMarquardt"]


@dataclass(frozen=True)
class LevenbergMarquardt(Method):
    """Gauss–Newton steps, damped as much as it takes: (JᵀJ + λD) Δw = −Jᵀr, for losses that are sums of squares Σr².

    The residuals r are found in the graph of the loss: `np.sum(r**2)`, `np.mean(r**2)`, `r @ r`, weighted, and sums of such
    terms, penalties λ‖w‖² among them.

    damping: λ at the start, relative to the curvature. bend: a step along which the residuals bend by more than this share of its
    length is not tried, but damped; it keeps parameters from escaping to infinity in the first steps.

    Source: K. Levenberg (1944), D. Marquardt (1963); scaling: J. Moré, *The Levenberg–Marquardt algorithm* (1978); change of λ:
    H. Nielsen, *Damping parameter in Marquardt's method*, IMM-REP-1999-05; bending: M. Transtrum and J. Sethna, *Improvements
    to the Levenberg–Marquardt algorithm* (2012), "geodesic acceleration".
    """

    damping: float = 1e-3
    bend: float = 0.75

    def __post_init__(self) -> None:
        check_positive("damping", self.damping)
        check_positive("bend", self.bend)
        if self.line_search is not None:
            raise ArgumentError("LevenbergMarquardt finds the length of its steps itself: leave out line_search")

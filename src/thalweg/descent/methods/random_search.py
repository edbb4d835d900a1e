"""Random search: the baseline that every descent has to beat."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import ArgumentError
from .base import Method, check_positive

__all__ = ["RandomSearch"]


@dataclass(frozen=True)
class RandomSearch(Method):
    """Draws parameters from a Gaussian around the start, and keeps the best. No gradient is used.

    scale: the standard deviation.
    """

    scale: float = 1.0

    def __post_init__(self) -> None:
        check_positive("scale", self.scale)
        if self.line_search is not None:
            raise ArgumentError("RandomSearch goes nowhere in particular: leave out line_search")

"""How losses become heights: evenly, or by their logarithm above the lowest where a few are far higher than most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..graph import Array

__all__ = ["Heights"]

_STEEP = 6.0


@dataclass(frozen=True)
class Heights:
    """From losses to heights from 0 to 1. low, high: the losses at both ends. floor: what is added before the logarithm."""

    low: float
    high: float
    floor: float
    is_logarithmic: bool

    @classmethod
    def of(cls, losses: Array, floor: float = 3e-4) -> Heights:
        """A scale that shows these losses. floor: the share of their range below which differences are not stretched."""
        finite = losses[np.isfinite(losses)]
        if not finite.size:
            return cls(0.0, 1.0, 1.0, False)
        low, middle, high = (float(x) for x in np.quantile(finite, [0.0, 0.5, 0.98]))
        if not high > low:
            high = low + max(abs(low), 1.0)
        is_steep = high - low > _STEEP * (middle - low)
        top = float(finite.max()) if not is_steep else high
        return cls(low, top, floor * (high - low), is_steep)

    def of_losses(self, losses: Array) -> Array:
        """Heights; what lies outside is at the ends, what is not finite at the top."""
        with np.errstate(all="ignore"):
            share = np.clip(losses, self.low, self.high) - self.low
            if self.is_logarithmic:
                share = np.log1p(share / self.floor) / np.log1p((self.high - self.low) / self.floor)
            else:
                share = share / (self.high - self.low)
        return np.nan_to_num(share, nan=1.0, posinf=1.0, neginf=0.0)

    def levels(self, count: int) -> Array:
        """The losses at evenly spaced heights, from the lowest to the highest."""
        heights = np.linspace(0, 1, count)
        if self.is_logarithmic:
            return np.asarray(self.low + self.floor * np.expm1(heights * np.log1p((self.high - self.low) / self.floor)))
        return np.asarray(self.low + heights * (self.high - self.low))

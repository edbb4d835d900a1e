"""The loss over a plane as a surface in three dimensions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..graph import Array
from .plane import Path, Plane
from .scale import Heights

__all__ = ["Surface"]

_SIDE = 48
_FLOOR = 0.02


@dataclass(frozen=True, eq=False)
class Surface:
    """x (n,), y (m,), loss (m, n), and height (m, n) from 0 to 1, in which it is drawn; path: the way on it."""

    x: Array
    y: Array
    loss: Array
    height: Array
    names: tuple[str, str]
    path: Path | None
    path_height: Array
    is_logarithmic: bool
    name: str = "surface"
    title: str = "The loss as a surface"

    @property
    def description(self) -> str:
        """What a person would see."""
        row, column = np.unravel_index(int(np.nanargmin(self.loss)), self.loss.shape)
        low, high = float(np.nanmin(self.loss)), float(np.nanmax(self.loss))
        drawn = ", drawn on a logarithmic scale" if self.is_logarithmic else ""
        return (
            f"The loss over {self.names[0]} and {self.names[1]} as a surface{drawn}. It is lowest, {low:.4g}, near "
            f"({self.x[column]:.4g}, {self.y[row]:.4g}), and highest at {high:.4g}."
        )

    @classmethod
    def of(cls, plane: Plane | None) -> Surface | None:
        """The surface over a plane; None if there is none."""
        if plane is None:
            return None
        across, down = (np.linspace(0, n - 1, min(n, _SIDE)).round().astype(int) for n in (len(plane.x), len(plane.y)))
        loss = plane.loss[np.ix_(down, across)]
        loss = np.where(np.isfinite(loss), loss, np.nan)
        path = plane.paths[0] if len(plane.paths) == 1 and len(plane.paths[0].x) > 1 else None
        heights = Heights.of(plane.loss if path is None else np.append(plane.loss, path.loss), _FLOOR)
        on_path = heights.of_losses(path.loss) if path is not None else np.zeros(0)
        x, y = plane.x[across], plane.y[down]
        return cls(x, y, loss, heights.of_losses(loss), plane.names, path, on_path, heights.is_logarithmic)

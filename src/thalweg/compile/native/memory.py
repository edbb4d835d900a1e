"""Handing out memory while code is emitted: slots of the caller's table, and offsets in the areas."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...graph import Shape
from .views import Area, Buffer, View, spaced_strides, strides_with

__all__ = ["Memory"]

_ALIGNMENT = 64


@dataclass
class Memory:
    """What has been handed out so far, in bytes for each area; slots for the table."""

    used: dict[Area, int] = field(default_factory=lambda: dict.fromkeys(Area, 0))

    def buffer(self, area: Area, size: int, dtype: np.dtype[Any]) -> Buffer:
        """A new buffer for `size` elements."""
        position = self.used[area]
        if area in (Area.TABLE, Area.LOCAL, Area.CODE):
            self.used[area] += 1
        else:
            length = max(size, 1) * dtype.itemsize + _ALIGNMENT  # vectors of a tail may reach past the end
            self.used[area] += -(-length // _ALIGNMENT) * _ALIGNMENT
        return Buffer(area, position, dtype, size)

    def array(self, area: Area, shape: Shape, dtype: np.dtype[Any], innermost: int | None = None) -> View:
        """A new array in C order, but for the axis that is to be innermost."""
        return View(self.buffer(area, math.prod(shape), dtype), 0, strides_with(shape, innermost), shape)

    def spaced(self, area: Area, shape: Shape, dtype: np.dtype[Any]) -> View:
        """A new array in C order, whose rows may have gaps between them."""
        strides = spaced_strides(shape, dtype.itemsize)
        return View(self.buffer(area, shape[0] * strides[0], dtype), 0, strides, shape)

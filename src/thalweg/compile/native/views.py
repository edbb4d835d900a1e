"""Where values lie: buffers, and strided views of them.

Broadcasting, transposing, slicing and many reshapes move nothing: they are other views of the same buffer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np

from ...graph import Shape

__all__ = ["Area", "Buffer", "View", "contiguous_strides", "reshaped", "spaced_strides", "strides_with"]


class Area(Enum):
    """The memory that a buffer lies in."""

    TABLE = "table"  # an array of the caller: `position` is its slot in the table of pointers
    WORKSPACE = "workspace"  # shared by all threads: `position` is an offset in bytes, as below
    SCRATCH = "scratch"  # of one thread, for one tile
    TOTALS = "totals"  # of one chunk of the tiles
    CODE = "code"  # numbers that are part of the code: `position` is their place among such
    LOCAL = "local"  # registers: `position` numbers the small arrays of one function


@dataclass(frozen=True, slots=True)
class Buffer:
    """A block of memory that holds `size` elements of one dtype."""

    area: Area
    position: int
    dtype: np.dtype[Any]
    size: int


@dataclass(frozen=True, slots=True)
class View:
    """A strided array in a buffer. Offset and strides count elements.

    example_stride: how far apart consecutive examples lie, for an array that holds all the examples and of which a tile
    is read; 0 if the array holds just the tile, or no examples. step_stride: how far apart lie what consecutive steps of a loop see.
    slots_per_step: for arrays of the caller that each step has one of, how many slots of the table lie between them.
    """

    buffer: Buffer
    offset: int
    strides: Shape
    shape: Shape
    example_stride: int = 0
    step_stride: int = 0
    slots_per_step: int = 0

    @property
    def is_still(self) -> bool:
        """Whether it is the same for all examples and steps."""
        return not (self.example_stride or self.step_stride or self.slots_per_step)

    def transposed(self, axes: Shape) -> View:
        return replace(
            self,
            strides=tuple(self.strides[axis] for axis in axes),
            shape=tuple(self.shape[axis] for axis in axes),
        )

    def broadcast(self, shape: Shape) -> View:
        added = len(shape) - len(self.shape)
        strides = tuple(0 if old == 1 else stride for old, stride in zip(self.shape, self.strides, strict=True))
        return replace(self, strides=(0,) * added + strides, shape=shape)

    def is_same(self, other: View) -> bool:
        """Whether the other shows the same elements in the same order."""
        strides = [
            [stride for stride, extent in zip(view.strides, view.shape, strict=True) if extent != 1]
            for view in (self, other)
        ]
        as_well = replace(other, strides=self.strides)
        return self == as_well and strides[0] == strides[1]

    def window(self, starts: Shape, steps: Shape, shape: Shape) -> View:
        offset = self.offset + sum(start * stride for start, stride in zip(starts, self.strides, strict=True))
        strides = tuple(step * stride for step, stride in zip(steps, self.strides, strict=True))
        return replace(self, offset=offset, strides=strides, shape=shape)


def contiguous_strides(shape: Shape) -> Shape:
    """The strides of an array in C order."""
    strides: list[int] = []
    step = 1
    for extent in reversed(shape):
        strides.append(step)
        step *= extent
    return tuple(reversed(strides))


def strides_with(shape: Shape, innermost: int | None) -> Shape:
    """The strides of an array in C order, but for one axis that lies innermost in memory."""
    if innermost is None or innermost == len(shape) - 1:
        return contiguous_strides(shape)
    rest = contiguous_strides((*shape[:innermost], *shape[innermost + 1 :]))
    wide = tuple(stride * shape[innermost] for stride in rest)
    return (*wide[:innermost], 1, *wide[innermost:])


_SAME_PLACE = 2048
_LINE = 64


def spaced_strides(shape: Shape, itemsize: int) -> Shape:
    """The strides of a matrix in C order, with a gap after each row if rows would else begin at the same places of a cache.

    A block of a product reads several rows at once, and caches hold few lines whose addresses differ by a power of two.
    """
    strides = contiguous_strides(shape)
    if len(shape) == 2 and shape[0] > 1 and shape[1] * itemsize % _SAME_PLACE == 0:
        return strides[0] + _LINE // itemsize, strides[1]
    return strides


def reshaped(view: View, shape: Shape) -> View | None:
    """The view in another shape; None if that would need a copy."""
    old = [(n, s) for n, s in zip(view.shape, view.strides, strict=True) if n != 1]
    strides: list[int] = []
    remaining = list(reversed(old))
    for extent in reversed(shape):
        if extent == 1:
            strides.append(0)
            continue
        taken = 1
        step: int | None = None
        while taken < extent:
            if not remaining:
                return None
            n, s = remaining.pop(0)
            if step is None:
                step = s
            elif s != step * taken:
                return None
            taken *= n
        if taken != extent:
            # The old axis is longer than the new one: split it.
            if step is None or taken % extent:
                return None
            n, s = taken, step
            remaining.insert(0, (n // extent, s * extent))
        strides.append(step or 0)
    return None if remaining else replace(view, strides=tuple(reversed(strides)), shape=shape)

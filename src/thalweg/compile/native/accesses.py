"""How arrays are walked by a loop nest: which axis is innermost, and which axes are walked as one."""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir

from ...graph import Shape
from .views import View

__all__ = ["Access", "access_of", "coalesce", "with_best_innermost"]


@dataclass(eq=False)
class Access:
    """A view with one stride for each axis of the loop nest."""

    view: View
    strides: list[int]
    start: ir.Value | None = None


def access_of(view: View, space: Shape) -> Access:
    """The view's strides along the axes that are longer than one."""
    strides = [s for n, s in zip(view.shape, view.strides, strict=True) if n != 1]
    assert len(strides) == len(space), (view, space)
    return Access(view, strides)


def with_best_innermost(extents: list[int], accesses: list[Access]) -> list[int]:
    """Moves the axis along which most accesses are contiguous to the end, if it is not there."""
    if len(extents) < 2:
        return extents
    contiguous = [sum(access.strides[axis] == 1 for access in accesses) for axis in range(len(extents))]
    best = max(reversed(range(len(extents))), key=lambda axis: contiguous[axis])
    if best == len(extents) - 1:
        return extents
    for access in accesses:
        access.strides.append(access.strides.pop(best))
    extents.append(extents.pop(best))
    return extents


def coalesce(extents: list[int], accesses: list[Access]) -> list[int]:
    """Merges neighbouring axes that every access walks as one."""
    if not extents:
        for access in accesses:
            access.strides = [0]
        return [1]
    axis = len(extents) - 2
    while axis >= 0:
        if all(a.strides[axis] == a.strides[axis + 1] * extents[axis + 1] for a in accesses):
            extents[axis] *= extents.pop(axis + 1)
            for access in accesses:
                access.strides.pop(axis)
        axis -= 1
    return extents

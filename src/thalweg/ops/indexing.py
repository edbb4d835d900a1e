"""Reading and adding at positions that are data: `take` and its transpose `scatter_add`, along one axis; and the positions in order."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError
from ..graph import Array, ArrayType, Primitive
from .declare import apply, batch_size, lift, primitive


def _check(name: str, x: ArrayType, indices: ArrayType, axis: int) -> None:
    def rest(type: ArrayType) -> tuple[int, ...]:
        return type.shape[:axis] + type.shape[axis + 1 :]

    if len(x.shape) != len(indices.shape) or rest(x) != rest(indices) or indices.dtype.kind != "i":
        raise ShapeError(f"{name}: indices {indices} do not fit {x} along axis {axis}")


def _infer_take(x: ArrayType, indices: ArrayType, axis: int) -> ArrayType:
    _check("take", x, indices, axis)
    return ArrayType(indices.shape, x.dtype)


def _batch_take(is_batched: tuple[bool, ...], x: Any, indices: Any, axis: int) -> Any:
    size = batch_size(is_batched, (x, indices))
    return apply(take, lift(x, is_batched[0], size), lift(indices, is_batched[1], size), axis=axis + 1)


take: Primitive = primitive(
    Primitive(
        "take",
        _infer_take,
        lambda x, indices, axis: np.take_along_axis(x, indices, axis),
        lambda tangents, y, x, indices, axis: apply(take, tangents[0], indices, axis=axis),
        (
            lambda adjoint, y, x, indices, axis: apply(scatter_add, adjoint, indices, axis=axis, extent=x.shape[axis]),
            None,
        ),
        _batch_take,
    )
)
"""x at `indices` along `axis`, as numpy.take_along_axis: the other axes are paired. Indices are in range."""


def _infer_scatter_add(x: ArrayType, indices: ArrayType, axis: int, extent: int) -> ArrayType:
    _check("scatter_add", x, indices, axis)
    return ArrayType((*x.shape[:axis], extent, *x.shape[axis + 1 :]), x.dtype)


def _evaluate_scatter_add(x: Array, indices: Array, axis: int, extent: int) -> Array:
    result = np.zeros((*x.shape[:axis], extent, *x.shape[axis + 1 :]), x.dtype)
    grid: list[Array] = list(np.indices(x.shape, sparse=True))
    grid[axis] = indices
    np.add.at(result, tuple(grid), x)
    return result


def _batch_scatter_add(is_batched: tuple[bool, ...], x: Any, indices: Any, axis: int, extent: int) -> Any:
    size = batch_size(is_batched, (x, indices))
    lifted = (lift(x, is_batched[0], size), lift(indices, is_batched[1], size))
    return apply(scatter_add, *lifted, axis=axis + 1, extent=extent)


scatter_add: Primitive = primitive(
    Primitive(
        "scatter_add",
        _infer_scatter_add,
        _evaluate_scatter_add,
        lambda tangents, y, x, indices, axis, extent: apply(
            scatter_add, tangents[0], indices, axis=axis, extent=extent
        ),
        (lambda adjoint, y, x, indices, axis, extent: apply(take, adjoint, indices, axis=axis), None),
        _batch_scatter_add,
    )
)
"""Zeros of length `extent` along `axis`, to which x is added at `indices`."""


def _infer_argsort(x: ArrayType) -> ArrayType:
    if not x.shape:
        raise ShapeError(f"argsort: {x} has no axis to sort along")
    return ArrayType(x.shape, np.dtype(np.int64))


argsort: Primitive = primitive(
    Primitive(
        "argsort",
        _infer_argsort,
        lambda x: np.argsort(x, axis=-1, kind="stable"),
        lambda tangents, y, x: None,
        (None,),
        lambda is_batched, x: apply(argsort, x),
    )
)
"""The positions that put x into ascending order along the last axis; equal elements keep their order, NaN comes last.

Positions are whole numbers and have no derivative; the sorted values, taken at them, have.
"""

"""How NumPy's reshape, transpose, broadcast_to, where, concatenate and stack are traced; the other functions are composed of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from ..errors import ShapeError
from ..graph import Shape
from ..ops.elementwise import where as where_primitive
from ..ops.structure import place, reshape, transpose
from .dtypes import common_dtype
from .reductions import implements, normalise_axis
from .traced import Traced, as_traced
from .ufuncs import BOOLEAN, broadcast_to, cast, elementwise

np: Any = numpy
"""NumPy, whose type stubs do not know that its functions accept traced values."""


def _as_shape(shape: Any, size: int) -> Shape:
    """A shape whose -1, if any, is replaced by what remains."""
    sizes = [int(extent) for extent in (shape if isinstance(shape, tuple | list) else (shape,))]
    if -1 in sizes:
        rest = int(np.prod([extent for extent in sizes if extent != -1], dtype=int))
        if rest == 0 or size % rest:
            raise ShapeError(f"{size} elements cannot be given the shape {tuple(sizes)}")
        sizes[sizes.index(-1)] = size // rest
    return tuple(sizes)


@implements(np.reshape)
def _reshape(a: Any, /, shape: Any = None, order: str = "C", *, newshape: Any = None) -> Traced:
    x = as_traced(a)
    new = _as_shape(newshape if shape is None else shape, x.size)
    if order == "F":
        return np.transpose(_reshape(np.transpose(x), new[::-1]))
    return x if new == x.shape else x.apply(reshape, shape=new)


@implements(np.transpose, np.permute_dims)
def _transpose(a: Any, axes: Any = None) -> Traced:
    x = as_traced(a)
    order = tuple(range(x.ndim))[::-1] if axes is None else np.lib.array_utils.normalize_axis_tuple(axes, x.ndim)
    if len(order) != x.ndim:
        raise ShapeError(f"np.transpose: axes {axes} do not name each of the {x.ndim} axes once")
    return x if order == tuple(range(x.ndim)) else x.apply(transpose, axes=tuple(order))


@implements(np.broadcast_to)
def _broadcast_to(array: Any, shape: Any, subok: bool = False) -> Traced:
    x = as_traced(array)
    return broadcast_to(x, _as_shape(shape, x.size))


@implements(np.where)
def _where(condition: Any, x: Any, y: Any) -> Traced:
    dtype = common_dtype(x, y)
    chosen = as_traced(condition)
    if chosen.dtype != BOOLEAN:
        chosen = np.not_equal(chosen, 0)
    return elementwise(where_primitive, (BOOLEAN, dtype, dtype), chosen, x, y)


def placed(pieces: Sequence[Traced], starts: Sequence[Shape], strides: Sequence[Shape], shape: Shape) -> Traced:
    """Zeros of the given shape into which pieces are written at their windows."""
    windows = tuple(zip(starts, strides, strict=True))
    return pieces[0].apply(place, *pieces[1:], windows=windows, shape=shape)


@implements(np.concatenate)
def _concatenate(arrays: Sequence[Any], /, axis: int | None = 0, dtype: Any = None) -> Traced:
    common = common_dtype(*arrays) if dtype is None else np.dtype(dtype)
    pieces = [cast(as_traced(array), common) for array in arrays]
    if axis is None:
        pieces, axis = [piece.reshape(-1) for piece in pieces], 0
    ndim = pieces[0].ndim
    axis = normalise_axis(axis, ndim)
    rest = {piece.shape[:axis] + piece.shape[axis + 1 :] for piece in pieces}
    if len(rest) > 1 or any(piece.ndim != ndim for piece in pieces):
        listed = ", ".join(str(piece.shape) for piece in pieces)
        raise ShapeError(f"np.concatenate: the shapes {listed} differ beside axis {axis}")
    starts, position = [], 0
    for piece in pieces:
        starts.append(tuple(position if i == axis else 0 for i in range(ndim)))
        position += piece.shape[axis]
    shape = (*pieces[0].shape[:axis], position, *pieces[0].shape[axis + 1 :])
    kept = [(piece, start) for piece, start in zip(pieces, starts, strict=True) if piece.size]
    return placed([piece for piece, _ in kept], [start for _, start in kept], [(1,) * ndim] * len(kept), shape)


@implements(np.stack)
def _stack(arrays: Any, axis: int = 0, *, dtype: Any = None) -> Traced:
    pieces = [as_traced(array) for array in arrays]
    if len({piece.shape for piece in pieces}) > 1:
        raise ShapeError(f"np.stack: the shapes {', '.join(str(p.shape) for p in pieces)} differ")
    axis = normalise_axis(axis, pieces[0].ndim + 1)
    expanded = [piece.reshape((*piece.shape[:axis], 1, *piece.shape[axis:])) for piece in pieces]
    return _concatenate(expanded, axis=axis, dtype=dtype)

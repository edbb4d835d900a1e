"""Primitives that move values and compute nothing: broadcast, reshape, transpose, slice, place.

A *window* says where the elements of a small array lie in a large one: element i of an axis lies at
start + i · stride. `slice` reads a window; `place` writes windows into zeros and adds up where they overlap.
Each is the other's transpose. Indexing, flipping, padding, concatenating and stacking are all made of these two.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError
from ..graph import Array, ArrayType, Primitive, Shape
from .declare import apply, batch_size, lift, linear, primitive

Window = tuple[tuple[int, ...], tuple[int, ...]]
"""Starts and strides, one each per axis."""


def unbroadcast(x: Any, shape: Shape) -> Any:
    """The transpose of broadcasting: sums `x` down to `shape`."""
    added = x.ndim - len(shape)
    expanded = tuple(
        axis for axis in range(x.ndim) if axis < added or (shape[axis - added] == 1 and x.shape[axis] != 1)
    )
    return np.sum(x, axis=expanded).reshape(shape) if expanded else x.reshape(shape)


# broadcast
def _infer_broadcast(x: ArrayType, shape: Shape) -> ArrayType:
    kept = shape[len(shape) - len(x.shape) :]
    if len(x.shape) > len(shape) or any(a not in (1, b) for a, b in zip(x.shape, kept, strict=True)):
        raise ShapeError(f"cannot broadcast {x} to the shape {shape}")
    return ArrayType(shape, x.dtype)


def _batch_broadcast(x: Any, shape: Shape) -> Any:
    missing = (1,) * (len(shape) - (x.ndim - 1))
    return np.broadcast_to(x.reshape(x.shape[0], *missing, *x.shape[1:]), (x.shape[0], *shape))


broadcast = linear(
    "broadcast",
    _infer_broadcast,
    lambda x, shape: np.broadcast_to(x, shape),
    lambda adjoint, y, x, shape: unbroadcast(adjoint, x.shape),
    _batch_broadcast,
)


# reshape
def _infer_reshape(x: ArrayType, shape: Shape) -> ArrayType:
    result = ArrayType(shape, x.dtype)
    if result.size != x.size:
        raise ShapeError(f"cannot reshape {x} ({x.size} elements) to {shape} ({result.size} elements)")
    return result


reshape = linear(
    "reshape",
    _infer_reshape,
    lambda x, shape: x.reshape(shape),
    lambda adjoint, y, x, shape: adjoint.reshape(x.shape),
    lambda x, shape: x.reshape((x.shape[0], *shape)),
)


# transpose
def _infer_transpose(x: ArrayType, axes: Shape) -> ArrayType:
    return ArrayType(tuple(x.shape[axis] for axis in axes), x.dtype)


transpose = linear(
    "transpose",
    _infer_transpose,
    lambda x, axes: np.transpose(x, axes),
    lambda adjoint, y, x, axes: np.transpose(adjoint, tuple(np.argsort(axes).tolist())),
    lambda x, axes: np.transpose(x, (0, *(axis + 1 for axis in axes))),
)


# slice
def _check_window(name: str, large: Shape, small: Shape, window: Window) -> None:
    for extent, size, start, stride in zip(large, small, *window, strict=True):
        last = start + (size - 1) * stride
        if stride == 0 or size < 0 or (size and not (0 <= start < extent and 0 <= last < extent)):
            raise ShapeError(f"{name}: the window {window} of shape {small} leaves the shape {large}")


def window_indices(shape: Shape, window: Window) -> tuple[slice, ...]:
    """The window as Python slices."""
    indices = []
    for size, start, stride in zip(shape, *window, strict=True):
        stop = start + size * stride
        indices.append(slice(start, None if stop < 0 else stop, stride) if size else slice(0, 0))
    return tuple(indices)


def _infer_slice(x: ArrayType, window: Window, shape: Shape) -> ArrayType:
    _check_window("slice", x.shape, shape, window)
    return ArrayType(shape, x.dtype)


def _batch_window(window: Window) -> Window:
    return ((0, *window[0]), (1, *window[1]))


slice_: Primitive = linear(
    "slice",
    _infer_slice,
    lambda x, window, shape: x[window_indices(shape, window)],
    lambda adjoint, y, x, window, shape: apply(place, adjoint, windows=(window,), shape=x.shape),
    lambda x, window, shape: apply(slice_, x, window=_batch_window(window), shape=(x.shape[0], *shape)),
)


# place
def _infer_place(*pieces: ArrayType, windows: tuple[Window, ...], shape: Shape) -> ArrayType:
    for piece, window in zip(pieces, windows, strict=True):
        _check_window("place", shape, piece.shape, window)
    return ArrayType(shape, pieces[0].dtype)


def _evaluate_place(*pieces: Array, windows: tuple[Window, ...], shape: Shape) -> Array:
    result = np.zeros(shape, pieces[0].dtype)
    for piece, window in zip(pieces, windows, strict=True):
        result[window_indices(piece.shape, window)] += piece
    return result


def _jvp_place(tangents: tuple[Any, ...], y: Any, *pieces: Any, windows: tuple[Window, ...], shape: Shape) -> Any:
    known = [(t, window) for t, window in zip(tangents, windows, strict=True) if t is not None]
    return apply(place, *(t for t, _ in known), windows=tuple(window for _, window in known), shape=shape)


def _vjp_place(operand: int, adjoint: Any, y: Any, *pieces: Any, windows: tuple[Window, ...], shape: Shape) -> Any:
    return apply(slice_, adjoint, window=windows[operand], shape=pieces[operand].shape)


def _batch_place(is_batched: tuple[bool, ...], *pieces: Any, windows: tuple[Window, ...], shape: Shape) -> Any:
    size = batch_size(is_batched, pieces)
    lifted = [lift(piece, batched, size) for piece, batched in zip(pieces, is_batched, strict=True)]
    return apply(place, *lifted, windows=tuple(_batch_window(window) for window in windows), shape=(size, *shape))


place: Primitive = primitive(Primitive("place", _infer_place, _evaluate_place, _jvp_place, _vjp_place, _batch_place))

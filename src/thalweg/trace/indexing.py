"""How x[...] is traced: basic indexing is a window; an array of integers is a `take`."""

from __future__ import annotations

from typing import Any

import numpy

from ..errors import TracingError
from ..graph import Shape
from ..ops.indexing import take
from ..ops.structure import reshape, slice_
from .source import current_source
from .traced import FUNCTIONS, Traced, _astype, _getitem, as_traced, supported_dtype
from .ufuncs import broadcast_shapes, cast

np: Any = numpy
"""NumPy, whose type stubs do not know that its functions accept traced values."""


def read_window(x: Traced, starts: Shape, strides: Shape, shape: Shape) -> Traced:
    """The elements start + i · stride along each axis."""
    if shape == x.shape and all(stride == 1 for stride in strides):
        return x
    return x.apply(slice_, window=(starts, strides), shape=shape)


def _is_array_index(item: Any) -> bool:
    return isinstance(item, list | np.ndarray | Traced) and not (
        isinstance(item, np.ndarray) and item.ndim == 0 and item.dtype.kind in "iu"
    )


def _complete(x: Traced, index: Any) -> list[Any]:
    """The index as a list with one item for each axis, and None for each new axis; no ellipsis."""
    items = [_as_index(item) for item in (index if isinstance(index, tuple) else (index,))]
    used = sum(_consumed(item) for item in items)
    if used > x.ndim:
        raise IndexError(f"{current_source()}: {used} indices for an array of the shape {x.shape}")
    position = next((i for i, item in enumerate(items) if item is Ellipsis), None)
    if position is None:
        return items + [slice(None)] * (x.ndim - used)
    return items[:position] + [slice(None)] * (x.ndim - used) + items[position + 1 :]


def _as_index(item: Any) -> Any:
    """Columns of tables as arrays; all else as it is."""
    is_table = not isinstance(item, np.ndarray | np.generic | Traced) and hasattr(item, "__array__")
    return np.asarray(item) if is_table else item


def _consumed(item: Any) -> int:
    """How many axes an item of the index uses up."""
    if item is None or item is Ellipsis:
        return 0
    is_mask = isinstance(item, np.ndarray | Traced) and item.dtype == np.bool_
    return item.ndim if is_mask else 1


def _expand_masks(items: list[Any]) -> list[Any]:
    """Constant boolean masks as the integer arrays that they stand for."""
    expanded: list[Any] = []
    for item in items:
        array = np.asarray(item) if isinstance(item, list) else item
        if isinstance(array, Traced) and array.dtype == np.bool_:
            raise TracingError(
                f"{current_source()}: x[mask] with a mask that depends on traced values has no fixed shape. "
                "Write np.where(mask, x, 0) and sum over it instead, and y = np.where(mask, y + v, y) for y[mask] += v."
            )
        if isinstance(array, np.ndarray) and array.dtype == np.bool_:
            expanded.extend(np.nonzero(array))
        else:
            expanded.append(array)
    return expanded


def getitem(x: Traced, index: Any) -> Traced:
    """x[index]."""
    if type(index) is int and x.ndim:
        return _row(x, index)
    items = _expand_masks(_complete(x, index))
    if any(_is_array_index(item) for item in items):
        return _advanced(x, items)
    starts, strides, sizes, shape = [], [], [], []
    axis = 0
    for item in items:
        if item is None:
            shape.append(1)
            continue
        extent = x.shape[axis]
        if isinstance(item, slice):
            positions = range(extent)[item]
            starts.append(positions.start if positions else 0)
            strides.append(positions.step)
            sizes.append(len(positions))
            shape.append(len(positions))
        else:
            starts.append(_position(item, extent, axis, x.shape))
            strides.append(1)
            sizes.append(1)
        axis += 1
    window = read_window(x, tuple(starts), tuple(strides), tuple(sizes))
    return window if window.shape == tuple(shape) else window.apply(reshape, shape=tuple(shape))


def _row(x: Traced, index: int) -> Traced:
    """x[index] for a number, which loops ask for most."""
    rest = x.shape[1:]
    first = _position(index, x.shape[0], 0, x.shape)
    window = read_window(x, (first, *(0 for _ in rest)), (1,) * x.ndim, (1, *rest))
    return window.apply(reshape, shape=rest)


def _position(item: Any, extent: int, axis: int, shape: Shape) -> int:
    if isinstance(item, float | str):
        raise IndexError(f"{current_source()}: {item!r} is no index; write an integer or a slice")
    position = int(item)
    if not -extent <= position < extent:
        raise IndexError(f"{current_source()}: index {position} is out of bounds for axis {axis} of the shape {shape}")
    return position % extent


def _advanced(x: Traced, items: list[Any]) -> Traced:
    """Indexing by arrays of integers. The indexed axes are merged into one, and one `take` reads from it."""
    places = [i for i, item in enumerate(items) if item is not None and not isinstance(item, slice)]
    basic = tuple(slice(None) if i in places else item for i, item in enumerate(items))
    x = getitem(x, basic)  # slices and new axes; the indexed axes keep their places
    arrays = [items[place] for place in places]
    extents = [x.shape[place] for place in places]
    indices = [counted_from_start(array, extent, x.shape) for array, extent in zip(arrays, extents, strict=True)]
    shape = broadcast_shapes(*(array.shape for array in indices))
    if _pairs_rows_with_columns(arrays, places, shape, extents):
        column = np.broadcast_to(indices[1], shape).reshape(shape[0], 1)
        others = x.shape[2:]
        column = np.broadcast_to(column.reshape(shape[0], 1, *(1 for _ in others)), (shape[0], 1, *others))
        return as_traced(x).apply(take, column, axis=1).reshape(shape[0], *others)
    linear: Any = 0
    for index, extent in zip(indices, extents, strict=True):
        linear = linear * extent + index
    others = tuple(axis for axis in range(x.ndim) if axis not in places)
    moved = np.transpose(x, (*places, *others))
    rest = tuple(x.shape[axis] for axis in others)
    merged = moved.reshape(int(np.prod(extents)), *rest)
    flat = np.broadcast_to(linear, shape).reshape(-1, *(1 for _ in rest))
    count = int(np.prod(shape, dtype=int))
    taken = merged.apply(take, np.broadcast_to(flat, (count, *rest)), axis=0).reshape(*shape, *rest)
    if places != list(range(places[0], places[-1] + 1)):
        return taken  # separated by slices: NumPy puts the indexed axes first
    front = len(shape)
    before = places[0]
    order = (*range(front, front + before), *range(front), *range(front + before, front + len(rest)))
    return np.transpose(taken, order)


def _pairs_rows_with_columns(arrays: list[Any], places: list[int], shape: Shape, extents: list[int]) -> bool:
    """Whether the index is x[np.arange(n), columns] over all n rows: then the rows stay apart, as examples must."""
    first = arrays[0]
    return (
        places == [0, 1]
        and shape == (extents[0],)
        and isinstance(first, np.ndarray)
        and np.array_equal(first, np.arange(extents[0]))
    )


def counted_from_start(item: Any, extent: int, shape: Shape) -> Any:
    """Indices with negative ones counted from the end; constants are checked."""
    if isinstance(item, Traced):
        if item.dtype.kind != "i":
            raise TracingError(
                f"{current_source()}: x[index] needs integers; the index has the dtype {item.dtype}. Write "
                "index.astype(int)."
            )
        return np.where(item < 0, item + extent, item)
    array = np.asarray(item)
    if array.dtype.kind not in "iu" and array.size:
        raise IndexError(f"{current_source()}: an index must hold integers, not {array.dtype}")
    if array.size and not (-extent <= array.min() and array.max() < extent):
        raise IndexError(
            f"{current_source()}: an index of {array.min()}..{array.max()} leaves the axis of length {extent} "
            f"of the shape {shape}"
        )
    return np.where(array < 0, array + extent, array).astype(np.int64)


def astype(x: Traced, dtype: Any) -> Traced:
    """x.astype(dtype)."""
    wanted = supported_dtype(np.dtype(dtype))
    if wanted.kind == "b" and x.dtype.kind != "b":
        return np.not_equal(x, 0)
    return cast(x, wanted)


FUNCTIONS[_getitem] = getitem
FUNCTIONS[_astype] = astype

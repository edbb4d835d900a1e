"""NumPy's functions that rearrange arrays, composed of reshape, transpose, slices and concatenation."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy

from ..errors import ShapeError, TracingError
from ..ops.indexing import take as take_primitive
from .indexing import _normalised, getitem, read_window
from .reductions import implements, normalise_axes
from .source import current_source
from .structure import placed
from .traced import UFUNCS, Traced, as_traced
from .ufuncs import cast

np: Any = numpy
"""NumPy, whose type stubs do not know that its functions accept traced values."""


def _axis(axis: int, ndim: int) -> int:
    return int(np.lib.array_utils.normalize_axis_tuple(axis, ndim)[0])


def _along(x: Traced, axis: int, part: Any) -> Traced:
    """x with one axis indexed."""
    return getitem(x, (slice(None),) * axis + (part,))


@implements(np.swapaxes)
def _swapaxes(a: Any, axis1: int, axis2: int) -> Traced:
    x = as_traced(a)
    order = list(range(x.ndim))
    first, second = _axis(axis1, x.ndim), _axis(axis2, x.ndim)
    order[first], order[second] = order[second], order[first]
    return x.transpose(order)


@implements(np.moveaxis)
def _moveaxis(a: Any, source: Any, destination: Any) -> Traced:
    x = as_traced(a)
    origins = np.lib.array_utils.normalize_axis_tuple(source, x.ndim)
    targets = np.lib.array_utils.normalize_axis_tuple(destination, x.ndim)
    order = [axis for axis in range(x.ndim) if axis not in origins]
    for target, origin in sorted(zip(targets, origins, strict=True)):
        order.insert(target, origin)
    return x.transpose(order)


@implements(np.expand_dims)
def _expand_dims(a: Any, axis: Any) -> Traced:
    x = as_traced(a)
    axes = axis if isinstance(axis, tuple | list) else (axis,)
    ndim = x.ndim + len(axes)
    new = set(np.lib.array_utils.normalize_axis_tuple(axes, ndim))
    extents = iter(x.shape)
    return x.reshape(tuple(1 if i in new else next(extents) for i in range(ndim)))


@implements(np.squeeze)
def _squeeze(a: Any, axis: Any = None) -> Traced:
    x = as_traced(a)
    axes = normalise_axes(axis, x.ndim) if axis is not None else [i for i, n in enumerate(x.shape) if n == 1]
    if any(x.shape[i] != 1 for i in axes):
        raise ShapeError(f"np.squeeze: axis {axis} of the shape {x.shape} is longer than one")
    return x.reshape(tuple(n for i, n in enumerate(x.shape) if i not in axes))


@implements(np.ravel)
def _ravel(a: Any, order: str = "C") -> Traced:
    return as_traced(a).reshape(-1, order=order)


@implements(np.copy)
def _copy(a: Any, order: str = "K", subok: bool = False) -> Traced:
    return as_traced(a)


@implements(np.atleast_1d)
def _atleast_1d(*arrays: Any) -> Any:
    results = [x.reshape(1) if not x.ndim else x for x in map(as_traced, arrays)]
    return results[0] if len(results) == 1 else tuple(results)


@implements(np.atleast_2d)
def _atleast_2d(*arrays: Any) -> Any:
    results = [x if x.ndim >= 2 else x.reshape((1, -1)) for x in map(as_traced, arrays)]
    return results[0] if len(results) == 1 else tuple(results)


@implements(np.shape)
def _shape(a: Any) -> Any:
    return a.shape


@implements(np.ndim)
def _ndim(a: Any) -> int:
    return as_traced(a).ndim


@implements(np.size)
def _size(a: Any, axis: int | None = None) -> int:
    return as_traced(a).size if axis is None else as_traced(a).shape[axis]


# Joining and splitting
@implements(np.hstack)
def _hstack(tup: Sequence[Any], *, dtype: Any = None) -> Traced:
    parts = [_atleast_1d(x) for x in tup]
    return np.concatenate(parts, axis=0 if parts[0].ndim == 1 else 1)


@implements(np.vstack)
def _vstack(tup: Sequence[Any], *, dtype: Any = None) -> Traced:
    return np.concatenate([_atleast_2d(x) for x in tup], axis=0)


@implements(np.column_stack)
def _column_stack(tup: Sequence[Any]) -> Traced:
    parts = [x.reshape((-1, 1)) if x.ndim < 2 else x for x in map(as_traced, tup)]
    return np.concatenate(parts, axis=1)


@implements(np.dstack)
def _dstack(tup: Sequence[Any]) -> Traced:
    parts = []
    for x in map(_atleast_2d, tup):
        parts.append(x.reshape((*x.shape, 1)) if x.ndim == 2 else x)
    return np.concatenate(parts, axis=2)


@implements(np.append)
def _append(arr: Any, values: Any, axis: int | None = None) -> Traced:
    x, y = as_traced(arr), as_traced(values)
    if axis is None:
        x, y, axis = x.reshape(-1), y.reshape(-1), 0
    return np.concatenate([x, y], axis=axis)


@implements(np.array_split)
def _array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Traced]:
    x = as_traced(ary)
    axis = _axis(axis, x.ndim)
    length = x.shape[axis]
    if isinstance(indices_or_sections, int | np.integer):
        count = int(indices_or_sections)
        each, extra = divmod(length, count)
        sizes = [each + 1] * extra + [each] * (count - extra)
        bounds = np.cumsum(sizes)[:-1].tolist()
    else:
        bounds = [int(bound) for bound in indices_or_sections]
    edges = [0, *bounds, length]
    return [_along(x, axis, slice(a, b)) for a, b in itertools.pairwise(edges)]


@implements(np.split)
def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Traced]:
    x = as_traced(ary)
    if isinstance(indices_or_sections, int | np.integer) and x.shape[axis] % indices_or_sections:
        raise ShapeError(f"np.split: {x.shape[axis]} elements cannot be split into {indices_or_sections} equal parts")
    return _array_split(x, indices_or_sections, axis)


@implements(np.hsplit)
def _hsplit(ary: Any, indices_or_sections: Any) -> list[Traced]:
    return _split(ary, indices_or_sections, 1 if as_traced(ary).ndim > 1 else 0)


@implements(np.vsplit)
def _vsplit(ary: Any, indices_or_sections: Any) -> list[Traced]:
    return _split(ary, indices_or_sections, 0)


# Repeating, shifting, mirroring
@implements(np.tile)
def _tile(A: Any, reps: Any) -> Traced:
    x = as_traced(A)
    times = tuple(reps) if isinstance(reps, tuple | list | np.ndarray) else (reps,)
    ndim = max(len(times), x.ndim)
    times = (1,) * (ndim - len(times)) + tuple(int(t) for t in times)
    x = x.reshape((1,) * (ndim - x.ndim) + x.shape)
    spread = np.broadcast_to(
        x.reshape(tuple(n for extent in x.shape for n in (1, extent))),
        tuple(n for t, extent in zip(times, x.shape, strict=True) for n in (t, extent)),
    )
    return spread.reshape(tuple(t * extent for t, extent in zip(times, x.shape, strict=True)))


@implements(np.repeat)
def _repeat(a: Any, repeats: Any, axis: int | None = None) -> Traced:
    x = as_traced(a)
    if axis is None:
        x, axis = x.reshape(-1), 0
    axis = _axis(axis, x.ndim)
    counts = np.broadcast_to(np.asarray(repeats), (x.shape[axis],))
    return np.take(x, np.repeat(np.arange(x.shape[axis]), counts), axis=axis)


@implements(np.flip)
def _flip(m: Any, axis: Any = None) -> Traced:
    x = as_traced(m)
    axes = normalise_axes(axis, x.ndim)
    starts = tuple(n - 1 if i in axes else 0 for i, n in enumerate(x.shape))
    return read_window(x, starts, tuple(-1 if i in axes else 1 for i in range(x.ndim)), x.shape)


@implements(np.fliplr)
def _fliplr(m: Any) -> Traced:
    return _flip(m, 1)


@implements(np.flipud)
def _flipud(m: Any) -> Traced:
    return _flip(m, 0)


@implements(np.roll)
def _roll(a: Any, shift: Any, axis: Any = None) -> Traced:
    x = as_traced(a)
    if axis is None:
        return _roll(x.reshape(-1), shift, 0).reshape(x.shape)
    shifts = shift if isinstance(shift, tuple | list) else (shift,)
    axes = axis if isinstance(axis, tuple | list) else (axis,)
    for by, along in zip(shifts, axes, strict=True):
        along = _axis(along, x.ndim)
        cut = (-int(by)) % max(x.shape[along], 1)
        if cut:
            parts = [_along(x, along, slice(cut, None)), _along(x, along, slice(0, cut))]
            x = np.concatenate(parts, axis=along)
    return x


@implements(np.pad)
def _pad(array: Any, pad_width: Any, mode: str = "constant", **options: Any) -> Traced:
    x = as_traced(array)
    widths = np.broadcast_to(np.asarray(pad_width), (x.ndim, 2)).tolist()
    if mode != "constant":
        for axis, (before, after) in enumerate(widths):
            indices = np.pad(np.arange(x.shape[axis]), (before, after), mode=mode, **options)
            x = np.take(x, indices, axis=axis)
        return x
    value = options.get("constant_values", 0)
    if np.ndim(value):
        raise TracingError(
            f"{current_source()}: np.pad is traced with one value for all sides; write constant_values=c"
        )
    shape = tuple(n + before + after for n, (before, after) in zip(x.shape, widths, strict=True))
    starts = tuple(before for before, _ in widths)
    padded = placed([x], [starts], [(1,) * x.ndim], shape)
    if isinstance(value, int | float) and value == 0:
        return padded
    inside = np.zeros(shape, np.bool_)
    inside[tuple(slice(start, start + n) for start, n in zip(starts, x.shape, strict=True))] = True
    return np.where(inside, padded, value)


# Diagonals and triangles
@implements(np.diagonal)
def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Traced:
    x = np.moveaxis(as_traced(a), (axis1, axis2), (-2, -1))
    rows, columns = x.shape[-2:]
    first_row, first_column = max(-offset, 0), max(offset, 0)
    length = max(min(rows - first_row, columns - first_column), 0)
    merged = x.reshape((*x.shape[:-2], rows * columns))
    start = first_row * columns + first_column
    stop = start + (length - 1) * (columns + 1) + 1
    return getitem(merged, (..., slice(start, stop, columns + 1) if length else slice(0, 0)))


@implements(np.diag)
def _diag(v: Any, k: int = 0) -> Traced:
    x = as_traced(v)
    if x.ndim == 2:
        return _diagonal(x, k)
    size = x.size + abs(k)
    start = k if k >= 0 else -k * size
    flat = placed([x], [(start,)], [(size + 1,)], (size * size,))
    return flat.reshape((size, size))


@implements(np.trace)
def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Traced:
    return np.sum(_diagonal(a, offset, axis1, axis2), axis=-1)


@implements(np.tril)
def _tril(m: Any, k: int = 0) -> Traced:
    x = as_traced(m)
    return np.where(np.tri(*x.shape[-2:], k=k, dtype=bool), x, 0)


@implements(np.triu)
def _triu(m: Any, k: int = 0) -> Traced:
    x = as_traced(m)
    return np.where(np.tri(*x.shape[-2:], k=k - 1, dtype=bool), 0, x)


# Choosing
@implements(np.take)
def _take(a: Any, indices: Any, axis: int | None = None, mode: str = "raise") -> Traced:
    x = as_traced(a)
    if axis is None:
        x, axis = x.reshape(-1), 0
    axis = _axis(axis, x.ndim)
    index = indices if isinstance(indices, Traced) else np.asarray(indices)
    return getitem(x, (slice(None),) * axis + (index,))


@implements(np.take_along_axis)
def _take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Traced:
    x = as_traced(arr)
    if axis is None:
        x, axis = x.reshape(-1), 0
    axis = _axis(axis, x.ndim)
    normal = as_traced(_normalised(indices, x.shape[axis], x.shape))
    shape = tuple(max(a, b) if i != axis else 0 for i, (a, b) in enumerate(zip(x.shape, normal.shape, strict=True)))
    x = np.broadcast_to(x, tuple(x.shape[i] if i == axis else n for i, n in enumerate(shape)))
    wide = np.broadcast_to(normal, tuple(normal.shape[i] if i == axis else n for i, n in enumerate(shape)))
    return x.apply(take_primitive, wide, axis=axis)


@implements(np.clip)
def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Traced:
    x = as_traced(a)
    low = a_min if a_min is not None else min
    high = a_max if a_max is not None else max
    if low is not None:
        x = np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


@implements(np.select)
def _select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Traced:
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = np.where(condition, choice, result)
    return result


@implements(np.nan_to_num)
def _nan_to_num(x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Traced:
    value = as_traced(x)
    limits = np.finfo(value.dtype)
    value = np.where(np.isnan(value), nan, value)
    value = np.where(np.equal(value, np.inf), limits.max if posinf is None else posinf, value)
    return np.where(np.equal(value, -np.inf), limits.min if neginf is None else neginf, value)


@implements(np.round, np.around)
def _round(a: Any, decimals: int = 0) -> Traced:
    return np.rint(a * 10.0**decimals) / 10.0**decimals


@implements(np.real)
def _real(val: Any) -> Traced:
    return as_traced(val)


@implements(np.sinc)
def _sinc(x: Any) -> Traced:
    value = as_traced(x) * np.pi
    is_zero = np.equal(value, 0)
    return np.where(is_zero, 1, np.sin(value) / np.where(is_zero, 1, value))


@implements(np.polyval)
def _polyval(p: Any, x: Any) -> Any:
    result: Any = 0
    for coefficient in p if isinstance(p, Traced) else np.asarray(p):
        result = result * x + coefficient
    return result


@implements(np.meshgrid)
def _meshgrid(*xi: Any, indexing: str = "xy", copy: bool = True, sparse: bool = False) -> list[Any]:
    vectors = [as_traced(x).reshape(-1) for x in xi]
    order = list(range(len(vectors)))
    if indexing == "xy" and len(vectors) > 1:
        order[0], order[1] = 1, 0
    shape = [0] * len(vectors)
    for vector, axis in zip(vectors, order, strict=True):
        shape[axis] = vector.size
    grids = [
        v.reshape(tuple(v.size if i == axis else 1 for i in range(len(shape))))
        for v, axis in zip(vectors, order, strict=True)
    ]
    return grids if sparse else [np.broadcast_to(grid, tuple(shape)) for grid in grids]


# Constants of a traced array's shape
def _filled(a: Any, value: Any, dtype: Any, shape: Any) -> Any:
    kind = as_traced(a).dtype if dtype is None else np.dtype(dtype)
    return np.full(as_traced(a).shape if shape is None else shape, value, kind)


@implements(np.zeros_like)
def _zeros_like(a: Any, dtype: Any = None, shape: Any = None, **_: Any) -> Any:
    return _filled(a, 0, dtype, shape)


@implements(np.ones_like)
def _ones_like(a: Any, dtype: Any = None, shape: Any = None, **_: Any) -> Any:
    return _filled(a, 1, dtype, shape)


@implements(np.empty_like)
def _empty_like(prototype: Any, dtype: Any = None, shape: Any = None, **_: Any) -> Any:
    raise TracingError(
        f"{current_source()}: np.empty_like(x) is there to be written into, and traced values cannot be written into. "
        "Build the array with np.stack, np.concatenate or np.where."
    )


@implements(np.full_like)
def _full_like(a: Any, fill_value: Any, dtype: Any = None, shape: Any = None, **_: Any) -> Any:
    like = as_traced(a)
    value = cast(as_traced(fill_value), like.dtype if dtype is None else np.dtype(dtype))
    return np.broadcast_to(value, like.shape if shape is None else shape)


UFUNCS["clip"] = lambda x, low, high, **_: _clip(x, low, high)

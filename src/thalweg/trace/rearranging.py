"""NumPy's functions that rearrange arrays: composed of reshape, transpose, slices and concatenation."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy

from ..errors import ShapeError, TracingError
from .indexing import getitem, read_window
from .reductions import implements, normalise_axes, normalise_axis
from .source import at_line
from .structure import placed
from .traced import Traced, as_traced

np: Any = numpy
"""NumPy, whose type stubs do not know that its functions accept traced values."""


def _along(x: Traced, axis: int, part: Any) -> Traced:
    """x with one axis indexed."""
    return getitem(x, (slice(None),) * axis + (part,))


@implements(np.swapaxes)
def _swapaxes(a: Any, axis1: int, axis2: int) -> Traced:
    x = as_traced(a)
    order = list(range(x.ndim))
    first, second = normalise_axis(axis1, x.ndim), normalise_axis(axis2, x.ndim)
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
    axis = normalise_axis(axis, x.ndim)
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
    axis = normalise_axis(axis, x.ndim)
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
        along = normalise_axis(along, x.ndim)
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
        raise TracingError(f"{at_line()}np.pad is traced with one value for all sides; write constant_values=c")
    shape = tuple(n + before + after for n, (before, after) in zip(x.shape, widths, strict=True))
    starts = tuple(before for before, _ in widths)
    padded = placed([x], [starts], [(1,) * x.ndim], shape)
    if isinstance(value, int | float) and value == 0:
        return padded
    inside = np.zeros(shape, np.bool_)
    inside[tuple(slice(start, start + n) for start, n in zip(starts, x.shape, strict=True))] = True
    return np.where(inside, padded, value)

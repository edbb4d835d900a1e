"""An array that was filled step by step, as one traced value: windows are placed, what is spread out is taken."""

from __future__ import annotations

import math
from typing import Any

import numpy

from ..graph import Array, Shape
from ..ops.structure import Window, place
from .indexing import read_window
from .shadows import number_of, numbers_of, piece_of
from .traced import Traced, as_traced

np: Any = numpy
"""NumPy, whose type stubs do not know that its functions accept traced values."""

__all__ = ["assembled"]

MANY = 8
"""So many pieces, once assembled, become one: who reads an array again and again while it is filled pays for each piece once."""


def assembled(labels: Array, values: Array) -> Traced:
    """The array whose elements are traced where labels are 0 or more, and stand in `values` elsewhere.

    The labels of many pieces are replaced by those of the result.
    """
    shape = labels.shape
    flat = labels.ravel()
    numbers = numbers_of(flat)
    if numbers.min() == numbers.max():
        node, first = piece_of(int(flat[0]))
        return _picked(Traced(node), flat - first, shape)
    order = np.argsort(numbers, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)
    parts = []
    for places in groups:
        label = int(flat[places[0]])
        if label < 0:
            chosen = values.ravel()[places]
            if chosen.any():
                parts.append((places, as_traced(chosen), np.arange(len(places))))
        else:
            node, first = piece_of(label)
            parts.append((places, Traced(node), flat[places] - first))
    result = _joined(parts, shape)
    if len(groups) >= MANY:
        is_traced = labels >= 0
        labels[is_traced] = (number_of(result.node) + np.arange(flat.size).reshape(shape))[is_traced]
    return result


def _joined(parts: list[tuple[Array, Traced, Array]], shape: Shape) -> Traced:
    """Parts put together, each as (places in the flat result, a value, places in the flat value); zero elsewhere."""
    size = math.prod(shape)
    windows, layers, spread = [], [], []
    for places, piece, chosen in parts:
        window = _window(places, shape)
        if window is not None:
            starts, strides, sizes = window
            windows.append((_picked(piece, chosen, sizes), (starts, strides)))
        elif piece.size == size and np.array_equal(places, chosen):  # what is left of an array that was assigned to
            layers.append((places, piece.reshape(shape)))
        else:
            spread.append((places, piece, chosen))
    if spread:
        layers.append(_taken(spread, shape))
    result: Any = _placed(windows, shape) if windows else None
    covered = sum(len(places) for places, _, _ in parts) == size
    for places, layer in layers:
        if result is None and covered:
            result = layer
            continue
        is_here = np.zeros(size, bool)
        is_here[places] = True
        result = np.where(is_here.reshape(shape), layer, 0.0 if result is None else result)
    return as_traced(np.zeros(shape)) if result is None else result


def _placed(windows: list[tuple[Traced, Window]], shape: Shape) -> Traced:
    (first, _), *others = windows
    return first.apply(
        place, *(piece for piece, _ in others), windows=tuple(window for _, window in windows), shape=shape
    )


def _taken(spread: list[tuple[Array, Traced, Array]], shape: Shape) -> tuple[Array, Traced]:
    """Parts that lie scattered, as their places and one array of the whole shape; its other elements are whatever comes first."""
    indices = np.zeros(math.prod(shape), np.int64)
    start = 0
    for places, piece, chosen in spread:
        indices[places] = start + chosen
        start += piece.size
    flat = [piece.reshape(-1) for _, piece, _ in spread]
    source = flat[0] if len(flat) == 1 else np.concatenate(flat)
    return np.concatenate([places for places, _, _ in spread]), source[indices].reshape(shape)


def _picked(piece: Traced, chosen: Array, shape: Shape) -> Traced:
    """Elements of a value, by their places in C order, in a shape."""
    if len(chosen) == piece.size and np.array_equal(chosen, np.arange(piece.size)):
        return piece.reshape(shape)
    window = _window(chosen, piece.shape)
    if window is not None:
        starts, strides, sizes = window
        return read_window(piece, starts, strides, sizes).reshape(shape)
    return piece.reshape(-1)[chosen.reshape(shape)]


def _window(places: Array, shape: Shape) -> tuple[Shape, Shape, Shape] | None:
    """The window of an array of the given shape that holds the given places, in their order: starts, strides, sizes; None if none does."""
    if len(places) == 1:
        found = np.unravel_index(int(places[0]), shape)
        return tuple(int(i) for i in found), (1,) * len(shape), (1,) * len(shape)
    axes: list[Array] = []
    if not shape:
        return None
    for along in np.unravel_index(places, shape):
        steps = np.unique(along)
        steps = steps if along[0] <= along[-1] else steps[::-1]
        if len(steps) > 2 and np.ptp(np.diff(steps)):
            return None
        axes.append(steps)
    if math.prod(map(len, axes)) != len(places):
        return None
    if not np.array_equal(np.ravel_multi_index(np.ix_(*axes), shape).ravel(), places):
        return None
    strides = tuple(int(steps[1] - steps[0]) if len(steps) > 1 else 1 for steps in axes)
    return tuple(int(steps[0]) for steps in axes), strides, tuple(map(len, axes))

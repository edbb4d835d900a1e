"""Where traced values lie in arrays that a loss fills: beside the memory of such an array lies its shadow, a label for each element.

A label below 0 says that the element is the number in the array itself; any other is the number of a traced element. Memory is what
arrays and their views share, so what is assigned to one is seen by all, as in NumPy; copying elements means to copy labels, and no node
is made until an array is read. In the array itself stands NaN, of a kind of its own, so that traced values that went astray are noticed.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import TracingError
from ..graph import Array, Node
from .source import at_line

__all__ = [
    "ASTRAY",
    "Shadow",
    "are_assigned",
    "begin",
    "end",
    "holds_strays",
    "is_tracing",
    "labels_of",
    "new_shadow",
    "number_of",
    "numbers_of",
    "owner_of",
    "piece_of",
    "shadow_of",
    "snapshot",
]

_BITS: dict[int, Any] = {4: np.uint32(0x7FE7A1C6), 8: np.uint64(0x7FFC7A1C6D5E9B31)}
ASTRAY = {np.dtype(f"f{size}"): bits.view(f"f{size}") for size, bits in _BITS.items()}
"""What stands in an array where a traced value was assigned: a NaN of its own in each dtype. Arithmetic passes it on."""


@dataclass(frozen=True, eq=False, slots=True)
class Shadow:
    """The labels of a piece of memory. owner: the array that it belongs to. first: its address. labels: one for each of its elements.

    read: what arrays in this memory were when they were last read, until traced values are assigned, with the bytes that lay there.
    """

    owner: Array
    first: int
    labels: Array
    read: dict[Any, tuple[Node, bytes]] = field(default_factory=dict)

    def place(self, array: Array) -> tuple[Any, ...]:
        """Where an array lies in this memory, in bytes of labels: offset, shape, strides."""
        scale = 8 // array.itemsize
        return (array.ctypes.data - self.first) * scale, array.shape, tuple(step * scale for step in array.strides)

    def of(self, array: Array) -> Array:
        """The labels of an array that lies in this memory, as a view."""
        offset, shape, strides = self.place(array)
        if not array.size:
            return np.zeros(shape, np.int64)
        return np.ndarray(shape, np.int64, self.labels, offset, strides)


class _State(threading.local):
    """What belongs to the trace that this thread makes. pieces: traced values. starts: the label of the first element of each. snapshots:
    what arrays of known numbers held when they were last asked for, by place.
    """

    def __init__(self) -> None:
        self.depth = 0
        self.clear()

    def clear(self) -> None:
        self.pieces: list[Node] = []
        self.starts: list[int] = []
        self.known: dict[Node, int] = {}
        self.count = 0
        self.shadows: dict[int, Shadow] = {}
        self.snapshots: dict[Any, Array] = {}


_state = _State()


def begin() -> None:
    """A trace begins in this thread."""
    _state.depth += 1


def end() -> None:
    """A trace has ended in this thread; with the outermost one, all shadows go."""
    _state.depth -= 1
    if not _state.depth:
        _state.clear()


def is_tracing() -> bool:
    """Whether this thread makes a trace now."""
    return _state.depth > 0


def owner_of(array: Array) -> Array:
    """The array whose memory an array lies in."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def shadow_of(array: Array) -> Shadow | None:
    """The shadow of the memory that the array lies in, if a traced value was assigned to some of it."""
    shadows = _state.shadows
    found = shadows.get(id(owner_of(array))) if shadows else None
    if found is None or array.dtype == found.owner.dtype:
        return found
    if found.labels.max(initial=-1) >= 0:
        raise _reinterpreted(array, found.owner)
    return None


def _reinterpreted(array: Array, owner: Array) -> TracingError:
    return TracingError(
        f"{at_line()}the bytes of an array of {owner.dtype} that holds traced values are read or written as {array.dtype}, as by "
        "x.view(dtype). Write x.astype(dtype)."
    )


def labels_of(array: Array) -> Array | None:
    """The labels of the array's elements, as a view; None if none of them is traced."""
    shadow = shadow_of(array)
    if shadow is None:
        return None
    labels = shadow.of(array)
    return labels if labels.size and labels.max() >= 0 else None


def new_shadow(array: Array) -> Shadow:
    """The shadow of the memory that the array lies in, made if there was none."""
    owner = owner_of(array)
    if array.dtype != owner.dtype:
        raise _reinterpreted(array, owner)
    found = _state.shadows.get(id(owner))
    if found is None:
        first, beyond = np.lib.array_utils.byte_bounds(owner)
        labels = np.full((beyond - first) // owner.itemsize, -1, np.int64)
        found = _state.shadows[id(owner)] = Shadow(owner, first, labels)
    return found


def number_of(node: Node) -> int:
    """The label of the first element of a traced value; the others follow in C order."""
    start = _state.known.get(node)
    if start is None:
        start = _state.known[node] = _state.count
        _state.pieces.append(node)
        _state.starts.append(start)
        _state.count += max(node.type.size, 1)
    return start


def piece_of(label: int) -> tuple[Node, int]:
    """The traced value that has an element of this label, and the label of its first element."""
    number = bisect_right(_state.starts, label) - 1
    return _state.pieces[number], _state.starts[number]


def numbers_of(labels: Array) -> Array:
    """For each label a number that tells the traced values apart, below 0 for none."""
    first, last = (bisect_right(_state.starts, label) - 1 for label in (labels.min(), labels.max()))
    if first == last:
        return np.full(labels.shape, first)
    among = max(first, 0)
    return np.searchsorted(np.fromiter(_state.starts[among : last + 1], np.int64), labels, side="right") - 1 + among


def snapshot(array: Array, dtype: np.dtype[Any]) -> Array:
    """An array's numbers as they are now, which later assignments do not change; the same copy as last time if they did not change since."""
    place = array.ctypes.data, array.shape, array.strides, array.dtype
    found = _state.snapshots.get(place)
    bits = f"u{array.itemsize}"
    if (
        found is None
        or found.dtype != dtype
        or not np.array_equal(found.view(bits), np.ascontiguousarray(array).view(bits))
    ):
        found = np.array(array, dtype, order="C")
        if dtype == array.dtype and _state.depth:
            _state.snapshots[place] = found
    return found


def are_assigned() -> bool:
    """Whether traced values have been assigned to any array, in the trace that this thread makes."""
    return bool(_state.shadows)


def holds_strays(array: Array) -> bool:
    """Whether traced values that were assigned have been copied into the array by code that knows nothing of them, or are those of a
    trace that has ended."""
    if array.dtype not in ASTRAY or (not array.ndim and array[()] == array[()]):
        return False
    bits = _BITS[array.itemsize]
    return bool((np.ascontiguousarray(array).view(bits.dtype) == bits).any())

"""Data that are larger than a device's memory: sent there piece by piece, the next while the device computes on the last."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...compile.cut import Sweep
from ...compile.device import Device
from ...compile.native.permutation import examples_at
from ...errors import ArgumentError
from ...graph import Array
from ..chunks import chunked_engine
from ..data import ArrayData, Chunk, Data, StreamData, in_own_types, lies_by_columns, size_text, total_of_chunks
from ..data.ahead import Ahead
from ..engines import Engine
from ..steps import Step
from ..windows import WindowedEngine
from .resident import device_step, room_on

__all__ = ["DeviceTotals", "holds", "streamed_to_device"]

_CHUNK_BYTES = 1 << 26
_WINDOW_BYTES = 1 << 28
_SLOTS = 2
"""Windows on the device at the same time: one is used, the other on its way."""


def holds(device: Device, data: Data) -> bool:
    """Whether the data fit in the memory that they may take on the device."""
    if not isinstance(data, ArrayData):
        return False
    room = room_on(device)
    return room is None or sum(array.nbytes for array in data.arrays) <= room


def streamed_to_device(
    step: Step,
    data: Data,
    batch: int | None,
    seed: int,
    device: Device,
    iteration: int = 0,
    next_record: int = 0,
) -> Engine:
    """The engine of a step, with its state and settings, over data that are sent to the device again and again.

    All examples at once: only totals come back, and what lies between the sweeps is computed here. Mini-batches: windows of
    examples are sent in the order in which they are used; of a stream, as it shuffles them. iteration, next_record: to go on from.
    Raises LossError if the loss combines examples otherwise than by totals.
    """
    size = size_text(data.examples * _row_bytes(data))
    note = f"{data.examples:,} examples ({size}) were streamed to {device}"
    if batch is None:
        chunks = data.chunks if isinstance(data, StreamData) else lambda: _slices(_arrays(data), device)
        arrays = len(data.stream.types) if isinstance(data, StreamData) else len(_arrays(data))
        return chunked_engine(
            step, arrays, lambda sweeps: DeviceTotals(sweeps, chunks, device), (note,), iteration, next_record
        )
    if isinstance(data, StreamData):
        rows = data.stream.window_rows(batch)
        windows = data.stream.windows(rows, seed)
        note += f"; mini-batches were drawn from windows of {rows:,} examples"
    else:
        rows = _window_rows(data, batch, device)
        windows = _gathered(_arrays(data), rows, seed, device)
    first = next(windows)
    program = device_step(step, first, batch, device, in_order=isinstance(data, ArrayData))
    engine = program.engine(step.state, step.settings, first, seed, 1)
    return WindowedEngine(engine, windows, rows // batch, (note,))


def _arrays(data: Data) -> Sequence[Array]:
    assert isinstance(data, ArrayData)
    return data.arrays


def _row_bytes(data: Data) -> int:
    if isinstance(data, StreamData):
        return data.stream.row_bytes
    return max(1, sum(array.nbytes for array in _arrays(data)) // data.examples)


def _slices(arrays: Sequence[Array], device: Device) -> Iterator[Chunk]:
    """The arrays from the first row to the last, so many rows at a time that three pieces fit on the device."""
    row_bytes = sum(array.nbytes for array in arrays) // len(arrays[0])
    rows = max(1, min(_CHUNK_BYTES, (room_on(device) or _CHUNK_BYTES) // 3) // max(1, row_bytes))
    for first in range(0, len(arrays[0]), rows):
        yield tuple(array[first : first + rows] for array in arrays)


def _window_rows(data: Data, batch: int, device: Device) -> int:
    most = min(_WINDOW_BYTES, (room_on(device) or _WINDOW_BYTES) // (_SLOTS + 1)) // _row_bytes(data)
    if most < batch:
        raise ArgumentError(
            f"batch_size={batch} takes {size_text(batch * _row_bytes(data))}, of which not even {_SLOTS + 1} fit in the memory for "
            f"data on {device}: take smaller batches, or give more memory"
        )
    return most // batch * batch


def _gathered(arrays: Sequence[Array], rows: int, seed: int, device: Device) -> Generator[Chunk, None, None]:
    """Endlessly, the examples of the next mini-batches, on the device. They are those of a descent whose data are there."""
    from ...compile.jax.finding import found
    from ...compile.jax.program import on_device, precise

    place, count = found(device), len(arrays[0])

    def windows() -> Iterator[Chunk]:
        first = 0
        while True:
            chosen = examples_at(np.arange(first, first + rows), count, seed)
            with precise():
                window: Any = tuple(on_device(array[chosen], place) for array in arrays)
            yield window
            first += rows

    with Ahead(windows(), _SLOTS) as ahead:
        yield from ahead


@dataclass(eq=False)
class DeviceTotals:
    """Totals over chunks that are sent to a device one after the other. chunks: a new pass, each time it is called."""

    sweeps: Sequence[Sweep]
    chunks: Callable[[], Iterable[Sequence[Array]]]
    device: Device
    _functions: dict[tuple[int, int], Any] = field(default_factory=dict)

    def __call__(self, number: int, values: Sequence[Array]) -> Sequence[Array]:
        """The totals of the sweep with this number."""
        from ...compile.jax.program import precise

        sweep = self.sweeps[number]
        with precise():
            return in_own_types(sweep, total_of_chunks(sweep, self._totals(number, values)))

    def _totals(self, number: int, values: Sequence[Array]) -> Iterator[Sequence[Array]]:
        """The totals of each chunk. One chunk is computed while the next is sent, and no more are there at a time."""
        import jax

        from ...compile.jax.finding import found
        from ...compile.jax.program import on_device

        place = found(self.device)
        read = [on_device(value, place) for value in values]
        before: Any = None
        for chunk in self.chunks():
            # An array that lies column by column is turned there: faster than here.
            moved = [
                on_device(array.T, place).T if lies_by_columns(array) else on_device(array, place) for array in chunk
            ]
            sent = [array.block_until_ready() for array in moved]
            totals = self._function(number, len(chunk[0]))(*read, *sent)
            if before is not None:
                yield jax.device_get(before)
            before = totals
        if before is not None:
            yield jax.device_get(before)

    def _function(self, number: int, rows: int) -> Any:
        from ...compile.jax.function import of_examples

        if (number, rows) not in self._functions:
            sweep = self.sweeps[number]
            self._functions[number, rows] = of_examples(sweep.graph(rows), len(sweep.data), self.device)
        return self._functions[number, rows]

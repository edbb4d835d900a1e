"""The engine of the jax target: the state and the data stay on the device, from stretch to stretch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...compile.device import Device
from ...compile.prepare import Prepared, prepare
from ...errors import DeviceError
from ...graph import Array, Graph
from ..data import size_text
from ..loops import examples_of, history_room, loop_of
from ..steps import STATUS, Lanes, Outside, Step, in_lanes

if TYPE_CHECKING:
    from ...compile.jax.program import DeviceProgram

__all__ = ["DeviceEngine", "DeviceStep", "device_step", "loss_on_device", "room_on"]


@dataclass(frozen=True, eq=False)
class DeviceStep:
    """A step as a program of a device."""

    prepared: Prepared
    program: DeviceProgram
    device: Device
    note: str

    def engine(
        self,
        state: Sequence[Array],
        settings: Sequence[Array],
        data: Sequence[Array],
        seed: int,
        threads: int,
        iteration: int = 0,
        next_record: int | None = None,
    ) -> DeviceEngine:
        """The engine with a state to go on from. threads: the device has its own. next_record: see `CompiledStep`."""
        from ...compile.jax.program import on_device, precise

        place, stored = self.program.device, list(self.program.stored)
        del stored[len(settings) : len(settings) + len(Outside._fields)]
        with precise():
            arrays = (*data, *self.prepared.values)
            rest = [
                on_device(array, place, dtype) for array, dtype in zip(arrays, stored[len(settings) :], strict=True)
            ]
            carried = tuple(on_device(array, place) for array in state)
            history = self.program.history()
        notes = tuple(note for note in (self.note, self.program.note) if note)
        due = iteration if next_record is None else next_record
        return DeviceEngine(self.program, carried, history, rest, settings, seed % (1 << 64), iteration, due, notes)


def _check_room(data: Sequence[Array], device: Device) -> None:
    room, size = room_on(device), sum(array.nbytes for array in data)
    if room is not None and size > room:
        raise DeviceError(
            f"the data take {size_text(size)}, and {device} has {size_text(room)} for them. Several descents at once need them "
            "there all together: pass fewer examples, or leave out device=..."
        )


def device_step(
    step: Step | Lanes, data: Sequence[Array], batch: int | None, device: Device, in_order: bool = False
) -> DeviceStep:
    """Compiles a step, of one descent or of several at once, for given data. Raises DeviceError if there is no such device.

    in_order: mini-batches follow one another in the data, which are shuffled already.
    """
    from ...compile.jax.finding import found

    found(device)  # what is missing is said before JAX is needed
    _check_room(data, device)
    from ...compile.jax.program import One, compile_for_device

    prepared, loop, of_data = loop_of(step, data, batch)
    examples, note = examples_of(prepared, of_data, of_data[0].shape[0] if of_data else 0)
    rows = [node for node in prepared.graph.inputs if examples is not None and node in examples.axis]
    one = None
    if isinstance(step, Lanes) and not data:
        one = One(prepare(in_lanes(step.single, 1).graph), len(step.single.state) + STATUS)
    program = compile_for_device(prepared, loop, device, history_room(loop.lanes), rows, in_order, one)
    return DeviceStep(prepared, program, device, note)


def room_on(device: Device) -> int | None:
    """How many bytes the data may take there; None if any number."""
    from ...compile.jax.finding import found, room_for_data

    return device.memory if device.memory is not None else room_for_data(found(device))


def loss_on_device(graph: Graph, data: Sequence[Array], device: Device) -> Callable[[Array], float]:
    """(θ) → loss, of a graph (θ, *data) → loss whose data are put on the device once."""
    from ...compile.jax.function import with_data

    function = with_data(graph, data, device)
    return lambda vector: float(function(vector))


@dataclass(eq=False)
class DeviceEngine:
    """Runs stretches of iterations on a device. rest: data and constants, there. settings: here, since a person may press a button
    among them."""

    program: DeviceProgram
    _carried: Any
    _history: Any
    _rest: Sequence[Any]
    _settings: Sequence[Array]
    _seed: int
    iteration: int = 0
    next_record: int = 0
    notes: tuple[str, ...] = ()
    _stops: bool = False
    _fetched: list[Array] | None = None

    @property
    def state(self) -> Sequence[Array]:
        """The current values, copied from the device when they are first asked for after a stretch."""
        if self._fetched is None:
            self._fetched = [np.array(value) for value in self._carried]
        return self._fetched

    def advance(self, iterations: int, outside: Sequence[float]) -> tuple[int, Array]:
        """Does up to so many iterations."""
        from ...compile.jax.descending import Carried
        from ...compile.jax.program import on_device, precise

        if self._stops:
            return 0, np.zeros((0, self.program.width))
        with precise():
            zero = np.zeros((), np.int64)
            carried = Carried(
                self._carried, None, np.int64(self.iteration), np.int64(self.next_record), zero, zero, zero
            )
            numbers = [np.asarray(value, np.float64) for value in outside]
            stored = self.program.stored
            settings = [
                on_device(array, self.program.device, dtype)
                for array, dtype in zip(self._settings, stored, strict=False)
            ]
            rest = [*settings, *numbers, *self._rest]
            room = np.int64(self.program.room - 1)
            after = self.program.run(self._history, carried, rest, np.uint64(self._seed), np.int64(iterations), room)
            self._carried, self._history, self._fetched = after.state, after.history, None
            self.iteration, self.next_record = int(after.iteration), int(after.next_record)
            rows = self.program.rows(after.history, int(after.recorded))
            return int(after.status), rows

    def exchange(self, data: Sequence[Array]) -> None:
        """Goes on with other data, of the same types."""
        from ...compile.jax.program import on_device, precise

        with precise():
            first = len(self._settings) + len(Outside._fields)
            stored = self.program.stored[first : first + len(data)]
            sent = [on_device(array, self.program.device, dtype) for array, dtype in zip(data, stored, strict=True)]
        self._rest = [*sent, *self._rest[len(data) :]]

    def release_data(self) -> None:
        """Lets go of the data's memory; the engine cannot advance any more."""
        self._rest = []

    def request_stop(self) -> None:
        """No further stretch begins; stretches are short."""
        self._stops = True

"""The engine of the jax target: the state and the data stay on the device, from stretch to stretch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..compile.device import Device
from ..compile.prepare import Prepared
from ..graph import Array, Graph
from .engines import examples_of, history_room, loop_of
from .steps import Lanes, Step

if TYPE_CHECKING:
    from ..compile.jax.program import DeviceProgram

__all__ = ["DeviceEngine", "DeviceStep", "device_step", "loss_on_device"]


@dataclass(frozen=True, eq=False)
class DeviceStep:
    """A step as a program of a device."""

    prepared: Prepared
    program: DeviceProgram
    note: str

    def engine(
        self,
        state: Sequence[Array],
        settings: Sequence[Array],
        data: Sequence[Array],
        seed: int,
        threads: int,
        iteration: int = 0,
    ) -> DeviceEngine:
        """The engine with a state to go on from. threads: the device has its own."""
        from ..compile.jax.program import on_device, precise

        place = self.program.device
        with precise():
            rest = [on_device(array, place) for array in (*settings, *data, *self.prepared.values)]
            carried = tuple(on_device(array, place) for array in state)
            history = self.program.history()
        notes = (self.note,) if self.note else ()
        return DeviceEngine(self.program, carried, history, rest, len(settings), seed % (1 << 64), iteration, notes)


def device_step(step: Step | Lanes, data: Sequence[Array], batch: int | None, device: Device) -> DeviceStep:
    """Compiles a step, of one descent or of several at once, for given data. Raises DeviceError if there is no such device."""
    from ..compile.jax.finding import found

    found(device)  # what is missing is said before JAX is needed
    from ..compile.jax.program import compile_for_device

    prepared, loop, of_data = loop_of(step, data, batch)
    examples, note = examples_of(prepared, of_data, of_data[0].shape[0] if of_data else 0)
    rows = [node for node in prepared.graph.inputs if examples is not None and node in examples.axis]
    return DeviceStep(prepared, compile_for_device(prepared, loop, device, history_room(loop.lanes), rows), note)


def loss_on_device(graph: Graph, data: Sequence[Array], device: Device) -> Callable[[Array], float]:
    """(θ) → loss, of a graph (θ, *data) → loss whose data are put on the device once."""
    from ..compile.jax.function import with_data

    function = with_data(graph, data, device)
    return lambda vector: float(function(vector))


@dataclass(eq=False)
class DeviceEngine:
    """Runs stretches of iterations on a device. rest: settings, data and constants, as the program takes them."""

    program: DeviceProgram
    _carried: Any
    _history: Any
    _rest: Sequence[Any]
    _settings: int
    _seed: int
    iteration: int = 0
    notes: tuple[str, ...] = ()
    _next_record: int = field(init=False)
    _stops: bool = False
    _fetched: list[Array] | None = None

    def __post_init__(self) -> None:
        self._next_record = self.iteration

    @property
    def state(self) -> Sequence[Array]:
        """The current values, copied from the device when they are first asked for after a stretch."""
        if self._fetched is None:
            self._fetched = [np.array(value) for value in self._carried]
        return self._fetched

    def advance(self, iterations: int, outside: Sequence[float]) -> tuple[int, Array]:
        """Does up to so many iterations."""
        from ..compile.jax.descending import Carried
        from ..compile.jax.program import precise

        if self._stops:
            return 0, np.zeros((0, self.program.width))
        with precise():
            zero = np.zeros((), np.int64)
            carried = Carried(
                self._carried, self._history, np.int64(self.iteration), np.int64(self._next_record), zero, zero, zero
            )
            numbers = [np.asarray(value, np.float64) for value in outside]
            rest = [*self._rest[: self._settings], *numbers, *self._rest[self._settings :]]
            room = np.int64(self.program.room - 1)
            after = self.program.run(carried, rest, np.uint64(self._seed), np.int64(iterations), room)
            self._carried, self._history, self._fetched = after.state, after.history, None
            self.iteration, self._next_record = int(after.iteration), int(after.next_record)
            rows = self.program.rows(after.history, int(after.recorded))
            return int(after.status), rows

    def request_stop(self) -> None:
        """No further stretch begins; stretches are short."""
        self._stops = True

"""Programs of a device: compiled once for shapes, then run stretch after stretch on arrays that stay there."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ...graph import Array, Graph, Node
from ...ops.contraction import dot
from ..device import Device
from ..native.interface import Loop
from ..prepare import Prepared
from .descending import Carried, Descent, steps_unasked
from .finding import found
from .members import MembersKernel, members_kernel
from .sweeps import Evaluator

__all__ = ["DeviceProgram", "One", "compile_for_device", "lowerable", "on_device", "precise", "stretch_types"]

_CAPACITY = 32
_known: OrderedDict[tuple[Any, ...], DeviceProgram] = OrderedDict()


def precise() -> Any:
    """Within this context, JAX has 64-bit numbers: it is a global switch there, and belongs to the user."""
    return jax.enable_x64(True)


def on_device(array: Array, device: Any, dtype: Any = None) -> jax.Array:
    """A copy of an array on JAX's device: its own, so that the program may overwrite it."""
    # What is there already is not copied.
    is_there = isinstance(array, jax.Array) and dtype in (None, array.dtype)
    # On the processor JAX reads NumPy's memory in place, whatever `may_alias` says, also after it was written to again.
    copy = np.array if device.platform == "cpu" else np.asarray
    given = array if is_there else copy(array, dtype)
    copied: jax.Array = jax.device_put(given, device, may_alias=None if is_there else False)
    return copied


class One(NamedTuple):
    """A population of one. status: the number of the array in its state that says whether the member has ended."""

    prepared: Prepared
    status: int


@dataclass(frozen=True, eq=False)
class DeviceProgram:
    """A descent, compiled. run: (history, carried without it, rest, seed, iterations, capacity) → carried.

    The history that goes in is overwritten. The state is not: whoever is interrupted, at whatever moment, still has it.

    stored: the dtype in which each array of `rest` is kept on the device. room: rows of the history. device: JAX's own.
    note: for the user.
    """

    run: Callable[..., Carried]
    stored: Sequence[Any]
    width: int
    room: int
    device: Any
    note: str = ""

    def rows(self, history: jax.Array, count: int) -> Array:
        """The first rows of a history, here. A power of two of them is sent, so that few shapes are compiled."""
        if not count:
            return np.zeros((0, self.width))
        if self.device.platform == "cpu":
            return np.array(np.asarray(history)[:count])
        sent = min(self.room, 1 << (count - 1).bit_length())
        return np.array(history[:sent])[:count]

    def history(self) -> jax.Array:
        """An empty history."""
        return on_device(np.zeros((self.room, self.width)), self.device)


def compile_for_device(
    prepared: Prepared,
    loop: Loop,
    device: Device,
    room: int,
    data: Sequence[Node] = (),
    in_order: bool = False,
    one: One | None = None,
) -> DeviceProgram:
    """The program of a graph under a loop: known from before, or compiled now. Raises DeviceError if there is no such device.

    room: rows of the history of one stretch. data: the inputs whose first axis runs over examples, if the loss is a sum over them.
    in_order: mini-batches follow one another in the data, which are shuffled already. one: of a population without data.
    """
    place, graph = found(device), prepared.graph
    of_data = tuple(number for number, node in enumerate(graph.inputs) if node in data)
    key = (graph.fingerprint, repr(loop), room, place, device.precision, of_data, in_order)
    if key not in _known:
        descents = _descents(prepared, loop, device, place, data, in_order, one)
        _known[key] = _compile(graph, loop, device, place, room, data, descents)
        if len(_known) > _CAPACITY:
            _known.popitem(last=False)
    _known.move_to_end(key)
    return _known[key]


def _descents(
    prepared: Prepared,
    loop: Loop,
    device: Device,
    place: Any,
    data: Sequence[Node],
    in_order: bool,
    one: One | None,
) -> Iterator[Descent | MembersKernel]:
    """Ways to run the loop, the fastest first; each further one is for when the one before cannot be compiled."""
    whole = () if loop.sampling else data
    unasked = steps_unasked(prepared.graph) if place.platform == "gpu" else 1
    if one is not None and place.platform == "gpu":
        kernel = members_kernel(one.prepared, loop, loop.lanes, one.status)
        if kernel is not None:
            yield kernel
    if place.platform == "gpu" and whole:
        yield Descent(prepared.graph, loop, Evaluator(place.platform, device.precision, whole), unasked=unasked)
    has_kernels = place.platform != "gpu"
    evaluator = Evaluator(place.platform, device.precision, whole, has_kernels)
    yield Descent(prepared.graph, loop, evaluator, in_order, unasked)


def _compile(
    graph: Graph,
    loop: Loop,
    device: Device,
    place: Any,
    room: int,
    data: Sequence[Node],
    descents: Iterator[Descent | MembersKernel],
) -> DeviceProgram:
    descent = next(descents)
    note = ""
    # Pallas makes a kernel for the default device, which need not be the one that was asked for.
    with precise(), jax.default_device(place):
        types = stretch_types(graph, loop, device, room, data, descent.width, jax.sharding.SingleDeviceSharding(place))
        compiled = None
        while compiled is None:
            try:
                compiled = lowerable(descent).lower(*types).compile()
            except Exception as error:  # kernels are compiled by another compiler, which fails in its own ways
                following = next(descents, None)
                if following is None:
                    raise
                descent = following
                note = f"this runs slower than it might, since its kernel could not be compiled: {str(error).splitlines()[0]}"
    return DeviceProgram(compiled, [value.dtype for value in types[2]], descent.width, room, place, note)


def lowerable(descent: Descent | MembersKernel) -> Any:
    """The stretches of a descent, to be lowered for the arguments of `stretch_types`."""
    return jax.jit(partial(_stretch, descent), donate_argnums=(0,))


def stretch_types(
    graph: Graph, loop: Loop, device: Device, room: int, data: Sequence[Node], width: int, sharding: Any = None
) -> tuple[Any, ...]:
    """The types of what `DeviceProgram.run` is given. sharding: JAX's word for where it lies; None if it is only to be lowered."""

    def typed(shape: Sequence[int], dtype: Any) -> Any:
        return jax.ShapeDtypeStruct(tuple(shape), dtype, sharding=sharding)  # type: ignore[no-untyped-call]  # JAX's

    number = typed((), np.int64)
    state = tuple(typed(node.shape, node.dtype) for node in graph.inputs[: loop.carried])
    carried = Carried(state, None, number, number, number, number, number)
    short = _shortened(graph, data) if device.precision == "bfloat16" else ()
    sampled = loop.sampling.data_inputs if loop.sampling else ()
    rest = []
    for place, node in enumerate(graph.inputs[loop.carried :], loop.carried):
        shape = (loop.sampling.examples, *node.shape[1:]) if loop.sampling and place in sampled else node.shape
        rest.append(typed(shape, jnp.bfloat16 if node in short else node.dtype))
    return typed((room, width), np.float64), carried, rest, typed((), np.uint64), number, number


def _stretch(descent: Descent | MembersKernel, history: Any, carried: Carried, *rest: Any) -> Carried:
    return descent.stretch(carried._replace(history=history), *rest)


def _shortened(graph: Graph, data: Sequence[Node]) -> tuple[Node, ...]:
    """Data that nothing but products reads, in bfloat16 anyway: they are kept so, which halves what is read in each step."""
    readers: dict[Node, list[Node]] = {}
    for node in graph.nodes:
        for operand in node.operands:
            readers.setdefault(operand, []).append(node)
    return tuple(
        node
        for node in data
        if node.dtype == np.float32 and all(reader.primitive is dot for reader in readers.get(node, []))
    )

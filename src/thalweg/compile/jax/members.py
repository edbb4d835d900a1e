"""Whole stretches of many small descents as one GPU kernel: each member is a thread, and its state lies in registers.

A loop of kernels costs some 8 µs a round, however small the members are. Here a program of the grid takes 32 members and runs
all iterations itself; nothing is launched in between. For this the graph of a member is taken apart into numbers: what is an
array of n numbers becomes n vectors over the members. So members are small, and without data.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental import pallas as pl

from ...graph import Array, Graph, Node
from ..native.interface import Loop
from ..prepare import Prepared
from .descending import Carried
from .kernel import ELEMENTWISE, of_triton
from .lowering import LOWERINGS

__all__ = ["MembersKernel", "members_kernel"]

Value = Any

_MEMBERS = 32
"""Members of a program: the threads of a warp."""

_MOST_NUMBERS = 1000
"""The most numbers in the graph of a member. Each is an instruction, and compiling takes time with the square of them: here some 5 s."""

_STRUCTURE = ("broadcast", "reshape", "transpose", "slice", "place", "sum", "dot", "cumulative_sum")
_EXTREMA = {"maximum_reduce": "maximum", "minimum_reduce": "minimum"}


def _sign(x: Value) -> Value:
    """In words that Triton knows."""
    one = jnp.ones_like(x)
    return jnp.where(x > 0, one, jnp.where(x < 0, -one, x))


_OWN: dict[str, Callable[..., Value]] = {"sign": _sign, "isfinite": lambda x: jnp.absolute(x) < jnp.inf}


def members_kernel(
    member: Prepared, loop: Loop, lanes: int, status: int, is_interpreted: bool = False
) -> MembersKernel | None:
    """The kernel of a population; None if its members are too large, or do what kernels cannot.

    member: the graph of a population of one, under `loop`. lanes: members of the whole. status: the array of the state that holds
    each member's.
    """
    graph = member.graph
    known = (*ELEMENTWISE, *_OWN, *_STRUCTURE, *_EXTREMA, "input", "constant")
    if loop.sampling is not None or sum(node.type.size for node in graph.nodes) > _MOST_NUMBERS:
        return None
    if not all(node.primitive.name in known for node in graph.nodes):
        return None
    if any(node.dtype.kind == "b" and node.primitive.name in ("sum", "dot", "place") for node in graph.nodes):
        return None
    return MembersKernel(graph, loop, lanes, status, member.values, is_interpreted)


@dataclass(frozen=True, eq=False)
class MembersKernel:
    """What runs the stretches of a population; in place of `Descent`. graph: of a population of one."""

    graph: Graph
    loop: Loop
    lanes: int
    status: int
    lifted: Sequence[Array]
    is_interpreted: bool = False

    @property
    def recorded(self) -> int:
        """Numbers of each member in a row of the history."""
        (count,) = (stage.recorded for stage in self.loop.stages if stage.recorded is not None)
        return count

    @property
    def width(self) -> int:
        """Numbers in a row of the history."""
        return 1 + self.recorded * self.lanes

    def stretch(
        self, carried: Carried, rest: Sequence[Value], seed: Value, iterations: Value, capacity: Value
    ) -> Carried:
        """As `Descent.stretch`: iterations of all members, until there were so many or a member's history is full."""
        programs = -(-self.lanes // _MEMBERS)
        padded, room = programs * _MEMBERS, carried.history.shape[0]
        settings = rest[: self.loop.wide - self.loop.carried]
        end = len(self.graph.inputs) - self.loop.carried - len(self.lifted)
        outside = jnp.stack(rest[len(settings) : end])
        packs = _packed([*carried.state, *settings], padded, self.status)
        numbers = jnp.stack([carried.iteration, carried.next_record, iterations, capacity])
        layout = _Layout.of([*carried.state, *settings])
        written = _Layout.of(carried.state)
        body = _Body(self, layout, written, len(outside))
        kinds = list(written.sizes)
        out_shape = [_shaped((written.sizes[kind], padded), kind) for kind in kinds]
        out_shape += [_shaped((self.recorded, room, padded), "float64"), _shaped((programs, 3), "int64")]
        specs = [pl.BlockSpec((written.sizes[kind], _MEMBERS), lambda i: (0, i)) for kind in kinds]
        specs += [
            pl.BlockSpec((self.recorded, room, _MEMBERS), lambda i: (0, 0, i)),
            pl.BlockSpec((1, 3), lambda i: (i, 0)),
        ]
        *after, history, ends = pl.pallas_call(
            body,
            grid=(programs,),
            in_specs=[
                *(pl.BlockSpec((layout.sizes[kind], _MEMBERS), lambda i: (0, i)) for kind in packs),
                pl.BlockSpec(outside.shape, lambda i: (0,)),
                pl.BlockSpec(numbers.shape, lambda i: (0,)),
            ],
            out_specs=specs,
            out_shape=out_shape,
            compiler_params=None if self.is_interpreted else of_triton().CompilerParams(num_warps=1, num_stages=1),
            interpret=self.is_interpreted,
            name="members",
        )(*packs.values(), outside, numbers)
        state = _unpacked(dict(zip(kinds, after, strict=True)), carried.state, self.lanes)
        done, next_record, rows = (ends[:, i] for i in range(3))
        # Rows that a program has not written are of no member; those before the stretch began are kept by their owner.
        is_written = jnp.arange(room)[:, None] < jnp.repeat(rows, _MEMBERS)[None]
        steps = jnp.where(is_written, history[0], -1.0)
        joined = jnp.concatenate([steps[None], history[1:]])[:, :, : self.lanes]
        table = jnp.moveaxis(joined, 0, 1).reshape(room, -1)
        first = jnp.zeros((room, 1))
        return carried._replace(
            state=tuple(state),
            history=jnp.concatenate([first, table], axis=1),
            iteration=carried.iteration + jnp.max(done),
            next_record=jnp.min(next_record),
            index=jnp.max(done),
            recorded=jnp.max(rows),
            status=jnp.where(jnp.any(state[self.status] == 0), 0, 1).astype(np.int64),
        )


def _shaped(shape: tuple[int, ...], dtype: str) -> Any:
    return jax.ShapeDtypeStruct(shape, np.dtype(dtype))  # type: ignore[no-untyped-call]  # JAX's


@dataclass(frozen=True)
class _Layout:
    """Where the numbers of several arrays lie in one table for each dtype. places: dtype, first row, shape of one member's."""

    places: tuple[tuple[str, int, tuple[int, ...]], ...]
    sizes: dict[str, int]

    @classmethod
    def of(cls, arrays: Sequence[Value]) -> _Layout:
        places: list[tuple[str, int, tuple[int, ...]]] = []
        sizes: dict[str, int] = {}
        for array in arrays:
            kind, shape = _stored(array.dtype), tuple(array.shape[1:])
            places.append((kind, sizes.get(kind, 0), shape))
            sizes[kind] = sizes.get(kind, 0) + math.prod(shape)
        return cls(tuple(places), sizes)


def _stored(dtype: Any) -> str:
    """Flags are stored as whole numbers."""
    return "int64" if dtype == np.bool_ else str(dtype)


def _packed(arrays: Sequence[Value], padded: int, status: int) -> dict[str, Value]:
    """The arrays (lanes, ...) as one table (numbers, padded) for each dtype. Members that fill up have ended."""
    tables: dict[str, list[Value]] = {}
    for number, array in enumerate(arrays):
        flat = jnp.moveaxis(array.reshape(array.shape[0], -1), 0, 1).astype(_stored(array.dtype))
        missing = ((0, 0), (0, padded - array.shape[0]))
        full = jnp.pad(flat, missing, constant_values=1) if number == status else jnp.pad(flat, missing, mode="edge")
        tables.setdefault(_stored(array.dtype), []).append(full)
    return {kind: jnp.concatenate(parts) for kind, parts in tables.items()}


def _unpacked(tables: dict[str, Value], like: Sequence[Value], lanes: int) -> list[Value]:
    found = []
    for (kind, first, shape), old in zip(_Layout.of(like).places, like, strict=True):
        rows = tables[kind][first : first + math.prod(shape), :lanes]
        found.append(jnp.moveaxis(rows, 0, 1).reshape(lanes, *shape).astype(old.dtype))
    return found


@dataclass(frozen=True, eq=False)
class _Body:
    """What a program of the grid does. layout: of what it reads; written: of the state that it writes."""

    kernel: MembersKernel
    layout: _Layout
    written: _Layout
    outside: int

    @property
    def __name__(self) -> str:
        return "members"

    def __call__(self, *references: Any) -> None:
        kinds, kept = list(self.layout.sizes), list(self.written.sizes)
        tables = dict(zip(kinds, references, strict=False))
        outside, numbers, *outputs = references[len(kinds) :]
        *after, history, ends = outputs
        loop, carried = self.kernel.loop, self.kernel.loop.carried
        inputs = self.kernel.graph.inputs
        arrays = [self._read(tables, place, node) for place, node in zip(self.layout.places, inputs, strict=False)]
        shared = [_vector(outside[i], np.float64) for i in range(self.outside)]
        fixed = [*arrays[carried:], *map(_single, shared), *map(_constants, self.kernel.lifted)]
        begin, next_record, iterations, capacity = (numbers[i] for i in range(4))
        shapes = [array.shape for array in arrays[:carried]]

        def is_active(state: Sequence[Value]) -> Value:
            flat = list(_regrouped(state, shapes))[self.kernel.status]
            return jnp.max((flat.item() == 0).astype(np.int32)) > 0

        def goes_on(now: tuple[Any, ...]) -> Value:
            done, _, rows, state = now
            return (done < iterations) & (rows < capacity) & is_active(state)

        def iterate(now: tuple[Any, ...]) -> tuple[Any, ...]:
            done, due, rows, flat = now
            state = list(_regrouped(flat, shapes))
            for stage in loop.stages:
                graph = stage.graph(self.kernel.graph, carried)
                found = scalarised(graph, [*state, *fixed])
                state = found[:carried]
                if stage.recorded is not None:
                    row = [value.item().astype(np.float64) for value in found[carried:-1]]
                    for number, value in enumerate(row):
                        history[number, rows, :] = value
                    is_seen = jnp.max(row[0]) >= 0
                    is_kept = is_seen & (begin + done >= due)
                    due = jnp.where(is_kept, begin + done + _stride_of(begin + done, loop.dense_bits), due)
                    rows = rows + is_kept.astype(np.int64)
            return done + np.int64(1), due, rows, _flat(state)

        start = (jnp.int64(0), next_record, jnp.int64(0), _flat(arrays[:carried]))
        done, due, rows, flat = lax.while_loop(goes_on, iterate, start)
        for (kind, first, _), array in zip(self.written.places, _regrouped(flat, shapes), strict=True):
            target = after[kept.index(kind)]
            for number, value in enumerate(array.ravel()):
                target[first + number, :] = value.astype(np.dtype(kind))
        for number, value in enumerate((done, due, rows)):
            ends[0, number] = value

    def _read(self, tables: dict[str, Any], place: tuple[str, int, tuple[int, ...]], node: Node) -> Array:
        kind, first, shape = place
        found = np.empty((1, *shape), object)
        for number, index in enumerate(np.ndindex(found.shape)):
            value = tables[kind][first + number, :]
            found[index] = value != 0 if node.dtype == np.bool_ else value
        return found


def _stride_of(iteration: Value, dense_bits: int) -> Value:
    """`stride_of`, with 32 bits, which is what Triton counts zeros in; it grows no further beyond 2^31 iterations."""
    short = jnp.clip(iteration, 1, (1 << 31) - 1).astype(np.int32)
    doublings = jnp.maximum(np.int32(31 - dense_bits) - lax.clz(short), 0)
    return jnp.left_shift(np.int32(1), doublings).astype(np.int64)


def _flat(arrays: Sequence[Array]) -> tuple[Value, ...]:
    return tuple(value for array in arrays for value in array.ravel())


def _regrouped(flat: Sequence[Value], shapes: Sequence[tuple[int, ...]]) -> Any:
    first = 0
    for shape in shapes:
        found = np.empty(shape, object)
        for number, index in enumerate(np.ndindex(shape)):
            found[index] = flat[first + number]
        first += math.prod(shape)
        yield found


def _vector(value: Any, dtype: Any) -> Value:
    """The same number for every member."""
    return jnp.full((_MEMBERS,), value, dtype)


def _single(value: Value) -> Array:
    found = np.empty((), object)
    found[()] = value
    return found


def _constants(array: Array) -> Array:
    found = np.empty(array.shape, object)
    for index in np.ndindex(array.shape):
        found[index] = _vector(array[index].item(), array.dtype)
    return found


def scalarised(graph: Graph, arrays: Sequence[Array]) -> list[Array]:
    """The outputs of a graph whose arrays hold, in place of numbers, vectors over members."""
    values: dict[Node, Array] = dict(zip(graph.inputs, arrays, strict=True))
    for node in graph.nodes:
        if node not in values:
            values[node] = _evaluated(node, [values[operand] for operand in node.operands])
    return [values[node] for node in graph.outputs]


def _evaluated(node: Node, operands: Sequence[Array]) -> Array:
    name = node.primitive.name
    if name == "constant":
        return _constants(np.asarray(node.value))
    if name in _EXTREMA:
        return _extremum(_EXTREMA[name], operands[0], node)
    if name in _STRUCTURE:
        return _as_objects(node.primitive.evaluate(*operands, **node.attributes), node)
    apply = functools.partial(_OWN.get(name, LOWERINGS[name]), **node.attributes)
    found = np.empty(node.shape, object)
    for index in np.ndindex(node.shape):
        found[index] = apply(*(operand[index] for operand in operands))
    return found


def _extremum(name: str, x: Array, node: Node) -> Array:
    axes = node.attributes["axes"]
    rest = [axis for axis in range(x.ndim) if axis not in axes]
    flat = np.transpose(x, (*rest, *axes)).reshape(*node.shape, -1)
    found = np.empty(node.shape, object)
    for index in np.ndindex(node.shape):
        found[index] = functools.reduce(LOWERINGS[name], flat[index])
    return found


def _as_objects(value: Any, node: Node) -> Array:
    """An array of vectors: the zeros that were filled in become vectors, too."""
    if not isinstance(value, np.ndarray):
        return _single(value)
    found = np.empty(value.shape, object)
    for index in np.ndindex(value.shape):
        one = value[index]
        found[index] = _vector(one, node.dtype) if isinstance(one, int | float) else one
    return found

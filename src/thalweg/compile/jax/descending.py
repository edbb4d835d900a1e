"""The loop of a descent on a device: stages in turn, the history, and the state that is carried on.

It does what the native loop does (`compile/native/descending.py`), iteration by iteration, as one `while_loop`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ...graph import Graph
from ...ops.contraction import dot
from ..native.interface import Loop, Stage
from .sampling import rows_of

__all__ = ["Carried", "Descent", "Evaluate", "steps_unasked", "stride_of"]

Value = Any
Evaluate = Callable[[Graph, Sequence[Value]], list[Value]]
"""The outputs of a graph, given the values of its inputs."""

_BLOCK = 64
"""So many mini-batches are drawn at once; at most so many steps are done without a look at whether to go on."""

_LARGEST_BLOCK = 1 << 22
"""At most so many examples are drawn at once."""

_SECONDS_UNASKED = 2e-3
_SECONDS_OF_A_STEP = 2e-5
"""What a small step costs a GPU: some twenty kernels, one after the other."""

_BYTES_PER_SECOND, _OPERATIONS_PER_SECOND = 3e12, 2e13
_FEWEST_UNASKED = 4
_LARGEST_JOINED = 1024


class Carried(NamedTuple):
    """What goes round the loop. index: iterations of this stretch; recorded: rows of the history; status: 0 goes on."""

    state: tuple[Value, ...]
    history: Value
    iteration: Value
    next_record: Value
    index: Value
    recorded: Value
    status: Value


_Packed = tuple[list[Value], Value]
"""What goes round the loop, with small arrays joined; and the history."""


@dataclass(frozen=True, eq=False)
class _Joined:
    """Small arrays of one type as one, so that a GPU writes them with one kernel, and not with one for each.

    structure: of all. groups: the numbers of those that are joined, or of one alone.
    """

    structure: Any
    groups: Sequence[Sequence[int]]

    @classmethod
    def of(cls, carried: Carried) -> _Joined:
        leaves, structure = jax.tree.flatten(carried)
        groups: dict[Any, list[int]] = {}
        for number, leaf in enumerate(leaves):
            kind: Any = (leaf.shape, str(leaf.dtype)) if leaf.size <= _LARGEST_JOINED else number
            groups.setdefault(kind, []).append(number)
        return cls(structure, list(groups.values()))

    def together(self, carried: Carried) -> _Packed:
        leaves = jax.tree.leaves(carried._replace(history=None))
        return [jnp.stack([leaves[number] for number in group]) for group in self.groups], carried.history

    def apart(self, packed: _Packed) -> Carried:
        joined, history = packed
        leaves: list[Value] = [None] * self.structure.num_leaves
        for group, values in zip(self.groups, joined, strict=True):
            for place, number in enumerate(group):
                leaves[number] = values[place]
        found: Carried = jax.tree.unflatten(self.structure, leaves)
        return found._replace(history=history)


class _Seen(NamedTuple):
    """What a stage yields. is_seen: whether `row` is one."""

    state: tuple[Value, ...]
    row: Value
    status: Value
    is_seen: Value


def stride_of(iteration: Value, dense_bits: int) -> Value:
    """How far the next recorded iteration lies: 1 up to the last dense one, then 2 for as long again, then 4, ..."""
    highest = 63 - lax.clz(jnp.maximum(iteration, 1))
    return jnp.left_shift(jnp.int64(1), jnp.maximum(highest - dense_bits, 0))


def steps_unasked(graph: Graph) -> int:
    """How many steps a GPU had better do before it is asked whether to go on; 1 if they are long.

    To ask, the processor waits for all that was begun, which costs as much as half a small step. What is done beyond the end
    is thrown away, so that it must not take long either.
    """
    operations = sum(
        2 * node.type.size * math.prod(node.operands[0].shape[axis] for axis in node.attributes["contract"][0])
        for node in graph.nodes
        if node.primitive is dot
    )
    size = sum(node.type.size * node.dtype.itemsize for node in graph.nodes)
    seconds = _SECONDS_OF_A_STEP + size / _BYTES_PER_SECOND + operations / _OPERATIONS_PER_SECOND
    steps = min(_BLOCK, int(_SECONDS_UNASKED / seconds))
    return steps if steps >= _FEWEST_UNASKED else 1


@dataclass(frozen=True, eq=False)
class Descent:
    """The iterations of a graph under a loop. evaluate: what evaluates the graph of a stage.

    in_order: mini-batches follow one another in the data, which are shuffled already.
    unasked: so many iterations are done at a time, whether a rule fires among them or not; those after it change nothing.
    """

    graph: Graph
    loop: Loop
    evaluate: Evaluate
    in_order: bool = False
    unasked: int = 1

    @property
    def width(self) -> int:
        """Numbers in a row of the history."""
        (stage,) = (stage for stage in self.loop.stages if stage.recorded is not None)
        return 1 + sum(node.type.size for node in self._graph_of(stage).outputs[self.loop.carried : -1])

    def stretch(
        self, carried: Carried, rest: Sequence[Value], seed: Value, iterations: Value, capacity: Value
    ) -> Carried:
        """Iterations until a stage ends the descent, there were so many, or the history is full.

        rest: the values of the inputs after the state. seed: uint64.
        """

        joined = _Joined.of(carried._replace(history=None))

        def goes_on(now: Carried) -> Value:
            return (now.index < iterations) & (now.status == 0) & (now.recorded < capacity)

        def asks(packed: _Packed) -> Value:
            return goes_on(joined.apart(packed))

        sampling = self.loop.sampling
        steps = self.unasked
        if sampling is not None and steps == 1:
            steps = max(1, min(_BLOCK, _LARGEST_BLOCK // sampling.batch))

        def block(packed: _Packed) -> _Packed:
            begin = joined.apart(packed)
            rows = None if sampling is None else rows_of(sampling, seed, begin.iteration, steps, self.in_order)

            def one(number: Value, packed: _Packed) -> _Packed:
                now = joined.apart(packed)
                is_on = goes_on(now) if self.unasked > 1 else None
                return joined.together(self._iterate(now, self._drawn(rest, rows, number), is_on))

            if self.unasked > 1:  # so often, as is known beforehand: no question
                return lax.fori_loop(0, steps, one, packed)  # type: ignore[no-any-return]  # JAX's
            if rows is None:
                return one(0, packed)
            return lax.while_loop(  # type: ignore[no-any-return]  # JAX's
                lambda packed: asks(packed) & (joined.apart(packed).index < begin.index + steps),
                lambda packed: one(joined.apart(packed).index - begin.index, packed),
                packed,
            )

        return joined.apart(lax.while_loop(asks, block, joined.together(carried)))

    def _drawn(self, rest: Sequence[Value], rows: Value | None, number: Value) -> Sequence[Value]:
        """The inputs after the state, with the examples of one mini-batch for all examples. rows: of several mini-batches."""
        if rows is None or self.loop.sampling is None:
            return rest
        inputs = self.loop.sampling.data_inputs
        first, last = inputs[0] - self.loop.carried, inputs[-1] - self.loop.carried + 1
        chosen = lax.dynamic_index_in_dim(rows, number, keepdims=False)
        batch = [jnp.take(array, chosen, axis=0, mode="clip") for array in rest[first:last]]
        return [*rest[:first], *batch, *rest[last:]]

    def _iterate(self, now: Carried, rest: Sequence[Value], is_on: Value | None) -> Carried:
        """One iteration: each stage if it is its turn, in order, until one ends the descent. is_on: whether it counts; None: it does."""
        is_only = len(self.loop.stages) == 1
        goes_on = jnp.bool_(True) if is_on is None else is_on
        for number, stage in enumerate(self.loop.stages):
            nothing = _Seen(now.state, jnp.zeros(self.width - 1), now.status, jnp.bool_(False))
            if is_only:
                seen = self._run(stage, rest, is_on, nothing)
            else:
                assert self.loop.turn is not None
                is_turn = goes_on & (now.status == 0) & jnp.any(now.state[self.loop.turn] == number)
                run = partial(self._run, stage, rest, None)
                seen = lax.cond(is_turn, run, lambda before: before, nothing)
            now = self._noted(now, seen) if stage.recorded is not None else now._replace(state=seen.state)
        return now._replace(iteration=now.iteration + (goes_on & (now.status == 0)), index=now.index + goes_on)

    def _run(self, stage: Stage, rest: Sequence[Value], is_on: Value | None, before: _Seen) -> _Seen:
        graph = self._graph_of(stage)
        outputs = self.evaluate(graph, (*before.state, *rest))
        new = tuple(outputs[: self.loop.carried])
        if stage.recorded is None:
            return before._replace(state=new)
        *recorded, status = outputs[self.loop.carried :]
        row = jnp.concatenate([value.astype(np.float64).ravel() for value in recorded])
        is_on = jnp.bool_(True) if is_on is None else is_on
        is_kept = is_on & (status == 0)
        kept = tuple(
            lax.select(jnp.broadcast_to(is_kept, a.shape), a, b) for a, b in zip(new, before.state, strict=True)
        )
        return _Seen(kept, row, jnp.where(is_on, status, before.status), is_on)

    def _noted(self, now: Carried, seen: _Seen) -> Carried:
        """Writes the row into the next place of the history, and keeps it if it is due or the descent ends here."""
        row = jnp.concatenate([now.iteration.astype(np.float64)[None], seen.row])
        history = lax.dynamic_update_slice(now.history, row[None], (now.recorded, jnp.int64(0)))
        is_kept = seen.is_seen & ((now.iteration >= now.next_record) | (seen.status != 0))
        following = now.iteration + stride_of(now.iteration, self.loop.dense_bits)
        return now._replace(
            state=seen.state,
            history=history,
            status=seen.status,
            recorded=now.recorded + is_kept,
            next_record=jnp.where(is_kept, following, now.next_record),
        )

    def _graph_of(self, stage: Stage) -> Graph:
        return stage.graph(self.graph, self.loop.carried)

"""The loop of a descent on a device: stages in turn, the history, and the state that is carried on.

It does what the native loop does (`compile/native/descending.py`), iteration by iteration, as one `while_loop`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax

from ...graph import Graph
from ..native.interface import Loop, Stage
from .sampling import rows_of

__all__ = ["Carried", "Descent", "Evaluate", "stage_graph", "stride_of"]

Value = Any
Evaluate = Callable[[Graph, Sequence[Value]], list[Value]]
"""The outputs of a graph, given the values of its inputs."""

_BLOCK = 64
"""So many mini-batches are drawn at once."""

_LARGEST_BLOCK = 1 << 22
"""At most so many examples are drawn at once."""


class Carried(NamedTuple):
    """What goes round the loop. index: iterations of this stretch; recorded: rows of the history; status: 0 goes on."""

    state: tuple[Value, ...]
    history: Value
    iteration: Value
    next_record: Value
    index: Value
    recorded: Value
    status: Value


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


@dataclass(frozen=True, eq=False)
class Descent:
    """The iterations of a graph under a loop. evaluate: what evaluates the graph of a stage.

    in_order: mini-batches follow one another in the data, which are shuffled already.
    """

    graph: Graph
    loop: Loop
    evaluate: Evaluate
    in_order: bool = False

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

        def goes_on(now: Carried) -> Value:
            return (now.index < iterations) & (now.status == 0) & (now.recorded < capacity)

        sampling = self.loop.sampling
        if sampling is None:
            return lax.while_loop(goes_on, lambda now: self._iterate(now, rest), carried)  # type: ignore[no-any-return]  # JAX's
        first = sampling.data_inputs[0] - self.loop.carried
        last = sampling.data_inputs[-1] - self.loop.carried + 1
        steps = max(1, min(_BLOCK, _LARGEST_BLOCK // sampling.batch))

        def block(begin: Carried) -> Carried:
            rows = rows_of(sampling, seed, begin.iteration, steps, self.in_order)
            end = begin.index + steps

            def one(now: Carried) -> Carried:
                chosen = lax.dynamic_index_in_dim(rows, now.index - begin.index, keepdims=False)
                batch = [jnp.take(array, chosen, axis=0, mode="clip") for array in rest[first:last]]
                return self._iterate(now, [*rest[:first], *batch, *rest[last:]])

            return lax.while_loop(lambda now: goes_on(now) & (now.index < end), one, begin)  # type: ignore[no-any-return]  # JAX's

        return lax.while_loop(goes_on, block, carried)  # type: ignore[no-any-return]  # JAX's

    def _iterate(self, now: Carried, rest: Sequence[Value]) -> Carried:
        """One iteration: each stage if it is its turn, in order, until one ends the descent."""
        is_only = len(self.loop.stages) == 1
        for number, stage in enumerate(self.loop.stages):
            nothing = _Seen(now.state, jnp.zeros(self.width - 1), now.status, jnp.bool_(False))
            if is_only:
                seen = self._run(stage, rest, nothing)
            else:
                assert self.loop.turn is not None
                is_turn = (now.status == 0) & jnp.any(now.state[self.loop.turn] == number)
                run = partial(self._run, stage, rest)
                seen = lax.cond(is_turn, run, lambda before: before, nothing)
            now = self._noted(now, seen) if stage.recorded is not None else now._replace(state=seen.state)
        return now._replace(iteration=now.iteration + (now.status == 0), index=now.index + 1)

    def _run(self, stage: Stage, rest: Sequence[Value], before: _Seen) -> _Seen:
        graph = self._graph_of(stage)
        outputs = self.evaluate(graph, (*before.state, *rest))
        new = tuple(outputs[: self.loop.carried])
        if stage.recorded is None:
            return before._replace(state=new)
        *recorded, status = outputs[self.loop.carried :]
        row = jnp.concatenate([value.astype(np.float64).ravel() for value in recorded])
        kept = tuple(
            lax.select(jnp.broadcast_to(status == 0, a.shape), a, b) for a, b in zip(new, before.state, strict=True)
        )
        return _Seen(kept, row, status, jnp.bool_(True))

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
        return stage_graph(self.graph, stage, self.loop.carried)


def stage_graph(graph: Graph, stage: Stage, carried: int) -> Graph:
    """The part of the graph that a stage evaluates."""
    count = carried + (0 if stage.recorded is None else stage.recorded + 1)
    return Graph(graph.inputs, graph.outputs[stage.first : stage.first + count])

"""A step as a loop to be compiled: its graph, where its examples are, and how much it records."""

from __future__ import annotations

from collections.abc import Sequence

from ..compile.examples import Examples, MixedExamplesError, follow_examples
from ..compile.native import Loop, Sampling, Stage
from ..compile.prepare import Prepared, prepare
from ..graph import Array, Node
from .steps import Lanes, Outside, Step

__all__ = ["DENSE_BITS_OF_MANY", "examples_of", "history_room", "loop_of", "record_stride"]

_ROWS = 8192
"""How many rows of history one stretch can hold."""

_ROWS_OF_MANY = 1024

_DENSE_BITS = 10
DENSE_BITS_OF_MANY = 7
"""Of a population less is recorded: see `Loop.dense_bits`."""


def loop_of(step: Step | Lanes, data: Sequence[Array], batch: int | None) -> tuple[Prepared, Loop, Sequence[Node]]:
    """A step's graph, ready to be compiled; what makes it a loop; and the inputs that hold data."""
    single, carried, members = (
        (step.single, step.carried, step.lanes) if isinstance(step, Lanes) else (step, len(step.state), 1)
    )
    prepared = prepare(step.graph)
    first = carried + len(single.settings) + len(Outside._fields)
    of_data = prepared.graph.inputs[first : first + len(data)]
    sampling = Sampling(data[0].shape[0], batch, tuple(range(first, first + len(data)))) if batch else None
    stages = tuple(Stage(start, single.recorded if looks else None) for start, looks in step.stages)
    turn = single.place("turn") if len(stages) > 1 else None
    wide = carried + len(single.settings) if members > 1 else 0
    bits = _DENSE_BITS if members == 1 else DENSE_BITS_OF_MANY
    return prepared, Loop(carried, stages, turn, sampling, members, wide, bits), of_data


def examples_of(prepared: Prepared, inputs: Sequence[Node], count: int) -> tuple[Examples | None, str]:
    """Where the examples are in a graph; None, and why, if it cannot be divided into tiles.

    Where the loss is given no data, the longest arrays that it refers to are taken for data.
    """
    if not inputs:
        lifted = prepared.graph.inputs[len(prepared.graph.inputs) - len(prepared.values) :]
        count = max((node.shape[0] for node in lifted if node.type.size >= _WORTH_TILES), default=0)
        inputs = [node for node in lifted if node.shape and node.shape[0] == count]
        if count < 256:
            return None, ""
        try:
            found = follow_examples(prepared.graph, inputs, count)
        except MixedExamplesError:
            return None, ""
        is_state = any(node in found.axis for node in prepared.graph.outputs)  # as long as the parameters, by chance
        return (None if is_state else found), ""
    if count < 2:
        return None, ""
    try:
        return follow_examples(prepared.graph, inputs, count), ""
    except MixedExamplesError as error:
        where = f" at {error.node.source}" if error.node.source else ""
        note = f"the loss combines different examples{where}, so it runs whole, not in tiles that fit in cache"
        if error.node.shape.count(count) > 1:
            note += (
                f". An array of the shape {error.node.shape} arises: if that is not meant, ({count},) may have met ({count}, 1); "
                f"y.ravel() is ({count},)"
            )
        return None, note


_WORTH_TILES = 1 << 14


def history_room(members: int) -> int:
    """How many rows of history one stretch of so many members can hold."""
    return _ROWS if members == 1 else _ROWS_OF_MANY


def record_stride(iteration: int, dense_bits: int = _DENSE_BITS) -> int:
    """How far the next recorded iteration lies: of one descent 1 up to 2048, then 2 up to 4096, 4 up to 8192, and so on."""
    return 1 << max(0, iteration.bit_length() - 1 - dense_bits)

"""Descents whose examples are never together: only totals over chunks of them come back, from wherever they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..compile.cut import Cut, Part, Sweep, cut
from ..compile.examples import MixedExamplesError, follow_examples
from ..compile.function import CompiledFunction, compiled
from ..compile.prepare import Prepared, prepare
from ..errors import LossError
from ..graph import Array, Graph, Node, constant, make, transform, with_operands
from ..ops.structure import broadcast
from .data import Data, ScatteredData, Totals
from .stepped_engine import StageFunction, SteppedEngine, stage_graphs
from .steps import Outside, Step

__all__ = ["chunked_engine", "over_data"]


def chunked_engine(
    step: Step,
    arrays: int,
    totals_of: Callable[[Sequence[Sweep]], Totals],
    notes: tuple[str, ...] = (),
    iteration: int = 0,
    next_record: int = 0,
) -> SteppedEngine:
    """An engine for a step over examples that are elsewhere.

    arrays: how many arrays of data the loss gets. totals_of: the sweeps of all stages → what forms their totals.
    Raises LossError if the loss combines examples otherwise than by totals.
    """
    prepared = _with_fills(prepare(step.graph))
    inputs = prepared.graph.inputs
    first = len(step.state) + len(step.settings) + len(Outside._fields)
    cuts = [_cut(graph, inputs[first : first + arrays]) for graph in stage_graphs(step, prepared.graph)]
    totals = totals_of([sweep for part in cuts for sweep in part.sweeps])
    stages: list[StageFunction] = []
    for one in cuts:
        begin = sum(len(before.sweeps) for before in cuts[: len(stages)])
        stages.append(_Stage(one, begin, totals, prepared.values, first, arrays))
    return SteppedEngine(step, stages, lambda _: (), notes, iteration, next_record)


def _cut(graph: Graph, data: Sequence[Node]) -> Cut:
    try:
        return cut(graph, follow_examples(graph, data, data[0].shape[0]), data)
    except MixedExamplesError as error:
        where = f" at {error.node.source}" if error.node.source else ""
        raise LossError(
            f"the loss combines different examples{where}, so it needs all of them in memory at once. Write it as a sum or "
            "mean over examples, or pass the data as arrays."
        ) from None


def _with_fills(prepared: Prepared) -> Prepared:
    """Arrays of one number everywhere, such as a column of ones beside the examples, as that number: they have any length."""
    first = len(prepared.graph.inputs) - len(prepared.values)
    own, lifted = prepared.graph.inputs[:first], prepared.graph.inputs[first:]
    known, values = {node: node for node in prepared.graph.inputs}, []
    for node, value in zip(lifted, prepared.values, strict=True):
        if (value == value.flat[0]).all():
            known[node] = make(broadcast, constant(value.flat[0], node.dtype), shape=node.shape)
        else:
            values.append(value)
    outputs = transform(prepared.graph.outputs, known, with_operands)
    return Prepared(Graph((*own, *(node for node in lifted if known[node] is node)), outputs), tuple(values))


def over_data(graph: Graph, data: Data, first: int = 1, threads: int = 1) -> Callable[..., Sequence[Array]]:
    """A graph as a function of all its inputs but the data, wherever these are. first: the number of their first input.

    Raises LossError if the data are streamed and the graph combines examples otherwise than by totals.
    """
    count = len(data.types)
    if not isinstance(data, ScatteredData):
        function = compiled(graph, range(first, first + count), threads)
        return lambda *own: function(*own[:first], *data.arrays, *own[first:])
    prepared = _with_fills(prepare(graph))
    parts = _cut(prepared.graph, prepared.graph.inputs[first : first + count])
    totals = data.totals(parts.sweeps, threads)
    whole = _Stage(parts, 0, totals, prepared.values, first, count)
    return lambda *own: whole([np.asarray(value) for value in own])


@dataclass(eq=False)
class _Stage:
    """A stage as parts and sweeps. begin: the number of its first sweep."""

    cut: Cut
    begin: int
    totals: Totals
    lifted: Sequence[Array]
    first: int
    arrays: int
    _functions: dict[Part, CompiledFunction] = field(default_factory=dict)

    def __call__(self, inputs: Sequence[Array]) -> Sequence[Array]:
        nodes = self.cut.graph.inputs
        names = [*nodes[: self.first], *nodes[self.first + self.arrays :]]
        numbers = {sweep: self.begin + i for i, sweep in enumerate(self.cut.sweeps)}
        return self.cut.evaluate(
            dict(zip(names, [*inputs, *self.lifted], strict=True)),
            self._part,
            lambda sweep, values: self.totals(numbers[sweep], values),
        )

    def _part(self, part: Part, values: Sequence[Array]) -> Sequence[Array]:
        function = self._functions.get(part)
        if function is None:
            function = self._functions[part] = compiled(part.graph)
        return function(*values)

"""A graph as a function that Python can call."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..graph import Array, Graph, Shape
from ..uncollected import uncollected
from .examples import Examples, MixedExamplesError, follow_examples
from .native import Execution, Program, compile_native
from .prepare import Prepared, prepare
from .processors import available_processors

__all__ = ["CompiledFunction", "compiled", "threads_for"]

_WORTH_THREADS = 1 << 22
"""Bytes of data that take a good deal longer to read than threads take to start."""


_WORTH_KEEPING = 1 << 20
"""Bytes of working memory that wait for the next call. More is given back."""


def threads_for(arrays: Sequence[Array]) -> int:
    """How many threads are worth their while for one look at these data."""
    return available_processors() if sum(array.nbytes for array in arrays) >= _WORTH_THREADS else 1


@dataclass(frozen=True, eq=False)
class CompiledFunction:
    """Machine code that takes arrays for a graph's inputs and returns its outputs."""

    prepared: Prepared
    program: Program
    threads: int = 1
    _idle: list[Execution] = field(default_factory=list, init=False, repr=False)

    @cached_property
    def _types(self) -> tuple[list[np.dtype[Any]], list[tuple[Shape, np.dtype[Any]]]]:
        """Dtypes of the inputs; shapes and dtypes of the outputs."""
        graph = self.prepared.graph
        of_arguments = graph.inputs[: len(graph.inputs) - len(self.prepared.values)]
        return [node.dtype for node in of_arguments], [(node.shape, node.dtype) for node in graph.outputs]

    def __call__(self, *arrays: Array) -> tuple[Array, ...]:
        """The outputs, new arrays."""
        outputs = tuple([np.empty(shape, dtype) for shape, dtype in self._types[1]])
        self.write(outputs, *arrays)
        return outputs

    def write(self, outputs: Sequence[Array], *arrays: Array) -> None:
        """Writes the outputs into given arrays, which are C-contiguous."""
        inputs = [np.ascontiguousarray(array, dtype) for array, dtype in zip(arrays, self._types[0], strict=True)]
        try:
            execution = self._idle.pop()  # another thread may be at work with another one
        except IndexError:
            none = np.empty(0)
            known = [*[none] * len(inputs), *self.prepared.values]
            execution = Execution(self.program, known, [none] * len(outputs), threads=self.threads)
        execution.run_with(inputs, outputs)
        if execution.bytes <= _WORTH_KEEPING:
            self._idle.append(execution)


@uncollected()
def compiled(
    graph: Graph,
    examples: Iterable[int] = (),
    threads: int = 1,
    by_columns: Iterable[int] = (),
    runs_seldom: bool = False,
) -> CompiledFunction:
    """Compiles a graph.

    examples: the numbers of the inputs whose first axis runs over examples; by_columns: of those whose second axis does. threads:
    that share them. runs_seldom: whether it is better compiled in half the time than run in nine tenths of it.
    """
    prepared = prepare(graph)
    numbers = set(by_columns)
    program = compile_native(prepared, _follow(prepared, {*examples} | numbers, numbers), runs_seldom=runs_seldom)
    return CompiledFunction(prepared, program, threads)


def _follow(prepared: Prepared, numbers: Collection[int], by_columns: Collection[int]) -> Examples | None:
    inputs = prepared.graph.inputs
    nodes = [inputs[number] for number in sorted(numbers)]
    across = [inputs[number] for number in by_columns]
    if not nodes or not nodes[0].shape:
        return None
    count = nodes[0].shape[int(nodes[0] in across)]
    if count < 2:
        return None
    try:
        return follow_examples(prepared.graph, nodes, count, across)
    except MixedExamplesError:
        return None

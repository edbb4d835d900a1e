"""Totals over all examples, put together from those of chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ...compile.cut import Sweep, added, identities
from ...compile.function import CompiledFunction, compiled
from ...graph import Array

__all__ = ["ChunkTotals", "Totals", "in_own_types", "lies_by_columns", "total_of_chunks"]


class Totals(Protocol):
    """Forms totals over all examples."""

    def __call__(self, number: int, values: Sequence[Array]) -> Sequence[Array]:
        """The totals of the sweep with this number. values: what it reads beside the examples."""
        ...


@dataclass(eq=False)
class ChunkTotals:
    """Totals over chunks that this process goes through, in their order. chunks: a new pass, each time it is called."""

    sweeps: Sequence[Sweep]
    chunks: Callable[[], Iterable[Sequence[Array]]]
    threads: int = 1
    _functions: dict[tuple[int, int, tuple[int, ...]], CompiledFunction] = field(default_factory=dict)

    def __call__(self, number: int, values: Sequence[Array]) -> Sequence[Array]:
        sweep = self.sweeps[number]
        return in_own_types(sweep, total_of_chunks(sweep, (self.of_chunk(number, values, x) for x in self.chunks())))

    def of_chunk(self, number: int, values: Sequence[Array], chunk: Sequence[Array]) -> Sequence[Array]:
        """The totals of one chunk. A program is kept for each number of rows, and for arrays that lie column by column."""
        rows = len(chunk[0])
        by_columns = tuple(place for place, array in enumerate(chunk) if lies_by_columns(array))
        function = self._functions.get((number, rows, by_columns))
        if function is None:
            graph = self.sweeps[number].graph(rows, by_columns)
            first = len(values)
            places, across = range(first, first + len(chunk)), [first + place for place in by_columns]
            function = self._functions[number, rows, by_columns] = compiled(graph, places, self.threads, across)
        return function(*values, *(array.T if lies_by_columns(array) else array for array in chunk))


def lies_by_columns(array: Array) -> bool:
    """Whether the memory of an array of rows holds one column after the other."""
    return array.ndim == 2 and array.flags.f_contiguous and not array.flags.c_contiguous


def total_of_chunks(sweep: Sweep, totals: Iterable[Sequence[Array]]) -> list[Array]:
    """All totals put together, in their order; sums in float64."""
    whole = identities(sweep)
    for more in totals:
        whole = added(sweep, whole, more)
    return whole


def in_own_types(sweep: Sweep, totals: Sequence[Array]) -> list[Array]:
    """Totals in the dtypes in which the descent computes."""
    return [np.asarray(total, node.dtype) for total, node in zip(totals, sweep.writes, strict=True)]

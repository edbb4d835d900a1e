"""Sweeps over the examples: whole, tile after tile, or in one kernel that reads each byte of data once.

Left to itself, XLA reads the data of a step twice, for X·w and for Xᵀ·r, and keeps what lies between for all examples.

- *whole*: the graph as it is. Right for mini-batches, and where products of matrices take the time.
- *tiles*: a loop over blocks of examples. On a processor a block fits in its cache; on a GPU or TPU a round of a loop costs some
  8 µs, so that a block is as large as what is worth keeping in memory: then it only bounds the memory for values in between.
- *kernel*: `kernel.py`, on GPUs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jax import lax

from ...errors import LossError
from ...graph import Graph, Node
from ..cut import Cut, Sweep, cut
from ..examples import Examples, MixedExamplesError, follow_examples
from .evaluating import outputs_of
from .kernel import Kernel, kernel_of

__all__ = ["Evaluator", "tile_rows"]

Value = Any

_CACHE_BYTES = 8 << 20
_WORTH_CACHING = 4
"""Data that are so many times larger than a tile, and so surely larger than a cache, go through a processor in tiles."""

_MEMORY_BYTES = 1 << 30
_FEWEST_ROWS = 256


@dataclass(eq=False)
class Evaluator:
    """Evaluates the graphs of stages on a device. data: the inputs whose first axis runs over examples.

    has_kernels: whether sweeps may become kernels. is_interpreted: kernels are run step by step on the processor, which is slow,
    to test them.
    """

    platform: str
    precision: str
    data: Sequence[Node] = ()
    has_kernels: bool = True
    is_interpreted: bool = False
    _plans: dict[Graph, Callable[[Sequence[Value]], list[Value]]] = field(default_factory=dict)

    def __call__(self, graph: Graph, arrays: Sequence[Value]) -> list[Value]:
        """The graph's outputs."""
        if graph not in self._plans:
            self._plans[graph] = self._plan(graph)
        return self._plans[graph](arrays)

    def _whole(self, graph: Graph) -> Callable[[Sequence[Value]], list[Value]]:
        return lambda arrays: outputs_of(graph, arrays, self.precision)

    def _plan(self, graph: Graph) -> Callable[[Sequence[Value]], list[Value]]:
        data = [node for node in graph.inputs if node in self.data]
        if not data:
            return self._whole(graph)
        try:
            examples = follow_examples(graph, data, data[0].shape[0])
            parts = cut(graph, examples, data)
        except (MixedExamplesError, LossError):
            return self._whole(graph)
        if any(how is not np.add for sweep in parts.sweeps for how in sweep.combine):
            # A later sweep looks for the examples that attain the extremum, and must compute the very same digits.
            return self._whole(graph)
        rows = tile_rows(examples, graph, self.platform)
        kernels = {sweep: self._kernel(sweep, data) for sweep in parts.sweeps}
        if rows >= examples.count and not any(kernels.values()):
            return self._whole(graph)
        return lambda arrays: self._in_parts(parts, kernels, rows, dict(zip(graph.inputs, arrays, strict=True)))

    def _kernel(self, sweep: Sweep, data: Sequence[Node]) -> Kernel | None:
        size = sum(node.type.size * node.dtype.itemsize for node in data)
        is_worth_it = self.platform == "gpu" and size >= _WORTH_A_KERNEL
        return kernel_of(sweep) if self.has_kernels and (is_worth_it or self.is_interpreted) else None

    def _in_parts(
        self, parts: Cut, kernels: Mapping[Sweep, Kernel | None], rows: int, values: dict[Node, Value]
    ) -> list[Value]:
        def over(sweep: Sweep, read: Sequence[Value]) -> list[Value]:
            arrays = [values[node] for node in sweep.data]
            kernel = kernels[sweep]
            if kernel is not None:
                return kernel.totals(read, arrays, self.is_interpreted)
            return self._tiled(sweep, read, arrays, rows)

        known: Any = values
        between: Any = lambda part, read: outputs_of(part.graph, read, self.precision)  # noqa: E731  # an argument with a name
        return list(parts.evaluate(known, between, over))

    def _tiled(self, sweep: Sweep, read: Sequence[Value], arrays: Sequence[Value], rows: int) -> list[Value]:
        """The totals of a sweep, tile after tile; sums over many tiles in float64, so that they lose no digits."""
        count = len(arrays[0])
        rows = min(rows, count)
        graph = sweep.graph(rows)

        def totals(graph: Graph, first: Value, size: int) -> list[Value]:
            tile = [lax.dynamic_slice_in_dim(array, first, size) for array in arrays]
            found = outputs_of(graph, [*read, *tile], self.precision)
            return [wide(value) for value in found]

        def add(before: Sequence[Value], more: Sequence[Value]) -> list[Value]:
            return [a + b for a, b in zip(before, more, strict=True)]

        def one(number: Value, before: list[Value]) -> list[Value]:
            return add(before, totals(graph, number * rows, rows))

        whole = lax.fori_loop(1, count // rows, one, totals(graph, np.int64(0), rows))
        rest = count % rows
        if rest:
            whole = add(whole, totals(sweep.graph(rest), np.int64(count - rest), rest))
        return [value.astype(node.dtype) for value, node in zip(whole, sweep.writes, strict=True)]


_WORTH_A_KERNEL = 1 << 20


def wide(total: Value) -> Value:
    """A total in the type in which many are added up."""
    return total.astype(np.float64) if total.dtype.kind == "f" else total


def _kept(node: Node, platform: str) -> int:
    """Bytes of memory that a number takes while its tile is computed."""
    if platform == "tpu" and node.dtype == np.float64:
        return _FLOAT64_ON_TPU  # the input of a product too: it is taken apart into many short numbers
    return 0 if node.is_input and platform != "cpu" else node.dtype.itemsize


_FLOAT64_ON_TPU = 128


def tile_rows(examples: Examples, graph: Graph, platform: str) -> int:
    """How many examples are in a tile; all of them where tiles gain nothing."""
    count = examples.count
    size = sum(node.type.size // count * _kept(node, platform) for node in graph.nodes if node in examples.axis)
    limit, times = (_CACHE_BYTES, _WORTH_CACHING) if platform == "cpu" else (_MEMORY_BYTES, 1)
    if size * count <= times * limit:
        return count
    rows = max(_FEWEST_ROWS, limit // size)
    return min(count, rows // 64 * 64)

"""How the examples are divided: into tiles that fit in cache, and into chunks of tiles that threads share.

Neither depends on the number of threads, so that the order of summation, and with it every digit of the result, is the
same for any number of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...graph import Graph
from ...ops.contraction import dot
from ..examples import Examples

__all__ = ["Tiling", "choose_tiling"]

_TILE_BYTES = 32 << 10
_LARGEST_TILE_BYTES = 16 << 20
_LARGEST_TILE = 1024
_SAMPLE_BYTES = 256 << 10
_CHUNK_BYTES = 256 << 10
_MOST_CHUNKS = 64
_TOTALS_BYTES = 4 << 20
_TOTALS_PART = 8
"""The totals of all chunks take at most so many bytes, or that part of what the examples take."""
_WORTH_SPLITTING = 1 << 19
"""Multiplications of a step: some ten microseconds, where threads hand over to one another in one."""
_PARTS = (8, 6, 5, 4, 3, 2, 10, 12, 16, 20, 24, 32, 48, 64)
_FEWEST = 8
"""A part of a batch has at least so many examples."""


@dataclass(frozen=True)
class Tiling:
    """count: examples. rows: examples in a tile. chunks: the parts of the work that threads take."""

    count: int
    rows: int
    chunks: int

    @property
    def is_divided(self) -> bool:
        """Whether a chunk has several tiles, over which its totals are added up."""
        return self.rows * self.chunks != self.count

    @property
    def is_split(self) -> bool:
        """Whether each chunk is one tile, and together they are a batch."""
        return self.chunks > 1 and not self.is_divided


def choose_tiling(graph: Graph, examples: Examples, is_sampled: bool = False, can_be_split: bool = False) -> Tiling:
    """Tiles whose data and intermediate values fit in cache.

    A sample of examples is one tile, unless it is very large; or, if it can be split and that is worth the threads' while, one tile for
    each chunk.
    """
    count = examples.count
    per_example = sum(node.type.size // count * node.dtype.itemsize for node in graph.nodes if node in examples.axis)
    from_data = sum(node.type.size // count * node.dtype.itemsize for node in graph.inputs if node in examples.axis)
    totals = sum(node.type.size * node.dtype.itemsize for node in examples.totals)
    # Each tile adds to all totals: where these are large, so are the tiles.
    tile_bytes = min(max(_TILE_BYTES, totals), _LARGEST_TILE_BYTES)
    fitting = max(16, min(_LARGEST_TILE, tile_bytes // max(per_example, 1)))
    is_small = is_sampled and count * per_example <= max(_SAMPLE_BYTES, tile_bytes)
    rows = count if is_small else _best_divisor(count, fitting)
    if can_be_split and _multiplications(graph, examples) >= _WORTH_SPLITTING:
        most = max(_FEWEST, _LARGEST_TILE_BYTES // max(per_example, 1))
        parts = next((parts for parts in _PARTS if count % parts == 0 and _FEWEST <= count // parts <= most), 1)
        if parts > 1:
            return Tiling(count, count // parts, parts)
    work = count * max(per_example, from_data)
    room = max(_TOTALS_BYTES, work // _TOTALS_PART) // max(totals, 1)
    chunks = max(1, min(count // rows, work // _CHUNK_BYTES, _MOST_CHUNKS, room))
    return Tiling(count, rows, chunks)


def _multiplications(graph: Graph, examples: Examples) -> int:
    """How many multiplications the products with examples take."""
    total = 0
    for node in graph.nodes:
        if node.primitive is dot and any(operand in examples.axis for operand in node.operands):
            inner = math.prod(node.operands[0].shape[axis] for axis in node.attributes["contract"][0])
            total += node.type.size * inner
    return total


def _best_divisor(count: int, fitting: int) -> int:
    """A number of rows that divides the examples without rest, if one lies near the number that fits."""
    if count <= fitting + fitting // 2:
        return count
    candidates = [rows for rows in range(fitting, fitting // 2, -1) if count % rows == 0]
    preferred = [rows for rows in candidates if rows % 8 == 0]
    if preferred or candidates:
        return (preferred or candidates)[0]
    return max(16, fitting // 16 * 16)

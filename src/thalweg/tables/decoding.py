"""Several parts of a source, decoded ahead by threads."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pyarrow as pa

from ..descent.data import Ahead
from .part import Part

__all__ = ["decoded"]

_SLOTS = 3
"""Batches of each thread at the same time: one is used, one is ready, one is being decoded."""


def decoded(parts: Sequence[Part], schema: Any) -> Generator[tuple[int, Any], None, None]:
    """The record batches of parts, one part after the other, each batch with the place of its part among them.

    Each thread decodes some of the columns, of all parts: it need not wait for the others at the end of a part. schema: as for `Part.batches`.
    """
    counts = {len(part.shares(schema)) for part in parts}
    count = counts.pop() if len(counts) == 1 else 1  # parts of different formats

    def share(number: int) -> Iterator[tuple[int, Any]]:
        for place, part in enumerate(parts):
            batches = part.batches(schema) if count == 1 else part.shares(schema)[number]
            yield from ((place, batch) for batch in batches if len(batch))

    with ExitStack() as stack:
        threads = [stack.enter_context(Ahead(share(number), _SLOTS)) for number in range(count)]
        yield from _side_by_side(threads, schema)


def _side_by_side(shares: Sequence[Iterator[tuple[int, Any]]], schema: Any) -> Iterator[tuple[int, Any]]:
    """Batches of some of the columns each, as batches of all columns. Those of one share may be cut otherwise than those of another."""
    if len(shares) == 1:
        yield from shares[0]
        return
    heads: list[Any] = [None] * len(shares)
    place = 0
    while True:
        for number, share in enumerate(shares):
            if heads[number] is None:
                found = next(share, None)
                if found is None:
                    return
                place, heads[number] = found
        rows = min(map(len, heads))
        parts = [head.slice(0, rows) for head in heads]
        columns = {name: column for part in parts for name, column in zip(part.schema.names, part.columns, strict=True)}
        yield place, pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)
        heads = [head.slice(rows) if len(head) > rows else None for head in heads]

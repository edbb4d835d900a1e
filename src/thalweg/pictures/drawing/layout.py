"""Places for the nodes of a graph, in layers from top to bottom.

Source: K. Sugiyama, S. Tagawa and M. Toda, *Methods for visual understanding of hierarchical system structures* (1981): layers by
the longest path, long edges cut by bends, each layer ordered by the means of its neighbours.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

__all__ = ["Layout", "lay_out"]

_SWEEPS = 12
_BEND_WIDTH = 14.0
_GAP = 16.0
_LAYER_HEIGHT = 62.0


@dataclass(frozen=True)
class Layout:
    """places: the middle (x, y) of each node, y downwards. routes: for each edge its points. width, height: of all."""

    places: Mapping[Hashable, tuple[float, float]]
    routes: Mapping[tuple[Hashable, Hashable], Sequence[tuple[float, float]]]
    width: float
    height: float


def lay_out(widths: Mapping[Any, float], edges: Sequence[tuple[Any, Any]]) -> Layout:
    """Places nodes of given widths so that every edge leads downwards. edges: of a graph without cycles, each once."""
    layer = _layers(list(widths), edges)
    chains = {
        edge: [edge[0], *((edge, i) for i in range(layer[edge[0]] + 1, layer[edge[1]])), edge[1]] for edge in edges
    }
    layer = {**layer, **{bend: bend[1] for chain in chains.values() for bend in chain[1:-1]}}
    rows: list[list[Any]] = [[] for _ in range(max(layer.values(), default=0) + 1)]
    for node, row in layer.items():
        rows[row].append(node)
    above: dict[Any, list[Any]] = {node: [] for node in layer}
    below: dict[Any, list[Any]] = {node: [] for node in layer}
    for chain in chains.values():
        for a, b in pairwise(chain):
            below[a].append(b)
            above[b].append(a)
    wide = {node: widths.get(node, _BEND_WIDTH) for node in layer}
    x = _across(rows, above, below, wide)
    left = min((x[node] - wide[node] / 2 for node in layer), default=0.0)
    right = max((x[node] + wide[node] / 2 for node in layer), default=0.0)
    at = {node: (x[node] - left, _LAYER_HEIGHT * (layer[node] + 0.5)) for node in layer}
    return Layout(
        {node: at[node] for node in widths},
        {edge: [at[node] for node in chain] for edge, chain in chains.items()},
        right - left,
        _LAYER_HEIGHT * len(rows),
    )


def _layers(nodes: Sequence[Any], edges: Sequence[tuple[Any, Any]]) -> dict[Any, int]:
    """The longest path to each node; then what feeds only one node moves next to it."""
    incoming: dict[Any, list[Any]] = {node: [] for node in nodes}
    outgoing: dict[Any, list[Any]] = {node: [] for node in nodes}
    for a, b in edges:
        incoming[b].append(a)
        outgoing[a].append(b)
    layer: dict[Any, int] = {}
    for node in nodes:  # operands come first
        layer[node] = max((layer[a] + 1 for a in incoming[node]), default=0)
    for node in reversed(nodes):
        if outgoing[node] and not incoming[node]:
            layer[node] = min(layer[b] for b in outgoing[node]) - 1
    return layer


def _across(
    rows: list[list[Any]],
    above: Mapping[Any, list[Any]],
    below: Mapping[Any, list[Any]],
    wide: Mapping[Any, float],
) -> dict[Any, float]:
    x: dict[Any, float] = {}
    for row in rows:
        _pack(row, x, wide, {node: float(i) for i, node in enumerate(row)})
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            near = above if down else below
            wanted = {node: float(np.mean([x[n] for n in near[node]])) if near[node] else x[node] for node in row}
            row.sort(key=lambda node: wanted[node])
            _pack(row, x, wide, wanted)
    return x


def _pack(row: Sequence[Any], x: dict[Any, float], wide: Mapping[Any, float], wanted: Mapping[Any, float]) -> None:
    """Places a row in its order, without overlaps, as near to the wanted places as that allows: the pools of isotonic regression."""
    steps = [(wide[a] + wide[b]) / 2 + _GAP for a, b in pairwise(row)]
    offsets = list(accumulate(steps, initial=0.0))[: len(row)]
    pools: list[tuple[float, int]] = []
    for node, offset in zip(row, offsets, strict=True):
        mean, count = wanted[node] - offset, 1
        while pools and pools[-1][0] > mean:
            other, size = pools.pop()
            mean, count = (mean * count + other * size) / (count + size), count + size
        pools.append((mean, count))
    means = [mean for mean, count in pools for _ in range(count)]
    for node, offset, mean in zip(row, offsets, means, strict=True):
        x[node] = mean + offset

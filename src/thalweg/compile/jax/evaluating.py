"""Evaluating a graph with JAX: node by node, and what repeats as a scan over its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ...graph import Graph, Node
from ...ops.structure import place, slice_
from ..repeats import VIEWS, Repeat, parts_of
from .lowering import Value, lower

__all__ = ["outputs_of"]

_MANY = 8
"""Pieces, at least, that are brought together in one operation instead of one by one."""


def outputs_of(graph: Graph, arrays: Sequence[Value], precision: str = "full") -> list[Value]:
    """The outputs of a graph without composites, for values of its inputs."""
    values = _Values(dict(zip(graph.inputs, arrays, strict=True)), {}, precision)
    for part in parts_of([node for node in graph.nodes if not (node.is_input or node.is_constant)], graph.outputs):
        if isinstance(part, Repeat):
            values.add(part)
    return [values[node] for node in graph.outputs]


class _Values:
    """Values of nodes, each computed when it is first asked for.

    rows: for what a scan has computed, the values of all steps, and which step it is.
    """

    def __init__(self, known: dict[Node, Value], rows: Mapping[Node, tuple[Value, int]], precision: str) -> None:
        self._known, self._rows, self._precision = known, dict(rows), precision

    def __getitem__(self, node: Node) -> Value:
        waiting = [node]
        while waiting:
            last = waiting[-1]
            if last in self._known:
                waiting.pop()
            elif last in self._rows:
                rows, step = self._rows[last]
                self._known[last] = rows[step]
            elif (joined := self._joined(last)) is not None:
                self._known[last] = joined
            else:
                missing = [operand for operand in last.operands if operand not in self._known]
                waiting += reversed(missing)
                if not missing:
                    operands = [self._known[operand] for operand in last.operands]
                    self._known[last] = lower(last, operands, self._precision)
        return self._known[node]

    def add(self, repeat: Repeat) -> None:
        """Computes all steps of a loop."""
        writer = {steps[0]: written for written, steps in repeat.writes.items()}
        carried: list[tuple[Node, Node]] = []  # what is read, and what was written for it some steps before
        past: list[list[Value]] = []
        given: list[Node] = []
        over_time: list[Value] = []
        for read, steps in repeat.reads.items():
            before = next((number for number, node in enumerate(steps) if node in writer), None)
            if before is None:
                given.append(read)
                over_time.append(self.stacked(steps))
            else:
                carried.append((read, writer[steps[before]]))
                past.append([self[node] for node in steps[:before]])

        def step(past: list[list[Value]], now: list[Value]) -> tuple[list[list[Value]], list[Value]]:
            read = dict(zip(given, now, strict=True))
            read |= {node: values[0] for (node, _), values in zip(carried, past, strict=True)}
            own = _Values({**self._known, **read}, self._rows, self._precision)
            following = [[*values[1:], own[written]] for (_, written), values in zip(carried, past, strict=True)]
            return following, [own[written] for written in repeat.writes]

        _, found = lax.scan(step, past, over_time, repeat.count)
        for rows, steps in zip(found, repeat.writes.values(), strict=True):
            self._rows.update((node, (rows, number)) for number, node in enumerate(steps))

    # Values of many nodes
    def stacked(self, nodes: Sequence[Node]) -> Value:
        """The values of all nodes, one below the other."""
        if all(node.is_constant for node in nodes):
            return jnp.asarray(np.stack([node.value for node in nodes]))
        windows = self._windows(nodes)
        if windows is not None:
            return windows
        pieces: list[Value] = []
        number = 0
        while number < len(nodes):
            run = self._run(nodes, number)
            if run > 1:
                pieces.append(self._rows_of(nodes[number], nodes[number + 1], run))
            else:
                pieces.append(self[nodes[number]][None])
            number += run
        return pieces[0] if len(pieces) == 1 else lax.concatenate(pieces, 0)

    def _run(self, nodes: Sequence[Node], first: int) -> int:
        """How many nodes from one on lie in the same rows, each as far from the one before."""
        found = [self._rows.get(node, (None, 0)) for node in nodes[first : first + 2]]
        if len(found) < 2 or found[0][0] is None or found[1][0] is not found[0][0] or found[0][1] == found[1][1]:
            return 1
        (rows, step), (_, following) = found
        run = 2
        while first + run < len(nodes):
            other, place = self._rows.get(nodes[first + run], (None, 0))
            if other is not rows or place != step + run * (following - step):
                break
            run += 1
        return run

    def _rows_of(self, first: Node, second: Node, count: int) -> Value:
        (rows, step), (_, following) = self._rows[first], self._rows[second]
        pace = following - step
        begin, end = sorted((step, step + (count - 1) * pace))
        found = lax.slice_in_dim(rows, begin, end + 1, abs(pace))
        return lax.rev(found, [0]) if pace < 0 else found

    def _windows(self, nodes: Sequence[Node]) -> Value | None:
        """Views of one value that differ in where their windows begin; None if these nodes are no such views."""
        chains = [_views(node) for node in nodes]
        if not chains[0][1] or any(root is not chains[0][0] for root, _ in chains):
            return None
        if any(_without_starts(views) != _without_starts(chains[0][1]) for _, views in chains):
            return None
        slices = [number for number, view in enumerate(chains[0][1]) if view.primitive is slice_]
        if any(step != 1 for number in slices for step in chains[0][1][number].attributes["window"][1]):
            return None
        starts = [np.array([views[number].attributes["window"][0] for _, views in chains]) for number in slices]

        def window(*starts: Value) -> Value:
            value, ahead = self[chains[0][0]], list(starts)
            for view in chains[0][1]:
                if view.primitive is slice_:
                    value = lax.dynamic_slice(value, ahead.pop(0), view.shape)
                else:
                    value = lower(view, [value], self._precision)
            return value

        return jax.vmap(window)(*starts) if slices else None

    def _joined(self, node: Node) -> Value | None:
        """An array of many pieces of one shape, that lie one after the other; None if it is none."""
        if node.primitive is not place or len(node.operands) < _MANY:
            return None
        shape, pieces = node.attributes["shape"], node.operands
        starts = np.array([start for start, _ in node.attributes["windows"]])
        moving = np.flatnonzero((starts != starts[0]).any(axis=0))
        if len(moving) != 1 or any(step != 1 for _, steps in node.attributes["windows"] for step in steps):
            return None
        axis, extent = int(moving[0]), pieces[0].shape[int(moving[0])]
        expected = np.zeros_like(starts)
        expected[:, axis] = extent * np.arange(len(pieces))
        is_turned = starts[0, axis] != 0
        whole = (*pieces[0].shape[:axis], extent * len(pieces), *pieces[0].shape[axis + 1 :])
        if whole != shape or not np.array_equal(starts, expected[::-1] if is_turned else expected):
            return None
        chains = [_views(piece) for piece in pieces]
        views = chains[0][1]
        if any(_exactly(other) != _exactly(views) for _, other in chains):
            return None

        def shown(value: Value) -> Value:
            for view in views:
                value = lower(view, [value], self._precision)
            return value

        found = jax.vmap(shown)(self.stacked([root for root, _ in chains]))
        return jnp.moveaxis(lax.rev(found, [0]) if is_turned else found, 0, axis).reshape(shape)


def _views(node: Node) -> tuple[Node, list[Node]]:
    """The node whose value is shown, and the views that lead from it to this one."""
    views: list[Node] = []
    while node.primitive in VIEWS:
        views.append(node)
        (node,) = node.operands
    return node, views[::-1]


def _exactly(views: Sequence[Node]) -> list[object]:
    return [(view.primitive, view.type, sorted(view.attributes.items())) for view in views]


def _without_starts(views: Sequence[Node]) -> list[object]:
    """What views have in common that differ only in where their windows begin."""
    return [
        (
            view.primitive,
            view.type,
            view.attributes["window"][1] if view.primitive is slice_ else sorted(view.attributes.items()),
        )
        for view in views
    ]

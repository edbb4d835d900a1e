"""Parts of a graph that repeat, found in the order of evaluation: loops of the user's code that were traced step by step.

Three steps of a loop look alike: the same operations in the same order, whose operands are, from one step to the next, the same value,
the value that belongs to the next step, or one that moves on by as much each time. So a loop need not be declared to become one again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..graph import Node, Shape, input_node
from ..ops.elementwise import (
    arctan,
    arctan2,
    cos,
    cosh,
    detach,
    erf,
    exp,
    expit,
    expm1,
    log,
    log1p,
    power,
    sin,
    sinh,
    softplus,
    tan,
    tanh,
)
from ..ops.reduction import maximum_reduce, minimum_reduce, sum_
from ..ops.structure import broadcast, reshape, slice_, transpose

__all__ = ["VIEWS", "Part", "Parts", "Repeat", "parts_of", "read_by", "size_of"]

VIEWS = (broadcast, transpose, slice_, detach, reshape)
"""What only shows a value in another way: such nodes are looked through."""

_WORTH_IT = 128
"""What a loop saves of code, at least, in elementwise nodes. Short loops are as fast written out."""

_OTHERS = 16
"""The code of other nodes, such as products, is as long as that of so many elementwise ones."""

_WORTH_IT_LONG = 2048
_LONG = 64
_LONG_FOR_FUNCTIONS = 4096
"""Elementwise steps on arrays of more elements than this run faster written out, unless that would take seconds to compile: arithmetic takes
less time than its numbers from the nearest cache, a function such as tanh less than those from the next one."""

_FEWEST = 4
"""Steps of a loop."""

_WINDOW = 8
"""So many operations in a row are compared to see after how many the same come again."""

_PERIODS = 12
_MULTIPLES = 12
"""Of the most frequent distances, so many, and so many multiples, are tried as the length of a step."""

_LATEST = 3
"""What the first steps compute for all of them is left to code of its own."""

_MOST_OPERANDS = 16
"""Nodes of more operands are not part of loops."""

_FUNCTIONS = frozenset(
    (exp, expm1, log, log1p, expit, softplus, sin, cos, tan, tanh, sinh, cosh, arctan, arctan2, erf, power)
)
"""Elementwise, but longer than a handful of instructions."""

_REDUCTIONS = (sum_, maximum_reduce, minimum_reduce)

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Repeat:
    """A part of a graph that computes the same `count` times.

    nodes: what one step computes, operands first; made for this purpose. reads: for each input of a step, the nodes of the graph that
    it stands for, step by step. writes: for each node of a step that is read beyond it, the nodes of the graph that it computes.
    stands_for: the node of the graph for each node of a step, in the first step. replaced: the nodes of the graph that need not be computed.
    """

    count: int
    nodes: Sequence[Node]
    reads: Mapping[Node, Sequence[Node]]
    writes: Mapping[Node, Sequence[Node]]
    stands_for: Mapping[Node, Node]
    replaced: Collection[Node]

    def extended(self, known: Mapping[Node, Any]) -> dict[Node, Any]:
        """What is known of nodes of the graph, and so of those of a step."""
        return {**known, **{new: known[old] for new, old in self.stands_for.items() if old in known}}


Part = Sequence[Node] | Repeat


def parts_of(
    nodes: Sequence[Node], kept: Collection[Node], shape_of: Callable[[Node], Shape] = lambda node: node.shape
) -> list[Part]:
    """The nodes, given operands first, as what is computed node by node and what repeats, in the order of evaluation.

    kept: the nodes that are read by others than these. shape_of: of what is computed at a time.
    """
    if len(nodes) < _FEWEST:
        return [nodes]
    sequence = _Sequence(nodes, shape_of)
    stretches = list(_stretches(sequence, 0, len(sequence.computing)))
    return _cut(nodes, sequence, stretches, kept) if stretches else [nodes]


class Parts:
    """`parts_of`, which works out the same only once. shape_of: as there."""

    def __init__(self, shape_of: Callable[[Node], Shape]) -> None:
        self._shape_of = shape_of
        self._known: dict[tuple[tuple[Node, ...], frozenset[Node]], list[Part]] = {}

    def __call__(self, nodes: Sequence[Node], kept: Collection[Node]) -> list[Part]:
        key = tuple(nodes), frozenset(kept)
        if key not in self._known:
            self._known[key] = parts_of(nodes, kept, self._shape_of)
        return self._known[key]


def read_by(parts: Sequence[Part]) -> set[Node]:
    """The nodes that these parts read."""
    found: set[Node] = set()
    for part in parts:
        if isinstance(part, Repeat):
            found.update(node for over_time in part.reads.values() for node in over_time)
        found.update(
            operand for node in (part.nodes if isinstance(part, Repeat) else part) for operand in node.operands
        )
    return found


def size_of(parts: Sequence[Part]) -> int:
    """How many nodes code is made for."""
    return sum(len(part.nodes) if isinstance(part, Repeat) else len(part) for part in parts)


@dataclass(frozen=True)
class _Stretch:
    """The nodes of a loop: from `start` on, `count` times `period` of those that compute something."""

    start: int
    period: int
    count: int

    @property
    def end(self) -> int:
        return self.start + self.period * self.count


class _Sequence:
    """Nodes in the order of evaluation, as numbers that can be compared.

    computing: those that are more than another view of a value. kind: equal for the same operation on operands of the same types.
    root: for each operand the number of the node whose value it shows, below 0 for what is computed before. path: how it shows it.
    code: how much code all nodes before one need. readers, read: for each operand of each node, both numbers.
    """

    def __init__(self, nodes: Sequence[Node], shape_of: Callable[[Node], Shape]) -> None:
        self.shape_of = shape_of
        self.computing = [node for node in nodes if node.primitive not in VIEWS]
        self.number = {node: index for index, node in enumerate(self.computing)}
        self._known: dict[Any, int] = {}
        self._shown: dict[Node, tuple[int, int, int]] = {}
        shown = [[self.shown(operand) for operand in node.operands] for node in self.computing]
        count = len(shown)
        widest = max((len(row) for row in shown if len(row) <= _MOST_OPERANDS), default=0)
        self.kind: Integers = np.empty(count, np.int64)
        self.root: Integers = np.zeros((count, widest), np.int64)
        self.path: Integers = np.zeros((count, widest), np.int64)
        for number, (node, row) in enumerate(zip(self.computing, shown, strict=True)):
            if len(row) > widest:
                self.kind[number] = self._number(number)
                continue
            self.kind[number] = self._number(
                node.primitive, _attributes(node), node.type, *[form for _, form, _ in row]
            )
            for slot, (root, _, path) in enumerate(row):
                self.root[number, slot], self.path[number, slot] = root, path
        sizes = [1 if _is_elementwise(node) else _OTHERS for node in self.computing]
        self.code: Integers = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        self.readers: Integers = np.repeat(np.arange(count), [len(row) for row in shown])
        self.read: Integers = np.array([root for row in shown for root, _, _ in row], np.int64)

    def shown(self, node: Node) -> tuple[int, int, int]:
        """For a value: the number of the node that computes it, the kind of views between, and these views exactly."""
        found = self._shown.get(node)
        if found is None:
            if node.primitive in VIEWS:
                root, form, path = self.shown(node.operands[0])
                form = self._number(form, node.primitive, node.type)
                found = root, form, self._number(path, node.primitive, _attributes(node), "path")
            else:
                is_number = node.is_constant and not node.shape
                root = self.number.get(node, -1 if is_number else -2 - len(self._shown))
                found = root, self._number(node.type), 0
            self._shown[node] = found
        return found

    def saved(self, found: _Stretch) -> int:
        """How much code a loop spares."""
        return int(self.code[found.end] - self.code[found.start + found.period])

    def _number(self, *key: Any) -> int:
        return self._known.setdefault(key, len(self._known) + 1)


def _is_elementwise(node: Node) -> bool:
    return node.primitive.is_elementwise or node.primitive in _REDUCTIONS


def _root(node: Node) -> Node:
    """The node whose value is shown."""
    while node.primitive in VIEWS:
        (node,) = node.operands
    return node


def _attributes(node: Node) -> Any:
    """What can be compared of a node's attributes."""
    if not node.attributes:
        return ()
    values = tuple(node.attributes.values())
    try:
        hash(values)
    except TypeError:  # arrays, say
        return repr(values)
    return values


def _stretches(sequence: _Sequence, begin: int, end: int) -> Iterator[_Stretch]:
    """The loops among the computing nodes from `begin` to `end`, in their order: the longest, then what is on both sides of it."""
    best, saved = None, _WORTH_IT - 1
    for most, first, after, period in sorted(_candidates(sequence, begin, end), reverse=True):
        if most <= saved:
            break
        for found in _loops(sequence, first, after, period):
            if sequence.saved(found) > saved:
                best, saved = found, sequence.saved(found)
    if best is not None:
        yield from _stretches(sequence, begin, best.start)
        if saved >= _WORTH_IT_LONG or not _is_one_pass(sequence, best):
            yield best
        yield from _stretches(sequence, best.end, end)


def _is_one_pass(sequence: _Sequence, found: _Stretch) -> bool:
    """Whether written out it would run over long arrays once, with all between in registers, and as a loop once for each step."""
    step = sequence.computing[found.start : found.start + found.period]
    second = sequence.root[found.start + found.period : found.start + 2 * found.period]
    if not ((second >= found.start) & (second < found.start + found.period)).any():
        return False  # no step reads what another one writes
    most = _LONG_FOR_FUNCTIONS if any(node.primitive in _FUNCTIONS for node in step) else _LONG
    is_long = any(math.prod(sequence.shape_of(node)) > most for node in step)
    return is_long and all(_is_elementwise(node) for node in step)


def _candidates(sequence: _Sequence, begin: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Where the same operations come again and again: what a loop would save at most, from where to where, and its period."""
    kind, code = sequence.kind, sequence.code
    for period in _periods(kind[begin:end]):
        is_alike = kind[begin + period : end] == kind[begin : end - period]
        for first, after in _runs(is_alike, (_FEWEST - 1) * period):
            most = int(code[begin + after + period] - code[begin + first + period])
            if most >= _WORTH_IT:
                yield most, begin + first, begin + after + period, period


def _periods(kind: Integers) -> list[int]:
    """After how many nodes the same operations come again, most often, and a few multiples of that."""
    most = len(kind) // _FEWEST
    if most < 1:
        return []
    hashed, width = kind.astype(np.uint64), 1
    while width < min(_WINDOW, most):
        later = hashed[width:]
        hashed = hashed[:-width] * np.uint64(0x9E3779B97F4A7C15) + (later ^ (later >> np.uint64(29)))
        width *= 2
    order = np.argsort(hashed, kind="stable")
    gaps = np.diff(order)[hashed[order][1:] == hashed[order][:-1]]
    lengths, times = np.unique(gaps[gaps <= most], return_counts=True)
    often = lengths[np.argsort(-times * lengths, kind="stable")[:_PERIODS]]
    return sorted(
        {int(length) * factor for length in often for factor in range(1, min(_MULTIPLES, most // length) + 1)}
    )


def _runs(is_so: npt.NDArray[np.bool_], least: int) -> list[tuple[int, int]]:
    """Where it is so at least so often without interruption: from, and up to."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_so, [False]]).astype(np.int8))).reshape(-1, 2)
    return [(int(first), int(after)) for first, after in edges[edges[:, 1] - edges[:, 0] >= least]]


def _loops(sequence: _Sequence, begin: int, end: int, period: int) -> Iterator[_Stretch]:
    """The loops whose steps have so many nodes, where operations are alike that many nodes apart."""
    root, path = sequence.root[begin:end], sequence.path[begin:end]
    moved = root[period:] - root[:-period]
    is_alike = ((moved == 0) | (path[period:] == path[:-period])).all(axis=1)
    is_steady = is_alike[:-period] & is_alike[period:] & (moved[period:] == moved[:-period]).all(axis=1)
    for first, after in _runs(is_steady, (_FEWEST - 2) * period):
        start, count = begin + first, (after - first) // period + 2
        for later in range(_LATEST):
            found = _Stretch(start + later * period, period, count - later)
            if found.count >= _FEWEST and _can_repeat(sequence, found):
                yield found
                break


def _can_repeat(sequence: _Sequence, found: _Stretch) -> bool:
    """Whether each step reads only itself, steps a fixed number before it, and what is computed before all of them."""
    root = sequence.root[found.start : found.end].reshape(found.count, found.period, -1)
    moved = root[1] - root[0]
    return bool((((root >= found.start) & (root < found.end)).any(axis=0) <= (moved == found.period)).all())


def _cut(
    nodes: Sequence[Node], sequence: _Sequence, stretches: Sequence[_Stretch], kept: Collection[Node]
) -> list[Part]:
    """The nodes between the loops, and the loops. Views of what a loop computes come after it."""
    part_of = np.zeros(len(sequence.computing), np.int64)  # 2 i for what comes before loop i, 2 i + 1 for the loop
    for index, stretch in enumerate(stretches):
        part_of[stretch.start : stretch.end] = 2 * index + 1
        part_of[stretch.end :] = 2 * index + 2
    kept = [node for node in kept if node in sequence.number or node.primitive in VIEWS]
    kept_roots = {sequence.shown(node)[0] for node in kept}
    loops = [_repeat(sequence, stretch, kept_roots) for stretch in stretches]
    needed = {*kept, *(node for loop in loops for over_time in loop.reads.values() for node in over_time)}
    needed.update(operand for loop in loops for node in loop.nodes for operand in node.operands)
    plain: list[list[Node]] = [[] for _ in range(len(stretches) + 1)]
    for node in reversed(nodes):
        is_view = node.primitive in VIEWS
        root = sequence.shown(node)[0]
        part = int(part_of[root]) if root >= 0 else 0
        if part % 2 == 0 or (is_view and node in needed):
            plain[(part + 1) // 2].append(node)
            needed.update(node.operands)
    parts: list[Part] = [plain[0][::-1]]
    for loop, after in zip(loops, plain[1:], strict=True):
        parts += [loop, after[::-1]]
    return [part for part in parts if isinstance(part, Repeat) or part]


def _repeat(sequence: _Sequence, stretch: _Stretch, kept: Collection[int]) -> Repeat:
    """One step of a loop, made of nodes of its own."""
    start, end, period = stretch.start, stretch.end, stretch.period
    steps = [sequence.computing[first : first + period] for first in range(start, end, period)]
    made: dict[Node, Node] = {}  # by the nodes of the first step
    inputs: dict[tuple[Node, ...], Node] = {}
    nodes: list[Node] = []

    def shown(node: Node, root: Node) -> Node:
        """A view of what the step computes or reads."""
        if node.primitive not in VIEWS:
            return root
        operand = shown(node.operands[0], root)
        return add(node, (operand,))

    def add(node: Node, operands: tuple[Node, ...]) -> Node:
        key = (node, operands)
        if key not in views:
            views[key] = Node(node.primitive, operands, node.type, node.attributes, node.source)
            nodes.append(views[key])
            stands_for[views[key]] = node
        return views[key]

    def read(over_time: Sequence[Node]) -> Node:
        key = tuple(over_time)
        if key not in inputs:
            inputs[key] = input_node(key[0].type, "step")
            stands_for[inputs[key]] = key[0]
        return inputs[key]

    def operand(position: int, slot: int) -> Node:
        first = steps[0][position].operands[slot]
        if start <= sequence.shown(first)[0]:
            return shown(first, made[_root(first)])
        over_time = [step[position].operands[slot] for step in steps]
        if all(node is first for node in over_time):
            return first
        roots = [_root(node) for node in over_time]
        if all(root is roots[0] for root in roots):
            return read(over_time)
        return shown(first, read(roots))

    views: dict[tuple[Node, tuple[Node, ...]], Node] = {}
    stands_for: dict[Node, Node] = {}
    for position, node in enumerate(steps[0]):
        made[node] = add(node, tuple([operand(position, slot) for slot in range(len(node.operands))]))
    read_beyond = _read_beyond(sequence, stretch, kept)
    return Repeat(
        stretch.count,
        nodes,
        {node: over_time for over_time, node in inputs.items()},
        {made[steps[0][place]]: [step[place] for step in steps] for place in read_beyond},
        stands_for,
        sequence.computing[start:end],
    )


def _read_beyond(sequence: _Sequence, stretch: _Stretch, kept: Collection[int]) -> list[int]:
    """The places in a step of what is read in other steps, or after the loop."""
    start, end, period = stretch.start, stretch.end, stretch.period
    is_inside = (sequence.read >= start) & (sequence.read < end)
    readers, read = sequence.readers[is_inside] - start, sequence.read[is_inside] - start
    is_beyond = (readers >= end - start) | (readers // period != read // period)
    return sorted(
        {*(read[is_beyond] % period).tolist(), *((root - start) % period for root in kept if start <= root < end)}
    )

"""Functions of one number inside of a graph: a chain of elementwise operations between one value and another.

A loss such as sum(ℓ(X @ w, y)) is one, whatever ℓ is. Where the composition rule falls short, the second derivative of the
chain is bounded by interval arithmetic over the whole range of that one value, which is split until every part is
decided. Parts at which the function may jump or bend both ways shrink to a few neighbouring numbers: there the function
must be continuous and its slope must not fall, up to the rounding of the numbers written in the loss.
"""

from __future__ import annotations

from collections.abc import Container, Hashable, Mapping
from dataclasses import dataclass

import numpy as np

from ..graph import Array, Node
from .effort import Effort
from .intervals import Interval, negate
from .jets import Jet, NoJetError, constant_jet, jet_of, variable

__all__ = ["Chain", "Shape1D", "analyse", "find_chain", "has_jets", "is_link", "jets_of"]

_MOST_ROWS = 4096
_MOST_ROUNDS = 400
_MOST_NODES = 200
_PER_ROUND = 2
"""A round takes about as long, beside its links, as so many of them."""

_SAME_TIME = 256
"""So many parts take hardly longer than one."""

_FEW_ROWS = 16
_NEAR_ZERO = 1e-290
_STEEPEST = 1e100
_NARROW = 2.0**-42
"""Relative width of the parts that are looked at as joints: wider than the rounding of any condition."""
_HUGE = 1e30


@dataclass(frozen=True, eq=False)
class Chain:
    """base: the one value. nodes: from there to the last, operands first. constants: each one's rows of numbers.

    row: for each element of the last node, its row of constants. Where there are too many, one row holds their ranges.
    """

    base: Node
    nodes: tuple[Node, ...]
    constants: dict[Node, Interval]
    row: Array

    @property
    def rows(self) -> int:
        return max((len(x.lower) for x in self.constants.values()), default=1)

    @property
    def form(self) -> Hashable | None:
        """What tells the function from others, wherever in the graph it stands; None if it has many constants."""
        if self.rows > _FEW_ROWS:
            return None
        number = {node: index for index, node in enumerate((self.base, *self.constants, *self.nodes))}
        links = [
            (node.primitive, repr(node.attributes), node.dtype, *(number[operand] for operand in node.operands))
            for node in self.nodes
        ]
        return (*links, *(end.tobytes() for value in self.constants.values() for end in value))


@dataclass(frozen=True, eq=False)
class Shape1D:
    """Proven of each row: f convex, concave, rising, falling on the base's range; a lower bound of f''; bounds of f.

    is_total: the function is defined for every number in the range.
    """

    convex: Array
    concave: Array
    rising: Array
    falling: Array
    modulus: Array
    bounds: Interval
    is_total: bool


def find_chain(
    last: Node, stops: Container[Node], constants: dict[Node, Array], place: Mapping[Node, int]
) -> Chain | None:
    """The chain that ends in a node. stops: nodes at which it may begin; constants: values that do not depend on θ. place: of each
    node in the order of evaluation.
    """
    inner: set[Node] = set()
    bases: set[Node] = set()
    fixed: dict[Node, None] = {}
    stack = [last]
    while stack:
        node = stack.pop()
        if node in inner or node in bases:
            continue
        if node in constants:
            fixed[node] = None
        elif node is not last and (node in stops or not is_link(node)):
            bases.add(node)
            if len(bases) > 1:
                return None
        else:
            inner.add(node)
            if len(inner) > _MOST_NODES or not is_link(node):
                return None
            stack.extend(node.operands)
    if len(bases) != 1:
        return None
    nodes = tuple(sorted(inner, key=place.__getitem__))
    rows, row = _rows([np.broadcast_to(constants[node], last.shape) for node in fixed], last.type.size)
    return Chain(next(iter(bases)), nodes, dict(zip(fixed, rows, strict=True)), row)


def is_link(node: Node) -> bool:
    """Whether every element of the node depends on the same element of its operands alone."""
    return node.primitive.is_elementwise or node.primitive.name == "relative_entropy"


def _rows(arrays: list[Array], size: int) -> tuple[list[Interval], Array]:
    """Each different combination of the constants' elements once; their ranges, if there are too many."""
    everywhere = np.zeros(size, np.int64)
    if all(array.size == 0 or (array == array.reshape(-1)[0]).all() for array in arrays):
        values = [np.asarray(array.reshape(-1)[:1], np.float64) for array in arrays]
        return [Interval(value, value) for value in values], everywhere
    table = np.stack([np.asarray(array, np.float64).reshape(-1) for array in arrays], axis=1)
    different, row = np.unique(table, axis=0, return_inverse=True)
    if len(different) <= _MOST_ROWS:
        return [Interval(column, column) for column in different.T], row.reshape(-1)
    low, high = table.min(axis=0), table.max(axis=0)
    return [Interval(a[None], b[None]) for a, b in zip(low, high, strict=True)], everywhere


def jets_of(chain: Chain, x: Interval, row: Array) -> Jet:
    """The chain's jet for each interval x, with the constants of the given row.

    Raises NoJetError if a link has no bounds on its second derivative.
    """
    jets: dict[Node, Jet] = {chain.base: variable(x)}
    for node, value in chain.constants.items():
        number = row if len(value.lower) > 1 else np.zeros(1, np.int64)
        jets[node] = constant_jet(Interval(value.lower[number], value.upper[number]))
    with np.errstate(all="ignore"):
        for node in chain.nodes:
            jets[node] = jet_of(node, [jets[operand] for operand in node.operands])
    last = jets[chain.nodes[-1]]
    shape = np.shape(x.lower)

    def full(part: Interval) -> Interval:
        lower = np.where(np.isnan(part.lower), -np.inf, part.lower)
        upper = np.where(np.isnan(part.upper), np.inf, part.upper)
        return Interval(np.broadcast_to(lower, shape), np.broadcast_to(upper, shape))

    flags = (np.broadcast_to(flag, shape) for flag in (last.is_outside, last.is_doubtful))
    return Jet(full(last.value), full(last.slope), full(last.bend), *flags)


def has_jets(chain: Chain) -> bool:
    """Whether all links have bounds on their second derivative."""
    try:
        jets_of(chain, Interval(np.zeros(1), np.zeros(1)), np.zeros(1, np.int64))
    except NoJetError:
        return False
    return True


def analyse(chain: Chain, base: Interval, effort: Effort) -> Shape1D | None:
    """The chain's shape on the range of its base; None if a link has no bounds on its second derivative."""
    lower, upper = float(np.min(base.lower)), float(np.max(base.upper))
    if not lower < upper:
        return None
    try:
        upwards = _Proof(chain, lower, upper, 1, effort)
        downwards = _Proof(chain, lower, upper, -1, effort)
    except NoJetError:
        return None
    low = np.where(upwards.proven, upwards.value.lower, downwards.value.lower)
    high = np.where(upwards.proven, upwards.value.upper, downwards.value.upper)
    is_any = upwards.proven | downwards.proven
    low, high = np.where(is_any, low, -np.inf), np.where(is_any, high, np.inf)
    slopes = Interval(
        np.where(upwards.proven, upwards.slope.lower, downwards.slope.lower),
        np.where(upwards.proven, upwards.slope.upper, downwards.slope.upper),
    )
    return Shape1D(
        upwards.proven,
        downwards.proven,
        is_any & (slopes.lower >= 0),
        is_any & (slopes.upper <= 0),
        np.where(upwards.proven, np.maximum(upwards.modulus, 0.0), 0.0),
        Interval(low, high),
        not (upwards.outside or downwards.outside),
    )


class _Proof:
    """Whether sign · f is convex on [lower, upper], for every row, by splitting."""

    def __init__(self, chain: Chain, lower: float, upper: float, sign: int, effort: Effort) -> None:
        self._chain, self._sign = chain, sign
        rows = chain.rows
        self.proven = np.ones(rows, bool)
        self.modulus = np.full(rows, np.inf)
        self.value = Interval(np.full(rows, np.inf), np.full(rows, -np.inf))
        self.slope = Interval(np.full(rows, np.inf), np.full(rows, -np.inf))
        self._inside = Interval(np.full(rows, np.inf), np.full(rows, -np.inf))
        self.outside: list[tuple[Array, Interval]] = []
        ends = sorted({lower, upper, *(x for x in (-1.0, 0.0, 1.0) if lower < x < upper)})
        row = np.repeat(np.arange(rows), len(ends) - 1)
        parts = Interval(np.tile(ends[:-1], rows), np.tile(ends[1:], rows))
        seen = 0
        for _ in range(_MOST_ROUNDS):
            parts, row = self._decide(parts, row)
            if not row.size:
                break
            seen += row.size
            is_too_much = row.size > 2000 + 8 * rows or seen > 40_000 + 400 * rows
            if is_too_much or not effort.affords((len(chain.nodes) + _PER_ROUND) * (1 + row.size // _SAME_TIME)):
                self.proven[np.unique(row)] = False
                break
        else:
            self.proven[np.unique(row)] = False
        self._check_domain()

    def _jet(self, x: Interval, row: Array) -> Jet:
        jet = jets_of(self._chain, x, row)
        if self._sign > 0:
            return jet
        return Jet(negate(jet.value), negate(jet.slope), negate(jet.bend), jet.is_outside, jet.is_doubtful)

    def _decide(self, x: Interval, row: Array) -> tuple[Interval, Array]:
        """Looks at all open parts once; what is left is split."""
        jet = self._jet(x, row)
        is_sure = ~jet.is_doubtful & ~jet.is_outside
        is_done = is_sure & (jet.bend.lower >= 0)
        is_wrong = is_sure & (jet.bend.upper < 0) & (x.lower < x.upper)
        self.proven[row[is_wrong]] = False
        self._note(x, row, jet, is_done)
        if jet.is_outside.any():
            self.outside.append((row[jet.is_outside], _at(x, jet.is_outside)))
        is_open = ~is_done & ~jet.is_outside & self.proven[row]
        x, row = _at(x, is_open), row[is_open]
        middle = _middle(x)
        is_small = ~((x.lower < middle) & (middle < x.upper)) | (x.upper - x.lower <= _NARROW * np.abs(middle))
        is_small |= np.maximum(np.abs(x.lower), np.abs(x.upper)) < _NEAR_ZERO
        is_far = np.minimum(np.abs(x.lower), np.abs(x.upper)) > _HUGE
        self.proven[row[is_far]] = False
        if is_small.any():
            self._check_joints(_at(x, is_small), row[is_small])
        is_split = ~is_small & ~is_far
        x, row, middle = _at(x, is_split), row[is_split], middle[is_split]
        halves = Interval(np.concatenate([x.lower, middle]), np.concatenate([middle, x.upper]))
        return halves, np.concatenate([row, row])

    def _note(self, x: Interval, row: Array, jet: Jet, mask: Array) -> None:
        at = row[mask]
        np.minimum.at(self.modulus, at, jet.bend.lower[mask])
        for whole, part in ((self.value, jet.value), (self.slope, jet.slope)):
            signed = part if self._sign > 0 else negate(part)
            np.minimum.at(whole.lower, at, signed.lower[mask])
            np.maximum.at(whole.upper, at, signed.upper[mask])
        np.minimum.at(self._inside.lower, at, x.lower[mask])
        np.maximum.at(self._inside.upper, at, x.upper[mask])

    def _check_joints(self, x: Interval, row: Array) -> None:
        """At a few neighbouring numbers: continuous, and the slope does not fall, up to rounding."""
        width = np.maximum(x.upper - x.lower, _NEAR_ZERO)
        left, right = x.lower - width, x.upper + width
        before, after = (self._jet(Interval(end, end), row) for end in (left, right))
        within = self._jet(x, row)
        is_border = before.is_outside ^ after.is_outside
        size = np.maximum(_size(before.value), _size(after.value))
        steep = np.maximum(_size(before.slope), _size(after.slope))
        with np.errstate(all="ignore"):
            room = 2.0**-40 * (size + np.abs(left) * steep) + 10 * _NEAR_ZERO * (1 + steep)
            lowest = np.minimum(np.minimum(before.value.lower, after.value.lower), within.value.lower)
            highest = np.maximum(np.maximum(before.value.upper, after.value.upper), within.value.upper)
            is_continuous = (highest - lowest <= room) & (steep < _STEEPEST)
            is_rising = before.slope.lower <= after.slope.upper + 2.0**-40 * steep
            widths = np.maximum(before.slope.upper - before.slope.lower, after.slope.upper - after.slope.lower)
            bends = np.fmax(_finite_size(before.bend), _finite_size(after.bend))
            is_sharp = widths <= 1e-8 * (1e-300 + steep + np.abs(left) * bends)
            is_sharp |= widths <= 1e-12 * self._steepness_around(left, right, row)
        is_sure = ~(before.is_doubtful | after.is_doubtful | before.is_outside | after.is_outside)
        is_good = is_sure & is_continuous & is_rising & is_sharp
        self.proven[row[~is_good & ~is_border]] = False
        anything = Interval(np.full_like(left, np.inf), np.full_like(left, np.inf))
        for jet in (before, after):
            self._note(x, row, Jet(jet.value, jet.slope, anything, jet.is_outside, jet.is_doubtful), is_good)

    def _steepness_around(self, left: Array, right: Array, row: Array) -> Array:
        """How steep the function is a little further away: where slopes cancel at a joint, the scale of their rounding."""
        aside = np.maximum(np.abs(left), 1.0) / 8
        slopes = [self._jet(Interval(x, x), row).slope for x in (left - aside, right + aside)]
        return np.minimum(_finite_size(slopes[0]), _finite_size(slopes[1]))

    def _check_domain(self) -> None:
        """Where the function is undefined, it must be so at the ends of the range only."""
        for row, x in self.outside:
            between = (x.lower >= self._inside.lower[row]) & (x.upper <= self._inside.upper[row])
            self.proven[row[between]] = False
        self.proven &= self._inside.lower < self._inside.upper


def _size(x: Interval) -> Array:
    return np.maximum(np.abs(x.lower), np.abs(x.upper))


def _finite_size(x: Interval) -> Array:
    size = _size(x)
    return np.where(np.isfinite(size), size, 0.0)


def _at(x: Interval, mask: Array) -> Interval:
    return Interval(x.lower[mask], x.upper[mask])


def _middle(x: Interval) -> Array:
    """Where to split: by size first, so that both the tiny and the huge are reached in few steps."""
    low, high = x
    with np.errstate(all="ignore"):
        arithmetic = low + (high - low) / 2
        geometric = np.sign(low) * np.sqrt(np.abs(low)) * np.sqrt(np.abs(high))
        is_wide = (low > 0) & (high > 4 * low) | (high < 0) & (low < 4 * high)
        middle = np.where(is_wide, geometric, arithmetic)
        middle = np.where((low < 0) & (high > 0), 0.0, middle)
        middle = np.where((low == 0) & (high > 0), np.minimum(high / 1024, 1.0), middle)
        middle = np.where((high == 0) & (low < 0), np.maximum(low / 1024, -1.0), middle)
        middle = np.where(np.isposinf(high) & (low > 0), np.maximum(16 * low, 1.0), middle)
        middle = np.where(np.isneginf(low) & (high < 0), np.minimum(16 * high, -1.0), middle)
    return np.asarray(middle)

"""Whether a convex loss has a minimum at all, or only comes ever closer to its infimum far away.

log(1 + exp(−x)) is convex and has no minimum. Neither has the loss of data of which one class alone can be separated; but there the
part that fades is soon lost in the rounding of the rest, and neither the loss nor its curvature at the end tell.

A direction d is one of recession if the loss never rises along it: then ∇f(x)·d ≤ 0 for every x. So each gradient, taken anywhere,
rules out half of all directions. What is left is found by linear programming, and looked along; where the loss does rise, the
gradients from there rule out more. If nothing is left but directions in which no gradient has a part (along these the loss is
constant), there is a minimum. If along one that is left the loss falls, and never rises as far as was looked, there is none, unless the fall
ends: the slope of max(0, 1 − x)² is gone at x = 1, that of exp(−x) takes as long for each further digit.

Sources: R. T. Rockafellar, *Convex Analysis* (1970), theorems 8.5 to 8.7 and 27.1; for polynomials: E. Belousov and D. Klatte,
*A Frank–Wolfe type theorem for convex polynomial programs*, Computational Optimization and Applications 22 (2002).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from ..autodiff.reverse import active_nodes
from ..convexity_proof import Convexity
from ..graph import Array, Graph, Node
from .situation import Situation
from .smooth import is_smooth

__all__ = ["LARGEST_SEARCH", "Attainment", "AttainmentKind", "attainment_of", "never_rises"]


class AttainmentKind(Enum):
    """Whether there is a minimum."""

    ATTAINED = "attained"
    FADES = "fades"
    UNTOLD = "untold"


@dataclass(frozen=True, eq=False)
class Attainment:
    """What was found. direction: (P,), along which the loss falls and never rises, if it fades."""

    kind: AttainmentKind
    reason: str
    direction: Array | None = None


_MOST_PARAMETERS = 300
"""Of more parameters, too many gradients would be needed."""

LARGEST_SEARCH = 1 << 24
"""Of more bytes of parameters and data, gradients cost too much."""

_ROUNDS = 40
_FAR = 4.0**10
"""So many times as far as the parameters have moved is looked."""


def attainment_of(here: Situation, known: Convexity) -> Attainment:
    """Whether a loss that is proven convex, and falls no further from here beyond rounding, has a minimum."""
    if known.modulus > 0:
        return Attainment(AttainmentKind.ATTAINED, "it is strongly convex")
    if _has_polynomial_pieces(here.problem.graph):
        return Attainment(AttainmentKind.ATTAINED, "it is made of polynomials, and bounded")
    free = _free(here)
    if not free.any():
        return Attainment(AttainmentKind.ATTAINED, "its penalty holds every parameter")
    if here.fades_outwards:
        return Attainment(AttainmentKind.FADES, "it fades exponentially outwards", here.end.astype(np.float64))
    if here.end.size > _MOST_PARAMETERS:
        return Attainment(AttainmentKind.UNTOLD, "it has too many parameters to look along all directions")
    if here.bytes > LARGEST_SEARCH:
        return Attainment(AttainmentKind.UNTOLD, "to look along all directions would take longer than the descent")
    return _Search(here, free).run()


_PIECES = {"add", "subtract", "multiply", "negative", "absolute", "sign", "maximum", "minimum", "maximum_reduce"}
_PIECES |= {"minimum_reduce", "sum", "broadcast", "reshape", "transpose", "slice", "place", "concatenate", "take"}
_PIECES |= {"scatter_add", "cumulative_sum", "dot", "where", "convert", "less", "less_equal", "equal", "not_equal"}
_PIECES |= {"logical_and", "logical_or", "logical_not"}


def _has_polynomial_pieces(graph: Graph) -> bool:
    """Whether the loss consists of pieces, each a polynomial: a convex one that is bounded below attains its infimum."""
    active = active_nodes(graph.nodes, graph.inputs[:1])

    def is_polynomial(node: Node) -> bool:
        name = node.primitive.name
        if node.is_input or name in _PIECES:
            return True
        if name == "divide":
            return node.operands[1] not in active
        if name == "power":
            exponent = node.operands[1]
            value = exponent.value if exponent.is_constant else None
            return value is not None and bool((value >= 0).all() and (value == np.rint(value)).all())
        return False

    return all(is_polynomial(node) for node in active)


def _free(here: Situation) -> Array:
    """Which parameters (P,) no kinked penalty holds back: far out it rises along all others."""
    penalty, layout = here.plan.problem.penalty, here.problem.layout
    if penalty is None:
        return np.ones(here.end.size, bool)
    units = np.eye(here.end.size, dtype=here.end.dtype)
    return np.array([float(penalty.kinked(layout.tree(unit))) == 0 for unit in units])


def never_rises(here: Situation, direction: Array) -> bool:
    """Whether the loss of a convex problem falls along a direction, and never rises again, as far as can be looked."""
    search = _Search(here, np.ones(here.end.size, bool))
    slopes = search.slopes(direction, -1.0)
    far = search.slopes(direction, 1.0)
    return bool(np.nanmin(slopes) < -search.clear) and bool(np.nanmax(far) <= search.small)


class _Search:
    """Gradients that are known, in units of how far each parameter has moved, and what they rule out."""

    def __init__(self, here: Situation, free: Array) -> None:
        self.here, self.free = here, free
        start, end = here.start, here.end.astype(np.float64)
        moved = np.maximum(np.abs(end - start), np.abs(end))
        longest = float(np.max(moved)) or here.scale
        self.lengths = np.where(moved > 1e-9 * longest, moved, longest)
        self.size = end.size
        is_wide = here.end.dtype == np.float64
        offsets = here.generator.standard_normal((16, self.size))
        near = self.gradients(np.concatenate([offsets[:15], np.zeros((1, self.size))]))
        sizes = np.linalg.norm(near[np.isfinite(near).all(axis=1)], axis=1)
        self.typical = (float(np.median(sizes)) if len(sizes) else 0.0) or 1.0
        self.small = (1e-7 if is_wide else 1e-4) * self.typical
        self.clear = (1e-3 if is_wide else 1e-2) * self.typical
        digits = (5, 6, 7) if is_wide else (2, 2.75, 3.5)
        self.levels = self.typical * 10.0 ** -np.array(digits)
        self.cuts = np.zeros((0, self.size))
        self.cut(near)

    def gradients(self, offsets: Array) -> Array:
        """∇f at w + offset, both in units of the lengths (M, P)."""
        points = (self.here.end.astype(np.float64) + offsets * self.lengths).astype(self.here.end.dtype)
        found: Array = self.here.gradients(points) * self.lengths
        return found

    def slopes(self, direction: Array, sign: float) -> Array:
        """The slopes along a direction (P,), in the parameters' own units, far and near on that side; NaN where not finite."""
        unit = direction / self.lengths
        unit = unit / max(float(np.max(np.abs(unit))), 1e-300)
        found = self.gradients(sign * _FAR ** (np.arange(-5, 11) / 10)[:, None] * unit) @ unit
        return np.where(np.isfinite(found), found, np.nan)

    def cut(self, gradients: Array) -> bool:
        """Rules out what these gradients do; those that are no more than rounding do not count. Whether any did."""
        finite = gradients[np.isfinite(gradients).all(axis=1)]
        sizes = np.linalg.norm(finite, axis=1)
        is_large = np.isfinite(sizes) & (sizes > self.small)
        new = finite[is_large] / sizes[is_large, None]
        self.cuts = np.concatenate([self.cuts, new])
        return len(new) > 0

    def run(self) -> Attainment:
        """Rules out, looks, and rules out more."""
        units = np.eye(self.size)
        for radius in (0.1, 1e3):
            offsets = radius * np.concatenate([units, -units])
            for _ in range(12):  # where the loss overflows, closer gradients tell more
                found = self.gradients(offsets)
                self.cut(found)
                offsets = offsets[~np.isfinite(found).all(axis=1)] / 8
                if not len(offsets):
                    break
        shares = np.linspace(1, 0, 8, endpoint=False)[:, None]
        ways = [(other - self.here.end) / self.lengths for other in (self.here.start, np.zeros(self.size))]
        self.cut(self.gradients(np.concatenate([shares * way for way in ways])))  # what faded was larger there
        for _ in range(_ROUNDS):
            unit = self.left()
            if unit is None:
                break
            if not unit.any():
                return Attainment(AttainmentKind.ATTAINED, "along every direction it rises, or is constant")
            around = self.gradients(_FAR ** (np.arange(-5, 11) / 10)[:, None] * unit)
            slopes = around @ unit
            rises = np.isfinite(slopes) & (slopes > self.small)
            if not rises.any():
                return self.told(unit)
            self.cut(around[rises])
        return Attainment(AttainmentKind.UNTOLD, "along some directions it was not told whether it rises far away")

    def left(self) -> Array | None:
        """The direction along which known gradients fall most, of those along which none rises; 0 if there is none, None if that
        could not be told.
        """
        from scipy.optimize import linprog

        bounds = [(-1.0, 1.0) if free else (0.0, 0.0) for free in self.free]
        for method, tight in (("highs-ds", 1e-10), ("highs-ds", 1e-7), ("highs-ipm", 1e-8)):
            options = {"primal_feasibility_tolerance": tight, "dual_feasibility_tolerance": tight}
            none = np.zeros(len(self.cuts))
            found = linprog(self.cuts.sum(axis=0), self.cuts, none, bounds=bounds, method=method, options=options)
            if found.status == 0:
                unit: Array = found.x
                return unit if found.fun < -1e-5 else np.zeros(self.size)
        return None

    def told(self, unit: Array) -> Attainment:
        """Along this direction the loss falls, and does not rise: whether the fall ends."""
        direction = unit * self.lengths
        places = [self.place(unit, level) for level in self.levels]
        if not np.isfinite(places).all():
            return Attainment(AttainmentKind.UNTOLD, "along a direction it does not rise, and may fall", direction)
        first, second = np.diff(places)
        if second >= 0.75 * first:
            return Attainment(AttainmentKind.FADES, "along a direction it falls ever more slowly", direction)
        is_analytic = is_smooth(self.here.problem.graph)  # then it is constant nowhere, if not everywhere
        if second <= 0.5 * first and is_analytic:
            reason = "along a direction it falls, and rounding hides how far"
            return Attainment(AttainmentKind.UNTOLD, reason, direction)
        if second <= 0.5 * first:
            return Attainment(AttainmentKind.ATTAINED, "along a direction it falls, and then is constant", direction)
        return Attainment(AttainmentKind.UNTOLD, "along a direction it may fall ever more slowly", direction)

    def place(self, unit: Array, level: float) -> float:
        """Where along the line through the end the slope is −level; NaN if nowhere. The slope of a convex loss grows."""
        grid = np.concatenate([-(_FAR ** (np.arange(7, -1, -1) / 10)), _FAR ** (np.arange(0, 8) / 10)])
        for _ in range(7):
            slopes: Array = self.gradients(grid[:, None] * unit) @ unit
            is_before = ~(slopes > -level)  # what is not finite lies far back
            if is_before.all() or not is_before.any():
                return float("nan")
            last = int(np.flatnonzero(is_before)[-1])
            if last + 1 == len(grid):
                return float("nan")
            grid = np.linspace(grid[last], grid[last + 1], 16)
        return float(grid[8])

"""Whether a loss is convex: a proof, a counterexample, or an honest "unknown"."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
import optree

from ..autodiff import gradient
from ..descent.data import Data, data_of
from ..descent.parameters import Layout, flatten
from ..descent.problem import Problem, problem_of
from ..errors import ArgumentError
from ..graph import Array, Graph, evaluate
from .derivation import lines_of, place_of
from .intervals import Interval
from .nearby import gap_at
from .normalise import in_real_numbers, normalise
from .proof import Proof, prove_nodes
from .refute import Segment, find_counterexample, rounding
from .regroup import Decision, Sum, decide, sum_of

__all__ = ["Convexity", "ConvexityKind", "Counterexample", "ProvenLoss", "convexity"]


class ConvexityKind(Enum):
    """What is known of a loss. The values are the words in which it is said."""

    CONVEX = "convex"
    STRONGLY_CONVEX = "strongly convex"
    NOT_CONVEX = "not convex"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Counterexample:
    """Parameters a and b and a number θ with f(θ a + (1 - θ) b) > θ f(a) + (1 - θ) f(b), by more than rounding.

    loss_between: f(θ a + (1 - θ) b); NaN or infinite where the set on which f is defined is not convex.
    """

    a: Any
    b: Any
    theta: float
    loss_a: float
    loss_b: float
    loss_between: float

    @property
    def excess(self) -> float:
        """How far the loss lies above the chord."""
        return self.loss_between - (self.theta * self.loss_a + (1 - self.theta) * self.loss_b)

    def __str__(self) -> str:
        chord = self.theta * self.loss_a + (1 - self.theta) * self.loss_b
        return (
            f"f = {self.loss_a:.8g} at a = {_short(self.a)} and {self.loss_b:.8g} at b = {_short(self.b)}, "
            f"but {self.loss_between:.8g} > {chord:.8g} at {self.theta:g} a + {1 - self.theta:g} b"
        )


def _short(tree: Any) -> str:
    def text(leaf: Any) -> str:
        return np.array2string(np.asarray(leaf), precision=5, threshold=6, edgeitems=2, separator=", ")

    leaves, _ = flatten(tree)
    parts = [text(leaf) for leaf in leaves[:4]]
    return parts[0] if len(leaves) == 1 else f"({', '.join(parts)}{', ...' if len(leaves) > 4 else ''})"


_MOST_LINES = 100
"""Of longer derivations the beginning and the end are shown."""


@dataclass(frozen=True)
class Convexity:
    """What is known of the convexity of a loss f, and how.

    kind: see ConvexityKind. modulus: μ such that f - μ/2 ‖θ‖² is convex, θ being all parameters as one vector; then
    f(θ) - min f ≤ ‖∇f(θ)‖² / (2 μ). 0 where none is known. derivation: the proof, one line per node of the graph.
    counterexample: for NOT_CONVEX. reason: one sentence.
    """

    kind: ConvexityKind
    modulus: float = 0.0
    reason: str = ""
    derivation: tuple[str, ...] = field(default=(), repr=False)
    counterexample: Counterexample | None = None

    @property
    def is_convex(self) -> bool:
        """Whether convexity is proven."""
        return self.kind in (ConvexityKind.CONVEX, ConvexityKind.STRONGLY_CONVEX)

    def __bool__(self) -> bool:
        return self.is_convex

    def __str__(self) -> str:
        head = self.kind.value.capitalize()
        if self.kind is ConvexityKind.STRONGLY_CONVEX:
            head += f" with modulus {self.modulus:.6g}"
        lines = list(self.derivation)
        if len(lines) > _MOST_LINES:
            lines[_MOST_LINES // 2 : -_MOST_LINES // 2] = [f"... ({len(lines) - _MOST_LINES:,} more in `derivation`)"]
        return "\n".join([f"{head}: {self.reason}", *(f"  {line}" for line in lines)])


def convexity(
    f: Callable[..., Any],
    x: Any,
    *,
    data: Any = (),
    within: tuple[Any, Any] | None = None,
    seed: int = 0,
) -> Convexity:
    """Whether a loss is convex in its parameters: proven, refuted, or unknown.

    f: a loss in plain NumPy, as for `minimize`. x: parameters of the right shapes; the search for a counterexample starts
    there, the proof does not depend on their values. data: what f gets after them; their values and signs are used.
    within: (lower, upper), bounds of all parameters, numbers or nested as x; then the answer holds on that box.

    The proof is about f in real numbers. f is convex where it is defined (not NaN), and the set where it is defined is
    convex: -log(x) is convex, on x > 0. Numbers that are equal to within rounding count as equal: eigenvalues of a
    constant Hessian and 0, and both sides of a joint between branches. A counterexample is checked by evaluating f
    itself, and counts only if f lies above the chord by more than rounding explains.

    Sources: S. Boyd and L. Vandenberghe, *Convex Optimization* (2004), chapter 3; M. Grant, S. Boyd, Y. Ye, *Disciplined
    convex programming* (2006); R. E. Moore, R. B. Kearfott, M. J. Cloud, *Introduction to Interval Analysis* (2009).

    >>> X, y = np.array([[1.0, 2.0], [0.0, 1.0], [1.0, 0.0]]), np.array([1.0, -1.0, 1.0])
    >>> def logistic(w, X, y):
    ...     return np.mean(np.log(1 + np.exp(-y * (X @ w)))) + 0.05 * np.sum(w**2)
    >>> found = convexity(logistic, np.zeros(2), data=(X, y))
    >>> found.kind.value, round(found.modulus, 6)
    ('strongly convex', 0.1)
    >>> found = convexity(lambda w: np.sum(np.sin(w)), np.zeros(2))
    >>> found.kind.value, found.counterexample.excess > 0
    ('not convex', True)
    """
    given = data_of(data)
    problem = problem_of(f, x, given, given.examples)
    layout = problem.layout
    real = in_real_numbers(problem.graph, given.arrays)
    bounds = _bounds(layout, within)
    proof, _, decision = prove(real, bounds)
    start = np.clip(layout.vector(x).astype(np.float64), bounds.lower, bounds.upper)
    check = _Check(f, layout, given, real)
    effort = (32, 1) if decision.is_convex else (384, 12)
    segment = find_counterexample(real, start, bounds, check, segments=effort[0], points=effort[1], seed=seed)
    if segment is not None:
        return Convexity(
            ConvexityKind.NOT_CONVEX,
            reason=str(check.found),
            derivation=tuple(lines_of(proof)),
            counterexample=check.found,
        )
    return _proven(proof, decision, within is not None)


@dataclass(frozen=True, eq=False)
class ProvenLoss:
    """A loss over its data, and what was proven of it everywhere: by proof alone, no counterexample is searched for."""

    convexity: Convexity
    _proof: Proof
    _sum: Sum | None

    @classmethod
    def of(cls, problem: Problem, data: Data) -> ProvenLoss:
        """For a problem that was traced already."""
        everywhere = np.full(problem.layout.size, np.inf)
        is_thorough = sum(array.nbytes for array in data.arrays) <= _MOST_THOROUGH
        graph = in_real_numbers(problem.graph, data.arrays)
        proof, parts, decision = prove(graph, Interval(-everywhere, everywhere), is_thorough)
        return cls(_proven(proof, decision, is_bounded=False), proof, parts)

    def gradient(self, point: Array) -> Array:
        """∇f (P,) at a point (P,), in float64."""
        graph = self._proof.graph
        (found,) = evaluate(Graph(graph.inputs, gradient(self._proof.loss, graph.inputs)), [point])
        return found

    def gap(self, point: Array, slope: Array, enough: float = 0.0) -> float | None:
        """A bound of f(w) − min f at a point w (P,) with the gradient ∇f(w) (P,); None if none can be proven.

        enough: a bound that need not be smaller.
        """
        if not self.convexity.is_convex:
            return None
        modulus = self.convexity.modulus
        everywhere = float(slope @ slope) / (2 * modulus) if modulus > 0 else None
        if self._sum is None or (everywhere is not None and everywhere <= enough):
            return everywhere
        with np.errstate(all="ignore"), _one_blas_thread(len(point)):
            nearby = gap_at(self._proof, self._sum, point, slope)
        return min((gap for gap in (everywhere, nearby) if gap is not None), default=None)


_MOST_THOROUGH = 1 << 24
"""Of more bytes of data, what does not hold for all elements alike is not looked for."""


def _proven(proof: Proof, decision: Decision, is_bounded: bool) -> Convexity:
    lines = (*lines_of(proof), *decision.lines)
    if not decision.is_convex:
        return Convexity(ConvexityKind.UNKNOWN, reason=_why_unknown(decision), derivation=lines)
    if decision.modulus > 0:
        reason = f"f - {decision.modulus / 2:.6g} ‖θ‖² is convex as well, by the derivation below"
        return Convexity(ConvexityKind.STRONGLY_CONVEX, decision.modulus, reason, lines)
    reason = "within the bounds, by the derivation below" if is_bounded else "by the derivation below"
    return Convexity(ConvexityKind.CONVEX, 0.0, reason, lines)


def prove(graph: Graph, within: Interval, is_thorough: bool = True) -> tuple[Proof, Sum | None, Decision]:
    """The proof alone, of a graph θ → loss in real numbers; and the loss as a sum of parts.

    Of many elements first only what holds for all of them is looked for. is_thorough: if that is not enough, each is looked at.
    """
    with np.errstate(all="ignore"), _one_blas_thread(graph.inputs[0].type.size):
        graph = normalise(graph)
        found = _proved(graph, within, _FEW_ELEMENTS)
        _, loss, decision = found
        is_enough = decision.is_convex and loss is not None and not loss.bad
        is_large = any(node.type.size > _FEW_ELEMENTS for node in graph.nodes)
        return _proved(graph, within) if is_large and is_thorough and not is_enough else found


def _proved(graph: Graph, within: Interval, *largest: int) -> tuple[Proof, Sum | None, Decision]:
    proof = prove_nodes(graph, within, *largest)
    loss = sum_of(proof)
    return proof, loss, decide(proof, loss)


def _one_blas_thread(size: int) -> AbstractContextManager[Any]:
    """Threads make eigenvalues of a thousand numbers no faster, and wait for each other where the machine is busy: twenty times as long."""
    if size <= _FEW:
        return nullcontext()
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, "blas")  # type: ignore[no-any-return]  # it has no types


_FEW = 100
_FEW_ELEMENTS = 1 << 12


def _bounds(layout: Layout, within: tuple[Any, Any] | None) -> Interval:
    if within is None:
        return Interval(np.full(layout.size, -np.inf), np.full(layout.size, np.inf))
    lower, upper = (_bound(layout, bound) for bound in within)
    if not (lower <= upper).all():
        raise ArgumentError("within=(lower, upper): a lower bound lies above its upper bound, or is NaN")
    return Interval(lower, upper)


def _bound(layout: Layout, bound: Any) -> Array:
    if isinstance(bound, int | float):
        return np.full(layout.size, float(bound))
    leaves, _ = flatten(bound)
    shapes = [np.shape(leaf) for leaf in leaves]
    if shapes != [type.shape for type in layout.types]:
        raise ArgumentError(f"within=(lower, upper): expected numbers or the shapes of x, found the shapes {shapes}")
    return layout.vector(bound).astype(np.float64)


def _why_unknown(decision: Decision) -> str:
    if decision.unproven:
        node = decision.unproven[0]
        where = place_of(node)
        place = f" at {where}" if where else ""
        return (
            f"no rule shows the curvature of {node.primitive.name}{place}, and no counterexample was found; "
            "the loss may be convex or not"
        )
    return "no rule shows it, and no counterexample was found; the loss may be convex or not"


def _is_above_chord(losses: list[float], theta: float, noise: float) -> bool:
    chord = theta * losses[0] + (1 - theta) * losses[1]
    return losses[2] - chord > noise + 1e-12 * (abs(losses[0]) + abs(losses[1]))


class _Check:
    """The final word on a counterexample: the user's own function in plain NumPy, and its stable form as well.

    Either alone may be wrong by more than its own rounding says: log(1 - 1 / (1 + exp(-z))) is coarse for large z.
    """

    def __init__(self, f: Callable[..., Any], layout: Layout, data: Data, graph: Graph) -> None:
        self._f, self._layout, self._data, self._graph = f, layout, data, graph
        self.found: Counterexample | None = None

    def _loss(self, point: Array) -> float:
        arguments: Any = optree.tree_unflatten(self._data.structure, self._data.arrays) if self._data.arrays else ()
        try:
            with np.errstate(all="ignore"):
                value = self._f(self._layout.tree(point.astype(self._layout.dtype)), *arguments)
            return float(np.asarray(value).reshape(()))
        except Exception:
            (value,) = evaluate(self._graph, [point])
            return float(value.reshape(()))

    def __call__(self, segment: Segment) -> bool:
        a, b, theta = segment
        a, b = (point.astype(self._layout.dtype).astype(np.float64) for point in (a, b))
        between = (theta * a + (1 - theta) * b).astype(self._layout.dtype).astype(np.float64)
        losses = [self._loss(point) for point in (a, b, between)]
        if not np.isfinite(losses[:2]).all():
            return False
        if np.isfinite(losses[2]):
            noise = sum(rounding(self._graph, point, self._layout.dtype) for point in (a, b, between))
            stable = [float(evaluate(self._graph, [point])[0].reshape(())) for point in (a, b, between)]
            if not all(_is_above_chord(values, theta, noise) for values in (losses, stable)):
                return False
        elif np.isneginf(losses[2]) or np.isfinite(evaluate(self._graph, [between])[0]):
            return False
        tree_a, tree_b = (self._layout.tree(point.astype(self._layout.dtype)) for point in (a, b))
        self.found = Counterexample(tree_a, tree_b, theta, *losses)
        return True

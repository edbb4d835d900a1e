"""How far a convex loss can fall from a point: a bound that is proven, from the curvature that every example has around there.

Each part of the sum that is a function f of one affine number z = a·θ + b has the Hessian Σ w f''(z) a aᵀ. In a ball around the
point every example's z stays in an interval of its own, and so does its f''. The range of all z is cut into cells, f'' is bounded from
below on each by interval arithmetic, and an example counts with the least bound of the cells that its interval meets. So a few examples
far out, where f'' is almost 0, cost no more than their own share.

The ball is one in coordinates u, θ = w + T u, in which the Hessian is about 1: units and columns that go together do not matter. Where
the loss is convex everywhere, and strongly convex with modulus μ in the ball of radius 2‖Tᵀ∇f‖/μ around w, the minimum lies in that
ball, since the loss is at least f(w) on its surface. Then f(w) − min f ≤ ‖Tᵀ∇f‖² / 2μ.

Sources: S. Boyd and L. Vandenberghe, *Convex Optimization* (2004), section 9.1.2; rounding: N. Higham, *Accuracy and Stability of
Numerical Algorithms*, 2nd ed. (2002), sections 3.1 and 3.5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..graph import Array, Graph, Node, evaluate
from .cells import Cells
from .chains import Chain, has_jets
from .proof import Proof
from .quadratic import MOST_PARAMETERS, jacobian_of
from .regroup import Sum, affine_chain, quadratic_hessian

__all__ = ["gap_at"]

_UNIT = 2.0**-53
_MOST_ELEMENTS = 1 << 24
"""Of one part's matrix: examples times parameters."""

_SAMPLE = 1 << 12
"""So many examples are enough to choose coordinates."""

_TRIES = 4


def gap_at(proof: Proof, loss: Sum, point: Array, gradient: Array) -> float | None:
    """A bound of f(w) − min f, for a loss that is proven convex everywhere; None if none can be proven.

    point: w (P,). gradient: ∇f(w) (P,). Both in float64.
    """
    around = _around(proof, loss, point)
    if around is None:
        return None
    slope, needed = float(np.linalg.norm(around.inner.T @ (gradient / around.units))), 0.5
    for _ in range(_TRIES):
        radius = 2.1 * slope / needed
        modulus, error = around.curvature(radius)
        longest = slope * (1 + 2.0**-40) + error
        if not modulus > 0:
            return None
        if 2 * longest <= modulus * radius:
            return longest**2 / (2 * modulus)
        slope, needed = longest, modulus / 2
    return None


@dataclass(frozen=True, eq=False)
class _Part:
    """Σ w f(z) with z = A θ + b. columns: Aᵀ (P, N), each in its parameter's unit. norms: of A's rows, then. here: z at the point;
    slack: its rounding error.
    """

    chain: Chain
    weights: Array
    columns: Array
    norms: Array
    here: Array
    slack: Array

    def cells(self, reach: Array | float) -> Cells:
        """The curvature of each example while z changes by no more than `reach`."""
        return Cells.of(self.chain, self.here - reach - self.slack, self.here + reach + self.slack)

    def rows(self, step: int) -> _Part:
        """Every so many-th example."""
        return _Part(self.chain.every(step), *(array[..., ::step] for array in self._arrays))

    @property
    def _arrays(self) -> tuple[Array, ...]:
        return self.weights, self.columns, self.norms, self.here, self.slack


@dataclass(frozen=True, eq=False)
class _Around:
    """The parts around a point. fixed: the Hessian of the quadratic ones, in the parameters' units; error: of it.

    units: of the parameters (P,), powers of two. inner: the coordinates u, in these units (P, P): T = inner / units.
    """

    parts: list[_Part]
    fixed: Array
    error: float
    units: Array
    inner: Array

    def curvature(self, radius: float) -> tuple[float, float]:
        """A modulus in the ball of this radius in u, and what ‖Tᵀ∇f‖ may be wrong by."""
        total, error, slope_error = self.fixed.copy(), self.error, 0.0
        stretch = float(np.linalg.norm(self.inner))
        for part in self.parts:
            cells = part.cells(radius * stretch * part.norms)
            total += _gram(part.columns, cells.curvatures(part.weights))
            rounding = 8 * _UNIT * (part.here.size + len(total) + 64)
            slope_error += 2 * rounding * stretch * float(np.sum(np.abs(part.weights) * cells.steepest * part.norms))
            error += rounding * float(np.trace(total))
        size = len(total)
        error += 16 * size * _UNIT * float(np.linalg.norm(total))
        whitened = self.inner.T @ total @ self.inner
        error = error * stretch**2 + 16 * size * _UNIT * float(np.linalg.norm(whitened))
        if not np.isfinite(whitened).all() or not np.isfinite(error):
            return 0.0, np.inf
        smallest = float(np.linalg.eigvalsh((whitened + whitened.T) / 2)[0])
        return smallest - error, slope_error


def _gram(columns: Array, weights: Array) -> Array:
    """Aᵀ diag(w) A, for weights that are not negative."""
    scaled = columns * np.sqrt(weights)
    product: Array = scaled @ scaled.T
    return product


def _around(proof: Proof, loss: Sum, point: Array) -> _Around | None:
    """What the curvature around a point is computed from; None if some direction has none."""
    size = len(point)
    if size > MOST_PARAMETERS:
        return None
    hessian = quadratic_hessian(proof, loss)
    curved = [node for node in loss.parts if node in loss.good and proof.degrees[node] > 2 and loss.weights[node].any()]
    found = [part for node in curved if (part := _part(proof, node, loss.weights[node], point)) is not None]
    squares = np.diag(hessian.matrix) + sum(np.einsum("pn,pn->p", p.columns, p.columns) / p.here.size for p in found)
    if not (squares > 0).all() or not np.isfinite(squares).all():
        return None
    units = 2.0 ** np.round(np.log2(squares) / 2)
    parts = [_in_units(part, units, float(np.linalg.norm(point * units))) for part in found]
    fixed, error = hessian.matrix / np.outer(units, units), hessian.error / float(np.min(units)) ** 2
    step = max(1, max((part.here.size for part in parts), default=0) // max(_SAMPLE, 8 * size))
    for every in (step, 1):
        few = [part.rows(every) for part in parts]
        sampled = fixed + sum(every * _gram(part.columns, part.cells(0.0).curvatures(part.weights)) for part in few)
        inner = _whitening(sampled)
        if inner is not None:
            return _Around(parts, fixed, error, units, inner)
    return None


def _part(proof: Proof, node: Node, weight: Array, point: Array) -> _Part | None:
    if node.type.size * len(point) > _MOST_ELEMENTS:
        return None
    chain = affine_chain(proof, node)
    if chain is None or not has_jets(chain):
        return None
    columns = jacobian_of(proof.theta, chain.base).T
    (here,) = evaluate(Graph((proof.theta,), (chain.base,)), [point])
    none = np.zeros(0)
    return _Part(chain, weight.reshape(-1), columns, none, here.reshape(-1), none)


def _in_units(part: _Part, units: Array, distance: float) -> _Part:
    """The part with its columns in these units. distance: of the point from the origin, in units."""
    columns = part.columns / units[:, None]
    norms = np.sqrt(np.einsum("pn,pn->n", columns, columns)) * (1 + 2.0**-40)
    slack = 64 * _UNIT * (len(units) + 16) * (norms * distance + np.abs(part.here))
    return _Part(part.chain, part.weights, columns, norms, part.here, slack)


def _whitening(hessian: Array) -> Array | None:
    """A triangular matrix T with Tᵀ H T ≈ 1 that has an inverse for certain: no element on its diagonal is 0."""
    try:
        root = np.linalg.cholesky(hessian)
    except np.linalg.LinAlgError:
        return None
    inner = np.triu(np.linalg.inv(root).T)
    return inner if np.isfinite(inner).all() and np.diag(inner).all() else None

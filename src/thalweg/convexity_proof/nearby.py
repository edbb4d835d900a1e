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

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..graph import Array, Graph, Node, evaluate
from .cells import Cells
from .chains import Chain, has_jets
from .jacobian import Jacobian
from .proof import Proof
from .quadratic import MOST_PARAMETERS
from .regroup import Sum, affine_chain, quadratic_hessian

__all__ = ["gap_at"]

_UNIT = 2.0**-53
_BLOCK = 1 << 17
"""Numbers of a block of examples, which fits in cache."""

_SAMPLE = 1 << 12
"""So many examples are enough to choose coordinates."""

_TRIES = 4


def gap_at(proof: Proof, loss: Sum, point: Array, gradient: Array) -> float | None:
    """A bound of f(w) − min f, for a loss that is proven convex everywhere; None if none can be proven.

    point: w (P,). gradient: ∇f(w) (P,). Both in float64.
    """
    around = None if loss.blamed(proof) else _around(proof, loss, point)
    if around is None:
        return None
    slope = float(np.linalg.norm(around.inner.T @ (gradient / around.units)))
    longest, needed = slope + 2 * around.curvature(0.0, around.step)[1], 0.5
    for _ in range(_TRIES):
        radius = 2.1 * longest / needed
        modulus, error = around.curvature(radius)
        longest = slope * (1 + 2.0**-40) + error
        if not modulus > 0:
            return None
        if 2 * longest <= modulus * radius:
            return longest**2 / (2 * modulus)
        needed = modulus / 2
    return None


@dataclass(frozen=True, eq=False)
class _Part:
    """Σ w f(z), z = A θ + b. here: z at the point (N,). cells: bounds of f''."""

    chain: Chain
    weights: Array
    jacobian: Jacobian
    here: Array
    cells: Cells

    def blocks(self, step: int = 1) -> Iterator[slice]:
        """The examples, some at a time. step: every so many-th."""
        size = step * max(1, _BLOCK // self.jacobian.size)
        for first in range(0, len(self.here), size):
            yield slice(first, min(first + size, len(self.here)), step)

    def bounds(self, places: slice, reach: Array | float) -> tuple[Array, Array]:
        """Of examples, while each one's z changes by no more than its reach: of the curvature and of the slope."""
        here = self.here[places]
        return self.cells.bounds(here - reach, here + reach, self.chain.row[places], self.weights[places])


@dataclass(frozen=True, eq=False)
class _Around:
    """The parts around a point. fixed: the Hessian of the quadratic ones, in the parameters' units; error: of it.

    units: of the parameters (P,), powers of two. distance: of the point from the origin, in units. inner: the coordinates u, in
    these units (P, P): T = inner / units. step: every so many-th example was enough to find them.
    """

    parts: list[_Part]
    fixed: Array
    error: float
    units: Array
    distance: float
    inner: Array
    step: int

    def curvature(self, radius: float, step: int = 1) -> tuple[float, float]:
        """A modulus in the ball of this radius in u, and what ‖Tᵀ∇f‖ may be wrong by. step: from every so many-th example."""
        total, error, slope_error = self.fixed.copy(), self.error, 0.0
        size, stretch = len(total), float(np.linalg.norm(self.inner))
        for part in self.parts:
            rounding = 8 * _UNIT * (len(part.here) + size + 64)
            own, steep = np.zeros_like(total), 0.0
            for places in part.blocks(step):
                rows = part.jacobian.rows(places)
                rows /= self.units
                norms = np.sqrt(np.einsum("np,np->n", rows, rows)) * (1 + 2.0**-40)
                slack = 64 * _UNIT * (size + 16) * (norms * self.distance + np.abs(part.here[places]))
                curved, slopes = part.bounds(places, radius * stretch * norms + slack)
                rows *= np.sqrt(curved)[:, None]
                own += rows.T @ rows
                steep += float(slopes @ norms)
            total += own
            error += rounding * float(np.trace(own))
            slope_error += 2 * rounding * stretch * step * steep
        error += 16 * size * _UNIT * float(np.linalg.norm(total))
        whitened = self.inner.T @ total @ self.inner
        error = error * stretch**2 + 16 * size * _UNIT * float(np.linalg.norm(whitened))
        if not np.isfinite(whitened).all() or not np.isfinite(error):
            return 0.0, np.inf
        smallest = float(np.linalg.eigvalsh((whitened + whitened.T) / 2)[0])
        return smallest - error, slope_error


def _around(proof: Proof, loss: Sum, point: Array) -> _Around | None:
    """What the curvature around a point is computed from; None if along some direction none is seen, or the parts are too many."""
    size = len(point)
    if size > MOST_PARAMETERS:
        return None
    hessian = quadratic_hessian(proof, loss)
    if hessian is None:
        return None
    curved = [node for node in loss.parts if node in loss.good and proof.degrees[node] > 2 and loss.weights[node].any()]
    if not proof.effort.affords(sum(proof.place[node] for node in curved[1:])):
        return None
    parts = [part for node in curved if (part := _part(proof, node, loss.weights[node], point)) is not None]
    most = max((len(part.here) for part in parts), default=0)
    for step in sorted({max(1, most // max(_SAMPLE, 8 * size)), 1}, reverse=True):
        total = hessian.matrix + sum(step * _sampled(part, step) for part in parts)
        squares = np.diag(total)
        if not np.isfinite(total).all() or not (squares > 0).all():
            continue
        units = 2.0 ** np.round(np.log2(squares) / 2)
        inner = _whitening(total / np.outer(units, units))
        if inner is not None:
            fixed, error = hessian.matrix / np.outer(units, units), hessian.error / float(np.min(units)) ** 2
            return _Around(parts, fixed, error, units, float(np.linalg.norm(point * units)), inner, step)
    return None


def _sampled(part: _Part, step: int) -> Array:
    """The Hessian of every so many-th example."""
    total = np.zeros((part.jacobian.size,) * 2)
    for places in part.blocks(step):
        rows = part.jacobian.rows(places)
        curved, _ = part.bounds(places, 0.0)
        total += (rows * curved[:, None]).T @ rows
    return total


def _part(proof: Proof, node: Node, weight: Array, point: Array) -> _Part | None:
    chain = affine_chain(proof, node)
    jacobian = None if chain is None or not has_jets(chain) else Jacobian.of(proof, chain.base)
    if chain is None or jacobian is None:
        return None
    (here,) = evaluate(Graph((proof.theta,), (chain.base,)), [point])
    here = here.reshape(-1)
    if not here.size or not np.isfinite(here).all():
        return None
    return _Part(chain, weight.reshape(-1), jacobian, here, Cells.around(chain, here))


def _whitening(hessian: Array) -> Array | None:
    """A triangular matrix T with Tᵀ H T ≈ 1 that has an inverse for certain: no element on its diagonal is 0."""
    try:
        root = np.linalg.cholesky(hessian)
    except np.linalg.LinAlgError:
        return None
    inner = np.triu(np.linalg.inv(root).T)
    return inner if np.isfinite(inner).all() and np.diag(inner).all() else None

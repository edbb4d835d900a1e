"""What is known of the place where a descent ended: measured once, in figures that do not depend on units."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import optree

from ..convexity_proof import Convexity, ConvexityKind, ProvenLoss
from ..descent import Result
from ..descent.evaluation import evaluated, gradients_at, losses_at
from ..descent.norms import norm
from ..descent.plan import Origin
from ..descent.problem import Problem, problem_of
from ..graph import Array
from ..uncollected import uncollected
from .differences import Differences, is_long
from .landscape import COUNT, FACTOR, Ray, look_along
from .provable import bytes_of, proven_of
from .smooth import is_smooth
from .spectrum import Spectrum, krylov_of, spectrum_of

__all__ = ["TOLERANCE", "Situation"]

TOLERANCE = 1e-6
"""What is left to fall counts as nothing if it is less than this share of the fall so far."""

_TOLERANCE_LATE = 1e-3
"""And less than this share of the fall in the second half of the steps."""

_BENT_EIGENVALUE, _BENT_SHARE, _BENT_NOISE = 1e2, 1e-6, 1e2
"""By how many times its error, by what share of the losses and by how many times their rounding a loss has to curve downwards to be seen
to."""

_SEEN_BENT = "not looked for: around the end the loss is seen to curve downwards, so it is not convex"

_LARGE = 100_000
"""Parameters times examples, of which fewer points are looked at."""


class Situation:
    """The end of a descent, and what can be measured there. Each figure is worked out when it is first asked for."""

    def __init__(self, result: Result, proven: ProvenLoss | None = None) -> None:
        """proven: what is known of the loss already."""
        origin: Origin = result.origin
        self._proven = proven
        self.result = result
        self.plan = origin.plan
        self.start = origin.start.astype(np.float64)
        self.end = origin.end
        self.arrays: Sequence[Array] = origin.plan.data.arrays
        self.problem: Problem = origin.plan.whole().with_numbers(origin.numbers)
        self.step_problem: Problem = origin.plan.problem.with_numbers(origin.numbers)

    @property
    def _is_large(self) -> bool:
        return self.end.size * max((len(array) for array in self.arrays), default=1) > _LARGE

    def evaluated(self, vector: Array) -> tuple[Array, Array]:
        """Loss and gradient (P,) over all examples."""
        alone = self.result.origin.alone
        return self.plan.evaluated(vector, alone) if alone else evaluated(self.problem, vector, self.arrays)

    def losses(self, points: Array) -> Array:
        """The loss over all examples at points (M, P) → (M,), float64. A long one is evaluated at one after the other, by the program that
        is there."""
        if self.is_long:
            return np.array([self.evaluated(point)[0] for point in points], np.float64)
        return losses_at(self.problem, points, self.arrays)

    def gradients(self, points: Array) -> Array:
        """The gradient over all examples at points (M, P) → (M, P), float64."""
        if self.is_long:
            return np.array([self.evaluated(point)[1] for point in points], np.float64)
        return gradients_at(self.problem, points, self.arrays)

    @cached_property
    def is_long(self) -> bool:
        """Whether the loss has very many nodes."""
        return self.problem.is_traced and is_long(self.problem.graph)

    # At the end
    @cached_property
    def _here(self) -> tuple[Array, Array]:
        return self.result.origin.there or self.evaluated(self.end)

    @property
    def loss(self) -> float:
        """f(w), over all examples."""
        return float(self._here[0])

    @property
    def gradient(self) -> Array:
        """∇f(w) (P,), over all examples."""
        return self._here[1].astype(np.float64)

    @cached_property
    def gradient_norm(self) -> float:
        """‖∇f(w)‖."""
        return norm(self.gradient)

    @cached_property
    def start_loss(self) -> float:
        """f at the start, over all examples."""
        return float(self.evaluated(self.start.astype(self.end.dtype))[0])

    @property
    def fallen(self) -> float:
        """How far the loss fell from the start to the end."""
        return max(0.0, self.start_loss - self.loss)

    @cached_property
    def noise(self) -> float:
        """The rounding error of a loss here: that of the number itself, and what the last digits of the parameters change."""
        precision: float = float(np.finfo(self.end.dtype).eps)
        sizes = 4 * precision * np.maximum(np.abs(self.end), np.abs(self.start))
        # Of large data few points, by the program that is there already: of fewer, the largest change is multiplied by more.
        count, factor = (3, 4) if self._is_large else (15, 2)
        points = (self.end + sizes * self._fresh.standard_normal((count, self.end.size))).astype(self.end.dtype)
        if self._is_large:
            losses = np.array([self.evaluated(point)[0] for point in points], np.float64)
        else:
            losses = self.losses(points)
        changes = np.abs(losses - self.loss)
        scatter = float(np.max(changes[np.isfinite(changes)], initial=0.0))
        size = abs(self.loss) if np.isfinite(self.loss) else 0.0
        return float(32 * precision * size + factor * scatter)

    @cached_property
    def fades_outwards(self) -> bool:
        """Whether the loss fades exponentially from the origin through the end and on, until only its last digits are left."""
        factors = 2.0 ** np.arange(-4, 12)
        losses = self.losses((factors[:, None] * self.end).astype(self.end.dtype))
        inside, outside = losses[:4], losses[5:]
        if not (inside > 0).all() or not inside[-1] < TOLERANCE * inside[0]:
            return False  # the minimum may have been reached, as of squared hinges
        slopes = -np.diff(np.log(inside))  # twice as large over twice the distance
        ratios = slopes[1:] / np.maximum(slopes[:-1], 1e-300)
        is_exponential = slopes[0] > 0 and bool(np.all((ratios > 1.5) & (ratios < 3)))
        return (
            is_exponential
            and bool(np.all(outside <= self.loss + self.noise))
            and self.loss < TOLERANCE * self.start_loss
        )

    @property
    def has_no_scale(self) -> bool:
        """Whether the parameters are zero and always were, so that their units are not known."""
        return not np.any(self.end) and not np.any(self.start)

    @property
    def tolerance(self) -> float:
        """A fall that counts as nothing. A long fall at the beginning does not excuse what is left: it counts by half-time too."""
        return max(min(TOLERANCE * self.fallen, _TOLERANCE_LATE * self.fallen_late), self.noise)

    @cached_property
    def fallen_late(self) -> float:
        """How far the loss fell in the second half of the steps that changed it. Where losses converge linearly, it is the root of the whole."""
        history = self.result.history
        if not len(history):
            return self.fallen
        of_batches = self.plan.batch is not None
        changing = np.flatnonzero(history.loss[:-1] != history.loss[-1])
        # Steps too short for the parameters' last digits change nothing, and have no part in it.
        last = -1 if of_batches or not len(changing) else int(changing[-1]) + 1
        middle = int(np.searchsorted(history.step, (history.step[0] + history.step[last]) // 2, side="right")) - 1
        there = np.median(history.loss[max(0, middle - 2) : middle + 3]) if of_batches else history.loss[middle]
        fall = float(there) - self.loss
        return max(0.0, fall) if np.isfinite(fall) else self.fallen

    @cached_property
    def scale(self) -> float:
        """A length that fits the parameters: how far they moved, or how large they are."""
        moved = norm(self.end - self.start)
        size = norm(self.end)
        return max(moved, size) or 1.0

    # Curvature
    @cached_property
    def spectrum(self) -> Spectrum:
        """Eigenvalues of the Hessian."""
        return self.spectrum_at(self.end)

    def spectrum_at(self, vector: Array, is_sharp: bool = False) -> Spectrum:
        """Eigenvalues of the Hessian at a point (P,). is_sharp: as `spectrum_of` has it."""
        return spectrum_of(self.problem, vector, self.arrays, is_sharp, self._differences(vector))

    def _differences(self, vector: Array) -> Differences | None:
        """Of the gradients of a long loss; None where the Hessian has a program of its own."""
        if not self.is_long or not self.problem.is_differentiated:
            return None
        wide = vector.astype(np.float64)
        lengths = np.maximum(np.maximum(np.abs(wide), np.abs(wide - self.start)), 1e-3 * self.scale)
        return Differences(lambda point: self._evaluated_widely(point)[1], wide, lengths)

    def _evaluated_widely(self, vector: Array) -> tuple[Array, Array]:
        """Loss and gradient at parameters in float64, whatever they have in the descent: float32 is too coarse for differences."""
        if self.end.dtype == np.float64:
            return self.evaluated(vector)
        return evaluated(self._wide, vector, self.arrays)

    @cached_property
    def _wide(self) -> Problem:
        """The problem for parameters in float64."""
        plan = self.plan
        tree = optree.tree_map(lambda leaf: np.asarray(leaf, np.float64), self.problem.layout.tree(self.end))
        problem = problem_of(plan.loss, tree, plan.data, plan.data.examples, numbers=plan.problem.numbers)
        return problem.with_numbers(self.result.origin.numbers)

    @cached_property
    def sharper(self) -> Spectrum:
        """Many more rounds of Lanczos, where the whole Hessian was not formed: before it is said that nothing curves downwards."""
        return self.spectrum if self.spectrum.is_exact else self.spectrum_at(self.end, is_sharp=True)

    @cached_property
    def pairs(self) -> tuple[Array, Array]:
        """Curvatures λ and directions, as columns, in which the gradient has parts: all of them, or a Krylov space's."""
        if self.spectrum.vectors is not None:
            return self.spectrum.values, self.spectrum.vectors
        return krylov_of(self.problem, self.end, self.arrays, self.gradient, self._differences(self.end))

    @cached_property
    def stays_negative(self) -> bool:
        """Whether the smallest eigenvalue is below zero at the end of a Newton step, too, and by about as much."""
        place = (self.end + self.newton_direction).astype(self.end.dtype)
        there = self.spectrum_at(place)
        return not there.smallest > 0.5 * self.spectrum.smallest

    @cached_property
    def decrement(self) -> float:
        """½ Σ (v·∇f)² / |λ|: how far the loss would fall if it were quadratic. Directions without curvature count nothing."""
        values, vectors = self.pairs
        parts = vectors.T @ self.gradient
        is_curved = np.abs(values) > self.spectrum.smallest_error
        return float(0.5 * np.sum(parts[is_curved] ** 2 / np.abs(values[is_curved]), initial=0.0))

    @cached_property
    def newton_direction(self) -> Array:
        """−Σ (v·∇f / |λ|) v: downhill along every direction that is curved; 0 if none is."""
        values, vectors = self.pairs
        is_curved = np.abs(values) > self.spectrum.smallest_error
        parts = np.where(is_curved, vectors.T @ self.gradient / np.where(is_curved, np.abs(values), 1.0), 0.0)
        direction: Array = -(vectors @ parts)
        return direction

    @cached_property
    def flat_directions(self) -> Array:
        """Directions (k, P) along which the curvature is zero within its error, or below; at most 64, and 16 of large losses."""
        if self.spectrum.vectors is None:
            return self.spectrum.smallest_direction[None]
        is_flat = self.spectrum.values <= self.spectrum.smallest_error
        return self.spectrum.vectors[:, is_flat].T[: 16 if self._is_large else 64]

    @property
    def bytes(self) -> int:
        """Of the parameters and all data."""
        return bytes_of(self.plan, self.problem)

    @cached_property
    def proven(self) -> ProvenLoss | None:
        """What is proven of the loss, where that does not take longer than the rest."""
        if self._proven is None and self.is_long and self.is_bent:
            return None
        return self._proven or proven_of(self.plan, self.problem)

    @cached_property
    def is_bent(self) -> bool:
        """Whether the loss is seen to curve downwards somewhere around the end, by far more than rounding: then it cannot be convex."""
        if self.spectrum.smallest < -_BENT_EIGENVALUE * self.spectrum.smallest_error:
            return True
        lengths = np.maximum(np.abs(self.end - self.start), np.abs(self.end)).astype(np.float64)
        directions = self._fresh.standard_normal((4, self.end.size)) * np.maximum(lengths, 1e-3 * self.scale)
        steps = 1e-2 * 2.0 ** np.arange(12)
        for direction in (*directions, *-directions):
            points = (self.end + steps[:, None] * direction).astype(self.end.dtype)
            values, places = np.append(self.loss, self.losses(points)), np.append(0.0, steps)
            share = np.diff(places[1:]) / (places[2:] - places[:-2])
            chord = share * values[:-2] + (1 - share) * values[2:]
            sizes = np.max(np.abs([values[:-2], values[1:-1], values[2:]]), axis=0)
            if bool(np.any(values[1:-1] - chord > _BENT_SHARE * sizes + _BENT_NOISE * self.noise)):
                return True
        return False

    @property
    def convexity(self) -> Convexity:
        """Whether the loss is proven convex."""
        if self.proven is None:
            is_bent = self._proven is None and self.is_long and self.is_bent
            reason = _SEEN_BENT if is_bent else "not looked for: the proof would take longer than the descent"
            return Convexity(ConvexityKind.UNKNOWN, reason=reason)
        return self.proven.convexity

    @cached_property
    def gap(self) -> float | None:
        """A bound of f(w) − min f, from strong convexity around the end, for a smooth loss that is proven convex; None if none can be
        proven."""
        if self.proven is None or not self.convexity.is_convex:
            return None
        end = self.end.astype(np.float64)
        with uncollected():
            slope = self.gradient if self.end.dtype == np.float64 else self.proven.gradient(end)
            return self.proven.gap(end, slope, enough=self.noise)

    # Around the end
    @cached_property
    def generator(self) -> np.random.Generator:
        """Drawn from the place itself."""
        return self._fresh

    @property
    def _fresh(self) -> np.random.Generator:
        return np.random.default_rng(list(hashlib.sha256(np.ascontiguousarray(self.end).tobytes()).digest()))

    def look(self, directions: Sequence[Array], firsts: Sequence[float] | None = None) -> list[Ray]:
        """Rays along directions; by default from a thousandth of the parameters' scale on."""
        lengths = firsts
        if lengths is None:
            sizes = [float(np.linalg.norm(direction)) or 1.0 for direction in directions]
            lengths = [1e-3 * self.scale / size for size in sizes]
        return look_along(self.losses, self.end, self.loss, self.noise, directions, lengths)

    @cached_property
    def downhill_rays(self) -> list[Ray]:
        """Along −∇f, the Newton direction, away from the origin, and along −∇f where there is no curvature: whichever are not 0."""
        flat = self.flat_directions
        along_flat = -(flat.T @ (flat @ self.gradient)) if len(flat) else np.zeros(self.end.size)
        directions = [-self.gradient, self.newton_direction, self.end.astype(np.float64), along_flat]
        firsts = [1e-3 if d is self.newton_direction else 1e-3 * self.scale / (norm(d) or 1.0) for d in directions]
        chosen = [i for i, d in enumerate(directions) if np.isfinite(d).all() and np.any(d != 0)]
        return self.look([directions[i] for i in chosen], [firsts[i] for i in chosen]) if chosen else []

    @cached_property
    def closer_rays(self) -> list[Ray]:
        """The same, close by: what falls there may rise again soon, beyond a kink."""
        rays = self.downhill_rays
        return (
            self.look([ray.direction for ray in rays], [ray.lengths[0] / FACTOR**COUNT for ray in rays]) if rays else []
        )

    @cached_property
    def has_kink(self) -> bool:
        """Whether the gradient jumps close by: by as much in a hundredth of the distance."""
        if is_smooth(self.problem.graph):
            return False
        radius = 1e-6 * self.scale * (1 if self.end.dtype == np.float64 else 1e2)
        far, near = (self._jump(self._sphere(length, 16)) for length in (radius, radius / 100))
        return near[0] > 0.3 * far[0] and far[0] > 1e-3 * far[1]

    def _jump(self, points: Array) -> tuple[float, float]:
        """How far gradients differ from one another, and how long the longest is."""
        gradients = self.gradients(points)
        if not np.isfinite(gradients).all():
            return 0.0, 1.0
        together = np.vstack([gradients, self.gradient])
        jump = float(np.max(np.linalg.norm(together - together.mean(axis=0), axis=1)))
        return jump, float(np.max(np.linalg.norm(together, axis=1)))

    def _sphere(self, radius: float, count: int) -> Array:
        offsets = self.generator.standard_normal((count, self.end.size))
        offsets *= radius / np.maximum(np.linalg.norm(offsets, axis=1, keepdims=True), 1e-300)
        return (self.end + offsets).astype(self.end.dtype)

    @cached_property
    def subgradient(self) -> tuple[Array, float]:
        """The shortest vector in the convex hull of gradients close by, and its length as a share of the longest of them.

        Source: J. Burke, A. Lewis and M. Overton, *A robust gradient sampling algorithm* (2005).
        """
        from scipy.optimize import nnls

        count = min(4 * self.end.size + 16, 128)
        points = self._sphere(1e-6 * self.scale, count)
        gradients = np.vstack([self.gradients(points), self.gradient])
        longest = float(np.max(np.linalg.norm(gradients, axis=1))) or 1.0
        scaled = gradients / longest
        weight = 1e3
        system = np.vstack([scaled.T, weight * np.ones(len(scaled))])
        right = np.append(np.zeros(self.end.size), weight)
        weights, _ = nnls(system, right, maxiter=50 * len(scaled))
        shortest = scaled.T @ (weights / max(weights.sum(), 1e-300))
        self.longest_gradient = longest
        return shortest * longest, float(np.linalg.norm(shortest))

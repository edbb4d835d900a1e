"""The search for a counterexample: a segment on which the loss lies above its chord by more than rounding explains.

Segments are drawn at several scales, along single parameters and along all of them, and through points in the direction
in which the Hessian's most negative eigenvalue points.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..autodiff import adjoints, batched, gradient, pushforward
from ..graph import Array, Graph, constant, evaluate, evaluate_nodes, input_node
from ..graph.node import ArrayType
from ..rewrite import simplify
from .intervals import Interval

__all__ = ["Segment", "find_counterexample", "rounding"]

Segment = tuple[Array, Array, float]
"""a, b and θ."""

_BATCH = 64
_MOST_ELEMENTS = 1 << 22
_MOST_DENSE = 150
_THETAS = (0.5, 0.9, 0.1)


def rounding(graph: Graph, point: Array, dtype: np.dtype[np.float64]) -> float:
    """An estimate from above of the rounding error of the loss at a point: what every operation contributes."""
    (loss,), (theta,) = graph.outputs, graph.inputs
    found = adjoints([loss], [constant(np.ones(loss.shape))], [theta])
    values = evaluate_nodes(Graph((theta,), (*found, *found.values())), [point])
    with np.errstate(all="ignore"):
        total = sum(float(np.sum(np.abs(values[node] * values[adjoint]))) for node, adjoint in found.items())
        constants = sum(
            float(np.sum(np.abs(np.asarray(values[x], np.float64)))) * float(np.max(np.abs(values[adjoint]), initial=0))
            for node, adjoint in found.items()
            for x in node.operands
            if x not in found
            and x.type.size == 1
            and x.dtype.kind == "f"
            and node.primitive.name in ("add", "subtract")
        )
    return 64 * float(np.finfo(dtype).eps) * (total + constants)


class _Search:
    def __init__(self, graph: Graph, start: Array, within: Interval, seed: int) -> None:
        self.graph, self.start, self.within = graph, start, within
        self.random = np.random.default_rng(seed)
        self.scale = np.maximum(np.abs(start), 1.0)
        (loss,), (theta,) = graph.outputs, graph.inputs
        largest = max((node.type.size for node in graph.nodes if not node.is_constant), default=1)
        self.batch = int(np.clip(_MOST_ELEMENTS // max(largest, 1), 1, _BATCH))
        batch = input_node(ArrayType((self.batch, *theta.shape), theta.dtype))
        self._many = Graph((batch,), batched([loss], [theta], [batch], self.batch))
        self.is_large = largest * theta.type.size > _MOST_ELEMENTS * 4

    def losses(self, points: Array) -> Array:
        """The loss at many points."""
        results = []
        for first in range(0, len(points), self.batch):
            some = points[first : first + self.batch]
            filled = np.concatenate([some, np.repeat(some[:1], self.batch - len(some), axis=0)])
            (values,) = evaluate(self._many, [filled])
            results.append(values.reshape(self.batch)[: len(some)])
        return np.concatenate(results)

    def inside(self, points: Array) -> Array:
        return np.clip(points, self.within.lower, self.within.upper)

    def random_segments(self, count: int) -> tuple[Array, Array]:
        """Along all parameters, along one, and from the start, at scales from 0.01 to 100."""
        size = self.start.size
        scales = 10.0 ** self.random.uniform(-2, 2, (count, 1)) * self.scale
        a = self.start + scales * self.random.standard_normal((count, size)) * (self.random.random((count, 1)) < 0.8)
        step = scales * self.random.standard_normal((count, size))
        single = np.zeros((count, size))
        single[np.arange(count), self.random.integers(0, size, count)] = 1
        b = a + np.where(self.random.random((count, 1)) < 0.4, step * single, step)
        b = np.where(self.random.random((count, 1)) < 0.15, -a, b)
        return self.inside(a), self.inside(b)

    def curvature_segments(self, count: int) -> Iterator[tuple[Array, Array]]:
        """Through points, along the eigenvector of the Hessian's smallest eigenvalue, for many lengths."""
        size = self.start.size
        (theta,) = self.graph.inputs
        (slope,) = simplify(Graph((theta,), gradient(self.graph.outputs[0], [theta]))).outputs
        tangent = input_node(theta.type)
        product = simplify(Graph((theta, tangent), pushforward([slope], [theta], [tangent])))
        columns = None
        if size <= _MOST_DENSE and not self.is_large:
            unit = constant(np.eye(size))
            columns = simplify(Graph((theta,), batched(product.outputs, [tangent], [unit], size)))
        lengths = 2.0 ** np.arange(-8, 6)[:, None]
        for number in range(count):
            scale = 0.0 if number == 0 else 10.0 ** self.random.uniform(-1, 1)
            point = self.inside(self.start + scale * self.scale * self.random.standard_normal(size))
            direction = self._most_negative(point, columns, product)
            if direction is not None:
                step = lengths * direction
                yield self.inside(point - step), self.inside(point + step)

    def _most_negative(self, point: Array, columns: Graph | None, product: Graph) -> Array | None:
        if columns is not None:
            (matrix,) = evaluate(columns, [point])
            if not np.isfinite(matrix).all():
                return None
            values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
            return np.asarray(vectors[:, 0]) if values[0] < 0 else None
        direction = self.random.standard_normal(point.size)
        shift = 0.0
        for _ in range(24):  # power iteration on the Hessian less its largest eigenvalue
            direction = direction / max(float(np.linalg.norm(direction)), 1e-300)
            (image,) = evaluate(product, [point, direction])
            if not np.isfinite(image).all():
                return None
            shift = max(shift, float(np.linalg.norm(image)))
            direction = image - shift * direction
        norm = float(np.linalg.norm(direction))
        if not norm:
            return None
        direction = direction / norm
        (image,) = evaluate(product, [point, direction])
        return direction if float(direction @ image) < 0 else None

    def candidates(self, a: Array, b: Array) -> Iterator[tuple[float, Segment]]:
        """How far the loss lies above the chord, relative to its size, for the segments where it seems to."""
        ends = self.losses(np.concatenate([a, b]))
        at_a, at_b = ends[: len(a)], ends[len(a) :]
        for theta in _THETAS if self.batch > 1 else _THETAS[:1]:
            between = self.losses(theta * a + (1 - theta) * b)
            with np.errstate(all="ignore"):
                chord = theta * at_a + (1 - theta) * at_b
                gap = (between - chord) / (np.abs(at_a) + np.abs(at_b) + np.abs(between))
                gap = np.where(np.isfinite(at_a) & np.isfinite(at_b) & ~np.isfinite(between), 10.0, gap)
            for index in np.flatnonzero(gap > 1e-13):
                yield float(gap[index]), (a[index], b[index], theta)


def find_counterexample(
    graph: Graph,
    start: Array,
    within: Interval,
    is_counterexample: Callable[[Segment], bool],
    *,
    segments: int = 256,
    points: int = 8,
    seed: int = 0,
) -> Segment | None:
    """A segment that refutes convexity, or None if none was found.

    graph: θ → loss, in float64. is_counterexample: the final check, in plain evaluation.
    """
    search = _Search(graph, start, within, seed)
    if search.is_large:
        segments, points = min(segments, 24), min(points, 2)
    with np.errstate(all="ignore"):
        groups = [search.random_segments(segments)]
        for number, group in enumerate([*groups, *search.curvature_segments(points)]):
            found = sorted(search.candidates(*group), key=lambda pair: -pair[0])
            for _, segment in found[: 8 if number == 0 else 3]:
                if is_counterexample(segment):
                    return segment
    return None

"""The plane through which a landscape is seen: the parameters themselves where there are one or two, else two directions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..graph import Array
from ..pictures.landscape import filter_normalised
from .gallery import Window
from .subject import Subject

__all__ = ["Plane", "axes_plane", "fitted", "path_plane", "random_plane"]


@dataclass(frozen=True, eq=False)
class Plane:
    """Points of the plane are origin + a · directions. directions: (1 or 2, P), at right angles, of length 1.
    share: how much of the paths' squared extent lies in the plane. window: what is to be seen, around the paths."""

    origin: Array
    directions: Array
    share: float = 1.0
    window: Window | None = None

    def points(self, coordinates: Array) -> Array:
        """(M, 1 or 2) → (M, P)."""
        return np.asarray(self.origin + coordinates @ self.directions)

    def coordinates(self, points: Array) -> Array:
        """(M, P) → (M, 1 or 2): of the nearest points of the plane."""
        return np.asarray((points - self.origin) @ self.directions.T)


def axes_plane(subject: Subject) -> Plane:
    """The plane of one or two parameters."""
    return Plane(np.zeros(subject.size), np.eye(subject.size))


def path_plane(paths: Sequence[Array]) -> Plane:
    """The plane through the end of the first path that holds most of all paths (K, P): their principal directions."""
    origin = paths[0][-1]
    offsets = np.concatenate(paths) - origin
    if not np.any(offsets):
        offsets = np.eye(2, len(origin))
    directions, share = _principal(offsets)
    return _seen(Plane(origin, _two(directions), share), paths)


def _principal(offsets: Array) -> tuple[Array, float]:
    """The two principal directions (2, P), and the share of the squared lengths that they hold."""
    count, size = offsets.shape
    if size <= count:
        values, vectors = np.linalg.eigh(offsets.T @ offsets)
        directions = vectors[:, ::-1][:, :2].T
    else:
        values, vectors = np.linalg.eigh(offsets @ offsets.T)
        directions = np.linalg.qr((vectors[:, ::-1][:, :2].T @ offsets).T)[0].T
    return directions, float(np.sum(values[-2:]) / np.sum(values))


def random_plane(subject: Subject, paths: Sequence[Array], seed: int) -> Plane:
    """A plane through the end of the first path, along random directions whose filters are as long as those of the parameters."""
    origin = paths[0][-1]
    generator = np.random.default_rng(seed)
    drawn = np.stack([filter_normalised(subject.plan.problem.layout, origin, 1.0, generator) for _ in range(2)])
    length = float(np.linalg.norm(drawn[0])) or 1.0
    directions = _two(np.linalg.qr(drawn.T)[0].T)
    offsets = np.concatenate(paths) - origin
    total = float(np.sum(offsets**2))
    share = float(np.sum((offsets @ directions.T) ** 2)) / total if total else 0.0
    return Plane(origin, directions, share, (-length, length, -length, length))


def _two(directions: Array) -> Array:
    """The first two, with the sign that makes their largest part positive, so that pictures do not flip."""
    first = directions[:2]
    largest = first[np.arange(len(first)), np.argmax(np.abs(first), axis=1)]
    return np.asarray(first * np.sign(largest)[:, None])


def _seen(plane: Plane, paths: Sequence[Array]) -> Plane:
    along = plane.coordinates(np.concatenate(paths))
    low, high = along.min(axis=0), along.max(axis=0)
    margin = 0.3 * float(np.max(high - low)) or 1.0
    window = (low[0] - margin, high[0] + margin, low[1] - margin, high[1] + margin)
    return Plane(plane.origin, plane.directions, plane.share, tuple(map(float, window)))  # type: ignore[arg-type]  # four


def fitted(window: Sequence[float], aspect: float) -> Window:
    """The window, made wider or higher, so that a unit is as long along both axes in a picture of width / height = aspect."""
    x0, x1, y0, y1 = window
    width, height = max(x1 - x0, 1e-12), max(y1 - y0, 1e-12)
    wanted = max(width, height * aspect)
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    return x - wanted / 2, x + wanted / 2, y - wanted / aspect / 2, y + wanted / aspect / 2

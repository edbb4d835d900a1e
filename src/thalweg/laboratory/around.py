"""Around one point: slices with their tangents, Taylor approximations, slopes in every direction, and what the model predicts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..graph import Array
from .gallery import Window
from .plane import Plane
from .subject import Examples, Subject

__all__ = ["Around", "Slice", "around", "field_of"]

_POINTS = 161
_ANGLES = 72


@dataclass(frozen=True, eq=False)
class Slice:
    """The loss along w + t · direction. name: "x", "y", or "descent" for −∇f / ‖∇f‖. t: lengths; losses: there.
    slope: ∇f · direction, of the tangent at t = 0; curvature: directionᵀ ∇²f direction."""

    name: str
    t: Array
    losses: Array
    slope: float
    curvature: float


@dataclass(frozen=True, eq=False)
class Around:
    """What there is to see at a point. gradient: in the plane (1 or 2,). hessian: in the plane, likewise. gradient_norm: of the whole
    gradient. angles, slopes: (f(w + r p) − f(w)) / r for directions p of the plane and a small radius r; empty for one parameter."""

    loss: float
    gradient: Array
    gradient_norm: float
    hessian: Array
    slices: tuple[Slice, ...]
    angles: Array
    slopes: Array


def around(subject: Subject, plane: Plane, window: Window, point: Array) -> Around:
    """Looks around a point (P,) in a plane, as far as the window."""
    gradient = subject.gradients(point[None])[0]
    norm = float(np.linalg.norm(gradient))
    directions = list(plane.directions)
    products = [subject.hessian_product(point, direction) for direction in directions]
    hessian = np.array([[product @ direction for direction in directions] for product in products])
    here = plane.coordinates(point[None])[0]
    spans = [(window[0] - here[0], window[1] - here[0])]
    names = ["x"]
    if len(directions) > 1:
        spans.append((window[2] - here[1], window[3] - here[1]))
        names.append("y")
        if norm > 0 and np.isfinite(norm):
            far = 0.3 * (window[1] - window[0])
            directions.append(-gradient / norm)
            products.append(subject.hessian_product(point, directions[-1]))
            spans.append((-0.5 * far, far))
            names.append("descent")
    slices = tuple(
        _slice(subject, point, *parts, gradient) for parts in zip(names, directions, products, spans, strict=True)
    )
    angles, slopes = _slopes(subject, plane, window, point) if len(plane.directions) > 1 else (np.zeros(0), np.zeros(0))
    loss = float(subject.losses(point[None])[0])
    return Around(loss, plane.directions @ gradient, norm, hessian, slices, angles, slopes)


def _slice(
    subject: Subject,
    point: Array,
    name: str,
    direction: Array,
    product: Array,
    span: tuple[float, float],
    gradient: Array,
) -> Slice:
    t = np.linspace(min(span[0], 0.0), max(span[1], 0.0), _POINTS)
    losses = subject.losses(point + t[:, None] * direction)
    return Slice(name, t, losses, float(gradient @ direction), float(product @ direction))


def _slopes(subject: Subject, plane: Plane, window: Window, point: Array) -> tuple[Array, Array]:
    radius = 1e-4 * (window[1] - window[0])
    angles = np.linspace(-np.pi, np.pi, _ANGLES + 1)
    rays = np.stack([np.cos(angles), np.sin(angles)], axis=1) @ plane.directions
    # From both sides: what is left is of the order r², also where the loss bends much.
    ahead, behind = subject.losses(point + radius * rays), subject.losses(point - radius * rays)
    return angles, (ahead - behind) / (2 * radius)


_FIELD = 48


def field_of(examples: Examples, nested: object) -> tuple[str, Array]:
    """What a model predicts: ("curve", (101, 2) of x and prediction) for one feature, ("field", (48, 48)) for two, and for more
    ("scatter", (N, 2) of observed and predicted values)."""
    X = examples.X
    low, high = extent(X)
    if X.shape[1] == 1:
        x = np.linspace(low[0], high[0], 101)
        return "curve", np.stack([x, examples.predict(nested, x[:, None])], axis=1)
    if X.shape[1] == 2:
        x, y = (np.linspace(a, b, _FIELD) for a, b in zip(low, high, strict=True))
        both = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        return "field", np.asarray(examples.predict(nested, both)).reshape(_FIELD, _FIELD)
    return "scatter", np.stack([examples.y, examples.predict(nested, X)], axis=1)


def extent(X: Array) -> tuple[Array, Array]:
    """What is seen of the features: a little more than where they are."""
    low, high = X.min(axis=0), X.max(axis=0)
    margin = 0.08 * (high - low) + 1e-9
    return low - margin, high + margin

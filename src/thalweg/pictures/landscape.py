"""The landscape of a loss with many parameters, cut along two directions through the end of the descent.

Source: H. Li, Z. Xu, G. Taylor, C. Studer and T. Goldstein, *Visualizing the loss landscape of neural nets* (NeurIPS 2018):
random directions whose filters are as long as those of the parameters, and the principal directions of the way.
"""

from __future__ import annotations

import numpy as np

from ..descent.parameters import Layout
from ..graph import Array
from .plane import Path, Plane, plane_of, thinned
from .subject import Subject

__all__ = ["filter_normalised", "landscape_of", "principal_plane_of"]

_SIDE = 61


def filter_normalised(layout: Layout, end: Array, scale: float, generator: np.random.Generator) -> Array:
    """A random direction (P,), each filter of which is as long as that of the parameters at the end (P,).

    A filter is what leads to one output: a column of y = x·W. Arrays of one axis are taken whole. If all parameters are zero the
    direction has the length `scale`.
    """
    parts, place = [], 0
    for type in layout.types:
        own = end[place : place + type.size].reshape(-1, type.shape[-1] if len(type.shape) > 1 else 1)
        drawn = generator.standard_normal(own.shape)
        drawn *= np.linalg.norm(own, axis=0) / np.maximum(np.linalg.norm(drawn, axis=0), 1e-300)
        parts.append(drawn.reshape(-1))
        place += type.size
    direction: Array = np.concatenate(parts)
    if np.any(direction):
        return direction
    drawn = generator.standard_normal(layout.size)
    return drawn * scale / np.linalg.norm(drawn)


def landscape_of(subject: Subject) -> Plane | None:
    """The loss around the end along two random directions; None for less than three parameters."""
    if subject.size < 3:
        return None
    generator = np.random.default_rng(subject.result.origin.plan.seed)
    layout, scale = subject.problem.layout, subject.situation.scale
    directions = np.array([filter_normalised(layout, subject.end, scale, generator) for _ in range(2)])
    one = np.ones(2)
    x, y, loss = plane_of(subject, subject.end, directions, -one, one, subject.side(_SIDE))
    step, loss_here = np.array([subject.result.steps]), np.array([subject.situation.loss])
    here = Path(step, np.zeros(1), np.zeros(1), loss_here)
    return Plane(
        "landscape",
        "The landscape around the end",
        x,
        y,
        loss,
        ("first random direction", "second random direction"),
        (here,),
        note="Both directions are random, with filters as long as those of the parameters; the end lies in the middle.",
    )


def principal_plane_of(subject: Subject) -> Plane | None:
    """The plane in which most of the way lies, through the end; None for less than three parameters or a way of less than three points."""
    way = subject.best_way
    if subject.size < 3 or way is None or len(way) < 4:
        return None
    way = thinned(way)
    offsets = way.parameters.astype(np.float64) - subject.end
    if not np.isfinite(offsets).all() or not np.any(offsets):
        return None
    values, vectors = np.linalg.eigh(offsets @ offsets.T)  # far smaller than the singular values of many parameters
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    if not values[1] > 1e-12 * values[0]:
        return None
    along = vectors[:, :2] * np.sqrt(values[:2])
    directions = (vectors[:, :2] / np.sqrt(values[:2])).T @ offsets
    share = float(values[:2].sum() / values.sum())
    low, high = along.min(axis=0), along.max(axis=0)
    span = np.maximum(high - low, 0.25 * float(np.max(high - low)))
    middle = (low + high) / 2
    x, y, loss = plane_of(
        subject, subject.end, directions, middle - 0.7 * span, middle + 0.7 * span, subject.side(_SIDE)
    )
    path = Path(way.step, along[:, 0], along[:, 1], subject.losses(way.parameters))
    return Plane(
        "principal",
        "The plane that the way lies in",
        x,
        y,
        loss,
        ("first principal direction", "second principal direction"),
        (path,),
        share=share,
        note=f"The plane holds {share:.1%} of the way; its contour lines are of the loss in the plane, not along the way itself.",
    )

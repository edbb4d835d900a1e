"""Functions that are known at points: interpolation, integrals and convolutions of them."""

from __future__ import annotations

from typing import Any

import numpy

from ..errors import ShapeError
from .reductions import as_floating, implements
from .traced import Traced, as_traced

np: Any = numpy
"""NumPy, whose type stubs do not know that its functions accept traced values."""

__all__: list[str] = []


@implements(np.interp)
def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Traced:
    """Linear between the points; any of the three may be traced. At a point the slope is that of the line to its right."""
    places = x if isinstance(x, Traced) else np.asarray(x, np.float64)
    points = xp if isinstance(xp, Traced) else np.asarray(xp, np.float64)
    values = as_floating(as_traced(fp))
    if points.ndim != 1 or points.shape != values.shape or not points.shape[0]:
        raise ShapeError(f"np.interp takes as many points as values, and not {points.shape} and {values.shape}")
    inner = points[1:-1]
    if isinstance(places, Traced) or isinstance(points, Traced):
        segment = np.sum(as_traced(places)[..., None] >= inner, axis=-1)
    else:
        segment = np.searchsorted(inner, places, side="right")
    before = values[0] if left is None else left
    beyond = values[-1] if right is None else right
    between = values[0]
    if points.shape[0] > 1:
        run, rise = np.diff(points), np.diff(values)
        starts = as_traced(points)[segment]
        between = values[segment] + rise[segment] / as_traced(run)[segment] * (places - starts)
    within = np.where(as_traced(places) > points[-1], beyond, between)
    return np.where(as_traced(places) < points[0], before, within)


@implements(np.trapezoid)
def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Traced:
    values = np.moveaxis(as_floating(as_traced(y)), axis, -1)
    if x is not None:
        places = as_traced(x)
        dx = np.diff(places if places.ndim == 1 else np.moveaxis(places, axis, -1))
    return np.sum(dx * (values[..., 1:] + values[..., :-1]), axis=-1) / 2


@implements(np.convolve)
def _convolve(a: Any, v: Any, mode: str = "full") -> Traced:
    """By a table of the windows: as many products as pairs of elements."""
    longer, shorter = as_traced(a), as_traced(v)
    if shorter.size > longer.size:
        longer, shorter = shorter, longer
    if longer.ndim > 1 or shorter.ndim > 1 or not shorter.size:
        raise ShapeError(f"np.convolve takes vectors, and not {np.shape(a)} and {np.shape(v)}")
    longer, shorter = longer.reshape(-1), shorter.reshape(-1)
    width = shorter.size
    edge = {"full": width - 1, "same": width // 2, "valid": 0}.get(mode)
    if edge is None:
        raise ShapeError(f"np.convolve(mode={mode!r}): the modes are 'full', 'same' and 'valid'")
    right = width - 1 - edge if mode == "same" else edge
    padded = np.pad(longer, (edge, right))
    windows = np.arange(padded.size - width + 1)[:, None] + np.arange(width)
    return padded[windows] @ np.flip(shorter)

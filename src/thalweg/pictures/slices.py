"""Slices of a loss through the end of a descent, along the directions of the strongest and the weakest curvature."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..graph import Array
from .subject import Subject

__all__ = ["Slice", "Slices", "slices_of"]

_POINTS = 81


@dataclass(frozen=True, eq=False)
class Slice:
    """f(w + t v) − f(w) for the eigenvector v of an eigenvalue λ. t, change, parabola (M,): the last is t ∇f·v + ½ λ t².

    is_flat: whether λ is 0 within its error.
    """

    eigenvalue: float
    t: Array
    change: Array
    parabola: Array
    is_flat: bool = False


@dataclass(frozen=True, eq=False)
class Slices:
    """Slices, the smallest eigenvalue first. noise: the rounding error of a loss."""

    slices: tuple[Slice, ...]
    noise: float
    name: str = "slices"
    title: str = "Slices along eigenvectors of the Hessian"

    @property
    def description(self) -> str:
        """What a person would see."""
        told = []
        for one in self.slices:
            bends = "curves up" if one.eigenvalue > 0 else "curves down"
            bends = "does not curve, within its error" if one.is_flat else bends
            told.append(f"along the eigenvalue {one.eigenvalue:.4g} it {bends}")
        return f"How the loss changes along straight lines through the end: {'; '.join(told)}. Dashed: the parabola of that curvature."


def slices_of(subject: Subject) -> Slices | None:
    """Slices along up to four eigenvectors; None if the curvature is not known."""
    if subject.size < 2 or not subject.problem.is_traced or not subject.problem.is_differentiated:
        return None
    here = subject.situation
    known = subject.result.verdict
    spectrum = here.spectrum if known is None or known.spectrum is None else known.spectrum
    if not math.isfinite(spectrum.smallest) or not math.isfinite(spectrum.largest):
        return None
    if spectrum.vectors is not None:
        count = len(spectrum.values)
        places = np.unique(np.clip([0, 1, count - 2, count - 1], 0, count - 1))
        chosen = [(float(spectrum.values[i]), spectrum.vectors[:, i]) for i in places]
    else:
        chosen = [(spectrum.smallest, spectrum.smallest_direction), (spectrum.largest, spectrum.largest_direction)]
    height = max(here.fallen, 1e3 * here.noise)
    units = np.linspace(-1, 1, _POINTS)
    found = []
    for value, direction in chosen:
        t = units * _length(subject, value, direction, height)
        change = subject.losses(subject.end + t[:, None] * direction) - here.loss
        parabola = t * float(here.gradient @ direction) + 0.5 * value * t**2
        found.append(Slice(value, t, change, parabola, abs(value) <= spectrum.smallest_error))
    return Slices(tuple(found), here.noise)


def _length(subject: Subject, eigenvalue: float, direction: Array, height: float) -> float:
    """How far to look: until the loss has changed by about as much as it fell on the way."""
    scale = subject.situation.scale
    longest = math.sqrt(2 * height / abs(eigenvalue)) if eigenvalue else scale
    lengths = float(np.clip(longest, 1e-3 * scale, scale)) * 2.0 ** -np.arange(10)
    points = subject.end + np.concatenate([lengths, -lengths])[:, None] * direction
    changes = np.abs(subject.losses(points) - subject.situation.loss).reshape(2, -1).max(axis=0)
    fitting = np.flatnonzero(changes <= 2 * height)
    return float(lengths[fitting[0] if len(fitting) else -1])

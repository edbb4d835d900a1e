"""Verdicts on losses that are not smooth, have a penalty with a kink, or were not traced."""

from __future__ import annotations

import numpy as np

from .advice import MORE_STEPS
from .convex import of_convex
from .evidence import SEEN_ALL_ROUND, distance_of, figures_of
from .landscape import Ray
from .situation import Situation
from .verdict import Advice, Verdict, VerdictKind

__all__ = ["of_kink", "of_penalised", "of_untraced"]


def of_kink(here: Situation) -> Verdict:
    """The loss is not smooth here: gradients close by decide together."""
    direction, share = here.subgradient
    figures = figures_of(here) | {"shortest subgradient / longest gradient": share}
    units = list(np.eye(here.end.size)) if here.end.size <= 64 else []
    chosen = [-direction, -here.gradient, *(sign * unit for unit in units for sign in (1, -1))]
    chosen += list(here.generator.standard_normal((128, here.end.size)))
    rays = here.look([d for d in chosen if np.any(d != 0)], None)
    first = [d for d in chosen[:2] if np.any(d != 0)]
    near = here.look(first, [1e-9 * here.scale / float(np.linalg.norm(d)) for d in first])
    gain = max((ray.gain for ray in (*rays, *near)), default=0.0)
    known = here.convexity
    if gain > here.tolerance:
        sentence = f"the loss has a kink here, but can still fall by {gain:.3g}"
        best = max((*rays, *near), key=lambda ray: ray.gain)
        is_slope = share > 1e-3 or known.is_convex  # a convex loss has no saddle points
        kind = VerdictKind.STILL_DESCENDING if is_slope else VerdictKind.SADDLE_POINT
        return Verdict(kind, sentence, figures, _after_kink(best), convexity=known)
    if known.is_convex:
        if share > 1e-6 and share * here.longest_gradient * here.scale > max(1e-4 * here.fallen, here.noise):
            sentence = "the loss is proven convex and has a kink here; no direction that was tried leads down"
            return Verdict(VerdictKind.UNKNOWN, sentence, figures, convexity=known)
        return of_convex(here, figures, is_smooth=False)
    sentence = "the loss has a kink here, and no direction that was tried leads down"
    kind = VerdictKind.LOCAL_MINIMUM if here.end.size <= SEEN_ALL_ROUND else VerdictKind.UNKNOWN
    return Verdict(kind, sentence, figures, convexity=known)


def _after_kink(ray: Ray) -> tuple[Advice, ...]:
    tried = f"at {distance_of(ray):.3g} along the shortest subgradient the loss is {ray.gain:.3g} lower"
    text = "use a learning rate that shrinks, such as tw.schedules.inverse_time(0.1)"
    return (Advice(text, tried, "take a smaller --learning-rate"),)


def of_untraced(here: Situation) -> Verdict:
    directions = [-here.gradient, *here.generator.standard_normal((4, here.end.size))]
    rays = here.look([d for d in directions if np.isfinite(d).all() and np.any(d != 0)])
    gain = max((ray.gain for ray in rays), default=0.0)
    figures = figures_of(here) | {"expected further fall": gain}
    if gain > here.tolerance:
        return Verdict(VerdictKind.STILL_DESCENDING, f"the loss can still fall by {gain:.3g}", figures, (MORE_STEPS,))
    sentence = "no lower loss was found close by; the loss was not traced, so its curvature is not known"
    return Verdict(VerdictKind.UNKNOWN, sentence, figures)


def of_penalised(here: Situation) -> Verdict:
    """A penalty with a kink: the proximal gradient decides, (w − prox(w − μ∇f)) / μ."""
    result = here.result
    figures = figures_of(here) | {"largest eigenvalue": here.spectrum.largest}
    left = result.gradient_norm**2 / (2 * here.spectrum.largest) if here.spectrum.largest > 0 else float("nan")
    figures["expected further fall"] = left
    if not left <= here.tolerance:
        sentence = f"the loss with its penalty can still fall by about {left:.3g}"
        return Verdict(VerdictKind.STILL_DESCENDING, sentence, figures, (MORE_STEPS,))
    known = here.convexity
    if known.is_convex:
        return of_convex(here, figures, is_smooth=False)
    sentence = "no proximal step leads down; the loss is not proven convex, so this may be a saddle point"
    return Verdict(VerdictKind.UNKNOWN, sentence, figures, convexity=known)

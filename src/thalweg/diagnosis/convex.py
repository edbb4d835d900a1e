"""Verdicts on losses that are proven convex, where they fall no further: a global minimum, or none at all."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..descent.norms import norm
from .advice import ADVICE_PENALTY
from .attainment import AttainmentKind, attainment_of
from .evidence import direction_named
from .gap import gap_of
from .situation import Situation
from .verdict import Advice, Verdict, VerdictKind

__all__ = ["of_convex"]


def of_convex(here: Situation, figures: dict[str, Any], is_smooth: bool = True) -> Verdict:
    """No lower loss is to be had close by; whether there is a minimum far away, or none. is_smooth: at the end."""
    known = here.convexity
    figures = figures | {"convexity": known.reason}
    gap = gap_of(here) if is_smooth else None
    verdict = Verdict(VerdictKind.UNKNOWN, "", figures, gap=gap, spectrum=here.spectrum, convexity=known)
    if gap is not None:
        figures["guaranteed: loss − minimum ≤"] = gap
        figures["a minimum exists"] = "the loss is strongly convex around it"
        sentence = (
            f"the loss is proven convex and its gradient vanishes: no parameters are better, and the loss lies at most "
            f"{gap:.3g} above it"
        )
        return dataclasses.replace(verdict, kind=VerdictKind.GLOBAL_MINIMUM, sentence=sentence)
    found = attainment_of(here, known)
    figures["a minimum exists" if found.kind is AttainmentKind.ATTAINED else "whether a minimum exists"] = found.reason
    if found.kind is AttainmentKind.FADES and found.direction is not None:
        unit = found.direction / norm(found.direction)
        sentence = (
            f"the loss is proven convex, and along {direction_named(unit)} it falls ever more slowly, though by no more than "
            "its last digits: it has no minimum to reach"
        )
        escape = here.problem.layout.tree(unit.astype(here.end.dtype))
        advice = (Advice(ADVICE_PENALTY),)
        return dataclasses.replace(
            verdict, kind=VerdictKind.NO_MINIMUM, sentence=sentence, advice=advice, escape=escape
        )
    if found.kind is AttainmentKind.UNTOLD:
        sentence = f"the loss is proven convex and no direction leads down, but {found.reason}: it may have no minimum"
        return dataclasses.replace(verdict, sentence=sentence)
    why = "its gradient vanishes" if is_smooth else "no direction leads down, though it has a kink here"
    sentence = f"the loss is proven convex and {why}: no parameters are better"
    return dataclasses.replace(verdict, kind=VerdictKind.GLOBAL_MINIMUM, sentence=sentence)

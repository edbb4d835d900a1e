"""The decision: from what was measured at the end of a descent to a verdict.

Every test is free of units: it compares falls of the loss with the fall so far, lengths with the parameters' own scale,
curvatures with their errors. A comparison with NaN fails.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from ..convexity_proof import ProvenLoss
from ..descent import Result
from ..descent.data import StreamData
from ..descent.plan import Plan
from ..graph import Array
from .advice import ADD_PENALTY, after_overshooting, after_saddle, distance_along_valley, more_steps, with_smaller_rate
from .attainment import LARGEST_SEARCH, never_rises
from .convex import of_convex
from .evidence import SEEN_ALL_ROUND, direction_named, distance_of, figures_of
from .landscape import COUNT, FACTOR, Ray
from .noise import noise_of
from .overshooting import overshooting_of
from .provable import proven_of
from .rough import of_kink, of_penalised, of_untraced
from .sampled import confirmed, sample_of
from .situation import Situation
from .spectrum import Spectrum, prepare_spectrum
from .verdict import Advice, Verdict, VerdictKind

__all__ = ["judge", "prepare_verdict"]


def prepare_verdict(plan: Plan, vector: Array) -> ProvenLoss | None:
    """Begins to compile what a verdict needs, and proves what holds for the loss wherever the descent from the vector may end.

    For who waits for something else, as for the code of the descent, and is going to ask for the verdict.
    """
    if plan.batch is not None or plan.problem.penalty is not None or not plan.problem.is_traced:
        return None
    with np.errstate(all="ignore"):
        prepare_spectrum(plan.problem, vector, plan.data.arrays)
        return proven_of(plan, plan.problem)


def judge(result: Result, proven: ProvenLoss | None = None) -> Verdict:
    """What a descent found. `result.verdict` is this, worked out once. proven: as `prepare_verdict` found it for the same data."""
    if result.origin is None:
        return Verdict(VerdictKind.UNKNOWN, "there is nothing to judge it by", {})
    plan = result.origin.plan
    with np.errstate(all="ignore"):  # far out losses overflow; what is not finite is dealt with
        if isinstance(plan.data, StreamData):
            here = Situation(sample_of(result))
            verdict = confirmed(_judge(here), here, plan)
        else:
            here = Situation(result, proven)
            if proven is not None and np.isfinite(here.loss):
                _ = here.gap  # while the code for the curvature is still being made
            verdict = _judge(here)
        return _after_validation(verdict, result)


_NOT_AT_THE_BOTTOM = (VerdictKind.STILL_DESCENDING, VerdictKind.NO_MINIMUM, VerdictKind.NOISE_FLOOR)


def _after_validation(verdict: Verdict, result: Result) -> Verdict:
    """What it means that the loss can still fall, if the descent ended because the loss on validation data no longer did."""
    was_stopped = any(rule.startswith("ValidationStalls") for rule in result.stopped_by.rules)
    if not was_stopped or verdict.kind not in _NOT_AT_THE_BOTTOM:
        return verdict
    checked = result.history.validation_loss
    best = int(np.nanargmin(checked))
    figures = {
        "best validation loss": float(checked[best]),
        "at step": int(result.history.validation_step[best]),
        "last validation loss": float(checked[-1]),
    }
    sentence = (
        "the loss on validation data no longer fell, and was smallest here; that the loss on the training data can still fall is no "
        "reason to go on"
    )
    return dataclasses.replace(
        verdict,
        kind=VerdictKind.STOPPED_BY_VALIDATION,
        sentence=sentence,
        evidence={**figures, **verdict.evidence},
        advice=(),
    )


def _judge(here: Situation) -> Verdict:
    result = here.result
    if result.stopped_by.reason == "interrupted":
        return Verdict(VerdictKind.STOPPED_BY_USER, "the user ended it before a rule did", figures_of(here))
    if not here.problem.is_traced:
        return of_untraced(here)
    if here.plan.problem.penalty is not None:
        return of_penalised(here)
    overshooting = overshooting_of(here)
    if overshooting is not None:
        return overshooting.verdict(after_overshooting(here, overshooting))
    if not np.isfinite(here.loss) or not np.isfinite(here.gradient_norm) or not np.isfinite(here.spectrum.size):
        return Verdict(VerdictKind.UNKNOWN, "the loss or its derivatives are not finite at the end", figures_of(here))
    if here.has_kink:
        return of_kink(here)
    escape = _escape(here)
    if escape is not None and here.convexity.is_convex:  # then there are neither saddle points nor plateaus
        escape = None
    vanishes, curves_down = here.decrement <= here.tolerance, here.spectrum.smallest < -here.spectrum.smallest_error
    if escape is not None and vanishes and _is_level_first(here, escape):
        return _plateau(here, escape, figures_of(here))
    if escape is not None and vanishes and curves_down:
        return _saddle(here, escape)
    left = _left(here)
    if left > here.tolerance:
        return _not_there(here, escape, left)
    if escape is not None and -float(here.gradient @ escape.direction) * escape.best_length > 0.5 * escape.gain:
        return _not_there(here, None, escape.gain)  # the slope alone explains the fall
    if escape is not None:
        return _saddle(here, escape)
    if curves_down and here.stays_negative and not here.convexity.is_convex:
        sentence = "the gradient vanishes and the loss curves downwards, but falls by no more than its rounding error"
        return Verdict(VerdictKind.UNKNOWN, sentence, figures_of(here) | _curvature(here), spectrum=here.spectrum)
    return _minimum(here)


def _curvature(here: Situation, sharper: Spectrum | None = None) -> dict[str, Any]:
    spectrum = sharper or here.spectrum
    how = "the whole Hessian" if spectrum.is_exact else f"{spectrum.products} Hessian-vector products"
    return {
        "smallest eigenvalue": spectrum.smallest,
        "± its error": spectrum.smallest_error,
        "largest eigenvalue": spectrum.largest,
        "condition number": spectrum.condition_number,
        "share curved downwards": spectrum.negative_share,
        "eigenvalues from": how,
    }


# What is left
def _left(here: Situation) -> float:
    """How far the loss can still fall: as is proven, or as far as is seen, by the quadratic model and along rays."""
    if here.decrement <= here.tolerance and here.gap is not None and here.gap <= here.tolerance:
        return here.gap
    seen = max((ray.gain for ray in (*here.downhill_rays, *here.closer_rays) if ray.leads_down), default=0.0)
    slope_along_flat = 0.0
    if here.decrement <= here.tolerance and seen > here.tolerance:
        slope_along_flat = seen
    return max(here.decrement, slope_along_flat)


def _escape(here: Situation) -> Ray | None:
    """A ray that leads down along a direction that is not curved upwards; None if there is none."""
    spectrum = here.spectrum
    if spectrum.smallest > spectrum.smallest_error:
        return None
    flat = here.flat_directions
    extra: list[Array] = []
    if len(flat) > 1:  # degenerate saddles lead down between the axes
        mixtures = here.generator.standard_normal((8, len(flat))) @ flat
        extra = [m / max(float(np.linalg.norm(m)), 1e-300) for m in mixtures]
    directions = [sign * v for v in (*flat, *extra) for sign in (1, -1)]
    # What curves down beyond its error falls by however little. But close to a minimum it may do so for want of the last step.
    enough = 10 * here.decrement if spectrum.smallest < -spectrum.smallest_error else here.tolerance
    for closer in range(3 if here.has_no_scale else 2):  # it may rise again soon
        firsts = [1e-3 * here.scale * FACTOR ** -(COUNT * closer)] * len(directions)
        rays = [ray for ray in here.look(directions, firsts) if ray.gain > enough and ray.leads_down]
        if rays:
            return max(rays, key=lambda ray: ray.gain)
    return None


def _not_there(here: Situation, escape: Ray | None, left: float) -> Verdict:
    """The loss still falls: towards infinity, on a plateau, past a saddle point, in noise, or plainly."""
    noise = noise_of(here)
    figures = figures_of(here) | {"expected further fall": left, "fall so far": here.fallen}
    if noise is not None and noise.dominates:
        figures |= noise.figures()
        sentence = (
            f"the mini-batches' gradients differ more than the gradient is long, and the loss no longer falls; "
            f"it stays about {left:.3g} above the bottom of this valley"
        )
        return Verdict(VerdictKind.NOISE_FLOOR, sentence, figures, with_smaller_rate(here), spectrum=here.spectrum)
    rays = here.downhill_rays
    steep = max(rays, key=lambda ray: ray.gain, default=None)
    if steep is not None and _is_plateau(here, steep) and not here.convexity.is_convex:
        return _plateau(here, steep, figures)
    forever = [ray for ray in rays[1:] or rays if ray.gain > 0]  # −∇f itself leads out of valleys that go on
    falls = bool(forever) and all(ray.falls_forever for ray in forever)
    if falls and (here.decrement <= 0.5 * max(here.fallen, here.noise) or (steep and steep.falls_without_bound)):
        best = max(forever, key=lambda ray: ray.gain)
        if not here.convexity.is_convex or never_rises(here, best.direction):
            return _no_minimum(here, best, figures)
    figures |= _curvature(here)
    near_saddle = (
        escape is not None and escape.gain > here.tolerance and here.gradient_norm < 1e-3 * _largest_gradient(here)
    )
    if near_saddle and escape is not None:
        return _saddle(here, escape)
    gain = figures.get("gain per step at the end", 0.0)
    falling = f", by {gain:.3g} a step at the end" if gain > 0 else ""
    sentence = f"it ran out of steps or time; the loss was still falling{falling}"
    if gain == 0 and "gain per step at the end" in figures:
        sentence = (
            f"the last steps changed nothing, but this is no minimum: the loss can still fall by about {left:.3g}"
        )
    if here.result.stopped_by.reason != "rule":
        sentence = (
            f"no step brought a smaller loss, but this is no minimum: the loss can still fall by about {left:.3g}"
        )
    elif not _ran_out(here.result):
        sentence = f"the rule fired, but this is no minimum: the loss can still fall by about {left:.3g}"
    return Verdict(VerdictKind.STILL_DESCENDING, sentence, figures, more_steps(here), spectrum=here.spectrum)


_ADVICE_PLATEAU = Advice(
    "use momentum or Adam, a larger rate for a while, or another start",
    in_shell="use --method adam, a larger --learning-rate, or another start: --seed 1",
)


def _plateau(here: Situation, ray: Ray, figures: dict[str, Any]) -> Verdict:
    figures |= {"fall that lies ahead": ray.gain, "distance to it": distance_of(ray), **_curvature(here)}
    sentence = "the loss is nearly level here, and falls more steeply further on: this is no minimum"
    tried = f"at {distance_of(ray):.3g} along {direction_named(ray.direction)} the loss is {ray.gain:.3g} lower"
    advice = (dataclasses.replace(_ADVICE_PLATEAU, tried=tried),)
    return Verdict(VerdictKind.PLATEAU, sentence, figures, advice, spectrum=here.spectrum)


def _is_level_first(here: Situation, ray: Ray) -> bool:
    """Whether the fall lies far off: the loss is level for a while, and neither slope nor curvature foretell a fall."""
    length = distance_of(ray)
    foretold = here.gradient_norm * length + 0.5 * here.spectrum.size * length**2
    return ray.is_level_first and foretold < 1e-3 * ray.gain


def _is_plateau(here: Situation, ray: Ray) -> bool:
    """Whether the loss falls much more steeply further along than here."""
    if ray.gain <= max(0.1 * here.fallen, here.tolerance) or ray.has_barrier or ray.falls_without_bound:
        return False
    steps = np.diff(np.concatenate([[0.0], ray.lengths])) * float(np.linalg.norm(ray.direction))
    slopes = -np.diff(np.concatenate([[ray.here], ray.losses])) / steps
    finite = slopes[np.isfinite(slopes)]
    return bool(len(finite)) and float(np.max(finite)) > 3 * max(here.gradient_norm, 1e-300)


def _largest_gradient(here: Situation) -> float:
    norms = here.result.history.gradient_norm
    finite = norms[np.isfinite(norms)]
    return float(np.max(finite, initial=here.gradient_norm))


def _ran_out(result: Result) -> bool:
    return all(rule.startswith(("MaxSteps", "MaxSeconds")) for rule in result.stopped_by.rules)


def _no_minimum(here: Situation, ray: Ray, figures: dict[str, Any]) -> Verdict:
    figures |= {
        "loss far along": float(ray.losses[-1]),
        "distance looked": float(ray.lengths[-1] * np.linalg.norm(ray.direction)),
    }
    bound = "without bound" if ray.falls_without_bound else "ever more slowly"
    sentence = f"along {direction_named(ray.direction)} the loss falls for as far as was looked, {bound}: it has no minimum to reach"
    return Verdict(
        VerdictKind.NO_MINIMUM,
        sentence,
        figures,
        (ADD_PENALTY,),
        escape=here.problem.layout.tree(ray.direction / np.linalg.norm(ray.direction)),
        spectrum=here.spectrum,
        convexity=here.convexity,
    )


# Stationary points
def _saddle(here: Situation, ray: Ray) -> Verdict:
    figures = figures_of(here) | _curvature(here)
    figures |= {"fall along the escape direction": ray.gain, "at a distance of": distance_of(ray)}
    sentence = f"the gradient vanishes, but along {direction_named(ray.direction)} the loss falls"
    unit = ray.direction / np.linalg.norm(ray.direction)
    return Verdict(
        VerdictKind.SADDLE_POINT,
        sentence,
        figures,
        after_saddle(here, ray),
        escape=here.problem.layout.tree(unit.astype(here.end.dtype)),
        beyond=here.problem.layout.tree((here.end + ray.best_length * ray.direction).astype(here.end.dtype)),
        spectrum=here.spectrum,
    )


def _minimum(here: Situation) -> Verdict:
    spectrum = here.spectrum
    figures = (
        figures_of(here) | {"expected further fall": here.decrement, "fall so far": here.fallen} | _curvature(here)
    )
    known = here.convexity
    if (
        here.decrement > 1e-3 * here.noise
        and here.plan.batch is None
        and here.gradient_norm > 0.5 * _largest_gradient(here)
    ):
        sentence = "nothing moved, and what is left to fall is less than the rounding error of the loss"
        return Verdict(VerdictKind.UNKNOWN, sentence, figures, spectrum=spectrum, convexity=known)
    if known.is_convex:
        found = of_convex(here, figures)
        if found.kind is not VerdictKind.UNKNOWN or here.bytes <= LARGEST_SEARCH:
            return found
    if not spectrum.is_exact and spectrum.smallest <= _NEARLY_FLAT * spectrum.largest + spectrum.smallest_error:
        spectrum = here.sharper
        figures |= _curvature(here, spectrum)
        if not spectrum.smallest - spectrum.smallest_error > -_NEARLY_FLAT * spectrum.largest:
            sentence = (
                "the gradient vanishes, but the products taken do not tell whether the loss curves downwards somewhere"
            )
            return Verdict(VerdictKind.UNKNOWN, sentence, figures, spectrum=spectrum, convexity=known)
    starts = "may find lower minima: nothing is known of the loss elsewhere"
    advice: tuple[Advice, ...] = (
        Advice(f"other starts, restarts=64, {starts}", in_shell=f"another start, --seed 1, {starts}"),
    )
    if spectrum.smallest > max(spectrum.smallest_error, _NEARLY_FLAT * spectrum.largest):
        sentence = "the gradient vanishes and the loss curves upwards in every direction"
        if known.is_convex:
            sentence += "; it is proven convex, so most likely no parameters are better"
            advice = ()
        return Verdict(VerdictKind.LOCAL_MINIMUM, sentence, figures, advice, spectrum=spectrum, convexity=known)
    distance, lower = distance_along_valley(here)
    if lower > max(10 * here.decrement, here.tolerance):
        figures["a descent from close by fell further by"] = lower
        sentence = "the gradient vanishes, but some direction is not curved, and a descent from close by comes lower"
        closer = "go on from close by: add a little noise to the parameters"
        nearby = (Advice(closer, in_shell="try another start: --seed 1"),)
        return Verdict(VerdictKind.UNKNOWN, sentence, figures, nearby, spectrum=spectrum, convexity=known)
    if distance is None and len(here.flat_directions) > SEEN_ALL_ROUND:
        sentence = (
            "the gradient vanishes, and so does the curvature along many directions: too many to look along all of them"
        )
        return Verdict(VerdictKind.UNKNOWN, sentence, figures, advice, spectrum=spectrum, convexity=known)
    if distance is None:
        sentence = (
            "the gradient vanishes; along some directions there is no curvature, but the loss rises there as well"
        )
        return Verdict(VerdictKind.LOCAL_MINIMUM, sentence, figures, advice, spectrum=spectrum, convexity=known)
    figures["as low at a distance of"] = distance
    sentence = "the gradient vanishes, and the loss does not change along a valley: other parameters are as good"
    return Verdict(VerdictKind.FLAT_VALLEY, sentence, figures, advice, spectrum=spectrum, convexity=known)


_NEARLY_FLAT = 1e-7
"""Less curvature than this share of the largest may be none."""

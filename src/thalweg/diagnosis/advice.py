"""Advice that was tried: each suggestion is carried out on the same loss, and what came of it is told."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from ..descent import LBFGS, LevenbergMarquardt, Newton, NewtonCG, Result
from ..descent.methods import Method
from ..descent.minimize import minimize
from ..descent.norms import norm
from ..descent.residuals import residuals_of
from ..descent.stopping import GradientBelow, MaxSteps, NoChange
from ..errors import LossError
from ..graph import Array
from .landscape import Ray
from .overshooting import Overshooting
from .situation import TOLERANCE, Situation
from .verdict import Advice

__all__ = [
    "ADD_PENALTY",
    "MORE_STEPS",
    "after_overshooting",
    "after_saddle",
    "distance_along_valley",
    "more_steps",
    "with_smaller_rate",
]

ADD_PENALTY = Advice(
    "add a penalty such as 1e-3 * np.sum(w**2), or stop by validation loss; data that can be separated do this",
    in_shell="add a penalty, such as --l2 0.001; data that can be separated do this",
)
MORE_STEPS = Advice("take more steps", in_shell="take more --epochs")

_TRIAL_STEPS = 50
_MOST_SQUARES = 300
"""For more parameters, steps of Levenberg and Marquardt's method take long."""


def _descend(here: Situation, vector: Array, method: Method | None, steps: int, is_batched: bool) -> Result:
    plan = here.plan
    data = plan.data
    given = None
    if data.arrays:
        import optree

        given = optree.tree_unflatten(data.structure, data.arrays)
    return minimize(
        plan.loss,
        here.problem.layout.tree(vector.astype(here.end.dtype)),
        data=given,
        method=method,
        batch_size=plan.batch if is_batched else None,
        stop=MaxSteps(steps) if method is not None else GradientBelow(1e-8) | NoChange(10, 1e-14) | MaxSteps(steps),
        seed=plan.seed + 1,
        threads=plan.threads,
    )


def after_overshooting(here: Situation, found: Overshooting) -> tuple[Advice, ...]:
    """A rate that does descend."""
    method = here.result.method
    rate = found.limit / 2 if math.isfinite(found.limit) and found.limit > 0 else found.rate / 10
    rate = min(rate, found.rate / 2) if found.rate > 0 else rate
    for _ in range(12):
        if not rate > 0:
            break
        tried = _descend(here, here.start, dataclasses.replace(method, learning_rate=rate), _TRIAL_STEPS, True)
        if np.isfinite(tried.loss) and tried.loss < here.start_loss and tried.stopped_by.reason == "rule":
            text = f"take learning_rate={rate:.2g}"
            said = f"tried: {tried.steps} steps lowered the loss from {here.start_loss:.4g} to {tried.loss:.4g}"
            more = (
                (Advice("standardise the data: subtract each column's mean, divide by its deviation"),)
                if found.cause
                else ()
            )
            return (Advice(text, said, f"take --learning-rate {rate:.2g}"), *more)
        rate /= 10
    return (Advice("use a line search, such as method=tw.LBFGS()", in_shell="use a line search: --method lbfgs"),)


def after_saddle(here: Situation, ray: Ray) -> tuple[Advice, ...]:
    """A step along the escape direction, and a descent from there."""
    place = here.end + ray.best_length * ray.direction
    below = _descend(here, place, None, 200, False)
    said = f"tried: a descent from there reaches {below.loss:.6g}, {here.loss - below.loss:.3g} lower"
    return (
        Advice(
            "go on from result.verdict.escape added to the parameters, in either direction; momentum and mini-batches help",
            said,
            "start elsewhere, or take mini-batches: --seed 1, --batch-size 64",
        ),
    )


def more_steps(here: Situation) -> tuple[Advice, ...]:
    """How to get further: by a method that suits the loss, or by a rule that fires later."""
    method = here.result.method
    in_shell = "take more --epochs, or a larger --learning-rate where there is one"
    if _suits_least_squares(here):
        return (Advice("the loss is a sum of squares: take method=tw.LevenbergMarquardt()", in_shell=in_shell),)
    learns_curvature = isinstance(method, LBFGS | Newton | NewtonCG)
    if here.plan.batch is None and here.spectrum.condition_number > 100 and not learns_curvature:
        why = "the loss is ill-conditioned: take"
        return (Advice(f"{why} method=tw.LBFGS(), or more steps", in_shell=f"{why} --method lbfgs, or more --epochs"),)
    if here.gradient_norm > 0 and any(rule.startswith("GradientBelow") for rule in here.result.stopped_by.rules):
        smaller = 10.0 ** (math.floor(math.log10(here.gradient_norm)) - 3)
        text = (
            f"the loss is small: ask for a smaller gradient, stop=tw.GradientBelow({smaller:g}) | tw.MaxSteps(10_000)"
        )
        return (Advice(text, in_shell=in_shell),)
    if method.line_search is not None:
        return (Advice(f"take more steps: stop=tw.MaxSteps({10 * max(here.result.steps, 1000):_})", in_shell=in_shell),)
    return (Advice("take more steps, or a larger learning rate where there is one", in_shell=in_shell),)


def _suits_least_squares(here: Situation) -> bool:
    """Whether Levenberg and Marquardt's method takes the loss, and another was used."""
    problem = here.problem
    if (
        here.plan.batch is not None
        or isinstance(here.result.method, LevenbergMarquardt)
        or here.end.size > _MOST_SQUARES
    ):
        return False
    if not problem.is_differentiated or problem.penalty is not None:
        return False
    try:
        residuals_of(problem.graph)
    except LossError:
        return False
    return True


def with_smaller_rate(here: Situation) -> tuple[Advice, ...]:
    """The same method with a tenth of the rate, from where it ended."""
    method: Any = here.result.method
    larger_batches = f"take larger batches: --batch-size {4 * (here.plan.batch or 1)}"
    if not isinstance(getattr(method, "learning_rate", None), float):
        return (Advice("let the schedule end at a smaller rate, or take larger batches", in_shell=larger_batches),)
    steps = max(_TRIAL_STEPS, min(here.result.steps // 10, 2000))
    smaller = dataclasses.replace(method, learning_rate=method.learning_rate / 10)
    tried = _descend(here, here.end, smaller, steps, True)
    said = f"tried: {steps} steps with {smaller.learning_rate:.2g} lowered the loss from {here.loss:.6g} to {tried.loss:.6g}"
    if not tried.loss < here.loss:
        said = f"tried: {steps} steps with {smaller.learning_rate:.2g} did not lower the loss"
    text = "end with a smaller rate, such as tw.schedules.cosine(...), or take larger batches"
    return (Advice(text, said, f"take --learning-rate {smaller.learning_rate:.2g}, or {larger_batches}"),)


def distance_along_valley(here: Situation) -> tuple[float | None, float]:
    """How far away another point was found that is as low; None if descents from beside the end return to it. And how much
    lower one came.
    """
    direction = here.flat_directions[0] if len(here.flat_directions) else here.spectrum.smallest_direction
    step = 0.05 * here.scale
    lower, far = 0.0, None
    mixed = here.generator.standard_normal(len(here.flat_directions)) @ here.flat_directions
    others = [mixed / (norm(mixed) or 1.0)] if len(here.flat_directions) > 1 else []
    beside = [here.end + sign * step * d for d in (direction, *others) for sign in (1, -1)]
    rises = here.losses(np.array(beside).astype(here.end.dtype)) - here.loss
    for place, rise in zip(beside, rises, strict=True):
        found = _descend(here, place, None, 100, False)
        as_low = max(here.tolerance, TOLERANCE * max(here.fallen, float(rise)))
        distance = norm(found.origin.end - here.end)
        if np.isfinite(found.loss):
            lower = max(lower, here.loss - found.loss)
        if far is None and found.loss <= here.loss + as_low and distance > 0.3 * step:
            far = distance
    return far, lower

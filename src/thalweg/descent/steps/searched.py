"""A step whose length is searched: trials along a direction, one evaluation of loss and gradient each.

Three stages: *try* evaluates and judges a trial; *turn* looks at an accepted point and chooses the next direction;
*improve* is a round of a method whose direction takes several.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph import Array
from ..line_search import ACCEPT, GOES_ON, LineSearch, Trial
from ..methods.base import Method
from .context import Context, Stage, State, Turn, chosen, dot_of, kept_type, kept_types, norm_of
from .status import Status

__all__ = ["searched_stages", "searched_state"]

TRY, TURN, IMPROVE = range(3)


def searched_state(vector: Array, method: Method, memory: Any) -> State:
    """What a descent with searched steps starts with, beside what all have.

    loss, gradient: at the accepted point, the `parameters`. direction, slope, length, trials: of the search along
    a direction. is_steepest: whether the direction is that of steepest descent, after another has failed.
    """
    assert method.line_search is not None
    zero = np.float64(0)
    return {
        "method": memory,
        "turn": np.int64(TRY),
        "loss": np.float64(np.inf),
        "gradient": np.zeros_like(vector),
        "direction": np.zeros_like(vector),
        "slope": zero,
        "length": zero,
        "trials": np.int64(0),
        "search": method.line_search.initial_memory(),
        "has_begun": np.bool_(False),
        "has_failed": np.bool_(False),
        "is_steepest": np.bool_(False),
    }


def searched_stages(method: Method) -> tuple[Stage, ...]:
    """The stages in the order in which they run."""
    return (_try, _turn, _improve) if method.has_rounds else (_try, _turn)


_MOST_TRIALS = 1000
"""A search of the user's that neither accepts nor gives up is ended."""


def _search(context: Context) -> LineSearch:
    search = context.method.line_search
    assert search is not None
    return search


def _trial_point(state: State, length: Any) -> Any:
    parameters = state["parameters"]
    return parameters + length.astype(parameters.dtype) * state["direction"]


def _try(context: Context, state: State) -> Turn:
    """Evaluates the trial; accepts it, goes on with another length, or gives the direction up."""
    parameters = _trial_point(state, state["length"])
    loss, gradient = context.evaluate(parameters)
    slope = dot_of(gradient, state["direction"])
    precision = 16 * float(np.finfo(parameters.dtype).eps)
    is_finite = np.isfinite(loss) & np.isfinite(norm_of(gradient))
    # A point that cannot be gone on from is no good one, be its loss −∞.
    value = np.where(is_finite, loss, np.inf)
    trial = Trial(state["length"], value, slope, state["loss"], state["slope"], state["trials"], precision)
    verdict, length, memory = _search(context).judge(trial, state["search"])
    has_begun = state["has_begun"]
    is_accepted = ((verdict == ACCEPT) & is_finite) | ~has_begun
    has_failed = ((verdict != GOES_ON) | (state["trials"] >= _MOST_TRIALS)) & ~is_accepted
    following = {
        **state,
        "turn": np.where(is_accepted | has_failed, TURN, TRY),
        "parameters": np.where(is_accepted, parameters, state["parameters"]),
        "loss": np.where(is_accepted, loss, state["loss"]),
        "gradient": np.where(is_accepted, gradient, state["gradient"]),
        "step": state["step"] + np.where(is_accepted & has_begun, 1, 0),
        "evaluations": state["evaluations"] + 1,
        "length": np.where(is_accepted | has_failed, state["length"], length),
        "trials": state["trials"] + 1,
        "search": kept_types(memory, state["search"], "a line search changes its memory"),
        "has_failed": has_failed,
    }
    return Turn(following)


def _turn(context: Context, state: State) -> Turn:
    """Looks at the point that was accepted, and turns into the next direction."""
    loss, gradient = state["loss"], state["gradient"]
    norm = norm_of(gradient)
    stops, memory, fired = context.rules(state, loss, norm)
    is_stuck = state["has_failed"] & state["is_steepest"]
    status = context.status(loss, norm, stops, fired, [(is_stuck, Status.NO_SMALLER_LOSS)])
    recorded = (state["step"], loss, norm, state["length"], state["slope"])
    following = {**state, "rule": memory, "has_begun": np.bool_(True)}
    if context.method.has_rounds:
        now = context.point(state["parameters"], gradient, loss, state["step"])
        own = context.method.begin(now, state["method"])
        own = kept_types(own, state["method"], f"{type(context.own_method).__name__}.begin changes its state")
        following |= {"method": own, "turn": np.int64(IMPROVE)}
    else:
        following = _with_direction(context, following)
    return Turn(following, recorded, status)


def _improve(context: Context, state: State) -> Turn:
    """One round towards a direction."""
    now = context.point(state["parameters"], state["gradient"], state["loss"], state["step"])
    own, is_done = context.method.improve(now, state["method"])
    own = kept_types(own, state["method"], f"{type(context.own_method).__name__}.improve changes its state")
    found = _with_direction(context, {**state, "method": own})
    following = {**found}
    for name in ("direction", "slope", "length", "trials", "has_failed", "is_steepest", "ascents", "first_ascent"):
        following[name] = np.where(is_done, found[name], state[name])
    following["turn"] = np.where(is_done, TRY, IMPROVE)
    following["search"] = chosen(is_done, found["search"], state["search"])
    following["method"] = chosen(is_done, found["method"], own)
    return Turn(following)


def _with_direction(context: Context, state: State) -> State:
    """The method's direction, or that of steepest descent if it does not point downhill, or has failed."""
    parameters, gradient = state["parameters"], state["gradient"]
    now = context.point(parameters, gradient, state["loss"], state["step"])
    direction, own = context.direction(now, state["method"])
    slope = dot_of(gradient, direction)
    is_downhill = slope < 0
    is_steepest = ~is_downhill | state["has_failed"]
    fresh = context.own_method.initial_state(np.zeros(parameters.shape, parameters.dtype))
    own = chosen(is_steepest, fresh, own)
    taken = np.where(is_steepest, -gradient, direction)
    norm = norm_of(gradient)
    taken_slope = np.where(is_steepest, -(norm * norm), slope)
    counted = context.ascents(state, np.where(state["has_failed"], -1.0, slope))
    first = _first_length(context, state, taken_slope, is_steepest, norm)
    return {
        **state,
        "turn": np.int64(TRY),
        "method": own,
        "direction": kept_type(taken, parameters, "the direction"),
        "slope": taken_slope,
        "length": first,
        "trials": np.int64(0),
        "search": _search(context).restarted(state["search"], state["loss"]),
        "has_failed": np.bool_(False),
        "is_steepest": is_steepest,
        **counted,
    }


def _first_length(context: Context, state: State, slope: Any, is_steepest: Any, norm: Any) -> Any:
    """The length to try first: 1 where the direction has a natural length, else as much fall as the last step had.

    Nocedal and Wright, equation 3.60. A direction without such a length starts with the method's learning rate.
    """
    rate = context.rate(state["parameters"], state["step"])
    cautious = np.minimum(1.0, 1.0 / norm)
    scaled_from = context.method.scaled_from
    if scaled_from is not None:
        return np.where(is_steepest | (state["step"] < scaled_from), cautious, 1.0)
    as_before = 1.5 * state["length"] * state["slope"] / slope
    is_known = np.isfinite(as_before) & (as_before > 0) & (state["step"] > 0) & ~state["has_failed"]
    has_rate = hasattr(context.method, "learning_rate")
    is_length = ~is_steepest & np.isfinite(rate) & (rate > 0)
    start = np.where(is_length, rate.astype(np.float64), cautious) if has_rate else cautious
    return np.where(is_known, as_before, start)

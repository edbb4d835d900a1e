"""A step whose length is known beforehand: a learning rate or a schedule. One stage does everything."""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np

from ...trace import as_traced
from .context import Context, Stage, State, Turn, chosen, dot_of, is_finite, kept_type, norm_of
from .status import Status

__all__ = ["Keeps", "fixed_stages", "fixed_state"]


class Keeps(Enum):
    """What the state holds of the best point so far: to carry its parameters along costs every step a copy."""

    NOTHING = 0
    LOSS = 1
    POINT = 2


def fixed_state(vector: Any, memory: Any, keeps: Keeps = Keeps.NOTHING) -> State:
    """What a descent with fixed steps starts with, beside what all have. previous: the point before, if this one fails."""
    nan = np.float64(np.nan)
    state = {"method": memory, "previous": {"parameters": vector.copy(), "loss": nan, "gradient_norm": nan}}
    if keeps is not Keeps.NOTHING:
        state["best"] = {"loss": np.float64(np.inf)}
    if keeps is Keeps.POINT:
        state["best"] |= {"parameters": vector.copy(), "gradient_norm": nan, "step": np.int64(0)}
    return state


def fixed_stages() -> tuple[Stage, ...]:
    """w ← w + μ Δw, or prox(w + μ Δw) with a penalty that has a kink, if no rule says otherwise."""
    return (_step,)


def _step(context: Context, state: State) -> Turn:
    parameters, step = state["parameters"], state["step"]
    point, own = context.method.ahead(parameters, state["method"])
    loss, gradient = context.evaluate(point)
    loss = loss + context.kinked(point)
    direction, own = context.direction(context.point(point, gradient, loss, step), own)
    rate = context.rate(parameters, step)
    if context.method.looks_ahead:
        rate = as_traced(rate * context.method.factor(own)).astype(parameters.dtype)
    norm = norm_of(gradient) if context.penalty is None else _mapping_norm(context, point, gradient, rate)
    stops, memory, fired = context.rules(state, loss, norm)
    name = type(context.own_method).__name__
    new = kept_type(point + rate * direction, parameters, f"{name} changes the parameters")
    new = context.proximal(new, rate)
    slope = dot_of(gradient, direction)
    has_left = ~is_finite(new)
    status = context.status(loss, norm, stops, fired, [(has_left, Status.PARAMETERS_NOT_FINITE)])
    following = {
        **state,
        "step": step + 1,
        "evaluations": state["evaluations"] + 1,
        "parameters": new,
        "method": own,
        "rule": memory,
        "previous": {"parameters": parameters, "loss": loss, "gradient_norm": norm},
        **context.ascents(state, slope),
    }
    if "best" in state:
        best, here = state["best"], {"parameters": point, "loss": loss, "gradient_norm": norm, "step": step}
        following["best"] = chosen(loss < best["loss"], {name: here[name] for name in best}, best)
    return Turn(following, (step, loss, norm, rate.astype(np.float64), slope), status)


def _mapping_norm(context: Context, point: Any, gradient: Any, rate: Any) -> Any:
    """‖w − prox(w − μ ∇f)‖ / μ: zero at a minimum, also where the penalty has a kink and ∇f is not zero."""
    return norm_of((point - context.proximal(point - rate * gradient, rate)) / rate)

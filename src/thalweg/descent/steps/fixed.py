"""A step whose length is known beforehand: a learning rate or a schedule. One stage does everything."""

from __future__ import annotations

from typing import Any

import numpy as np

from .context import Context, Stage, State, Turn, dot_of, kept_type, norm_of
from .status import Status

__all__ = ["fixed_stages", "fixed_state"]


def fixed_state(vector: Any, memory: Any) -> State:
    """What a descent with fixed steps starts with, beside what all have. previous: the point before, if this one fails."""
    nan = np.float64(np.nan)
    return {"method": memory, "previous": {"parameters": vector.copy(), "loss": nan, "gradient_norm": nan}}


def fixed_stages() -> tuple[Stage, ...]:
    """w ← w + μ Δw, if no rule says otherwise."""
    return (_step,)


def _step(context: Context, state: State) -> Turn:
    parameters, step = state["parameters"], state["step"]
    loss, gradient = context.evaluate(parameters)
    norm = norm_of(gradient)
    stops, memory, fired = context.rules(state, loss, norm)
    direction, own = context.direction(context.point(parameters, gradient, loss, step), state["method"])
    rate = context.rate(parameters, step)
    new = kept_type(
        parameters + rate * direction, parameters, f"{type(context.own_method).__name__} changes the parameters"
    )
    slope = dot_of(gradient, direction)
    has_left = ~np.isfinite(dot_of(new, new))
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
    return Turn(following, (step, loss, norm, rate.astype(np.float64), slope), status)

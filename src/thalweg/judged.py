"""`minimize`: descends here or on a cluster, lets the result say what was found, and goes on from saddle points if asked to."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from .descent import Population, Result
from .descent import minimize as _descend
from .errors import ArgumentError

__all__ = ["minimize"]

P = ParamSpec("P")


def _judge(result: Result) -> Any:
    from .diagnosis import judge  # what judges is loaded only if a verdict is asked for

    return judge(result)


def _judged(result: Result) -> Result:
    if isinstance(result, Population):
        members = tuple(dataclasses.replace(member, judge=_judge) for member in result.members)
        return dataclasses.replace(result, members=members, judge=_judge)
    return dataclasses.replace(result, judge=_judge)


_MOST_ESCAPES = 10

Loss = Callable[..., Any]


def _with_verdict(
    descend: Callable[Concatenate[Loss, Any, P], Result],
) -> Callable[Concatenate[Loss, Any, P], Result]:
    @wraps(descend)
    def judged(loss: Loss, parameters: Any, *arguments: P.args, **options: P.kwargs) -> Result:
        run = _on_cluster(options.pop("cluster")) if options.get("cluster") is not None else descend
        escapes = options.pop("escape_saddles", False)
        if not isinstance(escapes, bool):
            raise ArgumentError(f"escape_saddles={escapes!r}: expected True or False")
        result = _judged(run(loss, parameters, *arguments, **options))
        if not escapes:
            return result
        if isinstance(result, Population):
            raise ArgumentError("escape_saddles=True goes on with one descent: leave out restarts and grids")
        return _beyond_saddles(result, lambda start: _judged(run(loss, start, *arguments, **options)))

    further = (
        "escape_saddles: whether to go on from saddle points, along the direction that leads down.\n    "
        "cluster: a `Cluster`, whose workers hold the examples, or descend with the members of a population.\n    "
    )
    judged.__doc__ = (descend.__doc__ or "").replace("on_progress: called", further + "on_progress: called")
    return cast(Callable[Concatenate[Loss, Any, P], Result], judged)


def _on_cluster(cluster: Any) -> Callable[..., Result]:
    from .cluster.minimizing import minimize_on  # what knows clusters is loaded only if one is used

    return lambda *arguments, **options: minimize_on(cluster, *arguments, **options)


def _beyond_saddles(result: Result, descend: Callable[[Any], Result]) -> Result:
    """Goes on from each saddle point, a step along the escape direction away."""
    from .diagnosis import VerdictKind

    notes: list[str] = []
    while result.verdict.kind is VerdictKind.SADDLE_POINT and len(notes) < _MOST_ESCAPES:
        notes.append(f"escaped from a saddle point of the loss {result.loss:.6g}, after {result.steps:,} steps")
        result = descend(result.verdict.beyond)
    return dataclasses.replace(result, notes=(*result.notes, *notes)) if notes else result


minimize = _with_verdict(_descend)

"""`minimize`: descends, here or on a cluster, watched or not; lets the result say what was found; goes on from saddle points."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, cast

from .arguments import MINIMIZE, check_arguments
from .descent import Population, Result
from .descent import minimize as _descend
from .descent.lazy_sequence import LazySequence
from .descent.minimize import plan_of
from .errors import ArgumentError

__all__ = ["minimize", "minimize_to_judge"]

P = ParamSpec("P")


def _judge(result: Result) -> Any:
    from .diagnosis import judge  # what judges is loaded only if a verdict is asked for

    return judge(result)


def _presenter() -> Any:
    from . import report  # and what draws only if something is to be drawn

    return report


def _judged(result: Result) -> Result:
    if isinstance(result, Population):
        own = result.members
        members = LazySequence(len(own), lambda n: dataclasses.replace(own[n], judge=_judge, presenter=_presenter))
        return dataclasses.replace(result, members=members, judge=_judge, presenter=_presenter)
    return dataclasses.replace(result, judge=_judge, presenter=_presenter)


_MOST_ESCAPES = 10

Loss = Callable[..., Any]


def _with_verdict(
    descend: Callable[Concatenate[Loss, Any, P], Result],
) -> Callable[Concatenate[Loss, Any, P], Result]:
    of_descent = [name for name in inspect.signature(descend).parameters if name not in ("loss", "parameters")]
    allowed = (*of_descent, "cluster", "escape_saddles", "live", "progress")

    @wraps(descend)
    def judged(loss: Loss, parameters: Any, *arguments: P.args, **options: P.kwargs) -> Result:
        named: dict[str, Any] = dict(options)
        if arguments:
            raise ArgumentError(
                "minimize takes the loss and the parameters, and all else by its name: data=(X, y), method=..., stop=..."
            )
        check_arguments("minimize", named, allowed, MINIMIZE)
        if not callable(loss):
            hint = (
                "The loss comes first, then the start."
                if callable(parameters)
                else "Give the function, not its value: loss, not loss(start)."
            )
            raise ArgumentError(f"minimize takes a function as its loss, and was given a {type(loss).__name__}. {hint}")
        cluster, escapes = named.pop("cluster", None), named.pop("escape_saddles", False)
        live, progress = named.pop("live", False), named.pop("progress", False)
        if not isinstance(escapes, bool):
            raise ArgumentError(f"escape_saddles={escapes!r}: expected True or False")
        if escapes and named.get("checkpoints") is not None:
            raise ArgumentError(
                "checkpoints=... are of one descent, and escape_saddles=True makes several: leave out one of them"
            )
        run: Callable[..., Result] = descend if cluster is None else _on_cluster(cluster)

        def descended() -> Result:
            result = _judged(run(loss, parameters, *arguments, **named))
            if not escapes:
                return result
            if isinstance(result, Population):
                raise ArgumentError("escape_saddles=True goes on with one descent: leave out restarts and grids")
            return _beyond_saddles(result, lambda start: _judged(run(loss, start, *arguments, **named)))

        if live is False and progress is False:
            return descended()
        from .live import watched  # pages and charts are loaded only for those who watch

        with watched(live, progress, named.get("on_progress"), named.get("controls")) as watch:
            named |= {"on_progress": watch.on_progress, "controls": watch.controls}
            result = descended()
            watch.finish(result)
            return result

    further = (
        "escape_saddles: whether to go on from saddle points, along the direction that leads down.\n    "
        "cluster: a `Cluster`, whose workers hold the examples, or descend with the members of a population.\n    "
        "live: True, or `tw.Live(...)`: shows the descent in the browser, where it can be held, changed and stopped.\n    "
        "progress: True shows a chart in the terminal; in a log, a line now and then.\n    "
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


def minimize_to_judge(loss: Loss, parameters: Any, **options: Any) -> Result:
    """As `minimize` with these options, for who is going to ask for the verdict of one descent: what that needs whichever way the
    descent goes is worked out while the descent is compiled. The data must not change before the verdict is asked for.
    """
    if options.get("live") or options.get("cluster") is not None:  # the descent is another, or elsewhere
        return minimize(loss, parameters, **options)
    of_plan = {name: value for name, value in options.items() if name not in ("live", "cluster", "on_progress")}
    plan, method = plan_of(loss, parameters, **of_plan)
    if not plan.is_in_memory or plan.batch is not None:
        return minimize(loss, parameters, **options)
    from .diagnosis.judge import judge, prepare_verdict

    vector = plan.problem.layout.vector(parameters)
    plan.program(plan.step(vector, method))  # it will be found by the descent
    proven = prepare_verdict(plan, vector)
    return dataclasses.replace(minimize(loss, parameters, **options), judge=partial(judge, proven=proven))

"""`minimize`: descends, and lets the result say what was found."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from .descent import Population, Result
from .descent import minimize as _descend

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


def _with_verdict(descend: Callable[P, Result]) -> Callable[P, Result]:
    @wraps(descend)
    def judged(*arguments: P.args, **options: P.kwargs) -> Result:
        return _judged(descend(*arguments, **options))

    return judged


minimize = _with_verdict(_descend)

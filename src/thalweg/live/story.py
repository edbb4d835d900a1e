"""What is told of a descent: to each viewer what is new to them, to those who come late the whole, with fewer points."""

from __future__ import annotations

import dataclasses
import itertools
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..descent import Controls, Population, Progress, Result
from ..graph import Array
from ..pages import Event, json_numbers, thinned
from .landscape import Landscape

__all__ = ["Story"]

_MOST_MEMBERS = 32
_MOST_POINTS = 4000
"""Of one curve, for a viewer who comes late; of all members together ten times as many."""
_REMEMBERED = 1000


@dataclass(frozen=True)
class _Known:
    """What a viewer has been told. origin: of which descent. rows, blocks, checks: how many. The rest: their numbers."""

    origin: Any = None
    rows: int = 0
    blocks: int = 0
    checks: int = 0
    landscape: int = -1
    end: int = 0
    now: Any = None


class Story:
    """Grows while the descent runs, and is read by the viewers' threads. Nothing is copied or encoded by the descent's own."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls
        self._now: Progress | None = None
        self._landscape: Landscape | None = None
        self._ends: tuple[Event, ...] = ()
        self._known: dict[int, _Known] = {0: _Known()}
        self._positions = itertools.count(1)
        self._lock = threading.Lock()

    # The descent's side
    def update(self, now: Progress, is_watched: bool) -> None:
        """A stretch has ended. is_watched: whether to spend time on the loss around the way."""
        if self._now is None or (self._now.origin is not now.origin and not now.blocks):
            self._landscape = Landscape.of(now.origin)
        self._now = now
        if self._landscape is not None and is_watched:
            self._landscape.go_on(_passed(now))

    def finish(self, result: Result) -> None:
        """The descent has ended."""
        if isinstance(result, Population):
            self._ends = (*self._ends, Event("rows", {"members": _ends_of(result)}))
        self._ends = (*self._ends, Event("result", _plain(result)))

    def look_around(self, result: Result) -> None:
        """Draws the loss around the whole way, which may take a moment."""
        if self._landscape is not None:
            self._landscape.complete(_passed_by(result))

    def judge(self, result: Result) -> None:
        """Adds the verdict, which may take a moment to be worked out."""
        if result.verdict is not None:
            found = result.verdict.to_dict() | {"title": result.verdict.kind.value}
            self._ends = (*self._ends, Event("verdict", found))

    def fail(self, message: str) -> None:
        """The descent has ended with an error."""
        self._ends = (*self._ends, Event("failure", {"message": message}))

    # The viewers' side
    def since(self, position: int) -> tuple[Sequence[Event], int]:
        """What is new to a viewer, and what they then know."""
        with self._lock:
            known = self._known.get(position, _Known())
        events, known = self._new_to(known)
        if not events:
            return events, position
        with self._lock:
            number = next(self._positions)
            self._known[number] = known
            if len(self._known) > _REMEMBERED:
                del self._known[next(place for place in self._known if place)]
        return events, number

    def _new_to(self, known: _Known) -> tuple[list[Event], _Known]:
        now, ends, landscape = self._now, self._ends, self._landscape
        events: list[Event] = []
        if now is not None:
            whole = now.origin.plan if now.blocks else now.origin
            if known.origin is not whole:
                known = _Known(origin=whole, end=known.end)
                events.append(Event("begin", _begin(now)))
            blocks = len(now.blocks)  # it grows while this is told
            members = _new_rows(now, known, blocks)
            if members:
                events.append(Event("rows", {"members": members}))
            checks = tuple(now.checks[known.checks :])
            if checks:
                losses = json_numbers([loss for _, loss in checks], digits=12)
                events.append(Event("checks", {"step": [step for step, _ in checks], "loss": losses}))
            known = dataclasses.replace(known, rows=len(now.rows), blocks=blocks, checks=known.checks + len(checks))
        if landscape is not None and landscape.picture[0] > known.landscape:
            number, picture = landscape.picture
            known = dataclasses.replace(known, landscape=number)
            events += [Event("landscape", picture)] if picture is not None else []
        state = self._state(now, bool(ends))
        if state != known.now:
            known = dataclasses.replace(known, now=state)
            events.append(Event("now", state))
        return [*events, *ends[known.end :]], dataclasses.replace(known, end=len(ends))

    def _state(self, now: Progress | None, has_ended: bool) -> dict[str, Any]:
        controls = self._controls
        state = "ended" if has_ended else "stopping" if controls.is_stopped else "paused" if controls.is_paused else ""
        found: dict[str, Any] = {"state": state or ("running" if now else "compiling"), "factor": controls.rate_factor}
        if now is not None:
            loss, norm = json_numbers([now.loss, now.gradient_norm], digits=17)
            found |= {"step": now.step, "loss": loss, "gradient_norm": norm, "seconds": now.seconds}
        return found


def _begin(now: Progress) -> dict[str, Any]:
    plan = now.origin.plan
    members = len({int(m) for block in now.blocks for m in block.members if m >= 0})
    return {
        "loss": _name_of(plan.loss),
        "parameters": int(now.origin.start.size),
        "members": members,
        "most_members": _MOST_MEMBERS,
        "method": _method_of(now.method),
        "has_rate": _has_rate(now),
        "has_validation": plan.validation is not None,
        "is_batch": plan.batch is not None,
        "can_keep_best": plan.batch is None or plan.validation is not None,
    }


def _name_of(loss: Any) -> str:
    name = str(getattr(loss, "__name__", type(loss).__name__))
    return name if name.isidentifier() else "a loss"


def _method_of(method: Any) -> str:
    """The method as it would be written; schedules have no name."""
    return re.sub(r"<function .*? at 0x[0-9a-f]+>", "a schedule", str(method))


def _has_rate(now: Progress) -> bool:
    """Whether there is a learning rate: of a line search the rate is only the first trial."""
    return now.method.line_search is None and hasattr(now.method, "learning_rate")


def _new_rows(now: Progress, known: _Known, count: int) -> list[dict[str, Any]]:
    """The rows that are new, by member. count: of blocks that are looked at."""
    if not count:
        new = now.rows[known.rows :]
        return [_member(0, new[:, 1:], _MOST_POINTS)] if len(new) else []
    parts: dict[int, list[Array]] = {}
    for block in now.blocks[known.blocks : count]:
        for lane, member in enumerate(block.members.tolist()):
            if 0 <= member < _MOST_MEMBERS:
                parts.setdefault(member, []).append(block.lane(lane))
    most = max(200, 10 * _MOST_POINTS // max(len(parts), 1))
    found = []
    for member, pieces in sorted(parts.items()):
        joined = np.concatenate(pieces)
        joined = joined[joined[:, 0] >= 0]  # rows from after its end
        if len(joined):
            found.append(_member(member, joined, most))
    return found


def _ends_of(population: Population) -> list[dict[str, Any]]:
    """Where the members ended: of several, the last row is not recorded if its turn had not come."""
    return [
        {
            "number": number,
            "step": [member.steps],
            "loss": json_numbers([member.loss]),
            "gradient_norm": json_numbers([member.gradient_norm]),
            "learning_rate": [None],
            "point": json_numbers(member.origin.end[None]) if member.history.parameters.shape[1] else [],
        }
        for number, member in enumerate(population.members[:_MOST_MEMBERS])
        if len(member.history) and member.history.step[-1] < member.steps
    ]


def _member(number: int, rows: Array, most: int) -> dict[str, Any]:
    """A member's rows, (n, parts), fewer if they are many."""
    if len(rows) > most:
        rows = rows[np.union1d(thinned(rows[:, 1], most // 2), thinned(rows[:, 2], most // 2))]
    return {
        "number": number,
        "step": rows[:, 0].astype(np.int64).tolist(),
        "loss": json_numbers(rows[:, 1]),
        "gradient_norm": json_numbers(rows[:, 2]),
        "learning_rate": json_numbers(rows[:, 3]),
        "point": json_numbers(rows[:, 5:-1]) if rows.shape[1] > 6 else [],
    }


def _passed(now: Progress) -> Array:
    """Points that the descent passed, as far as they are recorded: (n, P)."""
    if not now.blocks:
        return now.rows[:, 6:-1]
    recent = [block.rows[:, 5:].transpose(0, 2, 1)[:, block.members >= 0] for block in now.blocks[-64:]]
    parts = [block.reshape(-1, block.shape[-1]) for block in recent]
    return np.concatenate(parts)


def _passed_by(result: Result) -> Array:
    members = result.members if isinstance(result, Population) else (result,)
    return np.concatenate([member.history.parameters for member in members])


def _plain(result: Result) -> dict[str, Any]:
    """What the page shows of a result: with all digits, so that they are those of the result."""
    loss, norm = json_numbers([result.loss, result.gradient_norm], digits=17)
    end = result.origin.end
    return {
        "loss": loss,
        "gradient_norm": norm,
        "steps": result.steps,
        "evaluations": result.evaluations,
        "seconds": result.seconds,
        "compile_seconds": result.compile_seconds,
        "method": _method_of(result.method),
        "stopped_by": result.stopped_by.sentence,
        "notes": list(result.notes),
        "parameters": json_numbers(end, digits=17) if end.size <= 12 else None,
        "members": len(result.members) if isinstance(result, Population) else 0,
        "best_member": result.ranking[0] if isinstance(result, Population) else 0,
    }

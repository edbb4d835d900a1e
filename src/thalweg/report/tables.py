"""Tables of the page: they hold in numbers what the pictures show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..descent import Population, Result
from ..descent.result import duration
from ..graph import Array
from ..pictures import Fitted
from ..pictures.computation import Computation
from ..pictures.descending import Descending
from ..pictures.fitted import Confusion
from ..pictures.narrowing import Narrowing
from .markup import Markup, joined, tag
from .numbers import shown

__all__ = ["coefficients", "confusion", "figures", "folded", "history", "members", "nodes", "scores", "table", "trials"]

_MOST_ROWS = 500


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> Markup:
    """A table whose first column names the rows. It scrolls within itself where the page is narrow."""
    head = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in heads)))
    body = tag("tbody", *(_row(row) for row in rows))
    label = tag("caption", caption, class_="unseen")
    return tag(
        "div",
        tag("table", label, head, body, class_="numbers"),
        class_="wide",
        tabindex="0",
        role="group",
        aria_label=caption,
    )


def _row(row: Sequence[Any]) -> Markup:
    first, *others = row
    return tag("tr", tag("th", shown(first), scope="row"), *(tag("td", shown(value)) for value in others))


def folded(summary: str, content: Markup) -> Markup:
    """Content that is shown when it is asked for."""
    return tag("details", tag("summary", summary), content)


def history(descending: Descending) -> Markup:
    """About twenty rows of the record, the first and the last among them."""
    steps = np.unique(np.concatenate([series.step for series in descending.series] or [np.zeros(0, np.int64)]))
    if not len(steps):
        return joined()
    chosen = steps[np.unique(np.linspace(0, len(steps) - 1, 20).round().astype(int))]
    heads = ["step", *(series.label for series in descending.series)]
    rows = [[int(step), *(_at(series.step, series.value, step) for series in descending.series)] for step in chosen]
    return folded("The record in numbers", table("Rows of the record", heads, rows))


def _at(steps: Array, values: Array, step: int) -> Any:
    """The last value at or before a step."""
    place = int(np.searchsorted(steps, step, side="right")) - 1
    return float(values[place]) if place >= 0 else ""


def members(result: Population) -> Markup:
    """The members, the best first."""
    names = list(dict.fromkeys(name for own in result.choices for name in own))
    heads = ["place", *(name.replace("_", " ") for name in names), "loss", "gradient norm", "steps", "ended because"]
    rows = []
    for place, number in enumerate(result.ranking[:_MOST_ROWS], 1):
        member, own = result.members[number], result.choices[number]
        values = [own.get(name, "") for name in names]
        rows.append([place, *values, member.loss, member.gradient_norm, member.steps, member.stopped_by.sentence])
    return folded(f"All {len(result.members)} descents in numbers", table("The descents, the best first", heads, rows))


def coefficients(fitted: Fitted) -> Markup:
    """All coefficients, the largest first."""
    ranked = sorted(fitted.coefficients.items(), key=lambda item: -abs(item[1]))[:_MOST_ROWS]
    return folded(
        f"All {len(fitted.coefficients)} coefficients in numbers",
        table(f"Coefficients for {fitted.target}, in the table's own units", ["feature", "coefficient"], ranked),
    )


def confusion(found: Confusion) -> Markup:
    """Rows are actual classes, columns predicted ones."""
    rows = [[name, *map(int, counts)] for name, counts in zip(found.classes, found.counts, strict=True)]
    return folded(
        "The counts in numbers", table("Actual classes by predicted classes", ["actual", *found.classes], rows)
    )


def scores(of_parts: Mapping[str, Mapping[str, float]]) -> Markup:
    """One column for each part of the table."""
    parts = {part: found for part, found in of_parts.items() if found}
    if not parts:
        return joined()
    names = list(dict.fromkeys(name for found in parts.values() for name in found))
    rows = [[name, *(found.get(name, "") for found in parts.values())] for name in names]
    return table("Scores", ["score", *(f"{part} rows" for part in parts)], rows)


def nodes(computation: Computation) -> Markup:
    """All nodes: the alternative to the drawing."""
    rows = [
        [f"#{o.number} {o.name}", ", ".join(f"#{x}" for x in o.operands), o.value, o.adjoint, o.line]
        for o in computation.operations
    ]
    return folded(
        f"All {len(rows)} nodes in numbers",
        table("Nodes of the computational graph", ["node", "operands", "value", "adjoint", "source"], rows),
    )


def trials(narrowing: Narrowing) -> Markup:
    """The trials, the best first."""
    order = np.argsort(narrowing.ranks, kind="stable")[:_MOST_ROWS]
    heads = ["trial", "round", *(one.name for one in narrowing.parameters), "score"]
    rows = [
        [
            int(i),
            int(narrowing.round[i]) + 1,
            *(float(one.value[i]) for one in narrowing.parameters),
            float(narrowing.score[i]),
        ]
        for i in order
    ]
    return folded(f"All {len(narrowing.score)} trials in numbers", table("Trials, the best first", heads, rows))


def figures(result: Result) -> Sequence[tuple[str, str]]:
    """The numbers of a result that everyone asks for first."""
    found = [
        ("loss", shown(result.loss)),
        ("gradient norm", shown(result.gradient_norm)),
        ("steps", shown(result.steps)),
    ]
    if result.evaluations not in (0, result.steps, result.steps + 1):
        found.append(("evaluations", shown(result.evaluations)))
    if result.seconds:
        found.append(("time", duration(result.seconds)))
    if result.compile_seconds:
        found.append(("to compile", duration(result.compile_seconds)))
    return found

"""The page of a result: verdict first, then the way down, pictures, numbers, and the graph; one file without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..descent import Population, Result
from ..errors import ArgumentError
from ..pages import file_of, json_numbers, text_of
from ..pictures import Album, Depicted, Fitted
from ..pictures.computation import Computation
from ..pictures.descending import Descending
from ..pictures.drawing import check_can_draw, svg_for_page
from ..pictures.fitted import Coefficients, Confusion, Residuals
from ..pictures.narrowing import Narrowing
from ..pictures.surface import Surface
from . import tables
from .markup import Markup, joined, script_data, tag
from .numbers import shown

__all__ = ["check", "page_of", "write"]

_KINDS = {
    "GLOBAL_MINIMUM": "good",
    "LOCAL_MINIMUM": "good",
    "FLAT_VALLEY": "good",
    "SADDLE_POINT": "bad",
    "OVERSHOOTING": "bad",
    "NO_MINIMUM": "bad",
}
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"


def write(
    result: Result,
    path: str | Path,
    title: str | None = None,
    fitted: Fitted | None = None,
    further: tuple[Depicted, ...] = (),
) -> Path:
    """Writes the page to a file. Raises ArgumentError if Matplotlib is not installed, the ending is not .html, or the folder is missing."""
    path = check(path)
    path.write_text(page_of(result, title, fitted, further), "utf-8")
    return path


def check(path: str | Path) -> Path:
    """The path of a report, if one can be written there: to be asked before a long descent. Raises what `write` raises."""
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ArgumentError(f"{path}: a report is a page; write a name such as run.html")
    if not path.absolute().parent.is_dir():
        raise ArgumentError(f"{path}: there is no folder {path.absolute().parent}; make it first")
    check_can_draw()
    return path


def page_of(
    result: Result, title: str | None = None, fitted: Fitted | None = None, further: tuple[Depicted, ...] = ()
) -> str:
    """The page as text. fitted: what is known of the model beside its descent. further: pictures that others have made."""
    heading = title or _title(result)
    album = Album(result, fitted, further)
    pictures = [picture for picture in album if not isinstance(picture, Descending)]
    descending = album.find("descent")
    assert isinstance(descending, Descending)
    surface = next((picture for picture in pictures if isinstance(picture, Surface)), None)
    main = joined(
        _verdict(result),
        _of_model(fitted, pictures),
        _way_down(descending),
        _gallery(
            [picture for picture in pictures if not isinstance(picture, _OF_MODEL | Computation)], result, album.note
        ),
        *(_graph(picture) for picture in pictures if isinstance(picture, Computation)),
        _more(result),
    )
    body = joined(
        tag("a", "Skip to the verdict", href="#verdict", class_="unseen skip"),
        tag(
            "div",
            tag("header", tag("h1", heading), _toggle(), class_="row top"),
            tag("main", main),
            tag(
                "footer",
                tag("p", "Made by thalweg. This page is one file and loads nothing from anywhere.", class_="soft"),
            ),
            class_="page",
        ),
        script_data("data", {"curves": _curves(descending), "surface": _surface(surface)}),
        Markup(f"<script>{text_of('uplot/uPlot.iife.min.js')}</script>"),
        Markup(f'<script type="module">{_script()}</script>'),
    )
    return "<!DOCTYPE html>\n" + tag(
        "html",
        tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            Markup(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
            tag("title", heading),
            Markup(f"<style>{text_of('uplot/uPlot.min.css')}{text_of('theme.css')}{_own('report.css')}</style>"),
        ),
        tag("body", body),
        lang="en",
    )


_OF_MODEL = Coefficients | Confusion | Residuals


def _own(name: str) -> str:
    return file_of(__package__, f"assets/{name}").body.decode()


def _script() -> str:
    """The scripts as one module."""
    parts = [text_of("theme.js"), *(_own(name) for name in ("toggle.js", "curves.js", "surface.js"))]
    return "\n".join(parts).replace("export function", "function")


def _toggle() -> Markup:
    return tag("button", "Dark", type="button", id="theme", aria_pressed="false", class_="no-print", hidden=True)


def _title(result: Result) -> str:
    name = getattr(result.origin.plan.loss, "__name__", "") if result.origin is not None else ""
    method = type(result.method).__name__ if result.method is not None else ""
    what = name if name and name != "<lambda>" and name != "loss" else "A descent"
    what = what.replace("_", " ")
    what = f"{len(result.members)} descents: {what}" if isinstance(result, Population) else what
    return f"{what}, by {method}" if method else what


def _panel(identity: str, heading: str, *content: Any) -> Markup:
    title = f"{identity}-heading"
    return tag("section", tag("h2", heading, id=title), *content, class_="panel", id=identity, aria_labelledby=title)


def _drawn(picture: Any, told: str, class_: str = "picture", tabindex: str | None = None) -> Markup:
    """The drawing of a picture; told: what it shows, for those who do not see it."""
    return tag("div", Markup(svg_for_page(picture)), class_=class_, role="img", aria_label=told, tabindex=tabindex)


def _verdict(result: Result) -> Markup:
    verdict = result.verdict
    figures = tag(
        "dl",
        *(tag("div", tag("dt", name), tag("dd", value)) for name, value in tables.figures(result)),
        class_="figures",
    )
    why = result.stopped_by
    stopped = tag("p", f"{why.sentence}." if why.reason == "unknown" else f"Stopped because {why.sentence}.")
    notes = [tag("li", note) for note in result.notes]
    remarks = tag("ul", *notes, class_="notes", aria_label="Notes") if notes else None
    if verdict is None:
        return _panel("verdict", "The end", figures, stopped, remarks)
    colour = _KINDS.get(verdict.kind.name, "warning")
    evidence = tables.table("Evidence", ["evidence", "value"], verdict.evidence.items()) if verdict.evidence else None
    advice = [
        tag("li", item.text, tag("span", f" ({item.tried})", class_="soft") if item.tried else None)
        for item in verdict.advice
    ]
    said = tag(
        "div",
        tag("p", tag("span", verdict.kind.value, class_=f"badge {colour}", id="kind"), class_="kind"),
        tag("p", _sentence(verdict), class_="lead"),
        figures,
        stopped,
        tag("div", tag("h3", "Advice"), tag("ul", *advice)) if advice else None,
        remarks,
    )
    shows = tag("details", tag("summary", "The evidence"), evidence, open=True) if evidence else None
    return _panel("verdict", "Verdict", tag("div", said, shows, class_="beside"))


def _sentence(verdict: Any) -> str:
    return f"{verdict.sentence[:1].upper()}{verdict.sentence[1:]}."


def _of_model(fitted: Fitted | None, pictures: list[Depicted]) -> Markup:
    if fitted is None:
        return joined()
    own = [picture for picture in pictures if isinstance(picture, _OF_MODEL)]
    blocks = []
    for picture in own:
        numbers = None
        if isinstance(picture, Coefficients):
            numbers = tables.coefficients(fitted)
        if isinstance(picture, Confusion):
            numbers = tables.confusion(picture)
        blocks.append(_figure(picture, numbers))
    return _panel(
        "model", f"The model of {fitted.target}", tables.scores(fitted.scores), tag("div", *blocks, class_="columns")
    )


def _figure(picture: Depicted, more: Markup | None = None) -> Markup:
    """A picture with its title, what it shows in words, and its numbers."""
    told = f"{picture.title}. {picture.description}"
    drawn = _drawn(picture, told)
    if isinstance(picture, Surface):
        label = f"{told} Arrow keys turn it."
        canvas = tag("canvas", id="surface", tabindex="0", role="img", hidden=True, aria_label=label)
        hint = tag("p", "Drag it, or use the arrow keys, to turn it.", class_="soft no-print scripted")
        drawn = joined(canvas, tag("div", drawn, class_="static"), hint)
    return tag(
        "figure",
        tag("h3", picture.title),
        drawn,
        tag("figcaption", picture.description, class_="soft"),
        more,
        id=f"picture-{picture.name}",
    )


def _gallery(pictures: list[Depicted], result: Result, note: str) -> Markup:
    if not pictures:
        return joined()
    blocks = []
    for picture in pictures:
        numbers = None
        if picture.name == "members" and isinstance(result, Population):
            numbers = tables.members(result)
        if isinstance(picture, Narrowing):
            numbers = tables.trials(picture)
        blocks.append(_figure(picture, numbers))
    said = tag("p", note, class_="soft") if note else None
    return _panel("pictures", "Pictures", said, tag("div", *blocks, class_="columns"))


def _way_down(descending: Descending) -> Markup:
    if not descending.series:
        return joined()
    controls = tag(
        "div",
        tag("span", "Against", id="against"),
        tag("button", "steps", type="button", data_axis="step", aria_pressed="true"),
        tag("button", "time", type="button", data_axis="time", aria_pressed="false"),
        tag("label", tag("input", type="checkbox", id="logarithmic", checked=True), " logarithmic", class_="row"),
        class_="row no-print scripted",
        role="group",
        aria_labelledby="against",
    )
    note = "Single steps are not timed, but stretches of some 50 ms, whose steps share the time evenly."
    still = tag("div", _drawn(descending, descending.description), class_="static")
    return _panel(
        "descent",
        "The way down",
        controls,
        tag("div", id="curves", class_="columns scripted", role="img", aria_label=descending.description),
        tag("p", note, class_="soft no-print", id="time-note", hidden=True),
        still,
        tag("p", descending.description, class_="soft"),
        tables.history(descending),
    )


def _graph(computation: Computation) -> Markup:
    drawing = _drawn(computation, computation.description, "picture graph", "0")
    inner = joined()
    if len(computation.groups) > 1:
        inner = joined(*(_group(group) for group in computation.groups))
    return _panel(
        "graph",
        computation.title,
        tag("p", computation.description, class_="soft"),
        drawing,
        inner,
        tables.nodes(computation),
    )


_MOST_DRAWN = 60


def _group(group: Any) -> Markup:
    count = len(group.operations)
    label = f"{group.label}: {count} nodes"
    if count > _MOST_DRAWN:
        return tag("p", f"{label}, too many to draw; they are in the list below.", class_="soft")
    return tables.folded(label, _drawn(group, label, "picture graph", "0"))


def _more(result: Result) -> Markup:
    rows = [("method", str(result.method)), ("steps whose direction did not point downhill", shown(result.ascents))]
    if result.origin is not None:
        plan = result.origin.plan
        rows += [
            ("parameters", shown(plan.problem.layout.size)),
            ("examples", shown(plan.data.examples or "none")),
            ("examples in a mini-batch", "all" if plan.batch is None else shown(plan.batch)),
            ("stopping rule", str(plan.rule)),
            ("seed", str(plan.seed)),
        ]
    return _panel("settings", "How it was run", tables.table("How it was run", ["what", "value"], rows))


def _curves(descending: Descending) -> dict[str, Any]:
    return {
        "series": [
            {
                "label": series.label,
                "step": json_numbers(series.step),
                "value": json_numbers(series.value, 9),
                "seconds": json_numbers(series.seconds, 6),
            }
            for series in descending.series
        ],
    }


def _surface(surface: Surface | None) -> dict[str, Any] | None:
    if surface is None:
        return None
    path = surface.path
    along = [] if path is None else [json_numbers(values, 5) for values in (path.x, path.y, surface.path_height)]
    return {
        "x": json_numbers(surface.x, 5),
        "y": json_numbers(surface.y, 5),
        "height": json_numbers(surface.height, 4),
        "names": list(surface.names),
        "path": along,
    }

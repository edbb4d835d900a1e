"""A result in a notebook: the verdict, the figures, and one picture."""

from __future__ import annotations

import base64
from importlib.util import find_spec

from ..descent import Result
from ..pictures import Album
from ..pictures.drawing import svg_alone
from .markup import Markup, joined, tag
from .tables import figures

__all__ = ["html"]


def html(result: Result) -> str:
    """An excerpt of the report."""
    verdict = result.verdict
    head = joined() if verdict is None else tag("p", tag("b", verdict.kind.value), f": {verdict.sentence}")
    names, values = zip(*figures(result), strict=True)
    numbers = tag("table", tag("tr", *(tag("th", x) for x in names)), tag("tr", *(tag("td", x) for x in values)))
    return tag("div", head, numbers, tag("p", f"Stopped because {result.stopped_by.sentence}."), _picture(result))


def _picture(result: Result) -> Markup | None:
    """The way on the loss where it can be drawn, else the record."""
    if find_spec("matplotlib") is None:
        return None
    album = Album(result)
    picture = album.find("contour") or album.find("curve") or album.find("descent")
    if picture is None:
        return None
    source = base64.b64encode(svg_alone(picture)).decode()
    return tag(
        "img", src=f"data:image/svg+xml;base64,{source}", alt=picture.description, style="max-width: 600px; width: 100%"
    )

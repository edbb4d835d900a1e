"""From the data of a picture to a file, or to text for a page. Matplotlib draws; it is imported only here and below."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from functools import singledispatch
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ArgumentError
from .palette import Palette, palette_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["check_can_draw", "drawing", "save", "svg_alone", "svg_for_page"]

_DOTS_PER_INCH = 200
_TIGHT: dict[str, Any] = {"bbox_inches": "tight", "pad_inches": 0.04}


@singledispatch
def drawing(data: Any, palette: Palette) -> Figure:
    """A figure of the data of a picture. Each kind of data registers how it is drawn."""
    raise NotImplementedError(type(data).__name__)


def check_can_draw() -> None:
    """Raises ArgumentError, saying what to install, if Matplotlib is not there."""
    if find_spec("matplotlib") is None:
        raise ArgumentError("pictures are drawn by Matplotlib, which is not installed: pip install 'thalweg[pictures]'")


def _settings(palette: Palette, name: str) -> dict[str, Any]:
    return {
        "figure.facecolor": palette["panel"],
        "axes.facecolor": palette["panel"],
        "savefig.facecolor": palette["panel"],
        "text.color": palette["ink"],
        "axes.labelcolor": palette["soft-ink"],
        "axes.edgecolor": palette["line"],
        "axes.titlecolor": palette["ink"],
        "axes.titlesize": 9,
        "axes.labelsize": 9,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": False,
        "axes.axisbelow": True,
        "grid.color": palette["grid"],
        "grid.linewidth": 0.7,
        "xtick.color": palette["line"],
        "ytick.color": palette["line"],
        "xtick.labelcolor": palette["soft-ink"],
        "ytick.labelcolor": palette["soft-ink"],
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "legend.fontsize": 8,
        "legend.frameon": False,
        "font.size": 9,
        "font.family": ["sans-serif"],
        "text.parse_math": False,  # names of columns may hold anything
        "svg.hashsalt": name,
        "axes.formatter.use_mathtext": False,
        "axes.unicode_minus": True,
        "path.simplify": True,
        "path.simplify_threshold": 0.3,
    }


def _draw(picture: Any, palette: Palette, more: dict[str, Any], write: Callable[[Figure], None]) -> None:
    from matplotlib import rc_context

    from . import fitted, flat, graph, members, series, solid  # noqa: F401  # each registers how its data are drawn

    settings: Any = {**_settings(palette, picture.name), **more}
    with rc_context(settings), np.errstate(all="ignore"):  # axes of losses that overflow
        write(drawing(picture, palette))


def save(picture: Any, path: str | Path, theme: str = "light") -> Path:
    """Writes a picture to a file; its ending says how: .svg, .png or .pdf.

    Raises ArgumentError for other endings, or if Matplotlib is not installed.
    """
    path = Path(path)
    if path.suffix.lower() not in (".svg", ".png", ".pdf"):
        raise ArgumentError(f"{path}: pictures are written as .svg, .png or .pdf, as the ending says")
    check_can_draw()
    kind = path.suffix.lower()[1:]
    metadata = {"Date": None} if kind == "svg" else {"CreationDate": None} if kind == "pdf" else {}
    buffer = io.BytesIO()
    _draw(
        picture,
        palette_of(theme),
        {},
        lambda figure: figure.savefig(buffer, format=kind, dpi=_DOTS_PER_INCH, metadata=metadata, **_TIGHT),
    )
    path.write_bytes(_rounded(buffer.getvalue().decode()).encode() if kind == "svg" else buffer.getvalue())
    return path


def svg_alone(picture: Any) -> bytes:
    """The picture as a file in SVG, in light colours."""
    buffer = io.BytesIO()
    _draw(
        picture,
        palette_of("light"),
        {},
        lambda figure: figure.savefig(buffer, format="svg", metadata={"Date": None}, **_TIGHT),
    )
    return _rounded(buffer.getvalue().decode()).encode()


def svg_for_page(picture: Any) -> str:
    """The picture as an element of a page, in colours that follow the page's theme."""
    check_can_draw()
    palette = palette_of("light")
    buffer = io.StringIO()
    _draw(
        picture,
        palette,
        {"svg.fonttype": "none"},
        lambda figure: figure.savefig(buffer, format="svg", metadata={"Date": None}, **_TIGHT),
    )
    return _for_page(buffer.getvalue(), palette)


_PLACES = re.compile(r' (?:d|x|y|points)="[^"]*"')
_DIGITS = re.compile(r"(\d+\.\d\d)\d+")
_COLOUR = re.compile(r"#[0-9a-f]{6}\b")
_WIDTH = re.compile(r'(<svg [^>]*?)width="[\d.]+pt" height="[\d.]+pt" ', re.DOTALL)


def _for_page(svg: str, palette: Palette) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    width = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert width is not None
    svg = _WIDTH.sub(r"\1", svg, count=1)
    svg = svg.replace(
        "<svg ", f'<svg aria-hidden="true" focusable="false" style="--width: {float(width[1]) * 1.42:.0f}px" ', 1
    )
    head, style, body = svg.partition("</style>")
    body = re.sub(r'style="[^"]*"', lambda found: _themed(found[0], palette), body)
    body = _rounded(body)
    return re.sub(r"\n\s*", "\n", head + style + body)


def _rounded(svg: str) -> str:
    """Places to a hundredth of a point: finer than anyone sees, and half as long."""
    return _PLACES.sub(lambda found: _DIGITS.sub(r"\1", found[0]), svg)


def _themed(style: str, palette: Palette) -> str:
    return _COLOUR.sub(lambda colour: palette.in_css.get(colour[0], colour[0]), style)

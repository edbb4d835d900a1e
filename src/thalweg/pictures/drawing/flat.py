"""Drawing planes, curves and slices."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from ..basins import Attraction
from ..curve import Curve
from ..plane import Arrows, Path, Plane
from ..scale import Heights
from ..slices import Slices
from .figure import drawing
from .palette import Palette

__all__ = ["number"]

_LEVELS = 16
_WIDTH = 5.4
_ARROW = 0.052
"""The length of the longest arrow, as a share of the axes."""


def number(value: float) -> str:
    """A number on an axis or beside a line."""
    return f"{value:.3g}".replace("e-0", "e-").replace("e+0", "e").replace("-", "−")


def _plane_axes(x: Any, y: Any, names: tuple[str, str], is_equal: bool) -> tuple[Figure, Axes]:
    """A figure with the axes of a plane; equal scales make its height follow from its width."""
    ratio = float((y[-1] - y[0]) / (x[-1] - x[0])) if is_equal else 0.75
    figure = Figure(figsize=(_WIDTH, min(max(0.82 * _WIDTH * ratio + 0.6, 3.2), 7.0)), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlim(x[0], x[-1])
    axes.set_ylim(y[0], y[-1])
    axes.set_xlabel(names[0])
    axes.set_ylabel(names[1])
    if is_equal:
        axes.set_aspect("equal", adjustable="box")
    for side in axes.spines.values():
        side.set_visible(True)
    return figure, axes


_MOST_NAMED = 8


def _colour(path: Path, place: int, palette: Palette) -> str:
    return palette.curve(place + 1 if path.basin is None else path.basin + 1)


@drawing.register
def _(data: Plane, palette: Palette) -> Figure:
    figure, axes = _plane_axes(data.x, data.y, data.names, data.is_equal)
    heights = Heights.of(data.loss)
    shown = heights.of_losses(data.loss)
    levels = np.linspace(0, 1, _LEVELS + 1)
    colours = [palette.mix("curve-1", "depth-high", 0.5 * (1 - k / (_LEVELS - 1))) for k in range(_LEVELS)]
    filled = axes.contourf(data.x, data.y, shown, levels=levels, colors=colours, extend="neither")
    axes.contour(
        data.x, data.y, shown, levels=levels[1:-1], colors=[palette.mix("curve-1", "panel", 0.6)], linewidths=0.55
    )
    bar = figure.colorbar(filled, ax=axes, shrink=0.75, aspect=28, pad=0.02)
    places = levels[:: _LEVELS // 4]
    bar.set_ticks(list(places), labels=[number(value) for value in heights.levels(_LEVELS + 1)[:: _LEVELS // 4]])
    bar.ax.tick_params(length=0)
    bar.outline.set_visible(False)
    bar.set_label("loss" + (", logarithmic" if heights.is_logarithmic else ""))
    if data.arrows is not None:
        _draw_arrows(axes, data.arrows, palette)
    for place, path in enumerate(data.paths):
        _draw_path(axes, path, _colour(path, place, palette), palette, is_alone=len(data.paths) == 1)
    if 1 < len(data.paths) <= _MOST_NAMED:
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return figure


def _draw_arrows(axes: Axes, arrows: Arrows, palette: Palette) -> None:
    length = _ARROW * (0.35 + 0.65 * arrows.strength)
    axes.quiver(
        arrows.x,
        arrows.y,
        arrows.dx * length,
        arrows.dy * length,
        color=palette.mix("soft-ink", "depth-high", 0.85),
        angles="xy",
        scale_units="xy",
        scale=1,
        width=0.0028,
        headwidth=4.5,
        headlength=5,
        headaxislength=4.2,
        pivot="tail",
    )


def _draw_path(axes: Axes, path: Path, colour: str, palette: Palette, is_alone: bool) -> None:
    if len(path.x) > 1:
        axes.plot(
            path.x, path.y, color=colour, linewidth=1.8 if is_alone else 1.1, solid_joinstyle="round", label=path.label
        )
        if len(path.x) <= 150 and is_alone:
            axes.plot(path.x, path.y, ".", color=colour, markersize=4.5)
        edge = palette["panel"]
        axes.plot(
            path.x[0],
            path.y[0],
            "o",
            markersize=7 if is_alone else 4,
            color=edge,
            markeredgecolor=colour,
            markeredgewidth=1.6,
        )
    size = 13 if is_alone else 8
    axes.plot(
        path.x[-1],
        path.y[-1],
        "*",
        markersize=size,
        color=colour,
        markeredgecolor=palette["panel"],
        markeredgewidth=0.7,
    )


@drawing.register
def _(data: Curve, palette: Palette) -> Figure:
    figure = Figure(figsize=(5.2, 3.9), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(True)
    axes.plot(data.x, data.loss, color=palette["curve-1"], linewidth=2)
    seen = [way.loss[np.isfinite(way.loss)] for way in data.ways]
    finite = data.loss[np.isfinite(data.loss)]
    top = max([float(np.max(way)) for way in seen if len(way)], default=float(np.max(finite)))
    top = min(top, float(np.max(finite)))
    low = float(np.min(finite))
    for number_of, (way, slope) in enumerate(zip(data.ways, data.slopes, strict=True)):
        colour = _colour(way, number_of, palette)
        axes.plot(way.x, way.loss, color=colour, linewidth=0.9)
        axes.plot(way.x, way.loss, ".", color=colour, markersize=6)
        axes.plot(
            way.x[0],
            way.loss[0],
            "o",
            markersize=8,
            color=palette["panel"],
            markeredgecolor=colour,
            markeredgewidth=1.8,
        )
        axes.plot(
            way.x[-1],
            way.loss[-1],
            "*",
            markersize=13,
            color=colour,
            markeredgecolor=palette["panel"],
            markeredgewidth=0.7,
        )
        if number_of == 0:
            half = 0.12 * float(data.x[-1] - data.x[0])
            ends = np.array([way.x[0] - half, way.x[0] + half])
            axes.plot(ends, way.loss[0] + slope * (ends - way.x[0]), "--", color=palette["soft-ink"], linewidth=1.2)
            axes.annotate(
                f"slope {number(slope)}",
                (way.x[0], way.loss[0]),
                xytext=(9, 7),
                textcoords="offset points",
                color=palette["soft-ink"],
                fontsize=8,
            )
    axes.set_ylim(low - 0.12 * (top - low or 1), top + 0.6 * (top - low or 1))
    axes.set_xlim(data.x[0], data.x[-1])
    axes.set_xlabel(data.parameter)
    axes.set_ylabel("loss")
    return figure


@drawing.register
def _(data: Slices, palette: Palette) -> Figure:
    count = len(data.slices)
    columns = min(count, 2)
    rows = -(-count // columns)
    figure = Figure(figsize=(5.2, 0.4 + 2.3 * rows), layout="constrained")
    for place, one in enumerate(data.slices, 1):
        axes = figure.add_subplot(rows, columns, place)
        axes.grid(True)
        axes.plot(one.t, one.parabola, "--", color=palette["curve-2"], linewidth=1.4, label="parabola")
        axes.plot(one.t, one.change, color=palette["curve-1"], linewidth=2, label="loss")
        here = len(one.t) // 2
        axes.plot(one.t[here], one.change[here], "*", color=palette["ink"], markersize=10)
        finite = one.change[np.isfinite(one.change)]
        if len(finite):
            low, high = float(finite.min()), float(finite.max())
            room = max(0.12 * (high - low), 50 * data.noise, 1e-300)
            axes.set_ylim(low - room, high + room)
        axes.set_title("eigenvalue ≈ 0" if one.is_flat else f"eigenvalue {number(one.eigenvalue)}")
        axes.locator_params(nbins=5)
        axes.set_xlabel("distance along the eigenvector")
        if place % columns == 1 or columns == 1:
            axes.set_ylabel("change of the loss")
        if place == 1:
            axes.legend(loc="upper center", ncols=2)
    return figure


@drawing.register
def _(data: Attraction, palette: Palette) -> Figure:
    figure, axes = _plane_axes(data.x, data.y, data.names, data.is_equal)
    step_x, step_y = float(data.x[1] - data.x[0]), float(data.y[1] - data.y[0])
    for basin in range(-1, len(data.minima)):
        colour = palette["raised"] if basin < 0 else palette.mix(f"curve-{(basin + 1) % 8 + 1}", "panel", 0.34)
        cells = []
        for y, row in zip(data.y, data.basin == basin, strict=True):
            changes = np.flatnonzero(np.diff(np.concatenate([[False], row, [False]])))
            for first, after in changes.reshape(-1, 2).tolist():
                left, right = data.x[0] + (first - 0.5) * step_x, data.x[0] + (after - 0.5) * step_x
                low, high = y - 0.5 * step_y, y + 0.5 * step_y
                cells.append([(left, low), (right, low), (right, high), (left, high)])
        if cells:
            axes.add_collection(PolyCollection(cells, facecolors=colour, edgecolors=colour, linewidths=0.8))
    for (x, y), basin in zip(data.starts, data.basins_of_starts.tolist(), strict=True):
        colour = palette["soft-ink"] if basin < 0 else palette.curve(basin + 1)
        axes.plot(x, y, "o", markersize=4.5, color=colour, markeredgecolor=palette["panel"], markeredgewidth=0.6)
    for basin, ((x, y), loss) in enumerate(zip(data.minima, data.losses, strict=True)):
        axes.plot(
            x,
            y,
            "*",
            markersize=15,
            color=palette.curve(basin + 1),
            markeredgecolor=palette["ink"],
            markeredgewidth=0.8,
        )
        axes.annotate(number(loss), (x, y), xytext=(0, 10), textcoords="offset points", ha="center", fontsize=8)
    return figure

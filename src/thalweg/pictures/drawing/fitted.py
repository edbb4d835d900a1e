"""Drawing coefficients, confusion matrices and residuals."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..fitted import Coefficients, Confusion, Residuals
from .figure import drawing
from .flat import number
from .palette import Palette


def _short(name: str, most: int = 28) -> str:
    return name if len(name) <= most else f"{name[: most // 2 - 1]}…{name[-most // 2 :]}"


@drawing.register
def _(data: Coefficients, palette: Palette) -> Figure:
    count = len(data.names)
    figure = Figure(figsize=(5.2, 0.7 + 0.27 * count), layout="constrained")
    axes = figure.add_subplot()
    places = np.arange(count)[::-1]
    colours = [palette["curve-1"] if value >= 0 else palette["curve-2"] for value in data.values]
    axes.barh(places, data.values, 0.68, color=colours)
    axes.axvline(0, color=palette["soft-ink"], linewidth=0.8)
    reach = float(np.max(np.abs(data.values), initial=0.0)) or 1.0
    for place, value in zip(places, data.values, strict=True):
        axes.annotate(
            number(value),
            (value, place),
            xytext=(4 if value >= 0 else -4, 0),
            textcoords="offset points",
            va="center",
            ha="left" if value >= 0 else "right",
            fontsize=8,
            color=palette["soft-ink"],
        )
    low, high = min(0.0, float(np.min(data.values))), max(0.0, float(np.max(data.values)))
    axes.set_xlim(low - (0.3 * reach if low < 0 else 0.02 * reach), high + (0.3 * reach if high > 0 else 0.02 * reach))
    axes.set_ylim(-0.7, count - 0.3)
    axes.set_yticks(places, [_short(name) for name in data.names])
    axes.tick_params(axis="y", length=0, labelcolor=palette["ink"])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(f"coefficient for {data.target}")
    return figure


@drawing.register
def _(data: Confusion, palette: Palette) -> Figure:
    count = len(data.classes)
    side = min(5.2, 2.0 + 0.62 * count)
    figure = Figure(figsize=(side + 0.5, side), layout="constrained")
    axes = figure.add_subplot()
    shares = data.counts / np.maximum(data.counts.sum(axis=1, keepdims=True), 1)
    for row in range(count):
        for column in range(count):
            share = round(float(shares[row, column]), 2)
            colour = palette.mix("curve-1" if row == column else "curve-2", "panel", 0.04 + 0.9 * share)
            axes.add_patch(Rectangle((column, row), 0.96, 0.96, facecolor=colour, edgecolor="none"))
            if count <= 16:
                text = f"{int(data.counts[row, column]):,}"
                ink = palette["accent-ink"] if share > 0.5 else palette["ink"]
                axes.text(
                    column + 0.48,
                    row + 0.48,
                    text,
                    ha="center",
                    va="center",
                    fontsize=9 if count <= 8 else 7,
                    color=ink,
                )
    axes.set_xlim(-0.04, count)
    axes.set_ylim(count, -0.04)
    axes.set_aspect("equal")
    ticks = np.arange(count) + 0.48
    is_long = max(len(name) for name in data.classes) > 6
    axes.set_xticks(
        ticks,
        [_short(name, 14) for name in data.classes],
        rotation=35 if is_long else 0,
        ha="right" if is_long else "center",
    )
    axes.set_yticks(ticks, [_short(name, 18) for name in data.classes])
    axes.tick_params(length=0, labelcolor=palette["ink"])
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xlabel("predicted")
    axes.set_ylabel("actual")
    return figure


@drawing.register
def _(data: Residuals, palette: Palette) -> Figure:
    rows = len(data.targets)
    figure = Figure(figsize=(5.2, 3.8 if rows == 1 else 2.9 * rows), layout="constrained")
    panels = figure.subplots(rows, 2, sharey="row", width_ratios=(4, 1), squeeze=False)
    for place, (left, right) in enumerate(panels):
        _residuals_of_one(data, place, left, right, palette)
    return figure


def _residuals_of_one(data: Residuals, place: int, left: Axes, right: Axes, palette: Palette) -> None:
    predicted, residual = data.predicted[:, place], data.residual[:, place]
    left.grid(True)
    left.plot(predicted, residual, "o", markersize=3, color=palette.mix("curve-1", "panel", 0.55), markeredgewidth=0)
    left.axhline(0, color=palette["ink"], linewidth=1)
    for sign in (-1, 1):
        height = data.mean[place] + sign * data.deviation[place]
        left.axhline(height, color=palette["soft-ink"], linewidth=0.9, linestyle="--")
    left.set_xlabel(f"predicted {_short(data.targets[place])}")
    left.set_ylabel("actual − predicted")
    low, high = np.quantile(residual, [0.002, 0.998])
    reach = 0.06 * float(high - low)
    left.set_ylim(low - reach, high + reach)
    counts, edges = np.histogram(residual, bins=40, range=(float(low), float(high)))
    right.barh((edges[1:] + edges[:-1]) / 2, counts, np.diff(edges) * 0.92, color=palette["curve-1"])
    right.set_xticks([])
    right.spines["bottom"].set_visible(False)
    right.tick_params(axis="y", length=0)

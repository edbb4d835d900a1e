"""Drawing the record of a descent, and the ranges of a search."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from ...graph import Array
from ..descending import Descending
from ..narrowing import Narrowing
from .figure import drawing
from .palette import Palette

__all__ = ["logarithmic", "suits_logarithm"]


def suits_logarithm(values: Array) -> bool:
    """Whether a logarithmic axis shows more: all values are above zero, and differ by a large factor."""
    finite = values[np.isfinite(values)]
    return bool(len(finite)) and bool(finite.min() > 0) and float(finite.max()) > 30 * float(finite.min())


_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def _power_of_ten(value: float, place: int) -> str:
    return "10" + str(round(math.log10(value))).translate(_SUPERSCRIPTS) if value > 0 else ""


def logarithmic(axis: Axis) -> None:
    """Gives an axis a logarithmic scale with powers of ten as ticks, or with plain numbers if it spans few of them."""
    (axis.axes.set_xscale if isinstance(axis, XAxis) else axis.axes.set_yscale)("log")
    low, high = axis.get_view_interval()
    if 0 < low < high < 300 * low:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:g}"))
    else:
        axis.set_major_formatter(FuncFormatter(_power_of_ten))
    axis.set_minor_locator(NullLocator())


def _scale(axes: Axes, values: Array) -> None:
    if suits_logarithm(values):
        logarithmic(axes.yaxis)


@drawing.register
def _(data: Descending, palette: Palette) -> Figure:
    validation = [series for series in data.series if series.label == "validation loss"]
    panels = [series for series in data.series if series.label != "validation loss"]
    figure = Figure(figsize=(5.2, 0.5 + 1.7 * max(1, len(panels))), layout="constrained")
    shared: Axes | None = None
    for place, series in enumerate(panels, 1):
        axes = figure.add_subplot(len(panels), 1, place, sharex=shared)
        shared = shared or axes
        axes.grid(True)
        values = series.value
        is_loss = series.label.startswith("loss")
        axes.plot(series.step, values, color=palette.curve(place - 1), linewidth=1.4)
        if is_loss:
            for kept in validation:
                axes.plot(kept.step, kept.value, color=palette["curve-3"], linewidth=1.4)
                axes.annotate(
                    "validation",
                    (kept.step[-1], kept.value[-1]),
                    ha="right",
                    va="bottom",
                    color=palette["curve-3"],
                    fontsize=8,
                )
                values = np.append(values, kept.value)
        if series.label == "learning rate":
            values = values[values > 0]
        _scale(axes, values)
        axes.set_ylabel(series.label)
        axes.tick_params(labelbottom=place == len(panels))
    if shared is not None:
        figure.axes[-1].set_xlabel("step")
    return figure


@drawing.register
def _(data: Narrowing, palette: Palette) -> Figure:
    count = max(1, len(data.parameters))
    figure = Figure(figsize=(5.2, 0.4 + 1.9 * count), layout="constrained")
    ranks = data.ranks
    jitter = np.random.default_rng(0).uniform(-0.3, 0.3, len(ranks))
    for place, one in enumerate(data.parameters, 1):
        axes = figure.add_subplot(count, 1, place)
        axes.grid(True, axis="y")
        rounds = np.arange(len(one.low))
        edge, inside = palette["curve-1"], palette.mix("curve-1", "panel", 0.16)
        axes.bar(rounds, one.high - one.low, 0.8, bottom=one.low, color=inside, edgecolor=edge, linewidth=0.8)
        for kind in range(4):
            own = (ranks * 3.999).astype(int) == 3 - kind
            axes.plot(
                (data.round + jitter)[own],
                one.value[own],
                "o",
                markersize=4.2,
                markeredgewidth=0,
                color=palette.mix("curve-2", "panel", (0.22, 0.45, 0.7, 1.0)[kind]),
            )
        best = data.best
        star: dict[str, Any] = {"color": palette["curve-2"], "markeredgecolor": palette["ink"]}
        axes.plot(data.round[best], one.value[best], "*", markersize=14, markeredgewidth=0.8, **star)
        if one.is_logarithmic:
            logarithmic(axes.yaxis)
        axes.set_ylabel(one.name)
        labels = [str(number + 1) for number in rounds[:-1]] + ["end"]
        axes.set_xticks(rounds, labels if place == count else [""] * len(rounds))
        axes.tick_params(axis="x", length=0)
    if figure.axes:
        figure.axes[-1].set_xlabel("round")
    return figure

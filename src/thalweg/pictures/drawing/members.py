"""Drawing what the members of a population reached, and how their learning rates did."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ...descent import RateKind
from ..basins import Reached
from ..rates import Rates
from .figure import drawing
from .palette import Palette
from .series import logarithmic, suits_logarithm

_MARKS = {
    RateKind.SLOW: ("s", "warning", "slow"),
    RateKind.GOOD: ("o", "good", "good"),
    RateKind.OVERSHOT: ("X", "bad", "overshooting"),
}


@drawing.register
def _(data: Rates, palette: Palette) -> Figure:
    figure = Figure(figsize=(5.2, 3.7), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(True)
    finite = np.isfinite(data.loss)
    shown = np.append(data.loss[finite], data.start)
    shown = shown[np.isfinite(shown)]
    is_logarithmic = suits_logarithm(shown)
    if is_logarithmic:
        top = float(shown.max()) * (float(shown.max() / shown.min())) ** 0.12
    else:
        top = float(shown.max()) + 0.12 * (float(np.ptp(shown)) or 1.0)
    heights = np.where(finite, data.loss, top)
    axes.plot(data.rate[finite], heights[finite], color=palette["line"], linewidth=1.5, zorder=1)
    for kind, (mark, colour, label) in _MARKS.items():
        own = np.array([k is kind for k in data.kinds])
        if own.any():
            axes.plot(
                data.rate[own], heights[own], mark, color=palette[colour], markersize=9, linestyle="none", label=label
            )
    if np.isfinite(data.start):
        axes.axhline(data.start, color=palette["soft-ink"], linewidth=1, linestyle="--", zorder=0)
        axes.annotate(
            "start",
            (data.rate[0], data.start),
            xytext=(0, 3),
            textcoords="offset points",
            fontsize=8,
            color=palette["soft-ink"],
        )
    for rate in data.rate[~finite]:
        axes.annotate(
            "diverged",
            (rate, top),
            xytext=(0, 8),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color=palette["bad"],
        )
    logarithmic(axes.xaxis)
    if is_logarithmic:
        logarithmic(axes.yaxis)
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss reached")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.14), ncols=3)
    return figure


@drawing.register
def _(data: Reached, palette: Palette) -> Figure:
    figure = Figure(figsize=(5.2, 3.2), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(True, axis="y")
    finite = np.isfinite(data.loss)
    places = np.arange(1, len(data.loss) + 1)
    for basin in np.unique(data.basin).tolist():
        own = (data.basin == basin) & finite
        colour = palette["soft-ink"] if basin < 0 else palette.curve(basin + 1)
        axes.plot(places[own], data.loss[own], "o", color=colour, markersize=5, linestyle="none")
    axes.set_xlim(0, len(data.loss) + 1)
    if suits_logarithm(data.loss[finite]):
        logarithmic(axes.yaxis)
    axes.set_xlabel("descent, the best first" + (f"; {int((~finite).sum())} diverged" if not finite.all() else ""))
    axes.set_ylabel("loss reached")
    return figure

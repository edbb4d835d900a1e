"""Drawing a surface in three dimensions."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d import Axes3D  # registers the projection

from ...graph import Array
from ..surface import Surface
from .figure import drawing
from .palette import Palette

_LEVELS = 16
_SIDE = 30


@drawing.register
def _(data: Surface, palette: Palette) -> Figure:
    figure = Figure(figsize=(5.2, 4.0))
    axes: Axes3D = figure.add_axes((0.0, 0.02, 0.96, 0.98), projection="3d", computed_zorder=False)
    down, across = (np.linspace(0, n - 1, min(n, _SIDE)).round().astype(int) for n in data.height.shape)
    height = data.height[np.ix_(down, across)]
    x, y = np.meshgrid(data.x[across], data.y[down])
    colours = np.array([palette.mix("curve-1", "depth-high", 0.95 - 0.85 * k / (_LEVELS - 1)) for k in range(_LEVELS)])
    middle = (height[1:, 1:] + height[:-1, 1:] + height[1:, :-1] + height[:-1, :-1]) / 4
    faces = colours[np.clip((middle * _LEVELS).astype(int), 0, _LEVELS - 1)]
    axes.plot_surface(
        x,
        y,
        height,
        facecolors=faces,
        rstride=1,
        cstride=1,
        shade=False,
        edgecolor=palette.mix("curve-1", "panel", 0.35),
        linewidth=0.3,
    )
    if data.path is not None:
        inside = _inside(data)
        axes.plot(
            data.path.x[inside],
            data.path.y[inside],
            data.path_height[inside] + 0.02,
            color=palette["curve-2"],
            linewidth=2.2,
            zorder=5,
        )
    axes.set_xlabel(data.names[0])
    axes.set_ylabel(data.names[1])
    axes.set_zlabel("loss" + (", logarithmic" if data.is_logarithmic else ""), rotation=90)
    axes.set_zticks([])
    axes.locator_params(nbins=5)
    axes.view_init(elev=32, azim=-58)
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.set_pane_color(palette["panel"])
        axis.line.set_color(palette["line"])
        axis._axinfo["grid"]["color"] = palette["grid"]  # there is no public way
    return figure


def _inside(data: Surface) -> Array:
    assert data.path is not None
    x, y = data.path.x, data.path.y
    inside: Array = (x >= data.x[0]) & (x <= data.x[-1]) & (y >= data.y[0]) & (y <= data.y[-1])
    return inside

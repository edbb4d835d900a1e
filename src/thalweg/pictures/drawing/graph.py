"""Drawing a computational graph: every node with its value and its adjoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path as Line

from ..computation import Computation, Group, Operation
from .figure import drawing
from .layout import Layout, lay_out
from .palette import Palette

_LETTER = 5.4
"""Points that a letter takes, at most."""
_COLOURS = {
    "parameters": "curve-2",
    "data": "curve-4",
    "constant": "soft-ink",
    "operation": "curve-1",
    "loss": "curve-3",
}


@drawing.register
def _(data: Computation, palette: Palette) -> Figure:
    if len(data.groups) == 1:
        return _of_operations(data.groups[0].operations, palette)
    boxes = {i: [group.label, f"{len(group.operations)} nodes"] for i, group in enumerate(data.groups)}
    return _boxes(boxes, data.links, dict.fromkeys(boxes, "operation"), palette)


@drawing.register
def _(data: Group, palette: Palette) -> Figure:
    return _of_operations(data.operations, palette)


def _of_operations(operations: Sequence[Operation], palette: Palette) -> Figure:
    """What comes from other groups is named where it enters."""
    inside = {operation.number for operation in operations}
    boxes: dict[Any, list[str]] = {}
    kinds: dict[Any, str] = {}
    for operation in operations:
        for operand in operation.operands:
            if operand not in inside and operand not in boxes:
                boxes[operand], kinds[operand] = [f"from #{operand}"], "constant"
    edges = []
    for operation in operations:
        lines = [f"#{operation.number}  {operation.name}", operation.value]
        boxes[operation.number] = [*lines, f"adjoint {operation.adjoint}"] if operation.adjoint else lines
        kinds[operation.number] = operation.kind
        edges += [(operand, operation.number) for operand in dict.fromkeys(operation.operands)]
    return _boxes(boxes, edges, kinds, palette)


def _boxes(
    boxes: Mapping[Any, Sequence[str]], edges: Sequence[tuple[Any, Any]], kinds: Mapping[Any, str], palette: Palette
) -> Figure:
    widths = {node: max(len(line) for line in lines) * _LETTER + 16 for node, lines in boxes.items()}
    layout = lay_out(widths, edges)
    margin = 8.0
    width, height = layout.width + 2 * margin, layout.height + margin
    figure = Figure(figsize=(width / 72, height / 72))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_xlim(-margin, layout.width + margin)
    axes.set_ylim(layout.height + margin / 2, -margin / 2)
    for edge, points in layout.routes.items():
        _edge(axes, points, boxes, edge, palette)
    for node, lines in boxes.items():
        _box(axes, layout, node, lines, widths[node], kinds[node], palette)
    return figure


def _half(lines: Sequence[str]) -> float:
    return 6.5 * len(lines) + 1.5


def _edge(
    axes: Axes, points: Sequence[tuple[float, float]], boxes: Mapping[Any, Sequence[str]], edge: Any, palette: Palette
) -> None:
    path = list(points)
    path[0] = (path[0][0], path[0][1] + _half(boxes[edge[0]]))
    path[-1] = (path[-1][0], path[-1][1] - _half(boxes[edge[1]]) - 4)
    corners, codes = [path[0]], [Line.MOVETO]
    for (x0, y0), (x1, y1) in pairwise(path):
        bend = (y1 - y0) / 2
        corners += [(x0, y0 + bend), (x1, y1 - bend), (x1, y1)]
        codes += [Line.CURVE4] * 3
    colour = palette.mix("soft-ink", "panel", 0.6)
    axes.add_patch(PathPatch(Line(corners, codes), facecolor="none", edgecolor=colour, linewidth=1.0))
    x, y = path[-1]
    axes.fill([x - 3, x + 3, x], [y - 1, y - 1, y + 4.5], color=colour, linewidth=0)


def _box(
    axes: Axes, layout: Layout, node: Any, lines: Sequence[str], width: float, kind: str, palette: Palette
) -> None:
    x, y = layout.places[node]
    half = _half(lines)
    colour = _COLOURS[kind]
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2 + 4, y - half + 4),
            width - 8,
            2 * half - 8,
            boxstyle="round,pad=4,rounding_size=5",
            facecolor=palette.mix(colour, "panel", 0.1),
            edgecolor=palette[colour],
            linewidth=1.0,
        )
    )
    for place, line in enumerate(lines):
        is_head = place == 0
        axes.text(
            x,
            y + 13 * (place - (len(lines) - 1) / 2),
            line,
            ha="center",
            va="center",
            fontsize=8.5 if is_head else 8,
            fontweight="bold" if is_head else "normal",
            color=palette["ink"] if is_head or place == 1 else palette["curve-2"],
        )

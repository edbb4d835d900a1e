"""Curves out of braille characters, each of which is 2 × 4 dots."""

from __future__ import annotations

import math

import numpy as np

from ..graph import Array

__all__ = ["curve", "log_curve"]

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


def curve(x: Array, y: Array, width: int, height: int, low: float, high: float) -> list[str]:
    """The points (x, y) joined to a curve, in `height` lines of `width` characters; from low at the bottom to high.

    x: growing. What is not finite is left out.

    >>> print("\\n".join(curve(np.arange(9), np.arange(9) ** 2, 8, 3, 0, 64)))
    ⠀⠀⠀⠀⠀⠀⢀⠔
    ⠀⠀⠀⠀⢀⠔⠁⠀
    ⣀⡠⠤⠒⠁⠀⠀⠀
    """
    cells = np.zeros((height, width), np.int64)
    good = np.isfinite(y)
    if good.any():
        for column, (first, last) in enumerate(_spans(x[good], y[good], 2 * width, 4 * height, low, high)):
            for dot in range(first, last + 1):
                cells[height - 1 - dot // 4, column // 2] |= _DOTS[3 - dot % 4][column % 2]
    return ["".join(chr(0x2800 + cell) for cell in line) for line in cells.tolist()]


def _spans(x: Array, y: Array, columns: int, dots: int, low: float, high: float) -> list[tuple[int, int]]:
    """For each column of dots the lowest and the highest: the curve's range there, joined to the column before."""
    edges = np.linspace(x[0], x[-1], columns + 1)
    at_edges = np.interp(edges, x, y)
    places = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, columns - 1)
    bottom, top = np.minimum(at_edges[:-1], at_edges[1:]), np.maximum(at_edges[:-1], at_edges[1:])
    if len(x) > columns:  # more points than columns: a column shows all of its own
        np.minimum.at(bottom, places, y)
        np.maximum.at(top, places, y)
    else:
        bottom = top = np.interp((edges[:-1] + edges[1:]) / 2, x, y)
    scale = (dots - 1) / (high - low) if high > low else 0.0
    first = np.clip(np.rint((bottom - low) * scale), 0, dots - 1).astype(int).tolist()
    last = np.clip(np.rint((top - low) * scale), 0, dots - 1).astype(int).tolist()
    spans = [(first[0], last[0])]
    for a, b in zip(first[1:], last[1:], strict=True):
        before = spans[-1]
        spans.append((min(a, before[1] + 1), max(b, before[0] - 1)))
    return spans


def log_curve(x: Array, y: Array, width: int, height: int) -> list[str]:
    """The same over a logarithmic scale of its own, with labels to the left; over a linear one if a value is not above zero."""
    good = np.isfinite(y)
    is_log = bool(good.any() and (y[good] > 0).all())
    with np.errstate(all="ignore"):
        values = np.log10(y) if is_log else y
    low, high = (float(values[good].min()), float(values[good].max())) if good.any() else (0.0, 1.0)
    if math.isclose(low, high, rel_tol=1e-9):
        low, high = low - 0.5, high + 0.5
    ends = [10**value if is_log else value for value in (high, low)]
    labels = [f"{end:.3g}" for end in ends]
    margin = max(map(len, labels))
    lines = curve(x, values, max(width - margin - 1, 4), height, low, high)
    left = [labels[0], *[""] * (height - 2), labels[1]]
    return [f"{label:>{margin}} {line}" for label, line in zip(left, lines, strict=True)]

"""Numbers on their way to a page: JSON knows neither NaN nor infinity, and a page needs few points of a long curve."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["json_numbers", "thinned"]


def json_numbers(values: Any, digits: int = 7) -> list[Any]:
    """An array as nested lists, rounded to so many significant digits; what is not finite becomes None.

    >>> json_numbers([1.23456789, float("nan"), 7])
    [1.234568, None, 7.0]
    """
    array = np.asarray(values)
    if array.dtype.kind in "iub":
        return list(array.tolist())
    flat = [float(f"%.{digits}g" % number) if np.isfinite(number) else None for number in array.ravel().tolist()]
    for length in reversed(array.shape[1:]):
        flat = [flat[i : i + length] for i in range(0, len(flat), length)]  # type: ignore[misc]  # lists of lists
    return list(flat)


def thinned(values: Any, most: int) -> Any:
    """The places of at most so many points that keep the look of a curve: of each section its smallest and largest value.

    values: (n,). Returns sorted places, the first and the last among them. NaN counts as the first of its section.

    >>> thinned([0, 0, 9, 0, 0, -5, 0, 0], most=6).tolist()
    [0, 2, 4, 5, 7]
    """
    array = np.asarray(values, np.float64)
    count = len(array)
    if count <= most:
        return np.arange(count)
    sections = np.linspace(0, count, max(1, (most - 2) // 2) + 1).astype(np.int64)
    places = {0, count - 1}
    for first, after in zip(sections[:-1].tolist(), sections[1:].tolist(), strict=True):
        part = array[first:after]
        places.add(first + int(np.argmin(np.where(np.isnan(part), np.inf, part))))
        places.add(first + int(np.argmax(np.where(np.isnan(part), -np.inf, part))))
    return np.array(sorted(places))

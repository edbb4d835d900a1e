"""Several values for one number of a method: each is tried by a member of a population."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import whole_number
from ..errors import ArgumentError

if TYPE_CHECKING:
    from .methods import Method

__all__ = ["Grid", "expanded", "grid", "powers_of_ten"]


@dataclass(frozen=True)
class Grid:
    """Values that stand in the place of one number. Several grids in a method make every combination."""

    values: tuple[float, ...]

    def __iter__(self) -> Iterator[float]:
        return iter(self.values)

    def __len__(self) -> int:
        return len(self.values)


def grid(*values: float) -> Grid:
    """The given values, each for one member of a population.

    Raises ArgumentError if there is none, or one is no finite number.

    >>> grid(0.1, 0.5, 0.9)
    Grid(values=(0.1, 0.5, 0.9))
    """
    if not values:
        raise ArgumentError("grid() is empty: give it the values to try, such as tw.grid(0.5, 0.9, 0.99)")
    for value in values:
        if not isinstance(value, int | float | np.number) or not math.isfinite(value):
            raise ArgumentError(f"grid(..., {value!r}, ...): expected finite numbers")
    if all(isinstance(value, int | np.integer) for value in values):
        return Grid(tuple(int(value) for value in values))
    return Grid(tuple(float(value) for value in values))  # of one type, as they share an input of the program


def powers_of_ten(first: int, last: int, per_decade: int = 1) -> Grid:
    """10^first to 10^last, both included.

    per_decade: how many values to a factor of ten.

    >>> powers_of_ten(-3, 0)
    Grid(values=(0.001, 0.01, 0.1, 1.0))
    """
    if not isinstance(first, int) or not isinstance(last, int) or first > last:
        raise ArgumentError(f"powers_of_ten({first!r}, {last!r}): expected two whole numbers, the smaller one first")
    count = (last - first) * whole_number("per_decade", per_decade) + 1
    return Grid(tuple(float(f"{10 ** (first + i / per_decade):.12g}") for i in range(count)))


def expanded(method: Method) -> list[tuple[Method, dict[str, float]]]:
    """Every combination of the values of a method's grids, and what each has of its own.

    Raises ArgumentError for a value that the method refuses.
    """
    places: list[tuple[str, Grid, bool]] = []
    for owner, is_search in ((method, False), (method.line_search, True)):
        if owner is not None:
            places += [(name, value, is_search) for name, value in vars(owner).items() if isinstance(value, Grid)]
    if not places:
        return [(method, {})]
    found = []
    for values in itertools.product(*(grid.values for _, grid, _ in places)):
        own = {name: value for (name, _, is_search), value in zip(places, values, strict=True) if not is_search}
        of_search = {name: value for (name, _, is_search), value in zip(places, values, strict=True) if is_search}
        changed: dict[str, Any] = dict(own)
        if of_search and method.line_search is not None:
            changed["line_search"] = dataclasses.replace(method.line_search, **of_search)
        found.append((dataclasses.replace(method, **changed), {**own, **of_search}))
    return found

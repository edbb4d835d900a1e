"""Summaries of columns that grow batch by batch: means, deviations and extremes, a sample for medians, categories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ..graph import Array
from .column import Column

__all__ = ["CategorySummary", "NumberSummary", "RowSample"]


class NumberSummary:
    """Of numbers: how many there are, their mean and deviation, their extremes; and how many are missing.

    Source of the update: T. Chan, G. Golub and R. LeVeque, *Updating formulae and a pairwise algorithm for computing sample
    variances*, COMPSTAT 1982.
    """

    def __init__(self) -> None:
        self.count = self.missing = 0
        self.mean = self.squares = 0.0
        self.least, self.largest = np.inf, -np.inf

    def add(self, values: Array) -> None:
        """More numbers; NaN where they are missing."""
        present = values[~np.isnan(values)]
        self.missing += len(values) - len(present)
        if not len(present):
            return
        count = len(present)
        mean = float(present.mean())
        squares = float(np.square(present - mean).sum())
        all_ = self.count + count
        difference = mean - self.mean
        self.squares += squares + difference**2 * (self.count * count / all_)
        self.mean += difference * (count / all_)
        self.count = all_
        self.least = min(self.least, float(present.min()))
        self.largest = max(self.largest, float(present.max()))

    @property
    def deviation(self) -> float:
        """The standard deviation of those that are present."""
        return float(np.sqrt(self.squares / self.count)) if self.count else 0.0

    def filled(self, fill: float) -> tuple[float, float]:
        """Mean and deviation of all, where a number stands for those that are missing."""
        all_ = self.count + self.missing
        mean = (self.count * self.mean + self.missing * fill) / all_
        squares = self.squares + self.count * (self.mean - mean) ** 2 + self.missing * (fill - mean) ** 2
        return float(mean), float(np.sqrt(squares / all_))


class CategorySummary:
    """Of categories: how many rows have each, and none. most: beyond so many different ones they are too many."""

    def __init__(self, most: int) -> None:
        self.counts: Counter[str] = Counter()
        self.missing = 0
        self._most = most

    @property
    def are_too_many(self) -> bool:
        """Whether there are more than `most`; then they are not counted any further."""
        return len(self.counts) > self._most

    def add(self, column: Column, rows: Array) -> None:
        """More rows of a column."""
        values = column.values[rows]
        self.missing += int(np.count_nonzero(values < 0))
        if not self.are_too_many:
            counts = np.bincount(values[values >= 0], minlength=len(column.categories))
            for code in np.flatnonzero(counts):
                self.counts[column.categories[code]] += int(counts[code])


class RowSample:
    """Some rows of several columns, chosen by hashes of their numbers: between `most` / 2 and `most`, if there are as many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._level = 0
        self._hashes = np.zeros(0, np.uint64)
        self._values: dict[str, Array] = {}

    def add(self, hashes: Array, values: Sequence[tuple[str, Array]]) -> None:
        """More rows: a hash for each, and the values of each column."""
        chosen = self._is_chosen(hashes)
        self._hashes = np.concatenate([self._hashes, hashes[chosen]])
        for name, of_column in values:
            known = self._values.get(name, np.zeros(0))
            self._values[name] = np.concatenate([known, of_column[chosen]])
        while len(self._hashes) > self._most:
            self._level += 1
            chosen = self._is_chosen(self._hashes)
            self._hashes = self._hashes[chosen]
            self._values = {name: of_column[chosen] for name, of_column in self._values.items()}

    def _is_chosen(self, hashes: Array) -> Array:
        found: Array = hashes & np.uint64((1 << self._level) - 1) == 0
        return found

    def present(self, name: str) -> Array:
        """A column's values in these rows, but for those that are missing."""
        values = self._values[name]
        return values[~np.isnan(values)]

    def median(self, name: str) -> float:
        """The median of a column's values in these rows that are present; NaN if none is."""
        values = self.present(name)
        return float(np.median(values)) if len(values) else float("nan")

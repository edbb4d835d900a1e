"""Splitting rows into training and validation."""

from __future__ import annotations

import numpy as np

from ..errors import ArgumentError
from ..graph import Array
from .column import different_values

__all__ = ["hashes_of_rows", "is_held_row", "split_rows"]


def split_rows(values: Array, is_classes: bool, seed: int, share: float = 0.2) -> tuple[Array, Array]:
    """The places (int64) of the training rows and of the validation rows, each sorted; the same for the same seed.

    values: the target, (rows,). is_classes: then both parts get their share of each class. share: of the validation rows,
    rounded in each class. Every class keeps a training row, so a small table may have no validation rows at all.
    Raises ArgumentError for a share that is not at least 0 and below 1.

    >>> training, validation = split_rows(np.arange(10.0), is_classes=False, seed=0)
    >>> len(training), len(validation)
    (8, 2)
    """
    if not 0 <= share < 1:
        raise ArgumentError(f"share={share} of the rows for validation: give a number from 0 to below 1, such as 0.2")
    rng = np.random.default_rng(seed)
    groups = [values == one for one in different_values(values)] if is_classes else [np.ones(len(values), bool)]
    is_held = np.zeros(len(values), bool)
    for is_member in groups:
        members = np.flatnonzero(is_member)
        count = min(round(share * len(members)), len(members) - 1)
        is_held[rng.permutation(members)[:count]] = True
    return np.flatnonzero(~is_held), np.flatnonzero(is_held)


def hashes_of_rows(first: int, count: int, seed: int) -> Array:
    """A number (count,), uint64, for each of the rows from `first` on, which looks random: SplitMix64 of seed and row."""
    with np.errstate(over="ignore"):
        x = np.arange(first, first + count, dtype=np.uint64) + _mixed(np.array([seed % (1 << 64)], np.uint64))
        return _mixed(x)


def is_held_row(first: int, count: int, seed: int, share: float = 0.2) -> Array:
    """Which of the rows from `first` on are kept for validation (count,), decided by each row's number alone.

    For tables of which no more than some rows are known at a time. About that share is kept, of each class as well; other
    rows may be added at the end without changing it.

    >>> int(is_held_row(0, 100_000, seed=0).sum())
    20060
    """
    if not share:
        return np.zeros(count, bool)
    return hashes_of_rows(first, count, seed) < np.uint64(int(share * float(1 << 63)) * 2)


def _mixed(x: Array) -> Array:
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Array = x ^ (x >> np.uint64(31))
    return mixed

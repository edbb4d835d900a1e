"""Splitting rows into training and validation."""

from __future__ import annotations

import numpy as np

from ..graph import Array

__all__ = ["split_rows"]


def split_rows(values: Array, is_classes: bool, seed: int, share: float = 0.2) -> tuple[Array, Array]:
    """The places of the training rows and of the validation rows, each sorted.

    values: the target. is_classes: then both parts get their share of each class. Every class keeps a training row.
    """
    rng = np.random.default_rng(seed)
    groups = (
        [np.flatnonzero(values == value) for value in np.unique(values)] if is_classes else [np.arange(len(values))]
    )
    held = []
    for group in groups:
        count = min(round(share * len(group)), len(group) - 1)
        held.append(rng.permutation(group)[:count])
    validation = np.sort(np.concatenate(held))
    return np.setdiff1d(np.arange(len(values)), validation), validation

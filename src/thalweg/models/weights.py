"""Weights of examples: how much each counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..graph import Array

__all__ = ["weights_of_classes"]


def weights_of_classes(y: Array, class_weight: Mapping[Any, float] | str | None, sample_weight: Any = None) -> Array:
    """A weight for each example (N,), from its class y (N,) and its own weight.

    class_weight: a mapping of classes to weights, where those that are missing have weight 1; or "balanced", N / (K · examples of
    the class), so that all K classes count alike; or None. sample_weight: of each example, by default 1.
    Raises ArgumentError for anything else, and for weights that are negative or of classes that do not occur.

    >>> weights_of_classes(np.array([0, 0, 0, 1]), "balanced")
    array([0.66666667, 0.66666667, 0.66666667, 2.        ])
    """
    classes, places = np.unique(y, return_inverse=True)
    own: Array = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, np.float64)
    if class_weight is None:
        return own
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise ArgumentError(
                f'class_weight={class_weight!r}: expected "balanced", or a mapping of classes to weights'
            )
        counts = np.bincount(places, weights=own)
        balanced: Array = own.sum() / (len(classes) * np.maximum(counts, 1e-300))
        return own * balanced[places]
    if not isinstance(class_weight, Mapping):
        raise ArgumentError(f'class_weight={class_weight!r}: expected "balanced", or a mapping of classes to weights')
    for name, weight in class_weight.items():
        if not weight >= 0:
            raise ArgumentError(f"class_weight[{name!r}] is {weight!r}: expected a number, 0 or more")
        if name not in classes.tolist():
            raise ArgumentError(f"class_weight[{name!r}]: there is no such class; there are {classes.tolist()}")
    given: Array = np.array([float(class_weight.get(c, 1.0)) for c in classes.tolist()])
    found: Array = own * given[places]
    return found

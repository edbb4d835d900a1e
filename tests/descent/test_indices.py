"""Indices that are data: what leaves its axis is found, whichever way is taken to look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import thalweg as tw
from thalweg.descent.data import data_of
from thalweg.descent.indices import check_indices
from thalweg.descent.problem import problem_of

ROWS, BATCH, CLASSES = 24, 8, 5

INDICES: list[Callable[[Any], Any]] = [
    lambda y: y[:, 0],
    lambda y: 2 * y[:, 0] - 1,
    lambda y: np.where(y[:, 1] > 2, 0, y[:, 1]),
    lambda y: y[:, 0] + y[:, 1],
    lambda y: np.sum(y, axis=1),
    lambda y: np.take_along_axis(y, np.maximum(y[:, :1], 0) % 2, 1)[:, 0],
]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(INDICES), st.integers(0, 2**31), st.integers(-2, 1), st.integers(1, 5))
def test_an_index_is_refused_if_and_only_if_numpy_would(
    indices: Callable[[Any], Any], seed: int, lowest: int, highest: int
) -> None:
    y = np.random.default_rng(seed).integers(lowest, highest + 1, (ROWS, 2))

    def loss(w: Any, y: Any) -> Any:
        return np.mean(np.take(w, indices(y)) ** 2)

    data = data_of((y,))
    problem = problem_of(loss, np.ones(CLASSES), data, BATCH)
    found = indices(y)
    for _ in range(2):
        if ((found >= CLASSES) | (found < -CLASSES)).any():
            with pytest.raises(tw.DataError, match="which leaves an axis of length 5"):
                check_indices(problem, data)
        else:
            check_indices(problem, data)


def test_labels_are_not_computed_with_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    y = np.random.default_rng(0).integers(0, CLASSES, 5000)

    def loss(w: Any, y: Any) -> Any:
        return np.mean(np.take(w, y) ** 2)

    data = data_of((y,))
    problem = problem_of(loss, np.ones(CLASSES), data, 50)
    check_indices(problem, data)
    monkeypatch.setattr("thalweg.descent.indices._blocks", lambda *_: pytest.fail("all examples were looked through"))
    check_indices(problem, data)
    y[77] = -1  # counted from the end
    check_indices(problem, data)
    monkeypatch.undo()
    y[77] = CLASSES
    with pytest.raises(tw.DataError, match="index 5, which leaves an axis of length 5"):
        check_indices(problem, data)

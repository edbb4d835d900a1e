"""The history: put together when it is asked for, whatever the stretches were."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import thalweg as tw
from thalweg.descent.history import History, Rows, RowsOfMany


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.booleans())
def test_rows_do_not_depend_on_the_stretches(lengths: list[int], looks_between: bool) -> None:
    total = sum(lengths)
    rows = np.column_stack([np.arange(total), np.arange(total), *np.random.default_rng(0).random((4, total))])
    found, begin = Rows(), 0
    for length in lengths:
        again = max(0, begin - 1)  # the end of the stretch before is seen again
        found.add(rows[again : begin + length], (begin, float(begin)), (begin + length, float(begin + length)))
        begin += length
        assert len(found) == begin
        np.testing.assert_array_equal(found.last[:6], rows[begin - 1])
        if looks_between:
            assert len(found.whole) == begin
    np.testing.assert_array_equal(found.column("loss"), rows[:, 2])
    np.testing.assert_array_equal(found.whole[:, :-1], rows)
    np.testing.assert_allclose(found.whole[:, -1], np.arange(total))


def test_a_step_that_is_seen_twice_counts_once() -> None:
    columns = {name: np.arange(4.0) for name in ("loss", "gradient_norm", "learning_rate", "slope", "seconds")}
    history = History.of({"step": [0, 1, 1, 2], **columns}, [(1, 0.5)])
    assert history.step.tolist() == [0, 1, 2]
    assert history.loss.tolist() == [0.0, 2.0, 3.0]
    assert (history.validation_step.tolist(), history.validation_loss.tolist()) == ([1], [0.5])


def test_long_histories_survive_the_next_stretch_and_pickling() -> None:
    def loss(x: Any) -> Any:
        return np.sum((x - 1.0) ** 2)

    def descend(**more: Any) -> tw.History:
        rule, method = tw.MaxSteps(60_000), tw.GradientDescent(1e-5)
        return tw.minimize(loss, np.zeros(2), method=method, stop=rule, **more).history

    first, second = descend(), descend()
    watched = descend(on_progress=lambda progress: len(progress.history) < 0)
    expected = np.arange(2049)
    for history in (first, second, watched, pickle.loads(pickle.dumps(first))):
        np.testing.assert_array_equal(history.step[:2049], expected)
        assert (np.diff(history.step) > 0).all()
        assert history.step[-1] == 60_000
        np.testing.assert_allclose(history.loss, 2 * (1 - 2e-5) ** (2.0 * history.step), rtol=1e-9)
        np.testing.assert_array_equal(history.parameters, first.parameters)


def test_threads_that_ask_at_once_see_the_same() -> None:
    """The second asks while the first puts the stretches together."""
    rows, seen = Rows(np.arange(16.0).reshape(2, 8)[:, :7]), []

    class Asks(np.ndarray[Any, Any]):
        def __getitem__(self, index: Any) -> Any:
            if not seen:
                seen.append(None)
                seen[0] = rows.whole
            return np.asarray(self)[index]

    rows.add(np.arange(100.0, 106.0).reshape(1, 6).view(Asks), (100, 0.0), (101, 1.0))
    seen.clear()
    np.testing.assert_array_equal(rows.whole, seen[0])
    assert len(rows.whole) == len(rows) == 3


def test_a_history_says_what_it_is() -> None:
    columns = {name: np.arange(3.0) for name in ("loss", "gradient_norm", "learning_rate", "slope", "seconds")}
    history = History.of({"step": [0, 1, 2000], **columns})
    assert repr(history) == "History(rows: 3, steps 0 to 2,000, checks on validation data: 0)"
    assert repr(History(Rows(), [(1, 0.5)])) == "History(rows: 0, checks on validation data: 1)"


def test_members_of_blocks_have_the_rows_that_they_would_have_alone() -> None:
    """In two stretches; the second lane of the first block holds nobody, and member 4 ends after the first row of the second stretch."""
    rng = np.random.default_rng(0)
    found = RowsOfMany(5)
    alone: dict[int, list[Any]] = {member: [] for member in (7, 0, 4)}
    for begin, end in ((0, 3), (3, 8)):
        for members in (np.array([7, -1]), np.array([0, 4])):
            rows = rng.random((end - begin, 5, 2))
            rows[:, 0] = np.arange(begin, end)[:, None]
            if begin and 4 in members:
                rows[1:, 0, 1] = -1
            raw = np.concatenate([np.arange(begin, end)[:, None], rows.reshape(end - begin, 10)], axis=1)
            found.add(members, raw, (begin, begin / 2), (end, end / 2))
            for lane, member in enumerate(members.tolist()):
                if member >= 0:
                    alone[member].append(np.column_stack([rows[:, :, lane], np.arange(begin, end) / 2]))
    for member, parts in alone.items():
        wanted = np.concatenate(parts)
        wanted = wanted[wanted[:, 0] >= 0]
        assert len(wanted) == (4 if member == 4 else 8)
        np.testing.assert_allclose(found.of(member)[:, 1:], wanted)
        assert found.first_losses(8)[member] == wanted[0, 1]
    assert found.of(5).shape == (0, 7)
    assert np.isnan(found.first_losses(8)[[1, 2, 3, 5, 6]]).all()

"""Streams: every pass gives every example once, in order; windows too, shuffled; memory and threads are let go."""

from __future__ import annotations

import itertools
import pickle
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.descent.data import bytes_of, lies_by_columns
from thalweg.descent.data.pieces import CopiedPiece, slices
from thalweg.graph import ArrayType

ROWS = (30_000, 0, 170_001, 49_999)
COLUMNS = 12
MEMORY = "16 MB"


class Part:
    """Rows that say where they stand; the times that it was read."""

    def __init__(self, number: int, piece: int = 9_001) -> None:
        self.number, self.piece, self.reads = number, piece, 0

    def __call__(self) -> Iterator[Any]:
        self.reads += 1
        first = sum(ROWS[: self.number])
        places = np.arange(first, first + ROWS[self.number])
        X = np.repeat(places[:, None].astype(float), COLUMNS, axis=1)
        yield from slices((X, places), self.piece)


def stream_of(memory: str = MEMORY) -> tuple[tw.Stream, list[Part]]:
    parts = [Part(number) for number in range(len(ROWS))]
    return tw.Stream(*parts, rows=ROWS, memory=memory), parts


def places(chunks: Any) -> np.ndarray:
    return np.concatenate([chunk[1].copy() for chunk in chunks])


def test_every_pass_gives_every_example_once_in_order() -> None:
    stream, _ = stream_of()
    assert not stream.fits
    for _ in range(3):
        chunks = [tuple(array.copy() for array in chunk) for chunk in stream.chunks()]
        assert {len(chunk[0]) for chunk in chunks[:-1]} == {stream.chunk_rows}
        np.testing.assert_array_equal(places(chunks), np.arange(sum(ROWS)))
        np.testing.assert_array_equal(np.concatenate([chunk[0][:, 3] for chunk in chunks]), np.arange(sum(ROWS)))


def test_what_is_kept_is_not_read_again() -> None:
    stream, parts = stream_of("32 MB")
    for _ in range(4):
        places(stream.chunks())
    assert parts[0].reads < parts[3].reads == 4
    kept = sum(array.nbytes for chunk in stream._kept for array in chunk)
    assert 0 < kept <= 32e6 / 8


def test_what_fits_is_read_once() -> None:
    stream, parts = stream_of("60 MB")
    for _ in range(2):
        tw.minimize(lambda w, X, i: np.mean((X @ w - i) ** 2), np.zeros(COLUMNS), data=stream, stop=tw.MaxSteps(2))
    assert [part.reads for part in parts[2:]] == [1, 1]  # the first chunk of all told the types


@pytest.mark.parametrize("first", [0, 3])
def test_windows_go_through_all_parts_in_shuffled_order(first: int) -> None:
    stream, _ = stream_of()
    windows = stream.windows(20_000, seed=1, first=first)
    found = places(itertools.islice(windows, 40 - first))
    windows.close()
    whole = places(itertools.islice(stream.windows(20_000, seed=1), 40))
    np.testing.assert_array_equal(found, whole[20_000 * first :])
    epochs = whole[: 3 * sum(ROWS)].reshape(3, -1)
    assert all((np.sort(epoch) == np.arange(sum(ROWS))).all() for epoch in epochs)
    assert len({tuple(epoch[:: sum(ROWS) // 2]) for epoch in epochs}) > 1


def test_chunks_lie_column_by_column_where_it_is_asked_for() -> None:
    """In windows, of which rows are drawn, they lie row by row."""
    rows, parts = stream_of()

    def read(parts: Any) -> Iterator[Any]:
        return ((place, CopiedPiece(arrays)) for place, part in enumerate(parts) for arrays in part())

    types = [ArrayType((COLUMNS,), np.dtype(float)), ArrayType((), np.dtype(int))]
    columns = tw.Stream.of_pieces([read], parts, types, ROWS, MEMORY, by_columns=[0])
    assert not columns.fits
    for _ in range(2):  # the second time some are kept
        found = [(lies_by_columns(X), X[:, 3].copy(), places.copy()) for X, places in columns.chunks()]
        assert all(lies for lies, _, _ in found)
        assert len(found) > 4
        for wanted, number in ((np.concatenate([chunk[number] for chunk in found]), number) for number in (1, 2)):
            np.testing.assert_array_equal(wanted, np.arange(sum(ROWS)), err_msg=str(number))
    for one, other in itertools.islice(zip(columns.windows(20_000, 1), rows.windows(20_000, 1), strict=True), 3):
        assert one[0].flags.c_contiguous
        np.testing.assert_array_equal(one[0], other[0])


def test_a_pass_that_is_left_early_ends_its_thread() -> None:
    stream, _ = stream_of()
    chunks = stream.chunks()
    next(chunks)
    chunks.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "thalweg-reader"]


def test_what_a_part_raises_is_raised_in_the_descent() -> None:
    def broken() -> Iterator[Any]:
        yield np.zeros((300_000, 9)), np.zeros(300_000)
        raise OSError("the disk is gone")

    stream = tw.Stream(broken, rows=[600_000], memory=MEMORY)
    with pytest.raises(OSError, match="the disk is gone"):
        tw.minimize(lambda w, X, y: np.mean((X @ w - y) ** 2), np.zeros(9), data=stream)


def test_parts_are_checked() -> None:
    good, wide = np.zeros((200_000, 9)), np.zeros((200_000, 8))
    with pytest.raises(tw.DataError, match=r"part 1 of the stream has a chunk whose rows are float64\[8\]"):
        list(tw.Stream(lambda: [good], lambda: [wide], rows=[200_000] * 2, memory=MEMORY).chunks())
    with pytest.raises(tw.DataError, match="has 200,000 examples now, and had 300,000"):
        list(tw.Stream(lambda: [good], rows=[300_000], memory=MEMORY).chunks())
    with pytest.raises(tw.DataError, match="has 200,000 examples now, and had 100,000"):
        _ = tw.Stream(lambda: [good], rows=[100_000]).whole
    with pytest.raises(tw.DataError, match="none of its parts has an example"):
        tw.minimize(lambda w, X: np.mean((X @ w) ** 2), np.zeros(9), data=tw.Stream(lambda: [good[:0]]))
    with pytest.raises(tw.DataError, match="row per example"):
        list(tw.Stream(lambda: [(good, good[1:])]).chunks())
    with pytest.raises(tw.DataError, match="empty"):
        _ = tw.Stream(lambda: []).types
    with pytest.raises(tw.ArgumentError, match="expected a function"):
        tw.Stream(good)  # type: ignore[arg-type]  # what people try first
    with pytest.raises(tw.ArgumentError, match="16 MB at least"):
        tw.Stream(lambda: [good], memory="1 MB")
    with pytest.raises(tw.ArgumentError, match="expected a number of bytes"):
        bytes_of("much")


def test_a_stream_travels_without_what_it_has_read() -> None:
    stream, _ = stream_of()
    places(stream.chunks())
    data = pickle.dumps(stream)
    assert len(data) < 5_000
    other = pickle.loads(data)
    np.testing.assert_array_equal(places(other.chunks()), np.arange(sum(ROWS)))
    some = stream.of_parts([2, 0])
    np.testing.assert_array_equal(places(some.chunks())[:3], np.arange(ROWS[0], ROWS[0] + 3))
    assert some.examples == ROWS[0] + ROWS[2]

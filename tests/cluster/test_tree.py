"""The tree of shards gives the same digits, whoever holds what."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thalweg.cluster.tree import Span, dealt, reduced, split_rows, whole


def largest_subtrees(held: list[int], power: int) -> list[Span]:
    """The subtrees all of whose shards are held, but for those within larger ones."""
    sizes = [2**level for level in range(power + 1)]
    spans = [(a, a + n) for n in sizes for a in range(0, 2**power, n) if set(range(a, a + n)) <= set(held)]
    return sorted(span for span in spans if not any(a <= span[0] and span[1] <= b for a, b in spans if (a, b) != span))


@given(st.integers(0, 6), st.integers(1, 9), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_sums_have_the_same_digits_however_shards_are_held(power: int, workers: int, seed: int) -> None:
    shards = 2**power
    rng = np.random.default_rng(seed)
    values = rng.normal(size=shards) * 10.0 ** rng.integers(-8, 8, shards)
    held = [list(part) for part in np.array_split(rng.permutation(shards), workers)]

    def sum_of(parts: list[list[int]]) -> float:
        answers = {}
        for part in parts:
            own = reduced([((i, i + 1), values[i]) for i in sorted(part)], lambda a, b: a + b)
            assert list(own) == largest_subtrees(part, power)
            answers.update(own)
        whole = reduced(sorted(answers.items()), lambda a, b: a + b)
        assert list(whole) == [(0, shards)]
        return float(whole[0, shards])

    assert sum_of(held) == sum_of([list(range(shards))]) == sum_of(dealt(shards, workers))


@pytest.mark.parametrize(("count", "shards"), [(10, 4), (3, 8), (1_000_003, 32)])
def test_every_row_lies_in_one_shard(count: int, shards: int) -> None:
    spans = split_rows(count, shards)
    assert [row for a, b in spans for row in ([a, b - 1] if b > a else [])][-1] == count - 1
    assert all(left[1] == right[0] for left, right in itertools.pairwise(spans))
    assert max(b - a for a, b in spans) - min(b - a for a, b in spans) <= 1


@given(st.integers(1, 40), st.integers(1, 9), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_any_number_of_shards_has_one_order_of_summation(shards: int, workers: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=shards) * 10.0 ** rng.integers(-8, 8, shards)
    alone = whole({(i, i + 1): float(values[i]) for i in range(shards)}, shards, lambda a, b: a + b)
    answers: dict[Span, float] = {}
    for part in np.array_split(rng.permutation(shards), workers):
        answers.update(reduced([((i, i + 1), float(values[i])) for i in sorted(part.tolist())], lambda a, b: a + b))
    assert whole(answers, shards, lambda a, b: a + b) == alone


def test_a_missing_shard_is_noticed() -> None:
    with pytest.raises(KeyError):
        whole({(0, 1): 1.0, (2, 3): 1.0}, 3, lambda a, b: a + b)

"""The tree in which the totals of shards are added up.

The examples lie in a fixed number of shards. Totals are added along a binary tree over the shards' numbers, whoever holds
them: first 0 + 1, 2 + 3, ..., then those pairs, and so on; what has no partner at the end is added from left to right. A worker
adds up the subtrees of which it holds all shards; what is left comes together at the top. So the sum has the same digits for any
number of workers, and after any of them was replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import TypeVar

__all__ = ["Span", "dealt", "reduced", "split_rows", "whole"]

Span = tuple[int, int]
"""Shards from the first number up to, but without, the second: a whole subtree."""

T = TypeVar("T")


def split_rows(count: int, shards: int) -> list[Span]:
    """So many rows in so many shards of nearly the same size: first row, and the one after the last."""
    return [(count * i // shards, count * (i + 1) // shards) for i in range(shards)]


def dealt(shards: int, workers: int) -> list[list[int]]:
    """Which shards each worker holds: neighbours, so that few totals have to travel."""
    return [list(range(shards * i // workers, shards * (i + 1) // workers)) for i in range(workers)]


def _are_siblings(left: Span, right: Span) -> bool:
    size = left[1] - left[0]
    return left[1] == right[0] and size == right[1] - right[0] and left[0] % (2 * size) == 0


def reduced(totals: Iterable[tuple[Span, T]], add: Callable[[T, T], T]) -> dict[Span, T]:
    """Totals of subtrees, in their order, added up to those of larger ones as far as both halves are there. Each as it comes, so that
    few are in memory at a time.

    >>> reduced([((0, 1), 1), ((1, 2), 10), ((2, 4), 100)], lambda a, b: a + b)
    {(0, 4): 111}
    """
    stack: list[tuple[Span, T]] = []
    for span, total in totals:
        stack.append((span, total))
        while len(stack) > 1 and _are_siblings(stack[-2][0], stack[-1][0]):
            (_, right), (left_span, left) = stack.pop(), stack.pop()
            size = left_span[1] - left_span[0]
            stack.append(((left_span[0], left_span[0] + 2 * size), add(left, right)))
    return dict(stack)


def whole(totals: Mapping[Span, T], shards: int, add: Callable[[T, T], T]) -> T:
    """The total of all shards. Raises KeyError if some are missing."""
    largest = reduced(sorted(totals.items(), key=itemgetter(0)), add)
    found: T | None = None
    end = 0
    for span in sorted(largest):
        if span[0] != end:
            raise KeyError(end)
        end = span[1]
        found = largest[span] if found is None else add(found, largest[span])
    if end != shards or found is None:
        raise KeyError(end)
    return found

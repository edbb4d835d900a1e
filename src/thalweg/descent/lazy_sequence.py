"""A sequence whose items are made when someone asks for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, overload

__all__ = ["LazySequence"]

T = TypeVar("T")


class LazySequence(Sequence[T]):
    """So many items, each made once: by `make`, from its number. It is stored as the tuple that it stands for.

    >>> squares = LazySequence(4, lambda number: number**2)
    >>> squares[-1], squares[1:3], len(squares), list(squares)
    (9, (1, 4), 4, [0, 1, 4, 9])
    """

    def __init__(self, count: int, make: Callable[[int], T]) -> None:
        self._places = range(count)
        self._make = make
        self._made: dict[int, T] = {}

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, number: int) -> T: ...

    @overload
    def __getitem__(self, number: slice) -> tuple[T, ...]: ...

    def __getitem__(self, number: Any) -> Any:
        if isinstance(number, slice):
            return tuple([self[place] for place in self._places[number]])
        place = self._places[number]
        if place not in self._made:
            self._made.setdefault(place, self._make(place))
        return self._made[place]

    def __repr__(self) -> str:
        return repr(tuple(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return tuple, (list(self),)

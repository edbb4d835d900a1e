"""The numbers of methods, line searches and stopping rules, as inputs of the compiled program."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...graph import Array
from ..line_search import LineSearch

__all__ = ["Settings"]

FLOAT64 = np.dtype(np.float64)


class Settings:
    """Collects the numbers, and puts traced values in their places.

    arrays: the numbers, in order. Floats are given the dtype that is asked for; whole numbers stay whole. A field that is an
    array already is taken as it is, so that its owner can change it while the descent runs.
    """

    def __init__(self) -> None:
        self.arrays: list[Array] = []

    def collect(self, value: Any, dtype: np.dtype[Any]) -> Callable[[Sequence[Any]], Any]:
        """A function that puts traced numbers in place, given all traced settings."""
        puts: list[tuple[str, Callable[[Sequence[Any]], Any]]] = []
        for field in dataclasses.fields(value):
            found = getattr(value, field.name)
            if field.name == "rules":
                puts.append((field.name, self._each([self.collect(rule, dtype) for rule in found])))
            elif isinstance(found, LineSearch):
                puts.append((field.name, self.collect(found, FLOAT64)))
            elif (array := _number(found, dtype)) is not None:
                puts.append((field.name, self._at(array)))
        return lambda traced: _with_fields(value, [(name, put(traced)) for name, put in puts])

    def _each(self, parts: Sequence[Callable[[Sequence[Any]], Any]]) -> Callable[[Sequence[Any]], Any]:
        return lambda traced: tuple(part(traced) for part in parts)

    def add(self, number: float, dtype: np.dtype[Any]) -> Callable[[Sequence[Any]], Any]:
        """One more number, that no field holds; returns what finds it among all traced settings."""
        return self._at(np.asarray(number, dtype))

    def _at(self, array: Array) -> Callable[[Sequence[Any]], Any]:
        place = len(self.arrays)
        self.arrays.append(array)
        return lambda traced: traced[place]


def _number(value: Any, dtype: np.dtype[Any]) -> Array | None:
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, float | np.floating):
        return np.asarray(value, dtype)
    return np.asarray(value, np.int64) if isinstance(value, int | np.integer) else None


def _with_fields(value: Any, fields: Sequence[tuple[str, Any]]) -> Any:
    """The same dataclass with other values in some fields, unchecked."""
    changed = copy.copy(value)
    for name, field in fields:
        object.__setattr__(changed, name, field)
    return changed

"""What a page may send: the shapes of JSON values. Whatever else arrives is refused before anything is done with it."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import ArgumentError

__all__ = ["Flag", "ListOf", "Number", "OneOf", "Record", "Schema", "Text", "Whole"]


class Schema:
    """What all shapes share."""

    def check(self, value: Any, where: str = "value") -> Any:
        """The value, if it has this shape. Raises ArgumentError with the place in the value, if not."""
        raise NotImplementedError


_LARGEST = sys.float_info.max


def _refuse(where: str, value: Any, expected: str) -> ArgumentError:
    shown = repr(value)
    return ArgumentError(f"{where}: {shown if len(shown) <= 60 else shown[:57] + '...'} where {expected} is expected")


@dataclass(frozen=True)
class Number(Schema):
    """A finite number between two bounds.

    >>> Number(0, 1).check(0.5)
    0.5
    """

    low: float = -math.inf
    high: float = math.inf

    def check(self, value: Any, where: str = "value") -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not (abs(value) < _LARGEST and self.low <= value <= self.high):
            raise _refuse(where, value, f"a number from {self.low:g} to {self.high:g}")
        return float(value)


@dataclass(frozen=True)
class Whole(Schema):
    """A whole number between two bounds."""

    low: int
    high: int

    def check(self, value: Any, where: str = "value") -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not self.low <= value <= self.high:
            raise _refuse(where, value, f"a whole number from {self.low} to {self.high}")
        return value


@dataclass(frozen=True)
class Flag(Schema):
    """True or false."""

    def check(self, value: Any, where: str = "value") -> bool:
        if not isinstance(value, bool):
            raise _refuse(where, value, "true or false")
        return value


@dataclass(frozen=True)
class Text(Schema):
    """Text of limited length."""

    longest: int

    def check(self, value: Any, where: str = "value") -> str:
        if not isinstance(value, str) or len(value) > self.longest:
            raise _refuse(where, value, f"text of at most {self.longest} characters")
        return value


@dataclass(frozen=True)
class OneOf(Schema):
    """One of a few words."""

    words: tuple[str, ...]

    def check(self, value: Any, where: str = "value") -> str:
        if not isinstance(value, str) or value not in self.words:
            raise _refuse(where, value, f"one of {', '.join(self.words)}")
        return value


@dataclass(frozen=True)
class ListOf(Schema):
    """A list of limited length, whose items have one shape."""

    item: Schema
    longest: int

    def check(self, value: Any, where: str = "value") -> list[Any]:
        if not isinstance(value, list) or len(value) > self.longest:
            raise _refuse(where, value, f"a list of at most {self.longest} items")
        return [self.item.check(item, f"{where}[{number}]") for number, item in enumerate(value)]


@dataclass(frozen=True)
class Record(Schema):
    """An object with these names, and no others. optional: names that may be missing; they are then missing in the result.

    >>> Record({"factor": Number(0.1, 10)}).check({"factor": 2})
    {'factor': 2.0}
    """

    required: Mapping[str, Schema]
    optional: Mapping[str, Schema] = field(default_factory=dict)

    def check(self, value: Any, where: str = "value") -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _refuse(where, value, "an object")
        known = {**self.required, **self.optional}
        if missing := [name for name in self.required if name not in value]:
            raise ArgumentError(f"{where}: {', '.join(missing)} is missing")
        if unknown := [name for name in value if name not in known]:
            raise _refuse(where, unknown[0], f"one of the names {', '.join(known)}")
        return {name: known[name].check(item, f"{where}.{name}") for name, item in value.items()}

"""What a hyperparameter may be: ranges that are drawn from, and narrowed around the values that did best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..descent import starts
from ..errors import ArgumentError

__all__ = ["Choice", "Integer", "Interval", "LogUniform", "Range", "Uniform", "check_range"]

_LEAST = 0.1
"""No round narrows a range to less than this share of its width, however close together the best values lie."""


_AWAY = 0.25
"""The best value lies at most this share of the width from the middle, unless the range that was given ends there."""


class Range:
    """What all ranges share.

    draw: a value at random. narrowed: a smaller range. to_dict: as plain data, for a file. edge: "low" or "high" if a value
    lies at the end of this range, where wider might be better.
    """

    is_number: ClassVar[bool] = False
    """Whether values are numbers that can be inputs of a compiled program, so that trials with other values share it."""

    def draw(self, generator: np.random.Generator) -> Any:
        """A value at random."""
        raise NotImplementedError

    def ends(self) -> tuple[Any, ...]:
        """The values to try out before a search: both ends, or all options."""
        raise NotImplementedError

    def narrowed(self, kept: Sequence[Any], factor: float, within: Any) -> Range:
        """The range for the next round: at most `factor` as wide, around the kept values, with the first of them, the best,
        inside. within: the range that the user gave, which it does not leave."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        raise NotImplementedError

    def edge(self, value: Any) -> str | None:
        """At which end a value lies, if at one."""
        return None


class Interval(Range):
    """From low to high, both included, on a scale on which values are drawn evenly."""

    low: Any
    high: Any
    kind: ClassVar[str]

    def _scaled(self, value: Any) -> float:
        return float(value)

    def _value(self, place: float) -> Any:
        return place

    def _place(self) -> tuple[float, float]:
        """Both ends, on the scale."""
        return self._scaled(self.low), self._scaled(self.high)

    def _of(self, low: Any, high: Any) -> Range:
        return type(self)(low, high)  # type: ignore[call-arg]  # every interval is a dataclass of its two ends

    def draw(self, generator: np.random.Generator) -> Any:
        return min(max(self._value(float(generator.uniform(*self._place()))), self.low), self.high)

    def ends(self) -> tuple[Any, ...]:
        return (self.low, self.high)

    def narrowed(self, kept: Sequence[Any], factor: float, within: Any) -> Range:
        places = [self._scaled(value) for value in kept]
        low, high = self._place()
        span, count = max(places) - min(places), len(places)
        # Of values drawn evenly, the span of `count` falls short of the whole width by this factor, on average.
        natural = span * (count + 1) / (count - 1) if count > 1 else math.inf
        width = (high - low) * min(factor, max(_LEAST, natural / (high - low))) if high > low else 0.0
        # The best weigh most, as in CMA-ES; and the best of all keeps its distance from the ends, since more may lie beyond.
        center = float(np.average(places, weights=np.log(count + 0.5) - np.log(np.arange(1, count + 1))))
        center = min(max(center, places[0] - _AWAY * width), places[0] + _AWAY * width)
        start = center - width / 2
        first, last = within._place()
        start = min(max(start, first), last - width)
        new_low = min(max(self._value(start), within.low), kept[0])
        new_high = max(min(self._value(start + width), within.high), kept[0])
        return self._of(new_low, new_high) if new_low < new_high else self

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "low": self.low, "high": self.high}

    def edge(self, value: Any) -> str | None:
        low, high = self._place()
        share = (self._scaled(value) - low) / (high - low) if high > low else 0.5
        return "low" if share < _EDGE else "high" if share > 1 - _EDGE else None

    def __str__(self) -> str:
        return f"{self.low:.4g} to {self.high:.4g}"


_EDGE = 0.02


def _take_ends(range: Any, kinds: Any, what: str) -> None:
    """Checks both ends, and makes plain numbers of NumPy's."""
    for name in ("low", "high"):
        value = getattr(range, name)
        if not isinstance(value, kinds) or isinstance(value, bool) or not math.isfinite(value):
            raise ArgumentError(f"tw.{type(range).__name__}({range.low!r}, {range.high!r}): expected two {what}")
        object.__setattr__(range, name, plain(value))


def _check_order(range: Any) -> None:
    name, low, high = f"tw.{type(range).__name__}", range.low, range.high
    if not low < high:
        fix = f": write {name}({high!r}, {low!r})" if low > high else "; for a value that is fixed, no range is needed"
        raise ArgumentError(f"{name}({low!r}, {high!r}) is empty: low has to be smaller than high{fix}")


@dataclass(frozen=True)
class Uniform(Interval, starts.Uniform):
    """Evenly between two numbers: the range of a hyperparameter, or the start of a descent.

    >>> print(Uniform(0.5, 0.99))
    0.5 to 0.99
    """

    kind: ClassVar[str] = "uniform"
    is_number: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _take_ends(self, int | float | np.number, "finite numbers")
        _check_order(self)

    __str__ = Interval.__str__


@dataclass(frozen=True)
class LogUniform(Interval):
    """Evenly between the logarithms of two numbers above 0: each power of ten gets the same share of the trials.

    For what matters by its order of magnitude: learning rates, penalties.

    >>> print(LogUniform(1e-6, 1))
    1e-06 to 1
    """

    low: float
    high: float
    kind: ClassVar[str] = "log-uniform"
    is_number: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _take_ends(self, int | float | np.number, "numbers above 0")
        if min(self.low, self.high) <= 0:
            raise ArgumentError(
                f"tw.LogUniform({self.low!r}, {self.high!r}): both ends have to be above 0, since 0 has no logarithm; begin at "
                "a small number such as 1e-8, or use tw.Uniform"
            )
        _check_order(self)

    def _scaled(self, value: Any) -> float:
        return math.log(value)

    def _value(self, place: float) -> float:
        return math.exp(place)


@dataclass(frozen=True)
class Integer(Interval):
    """A whole number, both ends included. Each sets a program of its own, since it may set a size.

    >>> Integer(1, 3).draw(np.random.default_rng(0)) in (1, 2, 3)
    True
    """

    low: int
    high: int
    kind: ClassVar[str] = "integer"

    def __post_init__(self) -> None:
        _take_ends(self, int | np.integer, "whole numbers")
        if self.low != self.high:
            _check_order(self)

    def draw(self, generator: np.random.Generator) -> int:
        return int(generator.integers(self.low, self.high, endpoint=True))

    def _place(self) -> tuple[float, float]:
        return self.low - 0.5, self.high + 0.5

    def _of(self, low: Any, high: Any) -> Range:
        """The whole numbers in the interval."""
        low, high = math.ceil(low), math.floor(high)
        return Integer(low, high)

    def narrowed(self, kept: Sequence[Any], factor: float, within: Any) -> Range:
        if self.low == self.high:
            return self
        new = super().narrowed(kept, factor, within)
        assert isinstance(new, Integer)
        low, high, best = new.low, new.high, kept[0]
        while high - low >= self.high - self.low:
            low, high = (low + 1, high) if best - low > high - best else (low, high - 1)
        return Integer(low, high)

    def edge(self, value: Any) -> str | None:
        if self.low == self.high:
            return None
        return "low" if value == self.low else "high" if value == self.high else None

    def __str__(self) -> str:
        return f"{self.low} to {self.high}" if self.low < self.high else str(self.low)


@dataclass(frozen=True, init=False)
class Choice(Range):
    """One of some options: numbers, names, widths of a model, methods, functions. Trials with the same option share a program;
    if all are numbers and one has a decimal point, all trials do.

    >>> print(Choice("relu", "tanh"))
    relu, tanh
    """

    options: tuple[Any, ...]

    def __init__(self, *options: Any) -> None:
        object.__setattr__(self, "options", options)
        if not options:
            raise ArgumentError('tw.Choice() is empty: give it the options, such as tw.Choice("relu", "tanh")')
        for number, option in enumerate(options):
            if any(_is_same(option, other) for other in options[:number]):
                raise ArgumentError(f"tw.Choice(...) has {option!r} twice: give each option once")

    @property
    def is_number(self) -> bool:  # type: ignore[override]  # of a choice it depends on the options
        """Whether the options are numbers, not all of them whole."""
        are_numbers = all(isinstance(x, int | float) and not isinstance(x, bool) for x in self.options)
        return are_numbers and any(isinstance(x, float) for x in self.options)

    def draw(self, generator: np.random.Generator) -> Any:
        return self.options[int(generator.integers(len(self.options)))]

    def ends(self) -> tuple[Any, ...]:
        return self.options

    def narrowed(self, kept: Sequence[Any], factor: float, within: Any) -> Range:
        chosen = [option for option in self.options if any(_is_same(option, value) for value in kept)]
        return Choice(*(x for x in within.options if _is_same(x, kept[0]) or any(x is option for option in chosen)))

    def to_dict(self) -> dict[str, Any]:
        return {"kind": "choice", "options": [plain(option) for option in self.options]}

    def __str__(self) -> str:
        return ", ".join(str(plain(option)) for option in self.options)


def _is_same(a: Any, b: Any) -> bool:
    return a is b or (type(a) is type(b) and bool(a == b))


def plain(value: Any) -> Any:
    """A value as JSON can hold it: what is no number, text, truth value or None is described."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    return getattr(value, "__name__", None) or str(value)


def check_range(name: str, value: Any) -> Range:
    """A range that a user gave for a name. Raises ArgumentError, saying what to write, if it is none."""
    if isinstance(value, Range):
        return value
    if isinstance(value, starts.Uniform):
        return Uniform(value.low, value.high)
    hint = f"tw.Choice(...), tw.Integer(...), tw.Uniform(...) or tw.LogUniform(...); {value!r} is none"
    if isinstance(value, tuple | list) and len(value) == 2:
        hint = f"tw.Uniform({value[0]!r}, {value[1]!r}) or tw.LogUniform({value[0]!r}, {value[1]!r}), not {value!r}"
    elif isinstance(value, tuple | list | set):
        hint = f"tw.Choice(...) for some options, not {value!r}"
    elif isinstance(value, int | float | str):
        hint += "; a value that is fixed belongs into the method or the loss"
    raise ArgumentError(f"the range of {name!r}: write {hint}")

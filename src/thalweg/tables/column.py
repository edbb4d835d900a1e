"""One column of a table, and the kinds of columns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from itertools import islice

import numpy as np

from ..graph import Array
from .marks import MOST_MARKS, advice_on_marks, likely_mark, looks_like_a_mark

__all__ = ["NUMBER", "Column", "Kind", "different_values"]

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
"""A number, as it is written in text."""
_ADORNED = re.compile(r"[^\w.]{0,2}(\d{1,3}([,.' ]\d{3})+|\d+)([.,]\d+)?([^\w.]{0,2}| [^\W\d_]{1,3}[²³23]?)")
_MANY = 20
"""Fewer numbers among words may be names: classes 1, 2, 3 and crew."""
_DATE = re.compile(r"\d{1,4}([-/. ])(\d{1,2}|[^\W\d_]{3,9}\.?)\1\d{2,4}([T ].*)?")


class Kind(Enum):
    """What a column holds, and so how it is used."""

    NUMBER = "number"
    CATEGORY = "category"
    BOOLEAN = "boolean"
    TEXT = "text"  # too many different values for a category: names, identifiers; not used
    DATE = "date"  # dates, with or without a time; not used unless they are asked for as numbers
    OTHER = "other"  # lists, structs and the like; not used

    @property
    def is_used(self) -> bool:
        """Whether a model learns from such columns."""
        return self not in (Kind.TEXT, Kind.DATE, Kind.OTHER)


@dataclass(frozen=True, eq=False)
class Column:
    """One column.

    values: for categories and text int64 numbers of `categories`, -1 where missing; otherwise float64, NaN where missing.
    Booleans are 0 and 1. Dates are days since 1970-01-01.
    categories: in alphabetical order; for text in the order of the file. words: of a boolean column, for 0 and for 1. note: what a
    column of another kind holds.
    """

    name: str
    kind: Kind
    values: Array
    categories: tuple[str, ...] = ()
    note: str = ""
    words: tuple[str, str] = ("false", "true")

    @property
    def is_missing(self) -> Array:
        """Which rows have no value."""
        return np.isnan(self.values) if self.values.dtype.kind == "f" else self.values < 0

    @property
    def advice(self) -> str:
        """How to write what looks like numbers or dates and was taken as words; nothing if it does not.

        >>> Column("price", Kind.TEXT, np.array([0, 1]), ("$1,200.50", "$980")).advice
        "numbers are written as 1234.5, without thousands separators, currency, unit or %, unlike '$1,200.50'"
        >>> Column("when", Kind.CATEGORY, np.array([0, 1]), ("21.11.2026", "9.1.2027")).advice
        "dates are written as 2026-11-21, unlike '21.11.2026'"
        >>> Column("depth", Kind.CATEGORY, np.array([0, 1, 2]), ("-", "12", "7")).advice
        "all but '-' are numbers: if it stands for a missing value, --missing-mark - (in Python: missing_marks=['-'])"
        """
        others = list(islice((word for word in self.categories if not NUMBER.fullmatch(word)), MOST_MARKS + 1))
        if not others:
            return ""
        few = len(others) <= MOST_MARKS and len(self.categories) > len(others)
        are_marks = all(map(looks_like_a_mark, others))
        if few and (are_marks or len(self.categories) > _MANY):
            correct = "" if are_marks else "correct the cells, or, "
            return f"all but {' and '.join(map(repr, others))} are numbers: {correct}{advice_on_marks(others)}"
        some = [word for word in self.categories[:100] if not looks_like_a_mark(word)]
        unlike = next((word for word in others if not looks_like_a_mark(word)), None)
        if unlike is None:
            return ""
        if all(_ADORNED.fullmatch(value) for value in (*some, unlike)):
            return (
                f"numbers are written as 1234.5, without thousands separators, currency, unit or %, unlike {unlike!r}"
            )
        if all(_DATE.fullmatch(value) for value in (*some, unlike)):
            return f"dates are written as 2026-11-21, unlike {unlike!r}"
        if len(some) > _MANY and sum(NUMBER.fullmatch(value) is not None for value in some) > len(some) / 2:
            return f"most of the different values are numbers: correct those that are none, such as {unlike!r}"
        return ""

    @cached_property
    def missing_count(self) -> int:
        """How many rows have no value."""
        return int(np.count_nonzero(self.is_missing))

    def value_name(self, value: float) -> str:
        """A value as a person writes it.

        >>> Column("member", Kind.BOOLEAN, np.array([0.0, 1.0])).value_name(1.0)
        'true'
        """
        if self.kind is Kind.BOOLEAN:
            return self.words[int(value)]
        if self.kind is Kind.DATE:
            date = np.datetime64(round(value * 86400), "s")
            return str(date.astype("datetime64[D]") if value == int(value) else date)
        return self.categories[int(value)] if self.categories else f"{value:g}"

    def describe(self) -> str:
        """What the column was understood to be.

        >>> Column("height", Kind.NUMBER, np.array([1.5, np.nan, 1.9])).describe()
        'number; 1.5 to 1.9; 1 missing'
        """
        parts = [f"{self.kind.value}: {self.note}" if self.note else self.kind.value]
        present = self.values[~self.is_missing] if self.missing_count else self.values
        if not len(present):
            return f"{self.kind.value}; missing in every row"
        low, high = present.min(), present.max()
        if self.kind is Kind.OTHER:
            pass
        elif low == high:
            which = "every row that has a value" if self.missing_count else "every row"
            parts.append(f"{self.value_name(low)} in {which}")
        elif self.kind in (Kind.NUMBER, Kind.DATE):
            parts.append(f"{self.value_name(low)} to {self.value_name(high)}")
        elif self.kind is Kind.BOOLEAN:
            parts.append(" or ".join(self.words))
        elif self.kind is Kind.CATEGORY:
            shown = ", ".join(self.categories[:4]) + (", ..." if len(self.categories) > 4 else "")
            parts.append(f"{len(self.categories):,} different: {shown}")
        elif self.kind is Kind.TEXT:
            parts.append(f"{len(self.categories):,} different")
        if self.missing_count:
            parts.append(f"{self.missing_count:,} missing")
        if self.kind is Kind.NUMBER and (mark := likely_mark(present)):
            parts.append(f"{mark} lies apart: {advice_on_marks([mark])}")
        if self.kind is Kind.CATEGORY and self.advice:
            parts.append(self.advice)
        return "; ".join(parts)


def different_values(values: Array) -> Array:
    """The different ones among numbers, in their order. NumPy's own function loads a package that takes 6 ms."""
    ordered = np.sort(values)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered

"""What stands for a missing value: in any table, and as a table's user says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from contextlib import suppress
from numbers import Real
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..graph import Array

__all__ = [
    "MISSING",
    "MOST_MARKS",
    "Marks",
    "advice_on_marks",
    "is_marked",
    "likely_mark",
    "looks_like_a_mark",
    "marks_of",
    "numbers_among",
]

MISSING = tuple(
    dict.fromkeys(
        ["", "?", "<NA>", "#N/A"]
        + [f(word) for word in ("NA", "N/A", "NaN", "null", "None") for f in (str, str.lower, str.upper)]
    )
)
"""What stands for a missing value, with or without white space around it."""
Marks = str | float | Sequence[str | float]
"""What else stands for one in a table: a word or a number, or several."""
MOST_MARKS = 3
"""More different words among numbers are hardly all meant so."""
_NINES = re.compile(r"-9{2,6}(\.9{1,2})?|9{3,6}(\.9{1,2})?")
_LIKELY = re.compile(r"[^\w\s]+|n\.?/?[ad]\.?|nil|missing|unknown|undefined|#\w+[!?/]\w*[!?]?", re.IGNORECASE)
"""No letters or digits; usual words; errors of a spreadsheet."""


def marks_of(given: Marks) -> tuple[str, ...]:
    """Marks as text, each once. Raises ArgumentError.

    >>> marks_of(["-", -999, " n.a. ", -999.0])
    ('-', '-999', 'n.a.')
    """
    listed = [given] if isinstance(given, str | float | int) else list(given)
    return tuple(dict.fromkeys(_as_text(mark) for mark in listed))


def _as_text(mark: Any) -> str:
    if isinstance(mark, str) and mark.strip():
        return mark.strip()
    if isinstance(mark, Real) and not isinstance(mark, bool):
        number = float(mark)
        return str(int(number)) if number.is_integer() else repr(number)
    raise ArgumentError(f"missing_marks: {mark!r} is no mark. Give a word or a number, such as '-' or -999")


def numbers_among(marks: Sequence[str]) -> list[float]:
    """Those that are numbers."""
    found = []
    for mark in marks:
        with suppress(ValueError):
            found.append(float(mark))
    return found


def is_marked(values: Array, marks: Sequence[str], dtype: np.dtype[Any]) -> Array:
    """Which float64 numbers are one of the marks, as a column of that dtype would hold it."""
    found = np.zeros(len(values), bool)
    for number in numbers_among(marks):
        with np.errstate(over="ignore"):
            found |= values == (np.float64(dtype.type(number)) if dtype.kind == "f" else number)
    return found


def looks_like_a_mark(word: str) -> bool:
    """Whether a word among numbers is likely to stand for a missing one.

    >>> [looks_like_a_mark(word) for word in ("-", "n.a.", "#DIV/0!", "crew")]
    [True, True, True, False]
    """
    return _LIKELY.fullmatch(word) is not None


def likely_mark(values: Array) -> str | None:
    """The least or the largest of some numbers if it is -99, -999, 999, ..., occurs twice or more, and lies apart from the others.

    >>> likely_mark(np.array([3.5, -999, 12, -999])), likely_mark(np.array([998.0, 999, 999, 4]))
    ('-999', None)
    """
    for mark in (values.min(), values.max()) if len(values) else ():
        if not _NINES.fullmatch(f"{mark:g}"):
            continue
        others = values[values != mark]
        if len(others) and len(others) < len(values) - 1:
            low, high = others.min(), others.max()
            apart = low - mark if mark < 0 else mark - high
            if apart > high - low or (mark < 0 <= low):
                return f"{mark:g}"
    return None


def advice_on_marks(words: Sequence[str]) -> str:
    """How to say that these stand for missing values.

    >>> advice_on_marks(["-", "n. d."])
    "if they stand for missing values, --missing-mark - --missing-mark 'n. d.' (in Python: missing_marks=['-', 'n. d.'])"
    """
    which = "it stands for a missing value" if len(words) == 1 else "they stand for missing values"
    options = " ".join(f"--missing-mark {shlex.quote(word)}" for word in words)
    return f"if {which}, {options} (in Python: missing_marks={list(words)!r})"

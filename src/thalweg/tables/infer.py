"""From an Arrow column to a column of a kind: numbers, categories, booleans, dates, or text that is not used.

The rules, for a column whose kind is not given:

- Arrow's numbers are numbers, its booleans booleans, its dates dates, its times of day and durations numbers: of
  days.
- Text of which at least 95 % of the values are numbers is a column of numbers; the first value that is none is an error.
- Text of `true`, `false`, `yes` and `no` only (also `True`, `TRUE`, ...) is boolean, and keeps its words.
- Other text is a category, unless it has more than 50 different values and these are more than half of the rows or more
  than 1,000: then it is text, which is not used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from ..errors import TableError
from ..graph import Array
from . import compute as pc
from .arrow import as_floats, as_numpy, decoded, is_missing, is_text, text_array
from .column import NUMBER, Column, Kind
from .marks import MISSING, MOST_MARKS, advice_on_marks, is_marked, looks_like_a_mark

__all__ = ["FALSE", "MOSTLY", "TRUE", "Place", "infer_column"]

TRUE = ("true", "True", "TRUE", "yes", "Yes", "YES")
FALSE = ("false", "False", "FALSE", "no", "No", "NO")
MOSTLY = 0.95
"""Text is a column of numbers if at least this share of its values are numbers."""
_ALWAYS_CATEGORIES, _MOST_CATEGORIES = 50, 1000
_PER_DAY = {"s": 86_400, "ms": 86_400e3, "us": 86_400e6, "ns": 86_400e9}

Place = Callable[[int | None], str]
"""Names a row (counted from 0) of the table in a message, or with None the whole table."""


def infer_column(name: str, data: Any, wanted: Kind | None, place: Place, marks: Sequence[str] = ()) -> Column:
    """The column in an Arrow chunked array with at least one row.

    wanted: its kind, if that is not to be inferred; with OTHER its values are not looked at. marks: what stands for a missing value,
    beside `MISSING`. Raises TableError for a value that does not fit, with its place.
    """
    if pa.types.is_dictionary(data.type) and not _holds_words(data):
        data = decoded(data)
        # Numbers that come as a dictionary were made categories on purpose.
        wanted = wanted or (Kind.CATEGORY if pa.types.is_integer(data.type) else None)
    kind = data.type
    if pa.types.is_nested(kind) or pa.types.is_interval(kind) or wanted is Kind.OTHER:
        return _of_other(name, data, wanted, place)
    if pa.types.is_null(kind) and wanted not in (Kind.CATEGORY, Kind.TEXT):
        return Column(name, wanted or Kind.NUMBER, np.full(len(data), np.nan))
    if wanted in (Kind.CATEGORY, Kind.TEXT):
        return _of_text(name, _as_text(name, data, place, marks), wanted)
    if pa.types.is_boolean(kind) and wanted is not Kind.DATE:
        return Column(name, wanted or Kind.BOOLEAN, as_floats(data))
    if pa.types.is_decimal(kind):
        data = pc.cast(data, pa.float64(), safe=False)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _of_numbers(name, as_floats(data), wanted, place, marks, np.dtype(data.type.to_pandas_dtype()))
    if pa.types.is_temporal(kind) and wanted is not Kind.BOOLEAN:
        is_length = pa.types.is_time(kind) or pa.types.is_duration(kind)
        return Column(name, wanted or (Kind.NUMBER if is_length else Kind.DATE), _as_days(data))
    return _of_any_text(name, _as_text(name, data, place, marks), wanted, place, marks)


def _holds_words(data: Any) -> bool:
    """Whether a column is encoded as text that was kept once."""
    return is_text(data.type.value_type) and not any(chunk.dictionary.null_count for chunk in data.chunks)


def _as_days(data: Any) -> Array:
    kind = data.type
    unit = {pa.date32(): 1, pa.date64(): _PER_DAY["ms"]}.get(kind) or _PER_DAY[kind.unit]
    return as_floats(data) / unit


def _of_numbers(
    name: str, values: Array, wanted: Kind | None, place: Place, marks: Sequence[str], dtype: np.dtype[Any]
) -> Column:
    """dtype: that the table has the numbers in."""
    if marks:
        values[is_marked(values, marks, dtype)] = np.nan
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        raise TableError(
            f"{place(int(infinite[0]))}, column {name!r}: the value is infinite, or larger than a float64 can hold. "
            "Correct the cell, or leave it empty if the value is missing."
        )
    if wanted is Kind.BOOLEAN:
        other = np.flatnonzero(~np.isnan(values) & (values != 0) & (values != 1))
        if len(other):
            raise _no_boolean(name, f"{values[other[0]]:g}", int(other[0]), place)
    return Column(name, wanted or Kind.NUMBER, values)


def _no_boolean(name: str, value: str, row: int, place: Place) -> TableError:
    return TableError(
        f"{place(row)}, column {name!r}: {value!r} is neither true nor false, and the column was to be read as boolean. "
        f"Write true, false, yes, no, 0 or 1, or take it as a category: {_as_category(name)}"
    )


def _as_category(name: str) -> str:
    import shlex

    return f"--kind {shlex.quote(f'{name}=category')} (in Python: kinds={{{name!r}: Kind.CATEGORY}})"


def _of_other(name: str, data: Any, wanted: Kind | None, place: Place) -> Column:
    """Lists, structs and the like: not used."""
    if wanted not in (None, Kind.OTHER):
        raise TableError(
            f"{place(None)}: the column {name!r} holds {data.type} values, which cannot be taken as {wanted.value}. Make columns "
            "of numbers, text or dates of them."
        )
    values = np.concatenate([np.where(is_missing(chunk), np.nan, 0.0) for chunk in data.chunks])
    return Column(
        name, Kind.OTHER, values, note=str(data.type.value_type if pa.types.is_dictionary(data.type) else data.type)
    )


class _Text(NamedTuple):
    """Text as its different words, trimmed, without those that stand for a missing one, in the order in which the rows have them.

    codes: for each row its word's number, or -1. counts: how many rows have each word.
    """

    words: tuple[str, ...]
    codes: Array
    counts: Array

    def of_rows(self, of_words: Any, of_missing: Any) -> Array:
        """For each row what its word has, or a missing one."""
        return np.append(of_words, of_missing)[self.codes]

    def first_row(self, is_meant: Array) -> int:
        """The first row with one of the words that are meant."""
        return int(np.flatnonzero(self.of_rows(is_meant, False))[0])


def _as_text(name: str, data: Any, place: Place, marks: Sequence[str]) -> _Text:
    try:
        encoded = data if pa.types.is_dictionary(data.type) else pc.dictionary_encode(pc.cast(data, pa.string()))
        encoded = encoded.unify_dictionaries()
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        raise TableError(f"{place(None)}: the column {name!r} holds {data.type} values that are no text.") from None
    # Once per different word, not once per row. Trimmed words may coincide; a dictionary may have words that no row has.
    trimmed = [word.strip() for word in encoded.chunk(0).dictionary.to_pylist()]
    absent = frozenset([*MISSING, *marks])
    words = [word for word in dict.fromkeys(trimmed) if word not in absent]
    number_of = {word: number for number, word in enumerate(words)}
    numbers = np.array([*(number_of.get(word, -1) for word in trimmed), -1])
    codes = numbers[np.concatenate([as_numpy(chunk.indices, np.int64, -1) for chunk in encoded.chunks])]
    first = np.full(len(words) + 1, len(codes))
    np.minimum.at(first, codes, np.arange(len(codes)))
    used = np.argsort(first[:-1])[: np.count_nonzero(first[:-1] < len(codes))]
    position = np.full(len(words) + 1, -1)
    position[used] = np.arange(len(used))
    codes = position[codes]
    counts = np.bincount(codes[codes >= 0], minlength=len(used))
    return _Text(tuple(words[number] for number in used), codes, counts)


def _of_any_text(name: str, text: _Text, wanted: Kind | None, place: Place, marks: Sequence[str]) -> Column:
    """Text that may be meant as numbers, spoilt by a few cells, or as booleans."""
    is_number = np.array([NUMBER.fullmatch(word) is not None for word in text.words], bool)
    present, numbers = int(text.counts.sum()), int(text.counts[is_number].sum())
    words = {"1", "0", *TRUE, *FALSE} if wanted in (Kind.BOOLEAN, Kind.NUMBER) else {*TRUE, *FALSE}
    is_truth = np.array([word in words for word in text.words], bool)
    if wanted is Kind.DATE:
        return _of_dates(name, text, place)
    if wanted is Kind.BOOLEAN and not is_truth.all():
        row = text.first_row(~is_truth)
        raise _no_boolean(name, text.words[text.codes[row]], row, place)
    if present > numbers and is_truth.all():
        truth = [float(word in ("1", *TRUE)) for word in text.words]
        return Column(name, wanted or Kind.BOOLEAN, text.of_rows(truth, np.nan), words=_words_of(text))
    if wanted in (Kind.NUMBER, Kind.BOOLEAN) or (present and numbers >= MOSTLY * present):
        if numbers < present:
            raise _no_number(name, text, is_number, wanted is not None, place)
        values = text.of_rows([float(word) for word in text.words], np.nan)
        return _of_numbers(name, values, wanted, place, marks, values.dtype)
    return _of_text(name, text, None)


def _words_of(text: _Text) -> tuple[str, str]:
    """The words for false and true, in the spelling of the most frequent value."""
    most = text.words[int(np.argmax(text.counts))]
    return next((pair for pair in zip(FALSE, TRUE, strict=True) if most in pair), (FALSE[0], TRUE[0]))


def _no_number(name: str, text: _Text, is_number: Array, was_given: bool, place: Place) -> TableError:
    row = text.first_row(~is_number)
    value = text.words[text.codes[row]]
    others, present = int(text.counts[~is_number].sum()), int(text.counts.sum())
    share = f"{math.floor(1000 * (1 - others / present)) / 10:g} %"  # rounded down, so that it never says 100 %
    expected = "as was asked for or found at training" if was_given else f"as in {share} of the column's values"
    instead = "or fit with the column as a category" if was_given else "or take the column as a category"
    number = "1 cell is" if others == 1 else f"{others:,} cells are"
    if row == 0 and others == 1 and not looks_like_a_mark(value):
        return TableError(
            f"{place(row)}, column {name!r}: the value {value!r} is not a number, and a number was expected, {expected}. Is this a row of "
            f"units, or a second row of names? Delete it. Else correct the cell, {instead}: {_as_category(name)}"
        )
    words = [word for word, is_one in zip(text.words, is_number, strict=True) if not is_one]
    marks = (
        f"{advice_on_marks(words[:MOST_MARKS])}; "
        if len(words) <= MOST_MARKS
        else "leave it empty if the value is missing, "
    )
    return TableError(
        f"{place(row)}, column {name!r}: the value {value!r} is not a number; a number was expected, {expected} "
        f"({number} not). Correct the cell; {marks}{instead}: {_as_category(name)}"
    )


def _of_dates(name: str, text: _Text, place: Place) -> Column:
    try:
        days = _as_days(pa.chunked_array([pc.cast(text_array(text.words), pa.timestamp("us"))]))
    except pa.ArrowInvalid:
        row = text.first_row(np.array([not _is_date(word) for word in text.words]))
        raise TableError(
            f"{place(row)}, column {name!r}: {text.words[text.codes[row]]!r} is not a date. Write dates as "
            "2026-11-21 or 2026-11-21 14:30:00, or leave the cell empty if the value is missing."
        ) from None
    return Column(name, Kind.DATE, text.of_rows(days, np.nan))


def _is_date(word: str) -> bool:
    try:
        pa.scalar(word).cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return False
    return True


def _of_text(name: str, text: _Text, wanted: Kind | None) -> Column:
    different, present = len(text.words), int(text.counts.sum())
    is_text = different > _ALWAYS_CATEGORIES and (different > present / 2 or different > _MOST_CATEGORIES)
    kind = wanted or (Kind.TEXT if is_text else Kind.CATEGORY)
    if kind is Kind.TEXT:
        return Column(name, kind, text.codes, text.words)
    order = sorted(range(different), key=text.words.__getitem__)
    position = np.empty(different, np.int64)
    position[order] = np.arange(different)
    return Column(name, kind, text.of_rows(position, -1), tuple(text.words[number] for number in order))

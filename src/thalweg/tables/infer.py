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
import shlex
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from ..errors import TableError
from ..graph import Array
from . import compute as pc
from .arrow import as_floats, as_numpy, as_truth, cast, text_array
from .column import Column, Kind

__all__ = ["FALSE", "MISSING", "MOSTLY", "TRUE", "Place", "infer_column"]

MISSING = tuple(
    dict.fromkeys(
        ["", "?", "<NA>", "#N/A"]
        + [f(word) for word in ("NA", "N/A", "NaN", "null", "None") for f in (str, str.lower, str.upper)]
    )
)
"""What stands for a missing value, with or without white space around it."""
TRUE = ("true", "True", "TRUE", "yes", "Yes", "YES")
FALSE = ("false", "False", "FALSE", "no", "No", "NO")
MOSTLY = 0.95
"""Text is a column of numbers if at least this share of its values are numbers."""
_ALWAYS_CATEGORIES, _MOST_CATEGORIES = 50, 1000
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"

Place = Callable[[int | None], str]
"""Names a row (counted from 0) of the table in a message, or with None the whole table."""


def infer_column(name: str, data: Any, wanted: Kind | None, place: Place) -> Column:
    """The column in an Arrow chunked array with at least one row.

    wanted: its kind, if that is not to be inferred; with OTHER its values are not looked at. Raises TableError for a value that
    does not fit, with its place.
    """
    if pa.types.is_dictionary(data.type):
        data = _decoded(data)
        # Numbers that come as a dictionary were made categories on purpose.
        wanted = wanted or (Kind.CATEGORY if pa.types.is_integer(data.type) else None)
    kind = data.type
    if pa.types.is_nested(kind) or wanted is Kind.OTHER:
        return _of_other(name, data, wanted, place)
    if pa.types.is_null(kind) and wanted not in (Kind.CATEGORY, Kind.TEXT):
        return Column(name, wanted or Kind.NUMBER, np.full(len(data), np.nan))
    if wanted in (Kind.CATEGORY, Kind.TEXT):
        return _of_text(name, _as_text(name, data, place), wanted)
    if pa.types.is_boolean(kind) and wanted is not Kind.DATE:
        return Column(name, wanted or Kind.BOOLEAN, as_floats(data))
    if pa.types.is_decimal(kind):
        data = pc.cast(data, pa.float64(), safe=False)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _of_numbers(name, as_floats(data), wanted, place)
    if pa.types.is_temporal(kind) and wanted is not Kind.BOOLEAN:
        is_length = pa.types.is_time(kind) or pa.types.is_duration(kind)
        return Column(name, wanted or (Kind.NUMBER if is_length else Kind.DATE), _as_days(data))
    return _of_any_text(name, _as_text(name, data, place), wanted, place)


def _decoded(data: Any) -> Any:
    """A column without a dictionary."""
    kind = pa.string() if pa.types.is_string_view(data.type.value_type) else data.type.value_type
    return pa.chunked_array([cast(chunk, kind) for chunk in data.chunks], kind)


def _as_days(data: Any) -> Array:
    kind = data.type
    if pa.types.is_time(kind):
        unit: Any = pa.time64("us")
    else:
        unit = pa.duration("us") if pa.types.is_duration(kind) else pa.timestamp("us", getattr(kind, "tz", None))
    return as_floats(pc.cast(pc.cast(data, unit, safe=False), pa.int64())) / 86_400e6


def _of_numbers(name: str, values: Array, wanted: Kind | None, place: Place) -> Column:
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
        f"Write true, false, yes, no, 0 or 1, or take it as a category: {_option(name)}"
    )


def _option(name: str, kind: Kind = Kind.CATEGORY) -> str:
    return f"--kind {shlex.quote(f'{name}={kind.value}')} (in Python: kinds={{{name!r}: Kind.{kind.name}}})"


def _of_other(name: str, data: Any, wanted: Kind | None, place: Place) -> Column:
    """Lists, structs and the like: not used."""
    if wanted not in (None, Kind.OTHER):
        raise TableError(
            f"{place(None)}: the column {name!r} holds {data.type} values, which cannot be taken as {wanted.value}. Make columns "
            "of numbers, text or dates of them."
        )
    values = np.concatenate([np.where(as_truth(pc.is_null(chunk)), np.nan, 0.0) for chunk in data.chunks])
    return Column(name, Kind.OTHER, values, note=str(data.type))


class _Text(NamedTuple):
    """Text as its different values, trimmed, without those that stand for a missing one; codes: for each row, or -1."""

    values: Any  # an Arrow array of strings
    codes: Array
    counts: Array


def _as_text(name: str, data: Any, place: Place) -> _Text:
    try:
        encoded = pc.dictionary_encode(pc.cast(data, pa.string())).unify_dictionaries()
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        raise TableError(f"{place(None)}: the column {name!r} holds {data.type} values that are no text.") from None
    # Trimming, and looking for missing values, once per different value, not once per row. Trimmed values may coincide.
    trimmed = pc.utf8_trim_whitespace(encoded.chunk(0).dictionary)
    absent = pc.is_in(trimmed, value_set=text_array(MISSING))
    merged = pc.dictionary_encode(pc.if_else(absent, pa.nulls(1, pa.string())[0], trimmed))
    new_code = np.append(as_numpy(merged.indices, np.int64, -1), -1)
    old = np.concatenate([as_numpy(chunk.indices, np.int64, -1) for chunk in encoded.chunks])
    codes = new_code[old]
    return _Text(merged.dictionary, codes, np.bincount(codes[codes >= 0], minlength=len(merged.dictionary)))


def _of_any_text(name: str, text: _Text, wanted: Kind | None, place: Place) -> Column:
    """Text that may be meant as numbers, spoilt by a few cells, or as booleans."""
    is_number = as_truth(pc.match_substring_regex(text.values, _NUMBER))
    present, numbers = int(text.counts.sum()), int(text.counts[is_number].sum())
    words = ("1", "0") if wanted in (Kind.BOOLEAN, Kind.NUMBER) else ()
    is_truth = as_truth(pc.is_in(text.values, value_set=text_array(words + TRUE + FALSE)))
    if wanted is Kind.DATE:
        return _of_dates(name, text, place)
    if wanted is Kind.BOOLEAN and not is_truth.all():
        row = int(np.flatnonzero(np.append(~is_truth, False)[text.codes])[0])
        raise _no_boolean(name, text.values[int(text.codes[row])].as_py(), row, place)
    if present > numbers and is_truth.all():
        truth = np.append(as_truth(pc.is_in(text.values, value_set=text_array(("1", *TRUE)))).astype(float), np.nan)
        return Column(name, wanted or Kind.BOOLEAN, truth[text.codes], words=_words_of(text))
    if wanted in (Kind.NUMBER, Kind.BOOLEAN) or (present and numbers >= MOSTLY * present):
        if numbers < present:
            raise _no_number(name, text, is_number, wanted is not None, place)
        number_of = np.append(as_numpy(pc.cast(text.values, pa.float64()), np.float64, np.nan), np.nan)
        return _of_numbers(name, number_of[text.codes], wanted, place)
    return _of_text(name, text, None)


def _words_of(text: _Text) -> tuple[str, str]:
    """The words for false and true, in the spelling of the most frequent value."""
    most = text.values[int(np.argmax(text.counts))].as_py()
    return next((pair for pair in zip(FALSE, TRUE, strict=True) if most in pair), (FALSE[0], TRUE[0]))


def _no_number(name: str, text: _Text, is_number: Array, was_given: bool, place: Place) -> TableError:
    row = int(np.flatnonzero(np.append(~is_number, False)[text.codes])[0])
    value = text.values[int(text.codes[row])].as_py()
    others, present = int(text.counts[~is_number].sum()), int(text.counts.sum())
    share = f"{math.floor(1000 * (1 - others / present)) / 10:g} %"  # rounded down, so that it never says 100 %
    expected = "as was asked for or found at training" if was_given else f"as in {share} of the column's values"
    number = "1 cell is" if others == 1 else f"{others:,} cells are"
    return TableError(
        f"{place(row)}, column {name!r}: the value {value!r} is not a number; a number was expected, {expected} "
        f"({number} not). Correct the cell, or leave it empty if the value is missing, "
        f"or take the column as a category: {_option(name)}"
    )


def _of_dates(name: str, text: _Text, place: Place) -> Column:
    try:
        days = _as_days(pa.chunked_array([pc.cast(text.values, pa.timestamp("us"))]))
    except pa.ArrowInvalid:
        row = next(row for row, code in enumerate(text.codes) if code >= 0 and not _is_date(text.values[int(code)]))
        raise TableError(
            f"{place(row)}, column {name!r}: {text.values[int(text.codes[row])].as_py()!r} is not a date. Write dates as "
            "2026-11-21 or 2026-11-21 14:30:00, or leave the cell empty if the value is missing."
        ) from None
    return Column(name, Kind.DATE, np.append(days, np.nan)[text.codes])


def _is_date(value: Any) -> bool:
    try:
        value.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return False
    return True


def _of_text(name: str, text: _Text, wanted: Kind | None) -> Column:
    different, present = len(text.values), int(text.counts.sum())
    is_text = different > _ALWAYS_CATEGORIES and (different > present / 2 or different > _MOST_CATEGORIES)
    kind = wanted or (Kind.TEXT if is_text else Kind.CATEGORY)
    if kind is Kind.TEXT:
        return Column(name, kind, text.codes, tuple(text.values.to_pylist()))
    order = pc.sort_indices(text.values)
    position = np.full(different + 1, -1)
    position[as_numpy(order, np.int64, -1)] = np.arange(different)
    return Column(name, kind, position[text.codes], tuple(text.values.take(order).to_pylist()))

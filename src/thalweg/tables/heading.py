"""What stands at the beginning of a file of delimited text: what parts the fields, comments, the names of the columns."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from itertools import islice

from ..errors import TableError
from .column import NUMBER
from .text import TextFile

__all__ = ["UNCLOSED", "Heading", "heading_of"]

UNCLOSED = (
    'a double quote opens a field here that is never closed. Close it, or, where it belongs to the text, write "" for it and '
    "put the field in double quotes."
)

_SEPARATOR = re.compile(r"\"?sep=(.)\"?\r?\n", re.IGNORECASE)
"""The first line of some files for spreadsheets, which says what parts their fields."""
_DELIMITERS = (",", ";", "\t", "|")
_RECORDS = 20
"""So many at the beginning show what parts their fields."""


@dataclass(frozen=True, eq=False)
class Heading:
    """How a file begins.

    text: from the line with the names on. delimiter: what parts the fields. names: as they stand there, without the # of a comment.
    comments: how many lines stand above.
    """

    text: TextFile
    delimiter: str
    names: tuple[str, ...]
    comments: int


def heading_of(text: TextFile, delimiter: str | None = None) -> Heading:
    """How a file begins. delimiter: what parts the fields, if that is known; else one of comma, semicolon, tab and bar, or spaces.

    Lines at the beginning that begin with # are comments; the last of them names the columns if values follow it, as NumPy's `savetxt`
    writes them.
    """
    found = _SEPARATOR.match(text.sample)
    if found and delimiter in (None, found[1]):
        text, delimiter = text.from_line(1), found[1]
    count = _comments(text.sample)
    last = text.from_line(count - 1) if count else text
    if count and not _names_columns(last, delimiter):
        count, last = count + 1, text.from_line(count)
    delimiter, last = _parted(last, delimiter)
    return Heading(last, delimiter, tuple(_names(last, delimiter)), max(0, count - 1))


def _names(text: TextFile, delimiter: str) -> list[str]:
    reader = csv.reader(io.StringIO(_without_hash(text.sample), newline=""), delimiter=delimiter)
    try:
        return next(reader)
    except csv.Error:  # a field that is longer than any real one
        raise TableError(f"{text.path}, line {text.first_line:,}: {UNCLOSED}") from None


def _comments(sample: str) -> int:
    """How many lines at the beginning begin with #."""
    lines = io.StringIO(sample)
    return next((count for count, line in enumerate(lines) if not line.startswith("#")), 0)


def _without_hash(sample: str) -> str:
    """Without the # before the first name; # alone is a name."""
    return re.sub(r"\A#[ \t]*(?=[^\s,;|])", "", sample)


def _names_columns(text: TextFile, delimiter: str | None) -> bool:
    """Whether a line that begins with # names the columns: the next has as many fields, and values, or what follows has none either."""
    delimiter, text = _parted(text, delimiter)
    reader = csv.reader(io.StringIO(_without_hash(text.sample), newline=""), delimiter=delimiter)
    try:
        first = list(islice(filter(None, reader), 3))
    except csv.Error:  # a field that is longer than any real one
        return True
    rows = [[NUMBER.fullmatch(field.strip()) is not None for field in fields] for fields in first]
    if len(rows) < 2 or len(rows[0]) != len(rows[1]):
        return False
    return any(rows[1]) or not any(rows[-1])


def _parted(text: TextFile, delimiter: str | None) -> tuple[str, TextFile]:
    """The delimiter, and the text as it is read with it: with spaces as tabs."""
    if delimiter == " " or (delimiter is None and _is_spaced(text)):
        return ("\t", text.with_tabs()) if not text.quotes else (" ", text)
    return delimiter or _sniffed(text), text


def _is_spaced(text: TextFile) -> bool:
    """Whether spaces alone part most of the first rows into as many fields as the header, two at least, with a number in each and none there."""
    if text.quotes or any(delimiter in text.sample.partition("\n")[0] for delimiter in _DELIMITERS):
        return False
    lines = [line.split() for line in islice(io.StringIO(_without_hash(text.sample)), _RECORDS)]
    rows = [fields for fields in lines if fields]
    if len(lines) > 2 and len(lines) < _RECORDS and not text.is_whole:
        rows.pop()
    alike = [fields for fields in rows if len(fields) == len(rows[0])]
    if len(alike) < 2 or len(alike[0]) < 2 or 2 * len(alike) <= len(rows):
        return False
    numbers = [any(NUMBER.fullmatch(field.replace(",", ".")) for field in fields) for fields in alike]
    return not numbers[0] and all(numbers[1:])


def _sniffed(text: TextFile) -> str:
    """The one of comma, semicolon, tab and bar that cuts the first 20 records into the same number of fields, two at least.

    Of several such the one that gives the most fields, and then the comma. If none does: the one that gives the header the most fields.
    """

    def rank(delimiter: str) -> tuple[bool, int]:
        reader = csv.reader(io.StringIO(_without_hash(text.sample), newline=""), delimiter=delimiter)
        try:
            records = list(islice(filter(None, reader), _RECORDS))
        except csv.Error:
            return False, 0
        if len(records) > 1 and len(records) < _RECORDS and not text.is_whole:
            records.pop()  # the sample ends within it
        lengths = [len(record) for record in records]
        return len(set(lengths)) == 1 and lengths[0] > 1, lengths[0]

    return max(_DELIMITERS, key=rank)

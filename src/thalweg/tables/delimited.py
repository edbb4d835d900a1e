"""CSV and TSV: a line with the names of the columns, then rows; with errors that name line, row and column."""

from __future__ import annotations

import csv
import io
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain, islice
from typing import Any

import pyarrow as pa
import pyarrow.csv

from ..errors import ArgumentError, TableError
from .heading import UNCLOSED, heading_of
from .marks import MISSING
from .names import INDEX, check_names, names_nothing
from .part import Part, cast_batch
from .table import counted
from .text import read_text

__all__ = ["DelimitedFile"]

_DELIMITER_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
_FIRST_ROWS = 20
_BLOCK = 1 << 20
_LARGEST_BLOCK = 1 << 30
_ANY_NUMBER = (1 << 31) - 1
_WIDER = {
    pa.int64(): pa.float64(),
    pa.date32(): pa.timestamp("s"),
    pa.timestamp("s"): pa.timestamp("ns"),
}
"""What Arrow's inference tries next; text after all others."""
# Not 1,234, which may be a thousand and more.
_DECIMAL_COMMA = re.compile(r"[+-]?(\d+,(\d{1,2}|\d{4,})|0+,\d+|\d{4,},\d+)")
_CODE = re.compile(r"0\d+")
_DECIMAL_POINT = re.compile(r"[+-]?\d+\.\d+")
_NAMELESS = "\0"
"""Begins the names of columns that have none; no name of a file begins so."""
_CONVERSION = re.compile(r"In CSV column #(\d+)")


class DelimitedFile(Part):
    """A CSV or TSV file. as_text: columns that are not to be taken as numbers, so that 01 stays 01. missing_marks: what else than
    `MISSING` stands for a missing value.

    What a spreadsheet leaves behind is left out: columns without a name and without a value, and rows at the end without a value.
    """

    def __init__(
        self,
        path: str,
        encoding: str | None = None,
        delimiter: str | None = None,
        as_text: frozenset[str] = frozenset(),
        missing_marks: tuple[str, ...] = (),
    ) -> None:
        if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
            raise ArgumentError(
                f"delimiter={delimiter!r} is not one character that can part fields, such as ',' or ';'"
            )
        self.path = path
        heading = heading_of(read_text(path, encoding), delimiter)
        self._text, self._delimiter = heading.text, heading.delimiter
        self._names = _as_long_as_rows([name.strip() for name in heading.names], self._first_rows(), self._delimiter)
        has_index = len(self._names) > 1 and not self._names[0]
        if not any(self._names):
            raise names_nothing(f"{path}, line {self._text.first_line:,}")
        self._names = [name or f"{_NAMELESS}{number}" for number, name in enumerate(self._names)]
        if has_index:
            self._names[0] = INDEX
        self._nameless = [name for name in self._names if name.startswith(_NAMELESS)]
        check_names(self._names, f"{path}, line {self._text.first_line:,}")
        self._as_text = as_text | frozenset(self._nameless)
        self._null_values = [*MISSING, *missing_marks]
        self.blank_rows = self._text.blank_lines if len(self._names) > 1 else 0
        self._decimal = _decimal_mark(islice(self._records(), 1, _FIRST_ROWS)) if self._delimiter != "," else "."
        written = " " if self._text.has_spaces else self._delimiter
        self.how = f"CSV in {self._text.how}, parted by {_DELIMITER_NAMES.get(written, repr(written))}"
        if self._decimal == ",":
            self.how += ", with decimal commas"
        if has_index:
            self.how += ", the first column an index"
        if heading.comments:
            self.how += f", without {counted(heading.comments, 'comment')} above it"
        if self._nameless:
            self.how += f", without {counted(len(self._nameless), 'blank column')}"
        if self.blank_rows:
            self.how += f", without {counted(self.blank_rows, 'blank row')} at its end"
        if codes := self._codes():
            name = codes[0]
            self.how += f"; numbers lose the zeros that {name!r} begins with: if they are codes, --kind {shlex.quote(name)}=category"

    def _codes(self) -> list[str]:
        """Columns that are going to be read as numbers, of which some among the first are written as 00501."""
        rows = [fields for fields in self._first_rows() if len(fields) == len(self._names) and any(fields)]
        columns = zip(self._names, zip(*rows, strict=True), strict=False)
        return [
            name
            for name, fields in columns
            if name not in self._as_text
            and all(field.strip().isdecimal() for field in fields)
            and any(_CODE.fullmatch(field.strip()) for field in fields)
        ]

    def _first_rows(self) -> list[list[str]]:
        """Some rows below the header."""
        reader = csv.reader(io.StringIO(self._text.sample, newline=""), delimiter=self._delimiter)
        try:
            rows = list(islice(filter(None, reader), 1, _FIRST_ROWS))
        except csv.Error:  # a very long field
            return []
        return rows if self._text.is_whole or len(rows) == _FIRST_ROWS - 1 else rows[:-1]

    def schema(self) -> Any:
        """Types that hold all values: those of the first block, widened where a later value does not fit."""
        return self._schema

    @cached_property
    def _schema(self) -> Any:
        types: dict[str, Any] = {}
        while True:
            try:
                with self._open(types) as reader:
                    schema = reader.schema
                    first = 0
                    for batch in reader:
                        self._check_blank(batch, first)
                        first += len(batch)
            except pa.ArrowInvalid as error:
                found = _CONVERSION.search(str(error))
                if not found:
                    raise self._located(error) from None
                name = self._names[int(found[1])]
                types[name] = _WIDER.get(types.get(name) or schema.field(name).type, pa.string())
                continue
            self._check_last_quote()
            return pa.schema([field for field in schema if field.name not in self._nameless])

    def batches(self, schema: Any) -> Iterator[Any]:
        try:
            own = set(self._names)
            types = {field.name: field.type for field in schema if field.name in own}
            with self._open(types, list(types)) as reader:
                for batch in _without_last(reader, self.blank_rows):
                    yield cast_batch(batch, schema, self)
        except pa.ArrowInvalid as error:
            raise self._located(error) from None

    def table(self, schema: Any = None) -> Any:
        types = {} if schema is None else {field.name: field.type for field in schema}
        block = _BLOCK
        while True:
            try:
                with self._text.stream() as stream:
                    table = pyarrow.csv.read_csv(stream, **self._options(types, block, encoded=True))
                break
            except pa.ArrowInvalid as error:
                if "straddling" not in str(error) or block >= _LARGEST_BLOCK:
                    raise self._located(error) from None
                block *= 32
        self._check_last_quote()
        self._check_blank(table, 0)
        table = table.drop_columns(self._nameless).slice(0, max(0, len(table) - self.blank_rows))
        return table if schema is None else table.select(schema.names).cast(schema)

    def place(self, row: int) -> str:
        try:
            line, _, _ = next(islice(self._records(), row + 1, None))
        except TableError:
            return super().place(row)
        return f"{self.path}, line {line:,} (row {row + 1:,})"

    def _open(self, types: dict[str, Any], only: Sequence[str] = ()) -> Any:
        # A block must hold a row; Arrow reads up to 32 of them ahead.
        return pyarrow.csv.open_csv(self._text.stream(), **self._options(types, 4 * _BLOCK, only))

    def _check_blank(self, rows: Any, first: int) -> None:
        """Raises TableError if a column without a name has a value. rows: a batch or a table, whose first row has this number."""
        for name in self._nameless:
            column = rows.column(name)
            if column.null_count == len(column):
                continue
            for row, value in enumerate(column.to_pylist(), first):
                if value and value.strip():
                    number = self._names.index(name) + 1
                    raise TableError(
                        f"{self.place(row)}: the value {value.strip()!r} stands in column {number} of {len(self._names)}, which has no "
                        f"name in line {self._text.first_line:,}. Name the column there, or delete it."
                    )

    def _options(
        self, types: dict[str, Any], block: int, only: Sequence[str] = (), encoded: bool = False
    ) -> dict[str, Any]:
        """only: the columns to be read; none stand for all. encoded: whether text comes as dictionaries of its different words."""
        kind = pa.dictionary(pa.int32(), pa.string()) if encoded else pa.string()
        text = {name: kind for name in self._names if name in self._as_text}
        return {
            "read_options": pyarrow.csv.ReadOptions(
                block_size=block, column_names=self._names, skip_rows_after_names=1
            ),
            "parse_options": pyarrow.csv.ParseOptions(
                delimiter=self._delimiter, newlines_in_values=self._text.quotes > 0
            ),
            "convert_options": pyarrow.csv.ConvertOptions(
                include_columns=list(only),
                column_types=types | text,
                decimal_point=self._decimal,
                null_values=self._null_values,
                strings_can_be_null=True,
                auto_dict_encode=encoded,
                auto_dict_max_cardinality=_ANY_NUMBER,
                true_values=[],  # what is true or false stays in the words of the file
                false_values=[],
            ),
        }

    def _records(self, more: Iterable[str] = ()) -> Iterator[tuple[int, int, list[str]]]:
        """The records, header first: the numbers of the first and the last line of each, and its fields.

        This is the slow way, for the header and for errors; lines without anything in them are left out. more: lines after
        the last.
        """
        first = self._text.first_line
        line = first
        with self._text.lines() as lines:
            reader = csv.reader(chain(lines, more), delimiter=self._delimiter)
            try:
                for fields in reader:
                    last = first + reader.line_num - 1
                    if fields:
                        yield line, last, fields
                    line = last + 1
            except csv.Error:  # a field that is longer than any real one
                raise TableError(f"{self.path}, line {line:,}: {UNCLOSED}") from None

    def _located(self, error: Exception) -> TableError:
        return self._find_fault() or TableError(f"{self.path} cannot be read as a table: {error}")

    def _find_fault(self) -> TableError | None:
        """The first row of another length than the header, or a quote that is not closed."""
        line = last = row = 0
        fields = [""]
        try:
            for row, (line, last, fields) in enumerate(self._records(_PROBE)):
                if fields != _PROBED and fields[-1].endswith(_PROBE[1]):  # it takes in what was added: a quote is open
                    return TableError(f"{self.path}, line {line:,} (row {row:,}): {UNCLOSED}")
                if row and fields != _PROBED and len(fields) != len(self._names):
                    found = "1 field" if len(fields) == 1 else f"{len(fields)} fields"
                    named = "1 column" if len(self._names) == 1 else f"{len(self._names)} columns"
                    place = f"{self.path}, line {line:,} (row {row:,}): {found}, but the header names {named}. "
                    return TableError(place + (_runs_on(last) if last > line else self._hint(len(fields))))
        except TableError as error:
            return error
        return None

    def _hint(self, fields: int) -> str:
        if fields < len(self._names):
            return (
                "Is the row cut short, or a value missing? Keep the place of a missing value: two delimiters in a row."
            )
        if len(self._names) == 1:
            return f"Line {self._text.first_line:,} has to name the columns: delete what stands above their names."
        return f"Does a value hold {self._delimiter!r}? Then put it in double quotes."

    def _check_last_quote(self) -> None:
        """Raises TableError if a quote that is never closed swallows the rest of the file, which Arrow takes for a value."""
        if self._text.quotes % 2 and (fault := self._find_fault()):
            raise fault


def _as_long_as_rows(names: list[str], rows: list[list[str]], delimiter: str) -> list[str]:
    """The names of the columns where the rows have delimiters at their end that the header has not, or the reverse; and where the header
    lacks the name of an index, as R writes it: not with commas, which may be decimal ones."""
    lengths = {len(row) for row in rows}
    if len(lengths) != 1:
        return names
    more = lengths.pop() - len(names)
    if more > 0 and not any(field.strip() for row in rows for field in row[-more:]):
        return [*names, *[""] * more]
    if more == 1 and delimiter != "," and len(names) > 1 and len({row[0] for row in rows}) == len(rows):
        return ["", *names]
    return names[:more] if more < 0 and not any(names[more:]) else names


def _without_last(batches: Iterable[Any], count: int) -> Iterator[Any]:
    """All rows of record batches but the last ones."""
    held: list[Any] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += len(batch)
        while held and rows - len(held[0]) >= count:
            rows -= len(held[0])
            yield held.pop(0)
    for batch in held:
        yield batch.slice(0, max(0, rows - count))
        rows -= len(batch)


_PROBED = ["the end, outside of quotes"]
_PROBE = ("\n", _PROBED[0] + "\n")


def _runs_on(last: int) -> str:
    return f"The row runs on to line {last:,} within double quotes: is a quote not closed?"


def _decimal_mark(records: Iterator[tuple[int, int, list[str]]]) -> str:
    """The comma if the first rows have numbers such as 1,5 and none such as 1.5."""
    fields = [field.strip() for _, _, row in records for field in row]
    has_commas = any(_DECIMAL_COMMA.fullmatch(field) for field in fields)
    return "," if has_commas and not any(_DECIMAL_POINT.fullmatch(field) for field in fields) else "."

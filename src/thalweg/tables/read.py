"""Reading a CSV file: encoding, delimiter, kinds of columns, missing values, and errors that name the place.

A column holds numbers if at least 95 % of its values are numbers; then a value that is none is an error. The values
`true`, `false`, `yes` and `no` make a boolean column. Text whose values nearly all differ (more than half of the rows, and
more than 50) is not used; other text is a category. Missing are: an empty field, NA, N/A, NaN, null, None and ?.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from ..errors import TableError
from ..graph import Array
from .table import Column, Kind, Table

__all__ = ["MISSING", "read_table", "table_of_arrow"]

MISSING = ("", "NA", "N/A", "na", "n/a", "NaN", "nan", "null", "Null", "NULL", "None", "none", "?")
_TRUE, _FALSE = ("true", "True", "TRUE", "yes", "Yes", "YES"), ("false", "False", "FALSE", "no", "No", "NO")
_MOSTLY = 0.95
_DELIMITERS = (",", ";", "\t", "|")


def read_table(path: str | Path, *, kinds: Mapping[str, Kind] | None = None) -> Table:
    """Reads a CSV file in UTF-8 (with or without a byte order mark) or CP949.

    kinds: columns whose kind is not to be inferred. Raises TableError, which names the file, and the line, row and column
    where there are any.
    """
    file = Path(path)
    content = _content(file)
    encoding = _encoding(content, file)
    delimiter = _check_header(content, encoding, file)
    as_text = {name: pa.string() for name, kind in (kinds or {}).items() if kind in (Kind.CATEGORY, Kind.TEXT)}
    try:
        read = pyarrow.csv.read_csv(
            pa.BufferReader(content),
            read_options=pyarrow.csv.ReadOptions(encoding=encoding),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=as_text,
                null_values=list(MISSING),
                strings_can_be_null=True,
                true_values=list(_TRUE),
                false_values=list(_FALSE),
            ),
        )
    except pa.ArrowInvalid as error:
        raise _located(error, content, encoding, delimiter, file) from None
    return table_of_arrow(read, str(path), kinds)


def _content(file: Path) -> bytes:
    if file.is_dir():
        raise TableError(f"{file} is a folder; name a CSV file in it")
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise TableError(f"{file} does not exist. Is the path right, seen from {Path.cwd()}?") from None
    except OSError as error:
        raise TableError(f"{file} cannot be read: {error.strerror}") from None
    content = content.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    if not content.strip():
        raise TableError(f"{file} is empty. A table needs a line with the names of its columns, then rows.")
    if b"\r" in content and b"\n" not in content:
        content = content.replace(b"\r", b"\n")  # line ends of old Macintosh files
    return content


def _encoding(content: bytes, file: Path) -> str:
    """UTF-8 if all of it is, else CP949."""
    for encoding in ("utf-8", "cp949"):
        try:
            content.decode(encoding)
            return encoding
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
    raise TableError(
        f"{file}, line {line}: the text is neither UTF-8 nor CP949. Save the file as UTF-8 in the program it comes from."
    )


def _check_header(content: bytes, encoding: str, file: Path) -> str:
    """The delimiter; raises TableError for names that are empty or occur twice."""
    text = content[: 1 << 20].decode(encoding, "replace")
    headers = {mark: next(csv.reader(io.StringIO(text), delimiter=mark)) for mark in _DELIMITERS}
    delimiter = max(_DELIMITERS, key=lambda mark: len(headers[mark]))
    names = headers[delimiter]
    for number, name in enumerate(names, 1):
        if not name.strip():
            raise TableError(f"{file}, line 1: column {number} of {len(names)} has no name. Give each column a name.")
        if names.count(name) > 1:
            raise TableError(f"{file}, line 1: two columns are called {name!r}. Rename one of them.")
    return delimiter


def _located(error: Exception, content: bytes, encoding: str, delimiter: str, file: Path) -> TableError:
    """The first row of another length than the header."""
    reader = csv.reader(io.StringIO(content.decode(encoding)), delimiter=delimiter)
    header = next(reader)
    for number, row in enumerate(reader, 1):
        if row and len(row) != len(header):
            return TableError(
                f"{file}, line {reader.line_num} (row {number}): {len(row)} fields, but the header names {len(header)} "
                f"columns. Does a value hold {delimiter!r}? Then put it in double quotes."
            )
    return TableError(f"{file} cannot be read as a table: {error}")


def table_of_arrow(read: Any, path: str = "the table", kinds: Mapping[str, Kind] | None = None) -> Table:
    """A table from an Arrow table, or from anything that exports one, such as a pandas or Polars frame."""
    arrow = read if isinstance(read, pa.Table) else pa.table(read)
    if not arrow.num_rows:
        raise TableError(f"{path} has a header but no rows: there is nothing to learn from")
    wanted = dict(kinds or {})
    for name in wanted:
        if name not in arrow.column_names:
            raise TableError(f"{path} has no column {name!r}, for which a kind was given")
    columns = [_column(name, arrow.column(name), wanted.get(name), path) for name in arrow.column_names]
    return Table(path, tuple(columns), arrow.num_rows)


def _column(name: str, data: Any, wanted: Kind | None, path: str) -> Column:
    kind = data.type
    if wanted in (Kind.CATEGORY, Kind.TEXT):
        return _of_text(name, pc.cast(data, pa.string()), wanted)
    if pa.types.is_boolean(kind):
        return Column(name, Kind.BOOLEAN, _as_floats(pc.cast(data, pa.int8())))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _of_numbers(name, _as_floats(data), wanted, path)
    if pa.types.is_null(kind):
        return Column(name, Kind.NUMBER, np.full(len(data), np.nan))
    if pa.types.is_dictionary(kind):
        data = pc.cast(data, kind.value_type)
    text = pc.cast(data, pa.string())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or wanted is not None:
        return _of_mixed_text(name, text, wanted, path)
    return _of_text(name, text, Kind.TEXT)  # dates and the like


def _of_numbers(name: str, values: Array, wanted: Kind | None, path: str) -> Column:
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        raise TableError(
            f"{path}, row {infinite[0] + 1}, column {name!r}: the value is infinite. Correct the cell, or leave it empty if "
            "the value is missing"
        )
    if wanted is Kind.BOOLEAN and not set(np.unique(values[~np.isnan(values)])) <= {0.0, 1.0}:
        raise TableError(
            f"{path}: the column {name!r} holds other values than 0 and 1, so it cannot be taken as boolean"
        )
    return Column(name, wanted or Kind.NUMBER, values)


def _as_floats(data: Any) -> Array:
    values = pc.fill_null(pc.cast(data, pa.float64(), safe=False), float("nan"))
    return np.array(values.to_numpy(), np.float64)


_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"


def _of_mixed_text(name: str, text: Any, wanted: Kind | None, path: str) -> Column:
    """Text that may be meant as numbers, spoilt by a few cells."""
    text = _trimmed(text)
    is_number = pc.match_substring_regex(text, _NUMBER)
    present = len(text) - text.null_count
    share = (pc.sum(is_number).as_py() or 0) / max(present, 1)
    if wanted is not Kind.NUMBER and share < _MOSTLY:
        return _of_text(name, text, wanted)
    if share < 1:
        row = pc.index(pc.fill_null(is_number, True), False).as_py()
        others = present - (pc.sum(is_number).as_py() or 0)
        raise TableError(
            f"{path}, row {row + 1}, column {name!r}: {text[row].as_py()!r} is not a number, as all but {others} of the "
            f"column's {present:,} values are. Rows are counted from 1, after the header. Correct the cell, leave it empty if the value is "
            f"missing, or take the column as a category: --kind {name}=category"
        )
    return _of_numbers(name, _as_floats(pc.cast(text, pa.float64())), wanted, path)


def _trimmed(text: Any) -> Any:
    """Text without white space around it; what then stands for a missing value is one."""
    trimmed = pc.utf8_trim_whitespace(text)
    is_missing = pc.is_in(trimmed, value_set=pa.array(MISSING))
    return pc.if_else(is_missing, pa.scalar(None, pa.string()), trimmed)


def _of_text(name: str, text: Any, wanted: Kind | None) -> Column:
    encoded = pc.dictionary_encode(text.combine_chunks() if hasattr(text, "combine_chunks") else text)
    found = [str(value) for value in encoded.dictionary.to_pylist()]
    codes = np.array(pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False), np.int64)
    order = sorted(range(len(found)), key=found.__getitem__)
    position = np.empty(len(found) + 1, np.int64)
    position[order] = np.arange(len(found))
    position[-1] = -1
    present = int(np.count_nonzero(codes >= 0))
    is_text = len(found) > 50 and len(found) > present / 2
    kind = wanted or (Kind.TEXT if is_text else Kind.CATEGORY)
    if kind is Kind.CATEGORY and wanted is None and set(found) <= {*_TRUE, *_FALSE}:
        return Column(name, Kind.BOOLEAN, _truth(found, codes))
    return Column(name, kind, position[codes], tuple(found[i] for i in order))


def _truth(found: list[str], codes: Array) -> Array:
    values = np.array([float(value in _TRUE) for value in found] + [np.nan])
    return values[codes]

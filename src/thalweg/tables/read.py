"""What a path or an object holds, and the table in it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import ArgumentError, TableError
from .column import Kind
from .files import find_files, open_stream, split_ending
from .marks import Marks, marks_of
from .part import Part
from .source import Source
from .table import Table

__all__ = ["FORMATS", "files_of", "open_source", "read_table"]

FORMATS = {
    "csv": (".csv", ".txt", ".data"),
    "tsv": (".tsv", ".tab"),
    "jsonl": (".jsonl", ".ndjson", ".json"),
    "parquet": (".parquet", ".pq"),
    "arrow": (".arrow", ".arrows", ".feather", ".ipc"),
    "numpy": (".npy", ".npz"),
    "libsvm": (".libsvm", ".svm", ".svmlight"),
}
"""The formats, and the endings that tell them (before .gz, .bz2, .xz or .zst). For .txt and others the content decides."""
_FORMAT_OF = {ending: name for name, endings in FORMATS.items() for ending in endings}
_GUESSED = frozenset({".txt", ".data"})
_OTHERS = {
    **dict.fromkeys((".xlsx", ".xls", ".ods"), "a spreadsheet. Save it as CSV there"),
    **dict.fromkeys((".pkl", ".pickle", ".joblib"), "a pickle, which can run code when it is read. Save it as Parquet"),
    **dict.fromkeys((".db", ".sqlite", ".duckdb"), "a data base. Pass what a query gives, or export it as Parquet"),
    **dict.fromkeys((".zip", ".tar", ".tgz", ".7z"), "an archive. Unpack it, and name the files"),
    ".orc": "in the ORC format. Convert it to Parquet",
    ".avro": "in the Avro format. Convert it to Parquet",
}


def read_table(
    data: Any,
    *,
    kinds: Mapping[str, Kind] | None = None,
    expected: Mapping[str, Kind] | None = None,
    format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    missing_marks: Marks = (),
) -> Table:
    """Reads a table into memory.

    data: a path (CSV, TSV, JSON lines, Parquet, Arrow, NumPy or LIBSVM, each also compressed by gzip, bzip2, xz or
    Zstandard), a glob, a folder, a list of paths, or an object that exports Arrow (`__arrow_c_stream__`): a frame of pandas,
    Polars or DuckDB, an Arrow table. Files of one table have the same columns.

    kinds: columns whose kind is not to be inferred. expected: the same for columns that need not be there, such as those that
    a model was fitted with (`Encoding.kinds`). format: one of `FORMATS`, if the ending does not tell it.
    encoding: of text, by default UTF-8, with or without a byte order mark, or UTF-16 with one, else Windows-1252 or CP949. delimiter: by
    default the one of comma, semicolon, tab and bar that cuts the first records into equally many fields, or any number of spaces.
    missing_marks: what else stands for a missing value in this table, such as "-", "n.a." or -999, in any column; of a number also as
    a number, so that -999 means -999.0, too.

    Types are inferred by Arrow; then text of which at least 95 % of the values are numbers is a column of numbers, and a
    value in it that is none is an error. Text of true, false, yes and no makes a boolean column; other text is a category,
    or not used if nearly every value differs. Missing are null, NaN, an empty field, ?, NA, N/A, #N/A, <NA>, null and None,
    in the usual spellings. `Table.describe` shows what was understood.

    Raises TableError, which names the file, and the line, row and column where there are any, and ArgumentError.
    """
    wanted = {**(expected or {}), **(kinds or {})}
    as_text = frozenset(name for name, kind in wanted.items() if kind in (Kind.CATEGORY, Kind.TEXT))
    source = open_source(
        data, as_text=as_text, format=format, encoding=encoding, delimiter=delimiter, missing_marks=missing_marks
    )
    return Table.of(source, kinds, expected)


def open_source(
    data: Any,
    *,
    as_text: frozenset[str] = frozenset(),
    format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    missing_marks: Marks = (),
) -> Source:
    """Opens what need not fit in memory; the arguments are those of `read_table`.

    as_text: columns that are not to be taken as numbers, dates or booleans.
    """
    if format is not None and format not in FORMATS:
        raise ArgumentError(f"format={format!r} is unknown. Known are {', '.join(FORMATS)}.")
    marks = marks_of(missing_marks)
    listed = [data] if isinstance(data, str | os.PathLike) else data
    if not isinstance(listed, list | tuple) or not all(isinstance(path, str | os.PathLike) for path in listed):
        from .columnar import ArrowObject

        part = ArrowObject(data)
        return Source(part.path, [part], marks)
    if not listed:
        raise ArgumentError("an empty list of files. Name one at least.")
    files = files_of(listed)
    formats = {file: format or _format_of(file) for file in files}
    if len(set(formats.values())) > 1:
        one, other = (next(f for f in files if formats[f] == name) for name in dict.fromkeys(formats.values()))
        raise TableError(
            f"{one} and {other} have different formats. Name the files that belong to one table with a glob, such as "
            f"{str(Path(one).parent / ('*' + Path(one).suffix))!r}."
        )
    path = os.fspath(listed[0]) if len(listed) == 1 else f"{files[0]} and {len(files) - 1} more"
    parts = [_part(file, formats[file], as_text, encoding, delimiter, marks) for file in files]
    return Source(path, parts, marks)


def files_of(paths: Sequence[str | os.PathLike[str]]) -> list[str]:
    """The files that paths, globs and folders stand for. Raises TableError if one stands for none."""
    return [file for path in paths for file in find_files(os.fspath(path), frozenset(_FORMAT_OF))]


def _part(
    path: str,
    format: str,
    as_text: frozenset[str],
    encoding: str | None,
    delimiter: str | None,
    missing_marks: tuple[str, ...],
) -> Part:
    """A file of that format. What reads the others is not loaded."""
    if format == "jsonl":
        from .json_lines import JsonLines

        return JsonLines(path, encoding)
    if format == "parquet":
        from .parquet import ParquetFile

        return ParquetFile(path)
    if format == "arrow":
        from .columnar import ArrowFile

        return ArrowFile(path)
    if format == "numpy":
        from .numpy_file import NumpyFile

        return NumpyFile(path)
    if format == "libsvm":
        from .libsvm import LibsvmFile

        return LibsvmFile(path)
    from .delimited import DelimitedFile

    return DelimitedFile(path, encoding, delimiter or ("\t" if format == "tsv" else None), as_text, missing_marks)


def _format_of(path: str) -> str:
    """By the ending; by the content if that does not tell."""
    ending = split_ending(path)[0]
    if ending in _OTHERS:
        raise TableError(f"{path} is {_OTHERS[ending]}.")
    if ending in _FORMAT_OF and ending not in _GUESSED:
        return _FORMAT_OF[ending]
    with open_stream(path) as stream:
        start = stream.read(1 << 16)
    for magic, name in ((b"PAR1", "parquet"), (b"ARROW1", "arrow"), (b"\x93NUMPY", "numpy"), (b"{", "jsonl")):
        if start.startswith(magic):
            return name
    from .libsvm import is_libsvm

    return "libsvm" if is_libsvm(start.decode("latin-1")) else "csv"

"""Every format and every compression gives the same table, in memory and in batches."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from thalweg import ArgumentError, TableError
from thalweg.tables import FORMATS, Kind, Table, open_source, read_table

ROWS = {
    "whole": [1, -2, None, 40_000_000_000],
    "number": [1.5, None, -2.25, 3e-5],
    "word": ["red", "blue", None, "이름"],
    "truth": [True, None, False, True],
}
ARROW = pa.table(ROWS)
KINDS = {"whole": Kind.NUMBER, "number": Kind.NUMBER, "word": Kind.CATEGORY, "truth": Kind.BOOLEAN}


def cell(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def delimited(mark: str) -> bytes:
    lines = [mark.join(ROWS), *(mark.join(map(cell, row)) for row in zip(*ROWS.values(), strict=True))]
    return "\n".join(lines).encode() + b"\n"


def json_lines() -> bytes:
    rows = [dict(zip(ROWS, row, strict=True)) for row in zip(*ROWS.values(), strict=True)]
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()


def parquet() -> bytes:
    stream = io.BytesIO()
    pa.parquet.write_table(ARROW, stream, row_group_size=2)
    return stream.getvalue()


def feather() -> bytes:
    stream = io.BytesIO()
    pa.feather.write_feather(ARROW, stream, compression="zstd")
    return stream.getvalue()


def arrow_stream() -> bytes:
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, ARROW.schema) as writer:
        writer.write_table(ARROW, max_chunksize=3)
    return stream.getvalue().to_pybytes()


CONTENT: dict[str, Callable[[], bytes]] = {
    ".csv": lambda: delimited(","),
    ".txt": lambda: delimited(";"),
    ".tsv": lambda: delimited("\t"),
    ".jsonl": json_lines,
    ".ndjson": json_lines,
    ".parquet": parquet,
    ".feather": feather,
    ".arrow": feather,
    ".arrows": arrow_stream,
}
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda content: pa.compress(content, "zstd", asbytes=True),
}


def check(table: Table) -> None:
    assert {column.name: column.kind for column in table.columns} == KINDS
    for name in ("whole", "number"):
        np.testing.assert_array_equal(table.column(name).values, np.array(ROWS[name], float))
    np.testing.assert_array_equal(table.column("truth").values, [1, np.nan, 0, 1])
    word = table.column("word")
    assert [word.categories[code] if code >= 0 else None for code in word.values] == ROWS["word"]


def write(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("compression", COMPRESS)
@pytest.mark.parametrize("ending", CONTENT)
def test_every_format_and_compression_gives_the_same_table(tmp_path: Path, ending: str, compression: str) -> None:
    path = write(tmp_path, f"t{ending}{compression}", COMPRESS[compression](CONTENT[ending]()))
    check(read_table(path))
    source = open_source(path)
    for _ in range(2):  # a source can be read again
        check(read_table(pa.Table.from_batches(source.batches(), source.schema)))


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet", ".feather"])
def test_a_format_is_known_by_its_content_or_given(tmp_path: Path, ending: str) -> None:
    check(read_table(write(tmp_path, "t.data", CONTENT[ending]())))
    check(read_table(write(tmp_path, "no ending", CONTENT[ending]())))
    name = next(name for name, endings in FORMATS.items() if ending in endings)
    check(read_table(write(tmp_path, "t.npy", CONTENT[ending]()), format=name))


@pytest.mark.parametrize("compression", [".gz", ".bz2", ".xz", ".zst"])
@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet", ".svm", ".npy"])
def test_a_file_that_is_cut_short_or_not_compressed(tmp_path: Path, ending: str, compression: str) -> None:
    for content in (b"hello, world", COMPRESS[compression](b"1 1:1\n" * 1000)[:-10]):
        with pytest.raises(TableError, match=rf"t\{ending}\{compression} .*cannot be decompressed as its ending"):
            read_table(write(tmp_path, f"t{ending}{compression}", content))


@pytest.mark.parametrize("ending", [".parquet", ".feather", ".arrows", ".npy", ".npz"])
@pytest.mark.parametrize("content", [b"", b"hello", b"PAR1", b"ARROW1", b"\x93NUMPY\x01\x00\x10\x00", b"PK\x03\x04"])
def test_a_binary_file_that_is_none(tmp_path: Path, ending: str, content: bytes) -> None:
    with pytest.raises(TableError, match=rf"t\{ending} cannot be read as .*Is .*whole, and is its ending right"):
        read_table(write(tmp_path, f"t{ending}", content))


@pytest.mark.parametrize(
    ("ending", "message"),
    [(".xlsx", "spreadsheet. Save it as CSV"), (".pkl", "pickle, which can run code"), (".zip", "archive. Unpack it")],
)
def test_formats_that_are_not_read(tmp_path: Path, ending: str, message: str) -> None:
    with pytest.raises(TableError, match=message):
        read_table(write(tmp_path, f"t{ending}", "x"))


def test_a_format_that_is_unknown() -> None:
    with pytest.raises(ArgumentError, match="format='exel' is unknown. Known are csv, tsv, jsonl, parquet"):
        read_table("t", format="exel")


def test_how_a_file_was_taken_is_shown(tmp_path: Path) -> None:
    path = write(tmp_path, "t.txt", delimited(";"))
    assert (
        f"{path} (CSV in UTF-8, parted by semicolons): 4 rows, 4 columns, 4 values missing"
        in read_table(path).describe()
    )
    assert "(Parquet): 4 rows" in read_table(write(tmp_path, "t.pq", parquet())).describe()


class TestObjects:
    """Frames of other libraries, and what exports Arrow as they do."""

    class Exporter:
        def __init__(self, table: Any) -> None:
            self.table = table

        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return self.table.__arrow_c_stream__(requested_schema)

    @pytest.mark.parametrize(
        "make", [pa.Table.from_batches, Exporter, pa.Table.to_reader], ids=["table", "exporter", "reader"]
    )
    def test_they_come_in_directly(self, make: Callable[[Any], Any]) -> None:
        check(read_table(make(ARROW.to_batches() if make is pa.Table.from_batches else ARROW)))

    def test_a_reader_of_batches_can_still_be_read_twice(self) -> None:
        source = open_source(ARROW.to_reader(2))
        assert [sum(len(batch) for batch in source.batches()) for _ in range(2)] == [4, 4]

    def test_a_frame_of_pandas(self) -> None:
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame({name: pandas.array(values) for name, values in ROWS.items()}, index=[5, 6, 7, 8])
        check(read_table(frame))
        with pytest.raises(TableError, match="the DataFrame cannot be read as a table.*'x'"):
            read_table(pandas.DataFrame({"a": [1, "x"]}))

    def test_the_types_that_polars_exports(self) -> None:
        words = pa.array(ROWS["word"], pa.string_view())
        indices = pa.array([0, 1, None, 2], pa.uint32())
        dictionary = pa.DictionaryArray.from_arrays(indices, pa.array(["red", "blue", "이름"], pa.string_view()))
        for column in (words, dictionary, pa.array(ROWS["word"], pa.large_string())):
            check(read_table(self.Exporter(ARROW.set_column(2, "word", column))))

    def test_what_is_no_table(self) -> None:
        for thing in ({"a": [1]}, [1, 2], np.zeros((2, 2)), None):
            with pytest.raises(ArgumentError, match=f"a {type(thing).__name__} is no table. Give a path, or a frame"):
                read_table(thing)
        with pytest.raises(TableError, match="the Table has a header but no rows"):
            read_table(ARROW.slice(0, 0))
        with pytest.raises(TableError, match="columns 1 and 2 are both called 'a'"):
            read_table(pa.Table.from_arrays([[1], [2]], ["a", "a"]))
        with pytest.raises(TableError, match="the Table, row 2, column 'a': the value is infinite"):
            read_table(pa.table({"a": [1, np.inf]}))

"""Reading tables: encodings, kinds, missing values, and errors that name the place."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from thalweg import TableError
from thalweg.tables import Kind, read_table

EXAMPLES = Path(__file__).parents[2] / "examples"


def write(folder: Path, text: str | bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("name", ["california-housing", "mpg", "titanic", "penguins"])
def test_numbers_are_those_that_the_csv_module_reads(name: str) -> None:
    path = EXAMPLES / f"{name}.csv"
    table = read_table(path)
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert table.row_count == len(rows)
    for column in table.columns:
        cells = [row[column.name] for row in rows]
        if column.kind is Kind.NUMBER:
            wanted = [float(cell) if cell else np.nan for cell in cells]
            np.testing.assert_array_equal(column.values, wanted)
        elif column.kind in (Kind.CATEGORY, Kind.TEXT):
            found = [column.categories[code] if code >= 0 else "" for code in column.values]
            assert found == cells
        assert column.missing_count == cells.count("")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path, "이름,값\n가나,1\n다라,2\n가나,3\n".encode(encoding))
    table = read_table(path)
    assert table.names() == ["이름", "값"]
    assert table.column("이름").categories == ("가나", "다라")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(tmp_path: Path, delimiter: str, end: str) -> None:
    rows = [["a", "b"], ["1", "x"], ["2.5", "y"]]
    table = read_table(write(tmp_path, end.join(delimiter.join(row) for row in rows) + end))
    np.testing.assert_array_equal(table.column("a").values, [1, 2.5])


def test_quoted_fields(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, '"a;b;c",d\n"x, y",1\n"two\nlines",2\n"say ""so""",3\n'))
    assert table.names() == ["a;b;c", "d"]
    assert set(table.column("a;b;c").categories) == {"x, y", "two\nlines", 'say "so"'}


def test_missing_values_and_booleans(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "n,m,b,c\n1,NA,true,x\n, ?,false,NA\nNaN,3,,y\n4,5,true,x\n"))
    assert [column.missing_count for column in table.columns] == [2, 2, 1, 1]
    assert [column.kind for column in table.columns] == [Kind.NUMBER, Kind.NUMBER, Kind.BOOLEAN, Kind.CATEGORY]
    assert read_table(write(tmp_path, "b\nyes\nno\n")).column("b").kind is Kind.BOOLEAN


def test_a_late_fraction_in_a_column_of_whole_numbers_is_kept(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "n\n" + "1\n" * 200_000 + "1.5\n"))
    assert table.column("n").values[-1] == 1.5


def test_text_whose_values_all_differ_is_no_category(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "t,n\n" + "".join(f"name {i},{i}\n" for i in range(100))))
    assert table.column("t").kind is Kind.TEXT
    assert "not used" in table.column("t").describe()


def test_a_kind_can_be_given(tmp_path: Path) -> None:
    path = write(tmp_path, "zip,n\n01,1\n1,2\n01,3\n")
    assert read_table(path, kinds={"zip": Kind.CATEGORY}).column("zip").categories == ("01", "1")


def test_other_libraries_tables_come_in_directly() -> None:
    table = read_table(pa.table({"a": [1, 2, None], "b": ["x", "y", "x"]}))
    assert table.column("a").missing_count == 1
    assert table.column("b").kind is Kind.CATEGORY


BROKEN = [
    ("a,b\n1,2\n3\n", r"table\.csv, line 3 \(row 2\): 1 field, but the header names 2 columns"),
    ('a,b\n"x\ny",2\n3,4,5\n', r"line 4 \(row 2\): 3 fields"),
    ("a,b,a\n1,2,3\n", "two columns are called 'a'"),
    ("a,,c\n1,2,3\n", "column 2 of 3 has no name"),
    ("", "is empty"),
    ("\n\n", "is empty"),
    ("a,b\n", "no rows"),
    (b"a\n\xff\xfe\xff\n", "neither UTF-8 nor CP949"),
    (
        "a\n" + "1\n" * 50 + "abc\n" + "2\n" * 50,
        r"line 52 \(row 51\), column 'a': 'abc' is not a number, as all but 1 .*--kind a=category",
    ),
    ("a\n1\ninf\n2\n", r"line 3 \(row 2\), column 'a': the value is infinite"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_messages_name_the_place(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(TableError, match=message):
        read_table(write(tmp_path, text))


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="does not exist"):
        read_table(tmp_path / "missing.csv")
    with pytest.raises(TableError, match="is a folder"):
        read_table(tmp_path)


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    table = read_table(EXAMPLES / "mpg.csv")
    with pytest.raises(TableError, match="no column 'wieght'. Did you mean 'weight'"):
        table.column("wieght")

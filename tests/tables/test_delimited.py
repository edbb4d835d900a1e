"""CSV: delimiters, quotes, encodings, kinds that a late value changes; and messages that name the line."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from thalweg import ArgumentError, TableError
from thalweg.tables import Kind, delimited, open_source, read_table


def write(folder: Path, text: str | bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16", "utf-16-le"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path, "이름,값\n가나,1\n다라,2\n가나,3\n".encode(encoding))
    table = read_table(path, encoding="utf-16-le" if encoding == "utf-16-le" else None)
    assert table.names() == ["이름", "값"]
    assert table.column("이름").categories == ("가나", "다라")


@pytest.mark.parametrize("header", ["temp °C,µg", "Größe,Straße", "São Paulo,£", "prénom,âge", "Ærø,Øst", "5 €,naïve"])
def test_what_windows_writes_in_western_europe(tmp_path: Path, header: str) -> None:
    path = write(tmp_path, f"{header}\n1,2\n".encode("cp1252"))
    assert read_table(path).names() == header.split(",")
    assert "in Windows-1252" in read_table(path).how


@pytest.mark.parametrize("word", ["남,녀", "가격,이름", "뷁,이름", "漢字,값"])
def test_what_windows_writes_in_korea(tmp_path: Path, word: str) -> None:
    path = write(tmp_path, f"{word}\n1,2\n가나,3\n".encode("cp949"))
    assert read_table(path).names() == word.split(",")


@pytest.mark.parametrize("encoding", ["utf-8", "cp949", "latin-1"])
def test_a_large_file_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    word = "é" if encoding == "latin-1" else "가나"
    path = write(tmp_path, "\n\na,b\n" + f"{word},1\n" * 400_000 + f"x{word},2.5\n", "t.csv")
    path.write_bytes(path.read_bytes().decode().encode(encoding))
    table = read_table(path, encoding="latin-1" if encoding == "latin-1" else None)
    assert table.row_count == 400_001
    assert table.column("a").categories == tuple(sorted([word, f"x{word}"]))
    assert table.column("b").values[-1] == 2.5
    assert table.place(400_000).endswith("line 400,004 (row 400,001)")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(tmp_path: Path, delimiter: str, end: str) -> None:
    rows = [["a", "b"], ["1", "x"], ["2.5", "y"], ["q", "z"]]
    path = write(tmp_path, end.join(delimiter.join(row) for row in rows) + end)
    np.testing.assert_array_equal(read_table(path).column("b").categories, ["x", "y", "z"])
    with pytest.raises(TableError, match=r"line 4 \(row 3\), column 'a': 'q' is neither"):
        read_table(write(tmp_path, path.read_bytes().replace(b"2.5", b"1")), kinds={"a": Kind.BOOLEAN})


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_delimiter_is_the_one_that_cuts_rows_evenly(tmp_path: Path, end: str) -> None:
    table = read_table(write(tmp_path, f"name;price, EUR;size, cm, net\na;1,5;2\nb;2,25;3{end}"))
    assert table.names() == ["name", "price, EUR", "size, cm, net"]
    assert read_table(write(tmp_path, "a:b\n1:2\n"), delimiter=":").names() == ["a", "b"]


def test_decimal_commas(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "name;price\na;1,5\nb;-2,25\nc;\n"))
    np.testing.assert_array_equal(table.column("price").values, [1.5, -2.25, np.nan])
    assert "with decimal commas" in table.describe()
    table = read_table(write(tmp_path, "name;price;n\na;1,5;1.5\nb;2,25;2\n"))
    assert [column.kind for column in table.columns] == [Kind.CATEGORY, Kind.CATEGORY, Kind.NUMBER]
    thousands = read_table(write(tmp_path, "name;people\na;1,234\nb;12,345\n")).column("people")
    assert thousands.kind is Kind.CATEGORY


def test_quoted_fields(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, '"a;b;c",d\n"x, y",1\n"two\nlines",2\n"say ""so""",3\n5" pipe,4\n'))
    assert table.names() == ["a;b;c", "d"]
    assert set(table.column("a;b;c").categories) == {"x, y", "two\nlines", 'say "so"', '5" pipe'}


def test_a_field_longer_than_a_block_of_arrow(tmp_path: Path) -> None:
    long = "x\n" * 1_500_000
    table = read_table(write(tmp_path, f'a,b\n"{long}",1\ny,2\n'))
    assert table.column("a").categories == tuple(sorted([long.strip(), "y"]))


@pytest.mark.parametrize(
    ("early", "late", "wanted"),
    [
        ("1", "1.5", pa.float64()),
        ("1", "x", pa.string()),
        ("1.5", "x", pa.string()),
        ("true", "x", pa.string()),
        ("2020-01-01", "2020-01-01 10:00:00", pa.timestamp("s")),
        ("2020-01-01", "x", pa.string()),
        ("", "1", pa.string()),
    ],
)
def test_a_late_value_changes_the_type_of_its_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, early: str, late: str, wanted: object
) -> None:
    """Arrow's own reader of batches fixes types by the first block."""
    monkeypatch.setattr(delimited, "_BLOCK", 1 << 12)
    path = write(tmp_path, "a,b\n" + f"{early},1\n" * 50_000 + f"{late},2\n")
    source = open_source(path)
    assert source.schema.field("a").type == wanted
    last = list(source.batches())[-1]
    assert str(last.column(0)[-1].as_py()).startswith(late)
    assert read_table(path, kinds={"a": Kind.CATEGORY}).column("a").categories[-1] == max(early, late)


def test_a_file_of_a_header_only(tmp_path: Path) -> None:
    for text in ("a,b", "a,b\n"):
        with pytest.raises(TableError, match="has a header but no rows. Add rows"):
            read_table(write(tmp_path, text))


UNCLOSED = r"a double quote opens a field here that is never closed"
BROKEN = [
    ("a,b\n1,2\n3\n", r"table\.csv, line 3 \(row 2\): 1 field, but the header names 2 columns. Is the row cut short"),
    (
        'a,b\n"x\ny",2\n3,4,5\n',
        r"line 4 \(row 2\): 3 fields, but .*Does a value hold ','\? Then put it in double quotes",
    ),
    ('\n\na,b\n\n"x\ny",2\n\n\n3,4,5\n', r"line 9 \(row 2\): 3 fields"),
    ('a,b\n1,2\n"x\ny",2,5\n', r"line 3 \(row 2\): 3 fields, .*The row runs on to line 4 within double quotes"),
    ('a,b\n1,2\n3,"x\n4,5\n6,7\n', rf"line 3 \(row 2\): {UNCLOSED}"),
    ('a,b\n1,2\n3,"x', rf"line 3 \(row 2\): {UNCLOSED}"),
    ('a,b\n1,2\n"x,3\n4,5\n', rf"line 3 \(row 2\): {UNCLOSED}"),
    ("a,b\n" + "1,2\n" * 300_000 + '"x,3\n' + "1,2\n" * 300_000, rf"line 300,002: {UNCLOSED}"),
    ("a,b,a\n1,2,3\n", "line 1: columns 1 and 3 are both called 'a'. Rename one"),
    ("a,,c\n1,2,3\n", r"line 2 \(row 1\): the value '2' stands in column 2 of 3, which has no name in line 1"),
    ("of 2026\na,b\n1,2\n", r"line 2 \(row 1\): 2 fields, but .* 1 column. Line 1 has to name the columns"),
    ("", "is empty. A table needs"),
    ("\n\n", "is empty"),
    (b"a\n1\n\xff\xfe\xff\n", r"line 3: the text is neither UTF-8 nor CP949.*byte 0xff.*--encoding cp1252"),
    ("é,b\n1,2\n".encode() + b"3,\xff\n", r"line 3: the text is neither UTF-8 nor CP949.*byte 0xff"),
    (
        "a\n" + "1\n" * 50 + "abc\n" + "2\n" * 50,
        r"line 52 \(row 51\), column 'a': the value 'abc' is not a number; .* 99 % .*\(1 cell is not\).*--kind a=category",
    ),
    ('a,b\n"x\ny",1\n"x\ny",inf\n', r"line 4 \(row 2\), column 'b': the value is infinite"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_messages_name_the_place(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(TableError, match=message):
        read_table(write(tmp_path, text))


def test_a_table_with_one_column_may_be_parted_otherwise(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="has no column 'y'. It has 'a:y' and no other column: .*--delimiter names it"):
        read_table(write(tmp_path, "a:y\n1:2\n")).column("y")


def test_messages_of_arguments(tmp_path: Path) -> None:
    path = write(tmp_path, "é\n1\n".encode("latin-1"))
    assert read_table(path, encoding="latin-1").names() == ["é"]
    with pytest.raises(TableError, match="the text is not UTF-8: it has the byte 0xe9 there"):
        read_table(path, encoding="utf-8")
    with pytest.raises(ArgumentError, match="encoding='lattin' is unknown to Python"):
        read_table(path, encoding="lattin")
    with pytest.raises(ArgumentError, match="delimiter='ab' is not one character"):
        read_table(path, delimiter="ab")


FIELD = st.text(st.sampled_from('ab1,;"\n\r .'), min_size=1, max_size=5)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(FIELD, FIELD), min_size=1, max_size=6), seed=st.integers(0, 99))
def test_rows_that_python_writes_are_read_as_they_were(tmp_path: Path, rows: list[tuple[str, str]], seed: int) -> None:
    end = random.Random(seed).choice(["\n", "\r\n"])
    quoted = ['"' + '","'.join(field.replace('"', '""') for field in row) + '"' for row in [("p", "q"), *rows]]
    path = write(tmp_path, end.join(quoted) + end)
    table = read_table(path, kinds={"p": Kind.CATEGORY, "q": Kind.CATEGORY}, delimiter=",")
    for place, name in enumerate(("p", "q")):
        column = table.column(name)
        found = [column.categories[code] if code >= 0 else "" for code in column.values]
        assert found == [row[place].strip() for row in rows]
    line = 1 + quoted[0].count("\n") + 1
    for row, text in enumerate(quoted[1:]):
        assert f"line {line} (row {row + 1})" in table.place(row)
        line += 1 + text.replace("\r\n", "\n").replace("\r", "\n").count("\n")


def test_a_byte_that_no_encoding_has_is_named_by_its_line_however_far_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"a,b\n" + b"1,2\n" * 400_000 + b"1,\x81\n")
    with pytest.raises(TableError, match="line 400,002: the text is neither UTF-8 nor Windows-1252"):
        open_source(str(path))


def test_codes_that_begin_with_zero_are_pointed_out(tmp_path: Path) -> None:
    rows = "".join(f"{code},{number},0.5,0\n" for code, number in (("00501", 7), ("10001", 8), ("01001", 0)))
    path = write(tmp_path, "zip code,rooms,share,zero\n" + rows)
    table = read_table(path)
    assert table.column("zip code").kind is Kind.NUMBER
    assert "the zeros that 'zip code' begins with: if they are codes, --kind 'zip code'=category" in table.how
    kept = read_table(path, kinds={"zip code": Kind.CATEGORY})
    assert kept.column("zip code").categories == ("00501", "01001", "10001")
    assert "zeros" not in kept.how
    assert "zeros" not in read_table(write(tmp_path, "a,b\n0,0.5\n10,x\n")).how


def ways(path: Path) -> list[pa.Table]:
    """All rows, read at once and in batches."""
    source = open_source(path)
    return [source.table(), pa.Table.from_batches(source.batches(), source.schema)]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_what_a_spreadsheet_leaves_behind(tmp_path: Path, mark: str, end: str) -> None:
    lines = ["a,b,c,,", "1,x,2.5,,", "2,,, ,", "3,y,1.5,,", ",,,,", ",,,, "]
    path = write(tmp_path, end.join(lines).replace(",", mark) + end)
    for found in ways(path):
        assert found.column_names == ["a", "b", "c"]
        assert found.column("a").to_pylist() == [1, 2, 3]
        assert found.column("c").to_pylist() == [2.5, None, 1.5]
    assert read_table(path).how.endswith(", without 2 blank columns, without 2 blank rows at its end")


def test_blank_rows_and_columns_of_a_large_file(tmp_path: Path) -> None:
    body = "".join(f"{k},x,\n" for k in range(600_000))
    path = write(tmp_path, "a,b,\n" + body + ",,\n" * 300_000)
    for found in ways(path):
        assert found.num_rows == 600_000
        assert found.column("a").null_count == 0
    with pytest.raises(TableError, match=r"line 600,002 \(row 600,001\): the value 'here' stands in column 3 of 3"):
        read_table(write(tmp_path, "a,b,\n" + body + "1,x,here\n" + ",,\n"))


def test_rows_are_left_out_at_the_end_alone_and_only_if_they_are_blank(tmp_path: Path) -> None:
    assert read_table(write(tmp_path, "a,b\n1,2\n,\n3,4\n\n,\n\n,\n")).row_count == 3
    assert read_table(write(tmp_path, "a,b\n1,2\nNA,\n")).row_count == 2
    assert read_table(write(tmp_path, 'a,b\n1,2\n"",\n')).row_count == 2
    assert read_table(write(tmp_path, 'a,b\n1,"x\n,,\n"\n')).row_count == 1
    with pytest.raises(TableError, match="has a header but no rows"):
        read_table(write(tmp_path, "a,b\n,\n,\n"))
    with pytest.raises(TableError, match=r"line 1 has to name the columns, and is blank"):
        read_table(write(tmp_path, ",,\na,b,c\n1,2,3\n"))


def test_an_index_without_a_name_stands_beside_blank_columns(tmp_path: Path) -> None:
    found = read_table(write(tmp_path, ",a,,b,\n0,1,,x,\n1,2,,y,\n"))
    assert found.names() == ["a", "b"]
    assert "the first column an index, without 2 blank columns" in found.how


def test_the_delimiter_that_a_file_for_spreadsheets_names(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "sep=|\r\na;b|c\r\n1|2\r\n3|x\r\n"))
    assert table.names() == ["a;b", "c"]
    assert table.place(1).endswith("line 4 (row 2)")


@pytest.mark.parametrize(
    ("head", "names", "line"),
    [
        ("# by me, in May\n#\na,b\n", ["a", "b"], 4),
        ("# by me\n\na,b\n", ["a", "b"], 4),
        ("# a,b\n", ["a", "b"], 2),
        ("#a,b\n", ["a", "b"], 2),
        ("# run 7\n# a,b\n", ["a", "b"], 3),
        ("#,b\n", ["#", "b"], 2),
        ("# of 7, in May\na,b\n", ["a", "b"], 3),
    ],
)
def test_comments_stand_above_the_names_or_name_them(tmp_path: Path, head: str, names: list[str], line: int) -> None:
    for body in ("1,2\n3,4\n5,6\n", "1,2\n" * 300_000):
        table = read_table(write(tmp_path, head + body))
        assert table.names() == names
        assert table.column("b").values[0] == 2
        assert f"line {line:,} (row 1)" in table.place(0)


def test_words_alone_below_a_number_sign_are_rows(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "#id,name\nx,y\nu,v\n"))
    assert (table.names(), table.row_count) == (["id", "name"], 2)


@pytest.mark.parametrize("count", [3, 200_000])
def test_columns_parted_by_spaces(tmp_path: Path, count: int) -> None:
    body = "".join(f"  {k:7d}   {k / 4:.2f} w{k % 3} \r\n" for k in range(count))
    table = read_table(write(tmp_path, " depth  speed   kind\r\n" + body))
    assert table.names() == ["depth", "speed", "kind"]
    np.testing.assert_array_equal(table.column("speed").values, np.arange(count) / 4)
    assert table.column("kind").categories == ("w0", "w1", "w2")
    assert "parted by spaces" in table.how
    batches = list(open_source(tmp_path / "table.csv").batches(["speed"]))
    assert sum(map(len, batches)) == count
    with pytest.raises(
        TableError, match=rf"line {count + 2:,} \(row {count + 1:,}\): 2 fields, but the header names 3"
    ):
        read_table(write(tmp_path, " depth  speed   kind\r\n" + body + "1 2\r\n"))


def test_what_numpy_writes(tmp_path: Path) -> None:
    values = np.random.default_rng(0).standard_normal((5, 3))
    np.savetxt(tmp_path / "t.txt", values, header="run 7\na b c")
    table = read_table(tmp_path / "t.txt")
    assert table.names() == ["a", "b", "c"]
    np.testing.assert_allclose(table.column("c").values, values[:, 2], rtol=1e-15)


def test_a_column_of_two_words_is_one_column(tmp_path: Path) -> None:
    assert read_table(write(tmp_path, "full name\nJohn Smith\nAnn Lee\n")).names() == ["full name"]
    assert read_table(write(tmp_path, '"a b" c\n"x y" 1\n"z" 2\n'), delimiter=" ").names() == ["a b", "c"]


def test_rows_that_end_in_a_delimiter(tmp_path: Path) -> None:
    assert read_table(write(tmp_path, "a,b\n1,2,\n3,4,\n")).names() == ["a", "b"]
    assert read_table(write(tmp_path, "a,b,\n1,2\n3,4\n")).names() == ["a", "b"]
    with pytest.raises(TableError, match=r"line 3 \(row 2\): 3 fields"):
        read_table(write(tmp_path, "a,b\n1,2\n3,4,\n"))


def test_what_r_writes(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, '"a" "b"\n"1" 1.5 "u v"\n"2" 2.5 "w"\n'), delimiter=" ")
    assert table.column("a").values.tolist() == [1.5, 2.5]
    assert "the first column an index" in table.how


def test_a_row_of_units_is_asked_about(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"line 2 .*'\[m\]' is not a number.*Is this a row of units"):
        read_table(write(tmp_path, "a,b\n[m],[s]\n" + "1,2\n" * 50))

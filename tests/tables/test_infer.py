"""Kinds of columns: inferred, shown, and given."""

from __future__ import annotations

import csv
import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from thalweg import TableError
from thalweg.tables import MISSING, Kind, Table, read_table
from thalweg.tables.infer import FALSE, TRUE

EXAMPLES = Path(__file__).parents[2] / "examples"


def table(folder: Path, text: str, **kinds: Kind) -> Table:
    path = folder / "table.csv"
    path.write_text(text)
    return read_table(path, kinds=kinds)


@pytest.mark.parametrize("name", ["california-housing", "mpg", "titanic", "penguins"])
def test_values_are_those_that_the_csv_module_reads(name: str) -> None:
    path = EXAMPLES / f"{name}.csv"
    found = read_table(path)
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert found.row_count == len(rows)
    for column in found.columns:
        cells = [row[column.name] for row in rows]
        if column.kind is Kind.NUMBER:
            np.testing.assert_array_equal(column.values, [float(cell) if cell else np.nan for cell in cells])
        elif column.kind in (Kind.CATEGORY, Kind.TEXT):
            assert [column.categories[code] if code >= 0 else "" for code in column.values] == cells
        assert column.missing_count == cells.count("")


@pytest.mark.parametrize("word", MISSING)
def test_what_stands_for_a_missing_value(tmp_path: Path, word: str) -> None:
    found = table(tmp_path, f"n,c,b,t\n1,x,true,2020-01-01\n{word}, {word} ,{word},{word}\n3,y,no,2020-01-02\n")
    assert [column.kind for column in found.columns] == [Kind.NUMBER, Kind.CATEGORY, Kind.BOOLEAN, Kind.DATE]
    assert [column.missing_count for column in found.columns] == [1, 1, 1, 1]


def test_words_for_true_and_false(tmp_path: Path) -> None:
    column = table(tmp_path, "b\n" + "\n".join(TRUE + FALSE)).column("b")
    assert column.kind is Kind.BOOLEAN
    np.testing.assert_array_equal(column.values, [1] * len(TRUE) + [0] * len(FALSE))


def test_text_whose_values_nearly_all_differ_is_no_category(tmp_path: Path) -> None:
    column = table(tmp_path, "t,n\n" + "".join(f"name {i},{i}\n" for i in range(100))).column("t")
    assert column.kind is Kind.TEXT
    assert column.describe() == "text; 100 different"


def test_types_of_arrow() -> None:
    day = datetime.date(2020, 1, 2)
    found = read_table(
        pa.table(
            {
                "dictionary of words": pa.array(["u", "v"]).dictionary_encode(),
                "dictionary of numbers": pa.array([3, 1]).dictionary_encode(),
                "decimal": pa.array([1.5, 2]).cast(pa.decimal128(5, 2)),
                "date": [day, day + datetime.timedelta(days=30)],
                "time": pa.array([datetime.datetime(2020, 1, 2, 12), None]),
                "duration": [datetime.timedelta(hours=12), datetime.timedelta(days=2)],
                "list": [[1], None],
                "null": pa.nulls(2),
                "words as numbers": ["1.5", " 2 "],
            }
        )
    )
    assert found.describe().splitlines()[1:] == [
        "  dictionary of words    category; 2 different: u, v",
        "  dictionary of numbers  category; 2 different: 1, 3",
        "  decimal                number; 1.5 to 2",
        "  date                   date; 2020-01-02 to 2020-02-01",
        "  time                   date; 2020-01-02T12:00:00 in every row that has a value; 1 missing",
        "  duration               number; 0.5 to 2",
        "  list                   other: list<item: int64>; 1 missing",
        "  null                   number; missing in every row",
        "  words as numbers       number; 1.5 to 2",
    ]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_a_dictionary_is_the_text_that_it_stands_for(kind: pa.DataType) -> None:
    """Whatever else it holds: words that no row has, missing ones, the same word twice when trimmed; in several chunks."""
    pieces = [
        pa.DictionaryArray.from_arrays(pa.array([2, 0, 2, None], pa.int8()), pa.array(["u", "nobody's", " v "], kind)),
        pa.DictionaryArray.from_arrays(pa.array([1, 0, 2, 2], pa.int8()), pa.array(["v", "NA", "w"], kind)),
    ]
    words = ["v", "u", "v", None, None, "v", "w", "w"]
    for wanted in (Kind.TEXT, Kind.CATEGORY, None):
        expected = read_table(pa.table({"a": words}), kinds={"a": wanted} if wanted else {}).column("a")
        with_missing = pa.DictionaryArray.from_arrays(pa.array([3, 2, 3, 0, 1, 3, 4, 4]), [None, "NA", "u", "v", "w"])
        for data in (pa.chunked_array(pieces), with_missing):
            found = read_table(pa.table({"a": data}), kinds={"a": wanted} if wanted else {}).column("a")
            assert (found.kind, found.categories) == (expected.kind, expected.categories)
            np.testing.assert_array_equal(found.values, expected.values)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_are_days_whatever_their_unit(unit: str) -> None:
    seconds = np.array([-86_400 * 3 // 2, 0, 1_700_000_000])
    counts = pa.array([*(seconds * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]).tolist(), None])
    columns = {"timestamp": counts.cast(pa.timestamp(unit, "UTC")), "duration": counts.cast(pa.duration(unit))}
    found = read_table(pa.table(columns))
    for name in columns:
        np.testing.assert_array_equal(found.column(name).values, [*(seconds / 86_400), np.nan])


def test_dates_and_times_of_day() -> None:
    day, noon = datetime.date(1969, 12, 30), datetime.time(12)
    kinds = {"a": pa.date32(), "b": pa.date64()}
    times = {"c": pa.time32("s"), "d": pa.time32("ms"), "e": pa.time64("us"), "f": pa.time64("ns")}
    columns = {name: pa.array([day, None], kind) for name, kind in kinds.items()}
    found = read_table(pa.table(columns | {name: pa.array([noon, None], kind) for name, kind in times.items()}))
    for column in found.columns:
        assert column.kind is (Kind.DATE if column.name in kinds else Kind.NUMBER)
        np.testing.assert_array_equal(column.values, [-2 if column.name in kinds else 0.5, np.nan])


DATA = "n,z,b,w,d\n1,01,true,x,2020-01-01\n0,1,false,y,2020-01-02\n1,01,yes,,\n"


@pytest.mark.parametrize(
    ("column", "kind", "values"),
    [
        ("n", Kind.NUMBER, [1, 0, 1]),
        ("n", Kind.BOOLEAN, [1, 0, 1]),
        ("n", Kind.CATEGORY, ["1", "0", "1"]),
        ("z", Kind.CATEGORY, ["01", "1", "01"]),
        ("z", Kind.TEXT, ["01", "1", "01"]),
        ("b", Kind.NUMBER, [1, 0, 1]),
        ("b", Kind.BOOLEAN, [1, 0, 1]),
        ("b", Kind.CATEGORY, ["true", "false", "yes"]),
        ("w", Kind.CATEGORY, ["x", "y", None]),
        ("w", Kind.TEXT, ["x", "y", None]),
        ("d", Kind.DATE, [18262, 18263, np.nan]),
        ("d", Kind.NUMBER, [18262, 18263, np.nan]),
        ("d", Kind.CATEGORY, ["2020-01-01", "2020-01-02", None]),
    ],
)
def test_a_kind_that_is_given_is_taken(tmp_path: Path, column: str, kind: Kind, values: list[object]) -> None:
    found = table(tmp_path, DATA, **{column: kind}).column(column)
    assert found.kind is kind
    if kind in (Kind.CATEGORY, Kind.TEXT):
        assert [found.categories[code] if code >= 0 else None for code in found.values] == values
    else:
        np.testing.assert_array_equal(found.values, values)


def test_words_that_are_not_text_for_arrow_can_be_taken_as_a_kind(tmp_path: Path) -> None:
    words = read_table(
        pa.table({"b": ["yes", "0", None], "d": ["2020-01-01", "2020-01-01 12:00", None]}),
        kinds={"b": Kind.BOOLEAN, "d": Kind.DATE},
    )
    np.testing.assert_array_equal(words.column("b").values, [1, 0, np.nan])
    np.testing.assert_array_equal(words.column("d").values, [18262, 18262.5, np.nan])
    np.testing.assert_array_equal(
        read_table(pa.table({"b": ["yes", "no"]}), kinds={"b": Kind.NUMBER}).column("b").values, [1, 0]
    )


def test_kinds_that_need_not_be_there(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("zip\n01\n")
    assert read_table(path, expected={"zip": Kind.CATEGORY, "other": Kind.NUMBER}).column("zip").categories == ("01",)


@pytest.mark.parametrize(
    ("column", "kind", "message"),
    [
        (
            "w",
            Kind.NUMBER,
            r"line 2 \(row 1\), column 'w': the value 'x' is not a number; a number was expected, as was asked",
        ),
        (
            "w",
            Kind.BOOLEAN,
            r"line 2 \(row 1\), column 'w': 'x' is neither true nor false.*--kind w=category \(in Python",
        ),
        ("w", Kind.DATE, r"line 2 \(row 1\), column 'w': 'x' is not a date. Write dates as 2026-11-21"),
        ("d", Kind.BOOLEAN, r"line 2 \(row 1\), column 'd': '2020-01-01' is neither true nor false"),
        ("b", Kind.DATE, r"line 2 \(row 1\), column 'b': 'true' is not a date"),
        ("q", Kind.TEXT, r"table.csv has no column 'q'. It has n, z, b, w, d."),
    ],
)
def test_a_kind_that_does_not_fit(tmp_path: Path, column: str, kind: Kind, message: str) -> None:
    with pytest.raises(TableError, match=message):
        table(tmp_path, DATA, **{column: kind})


def test_values_that_are_no_numbers() -> None:
    with pytest.raises(TableError, match="row 3, column 'n': '2' is neither true nor false"):
        read_table(pa.table({"n": [0, 1, 2]}), kinds={"n": Kind.BOOLEAN})
    with pytest.raises(
        TableError, match="the column 'l' holds list<item: int64> values, which cannot be taken as number"
    ):
        read_table(pa.table({"l": [[1]]}), kinds={"l": Kind.NUMBER})
    with pytest.raises(TableError, match="row 2, column 'n': the value is infinite, or larger than a float64 can hold"):
        read_table(pa.table({"n": ["1", "1e999"]}))


def test_a_column_that_is_not_there() -> None:
    with pytest.raises(TableError, match="no column 'wieght'. Did you mean 'weight'"):
        read_table(EXAMPLES / "mpg.csv").column("wieght")

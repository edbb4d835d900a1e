"""JSON lines: types that differ between lines, and messages that name the line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from thalweg import TableError
from thalweg.tables import Kind, open_source, read_table


def write(folder: Path, text: str) -> Path:
    path = folder / "t.jsonl"
    path.write_text(text)
    return path


def test_numbers_and_words_in_one_column_are_taken_as_in_csv(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, '{"a": 1, "b": 1}\n{"a": "NA", "b": "x"}\n\n{"a": 2.5, "b": true}\n'))
    np.testing.assert_array_equal(table.column("a").values, [1, np.nan, 2.5])
    assert table.column("b").categories == ("1", "true", "x")


def test_large_numbers_and_nested_values(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, '{"a": 99999999999999999999, "b": [1], "c": {"d": 1}}\n{"a": 1, "b": "x"}\n'))
    np.testing.assert_array_equal(table.column("a").values, [1e20, 1])
    assert table.column("c").kind is Kind.OTHER
    assert table.column("b").categories == ("[1]", "x")


def test_a_column_of_several_types_changes_no_other(tmp_path: Path) -> None:
    rows = '{"d": "2020-01-01", "n": NaN, "b": true}\n{"d": "2020-01-02", "n": 1, "b": false, "l": [1]}\n{"l": ["x"]}\n'
    table = read_table(write(tmp_path, rows + '{"m": 1}\n{"m": "x"}\n'))
    kinds = [Kind.DATE, Kind.NUMBER, Kind.BOOLEAN, Kind.CATEGORY, Kind.CATEGORY]
    assert [column.kind for column in table.columns] == kinds
    assert table.column("l").categories == ("[1]", '["x"]') or table.column("l").categories == ('["x"]', "[1]")


def test_types_that_change_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"a": n, "b": n} for n in range(300_000)] + [{"a": 0.5, "b": "x", "c": 1}]
    path = write(tmp_path, "\n".join(map(json.dumps, rows)))
    table = read_table(path, kinds={"b": Kind.TEXT})
    assert table.column("a").values[-1] == 0.5
    assert table.column("b").categories[-1] == "x"
    assert table.column("c").missing_count == 300_000
    assert sum(len(batch) for batch in open_source(path).batches()) == 300_001


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"a": 1}\n\n{"a": 2\n',
            r"t\.jsonl, line 3: this is not JSON: Expecting ',' delimiter at column 8. Each line holds",
        ),
        ('{"a": 1}\n[1]\n', r"line 2: a JSON object is expected, as in the other lines, and not '\[1\]'"),
        ('[{"a": 1}]', r"is one JSON array, and JSON lines are expected.*jq -c"),
        ('{"a": 1}\n\n{"a": 1e999}\n', r"line 3( \(row 2\))?, column 'a': the value is infinite"),
        ('{"a": 1}\n{"a": Infinity}\n', r"line 2 \(row 2\), column 'a': the value is infinite"),
        (
            '{"a": 1, "b": 1}\n{"a": Infinity, "b": "x"}\n',
            r"line 2, column 'a': the value is infinite.*null if the value is missing",
        ),
        ("", "is empty"),
        ("{}\n{}\n", "the table has no columns"),
        ("[" * 5000 + "\n", "is one JSON array"),
        ('{"a": ' + "[" * 100_000 + "\n", "line 1: this is not JSON"),
    ],
)
def test_messages(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(TableError, match=message):
        read_table(write(tmp_path, text))

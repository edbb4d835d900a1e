"""Several files: globs, folders, lists; what they must agree on; and where a row stands."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from thalweg import ArgumentError, TableError
from thalweg.tables import Kind, open_source, read_table


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path = tmp_path / "data"
    tmp_path.mkdir()
    for number in range(3):
        text = f"a,b\n{number},x\n{number}.5,y\n" if number else "b,a\nx,0\ny,7\n"
        (tmp_path / f"part-{number}.csv").write_text(text)
    (tmp_path / "_SUCCESS").write_text("")
    (tmp_path / ".hidden.csv").write_text("c\n1\n")
    (tmp_path / "README.md").write_text("about")
    return tmp_path


def test_folders_globs_and_lists_are_one_table(folder: Path) -> None:
    files = sorted(folder.glob("part-*.csv"))
    for data in (folder, str(folder / "*.csv"), str(folder.parent / "**" / "part-*.csv"), files):
        table = read_table(data)
        np.testing.assert_array_equal(table.column("a").values, [0, 7, 1, 1.5, 2, 2.5])
        assert "(3 files, CSV in UTF-8, parted by commas): 6 rows" in table.describe()
    assert sum(len(batch) for batch in open_source(folder).batches()) == 6


def test_a_name_with_a_mark_of_globs_is_a_file_if_it_exists(tmp_path: Path) -> None:
    (tmp_path / "a[1].csv").write_text("a\n1\n")
    assert read_table(tmp_path / "a[1].csv").row_count == 1


def test_a_column_of_numbers_in_one_file_and_text_in_another_is_read_as_text(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("code,n\n01,1\n02,2\n")
    (tmp_path / "2.csv").write_text("code,n\nx,1.5\n03,2\n")
    assert read_table(tmp_path).column("code").categories == ("01", "02", "03", "x")
    batches = pa.Table.from_batches(open_source(tmp_path).batches())
    assert batches.column("code").to_pylist() == ["01", "02", "x", "03"]


def test_types_that_differ_between_files_become_one_that_holds_both(tmp_path: Path) -> None:
    for name, values in {"1": [1, 2], "2": [1.5, None], "3": [None, None]}.items():
        pa.parquet.write_table(pa.table({"a": values, "b": ["u", "v"]}), tmp_path / f"{name}.parquet")
    np.testing.assert_array_equal(read_table(tmp_path).column("a").values, [1, 2, 1.5, np.nan, np.nan, np.nan])


def test_text_in_files_that_differ_elsewhere_is_read_again_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("word,day\nred,2024-01-01\nblue,2024-01-02\n")
    (tmp_path / "2.csv").write_text("word,day\nred,2024-01-01 12:00:00\ngreen,2024-01-02 12:00:00\n")
    found = read_table(tmp_path)
    assert [found.column("word").categories[code] for code in found.column("word").values] == [
        "red",
        "blue",
        "red",
        "green",
    ]
    np.testing.assert_array_equal(found.column("day").values % 1, [0, 0, 0.5, 0.5])
    assert found.place(3) == f"{tmp_path / '2.csv'}, line 3 (row 2)"


def test_what_a_json_object_does_not_name_is_missing(tmp_path: Path) -> None:
    (tmp_path / "1.jsonl").write_text('{"a": 1}\n{"b": "x"}\n')
    (tmp_path / "2.jsonl").write_text('{"c": true}\n')
    table = read_table(tmp_path)
    assert [(column.name, column.missing_count) for column in table.columns] == [("a", 2), ("b", 2), ("c", 2)]


def test_what_a_libsvm_file_does_not_name_is_zero(tmp_path: Path) -> None:
    (tmp_path / "1.svm").write_text("1 1:2\n")
    (tmp_path / "2.svm").write_text("-1 3:4\n")
    table = read_table(tmp_path)
    assert table.names() == ["y", "x1", "x2", "x3"]
    np.testing.assert_array_equal([column.values for column in table.columns], [[1, -1], [2, 0], [0, 0], [0, 4]])
    np.testing.assert_array_equal(table.column("x9").values, [0, 0])


def test_a_row_is_named_by_its_own_file(folder: Path) -> None:
    (folder / "part-3.csv").write_text("a,b\n1,x\ninf,y\n")
    with pytest.raises(TableError, match=r"part-3\.csv, line 3 \(row 2\), column 'a': the value is infinite"):
        read_table(folder)
    (folder / "part-3.csv").unlink()
    with pytest.raises(TableError, match=r"part-0\.csv, line 3 \(row 2\), column 'a': '7' is neither true nor false"):
        read_table(folder, kinds={"a": Kind.BOOLEAN})


def test_messages(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    empty = tmp_path_factory.mktemp("empty")
    with pytest.raises(TableError, match="holds no table. A table's file ends in one of .arrow, "):
        read_table(empty)
    (empty / "year=2020").mkdir()
    with pytest.raises(
        TableError, match="holds no table. It holds folders, such as year=2020, which are read if a glob"
    ):
        read_table(empty)
    with pytest.raises(TableError, match=r"no file matches '.*\*\.tsv', seen from "):
        read_table(folder / "*.tsv")
    with pytest.raises(TableError, match="does not exist. Is the path right, seen from"):
        read_table(folder / "none.csv")
    os.mkfifo(folder / "pipe")
    with pytest.raises(TableError, match="pipe is a pipe or a device, and a table is read from a file. Save it to one"):
        read_table(folder / "pipe")
    with pytest.raises(ArgumentError, match="an empty list of files"):
        read_table([])
    (folder / "x.csv").write_text("a,c\n1,2\n")
    with pytest.raises(
        TableError, match=r"part-0\.csv has columns that .*x\.csv has not: 'b'. The files of one table need"
    ):
        read_table(folder)
    (folder / "x.csv").write_text("a,b,c\n1,2,3\n")
    with pytest.raises(TableError, match=r"x\.csv has columns that .*part-0\.csv has not: 'c'"):
        read_table(folder)
    (folder / "x.jsonl").write_text("{}")
    with pytest.raises(TableError, match=r"part-0\.csv and .*x\.jsonl have different formats.*'.*\*\.csv'"):
        read_table(folder)
    pa.parquet.write_table(pa.table({"a": [1]}), folder / "1.parquet")
    pa.parquet.write_table(pa.table({"a": [[1]]}), folder / "2.parquet")
    with pytest.raises(
        TableError, match=r"2\.parquet: the column 'a' holds list.* values, which cannot be taken as string"
    ):
        read_table(folder / "*.parquet")


def test_batches_need_not_fit_in_memory_together(tmp_path: Path) -> None:
    pa.parquet.write_table(pa.table({"a": np.arange(300_000)}), tmp_path / "t.parquet")
    np.save(tmp_path / "t.npy", np.arange(300_000))
    for name in ("t.parquet", "t.npy"):
        sizes = [len(batch) for batch in open_source(tmp_path / name).batches()]
        assert sum(sizes) == 300_000
        assert max(sizes) < 100_000


def test_what_is_read_ahead_is_the_same_table_and_the_same_error(folder: Path, tmp_path: Path) -> None:
    at_once, ahead = (open_source(str(folder)) for _ in range(2))
    processors = pa.cpu_count()
    ahead.read_ahead()
    assert ahead.table().equals(at_once.table())
    assert ahead.table().equals(at_once.table())  # read anew
    assert pa.cpu_count() == processors
    ragged = tmp_path / "ragged.csv"
    ragged.write_text("a,b\n1,2\n3\n")
    source = open_source(str(ragged))
    source.read_ahead()
    with pytest.raises(TableError, match="line 3"):
        source.table()


def test_a_parquet_file_that_is_written_anew_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    for values in ([1, 2, 3], [4, 5, 6, 7]):
        pa.parquet.write_table(pa.table({"a": values}), path)
        assert pa.Table.from_batches(open_source(path).batches())["a"].to_pylist() == values

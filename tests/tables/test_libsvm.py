"""LIBSVM's files: as scikit-learn reads them, and messages that name the line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from thalweg import TableError
from thalweg.tables import libsvm, open_source, read_table


def write(folder: Path, text: str, name: str = "t.svm") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("zero_based", [False, True])
def test_as_scikit_learn_reads_them(tmp_path: Path, zero_based: bool) -> None:
    from sklearn.datasets import dump_svmlight_file, load_svmlight_file

    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((500, 12)) * (rng.random((500, 12)) < 0.3), rng.integers(0, 2, 500) * 2 - 1
    X[7] = 0
    dump_svmlight_file(X, y, str(tmp_path / "t.svm"), zero_based=zero_based, comment="made by\nsomebody")
    theirs, labels = load_svmlight_file(str(tmp_path / "t.svm"), zero_based=zero_based, n_features=12)
    table = read_table(tmp_path / "t.svm")
    assert table.names() == ["y", *(f"x{number}" for number in range(0 if zero_based else 1, 12 if zero_based else 13))]
    np.testing.assert_array_equal(np.stack([column.values for column in table.columns[1:]], 1), theirs.toarray())
    np.testing.assert_array_equal(table.column("y").values, labels)


def test_comments_groups_and_empty_lines(tmp_path: Path) -> None:
    text = "# a comment\n1 qid:3 1:0.5 3:2 # here as well\n\n  -1\t2:1e-3  \r\n+1.5\n"
    for name in ("t.svm", "t.txt", "t"):
        table = read_table(write(tmp_path, text, name))
        found = np.stack([column.values for column in table.columns], 1)
        np.testing.assert_array_equal(found, [[1, 0.5, 0, 2], [-1, 0, 1e-3, 0], [1.5, 0, 0, 0]])
        assert table.place(1).endswith("line 4 (row 2)")


def test_batches_are_bounded(tmp_path: Path) -> None:
    path = write(tmp_path, "1 1:1 50000:1\n" * 200)
    assert [len(batch) for batch in open_source(path).batches()] == [83, 83, 34]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 1:1\n\nx 2:1\n", r"t\.svm, line 3: a number is expected first, the label, and not 'x'"),
        ("1,2 1:1\n", "line 1: a number is expected first, the label, and not '1,2'"),
        ("1 1:1\n1 2;1\n", "line 2: index:value is expected, such as 3:0.5, and not '2;1'"),
        ("1 1:1\n1 2:\n", "line 2: index:value is expected, such as 3:0.5, and not '2:'"),
        ("1 -1:1\n", "line 1: index:value is expected"),
        ("1 99999999999999999999:1\n", "line 1: index:value is expected"),
        ("1 1:1\n1 3:1 2:1 3:4\n", "line 2: the index 3 occurs twice"),
        (
            "1 99999999:1\n",
            "has a feature of index 99,999,999, and thalweg, which has no sparse tables yet, takes up to 200,000",
        ),
        ("1 2:inf\n", "line 1: index:value is expected"),
        ("1 2:1e999\n", r"line 1 \(row 1\), column 'x2': the value is infinite"),
        ("# nothing\n", "has a header but no rows"),
        ("", "is empty"),
    ],
)
def test_messages(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(TableError, match=message):
        read_table(write(tmp_path, text))


def test_a_table_that_would_be_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libsvm, "_LARGEST", 1000)
    with pytest.raises(TableError, match=r"would take 0.0 GiB as a table of 100 features, most of them 0"):
        read_table(write(tmp_path, "1 100:1\n" * 2))

"""Missing values and unseen categories: reported, filled, left out, or refused, as asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from thalweg import ArgumentError, TableError
from thalweg.fitting import Settings, prepare
from thalweg.tables import Differences, Encoding, Table, read_table

TEXT = "n,c,gone,y\n" + "".join(f"{n if n % 5 else ''},{'xy'[n % 2] if n % 7 else ''},,{n}\n" for n in range(1, 41))
INCOMPLETE = [n - 1 for n in range(1, 41) if n % 5 == 0 or n % 7 == 0]


def table(folder: Path, text: str = TEXT) -> Table:
    path = folder / "t.csv"
    path.write_text(text)
    return read_table(path)


def test_missing_values_are_reported(tmp_path: Path) -> None:
    assert "40 rows, 4 columns, 53 values missing" in table(tmp_path).describe()


def test_they_are_filled_by_default(tmp_path: Path) -> None:
    prepared = prepare(table(tmp_path), "y")
    assert prepared.incomplete == 0
    assert prepared.encoding.names == ["n", "n is missing", "c = x", "c = y", "c is missing"]
    assert np.isfinite(prepared.fitted.X).all()


def test_their_rows_are_left_out(tmp_path: Path) -> None:
    prepared = prepare(table(tmp_path), "y", Settings(missing="drop"))
    assert prepared.incomplete == len(INCOMPLETE)
    np.testing.assert_array_equal(prepared.target.rows, np.setdiff1d(np.arange(40), INCOMPLETE))
    assert prepared.encoding.names == ["n", "c = x", "c = y"]


def test_they_are_refused(tmp_path: Path) -> None:
    message = r"t\.csv, line 6 \(row 5\), column 'n': the value is missing, .* Missing are: n \(8\), c \(5\). .*--missing impute"
    with pytest.raises(TableError, match=message):
        prepare(table(tmp_path), "y", Settings(missing="refuse"))
    whole = "n,y\n" + "".join(f"{n},{n}\n" for n in range(9))
    assert prepare(table(tmp_path, whole), "y", Settings(missing="refuse")).incomplete == 0


def test_messages(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="missing='mean' is unknown. Give one of 'impute', 'drop', 'refuse'"):
        prepare(table(tmp_path), "y", Settings(missing="mean"))  # type: ignore[arg-type]
    with pytest.raises(
        TableError, match="in every row a value is missing, most often of 'b', so dropping leaves nothing.*--ignore b"
    ):
        prepare(table(tmp_path, "a,b,y\n1,,1\n,,2\n3,,3\n,2,4\n,,5\n"), "y", Settings(missing="drop"))


def test_new_rows_are_filled_or_refused(tmp_path: Path) -> None:
    encoding = Encoding.learn(table(tmp_path, "n,c,y\n1,x,1\n2,y,2\n3,x,3\n"), np.arange(3), ("y",))
    new = table(tmp_path, "n,c,more,y\n1,x,1,1\n,new,2,1\n2,,3,1\n4,newer,4,1\n")
    X, unseen = encoding.transform(new)
    assert unseen == {"c": 2}
    assert X[1, 0] == (2 - 2) / encoding.features[0].scale
    np.testing.assert_array_equal(X[1, 1:], X[2, 1:])
    differences = Differences(encoding)
    differences.add(new)
    assert differences.notes(new, known=["y"]) == [
        "n is missing in 1 row, and never was at training: the training median, 2, stands for it",
        "c is missing in 1 row, and never was at training: no category stands for it",
        "2 rows of c hold what training never saw (new, newer): taken as none of the known",
        "not used, since the model was fitted without: more",
    ]
    with pytest.raises(TableError, match=r"t\.csv, line 3 \(row 2\), column 'n': the value is missing"):
        encoding.transform(new, missing="refuse")
    with pytest.raises(
        TableError, match=r"line 3 \(row 2\), column 'c': training never saw 'new', .*\(2 rows\).*--unseen none"
    ):
        encoding.transform(new, unseen="refuse")
    with pytest.raises(TableError, match=r"line 5 \(row 4\), column 'c': training never saw 'newer'"):
        encoding.transform(new, np.array([0, 3]), unseen="refuse")
    encoding.transform(new, [0], missing="refuse", unseen="refuse")
    with pytest.raises(ArgumentError, match="unseen='ignore' is unknown"):
        encoding.transform(new, unseen="ignore")  # type: ignore[arg-type]

"""NumPy's files: names of columns, types, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from thalweg import TableError
from thalweg.tables import Kind, read_table


def test_names_of_columns(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(6.0).reshape(3, 2))
    assert read_table(tmp_path / "a.npy").names() == ["x_0", "x_1"]
    np.save(tmp_path / "a.npy", np.arange(3))
    assert read_table(tmp_path / "a.npy").names() == ["x"]
    np.save(tmp_path / "a.npy", np.array([(1, "u"), (2, "v")], [("n", ">i4"), ("w", "U3")]))
    assert read_table(tmp_path / "a.npy").names() == ["n", "w"]
    np.savez_compressed(tmp_path / "a.npz", X=np.zeros((3, 2)), y=np.arange(3))
    assert read_table(tmp_path / "a.npz").names() == ["X_0", "X_1", "y"]


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f8", "i1", "u8", ">i4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_numbers_of_any_type_and_order(tmp_path: Path, dtype: str, order: str) -> None:
    array = np.array(np.random.default_rng(0).integers(0, 100, (70_000, 3)), dtype, order=order)  # type: ignore[call-overload]
    np.save(tmp_path / "a.npy", array)
    table = read_table(tmp_path / "a.npy")
    np.testing.assert_array_equal(np.stack([column.values for column in table.columns], 1), array.astype(float))


def test_other_types(tmp_path: Path) -> None:
    days = np.array(["2020-01-01", "NaT", "2020-01-03"], "datetime64[D]")
    np.savez(
        tmp_path / "a.npz", w=np.array(["u", "v", "u"]), b=np.array([True, False, True]), d=days, f=[1.5, np.nan, 2]
    )
    table = read_table(tmp_path / "a.npz")
    assert [column.kind for column in table.columns] == [Kind.CATEGORY, Kind.BOOLEAN, Kind.DATE, Kind.NUMBER]
    assert [column.missing_count for column in table.columns] == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([{}, 1], object), "holds Python objects, which would have to be unpickled, and that can run code"),
        (np.zeros((2, 2, 2)), r"the array x has 3 axes, shape \(2, 2, 2\).*reshape it"),
        (np.float64(1), r"the array x has 0 axes"),
        (np.zeros(2, complex), "the column 'x' holds complex128 values; numbers, booleans, text and dates can be used"),
        (np.zeros((0, 2)), "has a header but no rows"),
    ],
)
@pytest.mark.parametrize("ending", ["npy", "npz"])
def test_arrays_that_are_no_table(tmp_path: Path, array: np.ndarray, message: str, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    np.save(path, array) if ending == "npy" else np.savez(path, x=array)
    with pytest.raises(TableError, match=message):
        read_table(path)


def test_arrays_of_different_lengths(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=np.zeros((3, 2)), y=np.zeros(2))
    with pytest.raises(TableError, match=r"different numbers of rows: X \(3, 2\), y \(2,\)"):
        read_table(tmp_path / "a.npz")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for ending in ("npy", "npz", "npy.gz"):
        with pytest.raises(TableError, match="does not exist. Is the path right"):
            read_table(tmp_path / f"a.{ending}")

"""A table's files are noticed to have changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from thalweg import TableError
from thalweg.tables import changes_of_files, state_of_files


@pytest.mark.parametrize("size", [0, 1, 1 << 16, (1 << 16) + 1, 1 << 22, (1 << 22) + 1])
@pytest.mark.parametrize("place", [0, 0.5, 1])
def test_a_byte_is_changed(tmp_path: Path, size: int, place: float) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(bytes(size))
    before = state_of_files([str(file)])
    assert changes_of_files(before, state_of_files([str(file)])) == []
    if not size:
        return
    content = bytearray(size)
    content[round(place * (size - 1))] = 1
    file.write_bytes(content)
    os.utime(file, (1, 1))
    (change,) = changes_of_files(before, state_of_files([str(file)]))
    assert change.startswith(str(file))


def test_a_small_file_that_was_only_touched_is_the_same(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(b"x,y\n1,2\n")
    before = state_of_files([str(file)])
    os.utime(file, (1, 1))
    assert changes_of_files(before, state_of_files([str(file)])) == []


def test_files_that_come_and_go(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_bytes(b"x")
    a, b = (state_of_files([str(tmp_path / name)]) for name in "ab")
    assert changes_of_files(a, b) == [f"{tmp_path / 'a'} is no longer there", f"{tmp_path / 'b'} is new"]
    with pytest.raises(TableError, match="does not exist"):
        state_of_files([str(tmp_path / "c")])

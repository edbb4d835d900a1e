"""The cache of compiled code: found again, ignored when damaged, private, and safe for two writers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from thalweg.compile import cache


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    chosen = tmp_path / "cache"
    monkeypatch.setenv("THALWEG_CACHE", str(chosen))
    return chosen


def test_what_is_stored_is_found() -> None:
    cache.store("key", b"code", {"a": 1})
    assert cache.load("key") == (b"code", {"a": 1})
    assert cache.load("other") is None


def test_a_damaged_file_is_ignored(folder: Path) -> None:
    cache.store("key", b"code" * 100, {})
    whole = (folder / "key").read_bytes()
    for damaged in (whole[:-1], whole[:10], b"", whole[:50] + b"x" + whole[51:]):
        (folder / "key").write_bytes(damaged)
        assert cache.load("key") is None


def test_a_file_under_another_name_is_ignored(folder: Path) -> None:
    cache.store("key", b"code", {})
    (folder / "key").rename(folder / "other")
    assert cache.load("other") is None


def test_the_folder_belongs_to_the_user_alone(folder: Path) -> None:
    cache.store("key", b"code", {})
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o777)
    assert cache.load("key") is None


def test_a_folder_that_cannot_be_written_is_no_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write_text("a file where the folder should be")
    cache.store("key", b"code", {})
    assert cache.load("key") is None


def test_the_folder_does_not_grow_without_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_MOST_FILES", 10)
    for number in range(30):
        cache.store(f"key{number}", b"code", {})
    assert len(list(folder.iterdir())) <= 11
    assert cache.load("key29") is not None


def test_two_processes_may_compile_at_once(folder: Path) -> None:
    code = "import numpy as np, thalweg as tw; print(tw.minimize(lambda x: np.sum(x**2), np.ones(3)).loss)"
    runs = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    printed = {process.communicate()[0] for process in runs}
    assert len(printed) == 1
    assert float(printed.pop()) < 1e-6
    assert not list(folder.glob(".new-*"))

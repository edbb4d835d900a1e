"""One process at a time; a lock does not outlive its process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from thalweg import RunError
from thalweg.storage import Lock

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no lock is taken there")


def test_it_is_held_until_it_is_released(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "lock", "the folder")
    with pytest.raises(
        RunError, match=f"the folder is in use by process {os.getpid()} on .+. Wait until that has ended, or"
    ):
        Lock(tmp_path / "lock", "the folder")
    lock.release()
    Lock(tmp_path / "lock", "the folder").release()


def test_a_process_that_is_killed_lets_go_of_it(tmp_path: Path) -> None:
    code = "import sys, os, signal; from thalweg.storage import Lock; lock = Lock(sys.argv[1], ''); os.kill(os.getpid(), signal.SIGKILL)"
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path / "lock")]).returncode == -9
    assert "process" in (tmp_path / "lock").read_text()
    Lock(tmp_path / "lock", "the folder").release()


def test_a_file_that_is_not_its_own_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "record").write_text("mine")
    lock = Lock(tmp_path / "record", "the record", is_signed=False)
    with pytest.raises(RunError, match="the record is in use by another process"):
        Lock(tmp_path / "record", "the record", is_signed=False)
    lock.release()
    assert (tmp_path / "record").read_text() == "mine"

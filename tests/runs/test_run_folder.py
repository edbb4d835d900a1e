"""A run folder: what is in it, who may use it, and what happens when it or the disk is not as it should be."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.descent import stretches
from thalweg.descent.checkpoint import Checkpoint, no_rows
from thalweg.runs import Run
from thalweg.runs import run as run_folder

from .descents import NEW_X, NEW_Y, START, VALLEY, X, Y, assert_equal, logistic, rosenbrock


def descend(folder: Path, **more: Any) -> tw.Result:
    arguments = {"method": tw.Adam(0.01), "stop": tw.MaxSteps(3000), "checkpoints": tw.Checkpoints(folder, every=1e-9)}
    return tw.minimize(rosenbrock, VALLEY, **{**arguments, **more})


def interrupted(folder: Path, stretches: int = 3, **more: Any) -> tw.Result:
    """Stops after a few stretches."""
    left = [stretches]

    def stop(_: tw.Progress) -> bool:
        left[0] -= 1
        return left[0] == 0

    result = descend(folder, on_progress=stop, **more)
    assert result.stopped_by.reason == "interrupted"
    return result


def checkpoints(folder: Path) -> list[Path]:
    return sorted(folder.glob("checkpoint-*"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tw.Result:
    return descend(tmp_path_factory.mktemp("undisturbed") / "run")


def test_what_is_in_it(tmp_path: Path) -> None:
    interrupted(tmp_path)
    assert len(checkpoints(tmp_path)) == 2
    about = json.loads((tmp_path / "run.json").read_text())
    assert about["descent"]["method"].startswith("Adam(learning_rate=0.01")
    assert about["descent"]["stop"] == "MaxSteps(3000)"
    result = descend(tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == result.history.step.tolist()
    assert [line["loss"] for line in lines] == result.history.loss.tolist()
    assert (tmp_path / "lock").read_text() == ""


def test_the_history_has_the_checks_in_their_places(tmp_path: Path) -> None:
    arguments = {"data": (X, Y), "validation": (NEW_X, NEW_Y), "validate_every": 3, "stop": tw.MaxSteps(7)}
    kept = tw.Checkpoints(tmp_path)
    result = tw.minimize(logistic, START, method=tw.Adam(0.1), checkpoints=kept, **arguments)
    lines = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [0, 0, 1, 2, 3, 3, 4, 5, 6, 6, 7]
    checks = [line["validation_loss"] for line in lines if "validation_loss" in line]
    assert checks == result.history.validation_loss.tolist()


def test_more_steps_than_at_first(tmp_path: Path) -> None:
    for steps in (500, 1200):
        found = descend(tmp_path / "run", stop=tw.MaxSteps(steps))
    assert_equal(found, descend(tmp_path / "other", stop=tw.MaxSteps(1200)))


def test_stopped_before_the_first_step(tmp_path: Path) -> None:
    stopped = tw.Controls()
    stopped.stop()
    assert descend(tmp_path / "run", controls=stopped).stopped_by.reason == "interrupted"
    found = descend(tmp_path / "run", controls=tw.Controls())
    assert_equal(found, descend(tmp_path / "other", controls=tw.Controls()))


def test_the_time_that_was_spent_before_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, later = time.perf_counter, [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: clock() + later[0])

    def stop(_: tw.Progress) -> bool:
        later[0] += 1000
        return True

    rule = tw.MaxSeconds(1000) | tw.MaxSteps(10**9)
    before = descend(tmp_path, stop=rule, on_progress=stop)
    found = descend(tmp_path, stop=rule)
    assert found.stopped_by.rules == ("MaxSeconds(1000)",)
    assert found.steps <= before.steps + 1  # it fires at once
    assert found.seconds >= 1000


def test_checkpoints_take_no_more_than_a_hundredth_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    monkeypatch.setattr(os, "fsync", lambda handle: clock.__setitem__(0, clock[0] + 1.0))
    checkpoint = Checkpoint({"step": np.int64(1)}, 1, 1, 0.0, no_rows(), np.zeros((0, 3)), np.zeros(0), 0, np.inf)
    with Run(tmp_path, every=2.0) as run, run.of({"machine": None}) as kept:
        kept.keep(checkpoint)
        clock[0] += 90
        assert not kept.is_due()
        clock[0] += 200
        assert kept.is_due()


# Others
def test_one_at_a_time(tmp_path: Path) -> None:
    interrupted(tmp_path)
    with Run(tmp_path):
        with pytest.raises(tw.RunError, match=f"{tmp_path} is in use by process {os.getpid()} on "):
            descend(tmp_path)
        code = f"import thalweg as tw; from thalweg.runs import Run\nwith Run({str(tmp_path)!r}): pass"
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert f"is in use by process {os.getpid()} on " in other.stderr
    descend(tmp_path)


CHANGES: dict[str, dict[str, Any]] = {
    'method: "Adam(learning_rate=0.01': {"method": tw.Adam(0.02)},
    "seed: 0 there, 1 now": {"seed": 1},
    'target: "native" there, "numpy" now': {"target": "numpy", "stop": tw.MaxSteps(3)},
    "kinds of rules and schedules": {"stop": tw.MaxSteps(3000) | tw.LossBelow(1e-9)},
    "data: null there": {"data": X},
}


@pytest.mark.parametrize("message", CHANGES)
def test_another_descent_is_refused(tmp_path: Path, message: str) -> None:
    interrupted(tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    loss = (lambda x, X: rosenbrock(x)) if "data" in CHANGES[message] else rosenbrock
    arguments = {"method": tw.Adam(0.01), "stop": tw.MaxSteps(3000), **CHANGES[message]}
    with pytest.raises(tw.RunError, match="is the run folder of something else") as error:
        tw.minimize(loss, VALLEY, checkpoints=tw.Checkpoints(tmp_path), **arguments)
    assert message in str(error.value)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_another_loss_and_another_start_are_refused(tmp_path: Path) -> None:
    interrupted(tmp_path)
    arguments = {"method": tw.Adam(0.01), "stop": tw.MaxSteps(3000), "checkpoints": tw.Checkpoints(tmp_path)}
    with pytest.raises(tw.RunError, match=r"something else \(loss: "):
        tw.minimize(lambda x: 2 * rosenbrock(x), VALLEY, **arguments)
    with pytest.raises(tw.RunError, match=r"something else \(start: "):
        tw.minimize(rosenbrock, VALLEY + 1, **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"checkpoints": "folder"}, r"expected tw.Checkpoints\(\"FOLDER\"\)"),
        ({"restarts": 3}, "checkpoints=... are of one descent: leave out restarts and grids"),
        ({"escape_saddles": True}, "escape_saddles=True makes several"),
    ],
)
def test_arguments_that_do_not_go_together(tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(tw.ArgumentError, match=message):
        descend(tmp_path, **arguments)
    with pytest.raises(tw.ArgumentError, match="seconds between checkpoints, a number above 0"):
        tw.Checkpoints(tmp_path, every=0)
    assert not list(tmp_path.iterdir())


def test_a_folder_with_other_things_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(tw.RunError, match="is no run folder, and holds 'thesis.tex'"):
        descend(tmp_path)
    assert os.listdir(tmp_path) == ["thesis.tex"]


def test_another_machine_is_told_of(tmp_path: Path) -> None:
    interrupted(tmp_path)
    about = json.loads((tmp_path / "run.json").read_text())
    about["descent"]["machine"] = "another"
    (tmp_path / "run.json").write_text(json.dumps(about))
    assert any("another kind of processor" in note for note in descend(tmp_path).notes)


# Damage
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut short": lambda content: content[: len(content) // 2],
    "cut in its header": lambda content: content[:20],
    "empty": lambda content: b"",
    "a bit": lambda content: content[:-100] + bytes([content[-100] ^ 4]) + content[-99:],
    "another file": lambda content: b"my thesis",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint(tmp_path: Path, damage: str, undisturbed: tw.Result) -> None:
    interrupted(tmp_path)
    one_before, latest = checkpoints(tmp_path)
    latest.write_bytes(DAMAGES[damage](latest.read_bytes()))
    found = descend(tmp_path)
    notes = [note for note in found.notes if "damaged" in note]
    assert len(notes) == 1
    assert str(latest) in notes[0]
    assert "so the one before it was taken" in notes[0]
    assert f"gone on from the checkpoint of step {int(one_before.stem.split('-')[1]):,}" in found.notes
    assert found.parameters.tobytes() == undisturbed.parameters.tobytes()
    np.testing.assert_array_equal(found.history.loss, undisturbed.history.loss)


def test_no_checkpoint_is_whole(tmp_path: Path, undisturbed: tw.Result) -> None:
    interrupted(tmp_path)
    for file in checkpoints(tmp_path):
        file.write_bytes(b"")
    found = descend(tmp_path)
    assert sum("so the descent began anew" in note for note in found.notes) == 2
    assert found.parameters.tobytes() == undisturbed.parameters.tobytes()


def test_a_checkpoint_of_a_later_version(tmp_path: Path, undisturbed: tw.Result) -> None:
    interrupted(tmp_path)
    latest = checkpoints(tmp_path)[-1]
    later = latest.read_bytes().replace(b'"thalweg_checkpoint":"1"', b'"thalweg_checkpoint":"7"')
    latest.write_bytes(later)
    with pytest.raises(tw.RunError, match=r"written by a later thalweg \(format 7; this one reads 1\). Update: pip"):
        descend(tmp_path)
    assert latest.read_bytes() == later
    latest.unlink()
    assert_equal(descend(tmp_path), undisturbed)


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "is damaged, or no thalweg's"), ('{"thalweg_run": 9}', r"later thalweg \(format 9; this one reads 1\)")],
)
def test_a_description_that_cannot_be_read(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(tw.RunError, match=message):
        descend(tmp_path)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(tw.RunError, match="damaged"):  # and the lock is free again
        descend(tmp_path)


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    interrupted(tmp_path)
    (tmp_path / ".checkpoint-000000000009.safetensors.0123abcd").write_bytes(b"half")
    descend(tmp_path)
    assert not [file for file in tmp_path.iterdir() if file.name.startswith(".")]


# The disk
def test_a_disk_that_fills_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: tw.Result) -> None:
    fsync, left = os.fsync, [9]

    def full(handle: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(handle)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        patched.setattr(stretches, "STRETCH_SECONDS", 1e-6)
        patched.setattr(run_folder, "_LARGEST_SHARE", 1e9)
        with pytest.raises(tw.RunError, match="cannot be written to: No space left on device. What is there stays"):
            descend(tmp_path)
    assert checkpoints(tmp_path)
    found = descend(tmp_path)
    assert any(note.startswith("gone on from the checkpoint of step ") for note in found.notes)
    assert_equal(found, undisturbed)


def test_a_quota_is_reached_in_the_middle_of_a_checkpoint(tmp_path: Path, undisturbed: tw.Result) -> None:
    resource = pytest.importorskip("resource")
    interrupted(tmp_path)
    before = {file.name: file.read_bytes() for file in checkpoints(tmp_path)}
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (max(map(len, before.values())) + 100, limit[1]))
    try:
        with pytest.raises(tw.RunError, match="cannot be written to: File too large"):
            descend(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    kept = {file.name: file.read_bytes() for file in checkpoints(tmp_path)}
    assert kept
    assert not [file for file in tmp_path.iterdir() if file.name.startswith(".")]
    assert_equal(descend(tmp_path), undisturbed)


READ_ONLY = """
import os, sys
import thalweg as tw
from thalweg.runs import Run
tw.RunError
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
for folder in sys.argv[1:]:
    try:
        with Run(folder): pass
    except tw.RunError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has other permissions")
def test_a_folder_that_may_not_be_written_to(tmp_path: Path) -> None:
    interrupted(tmp_path / "run")
    before = {file.name: file.read_bytes() for file in (tmp_path / "run").iterdir()}
    (tmp_path / "run").chmod(0o555)
    for folder in (tmp_path, *list(tmp_path.parents)[:3]):
        if folder.stat().st_uid == os.getuid() and folder.name.startswith(("pytest-", "test_")):
            folder.chmod(0o755)
    command = [sys.executable, "-c", READ_ONLY, str(tmp_path / "run"), str(tmp_path / "new")]
    if os.geteuid() != 0:
        tmp_path.chmod(0o555)
    found = subprocess.run(command, capture_output=True, text=True)
    tmp_path.chmod(0o755)
    (tmp_path / "run").chmod(0o755)
    lines = found.stdout.splitlines()
    assert len(lines) == 2, found.stderr
    assert all("cannot be written to: Permission denied" in line for line in lines)
    assert {file.name: file.read_bytes() for file in (tmp_path / "run").iterdir()} == before

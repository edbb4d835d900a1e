"""The file of trials: read by a program, gone on with after any interruption, refused where it is of another search."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.hyperparameters import running

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 5))
Y = X @ np.arange(5.0) + RNG.standard_normal(60)


def ridge(w: Any, X: Any, y: Any, *, penalty: Any = 0.0, squared: bool = True) -> Any:
    return np.mean((X @ w - y) ** 2 if squared else np.abs(X @ w - y)) + penalty * np.sum(w**2)


ARGUMENTS: dict[str, Any] = {
    "loss": ridge,
    "parameters": np.zeros(5),
    "ranges": {
        "learning_rate": tw.LogUniform(1e-6, 1e8),
        "penalty": tw.LogUniform(1e-6, 10),
        "squared": tw.Choice(True, False),
        "method": tw.Choice(tw.GradientDescent, tw.Adam),
    },
    "data": (X[:40], Y[:40]),
    "validation": (X[40:], Y[40:]),
    "batch_size": 8,
    "stop": tw.MaxSteps(40),
    "rounds": 3,
    "trials": 20,
}


def told(found: tw.SearchResult) -> Any:
    """All that a search finds, but for the time that it took."""
    trials = [{**trial.to_dict(), "seconds": 0} for trial in found.trials]
    return trials, [{n: str(r) for n, r in ranges.items()} for ranges in found.ranges], found.parameters.tolist()


def test_the_file_is_json_lines(tmp_path: Path) -> None:
    file = tmp_path / "trials.jsonl"
    found = tw.search(**ARGUMENTS, file=file)
    header, *trials = (json.loads(line) for line in file.read_text().splitlines())
    assert header["thalweg_search"] == 1
    assert header["ranges"]["learning_rate"] == {"kind": "log-uniform", "low": 1e-6, "high": 1e8}
    assert sorted(trial["number"] for trial in trials) == list(range(60))
    best = min((trial for trial in trials if trial["score"] is not None), key=lambda trial: trial["score"])
    assert best["values"] == found.best.to_dict()["values"]
    assert any(trial["status"] == "not finite" and trial["score"] is None for trial in trials)


@pytest.mark.parametrize("halving", [False, True])
@pytest.mark.parametrize("lines", [1, 2, 9, 21, 35, 61])
def test_a_search_that_goes_on_equals_one_that_was_not_disturbed(tmp_path: Path, lines: int, halving: bool) -> None:
    whole, file = tmp_path / "whole.jsonl", tmp_path / "part.jsonl"
    undisturbed = tw.search(**ARGUMENTS, file=whole, halving=halving)
    kept = whole.read_text().splitlines(keepends=True)[:lines]
    file.write_text("".join(kept))
    found = tw.search(**ARGUMENTS, file=file, halving=halving)
    assert told(found) == told(undisturbed)
    assert file.read_text().startswith("".join(kept))
    assert len(file.read_text().splitlines()) == 61
    assert not kept[1:] or f"{len(kept) - 1} trials were recorded before" in found.notes


def test_the_order_of_the_ranges_does_not_matter(tmp_path: Path) -> None:
    file = tmp_path / "f"
    one = tw.search(**{**ARGUMENTS, "rounds": 1}, file=file)
    backwards = dict(reversed(ARGUMENTS["ranges"].items()))
    two = tw.search(**{**ARGUMENTS, "rounds": 1, "ranges": backwards}, file=file)
    assert told(one) == told(two)


def test_recorded_trials_are_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "f"
    one = tw.search(**{**ARGUMENTS, "rounds": 1}, file=file)
    ran: list[int] = []
    original = running.Group.run

    def counted(self: Any, on_progress: Any, chosen: Any = None, budget: float = 1.0) -> Any:
        ran.append(len(self.settled if chosen is None else chosen))
        return original(self, on_progress, chosen, budget)

    monkeypatch.setattr(running.Group, "run", counted)
    again = tw.search(**{**ARGUMENTS, "rounds": 1}, file=file)
    assert ran == [1], "of the best, for its parameters"
    assert told(again) == told(one)
    ran.clear()
    more = tw.search(**{**ARGUMENTS, "rounds": 2}, file=file)
    assert sum(ran) in (20, 21), "more rounds continue where fewer ended"
    assert told(more) == told(tw.search(**{**ARGUMENTS, "rounds": 2}))


@pytest.mark.parametrize("cut", [1, 30, 200])
def test_a_line_that_was_cut_short_is_dropped(tmp_path: Path, cut: int) -> None:
    whole, file = tmp_path / "whole", tmp_path / "cut"
    undisturbed = tw.search(**ARGUMENTS, file=whole)
    file.write_bytes(whole.read_bytes()[:-cut])
    found = tw.search(**ARGUMENTS, file=file)
    assert told(found) == told(undisturbed)
    assert any("was cut short and is dropped; its trial runs again" in note for note in found.notes)
    assert {line for line in file.read_text().splitlines() if '"seconds"' not in line} == {
        whole.read_text().splitlines()[0]
    }


@pytest.mark.parametrize("content", ["", '{"thalweg_se', '{"thalweg_search": 1, "vers'])
def test_a_file_without_a_whole_line_begins_anew(tmp_path: Path, content: str) -> None:
    file = tmp_path / "f"
    file.write_text(content)
    found = tw.search(**{**ARGUMENTS, "rounds": 1}, file=file)
    assert len(file.read_text().splitlines()) == 21
    assert len(found.notes) == bool(content) + sum("widen" in note for note in found.notes)


SCRIPT = """
import sys, time
sys.path.insert(0, {tests!r})
import test_record, thalweg as tw
def slow(now):
    print(now.done, flush=True)
    time.sleep(0.15)
found = tw.search(**test_record.ARGUMENTS, file={file!r}, on_progress=slow)
"""


def test_killed_in_the_middle(tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl"
    script = SCRIPT.format(tests=str(Path(__file__).parent), file=str(file))
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while int(process.stdout.readline() or 99) < 20:
        pass
    time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    lines = len(file.read_text().splitlines()) - 1
    assert 20 <= lines < 60
    found = tw.search(**ARGUMENTS, file=file)
    assert f"{lines} trials were recorded before" in found.notes
    assert told(found) == told(tw.search(**ARGUMENTS))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "records another search .seed: 0 there, 1 now."),
        ({"trials": 21}, "trials: 20 there, 21 now"),
        ({"batch_size": 9}, "batch_size: 8 there, 9 now"),
        ({"parameters": np.ones(5)}, "parameters: "),
        ({"stop": tw.MaxSteps(41)}, r'stop: "MaxSteps\(40\)" there'),
        ({"data": (X[:40] + 1, Y[:40])}, "data: "),
        ({"loss": lambda w, X, y, *, penalty=0.0, squared=True: ridge(w, X, y) + penalty}, "loss: "),
        ({"ranges": {"learning_rate": tw.LogUniform(1e-6, 1)}}, "ranges: "),
        ({"halving": True}, "halving: null there"),
    ],
)
def test_another_search_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    file = tmp_path / "f"
    tw.search(**{**ARGUMENTS, "rounds": 1}, file=file)
    before = file.read_bytes()
    with pytest.raises(tw.ArgumentError, match=message):
        tw.search(**{**ARGUMENTS, **change}, file=file)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: ["no record of ours", *lines], "exists and is no record of a search"),
        (lambda lines: [lines[0].replace('search": 1', 'search": 9'), *lines[1:]], "written by a later thalweg"),
        (lambda lines: [lines[0], "{}", *lines[1:]], "line 2 is no trial: '{}'"),
        (lambda lines: [lines[0], lines[1].replace('"penalty": ', '"penalty": 1')], "the file was changed"),
    ],
)
def test_a_file_that_is_no_record(tmp_path: Path, change: Any, message: str) -> None:
    file = tmp_path / "f"
    tw.search(**{**ARGUMENTS, "rounds": 1}, file=file)
    file.write_text("\n".join(change(file.read_text().splitlines())) + "\n")
    before = file.read_bytes()
    with pytest.raises(tw.ArgumentError, match=message):
        tw.search(**ARGUMENTS, file=file)
    assert file.read_bytes() == before


def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    file = tmp_path / "f"
    tw.search(**{**ARGUMENTS, "rounds": 1}, file=file)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(tw.ArgumentError, match="No space left on device. Trials that are there stay"):
        tw.search(**ARGUMENTS, file=file)


def test_a_file_of_something_else_without_an_end_is_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("my thesis")
    with pytest.raises(tw.ArgumentError, match="no record of a search"):
        tw.search(**ARGUMENTS, file=file)
    assert file.read_text() == "my thesis"


def test_two_searches_on_one_file(tmp_path: Path) -> None:
    file = tmp_path / "f"
    refused: list[str] = []

    def another(_: tw.SearchProgress) -> None:
        if not refused:
            with pytest.raises(tw.RunError) as error:
                tw.search(**ARGUMENTS, file=file)
            refused.append(str(error.value))

    tw.search(**ARGUMENTS, file=file, on_progress=another)
    assert refused == [
        f"the record of the search, {file}, is in use by another process. Wait until that has ended, or stop it."
    ]
    tw.search(**ARGUMENTS, file=file)

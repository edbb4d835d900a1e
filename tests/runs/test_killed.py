"""Killed at any moment, a descent goes on and ends as if nothing had happened."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from .descents import untimed

TESTS = Path(__file__).parents[1]

DESCENT = """
import sys
import numpy as np
import thalweg as tw
import thalweg.runs
sys.path.insert(0, {tests!r})
thalweg.runs.run._LARGEST_SHARE = 1.0  # writing takes half of the time
from runs.descents import NEW_X, NEW_Y, START, X, Y, logistic

stop = tw.ValidationStalls(10**6) | tw.MaxSteps(700_000)
kept = tw.Checkpoints({folder!r}, every=1e-3)
result = tw.minimize(
    logistic, START, data=(X, Y), method=tw.Adam(tw.schedules.cosine(0.05, steps=700_000)), batch_size=32, stop=stop,
    validation=(NEW_X, NEW_Y), validate_every=50_000, seed=5, on_progress=lambda now: print(now.step, flush=True), checkpoints=kept,
)
np.savez({folder!r} + "-end", w=result.parameters["w"], loss=result.loss, m=result.memory["mean"], checks=result.history.validation_loss)
"""


def descend(folder: Path, seconds: float | None) -> bool:
    """Whether it ended before it was killed, so many seconds after its first sign."""
    code = DESCENT.format(tests=str(TESTS), folder=str(folder))
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if seconds is not None:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(seconds)
        process.kill()
    _, errors = process.communicate()
    assert process.returncode in (0, -9), errors.decode()
    return process.returncode == 0


@pytest.mark.parametrize("kills", [3, pytest.param(60, marks=pytest.mark.slow)])
def test_killed_again_and_again(tmp_path: Path, kills: int) -> None:
    draw = np.random.default_rng(kills)
    assert descend(tmp_path / "undisturbed", None)
    killed = 0
    while killed < kills:
        if descend(tmp_path / "run", draw.uniform(0, 0.5 / kills)):
            (tmp_path / "run-end.npz").unlink()
            break
        killed += 1
    assert killed
    assert descend(tmp_path / "run", None)
    with np.load(tmp_path / "run-end.npz") as found, np.load(tmp_path / "undisturbed-end.npz") as expected:
        for name in expected.files:
            assert found[name].tobytes() == expected[name].tobytes(), name
    history = [untimed((tmp_path / name / "history.jsonl").read_text()) for name in ("run", "undisturbed")]
    assert history[0] == history[1]
    names = sorted(file.name for file in (tmp_path / "run").iterdir())
    assert [name.split("-")[0] for name in names] == ["checkpoint", "checkpoint", "history.jsonl", "lock", "run.json"]

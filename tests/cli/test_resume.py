"""`thalweg fit --run` and `thalweg resume`, as a user types them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import thalweg as tw
from thalweg.cli.main import main

MPG = Path(__file__).parents[2] / "examples" / "mpg.csv"
LONG = ("--target", "mpg", "--batch-size", "64", "--patience", "10000000", "--epochs")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def untimed(history: str) -> list[dict[str, object]]:
    return [
        {name: value for name, value in json.loads(line).items() if name != "seconds"} for line in history.splitlines()
    ]


def words(result: Result) -> str:
    return " ".join(result.output.split())


def wait_for(folder: Path, pattern: str) -> None:
    end = time.monotonic() + 60
    while not list(folder.glob(pattern)):
        assert time.monotonic() < end, f"no {pattern} in {folder}"
        time.sleep(0.01)


def test_killed_and_resumed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "thalweg", "fit", str(MPG), *LONG, "8000", "--run", str(folder)]
    process = subprocess.Popen([*command, "--checkpoint-every", "0.05"], stdout=subprocess.DEVNULL)
    wait_for(folder, "checkpoint-*")
    os.kill(process.pid, signal.SIGSTOP)
    assert f"run folder {folder} is in use by process {process.pid} on" in words(run("resume", folder))
    process.kill()
    process.wait()
    assert not (folder / "model.thalweg").exists()

    result = run("resume", folder)
    assert result.exit_code in (0, 3), result.output
    assert "gone on from the checkpoint of step" in words(result)
    assert f"Saved to {folder / 'model.thalweg'}" in result.output.replace("\n", "")
    model, history = (folder / "model.thalweg").read_bytes(), untimed((folder / "history.jsonl").read_text())
    run("fit", MPG, *LONG, 8_000, "--run", tmp_path / "undisturbed")
    assert model == (tmp_path / "undisturbed" / "model.thalweg").read_bytes()
    assert history == untimed((tmp_path / "undisturbed" / "history.jsonl").read_text())

    again = run("resume", folder)
    assert again.exit_code == 0
    assert f"The run in {folder} has ended. Its model is" in words(again)
    assert "R²" in again.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_politely(tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "thalweg", "fit", str(MPG), *LONG, "10000000"]
    process = subprocess.Popen([*command, "--run", str(folder)], stdout=subprocess.PIPE, text=True)
    wait_for(folder, "history.jsonl")
    while not (folder / "history.jsonl").stat().st_size:
        time.sleep(0.01)
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"Interrupted. Nothing is lost; go on with: thalweg resume {folder}" in output.replace("\n", "")
    assert len(list(folder.glob("checkpoint-*"))) == 1


def test_a_run_keeps_to_what_was_asked_for(tmp_path: Path) -> None:
    table, folder = tmp_path / "t.csv", tmp_path / "run"
    shutil.copy(MPG, table)
    model = tmp_path / "m.thalweg"
    result = run("fit", table, "--target", "mpg", "--run", folder, "--output", model)
    assert result.exit_code == 0, result.output
    assert model.read_bytes() == (folder / "model.thalweg").read_bytes()
    about = json.loads((folder / "run.json").read_text())
    assert about["fit"]["tables"] == [str(table)]
    assert about["files"][str(table)]["bytes"] == table.stat().st_size
    assert "has ended" in words(run("fit", table, "--target", "mpg", "--run", folder, "--output", model))
    other = run("fit", table, "--target", "mpg", "--run", folder, "--output", model, "--l2", 1)
    assert "run folder of something else (l2: null there, 1.0 now)" in words(other)

    (folder / "model.thalweg").unlink()
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines[:-1], ""]))
    before = sorted(folder.iterdir())
    result = run("resume", folder)
    assert result.exit_code == 1
    assert f"the table has changed since the run in {folder} began: {table} had" in words(result)
    table.write_text("\n".join([*lines[:-1], lines[-1].replace("1", "2"), ""]))
    assert f"{table} holds something else since" in words(run("resume", folder))
    table.unlink()
    assert "t.csv does not exist" in words(run("resume", folder))
    assert sorted(folder.iterdir()) == before
    table.write_text("\n".join([*lines, ""]))
    assert "gone on from the checkpoint of step" in words(run("resume", folder))
    assert model.read_bytes() == (folder / "model.thalweg").read_bytes()


@pytest.mark.parametrize("batch", [(), ("--batch-size", 64, "--epochs", 3)], ids=["all rows", "mini-batches"])
def test_a_table_is_streamed_as_it_was_at_first(tmp_path: Path, batch: tuple[object, ...]) -> None:
    arguments = ("--target", "mpg", *batch)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("thalweg.fitting.fit_table.streaming_bound", lambda source: 1 << 27)
        run("fit", MPG, *arguments, "--run", tmp_path / "run")
    before = (tmp_path / "run" / "model.thalweg").read_bytes()
    (tmp_path / "run" / "model.thalweg").unlink()
    assert "gone on from the checkpoint of step" in words(run("resume", tmp_path / "run"))
    assert (tmp_path / "run" / "model.thalweg").read_bytes() == before
    assert json.loads((tmp_path / "run" / "run.json").read_text())["streamed with memory"] == 1 << 27


def test_folders_that_cannot_be_resumed(tmp_path: Path) -> None:
    assert f"there is no run in {tmp_path}. Begin one with" in words(run("resume", tmp_path))
    assert "there is no run in nowhere" in words(run("resume", "nowhere"))
    assert not Path("nowhere").exists()
    kept = tw.Checkpoints(tmp_path / "python")
    tw.minimize(lambda x: np.sum(x**2), np.ones(2), checkpoints=kept)
    assert "is no fit of a table: go on with it in Python" in words(run("resume", tmp_path / "python"))

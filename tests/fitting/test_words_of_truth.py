"""A target of yes and no comes back in the words of its table, wherever it is told."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from click.testing import CliRunner, Result

import thalweg as tw
from thalweg.cli.main import main
from thalweg.fitting import evaluate


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def table(path: Path, no: str, yes: str) -> Path:
    generator = np.random.default_rng(0)
    x = generator.standard_normal(200)
    is_bought = x + 0.3 * generator.standard_normal(200) > 0
    path.write_text("x,bought\n" + "".join(f"{a},{yes if b else no}\n" for a, b in zip(x, is_bought, strict=True)))
    return path


@pytest.mark.parametrize("memory", [(), ("--memory", "100MB")])
def test_the_shell_tells_them(tmp_path: Path, memory: tuple[str, ...]) -> None:
    rows, model = table(tmp_path / "rows.csv", "No", "Yes"), tmp_path / "m.thalweg"
    told = run("fit", rows, "--target", "bought", "--output", model, *memory)
    assert "boolean; No or Yes; target" in told.output or memory
    assert "bought = Yes against No" in told.output
    shown = run("evaluate", model, rows).output
    assert "true" not in shown
    assert [line.split()[0] for line in shown.splitlines()[-2:]] == ["No", "Yes"]
    predicted = list(csv.reader(run("predict", model, rows).stdout.splitlines()))
    assert predicted[0] == ["bought", "probability of No", "probability of Yes"]
    assert {row[0] for row in predicted[1:]} == {"No", "Yes"}


def test_python_and_exports_have_them(tmp_path: Path) -> None:
    rows = table(tmp_path / "rows.csv", "no", "yes")
    model = tw.fit(rows, "bought")
    assert model.classes == ("no", "yes")
    assert set(model.predict(rows)) == {"no", "yes"}
    assert model.to_arrays()["classes"].tolist() == ["no", "yes"]
    model.to_onnx(tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    x = np.array([-2.0, 2.0])
    assert session.run(["label"], {"x": x})[0].tolist() == ["no", "yes"]


def test_new_rows_may_write_them_otherwise(tmp_path: Path) -> None:
    model = tw.fit(table(tmp_path / "rows.csv", "no", "yes"), "bought")
    same = evaluate(model, tmp_path / "rows.csv")
    other = evaluate(model, table(tmp_path / "other.csv", "FALSE", "TRUE"))
    assert other.scores() == same.scores()
    assert not other.unseen

"""`thalweg report FOLDER`: all of a run that has ended, else what the folder holds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from thalweg.cli.main import main
from thalweg.runs import result_so_far

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    shutil.copy(EXAMPLES / "mpg.csv", folder)
    arguments = [
        "fit",
        str(folder / "mpg.csv"),
        "--target",
        "mpg",
        "--hidden",
        "4",
        "--epochs",
        "8",
        "--run",
        str(folder / "run"),
    ]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    return folder


def report(folder: Path, *more: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, ["report", str(folder), *more])
    page = folder / "report.html"
    return done.exit_code, done.output, page.read_text("utf-8") if page.exists() else ""


def test_an_ended_run_has_all_of_it(ended: Path) -> None:
    status, said, page = report(ended / "run")
    assert status == 0, said
    assert "mpg of mpg.csv" in page
    assert all(f'id="picture-{name}"' in page for name in ("landscape", "residuals", "slices"))


def test_a_table_that_is_gone_leaves_the_record_and_the_model(ended: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(ended / "run", folder)
    (ended / "mpg.csv").rename(ended / "elsewhere.csv")
    try:
        status, said, page = report(folder)
    finally:
        (ended / "elsewhere.csv").rename(ended / "mpg.csv")
    assert status == 0, said
    assert "Note: " in said
    assert "validation loss" in page
    assert "picture-landscape" not in page


def test_a_killed_run_has_its_record(ended: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(ended / "run", folder)
    (folder / "model.thalweg").unlink()
    text = (folder / "history.jsonl").read_text()
    (folder / "history.jsonl").write_text(text[: len(text) // 2])
    status, _, page = report(folder)
    assert status == 0
    assert "The way down" in page
    whole, half = result_so_far(ended / "run"), result_so_far(folder)
    assert 0 < len(half.history) < len(whole.history)
    assert (half.history.loss == whole.history.loss[: len(half.history)]).all()
    assert len(whole.history.validation_loss) > 2


def test_what_is_no_run(tmp_path: Path) -> None:
    status, said, _ = report(tmp_path)
    assert status == 1
    assert "there is no run in" in said
    (tmp_path / "run.json").write_text("{")
    assert "damaged" in report(tmp_path)[1]
    (tmp_path / "run.json").write_text('{"thalweg_run": 1}')
    assert "nothing yet" in report(tmp_path)[1]

"""Models as ONNX files: raw columns go in, and ONNX Runtime predicts what thalweg does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pyarrow as pa
import pytest
from click.testing import CliRunner

import thalweg as tw
from thalweg.cli.main import main
from thalweg.fitting import TableModel
from thalweg.models import Perceptron
from thalweg.tables import Kind, Table, read_table

EXAMPLES = Path(__file__).parents[2] / "examples"


def columns_of(model: TableModel, table: Table) -> dict[str, Any]:
    """What a user would pass: float64 with NaN, and strings."""
    columns = {}
    for name, kind in model.encoding.kinds.items():
        column = table.column(name)
        names = np.array([*column.categories, ""], object)
        columns[name] = column.values if kind is Kind.NUMBER else names[column.values]
    return columns


def test_the_runtime_predicts_the_same(model_and_table: tuple[TableModel, Path], tmp_path: Path) -> None:
    model, path = model_and_table
    model.to_onnx(tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    table = read_table(path, expected=model.encoding.kinds)
    assert {value.name for value in session.get_inputs()} == set(model.encoding.kinds)
    got = session.run(None, columns_of(model, table))
    expected = model.predict_features(model.features(table))
    # Perceptrons compute in float32; all others in float64.
    rtol = 1e-4 if isinstance(model.model, Perceptron) else 1e-10
    if model.classes:
        assert (got[0] == model.predict(table)).all()
        np.testing.assert_allclose(got[1], expected, rtol=rtol, atol=rtol * 1e-2)
        assert session.get_outputs()[1].name == ("probabilities" if model.has_probabilities else "scores")
    else:
        assert tuple(value.name for value in session.get_outputs()) == model.target
        np.testing.assert_allclose(np.stack(got, axis=-1).reshape(expected.shape), expected, rtol=rtol)


def test_missing_values_and_unseen_categories(tmp_path: Path) -> None:
    rows = [(1.0, "a", 1.0), (None, "b", 2.0), (3.0, None, 4.0), (4.0, "a", 5.0), (5.0, "b", 3.0), (2.5, "a", 2.0)] * 3
    n, c, y = (list(column) for column in zip(*rows, strict=True))
    model = tw.fit(pa.table({"n": n, "c": c, "y": y}), "y")
    assert model.encoding.names == ["n", "n is missing", "c = a", "c = b", "c is missing"]
    model.save(tmp_path / "m")
    result = CliRunner().invoke(main, ["export", str(tmp_path / "m"), str(tmp_path / "m.onnx")])
    assert result.output == f"Written to {tmp_path / 'm.onnx'}\n"
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    given = {"n": np.array([2.0, np.nan, 1.0, 7.0]), "c": np.array(["a", "b", "NA", "new"], object)}
    table = pa.table({"n": [2.0, None, 1.0, 7.0], "c": ["a", "b", None, "new"]})
    np.testing.assert_allclose(session.run(None, given)[0], model.predict(table), rtol=1e-12)


def test_other_endings_are_refused(tmp_path: Path) -> None:
    tw.fit(EXAMPLES / "mpg.csv", "mpg", epochs=20).save(tmp_path / "m")
    result = CliRunner().invoke(main, ["export", str(tmp_path / "m"), str(tmp_path / "m.pkl")])
    assert "write a name that ends in .onnx or .npz" in result.output
    result = CliRunner().invoke(main, ["export", str(tmp_path / "m"), str(tmp_path / "no" / "m.npz")])
    assert "cannot be written to" in result.output
    assert CliRunner().invoke(main, ["export", str(tmp_path / "m"), str(tmp_path / "m.npz")]).exit_code == 0


def test_without_the_library_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(tw.ThalwegError, match=r"pip install 'thalweg\[onnx\]'"):
        tw.export_onnx(lambda X: X, tmp_path / "f.onnx", np.zeros((2, 3)))


def test_columns_may_be_called_like_the_outputs(tmp_path: Path) -> None:
    x = np.linspace(-1, 1, 40)
    model = tw.fit(pa.table({"label": x, "probabilities": x**2, "y": x > 0.1}), "y")
    model.to_onnx(tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    assert [value.name for value in session.get_outputs()] == ["label_", "probabilities_"]
    label, _ = session.run(None, {"label": x, "probabilities": x**2})
    assert (label == model.predict(pa.table({"label": x, "probabilities": x**2}))).all()

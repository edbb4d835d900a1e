"""Tables larger than memory: what is learnt of them is what is learnt in memory; the bound holds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from click.testing import CliRunner

import thalweg as tw
from thalweg.cli.main import main
from thalweg.fitting import Settings, TableModel, fit, fit_prepared, prepare_source, prepare_stream
from thalweg.tables import Table, open_source
from thalweg.tables.survey import survey

ROWS = 150_000
GENERATOR = np.random.default_rng(0)


def table_of(rows: int = ROWS) -> pa.Table:
    x = GENERATOR.normal(size=(rows, 8)) * 3 + 5
    colour = GENERATOR.choice(["red", "green", "blue"], rows, p=[0.6, 0.3, 0.1])
    z = (x - 5) @ np.linspace(-0.3, 0.4, 8) + (colour == "red") - 0.5
    age = GENERATOR.normal(40, 10, rows)
    return pa.table(
        {
            **{f"x{number}": column for number, column in enumerate(x.T)},
            "age": pa.array(age, mask=GENERATOR.random(rows) < 0.1),
            "colour": pa.array(colour, mask=GENERATOR.random(rows) < 0.05),
            "name": [f"n{number}" for number in range(rows)],
            "weight": GENERATOR.integers(1, 4, rows),
            "price": pa.array(z * 10 + GENERATOR.normal(size=rows), mask=GENERATOR.random(rows) < 0.01),
            "bought": np.where(GENERATOR.logistic(size=rows) < z, "yes", "no"),
            "size": np.where(z > 1, "big", np.where(z > -1, "middling", "small")),
        }
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("tables")
    table = table_of()
    pyarrow.parquet.write_table(table, folder / "rows.parquet", row_group_size=40_000)
    pyarrow.csv.write_csv(table.slice(0, 30_000), folder / "rows.csv")
    return {"parquet": folder / "rows.parquet", "csv": folder / "rows.csv"}


@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_features_are_those_of_memory(files: dict[str, Path], format: str) -> None:
    """The rows in a stream, and their features, are those that the encoding makes of the table in memory."""
    path = str(files[format])
    prepared = prepare_stream(open_source(path), "price", memory=150_000_000)
    table = Table.of(open_source(path))
    column = table.column("price")
    training, validation = prepared.survey.split.rows(table, 0)
    assert len(training) + len(validation) + np.isnan(column.values).sum() == table.row_count
    assert len(validation) / table.row_count == pytest.approx(0.2, abs=0.01)
    for part, rows in ((prepared.fitted, training), (prepared.kept, validation)):
        assert part is not None
        X, y = (
            np.concatenate(arrays) for arrays in zip(*([a.copy() for a in c] for c in part.data.chunks()), strict=True)
        )
        np.testing.assert_allclose(X, prepared.encoding.transform(table, rows)[0], rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(y * prepared.scale + prepared.mean, column.values[rows], rtol=1e-12)
        if rows is training:
            np.testing.assert_allclose(X.mean(axis=0), 0, atol=1e-10)
            np.testing.assert_allclose(X.std(axis=0), 1, rtol=1e-10)
            assert y.std() == pytest.approx(1)
    exact = float(np.nanmedian(table.column("age").values[training]))
    fill = next(feature.fill for feature in prepared.encoding.features if feature.column == "age")
    assert fill == pytest.approx(exact, abs=0.3)
    assert set(prepared.encoding.left_out) == {"name"}


@pytest.mark.parametrize(
    ("target", "settings"),
    [
        ("bought", {"class_weight": "balanced", "weights": "weight"}),
        ("size", {"missing": "drop"}),
        ("bought", {"hidden": (4,), "batch_size": 256, "epochs": 3}),
    ],
    ids=["weighted", "softmax", "perceptron"],
)
def test_models_are_as_good_as_in_memory(files: dict[str, Path], target: Any, settings: dict[str, Any]) -> None:
    path = str(files["parquet"])
    streamed = fit_prepared(prepare_stream(open_source(path), target, Settings(**settings), memory=150_000_000))
    whole = fit(path, target, **settings)
    assert streamed.classes == whole.classes
    for part, tolerance in (("training", 0.004), ("validation", 0.012)):
        for name, value in whole.scores[part].items():
            assert streamed.scores[part][name] == pytest.approx(value, abs=tolerance + 0.02 * abs(value)), (part, name)


def test_the_split_does_not_depend_on_the_pieces_or_the_memory(files: dict[str, Path]) -> None:
    arrow = pyarrow.parquet.read_table(files["parquet"])
    one, other = (survey(open_source(given), "price", memory=150 << 20) for given in (arrow, str(files["parquet"])))
    assert sum(one.training) == sum(other.training)
    for a, b in zip(one.encoding.features, other.encoding.features, strict=True):
        assert (a.column, a.category) == (b.column, b.category)
        np.testing.assert_allclose([a.mean, a.scale, a.fill], [b.mean, b.scale, b.fill], rtol=1e-11)


@pytest.mark.parametrize(
    ("columns", "settings", "message"),
    [
        ({"y": [1.0, 2.0] * 50_000, "x": ["1.5"] * 99_999 + ["much"]}, {}, r"row 100,000, column 'x'.*much"),
        (
            {"y": [1.0, 2.0, 3.0] * 4, "x": [1.0] * 11 + [None]},
            {"missing": "refuse"},
            r"row 12, column 'x': the value is missing",
        ),
        ({"y": [1.0, 2.0, 3.0] * 4, "x": [1.0] * 12}, {}, "no column that could predict 'y'.*the same in every row"),
        ({"y": [1.0] * 12, "x": range(12)}, {}, "is 1 in every row"),
        ({"y": [1.0, -2.0, 3.0] * 4, "x": range(12)}, {"model": "poisson"}, "below 0 in some rows"),
        ({"y": [1.0, 2.0, 3.0] * 4, "x": [*range(11), float("inf")]}, {}, "infinite"),
        (
            {"y": [1.0, 2.0, 3.0] * 4, "x": range(12), "w": [-1.0] * 12},
            {"weights": "w"},
            "a weight is a number, 0 or more",
        ),
    ],
)
def test_errors_name_the_place(columns: dict[str, Any], settings: dict[str, Any], message: str) -> None:
    arrow = pa.table({name: list(values) for name, values in columns.items()})
    with pytest.raises(tw.TableError, match=message):
        prepare_stream(open_source(arrow), "y", Settings(**settings), memory=150_000_000)


def test_small_bounds_and_wrong_names_are_refused(files: dict[str, Path]) -> None:
    with pytest.raises(tw.ArgumentError, match="takes 54 MB or more"):
        prepare_source(open_source(str(files["csv"])), "price", memory="20 MB")
    with pytest.raises(tw.TableError, match="Did you mean 'price'"):
        prepare_source(open_source(str(files["csv"])), "prize", memory="150 MB")


def test_the_command(files: dict[str, Path], tmp_path: Path) -> None:
    model = tmp_path / "model.thalweg"
    command = ["fit", str(files["csv"]), "--target", "bought", "--memory", "150MB", "-o", str(model)]
    found = CliRunner().invoke(main, command)
    assert found.exit_code == 0, found.output
    assert "Streamed with 150 MB of memory" in found.output
    assert TableModel.load(model).scores["validation"]["accuracy"] > 0.6


PEAK = """
import re, sys
from thalweg.fitting import Settings, fit_prepared, prepare_stream
from thalweg.tables import open_source

def peak():
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])

def fitted(path, settings):
    prepared = prepare_stream(open_source(path), "y", settings, memory=150_000_000)
    fit_prepared(prepared)
    return prepared.fitted.data.fits

for settings in (Settings(epochs=2), Settings(method="adam", batch_size=500, epochs=1)):
    fitted(sys.argv[1], settings)
before = peak()
for settings in (Settings(epochs=2), Settings(method="adam", batch_size=500, epochs=1)):
    assert not fitted(sys.argv[2], settings)
    print(peak() - before)
"""


@pytest.mark.slow
def test_the_bound_of_memory_holds(tmp_path: Path) -> None:
    """Beyond what a small table takes, in a process of its own: one huge group of rows, all passes and mini-batches."""
    for name, rows in (("small", 20_000), ("large", 2_000_000)):
        X = np.round(GENERATOR.normal(size=(rows, 15)), 2)
        table = pa.table([*X.T, X @ np.arange(15.0)], names=[*(f"x{number}" for number in range(15)), "y"])
        pyarrow.parquet.write_table(table, tmp_path / f"{name}.parquet", row_group_size=rows)
    paths = [str(tmp_path / f"{name}.parquet") for name in ("small", "large")]
    found = subprocess.run([sys.executable, "-c", PEAK, *paths], capture_output=True, text=True, check=True)
    of_batch, of_both = map(int, found.stdout.split())
    assert 10e6 < of_batch <= of_both < 150e6  # the table takes 256 MB

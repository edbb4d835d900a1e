"""Fitted models on new rows, batch by batch: the same as at once, and clear where rows are not like those of training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result

import thalweg as tw
from thalweg.cli.main import main
from thalweg.fitting import NewRows, TableModel, evaluate, predictions, use
from thalweg.tables import Kind, read_table

EXAMPLES = Path(__file__).parents[2] / "examples"
PENGUINS = EXAMPLES / "penguins.csv"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def species(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "species.thalweg"
    tw.fit(PENGUINS, "species").save(path)
    return path


def test_batches_are_the_same_as_all_at_once(
    model_and_table: tuple[TableModel, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, table = model_and_table
    whole = np.concatenate(list(predictions(model, table)))
    scores = evaluate(model, table).scores()
    monkeypatch.setattr(use, "_NUMBERS_AT_ONCE", 50 * len(model.encoding.features))
    parts = list(predictions(model, table))
    assert max(len(part) for part in parts) == 50
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-5)
    for name, values in evaluate(model, table).scores().items():
        assert values == pytest.approx(scores[name], rel=1e-5, nan_ok=True)


def test_evaluation_of_the_rows_of_training_gives_their_scores() -> None:
    model = tw.fit(PENGUINS, "sex", validation=0.0)
    found = evaluate(model, PENGUINS)
    assert (found.rows, found.left_out) == (333, 11)
    assert found.scores()["sex"] == pytest.approx(model.scores["training"])


def test_columns_go_by_their_names(species: Path, tmp_path: Path) -> None:
    table = pa.csv.read_csv(PENGUINS)
    other = table.select(table.column_names[::-1]).append_column("more", pa.array(["x"] * len(table)))
    pa.parquet.write_table(other, tmp_path / "other.parquet")
    result = run("predict", species, tmp_path / "other.parquet")
    assert result.stdout == run("predict", species, PENGUINS).stdout
    assert "not used, since the model was fitted without: more" in result.stderr
    pa.parquet.write_table(table.drop(["bill_length_mm"]), tmp_path / "fewer.parquet")
    result = run("predict", species, tmp_path / "fewer.parquet")
    assert "has no column 'bill_length_mm'" in result.output
    result = run("evaluate", species, tmp_path / "fewer.parquet")
    assert "has no column 'bill_length_mm'" in result.output
    pa.parquet.write_table(table.drop(["species"]), tmp_path / "new.parquet")
    assert (
        "no column 'species', with which predictions are compared"
        in run("evaluate", species, tmp_path / "new.parquet").output
    )
    assert run("predict", species, tmp_path / "new.parquet").exit_code == 0


def test_classes_that_training_never_saw(species: Path, tmp_path: Path) -> None:
    text = PENGUINS.read_text().splitlines()
    text[3] = text[3].replace("Adelie", "Emperor")
    text[8] = text[8].replace("Adelie", "King")
    (tmp_path / "new.csv").write_text("\n".join(text))
    told = " ".join(run("evaluate", species, tmp_path / "new.csv").output.split())
    assert "2 rows have a class that training never saw: Emperor (1), King (1); the first is" in told
    assert "new.csv,line4(row3)." in told.replace(" ", "")  # long paths are broken into lines
    assert "(never seen) 2 0 0" in told
    result = run("evaluate", species, tmp_path / "new.csv", "--unseen", "refuse")
    assert result.exit_code == 1
    assert "line 4 (row 3), column 'species': training never saw the class 'Emperor'" in result.output
    plain = json.loads(run("evaluate", species, tmp_path / "new.csv", "--json").stdout)
    assert plain["unseen_classes"] == {"Emperor": 1, "King": 1}
    assert plain["rows"] == 344
    assert plain["confusion"][-1] == {"class": None, "predicted": {"Adelie": 2, "Chinstrap": 0, "Gentoo": 0}}


def test_text_in_a_column_of_numbers_is_found_in_a_later_batch(species: Path, tmp_path: Path) -> None:
    header, *lines = PENGUINS.read_text().splitlines()
    lines = lines * 100
    fields = lines[30_000].split(",")
    lines[30_000] = ",".join([*fields[:2], "oops", *fields[3:]])
    (tmp_path / "new.csv").write_text("\n".join([header, *lines]))
    for command in ("predict", "evaluate"):
        result = run(command, species, tmp_path / "new.csv")
        assert result.exit_code == 1
        assert "line 30,002 (row 30,001), column 'bill_length_mm': the value 'oops' is not a number" in result.output


@pytest.mark.slow
def test_text_in_a_column_of_numbers_at_row_nine_million(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    with open(tmp_path / "t.csv", "wb") as file:
        for part in range(10):
            x = rng.standard_normal(1_000_000).round(4)
            text = pa.array([*map(str, x[:-1]), "oops"] if part == 8 else list(map(str, x)))
            table = pa.table({"x": text, "y": x * 2 + 1})
            pa.csv.write_csv(table, file, pa.csv.WriteOptions(include_header=part == 0, quoting_style="none"))
    tw.fit(pa.table({"x": [1.0, 2, 3, 4, 5, 6], "y": [3.0, 5, 7, 9, 11, 13]}), "y").save(tmp_path / "m")
    place = "t.csv, line 9,000,001 (row 9,000,000), column 'x': the value 'oops' is not a number"
    assert place in run("fit", tmp_path / "t.csv", "--target", "y", "-o", tmp_path / "n").output
    assert place in run("predict", tmp_path / "m", tmp_path / "t.csv", "-o", tmp_path / "p.parquet").output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m", "t.csv"]


def test_predictions_are_written_as_the_ending_says(species: Path, tmp_path: Path) -> None:
    model = TableModel.load(species)
    expected = model.probabilities(PENGUINS)
    for ending, read in (
        ("csv", pa.csv.read_csv),
        ("tsv", lambda path: pa.csv.read_csv(path, parse_options=pa.csv.ParseOptions(delimiter="\t"))),
        ("parquet", pa.parquet.read_table),
        ("arrow", lambda path: pa.ipc.open_file(path).read_all()),
    ):
        path = tmp_path / f"p.{ending}"
        result = run("predict", species, PENGUINS, "-o", path)
        assert f"344 predictions written to {path}" in result.output
        table = read(path)
        assert table.column_names == ["species", *(f"probability of {name}" for name in model.classes)]
        np.testing.assert_allclose(np.stack([c.to_numpy() for c in table.columns[1:]], axis=1), expected, rtol=1e-12)
    assert "give one of .csv, .tsv" in run("predict", species, PENGUINS, "-o", tmp_path / "p.xlsx").output


def test_the_target_may_change_its_kind_or_be_missing(species: Path, tmp_path: Path) -> None:
    tw.fit(EXAMPLES / "mpg.csv", "mpg", epochs=20).save(tmp_path / "mpg")
    text = (EXAMPLES / "mpg.csv").read_text().splitlines()
    (tmp_path / "new.csv").write_text("\n".join([text[0], *("," + line.partition(",")[2] for line in text[1:10])]))
    assert "the target mpg is missing in every row" in run("evaluate", tmp_path / "mpg", tmp_path / "new.csv").output
    (tmp_path / "empty.csv").write_text(text[0] + "\n")
    for command in ("evaluate", "predict"):
        assert "has a header but no rows" in run(command, tmp_path / "mpg", tmp_path / "empty.csv").output
    model = TableModel.load(tmp_path / "mpg")
    rows = NewRows.of(model, EXAMPLES / "mpg.csv", kinds={"mpg": Kind.CATEGORY})
    with pytest.raises(tw.TableError, match="the target 'mpg' held numbers at training, and holds category values now"):
        evaluate(model, rows)


def test_a_first_column_without_a_name_is_an_index_as_pandas_and_r_write_it(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(",x,y\n" + "".join(f'"row {i}",{i},{2 * i + 1}\n' for i in range(20)))
    table = read_table(path)
    assert table.names() == ["x", "y"]
    assert table.how.endswith("the first column an index")
    for memory in (None, "100MB"):
        assert list(tw.fit(path, "y", memory=memory).encoding.kinds) == ["x"]
    model = tw.fit(path, "y")
    assert len(model.predict(path)) == 20
    assert evaluate(model, path).notes == []

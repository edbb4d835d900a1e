"""What stands for a missing value in a table of its own kind: in every format, and in new rows without saying it again."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

import thalweg as tw
from thalweg import ArgumentError, TableError
from thalweg.fitting import TableModel, evaluate, predictions
from thalweg.tables import Kind, open_source, read_table

MARKS = ["-", "n.a.", -999]
NUMBERS = [1.5, None, 2.5, None, 4.0]
WORDS = ["u", None, "v", None, "u"]


def in_format(folder: Path, format: str) -> object:
    """NUMBERS and WORDS, where something else stands for what is missing."""
    numbers, words = ["1.5", "-999", "2.5", " - ", "4"], ["u", "-", "v", "n.a.", "u"]
    if format in ("csv", "tsv"):
        mark = "," if format == "csv" else "\t"
        (folder / f"t.{format}").write_text(
            "".join(f"{a}{mark}{b}\n" for a, b in zip(["n", *numbers], ["w", *words], strict=True))
        )
        return folder / f"t.{format}"
    if format == "jsonl":
        rows = [{"n": float(a) if a.strip() != "-" else a, "w": b} for a, b in zip(numbers, words, strict=True)]
        (folder / "t.jsonl").write_text("\n".join(map(json.dumps, rows)))
        return folder / "t.jsonl"
    values = np.array([1.5, -999, 2.5, -999, 4], np.float32)
    if format == "npz":
        np.savez(folder / "t.npz", n=values, w=np.array(words))
        return folder / "t.npz"
    table = pa.table({"n": values, "w": pa.array(words).dictionary_encode()})
    if format == "parquet":
        parquet.write_table(table, folder / "t.parquet")
        return folder / "t.parquet"
    return table


@pytest.mark.parametrize("format", ["csv", "tsv", "jsonl", "npz", "parquet", "object"])
def test_marks_are_missing_in_every_format(tmp_path: Path, format: str) -> None:
    found = read_table(in_format(tmp_path, format), missing_marks=MARKS)
    assert [column.kind for column in found.columns] == [Kind.NUMBER, Kind.CATEGORY]
    np.testing.assert_array_equal(found.column("n").values, [np.nan if n is None else n for n in NUMBERS])
    assert found.column("w").categories == ("u", "v")
    np.testing.assert_array_equal(found.column("w").is_missing, [w is None for w in WORDS])


def test_a_number_is_a_mark_as_the_column_holds_it(tmp_path: Path) -> None:
    rounded = pa.table({"x": np.array([-999.9, 1, 2, 3], np.float32)})
    assert read_table(rounded, missing_marks=-999.9).column("x").missing_count == 1
    path = tmp_path / "t.csv"
    path.write_text("x,t\n-999,-999\n-999.0,a\n-9.99e2,b\n1,a\n")
    found = read_table(path, missing_marks="-999")
    assert found.column("x").missing_count == 3
    assert found.column("t").categories == ("a", "b")


def test_columns_are_dates_and_booleans_but_for_the_marks(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("b,d\nyes,2020-01-01\n.,.\nno,2020-01-02\n")
    assert [column.kind for column in read_table(path, missing_marks=".").columns] == [Kind.BOOLEAN, Kind.DATE]


@pytest.mark.parametrize("mark", [None, True, " ", [["-"]]])
def test_what_is_no_mark_is_refused(mark: object) -> None:
    with pytest.raises(ArgumentError, match="missing_marks: .* is no mark"):
        open_source(pa.table({"x": [1]}), missing_marks=[mark])  # type: ignore[list-item]


def rows_with_marks(folder: Path, count: int = 200) -> Path:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal(count), rng.standard_normal(count)
    path = folder / "marked.csv"
    lines = [
        f"{'-' if k % 10 == 3 else a},{-999 if k % 7 == 1 else b},{2 * a - b}"
        for k, (a, b) in enumerate(zip(x, y, strict=True))
    ]
    path.write_text("a,b,y\n" + "\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("memory", [None, "100 MB"])
def test_a_model_remembers_them(tmp_path: Path, memory: str | None) -> None:
    marked = rows_with_marks(tmp_path)
    plain = tmp_path / "plain.csv"
    plain.write_text(marked.read_text().replace("-,", ",").replace(",-999,", ",,"))
    model = tw.fit(marked, "y", missing_marks=["-", -999], memory=memory)
    same = tw.fit(plain, "y", memory=memory)
    assert model.scores == same.scores
    model.save(tmp_path / "m")
    loaded = TableModel.load(tmp_path / "m")
    assert loaded.missing_marks == ("-", "-999")
    expected = same.predict(plain)
    np.testing.assert_array_equal(loaded.predict(marked), expected)
    np.testing.assert_array_equal(np.concatenate(list(predictions(loaded, marked))), expected)
    assert evaluate(loaded, marked).scores() == evaluate(same, plain).scores()


def test_onnx_files_have_them_in(tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    rng = np.random.default_rng(0)
    table = pa.table(
        {
            "x": np.where(rng.random(100) < 0.2, -999, rng.random(100)),
            "w": rng.choice(["u", "v", "-"], 100),
            "y": rng.random(100),
        }
    )
    model = tw.fit(table, "y", missing_marks=["-", -999])
    model.to_onnx(tmp_path / "m.onnx")
    given = {"x": table["x"].to_numpy(), "w": np.array(table["w"].to_pylist(), object)}
    (found,) = runtime.InferenceSession(tmp_path / "m.onnx").run(["y"], given)
    np.testing.assert_allclose(found, model.predict(table), rtol=1e-10)


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (
            ["-"],
            r"all but '-' are numbers: if it stands for a missing value, --missing-mark - \(in Python: missing_marks=\['-'\]\)",
        ),
        (
            [".", "n.a."],
            r"all but '\.' and 'n\.a\.' are numbers: if they stand for missing values, --missing-mark \. --missing-mark n",
        ),
        (["n. d."], r"--missing-mark 'n\. d\.' "),
    ],
)
def test_a_column_that_marks_make_text_says_so(words: list[str], advice: str) -> None:
    rows = [str(k) if k % 3 else words[k % len(words)] for k in range(100)]
    with_marks = read_table(pa.table({"x": rows}))
    assert with_marks.column("x").kind is Kind.TEXT
    assert re.search(advice, with_marks.column("x").advice)


def test_a_few_words_that_are_names_are_no_marks() -> None:
    assert read_table(pa.table({"x": ["1", "2", "3", "crew"] * 5})).column("x").advice == ""
    assert "'$'" not in read_table(pa.table({"x": ["$1.50", "$2.50", "-"] * 5})).column("x").advice
    assert "such as" not in read_table(pa.table({"x": ["-", "a", "1"]})).column("x").advice


def test_a_mark_among_nearly_only_numbers_is_named_in_the_error(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x\n" + "1\n" * 99 + "n.a.\n")
    with pytest.raises(TableError, match=r"line 101 .*'n\.a\.' is not a number.*--missing-mark n\.a\. \(in Python"):
        read_table(path)
    assert read_table(path, missing_marks="n.a.").column("x").missing_count == 1


@pytest.mark.parametrize("mark", [-99, -999, -9999, 9999])
def test_a_number_that_is_likely_a_mark_is_pointed_out(mark: int) -> None:
    depth = np.random.default_rng(0).uniform(0, 50, 100)
    marked = np.where(np.arange(100) % 9 == 0, mark, depth)
    assert f"--missing-mark {mark} " in read_table(pa.table({"x": marked})).column("x").describe()
    for plain in (
        depth,
        np.append(depth, mark),
        np.full(9, mark),
        np.append(np.arange(-20000, 20000, 10), [mark, mark]),
    ):
        assert "--missing-mark" not in read_table(pa.table({"x": plain})).column("x").describe()

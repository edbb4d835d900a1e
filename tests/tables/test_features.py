"""Targets, splits and encodings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from thalweg import TableError
from thalweg.tables import Encoding, read_table, split_rows, target_of

EXAMPLES = Path(__file__).parents[2] / "examples"


def table(folder: Path, text: str) -> object:
    path = folder / "table.csv"
    path.write_text(text)
    return read_table(path)


def test_targets_are_numbers_or_classes() -> None:
    titanic = read_table(EXAMPLES / "titanic.csv")
    assert target_of(titanic, "fare").classes == ()
    assert target_of(titanic, "survived").classes == ("0", "1")
    assert target_of(titanic, "sex").classes == ("female", "male")
    assert target_of(titanic, "alone").classes == ("False", "True")
    found = target_of(titanic, "age")
    assert found.dropped == 177
    assert len(found.values) == len(found.rows) == 891 - 177


@pytest.mark.parametrize(
    ("text", "target", "message"),
    [
        ("a,b\n1,2\n1,3\n", "a", "is 1 in every row"),
        ("a,b\n,2\n,3\n", "a", "missing in every row"),
        ("a,b\nx,2\ny,3\n", "c", "no column 'c'"),
    ],
)
def test_targets_that_cannot_be(tmp_path: Path, text: str, target: str, message: str) -> None:
    with pytest.raises(TableError, match=message):
        target_of(table(tmp_path, text), target)  # type: ignore[arg-type]


def test_the_split_is_seeded_stratified_and_complete() -> None:
    values = np.array([0.0] * 90 + [1.0] * 10)
    training, validation = split_rows(values, is_classes=True, seed=1)
    np.testing.assert_array_equal(np.sort(np.concatenate([training, validation])), np.arange(100))
    assert values[validation].sum() == 2
    np.testing.assert_array_equal(split_rows(values, True, 1)[0], training)
    assert not np.array_equal(split_rows(values, True, 2)[0], training)


def test_features_are_standardised_on_the_training_rows() -> None:
    housing = read_table(EXAMPLES / "california-housing.csv")
    rows = np.arange(0, 20_000)
    encoding = Encoding.learn(housing, rows, ("median_house_value",))
    X, unseen = encoding.transform(housing, rows)
    np.testing.assert_allclose(X.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(X.std(axis=0), 1, atol=1e-9)
    assert not unseen
    assert X.flags.c_contiguous
    assert "ocean_proximity = INLAND" in encoding.names
    assert "total_bedrooms is missing" in encoding.names


def test_coefficients_in_own_units_predict_the_same() -> None:
    mpg = read_table(EXAMPLES / "mpg.csv")
    rows = np.arange(398)
    encoding = Encoding.learn(mpg, rows, ("mpg",))
    X, _ = encoding.transform(mpg, rows)
    weights = np.random.default_rng(0).standard_normal(len(encoding.features))
    own, intercept = encoding.in_own_units(weights, 0.5, mean=20.0, scale=3.0)
    raw = X * [f.scale for f in encoding.features] + [f.mean for f in encoding.features]
    np.testing.assert_allclose(raw @ own + intercept, (X @ weights + 0.5) * 3 + 20)


def test_columns_are_matched_by_name_and_new_categories_counted(tmp_path: Path) -> None:
    first = table(tmp_path, "a,c,y\n1,x,1\n2,y,2\n3,x,3\n4,y,5\n")
    encoding = Encoding.learn(first, np.arange(4), ("y",))  # type: ignore[arg-type]
    second = table(tmp_path, "c,more,a\nx,1,1\nnew,2,2\n")
    X, unseen = encoding.transform(second)  # type: ignore[arg-type]
    np.testing.assert_allclose(X[0], encoding.transform(first)[0][0])  # type: ignore[arg-type]
    assert unseen == {"c": 1}
    third = table(tmp_path, "c\nx\ny\n")
    with pytest.raises(TableError, match="no column 'a'"):
        encoding.transform(third)  # type: ignore[arg-type]
    fourth = table(tmp_path, "a,c\nx,x\ny,y\n")
    with pytest.raises(TableError, match="'a' held numbers at training"):
        encoding.transform(fourth)  # type: ignore[arg-type]


def test_columns_that_cannot_be_used_are_named_with_the_reason(tmp_path: Path) -> None:
    text = "k,m,y\n" + "".join(f"1,,{i}\n" for i in range(5)) + "1,,9\n"
    with pytest.raises(TableError, match="no column that could predict"):
        Encoding.learn(table(tmp_path, text), np.arange(6), ("y",))  # type: ignore[arg-type]


def test_an_encoding_survives_as_plain_values() -> None:
    titanic = read_table(EXAMPLES / "titanic.csv")
    encoding = Encoding.learn(titanic, np.arange(891), ("survived",))
    assert Encoding.from_dict(encoding.to_dict()) == encoding


def test_threads_and_blocks_of_rows_change_nothing() -> None:
    rng = np.random.default_rng(0)
    count = 100_000
    colours = np.array(["red", "green", "blue", None], object)[rng.integers(0, 4, count)]
    colours[::1000] = "unseen"
    numbers = {f"x{i}": np.where(rng.random(count) < 0.1, np.nan, rng.standard_normal(count)) for i in range(5)}
    whole = read_table(pa.table({**{name: pa.array(x) for name, x in numbers.items()}, "colour": pa.array(colours)}))
    training = np.setdiff1d(np.arange(count), np.arange(0, count, 1000))
    encoding = Encoding.learn(whole, training, ())
    X, unseen = encoding.transform(whole)
    assert unseen == {"colour": 100}
    np.testing.assert_allclose(X[training].mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(X[training].std(axis=0), 1, atol=1e-9)
    few = rng.permutation(count)[:1000]  # in no order
    np.testing.assert_array_equal(encoding.transform(whole, few)[0], X[few])
    shuffled = np.array([5, 7, 6, 8])  # the first and the last are as far apart as if they followed one another
    np.testing.assert_array_equal(encoding.transform(whole, shuffled)[0], X[shuffled])


def test_features_that_are_larger_than_the_memory_name_the_column_that_makes_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each word is a feature: 200,000 rows with a word of their own each would take 300 GB."""
    names = pa.table({"name": [f"word {i}" for i in range(50)] * 2, "size": [float(i % 7) for i in range(100)]})
    table = read_table(names)
    encoding = Encoding.learn(table, np.arange(100), ())
    monkeypatch.setattr("thalweg.tables.encoding._SURELY_THERE", 1)
    monkeypatch.setattr("thalweg.tables.available.available_memory", lambda: 1000)
    with pytest.raises(TableError, match=r"(?s)'name' alone makes 50 of 51 features\. Leave it out: --ignore name"):
        encoding.transform(table)

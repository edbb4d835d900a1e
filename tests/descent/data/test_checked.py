"""What cannot be data: the error names the array, and says how it becomes numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas
import pytest
import scipy.sparse

import thalweg as tw
from thalweg.errors import DataError


def loss(w: Any, *data: Any) -> Any:
    return np.sum(w**2)


X = np.ones((3, 2))
CASES: list[tuple[Any, str]] = [
    ((X, np.array(["a", "b", "a"])), r"data\[1\] holds words \(dtype <U1\).*np\.unique\(words, return_inverse=True\)"),
    ({"x": np.array(["a"])}, r"data\['x'\] holds words"),
    (np.array([[1, None]] * 3, object), r"data holds Python objects.*such as None in row 0, column 1"),
    (
        (pandas.DataFrame({"n": [1.0, 2.0], "colour": ["red", "blue"]}),),
        r"data\[0\].*'red' in row 0, column 'colour' .*codes",
    ),
    ((np.array([[1, 2.5]], object),), r"They are numbers: write data\[0\]\.astype\(np\.float64\)"),
    ((scipy.sparse.csr_array(X),), r"data\[0\] is sparse, of the shape \(3, 2\).*data\[0\]\.toarray\(\)"),
    ((np.ma.array([1.0, 2.0], mask=[0, 1]),), r"data\[0\] is a masked array.*getmaskarray"),
    (([[1.0, 2.0], [3.0]],), r"data\[0\] is a list whose rows differ in length"),
    ((np.array(["2020-01-01"], "datetime64[D]"),), r"dates or times.*np\.timedelta64\(1, 'D'\)"),
    ((X * 1j,), r"complex.*data\[0\]\.real, data\[0\]\.imag"),
    ((X.astype(np.float16),), r"float16.*astype\(np\.float32\)"),
]


@pytest.mark.parametrize(("data", "said"), CASES)
def test_data_that_are_no_numbers(data: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        tw.minimize(loss, np.ones(2), data=data)


def test_what_the_messages_say_works() -> None:
    _, codes = np.unique(np.array(["a", "b", "a"]), return_inverse=True)
    dates = np.array(["2020-01-01", "2020-01-03"], "datetime64[D]")
    days = (dates - dates.min()) / np.timedelta64(1, "D")
    masked = np.ma.array([1.0, 2.0], mask=[0, 1])
    weighted = masked.filled(0), ~np.ma.getmaskarray(masked)
    for data in ((codes,), (days,), weighted, (np.ma.array([1.0, 2.0]),), (scipy.sparse.csr_array(X).toarray(),)):
        assert tw.minimize(loss, np.ones(2), data=data, stop=tw.MaxSteps(1)).steps == 1

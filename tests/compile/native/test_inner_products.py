"""Products whose operands both lie along the axis that is summed: NumPy's result for every shape of what is left over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.compile.native.product_axes import Axis, Product, packed_size, runs_along_k


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("rows", "columns", "summed"),
    [(1, 7, 64), (4, 4, 64), (5, 9, 65), (17, 3, 130), (47, 33, 100), (128, 33, 100), (6, 1, 77)],
)
def test_a_product_with_a_transposed_matrix(rows: int, columns: int, summed: int, dtype: Any) -> None:
    rng = np.random.default_rng(rows)
    A, B = rng.standard_normal((rows, summed)).astype(dtype), rng.standard_normal((columns, summed)).astype(dtype)
    weights = rng.standard_normal((rows, columns)).astype(dtype)
    value, slope = tw.value_and_grad(lambda b: np.sum(weights * np.tanh(A @ b.T)))(B)
    z = np.tanh(A.astype(np.float64) @ B.T.astype(np.float64))
    tolerance = 1e-4 if dtype is np.float32 else 1e-11
    np.testing.assert_allclose(value, np.sum(weights * z), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(slope, ((1 - z**2) * weights).T @ A, rtol=tolerance, atol=10 * tolerance)


def test_few_rows_are_not_worth_a_copy_of_the_matrix() -> None:
    """A copy costs as much for a few rows as for many."""

    def product(rows: int) -> Product:
        return Product(Axis(rows, 512, 0, 256), Axis(256, 0, 512, 1), Axis(512, 1, 1, 0), ())

    assert runs_along_k(product(16))
    assert packed_size(product(16)) == 0
    assert not runs_along_k(product(1024))
    assert packed_size(product(1024)) == 256 * 512

"""Products whose second matrix is copied panel by panel: transposed, or with rows that share places in the caches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from thalweg.compile.function import compiled
from thalweg.graph import ArrayType
from thalweg.trace import trace

# The last panel is narrower, or the only one; rows and columns are no whole number of vectors; few rows, and many.
SHAPES = [
    (50, 100, 70),
    (64, 1024, 65),
    (129, 33, 1024),
    (48, 1000, 17),
    (3, 70, 40),
    (200, 5, 300),
    (16, 16, 16),
    (49, 1, 9),
]
KINDS = ["as it is", "transposed", "every other column", "both transposed"]


def product(kind: str, a: Any, b: Any) -> Any:
    if kind == "transposed":
        return a @ b.T
    if kind == "both transposed":
        return a.T @ b.T
    return a @ (b[:, ::2] if kind == "every other column" else b)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products_of_any_shape(shape: tuple[int, int, int], kind: str, dtype: Any) -> None:
    m, n, k = shape
    rng = np.random.default_rng(0)
    first = (k, m) if kind == "both transposed" else (m, k)
    second = {"as it is": (k, n), "every other column": (k, 2 * n)}.get(kind, (n, k))
    a, b = rng.standard_normal(first).astype(dtype), rng.standard_normal(second).astype(dtype)
    graph = trace(lambda a, b: [product(kind, a, b)], [ArrayType(x.shape, x.dtype) for x in (a, b)])
    (found,) = compiled(graph)(a, b)
    wanted = product(kind, a.astype(np.float64), b.astype(np.float64))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=np.finfo(dtype).eps * 8 * k)

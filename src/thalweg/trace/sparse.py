"""Products of SciPy's sparse matrices with traced values: the entries are data, and what they meet is read and added up at their places."""

from __future__ import annotations

import sys
from typing import Any

import numpy

from ..errors import ShapeError, TracingError
from ..ops.indexing import scatter_add, take
from .source import current_source
from .traced import Traced, as_traced, common_dtype
from .ufuncs import cast

np: Any = numpy
"""NumPy, whose type stubs do not know that its functions accept traced values."""

__all__ = ["is_sparse", "sparse_product"]


def is_sparse(x: Any) -> bool:
    """Whether it is one of SciPy's sparse matrices or arrays."""
    module = sys.modules.get("scipy.sparse")
    return module is not None and bool(module.issparse(x))


def sparse_product(a: Any, b: Any) -> Traced:
    """a @ b, of which one is sparse: yᵢ = Σⱼ aᵢⱼ bⱼ over the entries (i, j) that a holds."""
    if is_sparse(b):
        if is_sparse(a) or b.ndim != 2:
            raise TracingError(
                f"{current_source()}: of the two sides of @ one is sparse, a matrix, and the other an array"
            )
        product = sparse_product(b.T, np.swapaxes(a, -1, -2) if a.ndim > 1 else a)
        return np.swapaxes(product, -1, -2) if product.ndim > 1 else product
    x = as_traced(b)
    if a.ndim != 2 or x.ndim not in (1, 2):
        raise TracingError(
            f"{current_source()}: a sparse array of the shape {a.shape} meets {x.shape}: sparse products are traced for a matrix with a "
            "vector or a matrix. Write a.toarray() @ x."
        )
    if a.shape[1] != x.shape[0]:
        raise ShapeError(
            f"{current_source()}: @: the shapes {a.shape} and {x.shape} do not go together: {a.shape[1]} columns meet {x.shape[0]} rows"
        )
    entries = a.tocsr().tocoo()  # row by row, each place once
    dtype = common_dtype(entries.data, x)
    rest = x.shape[1:]

    def indices(places: Any) -> Any:
        return np.broadcast_to(places.astype(np.int64).reshape(-1, *(1 for _ in rest)), (len(places), *rest))

    values = as_traced(entries.data.reshape(-1, *(1 for _ in rest)), dtype)
    terms = values * cast(x, dtype).apply(take, indices(entries.col), axis=0)
    return terms.apply(scatter_add, indices(entries.row), axis=0, extent=a.shape[0])

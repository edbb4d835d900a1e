"""How numpy.linalg is traced."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy

from ..ops.linear_algebra import cholesky, slogdet, solve
from .dtypes import common_dtype
from .reductions import as_floating, implements
from .traced import Traced, as_traced
from .ufuncs import broadcast_shapes, broadcast_to, cast

np: Any = numpy
"""NumPy, whose type stubs do not know that its functions accept traced values."""


class SlogdetResult(NamedTuple):
    """As numpy.linalg.slogdet returns it."""

    sign: Any
    logabsdet: Any


@implements(np.linalg.solve)
def _solve(a: Any, b: Any) -> Traced:
    dtype = common_dtype(as_floating(as_traced(a)), as_floating(as_traced(b)))
    matrix, right = cast(as_traced(a), dtype), cast(as_traced(b), dtype)
    is_vector = right.ndim == 1
    right = right[:, None] if is_vector else right
    shared = broadcast_shapes(matrix.shape[:-2], right.shape[:-2])
    matrix = broadcast_to(matrix, (*shared, *matrix.shape[-2:]))
    right = broadcast_to(right, (*shared, *right.shape[-2:]))
    result = matrix.apply(solve, right)
    return result[..., 0] if is_vector else result


@implements(np.linalg.inv)
def _inv(a: Any) -> Traced:
    x = as_floating(as_traced(a))
    return x.apply(solve, np.broadcast_to(np.eye(x.shape[-1], dtype=x.dtype), x.shape))


@implements(np.linalg.slogdet)
def _slogdet(a: Any) -> SlogdetResult:
    both = as_floating(as_traced(a)).apply(slogdet)
    return SlogdetResult(both[..., 0], both[..., 1])


@implements(np.linalg.det)
def _det(a: Any) -> Traced:
    sign, logarithm = _slogdet(a)
    return sign * np.exp(logarithm)


@implements(np.linalg.cholesky)
def _cholesky(a: Any, *, upper: bool = False) -> Traced:
    factor = as_floating(as_traced(a)).apply(cholesky)
    return np.swapaxes(factor, -1, -2) if upper else factor

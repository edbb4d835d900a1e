"""How NumPy's products of arrays are traced: all of them are the primitive `dot`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError
from ..graph import Shape
from ..ops.contraction import dot
from .reductions import implements
from .source import current_source
from .traced import UFUNCS, Traced, as_traced, common_dtype
from .ufuncs import broadcast_shapes, broadcast_to, cast


def contract(
    a: Any, b: Any, axes: tuple[Shape, Shape], shared: tuple[Shape, Shape] = ((), ())
) -> Traced:
    """The product of a and b, summed over pairs of axes."""
    dtype = common_dtype(a, b)
    left, right = cast(as_traced(a), dtype), cast(as_traced(b), dtype)
    return left.apply(dot, right, contract=axes, batch=shared)


def _check_inner(name: str, left: int, right: int, a: Traced, b: Traced) -> None:
    if left != right:
        raise ShapeError(
            f"{current_source()}: {name}: the shapes {a.shape} and {b.shape} do not go together: "
            f"{left} columns meet {right} rows"
        )


def matmul(a: Any, b: Any, **_: Any) -> Traced:
    """a @ b."""
    a, b = as_traced(a), as_traced(b)
    if not a.ndim or not b.ndim:
        raise ShapeError(f"{current_source()}: @ needs arrays of one axis at least; write * for a scalar")
    rows = max(b.ndim - 2, 0)
    _check_inner("@", a.shape[-1], b.shape[rows], a, b)
    if a.ndim <= 2 and b.ndim <= 2:
        return contract(a, b, ((a.ndim - 1,), (rows,)))
    if b.ndim <= 2:
        return contract(a, b, ((a.ndim - 1,), (rows,)))
    if a.ndim <= 2:
        return np.moveaxis(contract(a, b, ((a.ndim - 1,), (rows,))), 0, -2) if a.ndim == 2 else contract(
            a, b, ((0,), (rows,))
        )
    shared = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = broadcast_to(a, (*shared, *a.shape[-2:])), broadcast_to(b, (*shared, *b.shape[-2:]))
    axes = tuple(range(len(shared)))
    return contract(a, b, ((a.ndim - 1,), (b.ndim - 2,)), (axes, axes))


UFUNCS["matmul"] = matmul


@implements(np.dot)
def _dot(a: Any, b: Any) -> Traced:
    a, b = as_traced(a), as_traced(b)
    if not a.ndim or not b.ndim:
        return a * b  # type: ignore[no-any-return]
    rows = max(b.ndim - 2, 0)
    _check_inner("np.dot", a.shape[-1], b.shape[rows], a, b)
    return contract(a, b, ((a.ndim - 1,), (rows,)))

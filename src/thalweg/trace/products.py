"""How NumPy's products of arrays are traced: all of them are the primitive `dot`."""

from __future__ import annotations

from typing import Any

import numpy

from ..errors import ShapeError
from ..graph import Shape
from ..ops.contraction import dot
from .reductions import implements
from .source import current_source
from .sparse import is_sparse, sparse_product
from .traced import UFUNCS, Traced, as_traced, common_dtype
from .ufuncs import broadcast_shapes, broadcast_to, cast

np: Any = numpy
"""NumPy, whose type stubs do not know that its functions accept traced values."""


def contract(a: Any, b: Any, axes: tuple[Shape, Shape], shared: tuple[Shape, Shape] = ((), ())) -> Traced:
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
    if is_sparse(a) or is_sparse(b):
        return sparse_product(a, b)
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
        return (
            np.moveaxis(contract(a, b, ((a.ndim - 1,), (rows,))), 0, -2)
            if a.ndim == 2
            else contract(a, b, ((0,), (rows,)))
        )
    shared = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = broadcast_to(a, (*shared, *a.shape[-2:])), broadcast_to(b, (*shared, *b.shape[-2:]))
    axes = tuple(range(len(shared)))
    return contract(a, b, ((a.ndim - 1,), (b.ndim - 2,)), (axes, axes))


UFUNCS["matmul"] = matmul


@implements(np.dot)
def _dot(a: Any, b: Any) -> Traced:
    if is_sparse(a) or is_sparse(b):
        return sparse_product(a, b)
    a, b = as_traced(a), as_traced(b)
    if not a.ndim or not b.ndim:
        return a * b
    rows = max(b.ndim - 2, 0)
    _check_inner("np.dot", a.shape[-1], b.shape[rows], a, b)
    return contract(a, b, ((a.ndim - 1,), (rows,)))


@implements(np.inner)
def _inner(a: Any, b: Any) -> Traced:
    a, b = as_traced(a), as_traced(b)
    if not a.ndim or not b.ndim:
        return a * b
    _check_inner("np.inner", a.shape[-1], b.shape[-1], a, b)
    return contract(a, b, ((a.ndim - 1,), (b.ndim - 1,)))


@implements(np.outer)
def _outer(a: Any, b: Any) -> Traced:
    return as_traced(a).reshape((-1, 1)) * as_traced(b).reshape((1, -1))


@implements(np.vdot)
def _vdot(a: Any, b: Any) -> Traced:
    return _dot(as_traced(a).reshape(-1), as_traced(b).reshape(-1))


@implements(np.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Traced:
    a, b = as_traced(a), as_traced(b)
    if isinstance(axes, int):
        left: Any = tuple(range(a.ndim - axes, a.ndim))
        right: Any = tuple(range(axes))
    else:
        left, right = (part if isinstance(part, tuple | list) else (part,) for part in axes)
    normal = np.lib.array_utils.normalize_axis_tuple
    return contract(a, b, (tuple(normal(left, a.ndim)), tuple(normal(right, b.ndim))))


@implements(np.kron)
def _kron(a: Any, b: Any) -> Traced:
    a, b = as_traced(a), as_traced(b)
    ndim = max(a.ndim, b.ndim)
    a = a.reshape((1,) * (ndim - a.ndim) + a.shape)
    b = b.reshape((1,) * (ndim - b.ndim) + b.shape)
    left = a.reshape(tuple(n for extent in a.shape for n in (extent, 1)))
    right = b.reshape(tuple(n for extent in b.shape for n in (1, extent)))
    return (left * right).reshape(tuple(m * n for m, n in zip(a.shape, b.shape, strict=True)))


@implements(np.cross)
def _cross(a: Any, b: Any) -> Traced:
    a, b = as_traced(a), as_traced(b)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise ShapeError(f"{current_source()}: np.cross is traced for vectors of three: {a.shape}, {b.shape}")
    x, y = [a[..., i] for i in range(3)], [b[..., i] for i in range(3)]
    parts = [x[(i + 1) % 3] * y[(i + 2) % 3] - x[(i + 2) % 3] * y[(i + 1) % 3] for i in range(3)]
    return np.stack(parts, axis=-1)


@implements(np.linalg.multi_dot)
def _multi_dot(arrays: Any) -> Traced:
    result = arrays[0]
    for array in arrays[1:]:
        result = np.dot(result, array)
    return result


@implements(np.linalg.matrix_power)
def _matrix_power(a: Any, n: int) -> Traced:
    x = as_traced(a)
    if n < 0:
        return _matrix_power(np.linalg.inv(x), -n)
    if n == 0:
        return as_traced(np.broadcast_to(np.eye(x.shape[-1], dtype=x.dtype), x.shape))
    half = _matrix_power(x, n // 2) if n > 1 else None
    square = x if half is None else matmul(half, half)
    return matmul(square, x) if n > 1 and n % 2 else square


UFUNCS["vecdot"] = lambda a, b, **_: np.sum(a * b, axis=-1)
UFUNCS["matvec"] = lambda a, b, **_: matmul(a, as_traced(b)[..., None])[..., 0]
UFUNCS["vecmat"] = lambda a, b, **_: matmul(as_traced(a)[..., None, :], b)[..., 0, :]

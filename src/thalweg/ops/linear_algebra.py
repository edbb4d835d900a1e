"""Dense linear algebra on the last two axes: cholesky, solve, slogdet. LAPACK does the work.

Derivatives: M. Giles, *Collected matrix derivative results for forward and reverse mode algorithmic
differentiation* (2008); I. Murray, *Differentiation of the Cholesky decomposition* (2016).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError
from ..graph import Array, ArrayType, Primitive
from .declare import apply, batch_size, lift, primitive


def _check_square(name: str, a: ArrayType) -> None:
    if len(a.shape) < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"{name}: expected square matrices on the last two axes, found {a}")


def transposed(a: Any) -> Any:
    """The matrix transpose on the last two axes."""
    return np.swapaxes(a, -1, -2)


def _batch_all(declared: str) -> Any:
    def batch(is_batched: tuple[bool, ...], *xs: Any, **attributes: Any) -> Any:
        from .declare import PRIMITIVES

        size = batch_size(is_batched, xs)
        lifted = [lift(x, batched, size) for x, batched in zip(xs, is_batched, strict=True)]
        return apply(PRIMITIVES[declared], *lifted, **attributes)

    return batch


# solve
def _infer_solve(a: ArrayType, b: ArrayType) -> ArrayType:
    _check_square("solve", a)
    if a.shape[:-1] != b.shape[:-1] or len(b.shape) != len(a.shape):
        raise ShapeError(f"solve: the matrix {a} and the right-hand sides {b} do not fit")
    return b


def _evaluate_solve(a: Array, b: Array) -> Array:
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        return np.full_like(b, np.nan)


def _jvp_solve(tangents: tuple[Any, ...], y: Any, a: Any, b: Any) -> Any:
    of_a, of_b = tangents
    right = 0 if of_b is None else of_b
    return apply(solve, a, right if of_a is None else right - of_a @ y)


solve: Primitive = primitive(
    Primitive(
        "solve",
        _infer_solve,
        _evaluate_solve,
        _jvp_solve,
        (
            lambda adjoint, y, a, b: -apply(solve, transposed(a), adjoint) @ transposed(y),
            lambda adjoint, y, a, b: apply(solve, transposed(a), adjoint),
        ),
        _batch_all("solve"),
    )
)
"""x with a @ x = b, for matrices b. NaN where a is singular."""


# cholesky
def _infer_cholesky(a: ArrayType) -> ArrayType:
    _check_square("cholesky", a)
    return a


def _evaluate_cholesky(a: Array) -> Array:
    try:
        return np.linalg.cholesky(a)
    except np.linalg.LinAlgError:
        return np.full_like(a, np.nan)


def _lower_half(a: Any) -> Any:
    """The lower triangle with half of the diagonal."""
    n = a.shape[-1]
    return a * (np.tril(np.ones((n, n)), -1) + 0.5 * np.eye(n)).astype(a.dtype)


def _jvp_cholesky(tangents: tuple[Any, ...], y: Any, a: Any) -> Any:
    tangent = (tangents[0] + transposed(tangents[0])) / 2
    inner = apply(solve, y, transposed(apply(solve, y, tangent)))
    return y @ _lower_half(inner)


def _vjp_cholesky(adjoint: Any, y: Any, a: Any) -> Any:
    inner = _lower_half(transposed(y) @ np.tril(adjoint))
    outer = apply(solve, transposed(y), transposed(apply(solve, transposed(y), transposed(inner))))
    return (outer + transposed(outer)) / 2


cholesky = primitive(
    Primitive("cholesky", _infer_cholesky, _evaluate_cholesky, _jvp_cholesky, (_vjp_cholesky,), _batch_all("cholesky"))
)
"""The lower triangular L with L @ Lᵀ = a, for symmetric a. NaN where a is not positive definite."""


# slogdet
def _infer_slogdet(a: ArrayType) -> ArrayType:
    _check_square("slogdet", a)
    return ArrayType((*a.shape[:-2], 2), a.dtype)


def _evaluate_slogdet(a: Array) -> Array:
    sign, logarithm = np.linalg.slogdet(a)
    return np.stack([sign, logarithm], axis=-1)


def _jvp_slogdet(tangents: tuple[Any, ...], y: Any, a: Any) -> Any:
    of_logarithm = np.trace(apply(solve, a, tangents[0]), axis1=-2, axis2=-1)
    return np.stack([0 * of_logarithm, of_logarithm], axis=-1)


def _vjp_slogdet(adjoint: Any, y: Any, a: Any) -> Any:
    identity = np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape)
    return adjoint[..., 1][..., None, None] * transposed(apply(solve, a, identity))


slogdet = primitive(
    Primitive("slogdet", _infer_slogdet, _evaluate_slogdet, _jvp_slogdet, (_vjp_slogdet,), _batch_all("slogdet"))
)
"""Sign and logarithm of the absolute value of the determinant, stacked on a last axis."""

"""LAPACK, for compiled code: the functions that it calls for each matrix."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from ...graph import Array
from ...ops import linear_algebra

__all__ = ["LAPACK_FUNCTIONS", "lapack_function"]

LAPACK_FUNCTIONS = tuple(f"thalweg_{name}{bits}" for name in ("solve", "cholesky", "slogdet") for bits in (32, 64))
"""The symbols that compiled code may refer to."""


def _array(address: int, shape: tuple[int, ...], dtype: Any) -> Array:
    kind = ctypes.c_float if dtype == np.float32 else ctypes.c_double
    return np.ctypeslib.as_array(ctypes.cast(address, ctypes.POINTER(kind)), shape)


def _solve(dtype: Any) -> Callable[..., None]:
    def solve(n: int, columns: int, a: int, b: int, result: int) -> None:
        shape = (n, columns)
        found = linear_algebra.solve.evaluate(_array(a, (n, n), dtype), _array(b, shape, dtype))
        _array(result, shape, dtype)[...] = found

    return solve


def _cholesky(dtype: Any) -> Callable[..., None]:
    def cholesky(n: int, _: int, a: int, result: int) -> None:
        found = linear_algebra.cholesky.evaluate(_array(a, (n, n), dtype))
        _array(result, (n, n), dtype)[...] = found

    return cholesky


def _slogdet(dtype: Any) -> Callable[..., None]:
    def slogdet(n: int, _: int, a: int, result: int) -> None:
        found = linear_algebra.slogdet.evaluate(_array(a, (n, n), dtype))
        _array(result, (2,), dtype)[...] = found

    return slogdet


_MAKERS = {"solve": _solve, "cholesky": _cholesky, "slogdet": _slogdet}


@cache
def lapack_function(symbol: str) -> Any:
    """A C function that calls LAPACK through NumPy; kept alive for as long as the process."""
    name, bits = symbol.removeprefix("thalweg_")[:-2], symbol[-2:]
    pointers = [ctypes.c_void_p] * (3 if name == "solve" else 2)
    kind = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, *pointers)
    return kind(_MAKERS[name](np.float32 if bits == "32" else np.float64))

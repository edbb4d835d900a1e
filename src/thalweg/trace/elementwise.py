"""NumPy's functions of each element that are no ufuncs."""

from __future__ import annotations

from typing import Any

import numpy

from .reductions import implements
from .rules import UFUNCS
from .traced import Traced, as_traced

np: Any = numpy
"""NumPy, whose type stubs do not know that its functions accept traced values."""


@implements(np.clip)
def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Traced:
    x = as_traced(a)
    low = a_min if a_min is not None else min
    high = a_max if a_max is not None else max
    if low is not None:
        x = np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


@implements(np.nan_to_num)
def _nan_to_num(x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Traced:
    value = as_traced(x)
    limits = np.finfo(value.dtype)
    value = np.where(np.isnan(value), nan, value)
    value = np.where(np.equal(value, np.inf), limits.max if posinf is None else posinf, value)
    return np.where(np.equal(value, -np.inf), limits.min if neginf is None else neginf, value)


@implements(np.round, np.around)
def _round(a: Any, decimals: int = 0) -> Traced:
    return np.rint(a * 10.0**decimals) / 10.0**decimals


@implements(np.real)
def _real(val: Any) -> Traced:
    return as_traced(val)


@implements(np.sinc)
def _sinc(x: Any) -> Traced:
    value = as_traced(x) * np.pi
    is_zero = np.equal(value, 0)
    return np.where(is_zero, 1, np.sin(value) / np.where(is_zero, 1, value))


@implements(np.polyval)
def _polyval(p: Any, x: Any) -> Any:
    result: Any = 0
    for coefficient in p if isinstance(p, Traced) else np.asarray(p):
        result = result * x + coefficient
    return result


UFUNCS["clip"] = lambda x, low, high, **_: _clip(x, low, high)

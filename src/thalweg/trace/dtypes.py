"""The dtypes that thalweg computes in."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import TracingError
from ..graph import Array, ArrayType
from .source import at_line

__all__ = ["common_dtype", "supported_dtype", "type_of"]

_DTYPES = {
    "b": np.dtype(np.bool_),
    "i": np.dtype(np.int64),
    "u": np.dtype(np.int64),
    "f4": np.dtype(np.float32),
    "f8": np.dtype(np.float64),
}


_WORDS = "Write codes in place of words: classes, codes = np.unique(words, return_inverse=True)."
_DATES = "Write numbers in place of dates: (dates - dates.min()) / np.timedelta64(1, 'D')."
_CAST = "Write x.astype(np.float64) before the descent."
_REMEDIES = {
    "c": "Write real and imaginary parts as two arrays, x.real and x.imag.",
    **dict.fromkeys("SU", _WORDS),
    **dict.fromkeys("mM", _DATES),
    "O": "An array holds Python objects: words, None, lists of different lengths, or a sparse matrix. Write x.astype(np.float64) before the "
    "descent, codes for words, S.toarray() for a sparse matrix (S @ x can be traced), and join traced values with np.stack or np.array.",
}
"""What to write, by the kind of the dtype."""


@lru_cache(maxsize=64)
def supported_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype in which thalweg computes values of the given one: bool, int64, float32 or float64."""
    found = _DTYPES.get(dtype.kind) or _DTYPES.get(dtype.str[1:])
    if found is None:
        raise TracingError(
            f"{at_line()}thalweg computes with float32, float64, integers and booleans, not with {dtype}. {_REMEDIES.get(dtype.kind, _CAST)}"
        )
    return found


def common_dtype(*values: Any) -> np.dtype[Any]:
    """The dtype in which values are combined; Python numbers take the dtype of the arrays that they meet."""
    kinds = [getattr(value, "dtype", value) for value in values]
    kinds = [kind if isinstance(kind, np.dtype | int | float) else np.asarray(kind).dtype for kind in kinds]
    return supported_dtype(np.result_type(*kinds))


def type_of(value: Array) -> ArrayType:
    """The type that a graph gives to an array."""
    return ArrayType(value.shape, supported_dtype(value.dtype))

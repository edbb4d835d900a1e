"""What Arrow's own functions lack: a type for the values of two, and NumPy's view without importing pandas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..graph import Array

__all__ = ["as_floats", "as_numpy", "as_truth", "cast", "common_type", "number_array", "text_array"]


def common_type(a: Any, b: Any) -> Any:
    """A type that holds the values of both; text if nothing else does.

    >>> common_type(pa.int64(), pa.float32())
    DataType(double)
    >>> common_type(pa.bool_(), pa.float32())
    DataType(string)
    """
    kinds = pa.types
    if a == b or kinds.is_null(b):
        return a
    if kinds.is_null(a):
        return b
    if kinds.is_dictionary(a) or kinds.is_dictionary(b):
        return common_type(*(kind.value_type if kinds.is_dictionary(kind) else kind for kind in (a, b)))
    if kinds.is_integer(a) and kinds.is_integer(b) and pa.uint64() not in (a, b):
        return pa.int64()
    if all(kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_decimal(kind) for kind in (a, b)):
        return pa.float64()
    if all((kinds.is_timestamp(kind) and kind.tz is None) or kinds.is_date(kind) for kind in (a, b)):
        return pa.timestamp("us")
    return pa.string()


def cast(array: Any, kind: Any) -> Any:
    """An Arrow array as another type. Arrow's own `cast` has gaps: dictionaries of views, as Polars has them."""
    if array.type == kind:
        return array
    if pa.types.is_dictionary(array.type):
        words = array.dictionary
        words = pc.cast(words, pa.string()) if pa.types.is_string_view(words.type) else words
        return cast(words.take(array.indices), kind)
    return pc.cast(array, kind, safe=False)


def as_numpy(array: Any, dtype: npt.DTypeLike, missing: float) -> Array:
    """An Arrow array of numbers in NumPy. Arrow's own `to_numpy` imports pandas where it is installed: 0.2 s."""
    if not len(array):
        return np.empty(0, dtype)
    wanted = pa.from_numpy_dtype(np.dtype(dtype))
    array = array if array.type == wanted else pc.cast(array, wanted, safe=False)  # a cast to the same type takes time
    if array.null_count == len(array):
        return np.full(len(array), missing, dtype)
    values: Array = np.frombuffer(array.buffers()[1], dtype, len(array), array.offset * np.dtype(dtype).itemsize)
    if not array.null_count:
        return values
    is_missing = np.from_dlpack(pc.cast(pc.is_null(array), pa.int8())).astype(bool)
    return np.where(is_missing, np.asarray(missing, dtype), values)


def number_array(values: Array) -> Any:
    """float64 or int64 numbers (N,) as an Arrow array. Arrow's own `array` imports pandas where it is installed."""
    kind = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def text_array(words: Sequence[str]) -> Any:
    """Words as an Arrow array. Arrow's own `array` imports pandas where it is installed."""
    encoded = [word.encode() for word in words]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(words), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded)))


def as_truth(array: Any) -> Array:
    """An Arrow array of booleans in NumPy; what is missing is false."""
    return as_numpy(pc.cast(array, pa.int8()), np.int8, 0).astype(bool)


def as_floats(data: Any) -> Array:
    """A chunked array of numbers or booleans as float64, NaN for what is missing; chunk by chunk, so copied once."""
    values, start = np.empty(len(data)), 0
    for chunk in data.chunks:
        numbers = pc.cast(chunk, pa.int8()) if pa.types.is_boolean(chunk.type) else chunk
        values[start : start + len(chunk)] = as_numpy(numbers, np.float64, np.nan)
        start += len(chunk)
    return values

"""What Arrow's own functions lack: a type for the values of two, and NumPy's view without importing pandas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..graph import Array
from . import compute as pc

__all__ = [
    "as_floats",
    "as_numpy",
    "as_truth",
    "cast",
    "common_type",
    "decoded",
    "encoded",
    "is_missing",
    "is_text",
    "number_array",
    "text_array",
]


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


def is_text(kind: Any) -> bool:
    """Whether a type is that of text, other than views."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def encoded(table: Any) -> Any:
    """A table whose columns of text are dictionaries of their different words."""
    for place, field in enumerate(table.schema):
        if is_text(field.type):
            table = table.set_column(place, field.name, pc.dictionary_encode(table.column(place)))
    return table


def decoded(data: Any) -> Any:
    """A chunked array without a dictionary."""
    kind = pa.string() if pa.types.is_string_view(data.type.value_type) else data.type.value_type
    return pa.chunked_array([cast(chunk, kind) for chunk in data.chunks], kind)


def as_numpy(array: Any, dtype: npt.DTypeLike, missing: float) -> Array:
    """An Arrow array of numbers in NumPy. Arrow's own `to_numpy` imports pandas where it is installed: 0.2 s."""
    if not len(array):
        return np.empty(0, dtype)
    if array.null_count == len(array):
        return np.full(len(array), missing, dtype)
    wanted = np.dtype(dtype)
    own = _dtype_of(array.type)
    if own is None or (own.kind == "f" and wanted.kind != "f"):
        array, own = pc.cast(array, pa.from_numpy_dtype(wanted), safe=False), wanted
    values: Array = np.frombuffer(array.buffers()[1], own, len(array), array.offset * own.itemsize)
    values = values.astype(wanted, copy=False)
    if not array.null_count:
        return values
    return np.where(is_missing(array), np.asarray(missing, wanted), values)


def _dtype_of(kind: Any) -> np.dtype[Any] | None:
    """The dtype of Arrow's numbers, which lie in memory as NumPy's do; dates and times count units. None for other types."""
    if pa.types.is_floating(kind):
        return np.dtype(f"f{kind.bit_width // 8}")
    if pa.types.is_integer(kind):
        return np.dtype(f"{'i' if pa.types.is_signed_integer(kind) else 'u'}{kind.bit_width // 8}")
    return np.dtype(f"i{kind.bit_width // 8}") if pa.types.is_temporal(kind) else None


def is_missing(array: Any) -> Array:
    """Which values of an Arrow array are missing."""
    if array.null_count in (0, len(array)):
        return np.full(len(array), array.null_count > 0)
    return ~_bits(array.buffers()[0], array)


def _bits(buffer: Any, array: Any) -> Array:
    """One of an array's bitmaps as booleans."""
    end = array.offset + len(array)
    bits = np.unpackbits(np.frombuffer(buffer, np.uint8), count=end, bitorder="little")
    return bits[array.offset :].astype(bool)


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
    if not len(array):
        return np.zeros(0, bool)
    return _bits(array.buffers()[1], array) & ~is_missing(array)


def as_floats(data: Any) -> Array:
    """A chunked array of numbers or booleans as float64, NaN for what is missing; chunk by chunk, so copied once."""
    values, start = np.empty(len(data)), 0
    for chunk in data.chunks:
        place = slice(start, start + len(chunk))
        if pa.types.is_boolean(chunk.type):
            values[place] = np.where(is_missing(chunk), np.nan, as_truth(chunk))
        else:
            values[place] = as_numpy(chunk, np.float64, np.nan)
        start += len(chunk)
    return values

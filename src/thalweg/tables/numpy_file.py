"""NumPy's files: `.npy` with one array, `.npz` with several."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from ..errors import TableError
from ..graph import Array
from .files import open_seekable, split_ending
from .part import Part, cast_batch

__all__ = ["NumpyFile"]

_ROWS = 1 << 16


class NumpyFile(Part):
    """Columns from arrays whose first axis are the rows.

    A structured array has a column for each field. Of an `.npz`, an array of one axis is a column of its name, and one of two
    axes, X, is the columns X_0, X_1, ... The array of an `.npy` is called x. Files that would run code (pickles) are refused.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.how = "NumPy"

    def schema(self) -> Any:
        return pa.schema([(name, self._arrow(name, values[:1]).type) for name, values in self._columns.items()])

    def batches(self, schema: Any) -> Iterator[Any]:
        own = self.schema()
        count = len(next(iter(self._columns.values()), ()))
        for start in range(0, count, _ROWS):
            arrays = [self._arrow(name, values[start : start + _ROWS]) for name, values in self._columns.items()]
            yield cast_batch(pa.RecordBatch.from_arrays(arrays, schema=own), schema, self)

    @cached_property
    def _columns(self) -> dict[str, Array]:
        """Views of one axis each; of a file that is not compressed they lie on disk until they are read."""
        columns: dict[str, Array] = {}
        for name, array in self._arrays().items():
            columns.update(self._views(name, array))
        lengths = {len(values) for values in columns.values()}
        if len(lengths) > 1:
            shapes = ", ".join(f"{name} {array.shape}" for name, array in self._arrays().items())
            raise TableError(
                f"{self.path}: its arrays have different numbers of rows: {shapes}. A table needs one row for each example in "
                "all of them; save those that belong together."
            )
        return columns

    def _arrays(self) -> dict[str, Array]:
        stream = open_seekable(self.path)
        magic = stream.read(6)
        stream.seek(0)
        try:
            if magic.startswith(b"PK"):
                with np.load(stream, allow_pickle=False) as loaded:
                    return dict(loaded)
            if magic != b"\x93NUMPY":
                raise ValueError("it begins otherwise")
            if split_ending(self.path)[1] is None:
                return {"x": np.lib.format.open_memmap(self.path, mode="r")}
            return {"x": np.lib.format.read_array(stream, allow_pickle=False)}
        except (ValueError, EOFError, zipfile.BadZipFile) as error:
            hint = (
                "it holds Python objects, which would have to be unpickled, and that can run code. Save plain arrays."
                if "Object arrays" in str(error) or "Python objects" in str(error)
                else f"{str(error).rstrip('.')}. Is the file whole, and is its ending right?"
            )
            raise TableError(f"{self.path} cannot be read as a NumPy file: {hint}") from None

    def _views(self, name: str, array: Array) -> dict[str, Array]:
        if array.dtype.names:
            return {field: array[field] for field in array.dtype.names}
        if array.ndim == 1:
            return {name: array}
        if array.ndim == 2:
            return {f"{name}_{place}": array[:, place] for place in range(array.shape[1])}
        raise TableError(
            f"{self.path}: the array {name} has {array.ndim} axes, shape {array.shape}. A table has one (a column) or two (rows "
            "and columns): reshape it to (rows, -1)."
        )

    def _arrow(self, name: str, values: Array) -> Any:
        try:
            return pa.array(np.ascontiguousarray(values, values.dtype.newbyteorder("=")))
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
            raise TableError(
                f"{self.path}: the column {name!r} holds {values.dtype} values; numbers, booleans, text and dates can be used."
            ) from None

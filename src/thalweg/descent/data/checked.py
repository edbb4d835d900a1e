"""What is given as data, as arrays of numbers; else an error names the array and says how it becomes numbers."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from numbers import Number
from typing import Any

import numpy as np
import optree

from ...errors import DataError
from ...trace.traced import supported_dtype
from ..parameters import flatten

__all__ = ["arguments_of"]


def arguments_of(data: Any) -> tuple[Any, ...]:
    """The arguments that the loss gets after the parameters, with tables of other libraries as arrays; nestings stay.

    Raises DataError for words, objects, dates, sparse and masked arrays, and lists whose rows differ in length.

    >>> arguments_of(["red", "blue"])
    Traceback (most recent call last):
    thalweg.errors.DataError: data holds words (dtype <U4), and a loss computes with numbers. Write codes in their place: classes, codes = \
np.unique(words, return_inverse=True).
    """
    is_tuple = isinstance(data, tuple)
    arguments = data if is_tuple else (data,)
    return tuple(_argument(x, f"data[{i}]" if is_tuple else "data") for i, x in enumerate(arguments))


def _argument(value: Any, name: str) -> Any:
    if isinstance(value, dict | tuple):
        leaves, structure = flatten(value)
        labels = ["".join(f"[{part!r}]" for part in path) for path in optree.treespec_paths(structure)]
        arrays = [_array(leaf, name + label) for leaf, label in zip(leaves, labels, strict=True)]
        return optree.tree_unflatten(structure, arrays)
    return _array(value, name)


def _array(value: Any, name: str) -> Any:
    # What the user has made of these libraries is of modules that are loaded.
    sparse, masked = sys.modules.get("scipy.sparse"), sys.modules.get("numpy.ma")
    if sparse is not None and sparse.issparse(value):
        raise DataError(
            f"{name} is sparse, of the shape {value.shape}, and data are dense arrays, whose rows are read. Write {name}.toarray(); or "
            "leave it out of data= and write matrix @ w in the loss, which can be sparse."
        )
    if masked is not None and masked.is_masked(value):
        raise DataError(
            f"{name} is a masked array, and its mask would be lost. Pass two arrays, x.filled(0) and weights = ~np.ma.getmaskarray(x), and "
            "weight the terms of the loss; or leave the masked rows out."
        )
    try:
        array = np.asarray(value)
    except ValueError:
        if isinstance(value, list) and all(isinstance(part, np.ndarray) for part in value):
            raise DataError(f"{name} is a list of arrays of several shapes. Write a tuple: data=(X, y).") from None
        raise DataError(
            f"{name} is a {type(value).__name__} whose rows differ in length, and cannot become an array. Give all rows one length, and tell "
            "with an array of weights, 0 or 1, what is filling."
        ) from None
    if array.dtype.kind in "SU":
        raise DataError(
            f"{name} holds words (dtype {array.dtype}), and a loss computes with numbers. Write codes in their place: classes, codes = "
            "np.unique(words, return_inverse=True)."
        )
    if array.dtype.kind in "mM":
        raise DataError(
            f"{name} holds dates or times (dtype {array.dtype}), and a loss computes with numbers. Write days in their place: "
            "(dates - dates.min()) / np.timedelta64(1, 'D')."
        )
    if array.dtype.kind == "O":
        _refuse_objects(value, array, name)
    if array.dtype.kind == "c":
        raise DataError(
            f"{name} holds complex numbers (dtype {array.dtype}). Pass its real and its imaginary part as two arrays: {name}.real, {name}.imag."
        )
    if array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
        raise DataError(
            f"{name} has the dtype {array.dtype}, and thalweg computes with float32 and float64. Write {name}.astype("
            f"np.{'float32' if array.dtype.itemsize < 4 else 'float64'})."
        )
    supported_dtype(array.dtype)
    return array


def _refuse_objects(value: Any, array: Any, name: str) -> None:
    """Raises DataError for an array of Python objects, naming one that is no number."""
    place = next((place for place, item in np.ndenumerate(array) if not isinstance(item, Number)), None)
    if place is None:
        raise DataError(
            f"{name} holds Python objects (dtype object). They are numbers: write {name}.astype(np.float64)."
        )
    item = array[place]
    columns: Sequence[Any] = getattr(value, "columns", ())
    where = f" in row {place[0]}" if place else ""
    if len(place) == 2:
        where += f", column {columns[place[1]]!r}" if len(columns) == array.shape[1] else f", column {place[1]}"
    what = (
        "Write codes in place of words: classes, codes = np.unique(words, return_inverse=True)."
        if isinstance(item, str)
        else f"Leave such rows out or fill them in, then {name}.astype(np.float64)."
    )
    shown = repr(item) if isinstance(item, str) or item is None else f"a {type(item).__name__}"
    raise DataError(
        f"{name} holds Python objects (dtype object), such as {shown}{where} (counted from 0), and a loss computes with numbers. {what}"
    )

"""Arrays that are made while a loss is traced, and may be filled with traced values: `y = np.zeros(n)`, then `y[i] = ...`.

A LocalArray is an ordinary array until a traced value is assigned to some of it, and ordinary code gets ordinary numbers from it. From
then on its shadow says which elements are traced, in views as well. Traced values that are assigned to themselves, such as the copy
of a parameter, become one, too. They are taken to lie in C order; NumPy lays out what it computes of transposed arrays otherwise, and
then its reshape makes copies where there are views here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import Any

import numpy

from ..errors import ShapeError, TracingError, code_kind
from ..graph import Array
from .assembled import assembled
from .dtypes import supported_dtype
from .rules import FUNCTIONS, begin_assigning, current, fillable
from .shadows import (
    ASTRAY,
    is_tracing,
    labels_of,
    new_shadow,
    number_of,
    owner_of,
    piece_of,
    shadow_of,
    snapshot,
)
from .source import at_line
from .traced import Traced, as_traced, as_view, check_no_strays, traced_function, traced_ufunc
from .ufuncs import broadcast_shapes, cast
from .views import REARRANGING, array_of

np: Any = numpy
"""NumPy, whose type stubs do not know that its functions accept traced values."""

__all__ = ["LocalArray", "holds_traced", "in_order", "local"]


class LocalArray(numpy.ndarray[Any, Any]):
    """An array that was made while a loss is traced."""

    __slots__ = ()

    # Reading
    def __getitem__(self, index: Any) -> Any:
        if _has_traced_part(index):
            return as_traced(self)[index]
        found = super().__getitem__(index)
        shadow = shadow_of(self)
        if isinstance(found, np.generic) and found == found:
            return found
        if shadow is None:
            if isinstance(found, np.generic):
                check_no_strays(np.asarray(found))
            return found
        if isinstance(found, np.generic):
            label = int(shadow.of(self)[index])
            return found if label < 0 else _element(label)
        return _with_labels(found, self, lambda labels: labels[index])

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[index] for index in range(len(self)))

    @property
    def flat(self) -> Any:
        """The elements one after the other: an array, not NumPy's iterator."""
        flat = self.reshape(-1)
        flat.setflags(write=flat.flags.writeable and owner_of(flat) is owner_of(self))
        return flat

    @flat.setter
    def flat(self, value: Any) -> None:
        if _is_traced(value):
            value = np.reshape(value, -1)
            self[...] = value[np.arange(self.size) % value.size].reshape(self.shape)
        else:
            self[...] = np.resize(value, self.shape)

    def astype(self, dtype: Any, *args: Any, **options: Any) -> Any:
        if np.dtype(dtype) == self.dtype and options.get("copy") is False:
            return self
        if labels_of(self) is None:
            return local(_plain(self).astype(dtype, *args, **options))
        return self.copy() if np.dtype(dtype) == self.dtype else as_traced(self).astype(dtype)

    # Assigning
    def __setitem__(self, index: Any, value: Any) -> None:
        if not self.flags.writeable:
            raise ValueError("assignment destination is read-only")
        if _has_traced_part(index):
            _assign_chosen(self, index, value)
            return
        value = np.array(value) if isinstance(value, list | tuple) and holds_traced(value) else value
        if not _is_traced(value):
            super().__setitem__(index, value)
            shadow = shadow_of(self)
            if shadow is not None:
                shadow.of(self)[index] = -1
                shadow.read.clear()
            return
        if self.dtype not in ASTRAY:
            raise TracingError(
                f"{at_line()}a traced value is assigned to an array of {self.dtype}, where NumPy would cut off what such "
                "numbers cannot hold. Make the array of floating-point numbers: np.zeros(n), or x.astype(float)."
            )
        if isinstance(value, Traced):
            value = array_of(value) if array_of(value) is not None else value
        shadow = new_shadow(self)
        labels = shadow.of(self)
        if isinstance(value, LocalArray) and value.dtype == self.dtype:
            given = new_shadow(value).of(value)
            super().__setitem__(index, _plain(value))
            labels[index] = given
        else:
            labels[index] = _labels_for(as_traced(value), labels[index], self.dtype)
            super().__setitem__(index, ASTRAY[self.dtype])
        shadow.read.clear()

    def fill(self, value: Any) -> None:
        self[...] = value

    def sort(self, axis: Any = -1, *args: Any, **options: Any) -> None:
        self[...] = np.sort(self, axis, *args, **options)

    def partition(self, kth: Any, axis: Any = -1, *args: Any, **options: Any) -> None:
        self[...] = np.partition(self, kth, axis, *args, **options)

    # NumPy's protocols
    def __array_ufunc__(self, ufunc: numpy.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        outputs: tuple[Any, ...] = options.get("out") or ()
        if any(_is_traced(x) for x in (*inputs, *outputs, options.get("where"))):
            return traced_ufunc(ufunc, method, inputs, options)
        if outputs:
            options["out"] = tuple(_plain(x) for x in outputs)
        results = getattr(ufunc, method)(*(_plain(x) for x in inputs), **options)
        return outputs[0] if len(outputs) == 1 else outputs or _local(results)

    def __array_function__(self, function: Any, types: Any, args: Iterable[Any], kwargs: Mapping[str, Any]) -> Any:
        first, *others = given = tuple(args)
        if function in REARRANGING and type(first) is LocalArray and not holds_traced([*others, *kwargs.values()]):
            return _rearranged(function, first, *others, **kwargs)
        if holds_traced([*given, *kwargs.values()]):
            return traced_function(function, given, dict(kwargs))
        out = kwargs.get("out")
        results = function(
            *map(_deeply_plain, (first, *others)), **{name: _deeply_plain(value) for name, value in kwargs.items()}
        )
        return _local(results) if out is None else out

    # What an array of known values can do
    def __repr__(self) -> str:
        return repr(_plain(self)) if labels_of(self) is None else f"Traced({as_traced(self).node.type})"

    def __str__(self) -> str:
        return str(_plain(self)) if labels_of(self) is None else repr(self)

    def __deepcopy__(self, memory: Any) -> LocalArray:
        return self.copy()

    def __copy__(self) -> LocalArray:
        return self.copy()


def _element(label: int) -> Traced:
    """One element of a traced value."""
    node, first = piece_of(label)
    piece = Traced(node)
    return (
        piece.reshape(()) if piece.size == 1 else piece[tuple(map(int, np.unravel_index(label - first, piece.shape)))]
    )


def _plain(x: Any) -> Any:
    """An array of known values as NumPy's own, in the same memory."""
    return x.view(numpy.ndarray) if type(x) is LocalArray else x


def _deeply_plain(x: Any) -> Any:
    if isinstance(x, list | tuple) and any(isinstance(part, LocalArray | list | tuple) for part in x):
        parts = [_deeply_plain(part) for part in x]
        return parts if type(x) is list else tuple(parts)
    return _plain(x)


def local(x: Any) -> Any:
    """NumPy's own array as one that may be filled with traced values, in the same memory, while something is traced."""
    return x.view(LocalArray) if type(x) is numpy.ndarray and x.dtype.kind in "fiub" and is_tracing() else x


def _local(results: Any, from_outside: Container[int] = ()) -> Any:
    """What NumPy's own function returned, as arrays that may be filled. from_outside: owners of memory that is not the loss's, by id."""
    if type(results) in (list, tuple):
        return type(results)(_local(part, from_outside) for part in results)
    is_own = type(results) is numpy.ndarray and (results.base is None or id(owner_of(results)) not in from_outside)
    return local(results) if is_own else results


def _is_traced(x: Any) -> bool:
    """Whether a value, or some of an array's elements, are traced."""
    return isinstance(x, Traced) or (type(x) is LocalArray and labels_of(x) is not None)


def holds_traced(value: Any) -> bool:
    """Whether a value is traced, or some of what nested lists and tuples hold."""
    return _is_traced(value) or (isinstance(value, list | tuple) and any(holds_traced(part) for part in value))


def _has_traced_part(index: Any) -> bool:
    return isinstance(index, Traced) or (isinstance(index, tuple) and any(isinstance(part, Traced) for part in index))


def _with_labels(found: Any, source: Array, rearranged: Callable[[Array], Array]) -> Any:
    """Elements that were copied or viewed, with the labels of where they come from."""
    if owner_of(found) is owner_of(source):
        return found
    labels = labels_of(source)
    if labels is not None:
        new_shadow(found).of(found)[...] = rearranged(labels)
    return found


def _rearranged(function: Callable[..., Any], x: LocalArray, *args: Any, **kwargs: Any) -> Any:
    """A function that only moves elements, applied to an array and to its labels."""
    args, kwargs = tuple(map(_plain, args)), {name: _plain(value) for name, value in kwargs.items()}
    found = function(_plain(x), *args, **kwargs)
    if type(found) in (list, tuple):  # pieces, all of them views
        return type(found)(map(local, found))
    result = local(found)
    return _with_labels(result, x, lambda labels: function(labels, *args, **kwargs)) if shadow_of(x) else result


def _labels_for(value: Traced, target: Any, dtype: numpy.dtype[Any]) -> Array:
    """New labels for a value that is assigned where `target` is, which has its shape."""
    value = cast(value, dtype)
    shape = target.shape
    extra = value.ndim - len(shape)
    if extra > 0 and value.shape[:extra] == (1,) * extra:
        value = value.reshape(value.shape[extra:])
    try:
        fits = broadcast_shapes(value.shape, shape) == shape
    except ShapeError:
        fits = False
    if not fits:
        raise ShapeError(f"{at_line()}a value of the shape {value.shape} is assigned where the shape is {shape}")
    first = number_of(np.broadcast_to(value, shape).node)
    return np.arange(first, first + target.size).reshape(shape)


def _assign_chosen(x: Any, index: Any, value: Any) -> None:
    """x[index] = value, where the index is traced: a mask from the first axis on, or a single integer for one axis."""
    if isinstance(index, Traced) and index.dtype == np.bool_:
        if index.shape != x.shape[: index.ndim]:
            raise IndexError(f"{at_line()}a mask of the shape {index.shape} for an array of the shape {x.shape}")
        value = value if isinstance(value, Traced) else np.asarray(value)
        rest = x.shape[index.ndim :]
        if value.ndim > len(rest):
            raise TracingError(
                f"{at_line()}x[mask] = values, with a mask that depends on traced values, takes as many values as elements are "
                "chosen, which is not known. Write x = np.where(mask, y, x), where y has a value for every element."
            )
        x[...] = np.where(index.reshape((*index.shape, *(1 for _ in rest))), value, as_traced(x))
        return
    items = list(index) if isinstance(index, tuple) else [index]
    places = [i for i, item in enumerate(items) if isinstance(item, Traced)]
    (place,) = places if len(places) == 1 else (-1,)
    others = [item for item in items if not isinstance(item, slice | int | np.integer)]
    if place < 0 or len(others) > 1 or items[place].ndim or items[place].dtype.kind != "i":
        raise TracingError(
            f"{at_line()}x[index] = value with an index that depends on traced values is traced for a mask and for a single "
            "integer. Write x = np.where(np.arange(n) == index, value, x)."
        )
    chosen, items[place] = items[place], slice(None)
    before = sum(not isinstance(item, int | np.integer) for item in items[:place])
    view = x[tuple(items)]
    count = view.shape[before]
    position = np.where(chosen < 0, chosen + count, chosen)
    is_there = (np.arange(count) == position).reshape((count, *(1 for _ in view.shape[before + 1 :])))
    value = np.broadcast_to(as_traced(value), view.shape[:before] + view.shape[before + 1 :])
    view[...] = np.where(is_there, np.expand_dims(value, before), as_traced(view))


# Traced values that are assigned to
def _begin(x: Traced) -> LocalArray:
    """A traced value as an array that may be assigned to."""
    if not is_tracing():
        raise TracingError(f"{at_line()}x[...] = value outside of a function that is traced")
    if x.dtype not in ASTRAY:
        raise TracingError(
            f"{at_line()}x[...] = value, where x holds traced values of {x.dtype}. Write np.where(condition, value, x)."
        )
    array = np.full(x.shape, ASTRAY[x.dtype], x.dtype).view(LocalArray)
    first = number_of(x.node)
    new_shadow(array).of(array)[...] = np.arange(first, first + x.size).reshape(x.shape)
    return array


def in_order(x: Any, order: str) -> Any:
    """What np.asarray(x, order=...) returns: the array itself where it lies so in memory, else a copy."""
    if isinstance(x, Traced):
        array = array_of(x)
        if array is None:
            return as_view(x, x, lambda base: in_order(base, order), is_certain=False)
        x = array
    is_so = {"C": x.flags.c_contiguous, "F": x.flags.f_contiguous}
    return x if is_so.get(order, True) else x.copy(order)


def _current_value(x: Any) -> Any:
    """An array as it is now: traced if some of it is, else its numbers, which later assignments do not change."""
    if type(x) is not LocalArray:
        return x
    labels = labels_of(x)
    if labels is None:
        check_no_strays(_plain(x))
        return snapshot(_plain(x), supported_dtype(x.dtype))
    shadow = new_shadow(x)
    place, numbers = shadow.place(x), _plain(x).tobytes()
    node, before = shadow.read.get(place, (None, b""))
    if node is None or numbers != before:
        node = assembled(labels, _plain(x)).node
        shadow.read[place] = node, numbers
    return Traced(node)


FUNCTIONS[begin_assigning] = _begin
FUNCTIONS[current] = _current_value
FUNCTIONS[fillable] = local


# Methods
def _moving(name: str) -> Callable[..., Any]:
    original = getattr(numpy.ndarray, name)

    def method(self: LocalArray, *args: Any, **kwargs: Any) -> Any:
        if holds_traced([*args, *kwargs.values()]):
            return getattr(as_traced(self), name)(*args, **kwargs)
        if labels_of(self) is not None and code_kind(sys._getframe(1).f_code.co_filename) == "library":
            as_traced(self).__array__()  # says that it cannot be: a library's copy is an ordinary array sooner or later
        return _rearranged(original, self, *args, **kwargs)

    method.__name__ = name
    return method


def _computing(name: str) -> Callable[..., Any]:
    original = getattr(numpy.ndarray, name)

    def method(self: LocalArray, *args: Any, **kwargs: Any) -> Any:
        if holds_traced([self, *args, *kwargs.values()]):
            return getattr(np, name)(self, *args, **kwargs)
        return local(original(_plain(self), *args, **kwargs))

    method.__name__ = name
    return method


def _knowing(name: str) -> Callable[..., Any]:
    """A method that needs to know all values."""
    original, refused = getattr(numpy.ndarray, name), getattr(Traced, name)

    def method(self: LocalArray, *args: Any) -> Any:
        return original(self, *args) if labels_of(self) is None else refused(as_traced(self), *args)

    method.__name__ = name
    return method


for _name in ("reshape", "transpose", "ravel", "flatten", "copy", "swapaxes", "squeeze", "take", "repeat", "diagonal"):
    setattr(LocalArray, _name, _moving(_name))
for _name in (
    *("sum", "mean", "prod", "max", "min", "var", "std", "cumsum", "cumprod", "dot", "clip", "trace", "round"),
    *("any", "all", "argmax", "argmin", "argsort", "argpartition", "nonzero", "searchsorted"),
):
    setattr(LocalArray, _name, _computing(_name))


def _refusing(name: str) -> Callable[..., Any]:
    original = getattr(numpy.ndarray, name)

    def method(self: LocalArray, *args: Any, **kwargs: Any) -> Any:
        if holds_traced([self, *args]):
            raise TracingError(f"{at_line()}x.{name}(...) is not traced, and x holds traced values.")
        return original(self, *args, **kwargs)

    method.__name__ = name
    return method


for _name in (
    *("byteswap", "choose", "compress", "dump", "dumps", "getfield", "put", "resize", "setfield", "tobytes", "tofile"),
):
    setattr(LocalArray, _name, _refusing(_name))
for _name in ("__bool__", "__float__", "__int__", "__index__", "item", "tolist"):
    setattr(LocalArray, _name, _knowing(_name))

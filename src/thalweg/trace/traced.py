"""The value that stands for an array while a loss is traced. It answers to NumPy's own protocols."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy

from ..errors import ShapeError, TracingError
from ..graph import Array, Node, Primitive, Shape, constant, make
from .advice import advice_on
from .dtypes import supported_dtype
from .rules import FUNCTIONS, UFUNCS, current, fillable, without_rule
from .shadows import are_assigned, holds_strays
from .source import at_line, current_source
from .unknown import Unknown
from .views import CERTAIN_VIEWS, REARRANGING, VIEWS, WRITING, View, array_of, assignable, is_basic

np: Any = numpy
"""NumPy, whose type stubs do not know that its functions accept traced values."""

__all__ = ["Traced", "as_traced", "as_view", "check_no_strays", "traced_function", "traced_ufunc"]


class Traced(Unknown, numpy.lib.mixins.NDArrayOperatorsMixin):
    """An array whose shape and dtype are known and whose values are not yet."""

    __slots__ = ("_node", "origin")
    __pandas_priority__ = 10_000
    """pandas leaves operations to the operand that has more: a table is data here."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.origin: Any = None
        """None; or, of a view, where it comes from; or the array that it has become by assignments."""

    @property
    def node(self) -> Node:
        """The node that computes the value as it is now."""
        if self.origin is None:
            return self._node
        array = array_of(self)
        return self._node if array is None else as_traced(array).node

    # What an array tells about itself
    @property
    def shape(self) -> Shape:
        return self._node.type.shape

    @property
    def dtype(self) -> numpy.dtype[Any]:
        return self._node.type.dtype

    @property
    def ndim(self) -> int:
        return len(self._node.type.shape)

    @property
    def size(self) -> int:
        return self._node.type.size

    @property
    def T(self) -> Traced:
        return np.transpose(self)

    @property
    def mT(self) -> Traced:
        return np.swapaxes(self, -1, -2)

    @property
    def real(self) -> Traced:
        return np.real(self)

    @property
    def flat(self) -> Any:
        return self.reshape(-1)

    @flat.setter
    def flat(self, value: Any) -> None:
        assignable(self).flat = value

    def __repr__(self) -> str:
        return f"Traced({self._node.type})"

    def __len__(self) -> int:
        if not self.shape:
            raise TracingError(
                f"{at_line()}a traced scalar has no length and cannot be iterated over, like any number. Use x itself, or a parameter with "
                "an axis."
            )
        return self.shape[0]

    def __iter__(self) -> Iterator[Traced]:
        return (self[index] for index in range(len(self)))

    __hash__ = object.__hash__

    # Building the graph
    def apply(self, primitive: Primitive, *others: Any, **attributes: Any) -> Traced:
        """Applies a primitive to this value and others; plain arrays among them become constants."""
        operands = [as_traced(other).node for other in others]
        return Traced(make(primitive, self.node, *operands, source=current_source(), **attributes))

    def __array_ufunc__(self, ufunc: numpy.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        return traced_ufunc(ufunc, method, inputs, options)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return traced_function(function, args, kwargs)

    def __setitem__(self, index: Any, value: Any) -> None:
        assignable(self)[index] = value

    def fill(self, value: Any) -> None:
        self[...] = value

    def sort(self, axis: int = -1, **_: Any) -> None:
        self[...] = np.sort(self, axis=axis)

    def partition(self, kth: Any, axis: int = -1, **_: Any) -> None:
        self[...] = np.partition(self, kth, axis=axis)

    def __round__(self, digits: int | None = None) -> Traced:
        return np.round(self, digits or 0)

    # The rest of an array's methods are NumPy functions of it
    def __getitem__(self, index: Any) -> Traced:
        if self.origin is not None:
            array = array_of(self)
            if array is not None:
                return array[index]
        found = FUNCTIONS[operator.getitem](self, index)
        if found.ndim and is_basic(index):
            return as_view(found, self, lambda base: base[index])
        return _own(found, (self,))  # elements are numbers of their own

    def astype(self, dtype: Any, *, copy: bool = True, **_: Any) -> Traced:
        if not copy and np.dtype(dtype) == self.dtype:
            return self
        return _own(FUNCTIONS[np.ndarray.astype](self, dtype), (self,))

    def reshape(self, *shape: Any, order: str = "C") -> Traced:
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, order=order)

    def transpose(self, *axes: Any) -> Traced:
        return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)

    def flatten(self, order: str = "C") -> Traced:
        return self.reshape(-1, order=order).copy()

    def ravel(self, order: str = "C") -> Traced:
        return self.reshape(-1, order=order)

    def copy(self, order: str = "C") -> Traced:
        array = array_of(self)
        return Traced(self._node) if array is None else array.copy()

    conj = __copy__ = copy

    def __deepcopy__(self, memory: Any) -> Traced:
        return self.copy()


# Views, and values of their own
def as_view(found: Traced, base: Traced, function: Callable[[Any], Any], is_certain: bool = True) -> Traced:
    """The same value, noted as a view of another. is_certain: it is one however that lies in memory, else it may turn out to be a copy."""
    view = Traced(found._node)
    origin = base.origin
    if origin is not None and is_certain and origin.is_certain:
        view.origin = View(origin.base, (*origin.functions, function), True)
    else:
        view.origin = View(base, (function,), is_certain)
    return view


def _own(result: Any, args: tuple[Any, ...]) -> Any:
    """What a function returns as values of their own, no views, which may be assigned to."""
    if type(result) is Traced:
        if result.origin is not None:
            return Traced(result.node)
        for x in args:
            if x is result:
                return Traced(result._node)
        return result
    if type(result) in (list, tuple):
        return type(result)(_own(part, args) for part in result)
    return FUNCTIONS[fillable](result) if type(result) is np.ndarray else result


def _now(x: Any) -> Any:
    """An argument, with arrays that may be assigned to as they are now."""
    kind = type(x)
    if kind is Traced:
        return x
    if kind is list or kind is tuple:
        return kind([_now(part) for part in x])
    return FUNCTIONS[current](x) if isinstance(x, np.ndarray) and kind is not np.ndarray else x


# What NumPy's protocols ask for
def traced_ufunc(ufunc: numpy.ufunc, method: str, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """A ufunc of arguments of which at least one is traced."""
    targets, where = options.pop("out", None), options.pop("where", True)
    key: str = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
    traced = UFUNCS.get(key)
    if traced is None:
        is_numpy = getattr(numpy, ufunc.__name__, None) is ufunc  # a ufunc does not say where it is found
        raise without_rule(key, "np" if is_numpy else "scipy.special")
    if method == "at":
        return traced(*inputs)
    values = inputs
    for x in inputs:
        if type(x) is not Traced:  # else it is as it is now
            values = _now(inputs)
            break
    if where is not True:
        if targets is None or method != "__call__":
            raise TracingError(
                f"{at_line()}np.{key}(..., where=mask) is traced with out=y, an array that holds the elements where the mask is false, "
                "or write np.where(mask, a, b)."
            )
        # Elements that are left out must not spoil the derivatives of the others.
        inside = 2.0 if key == "arccosh" else 0.5
        values = tuple(np.where(where, x, inside) for x in values)
    result = traced(*values, **options)
    if targets is None:
        return _own(result, inputs)
    (target,) = targets if len(targets) == 1 else (None,)
    if where is not True:
        result = np.where(where, result, _now(target))
    if isinstance(target, Traced) and not target.ndim:  # NumPy's numbers do not change
        return _own(result, inputs)
    return _written(target, result, f"np.{key}")


def _written(target: Any, result: Any, name: str) -> Any:
    """Writes what a function returns into its argument `out`."""
    if not isinstance(target, Traced) and (not isinstance(target, np.ndarray) or type(target) is np.ndarray):
        raise TracingError(
            f"{at_line()}{name}(..., out=...) or an operation in place writes traced values into an array that was not made within the "
            f"loss. Write y = {name}(...), or make a copy of the array in the loss: np.array(y)."
        )
    if not np.can_cast(result.dtype, target.dtype, "same_kind"):
        raise TracingError(
            f"{at_line()}an operation in place gives {result.dtype}, and the array holds {target.dtype}. Write y = y + x for y += x, or "
            "make the array of floating-point numbers: y.astype(float)."
        )
    target[...] = result
    return target


def traced_function(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A NumPy function of arguments of which at least one is traced, or that writes into an array."""
    first: Any = args[0] if args else None
    if function in REARRANGING and isinstance(first, Traced):
        array = array_of(first)
        if array is not None:
            return function(array, *args[1:], **kwargs)
    traced = FUNCTIONS.get(function)
    if traced is None:
        raise without_rule(function.__name__, function.__module__.replace("numpy", "np", 1))
    target = kwargs.pop("out", None)
    if function not in WRITING:
        args, kwargs = _now(args), {name: _now(value) for name, value in kwargs.items()}
    try:
        result = traced(*args, **kwargs)
    except ShapeError as error:
        raise ShapeError(f"{at_line()}{error}") from None
    except TypeError as error:
        if isinstance(error, TracingError) or "unexpected keyword argument" not in str(error):
            raise
        option = str(error).rsplit("'", 2)[-2]
        raise TracingError(
            f"{at_line()}np.{function.__name__} is traced without the option {option}=. Leave it away, or "
            "express what it does with other NumPy functions."
        ) from None
    if target is not None:
        return _written(target, result, f"np.{function.__name__}")
    if function not in VIEWS or not isinstance(first, Traced):
        return _own(result, args)
    if isinstance(result, Traced):
        is_in_order = first.origin is None and kwargs.get("order", "C") == "C"
        is_certain = function in CERTAIN_VIEWS or is_in_order
        return as_view(result, first, lambda base: function(base, *args[1:], **kwargs), is_certain)
    return [
        as_view(part, first, lambda base, i=i: function(base, *args[1:], **kwargs)[i])  # type: ignore[misc]
        for i, part in enumerate(result)
    ]


def _method(name: str) -> Callable[..., Any]:
    def method(self: Traced, *args: Any, **kwargs: Any) -> Any:
        return getattr(np, name)(self, *args, **kwargs)

    method.__name__ = name
    return method


for _name in (
    *("sum", "mean", "prod", "max", "min", "var", "std", "cumsum", "cumprod", "dot", "clip", "trace", "round"),
    *("any", "all", "argmax", "argmin", "argsort", "argpartition"),
    *("swapaxes", "squeeze", "take", "repeat", "diagonal"),
):
    setattr(Traced, _name, _method(_name))


_asarray = np.asarray
"""NumPy's own, also while tracing replaces it."""


def check_no_strays(array: Array) -> None:
    """Raises TracingError if an array that should hold numbers holds what stands for traced values."""
    if not holds_strays(array):
        return
    if are_assigned():
        raise TracingError(
            f"{at_line()}an ordinary array has got traced values, by a function that cannot be traced. Make the array within the loss, and "
            "fill it with x[i] = ... or with NumPy functions."
        )
    raise TracingError(
        f"{at_line()}an array holds traced values from an earlier call of the loss. It was kept: in a closure, a class or a default argument. "
        "Make it anew in each call."
    )


def as_traced(value: Any, dtype: numpy.dtype[Any] | None = None) -> Traced:
    """The value itself if it is traced, else a constant (of the given dtype)."""
    if isinstance(value, Traced):
        return value
    if isinstance(value, np.ndarray) and type(value) is not np.ndarray:
        value = FUNCTIONS[current](value)
        if isinstance(value, Traced):
            return value
    masked = sys.modules.get("numpy.ma")
    if masked is not None and masked.is_masked(value):
        raise TracingError(
            f"{at_line()}a masked array takes part in the loss, and its mask would be lost. {advice_on('np.ma')}"
        )
    array = _asarray(value, dtype)
    if not array.ndim or are_assigned():
        check_no_strays(array)
    return Traced(constant(array, supported_dtype(array.dtype)))

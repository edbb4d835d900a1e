"""The value that stands for an array while a loss is traced. It answers to NumPy's own protocols."""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NoReturn

import numpy

from ..errors import ShapeError, TracingError, code_kind, user_line
from ..graph import Array, ArrayType, Node, Primitive, Shape, constant, make
from .advice import advice_on
from .shadows import are_assigned, holds_strays, owner_of
from .source import current_source

np: Any = numpy
"""NumPy, whose type stubs do not know that its functions accept traced values."""

__all__ = ["FUNCTIONS", "UFUNCS", "Traced", "as_traced", "common_dtype", "supported_dtype"]

UFUNCS: dict[str, Callable[..., Any]] = {}
"""How each NumPy or SciPy ufunc is traced, by its name."""

FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}
"""How each NumPy function that dispatches is traced."""

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
def supported_dtype(dtype: numpy.dtype[Any]) -> numpy.dtype[Any]:
    """The dtype in which thalweg computes values of the given one: bool, int64, float32 or float64."""
    found = _DTYPES.get(dtype.kind) or _DTYPES.get(dtype.str[1:])
    if found is None:
        raise TracingError(
            f"{_at()}thalweg computes with float32, float64, integers and booleans, not with {dtype}. {_REMEDIES.get(dtype.kind, _CAST)}"
        )
    return found


def _at() -> str:
    line = user_line()
    return "" if line is None else f"{line}: "


_OF_BRANCHES = (
    "Python's `if`, `while`, `assert`, `and`, `or` and `not` need to know a value that is only traced here. Write np.where(condition, a, b) for "
    "a choice between values, & | ~ between conditions, and (0 < x) & (x < 1) for 0 < x < 1. Leave checks of the values away: a loss that is "
    "not finite is reported."
)
_OF_CALLS = (
    "Python's max(), min(), sorted(), any() and all() compare values that are only traced here. Write np.maximum(a, b) for max(a, b), np.max(x) "
    "for max(x), np.minimum and np.min for min, np.sort(x) for sorted(x), and np.any(x) in np.where(np.any(x), a, b)."
)
_OF_CONTAINING = "Python's `in` compares values that are only traced here. Write np.any(x == value) for value in x, within np.where(..., a, b)."
_OF_PRINTING = (
    "a number is to be written as text, and its value is only traced here: the loss is run once, to be compiled. print(x) shows what x is. "
    "To follow the descent pass progress=True or on_progress=...; what the loss was at each step is in result.history.loss."
)


class Traced(numpy.lib.mixins.NDArrayOperatorsMixin):
    """An array whose shape and dtype are known and whose values are not yet."""

    __slots__ = ("_node", "_origin")
    __pandas_priority__ = 10_000
    """pandas leaves operations to the operand that has more: a table is data here."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._origin: Any = None
        """None; or, of a view, the value that it is a view of, by what functions, and whether it is certainly one; or the array that it has
        become by assignments."""

    @property
    def node(self) -> Node:
        """The node that computes the value as it is now."""
        if self._origin is None:
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
        _assignable(self).flat = value

    def __repr__(self) -> str:
        return f"Traced({self._node.type})"

    def __len__(self) -> int:
        if not self.shape:
            raise TracingError(
                f"{_at()}a traced scalar has no length and cannot be iterated over, like any number. Use x itself, or a parameter with an axis."
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
        _assignable(self)[index] = value

    def fill(self, value: Any) -> None:
        self[...] = value

    def sort(self, axis: int = -1, **_: Any) -> None:
        self[...] = np.sort(self, axis=axis)

    def partition(self, kth: Any, axis: int = -1, **_: Any) -> None:
        self[...] = np.partition(self, kth, axis=axis)

    # What a traced value cannot do
    def __bool__(self) -> NoReturn:
        said = {"CALL": _OF_CALLS, "CONTAINS_OP": _OF_CONTAINING}.get(_asking_instruction(), _OF_BRANCHES)
        raise TracingError(f"{_at()}{said}")

    def __float__(self) -> NoReturn:
        _check_not_assigned()
        if _asking_instruction() == "BINARY_OP":  # "%.3f" % x
            raise TracingError(f"{_at()}{_OF_PRINTING}")
        raise TracingError(
            f"{_at()}float(x), or a function of the math module, needs to know a value that is only traced here. "
            "Write np.exp(x) for math.exp(x), and leave float(...) away. What the loss was at each step is in result.history.loss."
        )

    def __format__(self, form: str) -> str:
        if form:
            raise TracingError(f"{_at()}{_OF_PRINTING}")
        return str(self)

    def __round__(self, digits: int | None = None) -> Traced:
        return np.round(self, digits or 0)

    def __int__(self) -> NoReturn:
        raise TracingError(
            f"{_at()}int(x) needs to know a value that is only traced here. Write np.floor(x), or pass the number "
            "as an ordinary Python argument instead of a parameter."
        )

    def __index__(self) -> NoReturn:
        raise TracingError(
            f"{_at()}a traced value cannot be used where Python needs an integer (range, a shape, a list's index). "
            "Use the shape of an array, or a plain Python integer."
        )

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        _check_not_assigned()
        raise TracingError(
            f"{_at()}a traced value cannot be turned into an ordinary array here: by np.vectorize, or by a function of another library "
            "(such as scipy.stats). Write formulas with NumPy functions of traced values, and join them with np.stack([a, b]) or, called "
            "so, np.array([a, b])."
        )

    def item(self, *_: Any) -> NoReturn:
        raise TracingError(f"{_at()}x.item() needs to know a value that is only traced here. Use x itself.")

    def tolist(self) -> NoReturn:
        raise TracingError(f"{_at()}x.tolist() needs to know values that are only traced here. Use x, or list(x).")

    # The rest of an array's methods are NumPy functions of it
    def __getitem__(self, index: Any) -> Traced:
        if self._origin is not None:
            array = array_of(self)
            if array is not None:
                return array[index]
        found = FUNCTIONS[_getitem](self, index)
        if found.ndim and _is_basic(index):
            return _view(found, self, lambda base: base[index])
        return _own(found, (self,))  # elements are numbers of their own

    def astype(self, dtype: Any, *, copy: bool = True, **_: Any) -> Traced:
        if not copy and np.dtype(dtype) == self.dtype:
            return self
        return _own(FUNCTIONS[_astype](self, dtype), (self,))

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


def _getitem() -> None:
    """Stands for x[...] in the table of functions."""


def _astype() -> None:
    """Stands for x.astype in the table of functions."""


def _begin_assigning() -> None:
    """Stands for a traced value's becoming an array that may be assigned to."""


def _current() -> None:
    """Stands for what an array that may be assigned to holds now."""


def _fillable() -> None:
    """Stands for an ordinary array's becoming one that may be assigned to."""


_CERTAIN_VIEWS: frozenset[Callable[..., Any]] = frozenset(
    {
        *(np.transpose, np.permute_dims, np.swapaxes, np.moveaxis, np.rollaxis, np.expand_dims, np.squeeze, np.real),
        *(np.atleast_1d, np.atleast_2d, np.atleast_3d, np.broadcast_to, np.diagonal, np.flip, np.fliplr, np.flipud),
        *(np.rot90, np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit),
    }
)
"""NumPy's functions that return views of their first argument."""

VIEWS = _CERTAIN_VIEWS | {np.reshape, np.ravel}
"""These return views where they can, which depends on how the argument lies in memory."""

REARRANGING = VIEWS | {np.copy, np.take, np.roll, np.repeat, np.tile}
"""NumPy's functions that only move the elements of their first argument."""

WRITING = frozenset({np.copyto, np.putmask, np.fill_diagonal, np.put, np.put_along_axis})
"""NumPy's functions that write into their first argument."""


# Views, and assignments to them
def array_of(x: Traced) -> Any:
    """The array that a value has become, or is a view of, since something was assigned to it; None if nothing was."""
    origin = x._origin
    if type(origin) is not tuple:
        return origin
    base, functions, _ = origin
    found = owner = array_of(base)
    if owner is None:
        return None
    for function in functions:
        found = function(found)
    is_view = isinstance(found, np.ndarray) and owner_of(found) is owner_of(owner)
    x._origin = found if is_view else None  # NumPy makes copies where views are impossible
    return x._origin


def _assignable(x: Traced) -> Any:
    """The array that a value, and what it is a view of, becomes by an assignment."""
    found = array_of(x)
    if found is None and x._origin is not None:
        _assignable(x._origin[0])
        found = array_of(x)
    if found is None:
        x._origin = found = FUNCTIONS[_begin_assigning](x)
    return found


def _view(found: Traced, base: Traced, function: Callable[[Any], Any], is_certain: bool = True) -> Traced:
    """The same value, noted as a view of another. is_certain: it is one however that lies in memory, else it may turn out to be a copy."""
    view = Traced(found._node)
    origin = base._origin
    if origin is not None and is_certain and origin[2]:
        view._origin = (origin[0], (*origin[1], function), True)
    else:
        view._origin = (base, (function,), is_certain)
    return view


def _is_basic(index: Any) -> bool:
    items = index if isinstance(index, tuple) else (index,)
    return all(item is None or item is Ellipsis or isinstance(item, slice | int | np.integer) for item in items)


def _own(result: Any, args: tuple[Any, ...]) -> Any:
    """What a function returns as values of their own, no views, which may be assigned to."""
    if type(result) is Traced:
        if result._origin is not None:
            return Traced(result.node)
        for x in args:
            if x is result:
                return Traced(result._node)
        return result
    if type(result) in (list, tuple):
        return type(result)(_own(part, args) for part in result)
    return FUNCTIONS[_fillable](result) if type(result) is np.ndarray else result


def _now(x: Any) -> Any:
    """An argument, with arrays that may be assigned to as they are now."""
    kind = type(x)
    if kind is Traced:
        return x
    if kind is list or kind is tuple:
        return kind([_now(part) for part in x])
    return FUNCTIONS[_current](x) if isinstance(x, np.ndarray) and kind is not np.ndarray else x


def _asking_instruction() -> str:
    """The instruction of the code that has called a method of a traced value: within NumPy and SciPy as well as the user's."""
    frame = sys._getframe(2)
    return dis.opname[frame.f_code.co_code[frame.f_lasti]]


def _check_not_assigned() -> None:
    """Raises TracingError if the user's code assigns a traced value to elements of an ordinary array."""
    frame = sys._getframe(2)
    instruction = dis.opname[frame.f_code.co_code[frame.f_lasti]]
    if instruction in ("STORE_SUBSCR", "STORE_SLICE") and code_kind(frame.f_code.co_filename) == "user":
        raise TracingError(
            f"{_at()}a traced value is assigned to elements of an array that was not made within the loss, or not by a function that is "
            "known to make one. First copy it there: y = np.array(y), not y.copy(). Or make it with np.zeros, called so, or its kin."
        )


# What NumPy's protocols ask for
def traced_ufunc(ufunc: numpy.ufunc, method: str, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """A ufunc of arguments of which at least one is traced."""
    targets, where = options.pop("out", None), options.pop("where", True)
    key: str = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
    traced = UFUNCS.get(key)
    if traced is None:
        raise TracingError(
            f"{_at()}{_module_of(ufunc)}.{key} cannot be differentiated by thalweg: it has no rule. "
            f"{_advice_for_function(f'{_module_of(ufunc)}.{key}')}"
        )
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
                f"{_at()}np.{key}(..., where=mask) is traced with out=y, an array that holds the elements where the mask is false, "
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
            f"{_at()}{name}(..., out=...) or an operation in place writes traced values into an array that was not made within the "
            f"loss. Write y = {name}(...), or make a copy of the array in the loss: np.array(y)."
        )
    if not np.can_cast(result.dtype, target.dtype, "same_kind"):
        raise TracingError(
            f"{_at()}an operation in place gives {result.dtype}, and the array holds {target.dtype}. Write y = y + x for y += x, or "
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
        name = f"{function.__module__}.{function.__name__}".replace("numpy", "np", 1)
        raise TracingError(
            f"{_at()}{name} cannot be differentiated by thalweg: it has no rule. {_advice_for_function(name)}"
        )
    target = kwargs.pop("out", None)
    if function not in WRITING:
        args, kwargs = _now(args), {name: _now(value) for name, value in kwargs.items()}
    try:
        result = traced(*args, **kwargs)
    except ShapeError as error:
        raise ShapeError(f"{_at()}{error}") from None
    except TypeError as error:
        if isinstance(error, TracingError) or "unexpected keyword argument" not in str(error):
            raise
        option = str(error).rsplit("'", 2)[-2]
        raise TracingError(
            f"{_at()}np.{function.__name__} is traced without the option {option}=. Leave it away, or "
            "express what it does with other NumPy functions."
        ) from None
    if target is not None:
        return _written(target, result, f"np.{function.__name__}")
    if function not in VIEWS or not isinstance(first, Traced):
        return _own(result, args)
    if isinstance(result, Traced):
        is_in_order = first._origin is None and kwargs.get("order", "C") == "C"
        is_certain = function in _CERTAIN_VIEWS or is_in_order
        return _view(result, first, lambda base: function(base, *args[1:], **kwargs), is_certain)
    return [
        _view(part, first, lambda base, i=i: function(base, *args[1:], **kwargs)[i])  # type: ignore[misc]
        for i, part in enumerate(result)
    ]


def _method(name: str) -> Callable[..., Any]:
    def method(self: Traced, *args: Any, **kwargs: Any) -> Any:
        return getattr(np, name)(self, *args, **kwargs)

    method.__name__ = name
    return method


for _name in (
    *("sum", "mean", "prod", "max", "min", "var", "std", "cumsum", "dot", "clip", "trace", "diagonal"),
    *(
        "repeat",
        "round",
        "squeeze",
        "swapaxes",
        "take",
        "any",
        "all",
        "cumprod",
        "argsort",
        "argpartition",
        "argmax",
        "argmin",
    ),
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
            f"{_at()}an ordinary array has got traced values, by a function that cannot be traced. Make the array within the loss, and "
            "fill it with x[i] = ... or with NumPy functions."
        )
    raise TracingError(
        f"{_at()}an array holds traced values from an earlier call of the loss. It was kept: in a closure, a class or a default argument. "
        "Make it anew in each call."
    )


def as_traced(value: Any, dtype: numpy.dtype[Any] | None = None) -> Traced:
    """The value itself if it is traced, else a constant (of the given dtype)."""
    if isinstance(value, Traced):
        return value
    if isinstance(value, np.ndarray) and type(value) is not np.ndarray:
        value = FUNCTIONS[_current](value)
        if isinstance(value, Traced):
            return value
    masked = sys.modules.get("numpy.ma")
    if masked is not None and masked.is_masked(value):
        raise TracingError(
            f"{_at()}a masked array takes part in the loss, and its mask would be lost. {advice_on('np.ma')}"
        )
    array = _asarray(value, dtype)
    if not array.ndim or are_assigned():
        check_no_strays(array)
    return Traced(constant(array, supported_dtype(array.dtype)))


def common_dtype(*values: Any) -> numpy.dtype[Any]:
    """The dtype in which values are combined; Python numbers take the dtype of the arrays that they meet."""
    kinds = [value.dtype if isinstance(value, Traced | np.ndarray | np.generic) else value for value in values]
    kinds = [kind if isinstance(kind, np.dtype | int | float) else np.asarray(kind).dtype for kind in kinds]
    return supported_dtype(np.result_type(*kinds))


def _module_of(ufunc: numpy.ufunc) -> str:
    """Where a user finds a ufunc, which does not say it itself."""
    return "np" if getattr(numpy, ufunc.__name__, None) is ufunc else "scipy.special"


def _advice_for_function(name: str) -> str:
    advice = advice_on(name)
    if advice is not None and name.startswith("np."):
        return advice
    known = sorted({key for key in UFUNCS if "." not in key} | {f.__name__ for f in FUNCTIONS})
    import difflib

    near = difflib.get_close_matches(name.rpartition(".")[2], known, 3, 0.8)
    hint = f"Similar functions that have one: {', '.join(near)}. " if near else ""
    return f"{hint}{f'{advice} ' if advice else ''}Express it with functions that have one; README lists them."


def type_of(value: Array) -> ArrayType:
    """The type that a graph gives to an array."""
    return ArrayType(value.shape, supported_dtype(value.dtype))

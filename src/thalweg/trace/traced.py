"""The value that stands for an array while a loss is traced. It answers to NumPy's own protocols."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NoReturn

import numpy

from ..errors import ShapeError, TracingError, user_line
from ..graph import Array, ArrayType, Node, Primitive, Shape, constant, make
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


@lru_cache(maxsize=64)
def supported_dtype(dtype: numpy.dtype[Any]) -> numpy.dtype[Any]:
    """The dtype in which thalweg computes values of the given one: bool, int64, float32 or float64."""
    found = _DTYPES.get(dtype.kind) or _DTYPES.get(dtype.str[1:])
    if found is None:
        raise TracingError(
            f"{_at()}thalweg computes with float32, float64, integers and booleans, not with {dtype}. "
            "Write x.astype(np.float64) before the descent, and real and imaginary parts as two arrays."
        )
    return found


def _at() -> str:
    line = user_line()
    return "" if line is None else f"{line}: "


class Traced(numpy.lib.mixins.NDArrayOperatorsMixin):
    """An array whose shape and dtype are known and whose values are not yet."""

    __slots__ = ("node",)

    def __init__(self, node: Node) -> None:
        self.node = node

    # What an array tells about itself
    @property
    def shape(self) -> Shape:
        return self.node.type.shape

    @property
    def dtype(self) -> numpy.dtype[Any]:
        return self.node.type.dtype

    @property
    def ndim(self) -> int:
        return len(self.node.type.shape)

    @property
    def size(self) -> int:
        return self.node.type.size

    @property
    def T(self) -> Traced:
        return np.transpose(self)

    @property
    def mT(self) -> Traced:
        return np.swapaxes(self, -1, -2)

    @property
    def flat(self) -> Iterator[Traced]:
        return iter(self.reshape(-1))

    def __repr__(self) -> str:
        return f"Traced({self.node.type})"

    def __len__(self) -> int:
        if not self.shape:
            raise TracingError(f"{_at()}a traced scalar has no length and cannot be iterated over.")
        return self.shape[0]

    def __iter__(self) -> Iterator[Traced]:
        return iter([self[index] for index in range(len(self))])

    __hash__ = object.__hash__

    # Building the graph
    def apply(self, primitive: Primitive, *others: Any, **attributes: Any) -> Traced:
        """Applies a primitive to this value and others; plain arrays among them become constants."""
        operands = [as_traced(other).node for other in others]
        return Traced(make(primitive, self.node, *operands, source=current_source(), **attributes))

    def __array_ufunc__(self, ufunc: numpy.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if options.pop("out", None) is not None:
            raise TracingError(
                f"{_at()}np.{ufunc.__name__}(..., out=...) or an operation in place writes into an array, and "
                f"traced values cannot be written into. Write y = np.{ufunc.__name__}(...) instead."
            )
        key = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        traced = UFUNCS.get(key)
        if traced is None:
            raise TracingError(
                f"{_at()}{_module_of(ufunc)}.{key.lstrip('_')} cannot be differentiated by thalweg: it has no rule. "
                f"{_advice_for_function(key)}"
            )
        return traced(*inputs, **options)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        traced = FUNCTIONS.get(function)
        if traced is None:
            name = f"{function.__module__}.{function.__name__}".replace("numpy", "np", 1)
            raise TracingError(
                f"{_at()}{name} cannot be differentiated by thalweg: it has no rule. "
                f"{_advice_for_function(function.__name__)}"
            )
        if kwargs.get("out") is not None:
            raise TracingError(
                f"{_at()}np.{function.__name__}(..., out=...) writes into an array, and traced values cannot be "
                f"written into. Leave `out` away and use the value that is returned."
            )
        kwargs.pop("out", None)
        try:
            return traced(*args, **kwargs)
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

    # What a traced value cannot do
    def __bool__(self) -> NoReturn:
        raise TracingError(
            f"{_at()}Python's `if`, `while`, `and`, `or` and `not`, and its max() and min(), need to know a value that is only "
            "traced here. Write np.where(condition, a, b) for a choice between values, np.maximum(a, b) for max(a, b), and "
            "& | ~ between conditions."
        )

    def __float__(self) -> NoReturn:
        raise TracingError(
            f"{_at()}float(x), or a function of the math module, needs to know a value that is only traced here. "
            "Write np.exp(x) for math.exp(x), and leave float(...) away."
        )

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

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise TracingError(
            f"{_at()}x[...] = value writes into an array, and traced values cannot be written into. "
            "Write np.where(condition, value, x), or collect the values in a list, and at the end np.array(the_list)."
        )

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise TracingError(
            f"{_at()}a traced value cannot be turned into an ordinary array here: by np.vectorize, a function of another library "
            "(such as scipy.stats), or an array's own x[i] = .... Write formulas with NumPy functions of traced values, and join "
            "them with np.stack([a, b]) or, called so, np.array([a, b])."
        )

    def item(self, *_: Any) -> NoReturn:
        raise TracingError(f"{_at()}x.item() needs to know a value that is only traced here. Use x itself.")

    def tolist(self) -> NoReturn:
        raise TracingError(f"{_at()}x.tolist() needs to know values that are only traced here. Use x, or list(x).")

    # The rest of an array's methods are NumPy functions of it
    def __getitem__(self, index: Any) -> Traced:
        return FUNCTIONS[_getitem](self, index)

    def astype(self, dtype: Any, **_: Any) -> Traced:
        return FUNCTIONS[_astype](self, dtype)

    def reshape(self, *shape: Any, order: str = "C") -> Traced:
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, order=order)

    def transpose(self, *axes: Any) -> Traced:
        return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)

    def flatten(self, order: str = "C") -> Traced:
        return self.reshape(-1, order=order)

    ravel = flatten

    def copy(self, order: str = "C") -> Traced:
        return self

    def conj(self) -> Traced:
        return self


def _getitem() -> None:
    """Stands for x[...] in the table of functions."""


def _astype() -> None:
    """Stands for x.astype in the table of functions."""


def _method(name: str) -> Callable[..., Any]:
    def method(self: Traced, *args: Any, **kwargs: Any) -> Any:
        return getattr(np, name)(self, *args, **kwargs)

    method.__name__ = name
    return method


for _name in (
    *("sum", "mean", "prod", "max", "min", "var", "std", "cumsum", "dot", "clip", "trace", "diagonal"),
    *("repeat", "round", "squeeze", "swapaxes", "take", "any", "all"),
):
    setattr(Traced, _name, _method(_name))


_asarray = np.asarray
"""NumPy's own, also while tracing replaces it."""


def as_traced(value: Any, dtype: numpy.dtype[Any] | None = None) -> Traced:
    """The value itself if it is traced, else a constant (of the given dtype)."""
    if isinstance(value, Traced):
        return value
    array = _asarray(value, dtype)
    if array.dtype == object:
        raise TracingError(
            f"{_at()}an array of Python objects takes part in the loss. Use arrays of numbers; join traced values "
            "with np.stack or np.array."
        )
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
    known = sorted({key for key in UFUNCS if "." not in key} | {f.__name__ for f in FUNCTIONS})
    import difflib

    near = difflib.get_close_matches(name, known, 3, 0.8)
    hint = f"Similar functions that have one: {', '.join(near)}. " if near else ""
    return f"{hint}Express it with functions that have one; README lists them."


def type_of(value: Array) -> ArrayType:
    """The type that a graph gives to an array."""
    return ArrayType(value.shape, supported_dtype(value.dtype))

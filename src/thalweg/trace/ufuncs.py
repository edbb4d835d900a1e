"""How ufuncs are traced: most are a primitive of the same name, the others are composed here.

To add a ufunc, write a function of its name that composes known ones and decorate it with @ufunc.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy

from ..errors import ShapeError
from ..graph import Node, Primitive, Shape, make
from ..ops import PRIMITIVES
from ..ops.elementwise import absolute, convert, softplus
from ..ops.elementwise import polygamma as polygamma_primitive
from ..ops.structure import broadcast
from .source import current_source
from .traced import UFUNCS, Traced, as_traced, common_dtype, supported_dtype

np: Any = numpy
"""NumPy, whose type stubs do not know that its functions accept traced values."""

__all__ = ["broadcast_to", "cast", "elementwise"]

FLOAT64 = np.dtype(np.float64)
BOOLEAN = np.dtype(np.bool_)


def cast(x: Traced, dtype: numpy.dtype[Any]) -> Traced:
    """x in another dtype."""
    return x if x.dtype == dtype else x.apply(convert, dtype=dtype.name)


def broadcast_to(x: Traced, shape: Shape) -> Traced:
    """x in another shape, by NumPy's rules."""
    return x if x.shape == shape else x.apply(broadcast, shape=shape)


def broadcast_shapes(*shapes: Shape) -> Shape:
    """The shape that arrays of the given shapes broadcast to."""
    different = set(shapes) - {()}
    if len(different) < 2:
        return different.pop() if different else ()
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        listed = " and ".join(map(str, shapes))
        raise ShapeError(f"the shapes {listed} do not go together: axes must be equal or 1") from None


def elementwise(primitive: Primitive, dtypes: tuple[numpy.dtype[Any], ...], *inputs: Any) -> Traced:
    """Applies an elementwise primitive to values of any shapes, each first converted to its dtype."""
    operands = [
        cast(x, dtype) if isinstance(x, Traced) else as_traced(x, dtype)
        for x, dtype in zip(inputs, dtypes, strict=True)
    ]
    source = current_source()
    nodes: list[Node] = [x.node for x in operands]
    shapes = [node.type.shape for node in nodes]
    if shapes.count(shapes[0]) < len(shapes):
        try:
            shape = broadcast_shapes(*shapes)
        except ShapeError as error:
            raise ShapeError(f"{source}: np.{primitive.name}: {error}") from None
        nodes = [x if x.type.shape == shape else make(broadcast, x, shape=shape, source=source) for x in nodes]
    return Traced(make(primitive, *nodes, source=source))


@lru_cache(maxsize=4096)
def _resolve(ufunc: numpy.ufunc, kinds: tuple[Any, ...]) -> tuple[numpy.dtype[Any], ...]:
    try:
        return tuple(supported_dtype(dtype) for dtype in ufunc.resolve_dtypes((*kinds, None))[:-1])
    except TypeError:  # words, dates
        for kind in kinds:
            supported_dtype(np.dtype(kind))
        raise


_WITH_DTYPE = (Traced, np.ndarray, np.generic)


def _kind(x: Any) -> Any:
    """What NumPy needs to know of an operand to choose dtypes: a dtype, or int or float for Python's numbers."""
    if isinstance(x, _WITH_DTYPE):
        return x.dtype
    if isinstance(x, bool):
        return BOOLEAN
    return type(x) if isinstance(x, int | float) else np.asarray(x).dtype


def _primitive_ufunc(ufunc: numpy.ufunc, primitive: Primitive) -> Callable[..., Any]:
    def traced(*inputs: Any, where: Any = True, dtype: Any = None, **_: Any) -> Traced:
        dtypes = _resolve(ufunc, tuple([_kind(x) for x in inputs]))
        if dtype is not None:
            dtypes = tuple(supported_dtype(np.dtype(dtype)) for _ in inputs)
        return elementwise(primitive, dtypes, *inputs)

    return traced


for _name in (
    *("add", "subtract", "multiply", "divide", "negative", "remainder", "power", "absolute", "sign", "floor"),
    *("ceil", "rint", "trunc", "maximum", "minimum", "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos"),
    *("tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "arctan2"),
    *("less", "less_equal", "equal", "not_equal", "logical_and", "logical_or", "logical_not", "isfinite"),
    *("hypot", "logaddexp"),
):
    UFUNCS[_name] = _primitive_ufunc(getattr(np, _name), PRIMITIVES[_name])


def as_float(*inputs: Any) -> tuple[Traced, ...]:
    """The inputs as traced values of one float dtype."""
    dtype = common_dtype(*inputs)
    dtype = dtype if dtype.kind == "f" else FLOAT64
    return tuple(cast(x, dtype) if isinstance(x, Traced) else as_traced(x, dtype) for x in inputs)


def _special_ufunc(primitive: Primitive) -> Callable[..., Any]:
    def traced(*inputs: Any, **_: Any) -> Traced:
        operands = as_float(*inputs)
        return elementwise(primitive, tuple(x.dtype for x in operands), *operands)

    return traced


for _name in ("erf", "erfc", "expit", "gammaln"):
    UFUNCS[_name] = _special_ufunc(PRIMITIVES[_name])


def ufunc(function: Callable[..., Any]) -> Callable[..., Any]:
    """Enters a composed ufunc into the table, under its own name."""

    def traced(*inputs: Any, **_: Any) -> Any:
        return function(*inputs)

    UFUNCS[function.__name__.rstrip("_")] = traced
    return function


@ufunc
def positive(x: Any) -> Any:
    return x


@ufunc
def conjugate(x: Any) -> Any:
    return x


@ufunc
def fabs(x: Any) -> Any:
    return as_float(x)[0].apply(absolute)


@ufunc
def square(x: Any) -> Any:
    return x * x


@ufunc
def reciprocal(x: Any) -> Any:
    return 1 / x


@ufunc
def float_power(a: Any, b: Any) -> Any:
    return np.power(a.astype(float), b) if isinstance(a, Traced) else np.power(np.float64(a), b)


@ufunc
def floor_divide(a: Any, b: Any) -> Any:
    dtype = common_dtype(a, b)
    return np.floor(np.divide(a, b)).astype(dtype)


@ufunc
def divmod_(a: Any, b: Any) -> Any:
    return np.floor_divide(a, b), np.remainder(a, b)


@ufunc
def fmod(a: Any, b: Any) -> Any:
    return a - b * np.trunc(a / b)


@ufunc
def greater(a: Any, b: Any) -> Any:
    return np.less(b, a)


@ufunc
def greater_equal(a: Any, b: Any) -> Any:
    return np.less_equal(b, a)


@ufunc
def logical_xor(a: Any, b: Any) -> Any:
    return np.not_equal(np.not_equal(a, 0), np.not_equal(b, 0))


def _logical(name: str, logical: Any) -> None:
    def bitwise(*inputs: Any) -> Any:
        if any(common_dtype(x) != BOOLEAN for x in inputs):
            raise ShapeError(f"{current_source()}: np.{name} is traced for booleans only")
        return logical(*inputs)

    bitwise.__name__ = name
    ufunc(bitwise)


_logical("bitwise_and", np.logical_and)
_logical("bitwise_or", np.logical_or)
_logical("bitwise_xor", np.logical_xor)
_logical("invert", np.logical_not)


@ufunc
def fmax(a: Any, b: Any) -> Any:
    return np.where(np.isnan(a), b, np.where(np.isnan(b), a, np.maximum(a, b)))


@ufunc
def fmin(a: Any, b: Any) -> Any:
    return np.where(np.isnan(a), b, np.where(np.isnan(b), a, np.minimum(a, b)))


@ufunc
def isnan(x: Any) -> Any:
    return np.not_equal(x, x)


@ufunc
def isinf(x: Any) -> Any:
    return np.equal(np.absolute(x), np.inf)


@ufunc
def signbit(x: Any) -> Any:
    return np.less(np.copysign(1.0, x), 0)


@ufunc
def copysign(a: Any, b: Any) -> Any:
    magnitude = np.absolute(a)
    is_negative = np.less(b, 0) | (np.equal(b, 0) & np.less(np.arctan2(b, -1.0), 0))
    return np.where(is_negative, -magnitude, magnitude)


@ufunc
def heaviside(x: Any, at_zero: Any) -> Any:
    x, at_zero = as_float(x, at_zero)
    return np.where(np.less(x, 0), 0.0 * at_zero, np.where(np.equal(x, 0), at_zero, 1.0))


@ufunc
def exp2(x: Any) -> Any:
    return np.exp(x * math.log(2))


@ufunc
def log2(x: Any) -> Any:
    return np.log(x) * (1 / math.log(2))


@ufunc
def log10(x: Any) -> Any:
    return np.log(x) * (1 / math.log(10))


@ufunc
def logaddexp2(a: Any, b: Any) -> Any:
    return np.logaddexp(a * math.log(2), b * math.log(2)) * (1 / math.log(2))


@ufunc
def cbrt(x: Any) -> Any:
    magnitude = np.absolute(x)
    is_zero = np.equal(x, 0)
    return np.where(is_zero, 0, np.sign(x) * np.exp(np.log(np.where(is_zero, 1, magnitude)) / 3))


@ufunc
def deg2rad(x: Any) -> Any:
    return x * (math.pi / 180)


@ufunc
def rad2deg(x: Any) -> Any:
    return x * (180 / math.pi)


UFUNCS["radians"] = UFUNCS["deg2rad"]
UFUNCS["degrees"] = UFUNCS["rad2deg"]


# scipy.special
@ufunc
def log_expit(x: Any) -> Any:
    (x,) = as_float(x)
    return -(-x).apply(softplus)


@ufunc
def logit(x: Any) -> Any:
    return np.log(x) - np.log1p(-x)


@ufunc
def xlogy(x: Any, y: Any) -> Any:
    is_zero = np.equal(x, 0) & np.equal(y, y)
    return np.where(is_zero, 0, x * np.log(np.where(is_zero, 1, y)))


@ufunc
def xlog1py(x: Any, y: Any) -> Any:
    is_zero = np.equal(x, 0) & np.equal(y, y)
    return np.where(is_zero, 0, x * np.log1p(np.where(is_zero, 0, y)))


@ufunc
def entr(x: Any) -> Any:
    return np.where(np.less(x, 0), -np.inf, -xlogy(x, np.where(np.less(x, 0), 1, x)))


@ufunc
def rel_entr(x: Any, y: Any) -> Any:
    is_regular = np.less(0, x) & np.less(0, y)
    is_zero = np.equal(x, 0) & np.less_equal(0, y)
    ratio = np.where(is_regular, x, 1) / np.where(is_regular, y, 1)
    return np.where(is_regular, x * np.log(ratio), np.where(is_zero, 0.0 * ratio, np.inf))


@ufunc
def kl_div(x: Any, y: Any) -> Any:
    return np.where(np.equal(x, 0) & np.less_equal(0, y), y, rel_entr(x, y) - x + y)


@ufunc
def huber(delta: Any, r: Any) -> Any:
    size = np.absolute(r)
    return np.where(np.less_equal(size, delta), 0.5 * r * r, delta * (size - 0.5 * delta))


@ufunc
def pseudo_huber(delta: Any, r: Any) -> Any:
    return delta * delta * (np.hypot(1.0, r / delta) - 1)


@ufunc
def psi(x: Any) -> Any:
    return as_float(x)[0].apply(polygamma_primitive, order=0)


UFUNCS["digamma"] = UFUNCS["psi"]


@ufunc
def gamma(x: Any) -> Any:
    (x,) = as_float(x)
    logarithm = np.exp(UFUNCS["gammaln"](x))
    is_negative = np.less(x, 0) & np.not_equal(np.remainder(np.floor(x), 2), 0)
    return np.where(is_negative, -logarithm, logarithm)


@ufunc
def ndtr(x: Any) -> Any:
    (x,) = as_float(x)
    return 0.5 * UFUNCS["erfc"](-x * math.sqrt(0.5))


@ufunc
def exprel(x: Any) -> Any:
    is_zero = np.equal(x, 0)
    return np.where(is_zero, 1.0, np.expm1(x) / np.where(is_zero, 1, x))

"""Elementwise primitives: one row each, with its value and its partial derivatives.

Conventions at kinks (each is a subgradient): |x| has slope 0 at 0; where the two arguments of a maximum or
minimum are equal, each gets half; sign, floor, ceil, rint and comparisons have slope 0 everywhere.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..graph import Array, ArrayType, Primitive
from .declare import apply, batch_elementwise, elementwise, primitive, same_shape


def _special(name: str, *arguments: Any) -> Array:
    """A function of scipy.special, imported when it is first needed."""
    import scipy.special

    return np.asarray(getattr(scipy.special, name)(*arguments))


# Arithmetic
add = elementwise("add", np.add, lambda y, a, b: 1, lambda y, a, b: 1)
subtract = elementwise("subtract", np.subtract, lambda y, a, b: 1, lambda y, a, b: -1)
multiply = elementwise("multiply", np.multiply, lambda y, a, b: b, lambda y, a, b: a)
divide = elementwise("divide", np.divide, lambda y, a, b: 1 / b, lambda y, a, b: -y / b)
negative = elementwise("negative", np.negative, lambda y, x: -1)
remainder = elementwise("remainder", np.remainder, lambda y, a, b: 1, lambda y, a, b: -np.floor(a / b))
power = elementwise(
    "power",
    np.power,
    lambda y, a, b: np.where(b == 0, 0, b * a ** np.where(b == 0, 1, b - 1)),
    lambda y, a, b: np.where(a == 0, 0, y * np.log(np.where(a == 0, 1, a))),
)

# Kinks and steps
absolute = elementwise("absolute", np.absolute, lambda y, x: np.sign(x))
sign = elementwise("sign", np.sign, None)
floor = elementwise("floor", np.floor, None)
ceil = elementwise("ceil", np.ceil, None)
rint = elementwise("rint", np.rint, None)
trunc = elementwise("trunc", np.trunc, None)


def _share(wins: Any, ties: Any, like: Any) -> Any:
    """1 where a value wins, one half where there is a tie, else 0."""
    return np.where(wins, 1, np.where(ties, 0.5, 0)).astype(like.dtype)


maximum = elementwise(
    "maximum",
    np.maximum,
    lambda y, a, b: _share(a > b, a == b, y),
    lambda y, a, b: _share(b > a, a == b, y),
)
minimum = elementwise(
    "minimum",
    np.minimum,
    lambda y, a, b: _share(a < b, a == b, y),
    lambda y, a, b: _share(b < a, a == b, y),
)

# Exponentials and logarithms
exp = elementwise("exp", np.exp, lambda y, x: y)
expm1 = elementwise("expm1", np.expm1, lambda y, x: np.exp(x))
log = elementwise("log", np.log, lambda y, x: 1 / x)
log1p = elementwise("log1p", np.log1p, lambda y, x: 1 / (1 + x))
sqrt = elementwise("sqrt", np.sqrt, lambda y, x: 0.5 / y)
expit: Primitive = elementwise("expit", lambda x: _special("expit", x), lambda y, x: y * apply(expit, -x))
softplus = elementwise("softplus", lambda x: np.logaddexp(x, x.dtype.type(0)), lambda y, x: apply(expit, x))

# Trigonometric and hyperbolic
sin = elementwise("sin", np.sin, lambda y, x: np.cos(x))
cos = elementwise("cos", np.cos, lambda y, x: -np.sin(x))
tan = elementwise("tan", np.tan, lambda y, x: 1 + y * y)
arcsin = elementwise("arcsin", np.arcsin, lambda y, x: 1 / np.sqrt((1 - x) * (1 + x)))
arccos = elementwise("arccos", np.arccos, lambda y, x: -1 / np.sqrt((1 - x) * (1 + x)))
arctan = elementwise("arctan", np.arctan, lambda y, x: 1 / (1 + x * x))
sinh = elementwise("sinh", np.sinh, lambda y, x: np.cosh(x))
cosh = elementwise("cosh", np.cosh, lambda y, x: np.sinh(x))
tanh = elementwise("tanh", np.tanh, lambda y, x: 1 - y * y)
arcsinh = elementwise("arcsinh", np.arcsinh, lambda y, x: 1 / np.hypot(x, 1))
arccosh = elementwise("arccosh", np.arccosh, lambda y, x: 1 / (np.sqrt(x - 1) * np.sqrt(x + 1)))
arctanh = elementwise("arctanh", np.arctanh, lambda y, x: 1 / ((1 - x) * (1 + x)))
arctan2 = elementwise(
    "arctan2",
    np.arctan2,
    lambda y, a, b: (b / np.hypot(a, b)) / np.hypot(a, b),
    lambda y, a, b: (-a / np.hypot(a, b)) / np.hypot(a, b),
)


# Special functions
def _evaluate_polygamma(x: Array, order: int) -> Array:
    value = _special("digamma", x) if order == 0 else _special("polygamma", order, x)
    return value.astype(x.dtype)


_TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)
erf = elementwise("erf", lambda x: _special("erf", x), lambda y, x: _TWO_OVER_ROOT_PI * np.exp(-x * x))
erfc = elementwise("erfc", lambda x: _special("erfc", x), lambda y, x: -_TWO_OVER_ROOT_PI * np.exp(-x * x))
gammaln = elementwise("gammaln", lambda x: _special("gammaln", x), lambda y, x: apply(polygamma, x, order=0))
polygamma: Primitive = elementwise(
    "polygamma",
    _evaluate_polygamma,
    lambda y, x, order: apply(polygamma, x, order=order + 1),
)

# Comparisons and logic: no derivative
less = elementwise("less", np.less, None, None, returns=np.bool_)
less_equal = elementwise("less_equal", np.less_equal, None, None, returns=np.bool_)
equal = elementwise("equal", np.equal, None, None, returns=np.bool_)
not_equal = elementwise("not_equal", np.not_equal, None, None, returns=np.bool_)
logical_and = elementwise("logical_and", np.logical_and, None, None, returns=np.bool_)
logical_or = elementwise("logical_or", np.logical_or, None, None, returns=np.bool_)
logical_not = elementwise("logical_not", np.logical_not, None, returns=np.bool_)
isfinite = elementwise("isfinite", np.isfinite, None, returns=np.bool_)

detach = elementwise("detach", lambda x: x, None)
"""The same value, taken as a constant by differentiation."""


# where: the adjoint goes to the chosen branch alone. Written with a select, not a product, so that a branch
# that was not chosen cannot spoil the gradient with its NaN.
def _infer_where(condition: ArrayType, a: ArrayType, b: ArrayType) -> ArrayType:
    return ArrayType(same_shape((condition, a, b), "where"), a.dtype)


def _jvp_where(tangents: tuple[Any, ...], y: Any, condition: Any, a: Any, b: Any) -> Any:
    _, of_a, of_b = tangents
    return np.where(condition, 0 if of_a is None else of_a, 0 if of_b is None else of_b)


where = primitive(
    Primitive(
        "where",
        _infer_where,
        np.where,
        _jvp_where,
        (
            None,
            lambda adjoint, y, condition, a, b: np.where(condition, adjoint, 0),
            lambda adjoint, y, condition, a, b: np.where(condition, 0, adjoint),
        ),
        batch_elementwise("where"),
        is_elementwise=True,
    )
)


def _convert_back(adjoint: Any, y: Any, x: Any, dtype: Any) -> Any:
    return adjoint.astype(x.dtype)


convert = primitive(
    Primitive(
        "convert",
        lambda x, dtype: ArrayType(x.shape, np.dtype(dtype)),
        lambda x, dtype: x.astype(dtype),
        lambda tangents, y, x, dtype: tangents[0].astype(dtype),
        (_convert_back,),
        batch_elementwise("convert"),
        is_elementwise=True,
    )
)
"""Another dtype: bool, int64, float32 or float64 (attribute `dtype`, its name)."""

# Composites: differentiated by a rule of their own, because the formulas that they expand into have infinite or
# undefined derivatives where the function itself is harmless.


def _expand_hypot(a: Any, b: Any) -> Any:
    large = np.maximum(np.absolute(a), np.absolute(b))
    small = np.minimum(np.absolute(a), np.absolute(b))
    is_regular = (large > 0) & np.isfinite(large)
    ratio = np.where(is_regular, small / np.where(is_regular, large, 1), 0)
    return large * np.sqrt(1 + ratio * ratio)


def _over_hypot(x: Any, y: Any) -> Any:
    return np.where(y == 0, 0, x / np.where(y == 0, 1, y))


hypot = elementwise(
    "hypot",
    np.hypot,
    lambda y, a, b: _over_hypot(a, y),
    lambda y, a, b: _over_hypot(b, y),
    expansion=_expand_hypot,
)


def _difference(a: Any, b: Any) -> Any:
    """a - b, and 0 for equal infinities, which would give NaN. Equal numbers keep their derivative."""
    return np.where((a == b) & ~np.isfinite(a), 0, a - b)


def _expand_logaddexp(a: Any, b: Any) -> Any:
    return np.maximum(a, b) + apply(softplus, -np.absolute(_difference(a, b)))


logaddexp = elementwise(
    "logaddexp",
    np.logaddexp,
    lambda y, a, b: apply(expit, _difference(a, b)),
    lambda y, a, b: apply(expit, _difference(b, a)),
    expansion=_expand_logaddexp,
)

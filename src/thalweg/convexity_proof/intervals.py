"""Interval arithmetic on arrays, rounded outwards: a result encloses every value that the operands allow.

Source: R. E. Moore, R. B. Kearfott, M. J. Cloud, *Introduction to Interval Analysis* (SIAM 2009).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..graph import Array

__all__ = ["Interval", "add", "enclose", "exactly", "hull", "multiply", "negate", "reciprocal", "square", "subtract"]

_TINY = 5e-324
_LARGEST = float(np.finfo(np.float64).max)
_RELATIVE_ERROR = 2.0**-47
"""More than the error of any function of NumPy or SciPy that is enclosed here, in float64."""


class Interval(NamedTuple):
    """All numbers between two bounds, elementwise; a bound may be infinite."""

    lower: Array
    upper: Array

    def contains(self, value: float) -> Any:
        return (self.lower <= value) & (value <= self.upper)


def exactly(value: Any) -> Interval:
    """One number."""
    array = np.asarray(value, np.float64)
    return Interval(array, array)


def hull(a: Interval, b: Interval) -> Interval:
    """The smallest interval that holds both."""
    return Interval(np.minimum(a.lower, b.lower), np.maximum(a.upper, b.upper))


def _down(x: Any) -> Any:
    return np.nextafter(x, -np.inf)


def _up(x: Any) -> Any:
    return np.nextafter(x, np.inf)


def _sum(a: Array, b: Array, is_lower: bool) -> Array:
    """a + b rounded towards one side, exact where floating-point addition is (Knuth's two-sum finds its error)."""
    total = a + b
    virtual = total - a
    error = (a - (total - virtual)) + (b - virtual)
    if is_lower:
        rounded = np.where(error >= 0, total, _down(total))
        return np.where(np.isnan(rounded), -np.inf, rounded)
    rounded = np.where(error <= 0, total, _up(total))
    return np.where(np.isnan(rounded), np.inf, rounded)


def add(a: Interval, b: Interval) -> Interval:
    with np.errstate(all="ignore"):
        return Interval(_sum(a.lower, b.lower, True), _sum(a.upper, b.upper, False))


def negate(a: Interval) -> Interval:
    return Interval(-a.upper, -a.lower)


def subtract(a: Interval, b: Interval) -> Interval:
    return add(a, negate(b))


def _product(a: Array, b: Array) -> tuple[Array, Array]:
    """Bounds of the product of two numbers, of which an infinite one times 0 is 0. Powers of two multiply exactly."""
    is_zero = (a == 0) | (b == 0)
    product = np.where(is_zero, 0.0, a * b)
    is_power = (np.abs(np.frexp(a)[0]) == 0.5) | (np.abs(np.frexp(b)[0]) == 0.5)
    is_exact = is_zero | (is_power & (np.abs(product) > 1e-290) & np.isfinite(product))
    is_same_sign = (a > 0) == (b > 0)
    lower = np.where(is_same_sign, np.maximum(_down(product), 0.0), _down(product))
    upper = np.where(is_same_sign, _up(product), np.minimum(_up(product), 0.0))
    return np.where(is_exact, product, lower), np.where(is_exact, product, upper)


_FEW = 1 << 10
"""So few numbers take less time than the calls that work on them: then the products of all four pairs of bounds share theirs."""


def multiply(a: Interval, b: Interval) -> Interval:
    shape = np.broadcast_shapes(np.shape(a.lower), np.shape(b.lower))
    with np.errstate(all="ignore"):
        if math.prod(shape) > _FEW:
            corners = [_product(x, y) for x in a for y in b]
            least, most = zip(*corners, strict=True)
            return Interval(np.minimum.reduce(least), np.maximum.reduce(most))
        lefts, rights = np.empty((2, 2, *shape)), np.empty((2, 2, *shape))
        lefts[0], lefts[1], rights[:, 0], rights[:, 1] = a.lower, a.upper, b.lower, b.upper
        lowers, uppers = _product(lefts, rights)
        return Interval(lowers.min(axis=(0, 1)), uppers.max(axis=(0, 1)))


def square(a: Interval) -> Interval:
    """x · x, which is never negative."""
    with np.errstate(all="ignore"):
        near = np.where(a.contains(0.0), 0.0, np.minimum(np.abs(a.lower), np.abs(a.upper)))
        far = np.maximum(np.abs(a.lower), np.abs(a.upper))
        return Interval(_product(near, near)[0], _product(far, far)[1])


def reciprocal(a: Interval) -> Interval:
    """1 / x; everything where 0 lies inside."""
    with np.errstate(all="ignore"):
        positive = Interval(np.maximum(_down(1 / a.upper), 0.0), _up(1 / np.where(a.lower == 0, 0.0, a.lower)))
        negative = Interval(_down(1 / np.where(a.upper == 0, -0.0, a.upper)), np.minimum(_up(1 / a.lower), 0.0))
    lower = np.where(a.lower >= 0, positive.lower, np.where(a.upper <= 0, negative.lower, -np.inf))
    upper = np.where(a.lower >= 0, positive.upper, np.where(a.upper <= 0, negative.upper, np.inf))
    is_zero = (a.lower == 0) & (a.upper == 0)
    return Interval(np.where(is_zero, -np.inf, lower), np.where(is_zero, np.inf, upper))


def enclose(function: Callable[[Array], Any], x: Array, slack: float = 0.0) -> Interval:
    """The value of a function of NumPy or SciPy at points, with room for its rounding.

    slack: an absolute error on top. At infinity the function's limit is taken, 0 where NumPy finds none.
    """
    with np.errstate(all="ignore"):
        value = np.asarray(function(x), np.float64)
        value = np.where(np.isinf(x) & np.isnan(value), 0.0, value)
        room = np.abs(value) * _RELATIVE_ERROR + 64 * _TINY + slack
        lower = np.where(value == np.inf, _LARGEST, value - room)
        upper = np.where(value == -np.inf, -_LARGEST, value + room)
    return Interval(np.where(np.isnan(value), -np.inf, lower), np.where(np.isnan(value), np.inf, upper))

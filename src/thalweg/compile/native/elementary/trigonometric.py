"""sin, cos, tan and their inverses.

x = n π/2 + r with |r| ≤ π/4, π/2 in three parts and each step one fused multiply-add, then Taylor series. Good to 1e9 in
float64 and 1e5 in float32; beyond that the error grows with |x|. Source: Cody and Waite (1980), chapter 8.
"""

from __future__ import annotations

import math

from .number import Number, polynomial

_HALF_PI_64 = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591833e-33)
_HALF_PI_32 = (1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15)


def _reduced(x: Number) -> tuple[Number, Number]:
    """The quadrant (0, 1, 2 or 3) and r."""
    n = (x * (2 / math.pi)).rint()
    r = x
    for part in x.choose(_HALF_PI_32, _HALF_PI_64):
        r = n.fma(-part, r)
    return n - 4.0 * (n * 0.25).floor(), r


def _series(start: int, count: int) -> list[float]:
    """Of sin (start 1) or cos (start 0), in powers of r²."""
    return [(-1) ** k / math.factorial(2 * k + start) for k in range(count)]


def _sine(r: Number) -> Number:
    z = r * r
    return (r * z).fma(polynomial(z, _series(1, r.choose(6, 10))[1:]), r)


def _cosine(r: Number) -> Number:
    z = r * r
    rest = polynomial(z, _series(0, r.choose(6, 10))[2:])
    half = 0.5 * z
    w = 1.0 - half
    return w + ((1.0 - w - half) + z * z * rest)


def sin(x: Number) -> Number:
    """The sine. Within 2 ulp up to |x| = 1e5 (float64), 1e4 (float32)."""
    quadrant, r = _reduced(x)
    is_odd = quadrant.equals(1.0) | quadrant.equals(3.0)
    value = is_odd.select(_cosine(r), _sine(r))
    result = (quadrant >= 2.0).select(-value, value)
    return x.equals(0.0).select(x, result)


def cos(x: Number) -> Number:
    """The cosine. Within 2 ulp up to |x| = 1e5 (float64), 1e4 (float32)."""
    quadrant, r = _reduced(x)
    is_odd = quadrant.equals(1.0) | quadrant.equals(3.0)
    value = is_odd.select(_sine(r), _cosine(r))
    return (quadrant.equals(1.0) | quadrant.equals(2.0)).select(-value, value)


def tan(x: Number) -> Number:
    """The tangent. Within 4 ulp."""
    quadrant, r = _reduced(x)
    is_odd = quadrant.equals(1.0) | quadrant.equals(3.0)
    s, c = _sine(r), _cosine(r)
    result = is_odd.select(-c, s) / is_odd.select(s, c)
    return x.equals(0.0).select(x, result)


def arctan(x: Number) -> Number:
    """The inverse tangent: 1/x for large x, then twice the half angle, then its series. Within 4 ulp."""
    size = abs(x)
    is_large = size > 1.0
    t = is_large.select(1.0 / size, size)
    for _ in range(2):
        t = t / (1.0 + (t * t + 1.0).sqrt())
    z = t * t
    coefficients = [(-1) ** k / (2 * k + 1) for k in range(x.choose(6, 13))]
    angle = 4.0 * (t * z).fma(polynomial(z, coefficients[1:]), t)
    high, low = x.choose(_HALF_PI_32, _HALF_PI_64)[:2]
    result = is_large.select(high - (angle - low), angle)
    result = (size < x.choose(1e-4, 1e-9)).select(size, result)
    return x.is_nan.select(x, result.with_sign_of(x))


def arctan2(y: Number, x: Number) -> Number:
    """The angle of the point (x, y), in all four quadrants. Within 4 ulp."""
    infinity = float("inf")
    both_infinite = abs(x).equals(infinity) & abs(y).equals(infinity)
    both_zero = x.equals(0.0) & y.equals(0.0)
    ratio = both_infinite.select(y.of(1.0), both_zero.select(y.of(0.0), abs(y) / abs(x)))
    angle = arctan(ratio)
    pi = x.of(math.pi)
    low = x.choose(-8.742277657347586e-08, 1.2246467991473532e-16)
    angle = x.is_negative.select(pi - (angle - low), angle)
    return (x.is_nan | y.is_nan).select(x + y, angle.with_sign_of(y))


def arcsin(x: Number) -> Number:
    """The inverse sine; NaN beyond ±1. Within 4 ulp."""
    result = arctan(x / ((1.0 - x) * (1.0 + x)).sqrt())
    return x.equals(0.0).select(x, result)


def arccos(x: Number) -> Number:
    """The inverse cosine; NaN beyond ±1. Within 4 ulp."""
    return 2.0 * arctan(((1.0 - x) / (1.0 + x)).sqrt())

"""exp, log and what is made of them.

exp: x = n log 2 + r with |r| ≤ ½ log 2, then the Taylor series of exp(r). log: x = 2^e m, then the series of
2 artanh(s) with s = (m - 1) / (m + 1). W. Cody and W. Waite, *Software Manual for the Elementary Functions* (1980);
the arrangement of the logarithm's sums is that of K. Ng's FDLIBM (Sun, 1993).
"""

from __future__ import annotations

import math

from .number import Number, polynomial

LOG2_E = 1.4426950408889634
LN2_HIGH_64, LN2_LOW_64 = 0.6931471803691238, 1.9082149292705877e-10
_LN2_HIGH_32, _LN2_LOW_32 = 0.693359375, -2.12194440e-4


def _ln2(x: Number) -> tuple[float, float]:
    """log 2 as a short number, whose small multiples are exact, and a rest."""
    high, low = x.choose((_LN2_HIGH_32, _LN2_LOW_32), (LN2_HIGH_64, LN2_LOW_64))
    return high, low


def factorials(start: int, stop: int) -> list[float]:
    return [1 / math.factorial(k) for k in range(start, stop)]


def _reduced(x: Number) -> tuple[Number, Number]:
    """n and r with x = n log 2 + r."""
    high, low = _ln2(x)
    n = (x * LOG2_E).rint()
    return n, n.fma(-low, n.fma(-high, x))


def _limits(x: Number) -> tuple[float, float]:
    low, high = x.choose((-104.0, 89.0), (-746.0, 710.0))
    return low, high


def exp_parts(x: Number, correction: Number | float = 0.0) -> tuple[Number, Number, Number]:
    """f, rest and n with eˣ = (f + rest) 2ⁿ, where rest is what rounding took from f. NaN gives some number.

    correction: a small summand of the exponent.
    """
    n, r = _reduced(x.clamped(*_limits(x)))
    if isinstance(correction, Number):
        r = r + correction
    small = (r * r).fma(polynomial(r, factorials(2, x.choose(8, 14))), r)
    fraction = small + 1.0
    return fraction, (1.0 - fraction) + small, n


def exp(x: Number, correction: Number | float = 0.0) -> Number:
    """eˣ. Within 1 ulp. correction: a small summand of the exponent."""
    fraction, _, n = exp_parts(x, correction)
    return x.is_nan.select(x, fraction.times_power_of_two(n))


def expm1(x: Number) -> Number:
    """eˣ - 1, accurate for small x. Within 2 ulp."""
    low, high = x.choose((-30.0, 30.0), (-60.0, 60.0))
    n, r = _reduced(x.clamped(low, high))
    series = polynomial(r, factorials(2, x.choose(9, 15)))
    small = (r * r).fma(series, r)
    power = x.of(1.0).times_power_of_two(n)
    result = small.fma(power, power - 1.0)
    result = (x > high).select(exp(x), result)
    return (x.is_nan | x.equals(0.0)).select(x, result)


def _log_series(f: Number, m_plus_1: Number) -> tuple[Number, Number, Number]:
    """s, ½f² and s (½f² + R), with which log(1 + f) = f - (½f² - s (½f² + R))."""
    s = f / m_plus_1
    z = s * s
    r = z * polynomial(z, [2 / (2 * k + 1) for k in range(1, f.choose(6, 12))])
    half = 0.5 * f * f
    return s, half, s * (half + r)


def log(x: Number) -> Number:
    """The natural logarithm. Within 1 ulp."""
    high, low = _ln2(x)
    m, e = x.fraction_and_exponent()
    f = m - 1.0
    _, half, rest = _log_series(f, f + 2.0)
    result = e.fma(high, f - (half - (rest + e * low)))
    return _at_edges(x, x, result)


def _at_edges(x: Number, argument: Number, result: Number) -> Number:
    """The logarithm of zero, of negative numbers, infinity and NaN."""
    infinity = float("inf")
    result = argument.equals(infinity).select(x.of(infinity), result)
    result = argument.equals(0.0).select(x.of(-infinity), result)
    result = (argument < 0.0).select(x.of(float("nan")), result)
    return x.is_nan.select(x, result)


def log1p(x: Number) -> Number:
    """log(1 + x), accurate for small x. Within 2 ulp."""
    high, low = _ln2(x)
    total = x + 1.0
    m, e = total.fraction_and_exponent()
    is_near = (x > -0.29) & (x < 0.41)
    error = (x > 1.0).select(1.0 - (total - x), x - (total - 1.0)) / total
    f = is_near.select(x, m - 1.0)
    e = is_near.select(x.of(0.0), e)
    correction = is_near.select(x.of(0.0), error)
    _, half, rest = _log_series(f, f + 2.0)
    result = e.fma(high, f - (half - (rest + (e * low + correction))))
    result = x.equals(0.0).select(x, result)
    return _at_edges(x, total, result)


def expit(x: Number) -> Number:
    """1 / (1 + e⁻ˣ). Within 1 ulp; no overflow.

    With z = e^(-|x|) it is 1 / (1 + z) or z / (1 + z). What rounding took from z and from 1 + z is carried along.
    """
    fraction, rest, n = exp_parts(-abs(x))
    z, z_rest = fraction.times_power_of_two(n), rest.times_power_of_two(n)
    bottom = z + 1.0
    bottom_rest = ((1.0 - bottom) + z) + z_rest
    is_below = x < 0.0
    top, top_rest = is_below.select(z, 1.0), is_below.select(z_rest, 0.0)
    inverse = 1.0 / bottom
    quotient = top * inverse
    missing = (-quotient).fma(bottom, top) + (top_rest - quotient * bottom_rest)
    return x.is_nan.select(x, missing.fma(inverse, quotient))


def softplus(x: Number) -> Number:
    """log(1 + eˣ). Within 2 ulp in both tails."""
    result = (x > 0.0).select(x, 0.0) + log1p(exp(-abs(x)))
    return x.is_nan.select(x, result)

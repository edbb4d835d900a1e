"""exp, log and what is made of them.

exp: x = n log 2 + r with |r| ≤ ½ log 2, then the Taylor series of exp(r), with what the rounding of r lost added back.
log: x = 2^e m, then the series of 2 artanh(s) with s = (m - 1) / (m + 1). W. Cody and W. Waite, *Software Manual for the
Elementary Functions* (1980); the arrangement of the logarithm's sums is that of K. Ng's FDLIBM (Sun, 1993).

The errors stated here and in the other files are the largest found, rounded up, in units of the last place (ulp): among
some three million random numbers of all magnitudes; 400,000 pairs for power and 200,000 for arctan2; 16,000 for erf, erfc
and the functions of special.py in float64. Where there are two, the first is float32's.
"""

from __future__ import annotations

import math

from ..arithmetic import Number, exact_sum, polynomial, quotient

LN2_HIGH_64, LN2_LOW_64 = 0.6931471803691238, 1.9082149292705877e-10
_LN2_HIGH_32, _LN2_LOW_32 = 0.693359375, -2.12194440e-4
_LOG2_E = 1.4426950408889634


def _ln2(x: Number) -> tuple[float, float]:
    """log 2 as a short number, whose small multiples are exact, and a rest."""
    return x.choose((_LN2_HIGH_32, _LN2_LOW_32), (LN2_HIGH_64, LN2_LOW_64))


def _exponential(x: Number, correction: Number | None = None) -> tuple[Number, Number, Number]:
    """n, r and a small rest with eˣ = 2ⁿ (1 + r + rest)."""
    high, low = _ln2(x)
    n = (x * _LOG2_E).rint()
    start = n.fma(-high, x)
    r = n.fma(-low, start)
    lost = n.fma(-low, start - r)
    if correction is not None:
        r, lost_again = exact_sum(r, correction)
        lost = lost + lost_again
    series = polynomial(r, [1 / math.factorial(k) for k in range(2, x.choose(8, 14))])
    return n, r, (r * r).fma(series, lost)


def _exp_of_bounded(x: Number, correction: Number | None = None) -> Number:
    n, r, rest = _exponential(x, correction)
    total, lost = exact_sum(1.0, r)
    return (total + (lost + rest)).times_power_of_two(n)


def _bounded(x: Number) -> Number:
    """Where eˣ is neither zero nor infinite, and one step further."""
    return x.clamped(*x.choose((-104.0, 89.0), (-746.0, 710.0)))


def exp(x: Number, correction: Number | None = None) -> Number:
    """eˣ. Within 0.8 ulp. correction: a small summand of the exponent."""
    return x.is_nan.select(x, _exp_of_bounded(_bounded(x), correction))


def _expm1_of_bounded(x: Number) -> tuple[Number, Number]:
    """eˣ - 1 as a rounded number and half of what the rounding lost."""
    n, r, rest = _exponential(x)
    half_power = (n - 1.0).power_of_two()  # 2ⁿ itself may overflow
    start = half_power - 0.5
    large = r.fma(half_power, start)
    lost = r.fma(half_power, start - large)
    total, low = exact_sum(large, rest.fma(half_power, lost))
    return 2.0 * total, low


def expm1(x: Number) -> Number:
    """eˣ - 1, accurate for small x. Within 1.2 ulp."""
    result, _ = _expm1_of_bounded(x.clamped(*x.choose((-30.0, 89.0), (-60.0, 710.0))))
    is_tiny = abs(x) < x.choose(1e-10, 1e-20)
    return (x.is_nan | is_tiny).select(x, result)


def _series_of_log(f: Number) -> tuple[Number, Number]:
    """½f² and what remains, with which log(1 + f) = f - (½f² - rest), for -0.3 ≤ f ≤ 0.5."""
    s = f / (f + 2.0)
    z = s * s
    series = z * polynomial(z, [2 / (2 * k + 1) for k in range(1, f.choose(7, 13))])
    half = 0.5 * f * f
    return half, s * (half + series)


def log(x: Number) -> Number:
    """The natural logarithm. Within 0.9 ulp."""
    high, low = _ln2(x)
    m, e = x.fraction_and_exponent()
    f = m - 1.0
    half, rest = _series_of_log(f)
    result = e.fma(high, f - (half - (rest + e * low)))
    return _at_edges(x, x, result)


def _at_edges(x: Number, argument: Number, result: Number) -> Number:
    """The logarithm of zero, of negative numbers, infinity and NaN."""
    infinity = float("inf")
    result = (argument < infinity).select(result, argument)
    result = argument.equals(0.0).select(x.of(-infinity), result)
    result = (argument < 0.0).select(x.of(float("nan")), result)
    return x.is_nan.select(x, result)


def log1p(x: Number) -> Number:
    """log(1 + x), accurate for small x. Within 0.9 ulp."""
    high, low = _ln2(x)
    total = x + 1.0
    m, e = total.fraction_and_exponent(is_normal=True)
    is_near = (x > -0.29) & (x < 0.41)
    error = (x > 1.0).select(1.0 - (total - x), x - (total - 1.0)) / total
    f = is_near.select(x, m - 1.0)
    e = is_near.select(x.of(0.0), e)
    correction = is_near.select(x.of(0.0), error)
    half, rest = _series_of_log(f)
    result = e.fma(high, f - (half - (rest + (e * low + correction))))
    result = (abs(x) < x.choose(1e-10, 1e-20)).select(x, result)
    return _at_edges(x, total, result)


def expit(x: Number) -> Number:
    """1 / (1 + e⁻ˣ), without overflow. Within 0.8 ulp."""
    n, r, rest = _exponential(_bounded(-abs(x)))
    total, lost = exact_sum(1.0, r)
    total, lost = exact_sum(total, lost + rest)
    z, z_low = total.times_power_of_two(n), lost.times_power_of_two(n)
    divisor, divisor_low = exact_sum(1.0, z)
    is_negative = x < 0.0
    numerator = is_negative.select(z, 1.0), is_negative.select(z_low, 0.0)
    return x.is_nan.select(x, quotient(numerator, (divisor, divisor_low + z_low)))


def softplus(x: Number) -> Number:
    """log(1 + eˣ), accurate in both tails. Within 1.6 ulp."""
    high, low = _ln2(x)
    z = exp(-abs(x))
    # 1 + z is at most 2, so that one halving, which loses nothing, brings it near 1.
    is_large = z > 0.5
    f = is_large.select(0.5 * (z - 1.0), z)
    e = is_large.select(x.of(1.0), 0.0)
    half, rest = _series_of_log(f)
    tail = e.fma(high, f - (half - (rest + e * low)))
    result = (x > 0.0).select(x, 0.0) + tail
    return x.is_nan.select(x, result)


def tanh(x: Number) -> Number:
    """The hyperbolic tangent. Within 1.0 ulp."""
    size = abs(x)
    t, half_low = _expm1_of_bounded((2.0 * size).clamped(0.0, x.choose(20.0, 42.0)))
    low = 2.0 * half_low
    divisor, divisor_low = exact_sum(2.0, t)
    divided = quotient((t, low), (divisor, divisor_low + low))
    result = (size < x.choose(1e-10, 1e-20)).select(size, divided)
    return x.is_nan.select(x, result.with_sign_of(x))


def sinh(x: Number) -> Number:
    """The hyperbolic sine. Within 2.3 ulp."""
    size = abs(x)
    e = expm1(size.clamped(0.0, 30.0))
    small = 0.5 * (e + e / (e + 1.0))
    half = exp(0.5 * size)
    result = (size > 22.0).select(0.5 * half * half, small)
    result = (size < x.choose(1e-10, 1e-20)).select(size, result)
    return x.is_nan.select(x, result.with_sign_of(x))


def cosh(x: Number) -> Number:
    """The hyperbolic cosine. Within 2.3 ulp."""
    size = abs(x)
    e = exp(size.clamped(0.0, 30.0))
    half = exp(0.5 * size)
    result = (size > 22.0).select(0.5 * half * half, 0.5 * e + 0.5 / e)
    return x.is_nan.select(x, result)


def arcsinh(x: Number) -> Number:
    """The inverse hyperbolic sine. Within 1.7 ulp."""
    size = abs(x)
    limit = x.choose(1e6, 1e8)
    near = size.clamped(0.0, limit)
    square = near * near
    small = log1p(near + square / (1.0 + (square + 1.0).sqrt()))
    result = (size > limit).select(log(size) + math.log(2), small)
    return x.is_nan.select(x, result.with_sign_of(x))


def arccosh(x: Number) -> Number:
    """The inverse hyperbolic cosine; NaN below 1. Within 2.1 ulp."""
    limit = x.choose(1e6, 1e8)
    t = x - 1.0
    small = log1p(t + (2.0 * t + t * t).sqrt())
    result = (x > limit).select(log(x) + math.log(2), small)
    return (x < 1.0).select(x.of(float("nan")), result)


def arctanh(x: Number) -> Number:
    """The inverse hyperbolic tangent; NaN beyond ±1. Within 2 ulp."""
    size = abs(x)
    result = 0.5 * log1p(2.0 * size / (1.0 - size))
    result = (size < x.choose(1e-10, 1e-20)).select(size, result)  # half of a subnormal number is rounded
    result = (size > 1.0).select(x.of(float("nan")), result)
    return x.is_nan.select(x, result.with_sign_of(x))

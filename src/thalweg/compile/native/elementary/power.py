"""xʸ = exp(y log x), with the logarithm as the sum of two numbers, so that large exponents lose nothing.

The splitting of products into a number and its rest by fused multiply-adds is T. Dekker's, *A Floating-Point Technique for
Extending the Available Precision* (1971); the treatment of the special cases is that of IEEE 754-2019, 9.2.1.
"""

from __future__ import annotations

import math

from .exponential import LN2_HIGH_64, LN2_LOW_64, LOG2_E, exp, factorials
from .number import Number, polynomial

_TWO_THIRDS, _TWO_THIRDS_REST = 2 / 3, 3.700743415417188e-17


def _artanh_series(start: int, stop: int) -> list[float]:
    """Of 2 artanh(s) / s, in powers of s²."""
    return [2 / (2 * k + 1) for k in range(start, stop)]


def _two_part_log(x: Number) -> tuple[Number, Number]:
    """log x = high + low, for positive finite doubles. The relative error is near 2⁻⁶³.

    The first two terms of 2 artanh(s) = 2 s + s³ (⅔ + ⅖ s² + ...) are taken with their rests.
    """
    m, e = x.fraction_and_exponent()
    f = m - 1.0
    total = m + 1.0
    rest = m - (total - 1.0)
    s = f / total
    s_low = (s.fma(-total, f) - s * rest) / total
    z = s * s
    z_low = s.fma(s, -z) + 2.0 * s * s_low
    cube = z * s
    cube_low = z.fma(s, -cube) + (z_low * s + z * s_low)
    more = z * polynomial(z, _artanh_series(2, 14))
    factor = more + _TWO_THIRDS
    factor_low = (_TWO_THIRDS - factor) + more + _TWO_THIRDS_REST
    tail = cube * factor
    tail_low = cube.fma(factor, -tail) + (cube_low * factor + cube * factor_low)
    # The sum of e log 2, 2 s and the tail, each smaller than the one before, or zero
    big, middle = e * LN2_HIGH_64, 2.0 * s
    high = big + middle
    is_bigger = abs(big) >= abs(middle)
    error = is_bigger.select((big - high) + middle, (middle - high) + big)
    sum_high = high + tail
    error = error + ((high - sum_high) + tail)
    low = error + (2.0 * s_low + (tail_low + e * LN2_LOW_64))
    total_high = sum_high + low
    return total_high, (sum_high - total_high) + low


def _positive_power(x: Number, y: Number) -> Number:
    """xʸ for positive finite x and finite y, in double."""
    high, low = _two_part_log(x)
    product = high * y
    rest = high.fma(y, -product) + low * y
    is_bounded = abs(product) < 1000.0
    return exp(product, is_bounded.select(rest, 0.0))


def _positive_power_single(x: Number, y: Number) -> Number:
    """The same for float32: in double, where the logarithm needs no second part and short series are enough."""
    base, exponent = x.as_double(), y.as_double()
    m, e = base.fraction_and_exponent()
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    logarithm = e.fma(math.log(2), s.fma(2.0, s * z * polynomial(z, _artanh_series(1, 7))))
    product = (exponent * logarithm).clamped(-120.0, 120.0)
    n = (product * LOG2_E).rint()
    r = n.fma(-math.log(2), product)
    value = (r * r).fma(polynomial(r, factorials(2, 10)), r) + 1.0
    return (value * n.two_to_the()).as_single()


def power(x: Number, y: Number) -> Number:
    """xʸ with all the special cases of IEEE 754. Within 1.5 ulp (float64), correctly rounded but for rare ties (float32)."""
    infinity = float("inf")
    size = abs(x)
    is_regular = (size > 0.0) & (size < infinity) & (abs(y) < infinity)
    base, exponent = is_regular.select(size, 1.0), is_regular.select(y, 1.0)
    result = _positive_power_single(base, exponent) if x.is_single else _positive_power(base, exponent)
    is_whole = y.floor().equals(y)
    is_odd = is_whole & ~(0.5 * y).floor().equals(0.5 * y) & (abs(y) < infinity)
    grows = y > 0.0
    result = size.equals(0.0).select(grows.select(x.of(0.0), infinity), result)
    result = size.equals(infinity).select(grows.select(x.of(infinity), 0.0), result)
    beyond = (size > 1.0).select(grows.select(x.of(infinity), 0.0), grows.select(x.of(0.0), infinity))
    result = abs(y).equals(infinity).select(size.equals(1.0).select(x.of(1.0), beyond), result)
    result = (x.is_negative & is_odd).select(-result, result)
    is_undefined = (x < 0.0) & (size < infinity) & (abs(y) < infinity) & ~is_whole
    result = is_undefined.select(x.of(float("nan")), result)
    result = (x.is_nan | y.is_nan).select(x.of(float("nan")), result)
    return (y.equals(0.0) | x.equals(1.0)).select(x.of(1.0), result)

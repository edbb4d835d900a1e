"""xʸ = exp(y log x), with the logarithm as the sum of two numbers, so that large exponents lose nothing."""

from __future__ import annotations

from .exponential import _LN2_HIGH_64, _LN2_LOW_64, exp
from .number import Number, polynomial


def _two_part_log(x: Number) -> tuple[Number, Number]:
    """log x = high + low, for positive finite doubles. The relative error is near 2⁻⁶⁰."""
    m, e = x.fraction_and_exponent()
    f = m - 1.0
    total = m + 1.0
    rest = m - (total - 1.0)
    s = f / total
    s_low = (s.fma(-total, f) - s * rest) / total
    z = s * s
    tail = s * z * polynomial(z, [2 / (2 * k + 1) for k in range(1, 13)])
    big, small = e * _LN2_HIGH_64, 2.0 * s
    high = big + small
    is_bigger = abs(big) >= abs(small)
    error = is_bigger.select(big - high + small, small - high + big)
    low = error + (2.0 * s_low + (tail + e * _LN2_LOW_64))
    total_high = high + low
    return total_high, high - total_high + low


def _positive_power(x: Number, y: Number) -> Number:
    """xʸ for positive finite x and finite y, in double."""
    high, low = _two_part_log(x)
    product = high * y
    rest = high.fma(y, -product) + low * y
    bounded = abs(product) < 1000.0
    return exp(product, bounded.select(rest, 0.0))


def power(x: Number, y: Number) -> Number:
    """xʸ with all the special cases of IEEE 754. Within 4 ulp."""
    infinity = float("inf")
    size = abs(x)
    is_regular = (size > 0.0) & (size < infinity) & (abs(y) < infinity)
    base, exponent = is_regular.select(size, 1.0), is_regular.select(y, 1.0)
    if x.is_single:
        result = _positive_power(base.as_double(), exponent.as_double()).as_single()
    else:
        result = _positive_power(base, exponent)
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

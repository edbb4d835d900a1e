"""xʸ = exp(y log x), with the logarithm as the sum of two numbers, so that large exponents lose nothing.

The sums and products in two parts are those of T. Dekker (1971), with fused multiply-adds.
"""

from __future__ import annotations

from ..arithmetic import Number, exact_sum, polynomial
from .exponential import LN2_HIGH_64, LN2_LOW_64, exp

_TWO_THIRDS, _TWO_THIRDS_REST = 0.6666666666666666, 3.700743415417188e-17


def _product(x: tuple[Number, Number], y: tuple[Number, Number]) -> tuple[Number, Number]:
    """The product of two numbers, each in two parts."""
    (a, a_low), (b, b_low) = x, y
    high = a * b
    return high, a.fma(b, -high) + a.fma(b_low, a_low * b)


def _logarithm_in_two_parts(x: Number) -> tuple[Number, Number]:
    """log x for positive finite doubles, with a relative error near 2⁻⁶³.

    With s = (m - 1) / (m + 1) the terms 2s + ⅔s³ are in two parts; the rest is so small that one part will do.
    """
    m, e = x.fraction_and_exponent()
    f = m - 1.0
    divisor, divisor_low = exact_sum(1.0, m)
    s = f / divisor
    s_low = ((-s).fma(divisor, f) - s * divisor_low) / divisor
    square = _product((s, s_low), (s, s_low))
    cube, cube_low = _product(square, (s, s_low))
    third, third_low = _product((cube, cube_low), (s.of(_TWO_THIRDS), s.of(_TWO_THIRDS_REST)))
    z = square[0]
    series = z * cube * polynomial(z, [2 / (2 * k + 1) for k in range(2, 13)])
    total, lost = exact_sum(e * LN2_HIGH_64, 2.0 * s)
    total, lost_of_third = exact_sum(total, third)
    low = (lost + lost_of_third) + (2.0 * s_low + (third_low + (series + e * LN2_LOW_64)))
    return exact_sum(total, low)


def _logarithm(x: Number) -> tuple[Number, float]:
    """log x for positive normal doubles, more accurate than a float32 power needs."""
    m, e = x.fraction_and_exponent(is_normal=True)
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    series = polynomial(z, [2 / (2 * k + 1) for k in range(8)])
    return e.fma(LN2_HIGH_64 + LN2_LOW_64, s * series), 0.0


def _power_of_size(size: Number, y: Number) -> Number:
    """|x|ʸ in float64; zero and infinity follow from their logarithms."""
    infinity = float("inf")
    is_short = size.is_single
    size, y = size.as_double(), y.as_double()
    high, low = _logarithm(size) if is_short else _logarithm_in_two_parts(size)
    high = (size < infinity).select(high, size)
    high = size.equals(0.0).select(size.of(-infinity), high)
    product = high * y
    if is_short:
        return exp(product).as_single()
    rest = high.fma(y, -product) + low * y
    return exp(product, (abs(product) < 1000.0).select(rest, 0.0))


def power(x: Number, y: Number) -> Number:
    """xʸ with all the special cases of IEEE 754. Within 0.6 ulp, 1.1 ulp."""
    size = abs(x)
    result = _power_of_size(size, y)
    half = 0.5 * y
    is_whole = y.floor().equals(y)
    is_odd = is_whole & ~half.floor().equals(half)
    result = (x.is_negative & is_odd).select(-result, result)
    is_undefined = (x < 0.0) & (size < float("inf")) & ~is_whole
    result = is_undefined.select(x.of(float("nan")), result)
    is_one = y.equals(0.0) | x.equals(1.0) | (size.equals(1.0) & abs(y).equals(float("inf")))
    return is_one.select(x.of(1.0), result)

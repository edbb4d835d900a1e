"""log|Γ| and the polygamma functions.

Small arguments are moved by the recurrence into an interval of length 1, where a polynomial fits the function divided by
its roots: so results keep their digits near the roots, too. The polynomials interpolate at Chebyshev's points, computed
in 60 digits. Large arguments: the asymptotic series (M. Abramowitz and I. Stegun, *Handbook of Mathematical Functions*
(1964), 6.1.41, 6.3.18, 6.4.11). Negative arguments: reflection (6.1.17, 6.4.7).
"""

from __future__ import annotations

import math
from fractions import Fraction

from ..arithmetic import Number, polynomial
from .exponential import log
from .trigonometric import sin, tan

# log Γ(2 + v) / (v (1 + v)) for -¾ ≤ v ≤ ½.
_GAMMALN_32 = (
    *(0.42278433442155755, -0.10031732467053012, 0.03296509769712262, -0.012383182929435585),
    *(0.0049967681802355075, -0.0021207069472264665, 0.0009249824032469437, -0.00034418317731514696),
    *(0.00017824153665556793, -0.00019219955464747416),
)
_GAMMALN_64 = (
    *(0.42278433509846713, -0.10031730167435397, 0.03296500062115749, -0.012384192193361671),
    *(0.004998641164538049, -0.002108130834550647, 0.0009153769280442959, -0.0004057073796773383),
    *(0.00018255253546507261, -8.309542855314488e-05, 3.8169896756129606e-05, -1.7658592312942464e-05),
    *(8.216849602265445e-06, -3.866548304533507e-06, 1.821158514489991e-06, -7.816877075272532e-07),
    *(4.059293681889722e-07, -3.3474668638415633e-07, 1.4416800936081328e-08, 7.232012168968503e-08),
    *(1.3329082752294213e-07,),
)
# ψ(3/2 + u) / (3/2 + u - root) for |u| ≤ ½, and the root in two parts.
_DIGAMMA_32 = (
    *(0.9510558760318328, -0.42362749747529066, 0.24054253501497624, -0.1483988613883281),
    *(0.09498468507487738, -0.062055980386091954, 0.040850026740824504, -0.025786883631264544),
    *(0.01711498899971067, -0.016373620255320655, 0.010902588672572695),
)
_DIGAMMA_64 = (
    *(0.951055876031833, -0.4236274212814605, 0.2405424842407742, -0.14840492305390884),
    *(0.09498872445494122, -0.061922133273064534, 0.04076083381242074, -0.02697579675613825),
    *(0.0179072524394512, -0.011908218001568644, 0.007926944646403797, -0.005279964873257405),
    *(0.003519006401502276, -0.002345267632540769, 0.0015566317474486838, -0.0010376374098418604),
    *(0.0007233266279287554, -0.0004821990530566789, 0.0002272331660987376, -0.00015148586836773365),
    *(0.00025968482126430747, -0.00017312261802727394),
)
_DIGAMMA_ROOT_32 = (1.4616321325302124, 1.2438149938918909e-08)
_DIGAMMA_ROOT_64 = (1.4616321449683622, 9.549995429965697e-17)


def _bernoulli(count: int) -> list[Fraction]:
    """B2, B4, ..., B(2 count)."""
    numbers = [Fraction(1)]
    for m in range(1, 2 * count + 1):
        total = sum((math.comb(m + 1, k) * numbers[k] for k in range(m)), Fraction(0))
        numbers.append(-total / (m + 1))
    return [numbers[2 * k] for k in range(1, count + 1)]


def _to_nearest_whole(x: Number) -> Number:
    """x less the nearest whole number, without error."""
    return x - x.rint()


def _gammaln_positive(x: Number) -> Number:
    is_small = x < 8.0
    is_below_half, is_low = x < 0.5, x < 1.25
    one = x.of(1.0)
    # Γ(x) = Γ(2 + v) · product, or divided by it where x < 1.25; v is exact.
    v = is_below_half.select(x, is_low.select(x - 1.0, x - 2.0))
    product = is_below_half.select(x * (x + 1.0), is_low.select(x, one))
    for _ in range(6):
        is_above = v > 0.5
        product = is_above.select(product * (v + 1.0), product)
        v = is_above.select(v - 1.0, v)
    logarithm = log(is_small.select(product, x))
    fitted = v * (v + 1.0) * polynomial(v, x.choose(_GAMMALN_32, _GAMMALN_64))
    near = fitted + is_low.select(-logarithm, logarithm)
    inverse = 1.0 / x
    coefficients = [float(b / (2 * k * (2 * k - 1))) for k, b in enumerate(_bernoulli(x.choose(3, 8)), start=1)]
    series = inverse.fma(polynomial(inverse * inverse, coefficients), 0.5 * math.log(2 * math.pi) - 0.5)
    far = (x - 0.5).fma(logarithm - 1.0, series)
    return is_small.select(near, far)


def gammaln(x: Number) -> Number:
    """log|Γ(x)|.

    Within 3.2 ulp for x > 0. For x < 0 the error is below 5e-7 (float32) and 2e-15 (float64), relative to
    max(1, |value|).
    """
    infinity = float("inf")
    size = abs(x)
    positive = _gammaln_positive(size)
    # |Γ(x) Γ(-x)| = π / |x sin πx|
    sine = abs(sin(_to_nearest_whole(size) * math.pi))
    reflected = math.log(math.pi) - log(size * sine) - positive
    is_negative = x < 0.0
    is_tiny = size < x.choose(1e-10, 1e-20)
    result = (is_negative & ~is_tiny).select(reflected, positive)
    is_pole = is_negative & x.floor().equals(x)
    result = is_pole.select(x.of(infinity), result)
    result = size.equals(infinity).select(x, result)  # as SciPy has it
    return x.is_nan.select(x, result)


def polygamma(x: Number, order: int) -> Number:
    """The derivative of this order of the digamma function; order 0 is digamma itself.

    For x > 0 within 4 ulp (order 0), 6 ulp (orders 1 to 3), 6 + 1.5 order ulp (above: few were tried), and float32 within 0.6 ulp from
    order 9 on. For x < 0 and orders up to 6 the error is below 2e-6 (float32) and 3e-15 (float64), relative to
    max(1, |value|). Orders above 100 are NaN there.
    """
    if x.is_single and order > _LARGEST_ORDER_32:
        return polygamma(x.as_double(), order).as_single()
    is_reflected = x <= 0.0
    positive = is_reflected.select(1.0 - x, x)
    value = _digamma(positive) if order == 0 else _polygamma_positive(positive, order)
    infinity, nan = x.of(float("inf")), x.of(float("nan"))
    if order <= _LARGEST_ORDER_REFLECTED:
        slope = math.pi * _derivative_of_cotangent(_cotangent_of_turns(x), order)
        reflected = (value if order % 2 == 0 else -value) - slope
    else:
        reflected = nan
    result = is_reflected.select(reflected, value)
    is_pole = is_reflected & x.floor().equals(x)
    if order == 0:
        result = is_pole.select(nan, result)
        result = x.equals(0.0).select((-infinity).with_sign_of(-x), result)
        result = x.equals(float("inf")).select(x, result)
    else:
        result = is_pole.select(infinity if order % 2 else -infinity, result)
    return x.is_nan.select(x, result)


_LARGEST_ORDER_32 = 8
"""Above it the powers of float32 would overflow, so that float32 is computed in float64."""
_LARGEST_ORDER_REFLECTED = 100
"""Above it the coefficients of the reflection would overflow."""


def _cotangent_of_turns(x: Number) -> Number:
    """cot(πx), to the last digits near its zeros and its poles."""
    fraction = _to_nearest_whole(x)
    size = abs(fraction)
    is_steep = size < 0.25
    tangent = tan(is_steep.select(size, 0.5 - size) * math.pi)
    return is_steep.select(1.0 / tangent, tangent).with_sign_of(fraction)


def _derivative_of_cotangent(cotangent: Number, order: int) -> Number:
    """dⁿ/dxⁿ cot(πx) as a polynomial in cot(πx), since cot' = -(1 + cot²)."""
    coefficients = [0, 1]
    for _ in range(order):
        slopes = [k * c for k, c in enumerate(coefficients)][1:]
        raised = [0, 0, *slopes]
        coefficients = [-(a + b) for a, b in zip([*slopes, 0, 0], raised, strict=True)]
    return polynomial(cotangent, [float(c) * math.pi**order for c in coefficients])


def _digamma(x: Number) -> Number:
    """For positive numbers."""
    limit = x.choose(6, 10)
    is_small, is_low = x < float(limit), x < 1.0
    # 1/x + ... as one fraction, so that there is one division.
    v = is_low.select(x + 1.0, x)
    numerator = is_low.select(x.of(-1.0), 0.0)
    denominator = is_low.select(x, 1.0)
    for _ in range(limit - 2):
        is_above = v > 2.0
        below = v - 1.0
        numerator = is_above.select(numerator.fma(below, denominator), numerator)
        denominator = is_above.select(denominator * below, denominator)
        v = is_above.select(below, v)
    root, root_low = x.choose(_DIGAMMA_ROOT_32, _DIGAMMA_ROOT_64)
    fitted = (v - root - root_low) * polynomial(v - 1.5, x.choose(_DIGAMMA_32, _DIGAMMA_64))
    near = numerator / denominator + fitted
    inverse = 1.0 / x
    square = inverse * inverse
    coefficients = [float(-b / (2 * k)) for k, b in enumerate(_bernoulli(x.choose(3, 8)), start=1)]
    far = log(x) - (0.5 * inverse - square * polynomial(square, coefficients))
    return is_small.select(near, far)


def _times_power(factor: Number, x: Number, exponent: int) -> Number:
    """factor · xⁿ."""
    for _ in range(exponent):
        factor = factor * x
    return factor


def _split_factorial(order: int) -> tuple[float, float]:
    """s and r with n! = r sⁿ, so that n! / xⁿ = r (s / x)ⁿ overflows only where it must."""
    if order <= 20:
        return 1.0, float(math.factorial(order))
    scale = math.exp(math.lgamma(order + 1) / order)
    return scale, float(Fraction(math.factorial(order)) / Fraction(scale) ** order)


def _polygamma_positive(x: Number, order: int) -> Number:
    """(-1)^(n+1) n! ζ(n + 1, x), by Euler and Maclaurin."""
    scale, rest = _split_factorial(order)
    steps = x.choose(7, 10) + order
    total = x.of(0.0)
    for k in range(steps):
        shifted = x + float(k)
        total = total + rest / _times_power(shifted, shifted if scale == 1.0 else shifted / scale, order)
    is_small = x < float(steps)
    inverse = 1.0 / is_small.select(x + float(steps), x)
    power = _times_power(x.of(rest), inverse if scale == 1.0 else inverse * scale, order)
    series = power / float(order) + 0.5 * power * inverse
    term = power * inverse * inverse
    for k, b in enumerate(_bernoulli(x.choose(4, 8)), start=1):
        rising = math.prod(range(order + 1, order + 2 * k))
        series = series + term * float(b * rising / math.factorial(2 * k))
        term = term * inverse * inverse
    return float((-1) ** (order + 1)) * (is_small.select(total, 0.0) + series)

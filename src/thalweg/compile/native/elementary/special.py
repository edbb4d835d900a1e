"""erf, erfc, log|Γ| and the polygamma functions.

erfc(x) = e^(-x²) / (1 + 2x) · P(t) with t = (x - 3.75) / (x + 3.75): M. Shepherd and J. Laframboise, *Chebyshev
Approximation of (1 + 2x) exp(x²) erfc x*, Mathematics of Computation 36 (1981); the coefficients are those of a fit made
for the range 1 ≤ x ≤ 29. log|Γ| and polygamma: recurrence upwards, then the asymptotic series (Abramowitz and Stegun,
6.1.41, 6.3.18, 6.4.11), with reflection for negative arguments.
"""

from __future__ import annotations

import math
from fractions import Fraction

from .exponential import exp, log
from .number import Number, polynomial
from .trigonometric import sin, tan

_MIDDLE, _HALF = 0.09552631578947368, 0.6744736842105263
_ERFC_32 = (
    *(1.2242120370917546, -0.09283915340852261, 0.009981943333005894, 0.01478335941679212),
    *(-0.014886410984197762, 0.00888102320015522, -0.003965743442855341, 0.0013721275800732003),
    *(-0.00034581715250639445, 4.7933435784901515e-05),
)
_ERFC_64 = (
    *(1.2242120334643871, -0.09283914802553311, 0.009982123691635437, 0.014783090170268232),
    *(-0.014887811368402813, 0.008883181242896087, -0.003962088480771737, 0.001366060088090788),
    *(-0.0003492987488732589, 5.4930115651677814e-05, 4.781738620989559e-07, -2.8738165197593187e-06),
    *(6.187768535820071e-07, 4.1684185074764317e-08, -4.441243955238504e-08, 3.972077684848579e-09),
    *(2.4330517727214224e-09, -5.309604012878362e-10, -1.2399592288145816e-10, 4.556465428258808e-11),
    *(5.190343836218068e-12, -2.6447781206444567e-12),
)


def _erf_near(x: Number) -> Number:
    """The Taylor series, for |x| ≤ 1."""
    count = x.choose(10, 19)
    coefficients = [2 / math.sqrt(math.pi) * (-1) ** k / (math.factorial(k) * (2 * k + 1)) for k in range(count)]
    return x * polynomial(x * x, coefficients)


def _erfc_far(size: Number) -> Number:
    """For 1 ≤ size."""
    bounded = size.clamped(1.0, 28.0)
    t = (bounded - 3.75) / (bounded + 3.75)
    fitted = polynomial((t - _MIDDLE) * (1 / _HALF), size.choose(_ERFC_32, _ERFC_64))
    square = bounded * bounded
    rest = bounded.fma(bounded, -square)
    return exp(-square, -rest) * fitted / (1.0 + 2.0 * bounded)


def erf(x: Number) -> Number:
    """The error function. Within 4 ulp."""
    size = abs(x)
    far = (1.0 - _erfc_far(size)).with_sign_of(x)
    result = (size <= 1.0).select(_erf_near(x), far)
    return x.is_nan.select(x, result)


def erfc(x: Number) -> Number:
    """1 - erf(x), accurate where it is small: relative error below 1e-15 (float64), 1e-6 (float32)."""
    size = abs(x)
    tail = _erfc_far(size)
    far = (x < 0.0).select(2.0 - tail, tail)
    result = (size <= 1.0).select(1.0 - _erf_near(x), far)
    return x.is_nan.select(x, result)


def _bernoulli(count: int) -> list[Fraction]:
    """B2, B4, ..., B(2 count)."""
    numbers = [Fraction(1)]
    for m in range(1, 2 * count + 1):
        total = sum((math.comb(m + 1, k) * numbers[k] for k in range(m)), Fraction(0))
        numbers.append(-total / (m + 1))
    return [numbers[2 * k] for k in range(1, count + 1)]


_SHIFT = 9


def _gammaln_positive(x: Number) -> Number:
    is_small = x < float(_SHIFT)
    product = x.of(1.0)
    for k in range(_SHIFT):
        product = product * (x + float(k))
    z = is_small.select(x + float(_SHIFT), x)
    inverse = 1.0 / z
    coefficients = [float(b / (2 * k * (2 * k - 1))) for k, b in enumerate(_bernoulli(x.choose(3, 8)), start=1)]
    series = inverse * polynomial(inverse * inverse, coefficients)
    stirling = (z - 0.5) * log(z) - z + (0.5 * math.log(2 * math.pi) + series)
    return is_small.select(stirling - log(is_small.select(product, 1.0)), stirling)


def gammaln(x: Number) -> Number:
    """log|Γ(x)|. Error below 1e-14 (float64), 5e-6 (float32), relative to max(1, |value|)."""
    infinity = float("inf")
    is_reflected = x < 0.5
    positive = _gammaln_positive(is_reflected.select(1.0 - x, x))
    fraction = abs(x) - abs(x).floor()
    reflected = math.log(math.pi) - log(abs(sin(fraction * math.pi))) - positive
    result = is_reflected.select(reflected, positive)
    result = (abs(x) < x.choose(1e-12, 1e-20)).select(-log(abs(x)), result)
    is_pole = (x <= 0.0) & x.floor().equals(x)
    result = is_pole.select(x.of(infinity), result)
    return (x.is_nan | abs(x).equals(infinity)).select(x, result)  # as SciPy has it


def polygamma(x: Number, order: int) -> Number:
    """The derivative of this order of the digamma function; order 0 is digamma itself.

    Relative error below 1e-13 (float64), 2e-6 (float32) for x > 0, away from the root of digamma. Negative arguments are
    reflected for the orders 0 and 1; for higher orders they give NaN.
    """
    is_reflected = x <= 0.0
    positive = is_reflected.select(1.0 - x, x)
    value = _digamma(positive) if order == 0 else _polygamma_positive(positive, order)
    fraction = x - x.floor()
    nan = x.of(float("nan"))
    if order == 0:
        reflected = value - math.pi / tan(fraction * math.pi)
    elif order == 1:
        sine = sin(fraction * math.pi)
        reflected = math.pi**2 / (sine * sine) - value
    else:
        reflected = nan
    result = is_reflected.select(reflected, value)
    is_pole = is_reflected & x.floor().equals(x)
    result = is_pole.select(nan, result)
    if order == 0:
        result = x.equals(0.0).select((-x.of(float("inf"))).with_sign_of(-x), result)
        result = x.equals(float("inf")).select(x, result)
    return x.is_nan.select(x, result)


def _digamma(x: Number) -> Number:
    steps = x.choose(6, 10)
    total = x.of(0.0)
    for k in range(steps):
        total = total + 1.0 / (x + float(k))
    is_small = x < float(steps)
    z = is_small.select(x + float(steps), x)
    inverse = 1.0 / z
    square = inverse * inverse
    coefficients = [float(-b / (2 * k)) for k, b in enumerate(_bernoulli(x.choose(3, 8)), start=1)]
    series = log(z) - 0.5 * inverse + square * polynomial(square, coefficients)
    return series - is_small.select(total, 0.0)


def _whole_power(x: Number, exponent: int) -> Number:
    result = x
    for _ in range(exponent - 1):
        result = result * x
    return result


def _polygamma_positive(x: Number, order: int) -> Number:
    """(-1)^(n+1) n! ζ(n + 1, x), by Euler and Maclaurin."""
    steps = x.choose(7, 10) + order
    total = x.of(0.0)
    for k in range(steps):
        total = total + 1.0 / _whole_power(x + float(k), order + 1)
    z = x + float(steps)
    inverse = 1.0 / z
    power = _whole_power(inverse, order)
    series = power / float(order) + 0.5 * power * inverse
    term = power * inverse * inverse
    for k, b in enumerate(_bernoulli(x.choose(4, 8)), start=1):
        rising = math.prod(range(order + 1, order + 2 * k))
        series = series + term * (float(b) / math.factorial(2 * k) * rising)
        term = term * inverse * inverse
    return (total + series) * float((-1) ** (order + 1) * math.factorial(order))

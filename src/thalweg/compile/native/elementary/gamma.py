"""log|Γ| and the polygamma functions: recurrence, then the asymptotic series, with reflection for negative arguments.

The formulas are those of M. Abramowitz and I. Stegun, *Handbook of Mathematical Functions* (1964): 6.1.15, 6.1.17 and 6.1.41
for the gamma function, 6.3.5, 6.3.18, 6.4.7 and 6.4.11 for its derivatives. Near 2, log|Γ| is a polynomial that interpolates at
Chebyshev's points.
"""

from __future__ import annotations

import math
from fractions import Fraction

from .exponential import log
from .number import Number, polynomial
from .trigonometric import sin, tan

# log Γ(2 + v) / (v (v + 1)) in powers of v, for |v| ≤ ½
_NEAR_TWO_32 = (
    *(0.42278433509846713, -0.10031728877885711, 0.03296499468798302, -0.012384877203957737),
    *(0.00499895631917416, -0.0020983731185231203, 0.0009108883048531924, -0.0004564478114250902),
    0.00020588578996422386,
)
_NEAR_TWO_64 = (
    *(0.42278433509846713, -0.10031730167435392, 0.03296500062115359, -0.012384192193370211),
    *(0.0049986411649353725, -0.002108130834069472, 0.0009153769125087831, -0.00040570739285611585),
    *(0.0001825528383907226, -8.309522146915126e-05, 3.816660593339992e-05, -1.7660586231652296e-05),
    *(8.23747667463625e-06, -3.854622136251583e-06, 1.749054030806819e-06, -8.247688082905913e-07),
    *(5.236568534841362e-07, -2.489029529650396e-07),
)


def _bernoulli(count: int) -> list[Fraction]:
    """B2, B4, ..., B(2 count)."""
    numbers = [Fraction(1)]
    for m in range(1, 2 * count + 1):
        total = sum((math.comb(m + 1, k) * numbers[k] for k in range(m)), Fraction(0))
        numbers.append(-total / (m + 1))
    return [numbers[2 * k] for k in range(1, count + 1)]


def _to_whole(x: Number) -> Number:
    """x minus the nearest whole number. Exact, so that poles keep their distance."""
    return x - x.rint()


def _gammaln_positive(x: Number) -> Number:
    """For 0 ≤ x. One logarithm serves all three: the series for large x, factors above 2 ½ and factors below 1 ½."""
    steps: int = x.choose(2, 5)  # down to 2, before the asymptotic series is good enough
    is_large = x >= steps + 2.5
    n = (x - 2.0).clamped(-2.0, float(steps)).rint()
    v = x - (n + 2.0)
    near = v * (v + 1.0) * polynomial(v, x.choose(_NEAR_TWO_32, _NEAR_TWO_64))
    product = x.of(1.0)
    for k in range(1, steps + 1):
        product = (n >= float(k)).select(product * (x - float(k)), product)
    is_below = n < 0.0
    product = is_below.select((n < -1.0).select(x * (x + 1.0), x), product)
    logarithm = log(is_large.select(x, product))
    inverse = 1.0 / x
    coefficients = [float(b / (2 * k * (2 * k - 1))) for k, b in enumerate(_bernoulli(x.choose(3, 8)), start=1)]
    series = inverse * polynomial(inverse * inverse, coefficients)
    stirling = (x - 0.5) * (logarithm - 1.0) + (0.5 * math.log(2 * math.pi) - 0.5 + series)
    return is_large.select(stirling, near + is_below.select(-logarithm, logarithm))


def gammaln(x: Number) -> Number:
    """log|Γ(x)|. Relative error below 1e-15 (float64), 1e-6 (float32) for x > 0, at its zeros 1 and 2 as well.

    For x < 0, where the zeros are not representable, the error is that small against max(1, |log|Γ(x)||), and 5e-15 (float64),
    2e-6 (float32) next to the poles."""
    infinity = float("inf")
    is_reflected = x < 0.0
    positive = _gammaln_positive(is_reflected.select(1.0 - x, x))
    sine = sin(abs(_to_whole(x)) * math.pi)
    result = is_reflected.select(math.log(math.pi) - log(sine) - positive, positive)
    is_pole = (x <= 0.0) & x.floor().equals(x)
    result = is_pole.select(x.of(infinity), result)
    return (x.is_nan | abs(x).equals(infinity)).select(x, result)  # as SciPy has it


def _cotangent_derivative(order: int) -> list[int]:
    """The coefficients of the derivative of this order of cot(t), as a polynomial in cot(t)."""
    polynomial_of_cotangent = [0, 1]
    for _ in range(order):
        slopes = [k * c for k, c in enumerate(polynomial_of_cotangent)][1:]
        polynomial_of_cotangent = [
            -(a + b) for a, b in zip([*slopes, 0, 0], [0, 0, *slopes], strict=True)
        ]  # d cot = -(1 + cot²)
    return polynomial_of_cotangent


def polygamma(x: Number, order: int) -> Number:
    """The derivative of this order of the digamma function; order 0 is digamma itself.

    Relative error below 2e-15 (float64), 1e-6 (float32) for x > 0; digamma has a zero at 1.4616, near which that is its absolute
    error. For x < 0 the error is of that size against max(1, |value|) for the orders 0, 1, 3, 5, ...; for 2, 4, ..., which have
    zeros between the poles, it is 1e-14 and 1e-5.
    """
    infinity = float("inf")
    is_reflected = x < 0.0
    positive = is_reflected.select(1.0 - x, x)
    value = _digamma(positive) if order == 0 else _polygamma_positive(positive, order)
    cotangent = 1.0 / tan(_to_whole(x) * math.pi)
    derivative = polynomial(cotangent, [math.pi ** (order + 1) * c for c in _cotangent_derivative(order)])
    reflected = (value if order % 2 == 0 else -value) - derivative
    result = is_reflected.select(reflected, value)
    is_whole = x.floor().equals(x)
    if order == 0:
        result = (is_reflected & is_whole).select(x.of(float("nan")), result)
        result = x.equals(0.0).select((-x.of(infinity)).with_sign_of(-x), result)
        result = abs(x).equals(infinity).select(x, result)
    else:
        result = ((x <= 0.0) & is_whole).select(x.of(infinity if order % 2 else -infinity), result)
    return x.is_nan.select(x, result)


def _digamma(x: Number) -> Number:
    """For 0 ≤ x. The sum of 1 / (x + k) is kept as one fraction: one division instead of one for each k."""
    steps: int = x.choose(6, 10)
    is_small = x < float(steps)
    base = is_small.select(x, 1.0)
    top, bottom = base.of(1.0), base
    for k in range(1, steps):
        step = base + float(k)
        top, bottom = top.fma(step, bottom), bottom * step
    z = is_small.select(x + float(steps), x)
    inverse = 1.0 / z
    square = inverse * inverse
    coefficients = [float(-b / (2 * k)) for k, b in enumerate(_bernoulli(x.choose(3, 8)), start=1)]
    series = log(z) - 0.5 * inverse + square * polynomial(square, coefficients)
    return series - is_small.select(top / bottom, 0.0)


def _whole_power(x: Number, exponent: int) -> Number:
    result = x
    for _ in range(exponent - 1):
        result = result * x
    return result


def _polygamma_positive(x: Number, order: int) -> Number:
    """(-1)^(n+1) n! ζ(n + 1, x), by Euler and Maclaurin."""
    steps = x.choose(7, 10) + order
    is_small = x < float(steps)
    base = is_small.select(x, 1.0)
    total = x.of(0.0)
    for k in range(steps):
        total = total + 1.0 / _whole_power(base + float(k), order + 1)
    total = is_small.select(total, 0.0)
    z = is_small.select(x + float(steps), x)
    inverse = 1.0 / z
    power = _whole_power(inverse, order)
    series = power / float(order) + 0.5 * power * inverse
    term = power * inverse * inverse
    for k, b in enumerate(_bernoulli(x.choose(4, 8)), start=1):
        rising = math.prod(range(order + 1, order + 2 * k))
        series = series + term * (float(b) / math.factorial(2 * k) * rising)
        term = term * inverse * inverse
    return (total + series) * float((-1) ** (order + 1) * math.factorial(order))

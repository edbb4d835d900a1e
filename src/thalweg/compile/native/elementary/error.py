"""The error function and its complement.

erfc(x) = e^(-x²) y Q(y) with y = 1 / (x + K), a variable in which the product erfc(x) e^(x²) / y is smooth up to infinity:
after M. Shepherd and J. Laframboise, *Chebyshev Approximation of (1 + 2x) exp(x²) erfc x*, Mathematics of Computation 36
(1981). The polynomials interpolate at Chebyshev's points, for ½ ≤ x as far as the result is not zero.
"""

from __future__ import annotations

import math

from .exponential import exp_parts
from .number import Number, polynomial

# K, the middle of the range of y, and one over half its length; then Q in powers of (y - middle) / half
_MAP_32 = (2.0, 0.24, 6.25)
_ERFC_32 = (
    *(0.9945410493925491, 0.42558928733062235, 0.11259757959480117, 0.010427148932999964),
    *(-0.0033782128693444487, -0.0007721189314993952, 0.00019093070243673724, 4.618215733677381e-05),
    *(-1.4045793079368645e-05, -1.9426020089865167e-06),
)
_MAP_64 = (3.0, 0.1592505854800937, 7.907407407407407)
_ERFC_64 = (
    *(1.0358406839935126, 0.6318157816248834, 0.316766658572112, 0.1265723105260759, 0.037634679593802095),
    *(0.006798190086100489, -5.7205951568519414e-05, -0.0004084313832819705, -7.133273533409663e-05),
    *(1.8839965040473982e-05, 7.595034317426593e-06, -9.80632311163148e-07, -7.169551670545196e-07),
    *(7.830056050531712e-08, 6.967105381266806e-08, -1.0040716428481598e-08, -6.841772576807332e-09),
    *(1.4025251125344936e-09, 6.080070094388133e-10, -1.2663171174899193e-10, -3.596677095034757e-11),
)


def _erf_near(x: Number) -> Number:
    """The Taylor series, for |x| ≤ 1."""
    count: int = x.choose(10, 19)
    coefficients = [2 / math.sqrt(math.pi) * (-1) ** k / (math.factorial(k) * (2 * k + 1)) for k in range(count)]
    return x * polynomial(x * x, coefficients)


def _erfc_far(size: Number) -> Number:
    """For ½ ≤ size."""
    bounded = size.clamped(0.5, size.choose(10.5, 27.5))
    shift, middle, scale = size.choose(_MAP_32, _MAP_64)
    total: Number = bounded + shift
    y = 1.0 / total
    y_rest = y * ((-total).fma(y, 1.0) - y * (bounded - (total - shift)))  # rounding errors of y would count twice
    fitted = polynomial((y - middle + y_rest) * scale, size.choose(_ERFC_32, _ERFC_64))
    square = bounded * bounded
    rest = bounded.fma(bounded, -square)
    value = y_rest.fma(fitted, y * fitted)
    fraction, fraction_rest, n = exp_parts(-square, -rest)
    return fraction_rest.fma(value, fraction * value).times_power_of_two(n)


def erf(x: Number) -> Number:
    """The error function. Within 3 ulp."""
    size = abs(x)
    far = (1.0 - _erfc_far(size)).with_sign_of(x)
    result = (size <= 1.0).select(_erf_near(x), far)
    return x.is_nan.select(x, result)


def erfc(x: Number) -> Number:
    """1 - erf(x), accurate where it is small. Within 4 ulp."""
    size = abs(x)
    tail = _erfc_far(size)
    far = (x < 0.0).select(2.0 - tail, tail)
    result = (size <= 0.5).select(1.0 - _erf_near(x), far)
    return x.is_nan.select(x, result)

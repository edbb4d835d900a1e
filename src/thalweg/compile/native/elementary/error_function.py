"""erf and erfc.

Up to 0.8 (erfc) or 1 (erf) the Taylor series. Above, erfc(x) = e^(-x²) P(u) / (x + K) with u linear in 1 / (x + K), after
M. Shepherd and J. Laframboise, *Chebyshev Approximation of (1 + 2x) exp(x²) erfc x*, Mathematics of Computation 36 (1981);
P interpolates at Chebyshev's points of -1 ≤ u ≤ 1, computed in 60 digits.
"""

from __future__ import annotations

import math

from ..arithmetic import Number, polynomial
from .exponential import exp

# For 0.8 ≤ x ≤ 10.5, with K = 2.5.
_ERFC_32 = (
    *(1.012202066681693, 0.4328427636254288, 0.13939341280726905, 0.03077744158270492),
    *(0.003241162824482265, -0.00041583414945904905, -0.00017084571719919455, 2.7687375845985336e-06),
    *(7.217089421014721e-06,),
)
# For 0.8 ≤ x ≤ 27.5, with K = 3.
_ERFC_64 = (
    *(0.9845767388514559, 0.5325168831421033, 0.2405703405517977, 0.0880958327831793),
    *(0.02455797365599557, 0.004383881097324889, 0.00010066178779423076, -0.00019373308383726157),
    *(-4.150276283982313e-05, 5.548544196584633e-06, 3.422907031060992e-06, -8.64902159456825e-08),
    *(-2.664959576712062e-07, -3.032424332827415e-09, 2.26257871163308e-08, 9.402656913998823e-11),
    *(-2.0928260142433016e-09, 6.782932838802418e-11, 1.9076403541556427e-10, -1.0246460520863346e-11),
    *(-1.238465894874582e-11,),
)


def _erf_near(x: Number) -> Number:
    """The Taylor series, for |x| ≤ 1: 2/√π x, and the rest on its own."""
    count = x.choose(10, 19)
    factor = 2 / math.sqrt(math.pi)
    coefficients = [factor * (-1) ** k / (math.factorial(k) * (2 * k + 1)) for k in range(1, count)]
    square = x * x
    # The first coefficient is 1 and a fraction, so that the large part of the product is x itself.
    return x + x.fma(factor - 1.0, x * square * polynomial(square, coefficients))


def _erfc_far(size: Number) -> Number:
    """For 0.8 ≤ size."""
    largest, shift, scale, offset = size.choose((10.5, 2.5, 8.75, 1.65625), (27.5, 3.0, 8.625, 1.28125))
    bounded = size.clamped(0.8, largest)
    divisor = bounded + shift
    inverse = 1.0 / divisor
    # What the roundings of the sum and of the quotient lost, since P is steep. The differences are exact.
    lost = (-inverse).fma(divisor, 1.0) - inverse * (bounded - (divisor - shift))
    rest = inverse * lost
    fitted = polynomial(inverse.fma(scale, -offset) + scale * rest, size.choose(_ERFC_32, _ERFC_64))
    square = bounded * bounded
    square_rest = bounded.fma(bounded, -square)
    return exp(-square, -square_rest) * fitted.fma(inverse, fitted * rest)


def erf(x: Number) -> Number:
    """The error function. Within 1.3 ulp."""
    size = abs(x)
    result = (size <= 1.0).select(_erf_near(size), 1.0 - _erfc_far(size))
    return x.is_nan.select(x, result.with_sign_of(x))


def erfc(x: Number) -> Number:
    """1 - erf(x), accurate where it is small. Within 4 ulp."""
    size = abs(x)
    tail = _erfc_far(size)
    far = (x < 0.0).select(2.0 - tail, tail)
    result = (size <= 0.8).select(1.0 - _erf_near(x), far)
    return x.is_nan.select(x, result)

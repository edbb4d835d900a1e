"""The hyperbolic functions and their inverses, from exp, expm1, log and log1p.

tanh follows W. Cody and W. Waite, *Software Manual for the Elementary Functions* (1980), chapter 13: a polynomial near zero,
an exponential elsewhere. The polynomials interpolate at Chebyshev's points.
"""

from __future__ import annotations

import math

from .exponential import exp, expm1, log, log1p
from .number import Number, polynomial

# (tanh t - t) / t³ in powers of t², for |t| ≤ 5/8
_TANH_32 = (
    *(-0.3333333317214036, 0.1333330355691574, -0.053959259577204544, 0.02176891865102821),
    *(-0.008343945515839153, 0.002292744816178142),
)
_TANH_64 = (
    *(-0.3333333333333333, 0.13333333333333042, -0.05396825396789699, 0.021869488519008305),
    *(-0.008863235103240878, 0.0035921217511549622, -0.0014557754120478055, 0.0005896606577757043),
    *(-0.0002375906496055562, 9.257116129556769e-05, -3.12011014257974e-05, 6.485163482793113e-06),
)


def tanh(x: Number) -> Number:
    """The hyperbolic tangent. Within 1.5 ulp."""
    size = abs(x)
    z = x * x
    near = (size * z).fma(polynomial(z, x.choose(_TANH_32, _TANH_64)), size)
    far = 1.0 - 2.0 / (exp(2.0 * size) + 1.0)
    return (size > 0.625).select(far, near).with_sign_of(x)


def sinh(x: Number) -> Number:
    """The hyperbolic sine. Within 3 ulp."""
    size = abs(x)
    e = expm1(size.clamped(0.0, 30.0))
    small = 0.5 * (e + e / (e + 1.0))
    half = exp(0.5 * size)
    result = (size > 22.0).select(0.5 * half * half, small)
    return x.is_nan.select(x, result.with_sign_of(x))


def cosh(x: Number) -> Number:
    """The hyperbolic cosine. Within 3 ulp."""
    size = abs(x)
    e = exp(size.clamped(0.0, 30.0))
    half = exp(0.5 * size)
    result = (size > 22.0).select(0.5 * half * half, 0.5 * e + 0.5 / e)
    return x.is_nan.select(x, result)


def arcsinh(x: Number) -> Number:
    """The inverse hyperbolic sine. Within 4 ulp."""
    size = abs(x)
    limit: float = x.choose(1e6, 1e8)
    near = size.clamped(0.0, limit)
    square = near * near
    small = log1p(near + square / (1.0 + (square + 1.0).sqrt()))
    result = (size > limit).select(log(size) + math.log(2), small)
    result = x.equals(0.0).select(x, result.with_sign_of(x))
    return x.is_nan.select(x, result)


def arccosh(x: Number) -> Number:
    """The inverse hyperbolic cosine; NaN below 1. Within 4 ulp."""
    limit: float = x.choose(1e6, 1e8)
    t = x - 1.0
    small = log1p(t + (2.0 * t + t * t).sqrt())
    return (x > limit).select(log(x) + math.log(2), small)


def arctanh(x: Number) -> Number:
    """The inverse hyperbolic tangent; NaN beyond ±1. Within 4 ulp."""
    size = abs(x)
    result = 0.5 * log1p(2.0 * size / (1.0 - size))
    result = x.equals(0.0).select(x, result.with_sign_of(x))
    return (size > 1.0).select(x.of(float("nan")), result)

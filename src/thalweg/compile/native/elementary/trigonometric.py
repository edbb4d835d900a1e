"""sin, cos and tan.

x = n π/2 + r with |r| ≤ π/4, π/2 in three parts and each step one fused multiply-add, then Taylor series. Source: Cody and
Waite (1980), chapter 8. float32 is reduced in float64. Since the first step is exact, the reduction holds up to
|x| = 1e15 in both. Beyond that values stay finite, those of sin and cos between -1 and 1, but have no meaning.
"""

from __future__ import annotations

import math

from ..arithmetic import Condition, Number, polynomial

HALF_PI_64 = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591833e-33)
HALF_PI_32 = (1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15)


def _reduced(x: Number) -> tuple[Number, Number]:
    """The quadrant (0, 1, 2 or 3) and r."""
    wide = x.as_double()
    n = (wide * (2 / math.pi)).rint()
    r = wide
    for part in HALF_PI_64[: x.choose(2, 3)]:
        r = n.fma(-part, r)
    r = (abs(r) > 1.0).select(wide.of(0.5), r)  # only beyond the range
    quadrant = n - 4.0 * (n * 0.25).floor()
    return (quadrant.as_single(), r.as_single()) if x.is_single else (quadrant, r)


def _series(start: int, count: int) -> list[float]:
    """Of sin (start 1) or cos (start 0), in powers of r²."""
    return [(-1) ** k / math.factorial(2 * k + start) for k in range(count)]


def _sine(r: Number) -> Number:
    z = r * r
    return (r * z).fma(polynomial(z, _series(1, r.choose(6, 10))[1:]), r)


def _cosine(r: Number) -> Number:
    z = r * r
    rest = polynomial(z, _series(0, r.choose(6, 10))[2:])
    half = 0.5 * z
    w = 1.0 - half
    return w + ((1.0 - w - half) + z * z * rest)


def _is_odd(quadrant: Number) -> Condition:
    return quadrant.equals(1.0) | quadrant.equals(3.0)


def sin(x: Number) -> Number:
    """The sine. Within 1.8 ulp for |x| ≤ 1e15."""
    quadrant, r = _reduced(x)
    value = _is_odd(quadrant).select(_cosine(r), _sine(r))
    result = (quadrant >= 2.0).select(-value, value)
    return x.equals(0.0).select(x, result)


def cos(x: Number) -> Number:
    """The cosine. Within 1.8 ulp for |x| ≤ 1e15."""
    quadrant, r = _reduced(x)
    value = _is_odd(quadrant).select(_sine(r), _cosine(r))
    return (quadrant.equals(1.0) | quadrant.equals(2.0)).select(-value, value)


def tan(x: Number) -> Number:
    """The tangent. Within 3.3 ulp for |x| ≤ 1e15."""
    quadrant, r = _reduced(x)
    is_odd = _is_odd(quadrant)
    s, c = _sine(r), _cosine(r)
    result = is_odd.select(-c, s) / is_odd.select(s, c)
    return x.equals(0.0).select(x, result)

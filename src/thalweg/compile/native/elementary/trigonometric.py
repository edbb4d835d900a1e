"""sin, cos, tan and their inverses.

x = n π/2 + r with |r| ≤ π/4: π/2 in three parts, each step one fused multiply-add, then Taylor series; after W. Cody and
W. Waite, *Software Manual for the Elementary Functions* (1980), chapters 8 and 9. The bounds below hold up to |x| = 1e6 in
float32 and 1e12 in float64. Beyond that accuracy falls; where neighbouring numbers lie further apart than a quarter of a turn
(about 1e7 and 1e16) nothing is left of it but that sines and cosines stay within ±1.

The inverses follow S. Moshier's Cephes library (1989) in how they bring their argument near zero; the polynomials interpolate at
Chebyshev's points.
"""

from __future__ import annotations

import math

from .number import Number, polynomial

_HALF_PI_64 = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591833e-33)
_HALF_PI_32 = (1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15)

# (arctan t - t) / t³ in powers of t², for |t| ≤ tan(π/8)
_ARCTAN_32 = (
    *(-0.3333333327922454, 0.1999997724823353, -0.14284150629730288, 0.11071354571201351),
    *(-0.08624598215196126, 0.05047937432040091),
)
_ARCTAN_64 = (
    *(-0.3333333333333333, 0.19999999999999804, -0.14285714285659779, 0.11111111105150588),
    *(-0.09090908753259112, 0.07692296368042296, -0.0666642476020052, 0.05878927554473807),
    *(-0.05230443640686948, 0.045515447340221615, -0.03456931506332609, 0.016284375050043393),
)

# (arcsin t - t) / t³ in powers of t², for |t| ≤ ½
_ARCSIN_32 = (
    *(0.16666666337430908, 0.07500094543497424, 0.04459940152851218, 0.03110066273549457),
    *(0.017149238357677253, 0.03369084720283012),
)
_ARCSIN_64 = (
    *(0.16666666666666669, 0.07499999999998433, 0.04464285714635543, 0.030381944138531247),
    *(0.02237217294214989, 0.017352392720869973, 0.013971212973552933, 0.011479177415184906),
    *(0.01032281435018578, 0.005457506718640358, 0.01740087944269402, -0.014851887071247204),
    0.028757851367421566,
)


def _reduced(x: Number) -> tuple[Number, Number]:
    """The quadrant (0, 1, 2 or 3) and r."""
    n = (x * (2 / math.pi)).rint()
    r = x
    for part in x.choose(_HALF_PI_32, _HALF_PI_64):
        r = n.fma(-part, r)
    limit = math.pi / 2  # n may miss by its rounding, and for huge x by so much that the series would leave ±1
    r = (r > limit).select(r.of(limit), (r < -limit).select(r.of(-limit), r))  # NaN stays
    return n - 4.0 * (n * 0.25).floor(), r


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


def sin(x: Number) -> Number:
    """The sine. Within 1.5 ulp."""
    quadrant, r = _reduced(x)
    is_odd = quadrant.equals(1.0) | quadrant.equals(3.0)
    value = is_odd.select(_cosine(r), _sine(r))
    result = (quadrant >= 2.0).select(-value, value)
    return x.equals(0.0).select(x, result)


def cos(x: Number) -> Number:
    """The cosine. Within 1.5 ulp."""
    quadrant, r = _reduced(x)
    is_odd = quadrant.equals(1.0) | quadrant.equals(3.0)
    value = is_odd.select(_sine(r), _cosine(r))
    return (quadrant.equals(1.0) | quadrant.equals(2.0)).select(-value, value)


def tan(x: Number) -> Number:
    """The tangent. Within 3 ulp."""
    quadrant, r = _reduced(x)
    is_odd = quadrant.equals(1.0) | quadrant.equals(3.0)
    s, c = _sine(r), _cosine(r)
    result = is_odd.select(-c, s) / is_odd.select(s, c)
    return x.equals(0.0).select(x, result)


def _half_pi(x: Number) -> tuple[float, float]:
    """π/2 as a number of x's precision, and the rest."""
    high, low = x.choose(_HALF_PI_32, _HALF_PI_64)[:2]
    return high, low


def arctan(x: Number) -> Number:
    """The inverse tangent. Within 2 ulp.

    For large x it is π/2 - arctan(1/x), for those near 1 it is π/4 + arctan((x - 1) / (x + 1)).
    """
    size = abs(x)
    is_large, is_middle = size > math.tan(3 * math.pi / 8), size > math.tan(math.pi / 8)
    one = x.of(1.0)
    top = is_large.select(-one, is_middle.select(size - 1.0, size))
    bottom = is_large.select(size, is_middle.select(size + 1.0, one))
    t = top / bottom
    z = t * t
    high, low = _half_pi(x)
    start = is_large.select(x.of(high), is_middle.select(x.of(high / 2), 0.0))
    rest = is_large.select(x.of(low), is_middle.select(x.of(low / 2), 0.0))
    tail = (t * z).fma(polynomial(z, x.choose(_ARCTAN_32, _ARCTAN_64)), rest)
    return (start + (t + tail)).with_sign_of(x)


def arctan2(y: Number, x: Number) -> Number:
    """The angle of the point (x, y), in all four quadrants. Within 3 ulp."""
    infinity = float("inf")
    both_infinite = abs(x).equals(infinity) & abs(y).equals(infinity)
    both_zero = x.equals(0.0) & y.equals(0.0)
    ratio = both_infinite.select(y.of(1.0), both_zero.select(y.of(0.0), abs(y) / abs(x)))
    angle = arctan(ratio)
    high, low = _half_pi(x)
    angle = x.is_negative.select(2.0 * high - (angle - 2.0 * low), angle)
    return (x.is_nan | y.is_nan).select(x + y, angle.with_sign_of(y))


def _arcsin_tail(s: Number, z: Number) -> Number:
    """arcsin(s) - s for 0 ≤ s ≤ ½, with z = s²."""
    return s * z * polynomial(z, s.choose(_ARCSIN_32, _ARCSIN_64))


def arcsin(x: Number) -> Number:
    """The inverse sine; NaN beyond ±1. Within 2 ulp.

    Above ½ it is π/2 - 2 arcsin(√((1 - x) / 2)). What the root lost by rounding matters near x = ½, where it is nearly ½ itself:
    there 1 / (2 s) is 2 - 2 s, and no division is needed.
    """
    size = abs(x)
    is_large = size > 0.5
    z = is_large.select(0.5 * (1.0 - size), x * x)
    s = is_large.select(z.sqrt(), size)
    tail = _arcsin_tail(s, z)
    high, low = _half_pi(x)
    lost = (-s).fma(s, z) * (2.0 - 2.0 * s)
    large = (high - 2.0 * s) - (2.0 * (lost + tail) - low)
    return is_large.select(large, s + tail).with_sign_of(x)


def arccos(x: Number) -> Number:
    """The inverse cosine; NaN beyond ±1. Within 2 ulp."""
    size = abs(x)
    is_large = size > 0.5
    z = is_large.select(0.5 * (1.0 - size), x * x)
    s = is_large.select(z.sqrt(), x)
    tail = _arcsin_tail(s, z)
    high, low = _half_pi(x)
    middle = high - (s - (low - tail))
    left = 2.0 * high - 2.0 * (s + (tail - low))
    right = 2.0 * (s + tail)
    return is_large.select((x < 0.0).select(left, right), middle)

"""arcsin, arccos, arctan and arctan2.

arctan: a quotient above tan(π/8) is turned back by π/4, as tan(a - π/4) = (tan a - 1) / (tan a + 1), then a polynomial.
arcsin: a polynomial up to ½, and arcsin x = π/2 - 2 arcsin √((1 - x) / 2) above. The reductions are those of S. Moshier's
Cephes library (1989); the polynomials interpolate (arctan t - t) / t³ and (arcsin t - t) / t³ as functions of t² at
Chebyshev's points, computed in 60 digits.
"""

from __future__ import annotations

import math

from ..arithmetic import Condition, Number, polynomial
from .trigonometric import HALF_PI_32, HALF_PI_64

_ARCTAN_32 = (
    *(-0.33333331760434554, 0.1999954031495797, -0.14263949753605723, 0.10743668324830098),
    *(-0.06451718869358958,),
)
_ARCTAN_64 = (
    *(-0.3333333333333333, 0.19999999999999804, -0.14285714285659779, 0.11111111105150588),
    *(-0.09090908753259112, 0.07692296368042296, -0.0666642476020052, 0.05878927554473807),
    *(-0.05230443640686948, 0.045515447340221615, -0.03456931506332609, 0.016284375050043393),
)
_ARCSIN_32 = (
    *(0.16666666337430908, 0.07500094543497424, 0.04459940152851218, 0.03110066273549457),
    *(0.017149238357677253, 0.03369084720283012),
)
_ARCSIN_64 = (
    *(0.16666666666666669, 0.07499999999998433, 0.04464285714635543, 0.030381944138531247),
    *(0.02237217294214989, 0.017352392720869973, 0.013971212973552933, 0.011479177415184906),
    *(0.01032281435018578, 0.005457506718640358, 0.01740087944269402, -0.014851887071247204),
    *(0.028757851367421566,),
)


def _angle(y: Number, x: Number, is_left: Condition | None = None) -> Number:
    """The angle of the point (x, y) for x, y ≥ 0; where is_left holds, that of (-x, y)."""
    is_steep = y > x
    low, high = is_steep.select(x, y), is_steep.select(y, x)
    is_middle = low > math.tan(math.pi / 8) * high
    t = is_middle.select(low - high, low) / is_middle.select(low + high, high)
    z = t * t
    small = (t * z).fma(polynomial(z, x.choose(_ARCTAN_32, _ARCTAN_64)), t)
    # The angle is a number of eighths of a turn, plus or minus the small angle.
    turned = is_middle.select(x.of(1.0), 0.0)
    eighths = is_steep.select(2.0 - turned, turned)
    is_backwards = is_steep
    if is_left is not None:
        eighths = is_left.select(4.0 - eighths, eighths)
        is_backwards = is_steep ^ is_left
    half_pi, rest = x.choose(HALF_PI_32, HALF_PI_64)[:2]
    signed = is_backwards.select(-small, small)
    return eighths.fma(0.5 * half_pi, eighths.fma(0.5 * rest, signed))


def arctan(x: Number) -> Number:
    """The inverse tangent. Within 2.1 ulp."""
    infinity = float("inf")
    size = abs(x)
    angle = _angle(size.equals(infinity).select(x.of(1.0), size), size.equals(infinity).select(x.of(0.0), 1.0))
    return x.is_nan.select(x, angle.with_sign_of(x))


def arctan2(y: Number, x: Number) -> Number:
    """The angle of the point (x, y), in all four quadrants. Within 2.1 ulp."""
    infinity = float("inf")
    width, height = abs(x), abs(y)
    # Away from the largest and the smallest numbers, so that sums stay finite and comparisons exact.
    largest, smallest, scale = x.choose((2.0**126, 2.0**-100, 2.0**50), (2.0**1022, 2.0**-900, 2.0**200))
    is_far, is_near = (width > largest) | (height > largest), (width < smallest) & (height < smallest)
    factor = is_far.select(x.of(0.25), is_near.select(x.of(scale), 1.0))
    width, height = factor * width, factor * height
    is_infinite = width.equals(infinity) | height.equals(infinity)
    width = is_infinite.select(width.equals(infinity).select(x.of(1.0), 0.0), width)
    height = is_infinite.select(height.equals(infinity).select(x.of(1.0), 0.0), height)
    width = (x.equals(0.0) & y.equals(0.0)).select(x.of(1.0), width)
    angle = _angle(height, width, x.is_negative)
    return (x.is_nan | y.is_nan).select(x + y, angle.with_sign_of(y))


def _arcsine_of_half(size: Number) -> tuple[Condition, Number]:
    """Whether size exceeds ½; and arcsin size if not, arcsin √((1 - size) / 2) if so."""
    is_large = size > 0.5
    rest = 0.5 * (1.0 - size)
    t = is_large.select(rest.sqrt(), size)
    z = is_large.select(rest, size * size)
    return is_large, (t * z).fma(polynomial(z, size.choose(_ARCSIN_32, _ARCSIN_64)), t)


def arcsin(x: Number) -> Number:
    """The inverse sine; NaN beyond ±1. Within 2.4 ulp."""
    is_large, angle = _arcsine_of_half(abs(x))
    high, low = x.choose(HALF_PI_32, HALF_PI_64)[:2]
    result = is_large.select(high - (2.0 * angle - low), angle)
    return x.is_nan.select(x, result.with_sign_of(x))


def arccos(x: Number) -> Number:
    """The inverse cosine; NaN beyond ±1. Within 1.2 ulp."""
    is_large, angle = _arcsine_of_half(abs(x))
    high, low = x.choose(HALF_PI_32, HALF_PI_64)[:2]
    is_negative = x < 0.0
    near_one = is_negative.select(2.0 * high - (2.0 * angle - 2.0 * low), 2.0 * angle)
    near_zero = high - (is_negative.select(-angle, angle) - low)
    return is_large.select(near_one, near_zero)

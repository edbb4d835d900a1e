"""Functions of one number: value, slope and bend (f, f', f''), and where they rise, fall, and curve up or down.

The composition rule reads the regions; intervals of f, f' and f'' come from their values at the ends and at the turning
points between, clamped to the sign that the regions prove.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ..graph import Array
from .intervals import Interval, enclose

__all__ = ["CURVES", "ENTROPY", "RECIPROCAL", "Curve", "power_curve"]

Region = tuple[float, float]
Function = Callable[[Array], Any]
ALL: Region = (-math.inf, math.inf)
POSITIVE: Region = (0.0, math.inf)
NEGATIVE: Region = (-math.inf, 0.0)


@dataclass(frozen=True)
class Curve:
    """A function of one number.

    value, slope, bend: f, f', f''. domain: outside of it the function is NaN. convex, concave, rising, falling: regions
    where this holds. log_convex, log_concave: where log f curves like that. turns: where f'' has its extremes.
    kinks: where the slope jumps upwards. image: f's values lie in it. pole: a number at which f is infinite. period: for
    sine and cosine, whose extremes and zeros lie at its multiples. slack: absolute error. is_exact: no rounding at all.
    """

    value: Function
    slope: Function
    bend: Function
    domain: Region = ALL
    convex: tuple[Region, ...] = ()
    concave: tuple[Region, ...] = ()
    rising: tuple[Region, ...] = ()
    falling: tuple[Region, ...] = ()
    log_convex: tuple[Region, ...] = ()
    log_concave: tuple[Region, ...] = ()
    turns: tuple[float, ...] = ()
    kinks: tuple[float, ...] = ()
    image: Region = ALL
    pole: float | None = None
    period: float | None = None
    slack: float = 0.0
    is_exact: bool = False

    @staticmethod
    def holds(regions: tuple[Region, ...], x: Interval) -> Any:
        """Whether all of x lies in one of the regions."""
        found = np.zeros(np.shape(x.lower), bool)
        for lower, upper in regions:
            found = found | ((x.lower >= lower) & (x.upper <= upper))
        return found

    def _range(self, function: Function, x: Interval, turns: set[float], slack: float) -> Interval:
        if self.is_exact:
            return _exact_range(function, x, turns)
        ends = [enclose(function, x.lower, slack), enclose(function, x.upper, slack)]
        lower = np.minimum(ends[0].lower, ends[1].lower)
        upper = np.maximum(ends[0].upper, ends[1].upper)
        for turn in turns:
            there = enclose(function, np.asarray(turn), slack)
            inside = x.contains(turn)
            lower = np.where(inside, np.minimum(lower, there.lower), lower)
            upper = np.where(inside, np.maximum(upper, there.upper), upper)
        if self.period is not None:
            lower, upper = self._periodic(function, x, lower, upper)
        if self.pole is not None:
            inside = (x.lower < self.pole) & (self.pole < x.upper)
            lower, upper = np.where(inside, -np.inf, lower), np.where(inside, np.inf, upper)
        return Interval(lower, upper)

    def _periodic(self, function: Function, x: Interval, lower: Array, upper: Array) -> tuple[Any, Any]:
        """With the extremes, which lie at some multiples of the period: there the value is -1, 0 or 1."""
        assert self.period is not None
        with np.errstate(all="ignore"):
            first = np.ceil(x.lower / self.period - 1e-9)
            count = np.floor(x.upper / self.period + 1e-9) - first + 1
            is_small = np.maximum(np.abs(x.lower), np.abs(x.upper)) < 1e6
            there = np.where(count == 1, np.rint(function(np.where(is_small, first, 0.0) * self.period)), 0.0)
            low = np.where(count == 1, np.minimum(lower, there), lower)
            high = np.where(count == 1, np.maximum(upper, there), upper)
            is_known = is_small & (count <= 1)
        return np.where(is_known, low, -1.0), np.where(is_known, high, 1.0)

    def within_domain(self, x: Interval) -> Interval:
        return Interval(np.clip(x.lower, *self.domain), np.clip(x.upper, *self.domain))

    def values(self, x: Interval) -> Interval:
        """f over x."""
        ends = {end for region in (*self.rising, *self.falling) for end in region if math.isfinite(end)}
        found = self._range(self.value, self.within_domain(x), ends, self.slack)
        return Interval(np.clip(found.lower, *self.image), np.clip(found.upper, *self.image))

    def slopes(self, x: Interval) -> Interval:
        """f' over x."""
        x = self.within_domain(x)
        ends = {end for region in (*self.convex, *self.concave) for end in region if math.isfinite(end)}
        found = self._range(self.slope, x, ends - set(self.kinks), self.slack)
        for kink in self.kinks:
            aside = [self.slope(np.asarray(kink + side)) for side in (-1e-300, 1e-300)]
            lower = np.where(x.contains(kink), np.minimum(found.lower, min(aside)), found.lower)
            found = Interval(lower, np.where(x.contains(kink), np.maximum(found.upper, max(aside)), found.upper))
        return _signed(found, self.holds(self.rising, x), self.holds(self.falling, x))

    def bends(self, x: Interval) -> Interval:
        """f'' over x; infinite upwards at a kink."""
        x = self.within_domain(x)
        found = self._range(self.bend, x, set(self.turns), self.slack)
        for kink in self.kinks:
            found = Interval(found.lower, np.where(x.contains(kink), np.inf, found.upper))
        return _signed(found, self.holds(self.convex, x), self.holds(self.concave, x))


def _exact_range(function: Function, x: Interval, turns: set[float]) -> Interval:
    values = [function(x.lower), function(x.upper)]
    values += [np.where(x.contains(turn), function(np.asarray(turn)), values[0]) for turn in turns]
    return Interval(np.minimum.reduce(values), np.maximum.reduce(values))


def _signed(x: Interval, is_positive: Any, is_negative: Any) -> Interval:
    """The interval without the signs that are ruled out."""
    lower = np.where(is_positive, np.maximum(x.lower, 0.0), x.lower)
    upper = np.where(is_negative, np.minimum(x.upper, 0.0), x.upper)
    return Interval(
        np.where(is_negative, np.minimum(lower, 0.0), lower), np.where(is_positive, np.maximum(upper, 0.0), upper)
    )


def _special(name: str) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        import scipy.special

        return getattr(scipy.special, name)(*arguments)

    return call


_erf, _erfc, _gammaln, _polygamma = map(_special, ("erf", "erfc", "gammaln", "polygamma"))
_SQRT_PI = math.sqrt(math.pi)


def _expit(x: Array) -> Any:
    """1 / (1 + exp(-x)) to within a few units in the last place, without SciPy, whose import takes longer than most proofs."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1 + small)


def _sech_squared(x: Array) -> Any:
    return (1 / np.cosh(x)) ** 2


def _bell(x: Array) -> Any:
    return 2 / _SQRT_PI * np.exp(-x * x)


_SIGMOID_TURN = math.log(2 + math.sqrt(3))
_TANH_TURN = _SIGMOID_TURN / 2

CURVES: dict[str, Curve] = {
    "absolute": Curve(
        *(np.abs, np.sign, np.zeros_like),
        convex=(ALL,),
        rising=(POSITIVE,),
        falling=(NEGATIVE,),
        kinks=(0.0,),
        is_exact=True,
        image=POSITIVE,
    ),
    "exp": Curve(
        np.exp, np.exp, np.exp, convex=(ALL,), rising=(ALL,), log_convex=(ALL,), log_concave=(ALL,), image=POSITIVE
    ),
    "expm1": Curve(np.expm1, np.exp, np.exp, convex=(ALL,), rising=(ALL,), image=(-1.0, math.inf)),
    "log": Curve(np.log, lambda x: 1 / x, lambda x: -1 / x / x, POSITIVE, concave=(ALL,), rising=(ALL,)),
    "log1p": Curve(
        np.log1p,
        lambda x: 1 / (1 + x),
        lambda x: -1 / (1 + x) / (1 + x),
        (-1.0, math.inf),
        concave=(ALL,),
        rising=(ALL,),
    ),
    "sqrt": Curve(
        np.sqrt,
        lambda x: 0.5 / np.sqrt(x),
        lambda x: -0.25 / np.sqrt(x) / x,
        POSITIVE,
        concave=(ALL,),
        rising=(ALL,),
        image=POSITIVE,
    ),
    "expit": Curve(
        _expit,
        lambda x: _expit(x) * _expit(-x),
        lambda x: -_expit(x) * _expit(-x) * np.tanh(x / 2),
        convex=(NEGATIVE,),
        concave=(POSITIVE,),
        rising=(ALL,),
        log_concave=(ALL,),
        turns=(-_SIGMOID_TURN, _SIGMOID_TURN),
        image=(0.0, 1.0),
    ),
    "softplus": Curve(
        lambda x: np.logaddexp(x, 0.0),
        _expit,
        lambda x: _expit(x) * _expit(-x),
        convex=(ALL,),
        rising=(ALL,),
        log_concave=(ALL,),
        turns=(0.0,),
        image=POSITIVE,
    ),
    "sin": Curve(np.sin, np.cos, lambda x: -np.sin(x), period=math.pi / 2, image=(-1.0, 1.0)),
    "cos": Curve(np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x), period=math.pi / 2, image=(-1.0, 1.0)),
    "arcsin": Curve(
        np.arcsin,
        lambda x: 1 / np.sqrt((1 - x) * (1 + x)),
        lambda x: x / ((1 - x) * (1 + x)) ** 1.5,
        domain=(-1.0, 1.0),
        convex=((0.0, 1.0),),
        concave=((-1.0, 0.0),),
        rising=(ALL,),
    ),
    "arccos": Curve(
        np.arccos,
        lambda x: -1 / np.sqrt((1 - x) * (1 + x)),
        lambda x: -x / ((1 - x) * (1 + x)) ** 1.5,
        domain=(-1.0, 1.0),
        convex=((-1.0, 0.0),),
        concave=((0.0, 1.0),),
        falling=(ALL,),
    ),
    "arctan": Curve(
        np.arctan,
        lambda x: 1 / np.hypot(1, x) ** 2,
        lambda x: -2 * (x / np.hypot(1, x)) / np.hypot(1, x) ** 3,
        convex=(NEGATIVE,),
        concave=(POSITIVE,),
        rising=(ALL,),
        turns=(-1 / math.sqrt(3), 1 / math.sqrt(3)),
    ),
    "sinh": Curve(np.sinh, np.cosh, np.sinh, convex=(POSITIVE,), concave=(NEGATIVE,), rising=(ALL,)),
    "cosh": Curve(
        *(np.cosh, np.sinh, np.cosh),
        convex=(ALL,),
        rising=(POSITIVE,),
        falling=(NEGATIVE,),
        log_convex=(ALL,),
        turns=(0.0,),
        image=(1.0, math.inf),
    ),
    "tanh": Curve(
        np.tanh,
        _sech_squared,
        lambda x: -2 * np.tanh(x) * _sech_squared(x),
        convex=(NEGATIVE,),
        concave=(POSITIVE,),
        rising=(ALL,),
        turns=(-_TANH_TURN, _TANH_TURN),
        image=(-1.0, 1.0),
    ),
    "arcsinh": Curve(
        np.arcsinh,
        lambda x: 1 / np.hypot(1, x),
        lambda x: -(x / np.hypot(1, x)) / np.hypot(1, x) ** 2,
        convex=(NEGATIVE,),
        concave=(POSITIVE,),
        rising=(ALL,),
        turns=(-math.sqrt(0.5), math.sqrt(0.5)),
    ),
    "arccosh": Curve(
        np.arccosh,
        lambda x: 1 / (np.sqrt(x - 1) * np.sqrt(x + 1)),
        lambda x: -x / ((x - 1) * (x + 1)) ** 1.5,
        domain=(1.0, math.inf),
        concave=(ALL,),
        rising=(ALL,),
    ),
    "arctanh": Curve(
        np.arctanh,
        lambda x: 1 / ((1 - x) * (1 + x)),
        lambda x: 2 * x / ((1 - x) * (1 + x)) ** 2,
        domain=(-1.0, 1.0),
        convex=((0.0, 1.0),),
        concave=((-1.0, 0.0),),
        rising=(ALL,),
    ),
    "erf": Curve(
        _erf,
        _bell,
        lambda x: -2 * x * _bell(x),
        convex=(NEGATIVE,),
        concave=(POSITIVE,),
        rising=(ALL,),
        turns=(-math.sqrt(0.5), math.sqrt(0.5)),
        image=(-1.0, 1.0),
    ),
    "erfc": Curve(
        _erfc,
        lambda x: -_bell(x),
        lambda x: 2 * x * _bell(x),
        convex=(POSITIVE,),
        concave=(NEGATIVE,),
        falling=(ALL,),
        log_concave=(ALL,),
        turns=(-math.sqrt(0.5), math.sqrt(0.5)),
        image=(0.0, 2.0),
    ),
}
"""The primitives of one operand that have a curvature, on the whole of their domain.

`absolute` is the model of all kinks: a maximum is a kink between two branches.
"""

ENTROPY = Curve(
    lambda x: np.where(x == 0, 0.0, x * np.log(np.where(x == 0, 1.0, x))),
    lambda x: 1 + np.log(x),
    lambda x: 1 / x,
    POSITIVE,
    convex=(ALL,),
    rising=((0.36787944118, math.inf),),
    falling=((-math.inf, 0.36787944117),),  # the minimum lies at 1/e
    slack=1e-15,
)
"""x log x."""

RECIPROCAL = Curve(
    lambda x: 1 / x,
    lambda x: -1 / x / x,
    lambda x: 2 / x / x / x,
    convex=(POSITIVE,),
    concave=(NEGATIVE,),
    falling=(POSITIVE, NEGATIVE),
    log_convex=(POSITIVE,),
    pole=0.0,
)
"""1 / x, on either side of its pole."""


@lru_cache(maxsize=256)
def power_curve(exponent: float) -> Curve | None:
    """x to a constant power other than 0 and 1; None for what has no curve here."""
    p = exponent
    functions = (lambda x: x**p, lambda x: p * x ** (p - 1), lambda x: p * (p - 1) * x ** (p - 2))
    if not math.isfinite(p) or abs(p) > 1e6 or p in (0, 1):
        return None
    if p != int(p):
        everywhere, nowhere = (ALL,), ()
        return Curve(
            *functions,
            domain=POSITIVE,
            convex=nowhere if 0 < p < 1 else everywhere,
            concave=everywhere if 0 < p < 1 else nowhere,
            rising=everywhere if p > 0 else nowhere,
            falling=nowhere if p > 0 else everywhere,
        )
    if p < 0:
        return None
    if p % 2 == 0:
        return Curve(*functions, convex=(ALL,), rising=(POSITIVE,), falling=(NEGATIVE,), turns=(0.0,))
    return Curve(*functions, convex=(POSITIVE,), concave=(NEGATIVE,), rising=(ALL,))

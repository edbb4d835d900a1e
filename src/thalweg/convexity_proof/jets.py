"""Value, slope and bend of a function of one number over an interval of that number: intervals (f, f', f'').

The bend may be infinite upwards or downwards: there the slope may jump up or down (a kink). For functions that are
continuous and piecewise smooth the product and chain rules hold for jumps of the slope as well, so an interval of f''
without a negative number proves that the slope never falls: the function is convex there. Where the function itself may
jump (a condition that changes) the bend is unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph import Array, Node
from . import intervals
from .curves import CURVES, ENTROPY, RECIPROCAL, Curve, power_curve
from .intervals import Interval

__all__ = ["Jet", "NoJetError", "constant_jet", "jet_of", "variable"]

_ZERO, _ONE = np.zeros(1), np.ones(1)
_ANYTHING = Interval(np.full(1, -np.inf), np.full(1, np.inf))


class NoJetError(Exception):
    """A primitive that is no elementwise function with a known bend."""


@dataclass(frozen=True)
class Jet:
    """value, slope, bend: intervals. is_outside: surely undefined (NaN). is_doubtful: perhaps undefined."""

    value: Interval
    slope: Interval
    bend: Interval
    is_outside: Array
    is_doubtful: Array


def variable(x: Interval) -> Jet:
    """The number itself."""
    no = np.zeros(np.shape(x.lower), bool)
    return Jet(x, Interval(_ONE, _ONE), Interval(_ZERO, _ZERO), no, no)


def constant_jet(x: Interval) -> Jet:
    """A number that does not vary; an interval if it is not known exactly."""
    no = np.zeros(np.shape(x.lower), bool)
    return Jet(x, Interval(_ZERO, _ZERO), Interval(_ZERO, _ZERO), no, no)


def _flags(*jets: Jet) -> tuple[Any, Any]:
    outside: Any = jets[0].is_outside
    doubtful: Any = jets[0].is_doubtful
    for jet in jets[1:]:
        outside, doubtful = outside | jet.is_outside, doubtful | jet.is_doubtful
    return outside, doubtful


def _add(u: Jet, v: Jet) -> Jet:
    add = intervals.add
    return Jet(add(u.value, v.value), add(u.slope, v.slope), add(u.bend, v.bend), *_flags(u, v))


def _negate(u: Jet) -> Jet:
    negate = intervals.negate
    return Jet(negate(u.value), negate(u.slope), negate(u.bend), u.is_outside, u.is_doubtful)


def _multiply(u: Jet, v: Jet) -> Jet:
    """(uv)'' = u''v + 2u'v' + uv''."""
    times, add = intervals.multiply, intervals.add
    cross = times(u.slope, v.slope)
    cross = Interval(2 * cross.lower, 2 * cross.upper)
    bend = add(add(times(u.bend, v.value), times(u.value, v.bend)), cross)
    slope = add(times(u.slope, v.value), times(u.value, v.slope))
    return Jet(times(u.value, v.value), slope, bend, *_flags(u, v))


def _square(u: Jet) -> Jet:
    """(u²)'' = 2u'² + 2uu''."""
    times, add = intervals.multiply, intervals.add
    half = add(intervals.square(u.slope), times(u.value, u.bend))
    slope = times(u.value, u.slope)
    doubled = Interval(2 * slope.lower, 2 * slope.upper), Interval(2 * half.lower, 2 * half.upper)
    return Jet(intervals.square(u.value), *doubled, u.is_outside, u.is_doubtful)


def _apply(curve: Curve, u: Jet) -> Jet:
    """f(u)'' = f''(u) u'² + f'(u) u''."""
    times, add = intervals.multiply, intervals.add
    slope, bend = curve.slopes(u.value), curve.bends(u.value)
    result = add(times(bend, intervals.square(u.slope)), times(slope, u.bend))
    lower, upper = curve.domain
    outside = u.is_outside | (u.value.upper < lower) | (u.value.lower > upper)
    doubtful = u.is_doubtful | (u.value.lower < lower) | (u.value.upper > upper)
    if curve.pole is not None:
        doubtful = doubtful | u.value.contains(curve.pole)
    return Jet(curve.values(u.value), times(slope, u.slope), result, outside, doubtful)


def _choose(mask: Any, u: Jet, v: Jet) -> Jet:
    def pick(a: Interval, b: Interval) -> Interval:
        return Interval(np.where(mask, a.lower, b.lower), np.where(mask, a.upper, b.upper))

    outside, doubtful = np.where(mask, u.is_outside, v.is_outside), np.where(mask, u.is_doubtful, v.is_doubtful)
    return Jet(pick(u.value, v.value), pick(u.slope, v.slope), pick(u.bend, v.bend), outside, doubtful)


def _maximum(u: Jet, v: Jet) -> Jet:
    """One of both; where they may be equal, the slope may jump upwards."""
    hull = intervals.hull
    bend = hull(u.bend, v.bend)
    bend = Interval(bend.lower, np.full(np.shape(bend.lower), np.inf))
    value = Interval(np.maximum(u.value.lower, v.value.lower), np.maximum(u.value.upper, v.value.upper))
    both = Jet(value, hull(u.slope, v.slope), bend, *_flags(u, v))
    one = _choose(u.value.lower > v.value.upper, u, _choose(v.value.lower > u.value.upper, v, both))
    return Jet(one.value, one.slope, one.bend, *_flags(u, v))


def _power(u: Jet, exponent: Jet) -> Jet:
    p = float(exponent.value.lower.reshape(-1)[0])
    if not ((exponent.value.lower == p) & (exponent.value.upper == p)).all():
        raise NoJetError("a power whose exponent is not one constant")
    if p == 1:
        return u
    if p < 0 and p == int(p):
        return _apply(RECIPROCAL, _power(u, constant_jet(intervals.exactly(np.array([-p])))))
    curve = power_curve(p)
    if curve is None:
        raise NoJetError(f"the power {p:g}")
    return _square(u) if p == 2 else _apply(curve, u)


def _hypot(u: Jet, v: Jet) -> Jet:
    """sqrt(c² + t²) for a constant c: t / h is the slope, c² / h³ the bend."""
    if _is_constant(v):
        u, v = v, u
    if not _is_constant(u):
        raise NoJetError("hypot of two variables")
    c, t = (Interval(intervals.square(x.value).lower ** 0.5, intervals.square(x.value).upper ** 0.5) for x in (u, v))
    near, far = np.hypot(c.lower, t.lower), np.hypot(c.upper, t.upper)
    margin = 1 + 2.0**-46
    with np.errstate(all="ignore"):
        upper = np.where(near > 0, c.upper / near * c.upper / near / near * margin, np.inf)
        lower = np.where(np.isfinite(far), c.lower / far * c.lower / far / far / margin, 0.0)
        ends = [x / np.hypot(c.lower, x) for x in v.value] + [x / np.hypot(c.upper, x) for x in v.value]
        ends = [np.where(np.isnan(x), np.sign(end), x) for x, end in zip(ends, (*v.value, *v.value), strict=True)]
    is_kinked = c.lower == 0
    low = np.where(is_kinked & v.value.contains(0.0), -1.0, np.minimum.reduce(ends) - 2.0**-46)
    high = np.where(is_kinked & v.value.contains(0.0), 1.0, np.maximum.reduce(ends) + 2.0**-46)
    slope = Interval(np.maximum(low, -1.0), np.minimum(high, 1.0))
    bend = Interval(np.where(np.isnan(lower), 0.0, lower), np.where(np.isnan(upper), np.inf, upper))
    times = intervals.multiply
    value = Interval(near / margin, far * margin)
    result = intervals.add(times(bend, intervals.square(v.slope)), times(slope, v.bend))
    return Jet(value, times(slope, v.slope), result, *_flags(u, v))


def _is_constant(u: Jet) -> bool:
    return not (u.slope.lower.any() or u.slope.upper.any() or u.bend.lower.any() or u.bend.upper.any())


def _logaddexp(u: Jet, v: Jet) -> Jet:
    return _add(v, _apply(CURVES["softplus"], _add(u, _negate(v))))


# Truth values are intervals between 0 and 1
def _truth(is_true: Any, is_false: Any, *operands: Jet) -> Jet:
    value = Interval(np.where(is_true, 1.0, 0.0), np.where(is_false, 0.0, 1.0))
    return Jet(value, _ANYTHING, _ANYTHING, *_flags(*operands))


def _comparison(name: str, u: Jet, v: Jet, same: bool) -> Jet:
    """A comparison with NaN is false (≠: true), and never NaN itself."""
    a, b = u.value, v.value
    shape = np.broadcast_shapes(np.shape(a.lower), np.shape(b.lower))
    if name == "less":
        is_true, is_false = (a.upper < b.lower) & (not same), (a.lower >= b.upper) | same
    elif name == "less_equal":
        is_true, is_false = (a.upper <= b.lower) | same, (a.lower > b.upper) & (not same)
    else:
        is_true = np.full(shape, same) | ((a.lower == a.upper) & (b.lower == b.upper) & (a.lower == b.lower))
        is_false = ((a.upper < b.lower) | (b.upper < a.lower)) & (not same)
        is_true, is_false = (is_true, is_false) if name == "equal" else (is_false, is_true)
    outside, doubtful = _flags(u, v)
    with_nan = name == "not_equal"
    is_true = np.where(outside, with_nan, is_true & ~doubtful)
    is_false = np.where(outside, not with_nan, is_false & ~doubtful)
    no = np.zeros(np.shape(is_true), bool)
    return Jet(Interval(np.where(is_true, 1.0, 0.0), np.where(is_false, 0.0, 1.0)), _ANYTHING, _ANYTHING, no, no)


def _where(condition: Jet, u: Jet, v: Jet) -> Jet:
    """The branch that is chosen; where the condition may change, the value may jump."""
    is_true, is_false = condition.value.lower >= 1, condition.value.upper <= 0
    outside = condition.is_outside | (u.is_outside & v.is_outside)
    value = intervals.hull(u.value, v.value)
    either = Jet(value, _ANYTHING, _ANYTHING, outside, np.ones(np.shape(value.lower), bool))
    chosen = _choose(is_true, u, _choose(is_false, v, either))
    return Jet(
        *(chosen.value, chosen.slope, chosen.bend),
        chosen.is_outside | condition.is_outside,
        chosen.is_doubtful | condition.is_doubtful,
    )


def _step(function: Callable[[Array], Any], u: Jet) -> Jet:
    lower, upper = function(u.value.lower), function(u.value.upper)
    is_flat = lower == upper
    anything = Interval(np.where(is_flat, 0.0, -np.inf), np.where(is_flat, 0.0, np.inf))
    return Jet(Interval(lower, upper), anything, anything, u.is_outside, u.is_doubtful | ~is_flat)


def jet_of(node: Node, jets: list[Jet]) -> Jet:
    """The jet of an elementwise node, from its operands' jets.

    Raises NoJetError for a primitive without one.
    """
    name = node.primitive.name
    u, v = jets[0], jets[-1]
    same = len(node.operands) == 2 and node.operands[0] is node.operands[1]
    if name in CURVES:
        return _apply(CURVES[name], u)
    simple: dict[str, Callable[[], Jet]] = {
        "add": lambda: _add(u, v),
        "subtract": lambda: _add(u, _negate(v)),
        "negative": lambda: _negate(u),
        "multiply": lambda: _square(u) if same else _multiply(u, v),
        "divide": lambda: _multiply(u, _apply(RECIPROCAL, v)),
        "power": lambda: _power(u, v),
        "maximum": lambda: _maximum(u, v),
        "minimum": lambda: _negate(_maximum(_negate(u), _negate(v))),
        "hypot": lambda: _hypot(u, v),
        "logaddexp": lambda: _logaddexp(u, v),
        "where": lambda: _where(jets[0], jets[1], jets[2]),
        "detach": lambda: u,
        "convert": lambda: u,
        "relative_entropy": lambda: _relative_entropy(u, v),
        "logical_not": lambda: _truth(u.value.upper <= 0, u.value.lower >= 1, u),
        "logical_and": lambda: _truth(
            (u.value.lower >= 1) & (v.value.lower >= 1), (u.value.upper <= 0) | (v.value.upper <= 0), u, v
        ),
        "logical_or": lambda: _truth(
            (u.value.lower >= 1) | (v.value.lower >= 1), (u.value.upper <= 0) & (v.value.upper <= 0), u, v
        ),
    }
    if name in simple and not (name == "convert" and node.dtype.kind == "i"):
        return simple[name]()
    if name in ("less", "less_equal", "equal", "not_equal"):
        return _comparison(name, u, v, same)
    if name in ("sign", "floor", "ceil", "rint", "trunc"):
        return _step(node.primitive.evaluate, u)
    raise NoJetError(f"no bounds on the second derivative of {name}")


def _relative_entropy(u: Jet, v: Jet) -> Jet:
    """x log(x/y) for a constant y: x log x - x log y."""
    if not _is_constant(v):
        raise NoJetError("relative entropy of two variables")
    return _add(_apply(ENTROPY, u), _negate(_multiply(u, _apply(CURVES["log"], v))))

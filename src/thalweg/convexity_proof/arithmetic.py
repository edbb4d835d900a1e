"""What follows for sums, products, powers, roots, logarithms and choices of values, from what is known of the operands.

All curvature of the composites (norms, log-sum-exp, logistic functions, geometric means, quotients) comes from these.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..graph import Array
from . import intervals
from .curves import CURVES, RECIPROCAL, Curve, power_curve
from .facts import Facts, compose, from_arrays, known, like, nothing, restrict, settle
from .intervals import Interval

__all__ = [
    "absolute",
    "added",
    "bounded",
    "degree_of_sum",
    "divided",
    "exponential",
    "is_positive_on_convex",
    "larger",
    "logarithm",
    "multiplied",
    "negated",
    "power",
    "scaled",
    "select",
    "smaller",
    "total",
    "unary",
]


def is_constant(x: Facts) -> bool:
    """Whether every element has one known, finite value."""
    return x.is_known or bool((np.isfinite(x.lower) & (x.lower == x.upper)).all())


def bounded(facts: Facts, bounds: Interval) -> Facts:
    """The facts with further bounds, known in another way."""
    lower, upper = np.maximum(facts.lower, bounds.lower), np.minimum(facts.upper, bounds.upper)
    return settle(replace(facts, bounds=Interval(lower, np.maximum(upper, lower))))


def select(mask: Any, a: Facts, b: Facts) -> Facts:
    """a's facts where the mask is true, else b's."""
    chosen = [np.where(mask, x, y) for x, y in zip(a.arrays, b.arrays, strict=True)]
    return from_arrays(chosen, [a, b])


def unary(curve: Curve, x: Facts) -> Facts:
    """A function of one number, by the composition rule; for its logarithm, too."""
    x = restrict(x, *curve.domain)
    monotone = [(curve.holds(curve.rising, x.bounds), curve.holds(curve.falling, x.bounds))]
    convex, concave = compose(curve.holds(curve.convex, x.bounds), curve.holds(curve.concave, x.bounds), monotone, [x])
    log_convex, log_concave = compose(
        curve.holds(curve.log_convex, x.bounds), curve.holds(curve.log_concave, x.bounds), monotone, [x]
    )
    degrees = np.where(log_convex, np.inf, np.nan), np.where(log_concave, np.inf, np.nan)
    return like(curve.values(x.bounds), convex, concave, [x], *degrees)


def added(a: Facts, b: Facts) -> Facts:
    """a + b."""
    convex, concave = a.convex & b.convex, a.concave & b.concave
    largest = np.maximum(a.concave_degree, b.concave_degree)
    with np.errstate(invalid="ignore"):
        concave_degree = np.where(largest <= 1, largest, np.nan)
    convex_degree = degree_of_sum(np.minimum(a.convex_degree, b.convex_degree))
    return like(intervals.add(a.bounds, b.bounds), convex, concave, [a, b], convex_degree, concave_degree)


def degree_of_sum(smallest: Any) -> Any:
    """The convex degree of a sum, from the smallest of its terms': norms with an exponent of 1 or more are convex."""
    with np.errstate(invalid="ignore"):
        return np.where(smallest >= 1, smallest, np.nan)


def total(x: Facts, axes: tuple[int, ...]) -> Facts:
    """The sum over axes."""
    count = int(np.prod([x.lower.shape[axis] for axis in axes], dtype=int))
    if count == 0:
        return known(np.sum(x.lower, axis=axes))
    largest = np.max(x.concave_degree, axis=axes)
    with np.errstate(invalid="ignore"):
        concave_degree = np.where(largest <= 1, largest, np.nan)
    return like(
        Interval(_sum_of(x.lower, axes, count), -_sum_of(-x.upper, axes, count)),
        np.all(x.convex, axis=axes),
        np.all(x.concave, axis=axes),
        [x],
        degree_of_sum(np.min(x.convex_degree, axis=axes)),
        concave_degree,
    )


def _sum_of(lower: Array, axes: tuple[int, ...], count: int) -> Array:
    """A lower bound of a sum of numbers."""
    with np.errstate(all="ignore"):
        value = np.sum(lower, axis=axes)
        below = value - count * 2.0**-52 * np.sum(np.abs(lower), axis=axes) if count > 1 else value
        below = np.where(np.isnan(below), -np.inf, below)
    return np.where(np.all(lower >= 0, axis=axes), np.maximum(below, 0.0), below)


def scaled(x: Facts, factor: Array) -> Facts:
    """A constant times x; 0 times what is neither convex nor concave proves nothing."""
    is_positive, is_negative, is_zero = factor > 0, factor < 0, factor == 0
    known_curvature = x.convex | x.concave
    convex = (is_positive & x.convex) | (is_negative & x.concave) | (is_zero & known_curvature)
    concave = (is_positive & x.concave) | (is_negative & x.convex) | (is_zero & known_curvature)
    bounds = intervals.multiply(x.bounds, intervals.exactly(factor))
    convex_degree = np.where(is_positive, x.convex_degree, np.nan)
    concave_degree = np.where(is_positive, x.concave_degree, np.nan)
    return like(bounds, convex, concave, [x], convex_degree, concave_degree)


def negated(x: Facts) -> Facts:
    """-x."""
    return like(intervals.negate(x.bounds), x.concave, x.convex, [x])


def _positive_part(x: Facts) -> tuple[Facts, Array]:
    """±x that is not negative where its sign is known, and the sign."""
    sign = np.where((x.upper <= 0) & (x.lower < 0), -1.0, 1.0)
    return select(sign < 0, negated(x), x), sign


def _signed(x: Facts, sign: Array) -> Facts:
    return select(sign < 0, negated(x), x)


def multiplied(a: Facts, b: Facts) -> Facts:
    """a · b for different values: curvature from constants and from degrees only."""
    if is_constant(a):
        return scaled(b, a.lower)
    if is_constant(b):
        return scaled(a, b.lower)
    bounds = intervals.multiply(a.bounds, b.bounds)
    (a, sign_a), (b, sign_b) = _positive_part(a), _positive_part(b)
    is_log_convex = (a.convex_degree == np.inf) & (b.convex_degree == np.inf)
    positive = intervals.multiply(a.bounds, b.bounds)
    convex_degree = np.where(is_log_convex, np.inf, np.nan)
    product = like(positive, False, False, [a, b], convex_degree, a.concave_degree + b.concave_degree)
    constant = select(a.lower == a.upper, scaled(b, _finite(a.lower)), scaled(a, _finite(b.lower)))
    is_scaled = (np.isfinite(a.lower) & (a.lower == a.upper)) | (np.isfinite(b.lower) & (b.lower == b.upper))
    return bounded(_signed(select(is_scaled, constant, product), sign_a * sign_b), bounds)


def _finite(x: Array) -> Array:
    return np.where(np.isfinite(x), x, 0.0)


def divided(a: Facts, b: Facts) -> Facts:
    """a / b."""
    if is_constant(b):
        if not b.lower.all():
            return nothing(b.lower.shape, [a])
        inverse = intervals.reciprocal(b.bounds)
        by_sign = scaled(a, np.sign(b.lower))
        bounds = intervals.multiply(a.bounds, inverse)
        return like(bounds, by_sign.convex, by_sign.concave, [a], by_sign.convex_degree, by_sign.concave_degree)
    has_pole = (b.lower < 0) & (b.upper > 0)
    bounds = intervals.multiply(a.bounds, RECIPROCAL.values(b.bounds))
    (a, sign_a), (b, sign_b) = _positive_part(a), _positive_part(b)
    with np.errstate(invalid="ignore"):
        difference = a.convex_degree - b.concave_degree
    is_log_convex = (a.convex_degree == np.inf) & ~np.isnan(b.concave_degree)
    is_log_concave = ~np.isnan(a.concave_degree) & (b.convex_degree == np.inf)
    with np.errstate(invalid="ignore"):
        convex_degree = np.where(is_log_convex, np.inf, np.where(difference > 0, difference, np.nan))
    quotient = like(
        intervals.multiply(a.bounds, RECIPROCAL.values(b.bounds)),
        False,
        False,
        [a, b],
        np.where(has_pole, np.nan, convex_degree),
        np.where(is_log_concave & ~has_pole, np.inf, np.nan),
        is_defined=not has_pole.any() and is_positive_on_convex(b),
    )
    return bounded(_signed(quotient, sign_a * sign_b), bounds)


def absolute(x: Facts) -> Facts:
    """|x|."""
    return select(x.lower >= 0, x, select(x.upper <= 0, negated(x), unary(CURVES["absolute"], x)))


def power(x: Facts, exponent: float) -> Facts:
    """x to a constant power, by degrees."""
    p = float(exponent)
    if p == 1:
        return x
    if p == 0 or not np.isfinite(p) or abs(p) > 1e6:
        return nothing(x.lower.shape, [x])
    is_whole = p == int(p)
    if is_whole and p < 0:
        return divided(known(np.ones(x.lower.shape)), power(x, -p))
    if is_whole and p % 2 == 1:
        size, sign = _positive_part(x)
        is_signed = size.lower >= 0
        return select(is_signed, _signed(_root_or_power(restrict_to_positive(size), p), sign), _odd_power(x, p))
    return _root_or_power(absolute(x) if is_whole else restrict(x, 0.0), p)


def restrict_to_positive(x: Facts) -> Facts:
    """x, with the elements that may be negative replaced by what proves nothing."""
    unknown = nothing(x.lower.shape, [x], (0.0, np.inf))
    return select(x.lower >= 0, x, unknown)


def _odd_power(x: Facts, p: float) -> Facts:
    curve = power_curve(p)
    assert curve is not None
    return like(curve.values(x.bounds), False, False, [x])


def _root_or_power(x: Facts, p: float) -> Facts:
    """x^p for x that is not negative."""
    with np.errstate(all="ignore"):
        low, high = x.lower ** abs(p), x.upper ** abs(p)
        bounds = Interval(np.maximum(low - low * 2.0**-47, 0.0), high + high * 2.0**-47 + 1e-320)
    bounds = Interval(np.where(np.isnan(bounds.lower), 0.0, bounds.lower), bounds.upper)
    if p > 0:
        return like(bounds, False, False, [x], x.convex_degree * p, x.concave_degree * p)
    convex_degree = np.where(np.isnan(x.concave_degree), np.nan, np.inf)
    concave_degree = np.where(x.convex_degree == np.inf, np.inf, np.nan)
    defined = is_positive_on_convex(x)
    return like(RECIPROCAL.values(bounds), False, False, [x], convex_degree, concave_degree, defined)


def exponential(x: Facts) -> Facts:
    """exp(x)."""
    return unary(CURVES["exp"], x)


def logarithm(x: Facts) -> Facts:
    """log(x), where x is not negative."""
    x = restrict(x, 0.0)
    defined = is_positive_on_convex(x)
    lower, upper = CURVES["log"].values(x.bounds)
    lower = np.where(x.lower >= 1, np.maximum(lower, 0.0), lower)
    bounds = Interval(lower, np.where(x.upper <= 1, np.minimum(upper, 0.0), upper))
    return like(bounds, x.convex_degree == np.inf, ~np.isnan(x.concave_degree), [x], is_defined=defined)


def is_positive_on_convex(x: Facts) -> bool:
    """Whether the set where x > 0 is convex, for x that is not negative: |x| is 0 in the middle."""
    return bool(((x.lower > 0) | ~np.isnan(x.concave_degree) | (x.convex_degree == np.inf)).all())


def larger(a: Facts, b: Facts) -> Facts:
    """The maximum of a and b."""
    bounds = Interval(np.maximum(a.lower, b.lower), np.maximum(a.upper, b.upper))
    both = like(bounds, a.convex & b.convex, False, [a, b], np.minimum(a.convex_degree, b.convex_degree))
    return select(a.lower >= b.upper, _also(a, b), select(b.lower >= a.upper, _also(b, a), both))


def smaller(a: Facts, b: Facts) -> Facts:
    """The minimum of a and b."""
    bounds = Interval(np.minimum(a.lower, b.lower), np.minimum(a.upper, b.upper))
    degree = np.maximum(a.concave_degree, b.concave_degree)
    both = like(bounds, False, a.concave & b.concave, [a, b], np.nan, degree)
    return select(a.upper <= b.lower, _also(a, b), select(b.upper <= a.lower, _also(b, a), both))


def _also(a: Facts, b: Facts) -> Facts:
    """a's facts, where b has to be defined as well."""
    return from_arrays(a.arrays, [a, b])

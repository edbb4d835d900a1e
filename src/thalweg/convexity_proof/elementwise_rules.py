"""Rows for elementwise primitives: functions of one number, arithmetic, choices and truth values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..graph import Node
from . import arithmetic, intervals
from .curves import CURVES, ENTROPY, Curve
from .facts import Facts, compose, domain_of, known, like, nothing, restrict, undefined
from .intervals import Interval
from .rows import row


# Functions of one number
def _curved(name: str, curve: Curve, sentence: str) -> None:
    def rule(node: Node, x: Facts) -> Facts:
        facts = arithmetic.unary(curve, x)
        return facts if curve.pole is None else undefined(facts)

    row(sentence, name)(rule)


for _name, _sentence in {
    "exp": "exp is convex and rising; its logarithm is affine",
    "expm1": "exp(x) - 1 is convex and rising",
    "softplus": "log(1 + exp(x)) is convex and rising",
    "expit": "1/(1 + exp(-x)) rises, convex below 0 and concave above; its logarithm is concave",
    "sin": "between -1 and 1",
    "cos": "between -1 and 1",
    "arcsin": "rises, concave below 0 and convex above",
    "arccos": "falls, convex below 0 and concave above",
    "arctan": "rises, convex below 0 and concave above",
    "sinh": "rises, concave below 0 and convex above",
    "cosh": "cosh is convex, and so is its logarithm",
    "tanh": "rises, convex below 0 and concave above",
    "arcsinh": "rises, convex below 0 and concave above",
    "arccosh": "concave and rising",
    "arctanh": "rises, concave below 0 and convex above",
    "erf": "rises, convex below 0 and concave above",
    "erfc": "falls, concave below 0 and convex above; its logarithm is concave",
}.items():
    _curved(_name, CURVES[_name], _sentence)


@row("|x| is convex", "absolute")
def _absolute(node: Node, x: Facts) -> Facts:
    return arithmetic.absolute(x)


@row("log is concave and rising; of a sum or product of exponentials convex", "log")
def _log(node: Node, x: Facts) -> Facts:
    return arithmetic.logarithm(x)


@row("log(1 + x) is concave and rising; of a sum of exponentials convex", "log1p")
def _log1p(node: Node, x: Facts) -> Facts:
    facts = arithmetic.logarithm(arithmetic.added(known(np.ones(node.shape)), x))
    return arithmetic.bounded(facts, CURVES["log1p"].values(Interval(np.maximum(x.lower, -1), np.maximum(x.upper, -1))))


@row("sqrt is concave and rising; of a sum of squares convex", "sqrt")
def _sqrt(node: Node, x: Facts) -> Facts:
    return arithmetic.power(x, 0.5)


@row("log|Γ(x)| is convex for positive x", "gammaln")
def _gammaln(node: Node, x: Facts) -> Facts:
    is_positive = x.lower >= 0
    convex, _ = compose(is_positive, False, [(x.lower >= 1.47, x.upper <= 1.46)], [x])
    bounds = Interval(np.where(is_positive, -0.1215, -np.inf), np.full(node.shape, np.inf))
    return like(bounds, convex, False, [x], is_defined=bool(is_positive.all()))


@row("derivatives of log Γ(x) rise or fall, concave or convex in turn, for positive x", "polygamma")
def _polygamma(node: Node, x: Facts) -> Facts:
    is_positive = x.lower >= 0
    is_odd = node.attributes["order"] % 2 == 1
    monotone = [(np.asarray(not is_odd), np.asarray(is_odd))]
    convex, concave = compose(is_positive & is_odd, is_positive & (not is_odd), monotone, [x])
    order = node.attributes["order"]
    lower = np.where(is_positive & is_odd, 0.0, -np.inf)
    upper = np.where(is_positive & (not is_odd) & (order > 0), 0.0, np.inf)
    return like(Interval(lower, upper), convex, concave, [x], is_defined=bool(is_positive.all()))


# Arithmetic
@row("a sum of values that are convex (concave, affine) is so too", "add")
def _add(node: Node, a: Facts, b: Facts) -> Facts:
    facts = arithmetic.added(a, b)
    if _is_divergence(*node.operands):
        return arithmetic.bounded(facts, Interval(np.zeros(node.shape), np.full(node.shape, np.inf)))
    return facts


def _is_divergence(rest: Node, y: Node) -> bool:
    """Whether this is x log(x/y) - x + y, which is never negative."""
    if rest.primitive.name != "subtract" or rest.operands[0].primitive.name != "relative_entropy":
        return False
    return rest.operands[0].operands == (rest.operands[1], y)


@row("convex minus concave is convex", "subtract")
def _subtract(node: Node, a: Facts, b: Facts) -> Facts:
    return arithmetic.added(a, arithmetic.negated(b))


@row("the negative of convex is concave, and the other way round", "negative")
def _negative(node: Node, x: Facts) -> Facts:
    return arithmetic.negated(x)


@row("a square, a constant times a value, or a product of log-concave or log-convex values", "multiply")
def _multiply(node: Node, a: Facts, b: Facts) -> Facts:
    if node.operands[0] is node.operands[1]:
        return arithmetic.power(a, 2)
    for x, other, base in ((a, node.operands[1], node.operands[0]), (b, node.operands[0], node.operands[1])):
        exponent = _exponent(other, base)
        if exponent is not None:
            return arithmetic.power(x, exponent + 1)
    return arithmetic.multiplied(a, b)


def _exponent(node: Node, base: Node) -> int | None:
    """k, if the node is base to the power k, spelled as products."""
    if node is base:
        return 1
    if node.primitive.name != "multiply":
        return None
    parts = [_exponent(operand, base) for operand in node.operands]
    return None if None in parts else sum(part for part in parts if part is not None)


@row("a value over a constant, or over a positive value of lower degree", "divide")
def _divide(node: Node, a: Facts, b: Facts) -> Facts:
    return arithmetic.divided(a, b)


@row("a power with a constant exponent, or a positive constant to a power", "power")
def _power(node: Node, x: Facts, exponent: Facts) -> Facts:
    if arithmetic.is_constant(exponent) and exponent.lower.size:
        first = float(exponent.lower.reshape(-1)[0])
        if (exponent.lower == first).all():
            return arithmetic.power(x, first)
    if arithmetic.is_constant(x) and (x.lower > 0).all():
        logarithm = np.log(x.lower)
        return arithmetic.exponential(arithmetic.scaled(exponent, logarithm))
    unknown = nothing(node.shape, [x, exponent])
    return undefined(unknown)


@row("x log(x/y) is convex in x and y together", "relative_entropy")
def _relative_entropy(node: Node, x: Facts, y: Facts) -> Facts:
    x, y = restrict(x, 0.0), restrict(y, 0.0)
    if arithmetic.is_constant(x):  # x log x - x log y
        own = like(ENTROPY.values(x.bounds), True, True, [x])
        return arithmetic.added(own, arithmetic.scaled(arithmetic.logarithm(y), -x.lower))
    falling = [(np.asarray(False), np.asarray(False)), (np.asarray(False), np.asarray(True))]
    is_one = (y.lower == 1) & (y.upper == 1)
    falling[0] = (is_one & (x.lower >= 0.36787944118), is_one & (x.upper <= 0.36787944117))
    convex, _ = compose(np.ones(node.shape, bool), False, falling, [x, y])
    lower = np.where(is_one, ENTROPY.values(x.bounds).lower, -np.inf)
    defined = arithmetic.is_positive_on_convex(y)
    return like(Interval(lower, np.full(node.shape, np.inf)), convex, False, [x, y], is_defined=defined)


@row("the larger of convex values is convex", "maximum")
def _maximum(node: Node, a: Facts, b: Facts) -> Facts:
    return arithmetic.larger(a, b)


@row("the smaller of concave values is concave", "minimum")
def _minimum(node: Node, a: Facts, b: Facts) -> Facts:
    return arithmetic.smaller(a, b)


@row("a norm of affine, or of convex and positive values is convex", "hypot")
def _hypot(node: Node, a: Facts, b: Facts) -> Facts:
    return arithmetic.power(arithmetic.added(arithmetic.power(a, 2), arithmetic.power(b, 2)), 0.5)


@row("log(exp(a) + exp(b)) is convex and rising in both", "logaddexp")
def _logaddexp(node: Node, a: Facts, b: Facts) -> Facts:
    facts = arithmetic.logarithm(arithmetic.added(arithmetic.exponential(a), arithmetic.exponential(b)))
    return arithmetic.bounded(facts, Interval(np.maximum(a.lower, b.lower), np.full(node.shape, np.inf)))


# Choices and truth values
@row("the branch that is chosen, where the condition is known", "where")
def _where(node: Node, condition: Facts, a: Facts, b: Facts) -> Facts:
    hull = intervals.hull(a.bounds, b.bounds)
    either = like(hull, False, False, [condition, a, b])
    is_true, is_false = condition.lower >= 1, condition.upper <= 0
    found = arithmetic.select(is_true, a, arithmetic.select(is_false, b, either))
    used = [condition, *([] if is_false.all() else [a]), *([] if is_true.all() else [b])]
    on_convex, everywhere = domain_of(used)
    if not (is_true | is_false).all():  # where each branch is chosen nobody knows: both must be defined everywhere
        on_convex = everywhere
    return replace(found, is_defined_on_convex=on_convex, is_defined_everywhere=everywhere)


def _truth(is_true: Any, is_false: Any, operands: list[Facts]) -> Facts:
    """A truth value. A comparison with NaN is false and not NaN, so bounds decide only what is defined everywhere."""
    if not domain_of(operands)[1]:
        return undefined(nothing(np.shape(is_true), operands, (0.0, 1.0)))
    return like(Interval(np.where(is_true, 1.0, 0.0), np.where(is_false, 0.0, 1.0)), False, False, operands)


@row("a comparison, decided by bounds", "less")
def _less(node: Node, a: Facts, b: Facts) -> Facts:
    return _truth(a.upper < b.lower, a.lower >= b.upper, [a, b])


@row("a comparison, decided by bounds", "less_equal")
def _less_equal(node: Node, a: Facts, b: Facts) -> Facts:
    return _truth(a.upper <= b.lower, a.lower > b.upper, [a, b])


def _is_equal(node: Node, a: Facts, b: Facts) -> tuple[Any, Any]:
    same = node.operands[0] is node.operands[1]
    is_same = np.full(node.shape, same) | ((a.lower == a.upper) & (b.lower == b.upper) & (a.lower == b.lower))
    return is_same, (not same) & ((a.upper < b.lower) | (b.upper < a.lower))


@row("a comparison, decided by bounds", "equal")
def _equal(node: Node, a: Facts, b: Facts) -> Facts:
    return _truth(*_is_equal(node, a, b), [a, b])


@row("a comparison, decided by bounds", "not_equal")
def _not_equal(node: Node, a: Facts, b: Facts) -> Facts:
    return _truth(*_is_equal(node, a, b)[::-1], [a, b])


@row("a truth value, decided by bounds", "logical_and")
def _and(node: Node, a: Facts, b: Facts) -> Facts:
    return _truth((a.lower >= 1) & (b.lower >= 1), (a.upper <= 0) | (b.upper <= 0), [a, b])


@row("a truth value, decided by bounds", "logical_or")
def _or(node: Node, a: Facts, b: Facts) -> Facts:
    return _truth((a.lower >= 1) | (b.lower >= 1), (a.upper <= 0) & (b.upper <= 0), [a, b])


@row("a truth value, decided by bounds", "logical_not")
def _not(node: Node, a: Facts) -> Facts:
    return _truth(a.upper <= 0, a.lower >= 1, [a])


@row("a step, the same wherever bounds decide it", "sign", "floor", "ceil", "rint", "trunc")
def _step(node: Node, x: Facts) -> Facts:
    lower, upper = (node.primitive.evaluate(bound) for bound in x.bounds)
    return like(Interval(lower, upper), False, False, [x])


@row("the same value", "detach")
def _detach(node: Node, x: Facts) -> Facts:
    return x


@row("the same value in another dtype", "convert")
def _convert(node: Node, x: Facts) -> Facts:
    if node.dtype.kind == "f" or arithmetic.is_constant(x):
        return x
    return like(Interval(np.floor(x.lower), np.ceil(x.upper)), False, False, [x])

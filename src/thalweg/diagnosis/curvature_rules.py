"""One row per primitive: what is proven of its value, given what is known of its operands.

A row is a function of the node and of its operands' facts. Rows for moving, adding and composing values are built from
`arithmetic`; the sentence beside each is what the derivation says. A primitive without curvature stands in
`WITHOUT_CURVATURE` with the reason; a test checks that every primitive stands in one of the two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph import Array, Node
from ..ops.contraction import free_axes
from . import arithmetic, intervals
from .curves import CURVES, ENTROPY, Curve
from .facts import Facts, compose, known, like, nothing, restrict, settle
from .intervals import Interval

__all__ = ["ROWS", "WITHOUT_CURVATURE", "Row", "facts_of"]


@dataclass(frozen=True)
class Row:
    """rule: (node, *operands' facts) → facts. sentence: for the derivation."""

    rule: Callable[..., Facts]
    sentence: str


ROWS: dict[str, Row] = {}

WITHOUT_CURVATURE = {
    "input": "the parameters themselves: affine by definition",
    "constant": "a known number",
    "remainder": "a saw-tooth",
    "tan": "poles on both sides of every branch",
    "arctan2": "neither convex nor concave in any half plane",
    "slogdet": "log|det A| is concave for positive definite matrices only, which it does not ask for; write "
    "2 * np.sum(np.log(np.diag(np.linalg.cholesky(A))))",
    "isfinite": "a truth value",
}
"""Primitives without a row: nothing is claimed of their values."""


def row(sentence: str, *names: str) -> Callable[[Callable[..., Facts]], Callable[..., Facts]]:
    """Enters a rule for primitives."""

    def enter(rule: Callable[..., Facts]) -> Callable[..., Facts]:
        for name in names:
            ROWS[name] = Row(rule, sentence)
        return rule

    return enter


def facts_of(node: Node, operands: list[Facts]) -> tuple[Facts, str]:
    """What is proven of a node, and why."""
    if all(arithmetic.is_constant(x) for x in operands) and node.primitive.name in ROWS:
        value = node.primitive.evaluate(*_arguments(node, operands), **node.attributes)
        if node.dtype.kind == "f" and node.primitive.is_elementwise:
            error = intervals.enclose(np.asarray, np.asarray(value, np.float64))
            return like(error, False, False, operands), "the same for all parameters"
    found = ROWS.get(node.primitive.name)
    if found is None:
        reason = WITHOUT_CURVATURE.get(node.primitive.name, f"no rule for {node.primitive.name}")
        facts = nothing(node.shape, operands)
        return Facts(facts.bounds, *facts.arrays[2:], is_defined_on_convex=False), reason
    with np.errstate(all="ignore"):
        return found.rule(node, *operands), found.sentence


def _arguments(node: Node, operands: list[Facts]) -> list[Array]:
    return [x.lower.astype(operand.dtype) for x, operand in zip(operands, node.operands, strict=True)]


# Functions of one number
def _curved(name: str, curve: Curve, sentence: str) -> None:
    def rule(node: Node, x: Facts) -> Facts:
        facts = arithmetic.unary(curve, x)
        return Facts(
            facts.bounds, *facts.arrays[2:], is_defined_on_convex=facts.is_defined_on_convex and curve.pole is None
        )

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
    return arithmetic.added(a, b)


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
    return Facts(unknown.bounds, *unknown.arrays[2:], is_defined_on_convex=False)


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
    return like(Interval(lower, np.full(node.shape, np.inf)), convex, False, [x, y])


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


# Reductions and scans
@row("a sum of values that are convex (concave, affine) is so too", "sum")
def _sum(node: Node, x: Facts) -> Facts:
    return arithmetic.total(x, node.attributes["axes"])


@row("the Euclidean norm of affine, or of convex and positive values is convex", "norm")
def _norm(node: Node, x: Facts) -> Facts:
    return arithmetic.power(arithmetic.total(arithmetic.power(x, 2), node.attributes["axes"]), 0.5)


@row("log(sum(exp(x))) is convex and rising in every element", "logsumexp")
def _logsumexp(node: Node, x: Facts) -> Facts:
    axes = node.attributes["axes"]
    facts = arithmetic.logarithm(arithmetic.total(arithmetic.exponential(x), axes))
    return arithmetic.bounded(facts, Interval(np.max(x.lower, axis=axes), np.full(node.shape, np.inf)))


@row("the largest of convex values is convex", "maximum_reduce")
def _maximum_reduce(node: Node, x: Facts) -> Facts:
    axes = node.attributes["axes"]
    bounds = Interval(np.max(x.lower, axis=axes), np.max(x.upper, axis=axes))
    return like(bounds, np.all(x.convex, axis=axes), False, [x], np.min(x.convex_degree, axis=axes))


@row("the smallest of concave values is concave", "minimum_reduce")
def _minimum_reduce(node: Node, x: Facts) -> Facts:
    axes = node.attributes["axes"]
    bounds = Interval(np.min(x.lower, axis=axes), np.min(x.upper, axis=axes))
    return like(bounds, False, np.all(x.concave, axis=axes), [x], np.nan, np.max(x.concave_degree, axis=axes))


def _none_of(failing: Array, node: Node, *others: Array) -> Array:
    """Where an additive primitive meets no failing element."""
    counts = np.asarray(node.primitive.evaluate(failing.astype(np.float64), *others, **node.attributes))
    return counts == 0


@row("partial sums of values that are convex (concave, affine) are so too", "cumulative_sum")
def _cumulative_sum(node: Node, x: Facts) -> Facts:
    count = max(x.lower.shape[node.attributes["axis"]], 1)
    parts = []
    for bound in (x.lower, -x.upper):
        value = node.primitive.evaluate(bound, **node.attributes)
        room = count * 2.0**-52 * node.primitive.evaluate(np.abs(bound), **node.attributes)
        parts.append(np.where(np.isnan(value - room), -np.inf, value - room))
    is_positive, is_negative = _none_of(x.lower < 0, node), _none_of(x.upper > 0, node)
    lower = np.where(is_positive, np.maximum(parts[0], 0.0), parts[0])
    upper = np.where(is_negative, np.minimum(-parts[1], 0.0), -parts[1])
    degree = np.min(x.convex_degree, initial=np.inf)
    return like(Interval(lower, upper), _none_of(~x.convex, node), _none_of(~x.concave, node), [x], degree)


# Products of arrays
@row("a constant matrix times a value, or the sum of squares of one value", "dot")
def _dot(node: Node, a: Facts, b: Facts) -> Facts:
    contract, batch = node.attributes["contract"], node.attributes["batch"]
    if arithmetic.is_constant(a):
        return _constant_times(node, a.lower, b, is_left=True)
    if arithmetic.is_constant(b):
        return _constant_times(node, b.lower, a, is_left=False)
    is_same = node.operands[0] is node.operands[1] and contract[0] == contract[1] and batch[0] == batch[1]
    if is_same and not free_axes(a.lower.ndim, contract[0], batch[0]):
        kept = sorted(batch[0])
        order = tuple(kept.index(axis) for axis in batch[0])
        return arithmetic.total(arithmetic.power(a, 2), contract[0]).moved(lambda array: np.transpose(array, order))
    is_positive = bool((a.lower >= 0).all() and (b.lower >= 0).all())
    return nothing(node.shape, [a, b], (0.0 if is_positive else -np.inf, np.inf))


def _constant_times(node: Node, c: Array, x: Facts, is_left: bool) -> Facts:
    def product(weights: Any, values: Any) -> Array:
        pair = (weights, values) if is_left else (values, weights)
        return np.asarray(
            node.primitive.evaluate(*(np.asarray(p, np.float64) for p in pair), **node.attributes), np.float64
        )

    is_positive, is_negative, is_zero = c > 0, c < 0, c == 0
    shape = x.lower.shape
    if x.affine.all():
        convex = concave = np.ones(node.shape, bool)
    else:
        neither = ~(x.convex | x.concave)
        unproven = product(is_zero, neither)
        convex = product(is_positive, ~x.convex) + product(is_negative, ~x.concave) + unproven == 0
        concave = product(is_positive, ~x.concave) + product(is_negative, ~x.convex) + unproven == 0
    if np.isfinite(x.lower).any() or np.isfinite(x.upper).any():
        finite_low, finite_high = (np.where(np.isfinite(b), b, 0.0) for b in x.bounds)
        up, down = np.maximum(c, 0.0), np.minimum(c, 0.0)
        terms = max(1, c.size)
        room = terms * 2.0**-51 * (product(np.abs(c), np.abs(finite_low)) + product(np.abs(c), np.abs(finite_high)))
        lower = product(up, finite_low) + product(down, finite_high)
        upper = product(up, finite_high) + product(down, finite_low)
        no_lower = product(is_positive, ~np.isfinite(x.lower)) + product(is_negative, ~np.isfinite(x.upper)) > 0
        no_upper = product(is_positive, ~np.isfinite(x.upper)) + product(is_negative, ~np.isfinite(x.lower)) > 0
        stays_positive = (product(is_negative, x.upper > 0) + product(is_positive, x.lower < 0)) == 0
        stays_negative = (product(is_negative, x.lower < 0) + product(is_positive, x.upper > 0)) == 0
        lower = np.where(no_lower, -np.inf, lower - room)
        upper = np.where(no_upper, np.inf, upper + room)
        lower = np.where(stays_positive, np.maximum(lower, 0.0), lower)
        upper = np.where(stays_negative, np.minimum(upper, 0.0), upper)
    else:
        everywhere = product(~is_zero, np.ones(shape)) == 0
        lower, upper = np.where(everywhere, 0.0, -np.inf), np.where(everywhere, 0.0, np.inf)
    degree = np.min(x.convex_degree) if x.convex_degree.size else np.nan
    has_no_negative = product(is_negative, np.ones(shape)) == 0
    degrees = np.where(has_no_negative, degree, np.nan)
    return like(Interval(lower, upper), convex, concave, [x], degrees)


# Choices and truth values
@row("the branch that is chosen, where the condition is known", "where")
def _where(node: Node, condition: Facts, a: Facts, b: Facts) -> Facts:
    hull = intervals.hull(a.bounds, b.bounds)
    either = like(hull, False, False, [condition, a, b])
    is_true, is_false = condition.lower >= 1, condition.upper <= 0
    found = arithmetic.select(is_true, a, arithmetic.select(is_false, b, either))
    defined = condition.is_defined_on_convex
    defined = defined and (a.is_defined_on_convex or bool(is_false.all()))
    defined = defined and (b.is_defined_on_convex or bool(is_true.all()))
    return Facts(found.bounds, *found.arrays[2:], is_defined_on_convex=defined)


def _truth(is_true: Any, is_false: Any, operands: list[Facts]) -> Facts:
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


# Structure: the facts move with the values
@row("the same values in other places", "reshape", "transpose", "broadcast", "slice")
def _move(node: Node, x: Facts) -> Facts:
    return x.moved(lambda array: node.primitive.evaluate(array, **node.attributes))


@row("the same values in other places", "take")
def _take(node: Node, x: Facts, indices: Facts) -> Facts:
    if not arithmetic.is_constant(indices):
        return nothing(node.shape, [x, indices])
    return x.moved(lambda array: node.primitive.evaluate(array, indices.lower.astype(np.int64), **node.attributes))


@row("values in other places, added up where they meet", "place")
def _place(node: Node, *pieces: Facts) -> Facts:
    result = known(np.zeros(node.shape))
    for piece, window in zip(pieces, node.attributes["windows"], strict=True):
        attributes = {"windows": (window,), "shape": node.shape}

        def put(array: Array, attributes: Any = attributes) -> Array:
            return np.asarray(node.primitive.evaluate(array, **attributes))

        covered = put(np.ones(piece.lower.shape)) > 0
        is_set = (result.lower != 0) | (result.upper != 0) | ~result.affine
        spread = piece.moved(put)
        overlap = bool((covered & is_set).any())
        combined = arithmetic.added(result, spread) if overlap else spread
        result = arithmetic.select(covered, settle(combined), result)
    return result


@row("values added up in other places", "scatter_add")
def _scatter_add(node: Node, x: Facts, indices: Facts) -> Facts:
    if not arithmetic.is_constant(indices):
        return nothing(node.shape, [x, indices])
    at = indices.lower.astype(np.int64)
    is_positive = _none_of(x.lower < 0, node, at)
    bounds = Interval(np.where(is_positive, 0.0, -np.inf), np.where(_none_of(x.upper > 0, node, at), 0.0, np.inf))
    return like(bounds, _none_of(~x.convex, node, at), _none_of(~x.concave, node, at), [x])


# Linear algebra
@row("the solution for a constant matrix is affine in the right-hand side", "solve")
def _solve(node: Node, a: Facts, b: Facts) -> Facts:
    is_affine = arithmetic.is_constant(a) and bool(b.affine.all())
    regular = is_affine and bool((np.linalg.cond(a.lower) < 1e12).all())
    facts = nothing(node.shape, [a, b])
    flags = np.full(node.shape, regular)
    return Facts(facts.bounds, flags, flags, *facts.arrays[4:], is_defined_on_convex=regular and b.is_defined_on_convex)


@row("the squared pivots of a positive definite matrix are concave in it, and so are the roots", "cholesky")
def _cholesky(node: Node, a: Facts) -> Facts:
    size = node.shape[-1]
    is_diagonal = np.broadcast_to(np.eye(size, dtype=bool), node.shape)
    is_affine = bool((a.affine | ~np.broadcast_to(np.tri(size, dtype=bool), node.shape)).all())
    lower = np.where(is_diagonal | (np.tri(size).T > 0), 0.0, -np.inf)
    upper = np.where(~is_diagonal & (np.tri(size).T > 0), 0.0, np.inf)
    degree = np.where(is_diagonal & is_affine, 0.5, np.nan)
    return like(Interval(lower, upper), False, False, [a], np.nan, degree, is_defined=is_affine)

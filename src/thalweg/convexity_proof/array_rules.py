"""Rows for primitives of whole arrays: reductions, products, structure, linear algebra."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..graph import Array, Node
from ..ops.contraction import free_axes
from . import arithmetic
from .facts import Facts, known, like, nothing, settle, undefined
from .intervals import Interval
from .rows import row


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
    return np.asarray(counts == 0)


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
    degree = arithmetic.degree_of_sum(np.min(x.convex_degree, initial=np.inf))
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
    if x.is_affine and np.isneginf(x.lower).all() and np.isposinf(x.upper).all():  # data are large: no look at them
        bounds = (np.broadcast_to(bound, node.shape) for bound in (-np.inf, np.inf))
        return like(Interval(*bounds), True, True, [x])

    def product(weights: Any, values: Any) -> Array:
        pair = (weights, values) if is_left else (values, weights)
        return np.asarray(
            node.primitive.evaluate(*(np.asarray(p, np.float64) for p in pair), **node.attributes), np.float64
        )

    is_positive, is_negative, is_zero = c > 0, c < 0, c == 0
    shape = x.lower.shape
    if x.is_affine:
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
    degree = arithmetic.degree_of_sum(np.min(x.convex_degree)) if x.convex_degree.size else np.nan
    has_no_negative = product(is_negative, np.ones(shape)) == 0
    degrees = np.where(has_no_negative, degree, np.nan)
    return like(Interval(lower, upper), convex, concave, [x], degrees)


# Structure: the facts move with the values
@row("the same values in other places", "reshape", "transpose", "broadcast", "slice")
def _move(node: Node, x: Facts) -> Facts:
    return x.moved(lambda array: node.primitive.evaluate(array, **node.attributes))


@row("the same values in other places", "take")
def _take(node: Node, x: Facts, indices: Facts) -> Facts:
    if not arithmetic.is_constant(indices):
        return nothing(node.shape, [x, indices])
    return x.moved(lambda array: node.primitive.evaluate(array, indices.lower.astype(np.int64), **node.attributes))


@row("the order of known numbers", "argsort")
def _argsort(node: Node, x: Facts) -> Facts:
    return known(node.primitive.evaluate(x.lower)) if arithmetic.is_constant(x) else nothing(node.shape, [x])


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
    is_affine = arithmetic.is_constant(a) and b.is_affine
    regular = is_affine and bool((np.linalg.cond(a.lower) < 1e12).all())
    facts = nothing(node.shape, [a, b])
    flags = np.full(node.shape, regular)
    defined = regular and b.is_defined_on_convex
    affine = replace(facts, convex=flags, concave=flags)
    return affine if defined else undefined(affine)


@row("the squared pivots of a positive definite matrix are concave in it, and so are the roots", "cholesky")
def _cholesky(node: Node, a: Facts) -> Facts:
    size = node.shape[-1]
    is_diagonal = np.broadcast_to(np.eye(size, dtype=bool), node.shape)
    is_affine = bool((a.affine | ~np.broadcast_to(np.tri(size, dtype=bool), node.shape)).all())
    lower = np.where(is_diagonal | (np.tri(size).T > 0), 0.0, -np.inf)
    upper = np.where(~is_diagonal & (np.tri(size).T > 0), 0.0, np.inf)
    degree = np.where(is_diagonal & is_affine, 0.5, np.nan)
    facts = like(Interval(lower, upper), False, False, [a], np.nan, degree, is_defined=is_affine)
    return replace(facts, is_defined_everywhere=False)

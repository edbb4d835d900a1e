"""Rules that make naive formulas safe: they compute without overflow, with finite derivatives.

They run before differentiation, so that the derivative, too, comes from the stable form.
"""

from __future__ import annotations

from ..graph import Node
from ..ops.elementwise import (
    absolute,
    add,
    divide,
    exp,
    expit,
    expm1,
    hypot,
    log,
    log1p,
    logaddexp,
    maximum,
    multiply,
    negative,
    softplus,
    sqrt,
    subtract,
)
from ..ops.linear_algebra import slogdet
from ..ops.reduction import logsumexp, norm, sum_
from ..ops.structure import broadcast, reshape, slice_
from .simplify import STABILITY_RULES, Builder, equal_everywhere, rule


def _one_plus(node: Node) -> Node | None:
    """x, if the node is 1 + x."""
    if node.primitive is add:
        for a, b in (node.operands, node.operands[::-1]):
            if equal_everywhere(a) == 1:
                return b
    return None


@rule(log, into=STABILITY_RULES)
def log_of_one_plus(node: Node, build: Builder) -> Node | None:
    """log(1 + x) = log1p(x); log(1 - x) = log1p(-x)."""
    (x,) = node.operands
    rest = _one_plus(x)
    if rest is not None:
        return build(log1p, rest, source=node.source)
    if x.primitive is subtract and equal_everywhere(x.operands[0]) == 1:
        return build(log1p, build(negative, x.operands[1], source=node.source), source=node.source)
    return None


@rule(log1p, into=STABILITY_RULES)
def log1p_of_exp(node: Node, build: Builder) -> Node | None:
    """log1p(exp(z)) = softplus(z); log1p(-expit(z)) = -softplus(z)."""
    (x,) = node.operands
    if x.primitive is exp:
        return build(softplus, x.operands[0], source=node.source)
    if x.primitive is negative and x.operands[0].primitive is expit:
        z = x.operands[0].operands[0]
        return build(negative, build(softplus, z, source=node.source), source=node.source)
    return None


@rule(log, into=STABILITY_RULES)
def log_of_exp(node: Node, build: Builder) -> Node | None:
    """log(exp z) = z; log(expit z) = -softplus(-z); log(exp a + exp b) = logaddexp(a, b); log(a / b) of exponentials."""
    (x,) = node.operands
    if x.primitive is exp:
        return x.operands[0]
    if x.primitive is expit:
        opposite = build(negative, x.operands[0], source=node.source)
        return build(negative, build(softplus, opposite, source=node.source), source=node.source)
    if x.primitive is add and all(operand.primitive is exp for operand in x.operands):
        a, b = (operand.operands[0] for operand in x.operands)
        return build(logaddexp, a, b, source=node.source)
    if x.primitive is divide and x.operands[0].primitive is exp:
        logarithm = build(log, x.operands[1], source=node.source)
        return build(subtract, x.operands[0].operands[0], logarithm, source=node.source)
    return None


@rule(log, into=STABILITY_RULES)
def log_of_sum_of_exp(node: Node, build: Builder) -> Node | None:
    """log(sum(exp z)) = logsumexp(z), also through reshapes and broadcasts of the sum."""
    (x,) = node.operands
    if x.primitive in (reshape, broadcast):
        (inner,) = x.operands
        if _is_sum_of_exp(inner) or inner.primitive in (reshape, broadcast):
            logarithm = build(log, inner, source=node.source)
            return build(x.primitive, logarithm, source=node.source, **x.attributes)
    if _is_sum_of_exp(x):
        z = x.operands[0].operands[0]
        return build(logsumexp, z, axes=x.attributes["axes"], source=node.source)
    return None


@rule(logaddexp, into=STABILITY_RULES)
def logaddexp_of_constant(node: Node, build: Builder) -> Node | None:
    """log(1 + exp(z)), written logaddexp(0, z), is softplus(z)."""
    for a, b in (node.operands, node.operands[::-1]):
        if equal_everywhere(a) == 0:
            return build(softplus, b, source=node.source)
    return None


@rule(add, into=STABILITY_RULES)
def softplus_in_two_parts(node: Node, build: Builder) -> Node | None:
    """max(z, 0) + log1p(exp(-|z|)) = softplus(z): the parts have a kink at 0, their sum has none."""
    for a, b in (node.operands, node.operands[::-1]):
        if a.primitive is not maximum or b.primitive is not softplus or b.operands[0].primitive is not negative:
            continue
        (size,) = b.operands[0].operands
        for z, zero in (a.operands, a.operands[::-1]):
            if equal_everywhere(zero) == 0 and size.primitive is absolute and size.operands[0] is z:
                return build(softplus, z, source=node.source)
    return None


@rule(multiply, into=STABILITY_RULES)
def square_of_norm(node: Node, build: Builder) -> Node | None:
    """norm(x)² = sum(x²), which has no kink at 0; hypot(x, y)² = x² + y²."""
    (a, b) = node.operands
    if a is not b:
        return None
    squares = [build(multiply, x, x, source=node.source) for x in a.operands if a.primitive in (norm, hypot)]
    if a.primitive is norm:
        return build(sum_, squares[0], source=node.source, axes=a.attributes["axes"])
    return build(add, *squares, source=node.source) if a.primitive is hypot else None


def _is_sum_of_exp(node: Node) -> bool:
    return node.primitive is sum_ and node.operands[0].primitive is exp


@rule(log, into=STABILITY_RULES)
def log_of_softmax(node: Node, build: Builder) -> Node | None:
    """log(z[...]) moves inside of a slice, so that log(softmax(z)[i]) is stable as well."""
    (x,) = node.operands
    if x.primitive is slice_ and x.operands[0].primitive in (divide, exp):
        logarithm = build(log, x.operands[0], source=node.source)
        return build(slice_, logarithm, source=node.source, **x.attributes)
    return None


@rule(log, into=STABILITY_RULES)
def log_of_determinant(node: Node, build: Builder) -> Node | None:
    """log(det A), which is traced as sign · exp(log|det A|)."""
    (x,) = node.operands
    if x.primitive is multiply:
        for sign, size in (x.operands, x.operands[::-1]):
            if size.primitive is exp and _part_of_slogdet(size.operands[0]) and _part_of_slogdet(sign):
                logarithm = build(log, sign, source=node.source)
                return build(add, logarithm, size.operands[0], source=node.source)
    return None


def _part_of_slogdet(node: Node) -> bool:
    while node.primitive in (reshape, slice_):
        node = node.operands[0]
    return node.primitive is slogdet


@rule(divide, into=STABILITY_RULES)
def logistic(node: Node, build: Builder) -> Node | None:
    """1 / (1 + exp(-z)) = expit(z); exp(z) / (1 + exp(z)) = expit(z)."""
    a, b = node.operands
    rest = _one_plus(b)
    if rest is None or rest.primitive is not exp:
        return None
    if equal_everywhere(a) == 1:
        return build(expit, build(negative, rest.operands[0], source=node.source), source=node.source)
    return build(expit, rest.operands[0], source=node.source) if a is rest else None


@rule(subtract, into=STABILITY_RULES)
def one_minus_logistic(node: Node, build: Builder) -> Node | None:
    """1 - expit(z) = expit(-z)."""
    a, b = node.operands
    if equal_everywhere(a) == 1 and b.primitive is expit:
        return build(expit, build(negative, b.operands[0], source=node.source), source=node.source)
    return None


@rule(divide, into=STABILITY_RULES)
def softmax(node: Node, build: Builder) -> Node | None:
    """exp(z) / sum(exp(z)) = exp(z - logsumexp(z))."""
    a, b = node.operands
    if a.primitive is not exp:
        return None
    total = b
    while total.primitive in (reshape, broadcast):
        (total,) = total.operands
    if not _is_sum_of_exp(total) or total.operands[0] is not a:
        return None
    logarithm = build(log, b, source=node.source)
    return build(exp, build(subtract, a.operands[0], logarithm, source=node.source), source=node.source)


@rule(subtract, into=STABILITY_RULES)
def exp_minus_one(node: Node, build: Builder) -> Node | None:
    """exp(z) - 1 = expm1(z)."""
    a, b = node.operands
    if a.primitive is exp and equal_everywhere(b) == 1:
        return build(expm1, a.operands[0], source=node.source)
    return None


@rule(sqrt, into=STABILITY_RULES)
def root_of_squares(node: Node, build: Builder) -> Node | None:
    """sqrt(x² + y²) = hypot(x, y); sqrt(sum(x²)) = norm(x)."""
    (x,) = node.operands
    if x.primitive is add:
        roots = [_root(operand) for operand in x.operands]
        if roots[0] is not None and roots[1] is not None:
            return build(hypot, roots[0], roots[1], source=node.source)
    if x.primitive is sum_:
        root = _root(x.operands[0])
        if root is not None:
            return build(norm, root, axes=x.attributes["axes"], source=node.source)
    return None


def _root(node: Node) -> Node | None:
    """x, if the node is x · x."""
    if node.primitive is multiply and node.operands[0] is node.operands[1]:
        return node.operands[0]
    return None


@rule(absolute, into=STABILITY_RULES)
def absolute_of_square(node: Node, build: Builder) -> Node | None:
    (x,) = node.operands
    return x if _root(x) is not None or x.primitive in (exp, absolute) else None

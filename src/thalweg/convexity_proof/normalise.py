"""A graph as the proof wants it: in real numbers (float64), with the data as constants, and known spellings resolved.

The rules here keep the value but not always its rounding, so they serve the proof only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph import (
    Array,
    ArrayType,
    Graph,
    Node,
    Primitive,
    constant,
    input_node,
    make,
    topological_order,
    transform,
    with_operands,
)
from ..ops.elementwise import (
    absolute,
    add,
    convert,
    detach,
    divide,
    exp,
    less,
    log,
    logical_and,
    multiply,
    negative,
    subtract,
    where,
)
from ..ops.indexing import take
from ..ops.reduction import logsumexp, norm, sum_
from ..ops.structure import broadcast, reshape, slice_, transpose
from ..rewrite import equal_everywhere, simplify

__all__ = ["in_real_numbers", "normalise"]

FLOAT64 = np.dtype(np.float64)

_MOST_GUARDED = 200
"""Nodes of a branch of which guards are looked for."""


def _no_derivative(*_: Any, **__: Any) -> Any:
    raise AssertionError("relative_entropy serves proofs and is never differentiated")


def _evaluate_relative_entropy(x: Array, y: Array) -> Array:
    import scipy.special

    return np.asarray(scipy.special.rel_entr(x, y))


RELATIVE_ENTROPY = Primitive(
    "relative_entropy",
    lambda x, y: x,
    _evaluate_relative_entropy,
    _no_derivative,
    (None, None),
    _no_derivative,
    is_elementwise=True,
)
"""x log(x/y): what x · log(x / y) and scipy.special.rel_entr become."""


def in_real_numbers(graph: Graph, data: tuple[Array, ...]) -> Graph:
    """The graph of θ alone, in float64: the data are constants, `detach` has gone."""
    theta, *others = graph.inputs
    new = input_node(ArrayType(theta.shape, FLOAT64), "parameters")
    known: dict[Node, Node] = {theta: new}
    known |= {node: constant(_as_float64(array)) for node, array in zip(others, data, strict=True)}

    def rebuild(node: Node, operands: tuple[Node, ...]) -> Node:
        if node.is_constant:
            return constant(_as_float64(node.value))
        if node.primitive is detach:
            return operands[0]
        attributes = dict(node.attributes)
        if node.primitive is convert and np.dtype(attributes["dtype"]).kind == "f":
            if operands[0].dtype == FLOAT64:
                return operands[0]
            attributes["dtype"] = "float64"
        return make(node.primitive, *operands, source=node.source, **attributes)

    return simplify(Graph((new,), transform(graph.outputs, known, rebuild)))


def _as_float64(array: Array) -> Array:
    return array.astype(FLOAT64, copy=False) if array.dtype.kind == "f" else array


def normalise(graph: Graph) -> Graph:
    """The graph after all rules; they are applied until nothing changes, at most a few times."""
    for _ in range(6):
        known, users, fired = {node: node for node in graph.inputs}, _users(graph), [False]

        def rebuild(node: Node, operands: tuple[Node, ...], users: Any = users, fired: list[bool] = fired) -> Node:
            simpler = _simpler(users, node, operands)
            fired[0] |= simpler is not None
            return with_operands(node, operands) if simpler is None else simpler

        graph = simplify(Graph(graph.inputs, transform(graph.outputs, known, rebuild)))
        if not fired[0]:
            break
    return graph


Rule = Callable[[Node], Node | None]


def _users(graph: Graph) -> dict[Node, int]:
    """How many nodes use each node."""
    count: dict[Node, int] = {}
    for node in graph.nodes:
        for operand in set(node.operands):
            count[operand] = count.get(operand, 0) + 1
    return count


def _simpler(users: dict[Node, int], node: Node, operands: tuple[Node, ...]) -> Node | None:
    """What the first rule that fits makes of a node with other operands; None if none does."""
    if not operands:
        return None
    made = Node(node.primitive, operands, node.type, node.attributes, node.source)
    if node.primitive is multiply and operands[0] is operands[1] and users[node.operands[0]] == 1:
        square = _square_of_root(made)
        if square is not None:
            return square
    return next((found for rule in _RULES.get(node.primitive.name, ()) if (found := rule(made)) is not None), None)


def _log_through_structure(node: Node) -> Node | None:
    """log(x[...]) = log(x)[...], where x is an exponential or a quotient, whose logarithm is simple."""
    (x,) = node.operands
    origin, steps = x, []
    while origin.primitive in (slice_, take, reshape, broadcast, transpose):
        steps.append(origin)
        origin = origin.operands[0]
    if not steps or origin.primitive not in (exp, divide):
        return None
    result = make(log, origin, source=node.source)
    for step in reversed(steps):
        result = make(step.primitive, result, *step.operands[1:], source=step.source, **step.attributes)
    return result


def _shifted_logsumexp(node: Node) -> Node | None:
    """log(sum(exp(z - s))) = log(sum(exp(z))) - s, where s is the same along the axes: the shift by the maximum."""
    (x,) = node.operands
    if x.primitive is not subtract:
        return None
    z, shift = x.operands
    small = _constant_along(shift, node.attributes["axes"], node)
    if small is None:
        return None
    return make(subtract, make(logsumexp, z, source=node.source, **node.attributes), small, source=node.source)


def _constant_along(x: Node, axes: tuple[int, ...], like: Node) -> Node | None:
    """x without axes along which all of its elements are the same by construction."""
    if x.primitive is not broadcast:
        return None
    (origin,) = x.operands
    offset = len(x.shape) - len(origin.shape)
    if any(axis >= offset and origin.shape[axis - offset] != 1 for axis in axes):
        return None
    kept = tuple(extent for axis, extent in enumerate(origin.shape) if axis + offset not in axes)
    small = origin if kept == origin.shape else make(reshape, origin, source=x.source, shape=kept)
    return small if small.shape == like.shape else make(broadcast, small, source=x.source, shape=like.shape)


def _x_log_x(node: Node) -> Node | None:
    """x · log(x), and x · log(x / y) for constants y > 0: for others both may be negative."""
    for x, factor in (node.operands, node.operands[::-1]):
        if factor.primitive is not log:
            continue
        (inside,) = factor.operands
        if inside is x:
            one = constant(np.ones(node.shape))
            return make(RELATIVE_ENTROPY, x, one, source=node.source)
        y = _divisor(node, x)
        if y is not None and y.is_constant and bool((y.value > 0).all()):
            return make(RELATIVE_ENTROPY, x, y, source=node.source)
    return None


def _divisor(node: Node, x: Node) -> Node | None:
    """y, if the node is x · log(x / y)."""
    for a, b in (node.operands, node.operands[::-1]):
        if a is x and b.primitive is log and b.operands[0].primitive is divide and b.operands[0].operands[0] is x:
            return b.operands[0].operands[1]
    return None


def _factor_out(node: Node) -> Node | None:
    """(c · u) v = c · (u v) for a number c, so that 0.5 * w @ w shows its square."""
    for index, x in enumerate(node.operands):
        if x.primitive is not multiply or node.dtype.kind != "f":
            continue
        for factor, rest in (x.operands, x.operands[::-1]):
            value = equal_everywhere(factor)
            if value is not None and equal_everywhere(rest) is None:
                operands = (rest, node.operands[1]) if index == 0 else (node.operands[0], rest)
                product = make(node.primitive, *operands, source=node.source, **node.attributes)
                scalar = constant(np.asarray(value, np.float64))
                spread = make(broadcast, scalar, shape=node.shape) if node.shape else scalar
                return make(multiply, spread, product, source=node.source)
    return None


def _square_of_root(node: Node) -> Node | None:
    """|x| · |x| = x · x; the square of a norm is the sum of squares."""
    a, b = node.operands
    if a is not b:
        return None
    if a.primitive is absolute:
        return make(multiply, *a.operands, *a.operands, source=node.source)
    if a.primitive is norm:
        square = make(multiply, *a.operands, *a.operands, source=node.source)
        return make(sum_, square, source=node.source, **a.attributes)
    if a.primitive in (reshape, broadcast) and a.operands[0].primitive in (absolute, norm):
        inner = make(multiply, *a.operands, *a.operands, source=node.source)
        return make(a.primitive, _square_of_root(inner) or inner, source=node.source, **a.attributes)
    return None


def _guarded(node: Node) -> Node | None:
    """where(c, ..., f(where(c, safe, x))): the guard of a branch, which is x wherever the branch is chosen."""
    condition, a, b = node.operands
    on_true, on_false = _without_guard(a, condition, True), _without_guard(b, condition, False)
    if on_true is a and on_false is b:
        return None
    return make(where, condition, on_true, on_false, source=node.source)


def _without_guard(branch: Node, condition: Node, value: bool) -> Node:
    """The branch, computed as if the condition had the given value everywhere."""
    if _is_larger(branch, _MOST_GUARDED):
        return branch
    order = topological_order([branch])
    if not any(x.primitive is where and x.operands[0] is condition for x in order):
        return branch
    new: dict[Node, Node] = {}
    for node in order:
        operands = tuple(new[operand] for operand in node.operands)
        if node.primitive is where and node.operands[0] is condition:
            new[node] = operands[1] if value else operands[2]
        elif node.primitive.is_elementwise and any(a is not b for a, b in zip(operands, node.operands, strict=True)):
            new[node] = Node(node.primitive, operands, node.type, node.attributes, node.source)
        else:  # elements mix here: a condition outside says nothing about those inside
            new[node] = node
    return new[branch]


def _is_larger(node: Node, most: int) -> bool:
    """Whether the node depends on so many others: no more are looked at."""
    seen, stack = {node}, [node]
    while stack and len(seen) <= most:
        for operand in stack.pop().operands:
            if operand not in seen:
                seen.add(operand)
                stack.append(operand)
    return len(seen) > most


def _relative_entropy_of_scipy(node: Node) -> Node | None:
    """The tests around x · log(x / y) in rel_entr, kl_div, entr and xlogy: they restrict it to its domain."""
    condition, a, b = node.operands
    is_limit = b.primitive is where and _is_all(b.operands[1], 0.0) and _is_all(b.operands[2], np.inf)
    if a.primitive is multiply and (is_limit or _is_all(b, np.inf)):
        for x in a.operands:
            y = _divisor(a, x)
            if y is not None and _are_positive(condition, x, y):
                return make(RELATIVE_ENTROPY, x, y, source=node.source)
    entropy = next((n for n in (a, b, *_first(b), *_first(*_first(b))) if n.primitive is RELATIVE_ENTROPY), None)
    if entropy is None:
        return None
    x, y = entropy.operands
    if a is entropy and (is_limit or _is_all(b, np.inf)):
        return a if _are_positive(condition, x, y) else None
    if b is entropy and _is_all(a, 0.0) and _tests_zero(condition, x):
        return b
    is_divergence = b.primitive is add and b.operands[1] is y and b.operands[0].primitive is subtract
    if is_divergence and a is y and b.operands[0].operands == (entropy, x) and _tests_zero(condition, x):
        return b
    is_entropy = b.primitive is negative and b.operands[0] is entropy and _is_all(a, -np.inf)
    if is_entropy and condition.primitive is less and condition.operands[0] is x and _is_zero(condition.operands[1]):
        return b
    return None


def _first(*nodes: Node) -> tuple[Node, ...]:
    """Their first operands."""
    return tuple(node.operands[0] for node in nodes if node.operands)


def _are_positive(condition: Node, x: Node, y: Node) -> bool:
    """Whether the condition says 0 < x and 0 < y."""
    parts = condition.operands if condition.primitive is logical_and else (condition,)
    tested = [part.operands[1] for part in parts if part.primitive is less and _is_zero(part.operands[0])]
    others = [part for part in parts if part.primitive is not less]
    if any(not (part.is_constant and bool(part.value.all())) for part in others):
        return False
    return all(z in tested or (z.is_constant and bool((z.value > 0).all())) for z in (x, y))


def _tests_zero(condition: Node, x: Node) -> bool:
    if condition.primitive is logical_and:
        return any(_tests_zero(part, x) for part in condition.operands)
    if condition.primitive.name == "equal":
        a, b = condition.operands
        return (a is x and _is_zero(b)) or (b is x and _is_zero(a))
    return False


def _is_zero(node: Node) -> bool:
    return _is_all(node, 0.0)


def _is_all(node: Node, value: float) -> bool:
    while node.primitive in (broadcast, reshape, multiply):
        if node.primitive is multiply:  # 0 · ratio, which keeps the shape of ratio
            zeros = [x for x in node.operands if _is_all(x, 0.0)]
            return bool(zeros) and value == 0.0
        node = node.operands[0]
    return node.is_constant and bool((node.value == value).all())


_RULES: dict[str, tuple[Rule, ...]] = {
    "log": (_log_through_structure,),
    "logsumexp": (_shifted_logsumexp,),
    "multiply": (_x_log_x, _factor_out),
    "dot": (_factor_out,),
    "where": (_guarded, _relative_entropy_of_scipy),
}

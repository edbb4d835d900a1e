"""A loss as a sum of weighted parts: what the rules cannot say of each part alone, they may say of the sum.

The linear operations at the end of the graph (sums, means, differences, constant factors) are one linear map of the
nonlinear values before them, the parts. Each part's weights are its adjoint. Quadratic parts share one Hessian;
parts that are functions of one affine number with f'' ≥ m give their share of it; all others must be convex by sign.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..autodiff import gradient, pushforward
from ..graph import (
    Array,
    Graph,
    Node,
    constant,
    evaluate,
    input_node,
    make,
    topological_order,
    transform,
    with_operands,
)
from ..ops.elementwise import add, multiply
from ..ops.reduction import sum_
from .chains import analyse, find_chain
from .facts import Facts
from .proof import Proof
from .quadratic import MOST_PARAMETERS, Hessian, hessian_of, jacobian_of, weighted, zero_hessian

__all__ = ["Verdict", "decide"]

_LINEAR = {
    "sum",
    "broadcast",
    "reshape",
    "transpose",
    "slice",
    "place",
    "cumulative_sum",
    "add",
    "subtract",
    "negative",
}
_MOST_ELEMENTS = 1 << 24


@dataclass
class Verdict:
    """Whether the loss is convex, by how much, why, and the parts that are neither."""

    is_convex: bool
    modulus: float = 0.0
    lines: list[str] = field(default_factory=list)
    unproven: list[Node] = field(default_factory=list)


def decide(proof: Proof) -> Verdict:
    """Convexity of the loss and a modulus of strong convexity."""
    facts = proof.facts[proof.loss]
    if not facts.is_defined_on_convex:
        blame = [n for n in proof.graph.nodes if not proof.facts[n].is_defined_on_convex][:1]
        return Verdict(False, 0.0, ["the set of parameters where the loss is defined may not be convex"], blame)
    is_convex = bool(facts.convex.all())
    parts = _parts(proof)
    weights = _weights(proof, parts)
    if weights is None:
        return Verdict(is_convex)
    good = [n for n in parts if _has_sign(proof.facts[n], weights[n])]
    bad = [n for n in parts if not _has_sign(proof.facts[n], weights[n])]
    blame = [n for n in bad if proof.degrees[n] > 2]
    if blame:
        return Verdict(is_convex, 0.0, [], [] if is_convex else blame)
    if proof.theta.type.size > MOST_PARAMETERS:
        if not bad:
            return Verdict(True, *_separable_modulus(proof, good, weights))
        if is_convex:
            return Verdict(True)
        return Verdict(False, 0.0, [f"more than {MOST_PARAMETERS} parameters: no Hessian is formed"], bad)
    hessian, lines = _hessian(proof, parts, set(good), weights)
    smallest, margin = hessian.smallest(), hessian.margin
    if is_convex or not bad:
        modulus = smallest - margin
        return Verdict(True, modulus, lines) if modulus > 0 else Verdict(True)
    lines.append(f"the smallest eigenvalue of this matrix is {smallest:.6g}, certain to ±{margin:.1g}")
    if smallest > margin:
        return Verdict(True, smallest - margin, lines)
    return Verdict(bool(smallest >= -margin), 0.0, lines, bad)


def _is_link(proof: Proof, node: Node) -> bool:
    """Whether the node is a linear map of those operands that depend on θ."""
    name = node.primitive.name
    fixed = [operand in proof.constants for operand in node.operands]
    if name in ("multiply", "dot"):
        return any(fixed)
    if name in ("divide", "take", "scatter_add"):
        return fixed[1]
    if name == "where":
        return fixed[0]
    return name in _LINEAR or (name == "convert" and node.operands[0].dtype.kind == "f" == node.dtype.kind)


def _parts(proof: Proof) -> list[Node]:
    """The nonlinear values that the loss is a linear map of."""
    found: dict[Node, None] = {}
    stack, seen = [proof.loss], set[Node]()
    while stack:
        node = stack.pop()
        if node in seen or node in proof.constants or proof.degrees[node] <= 1:
            continue
        seen.add(node)
        if _is_link(proof, node):
            stack.extend(node.operands)
        elif not bool(proof.facts[node].affine.all()):
            found[node] = None
    return [node for node in topological_order([proof.loss]) if node in found]


def _weights(proof: Proof, parts: list[Node]) -> dict[Node, Array] | None:
    """∂loss/∂part: constant, because the loss is linear in its parts."""
    if not parts:
        return {}
    stand_ins = [input_node(node.type) for node in parts]
    known = {proof.theta: proof.theta, **dict(zip(parts, stand_ins, strict=True))}
    loss = transform([proof.loss], known, with_operands)[0]
    loss = loss if not loss.shape else make(sum_, loss, axes=tuple(range(len(loss.shape))))
    outputs = gradient(loss, stand_ins)
    zeros = [np.zeros(node.shape) for node in (proof.theta, *stand_ins)]
    values = evaluate(Graph((proof.theta, *stand_ins), outputs), zeros)
    if not all(np.isfinite(value).all() for value in values):
        return None
    return dict(zip(parts, values, strict=True))


def _has_sign(facts: Facts, weight: Array) -> bool:
    return bool(((weight <= 0) | facts.convex).all() and ((weight >= 0) | facts.concave).all())


def _weighted_sum(parts: list[Node], weights: dict[Node, Array]) -> Node:
    terms = []
    for node in parts:
        product = make(multiply, constant(weights[node]), node)
        terms.append(make(sum_, product, axes=tuple(range(len(node.shape)))) if node.shape else product)
    total = terms[0]
    for term in terms[1:]:
        total = make(add, total, term)
    return total


def _hessian(proof: Proof, parts: list[Node], good: set[Node], weights: dict[Node, Array]) -> tuple[Hessian, list[str]]:
    """A constant matrix below the Hessian of the sum of the parts, everywhere."""
    total, lines = zero_hessian(proof.theta.type.size), []
    quadratic = [n for n in parts if proof.degrees[n] == 2 and weights[n].any()]
    together = [n for n in quadratic if n in good]
    for group in [together, *([n] for n in quadratic if n not in good)]:
        if group:
            total += hessian_of(proof.theta, _weighted_sum(group, weights))
    if quadratic:
        lines.append(f"{len(quadratic)} quadratic part{'s' if len(quadratic) > 1 else ''}: a constant Hessian")
    for node in parts:
        if node in good and proof.degrees[node] > 2:
            share = _share(proof, node, weights[node])
            if share is not None:
                total += share
                lines.append(f"{node.primitive.name}: a function of one affine number, curved everywhere")
    return total, lines


def _share(proof: Proof, node: Node, weight: Array) -> Hessian | None:
    """Aᵀ diag(w m) A below the Hessian of a part f(A θ + b) with f'' ≥ m."""
    if not (weight >= 0).all() or node.type.size * proof.theta.type.size > _MOST_ELEMENTS:
        return None
    found = proof.chains.get(node)
    if found is None:
        affine = {n for n in topological_order([node]) if bool(proof.facts[n].affine.all())}
        chain = find_chain(node, affine, proof.constants)
        shape = analyse(chain, proof.facts[chain.base].bounds) if chain is not None else None
        if chain is None or shape is None:
            return None
        found = (chain, shape)
    chain, shape = found
    modulus = np.where(shape.convex, shape.modulus, 0.0)
    if not (modulus > 0).any() or proof.degrees[chain.base] > 1 or not np.isfinite(modulus).all():
        return None
    return weighted(jacobian_of(proof.theta, chain.base), modulus[chain.row] * weight.reshape(-1))


def _separable_modulus(proof: Proof, good: list[Node], weights: dict[Node, Array]) -> tuple[float, list[str]]:
    """The modulus that squares of single parameters give, however many there are: a diagonal Hessian."""
    squares = [n for n in good if _is_square_of_parameters(n, proof.theta) and (weights[n] > 0).all()]
    if not squares:
        return 0.0, []
    slope = gradient(_weighted_sum(squares, weights), [proof.theta])[0]
    one = input_node(proof.theta.type)
    (product,) = pushforward([slope], [proof.theta], [one])
    arrays = [np.zeros(proof.theta.shape), np.ones(proof.theta.shape)]
    (diagonal,) = evaluate(Graph((proof.theta, one), (product,)), arrays)
    modulus = float(np.min(diagonal)) * (1 - 1e-12)
    return (modulus, ["squares of single parameters: a diagonal Hessian"]) if modulus > 0 else (0.0, [])


def _is_square_of_parameters(node: Node, theta: Node) -> bool:
    if node.primitive.name not in ("multiply", "dot") or node.operands[0] is not node.operands[1]:
        return False
    (x, _) = node.operands
    if node.primitive.name == "dot" and node.shape:
        return False
    while x.primitive.name in ("slice", "reshape", "transpose", "negative"):
        (x,) = x.operands
    return x is theta

"""A loss as a sum of weighted parts: what the rules cannot say of each part alone, they may say of the sum.

The linear operations at the end of the graph (sums, means, differences, constant factors) are one linear map of the
nonlinear values before them, the parts. Each part's weights are its adjoint. Quadratic parts share one Hessian;
parts that are functions of one affine number with f'' ≥ m give their share of it; all others must be convex by sign.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    transform,
    with_operands,
)
from ..ops.elementwise import add, multiply
from ..ops.reduction import sum_
from .chains import Chain, find_chain
from .facts import Facts
from .proof import Proof, shape_of
from .quadratic import LINEAR, MOST_ELEMENTS, MOST_PARAMETERS, Hessian, hessian_of, jacobians_of, weighted, zero_hessian

__all__ = ["Decision", "Sum", "affine_chain", "decide", "quadratic_hessian", "sum_of"]


@dataclass
class Decision:
    """Whether the loss is convex, by how much, why, and the parts that are neither."""

    is_convex: bool
    modulus: float = 0.0
    lines: list[str] = field(default_factory=list)
    unproven: list[Node] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Sum:
    """The loss as a sum: its parts, the weights of their elements, and those that are convex times their weights.

    hessians: of quadratic parts, together with their weights, as far as they are known.
    """

    parts: list[Node]
    weights: dict[Node, Array]
    good: set[Node]
    hessians: dict[tuple[Node, ...], Hessian] = field(default_factory=dict)

    @property
    def bad(self) -> list[Node]:
        return [node for node in self.parts if node not in self.good]

    def blamed(self, proof: Proof) -> list[Node]:
        """Parts of which nothing is known: neither convex nor quadratic."""
        return [node for node in self.bad if proof.degrees[node] > 2]


def sum_of(proof: Proof) -> Sum | None:
    """The loss as a sum of parts; None if some weight is not finite."""
    parts = _parts(proof)
    weights = _weights(proof, parts)
    if weights is None:
        return None
    return Sum(parts, weights, {n for n in parts if _has_sign(proof.facts[n], weights[n])})


def decide(proof: Proof, loss: Sum | None) -> Decision:
    """Convexity of the loss and a modulus of strong convexity."""
    facts = proof.facts[proof.loss]
    if not facts.is_defined_on_convex:
        blame = [n for n in proof.graph.nodes if not proof.facts[n].is_defined_on_convex][:1]
        return Decision(False, 0.0, ["the set of parameters where the loss is defined may not be convex"], blame)
    is_convex = bool(facts.convex.all())
    if loss is None:
        return Decision(is_convex)
    bad = loss.bad
    blame = loss.blamed(proof)
    if blame:
        return Decision(is_convex, 0.0, [], [] if is_convex else blame)
    if proof.theta.type.size > MOST_PARAMETERS:
        if not bad:
            return Decision(True, *_separable_modulus(proof, loss))
        if is_convex:
            return Decision(True)
        return Decision(False, 0.0, [f"more than {MOST_PARAMETERS} parameters: no Hessian is formed"], bad)
    found = _hessian(proof, loss)
    if found is None:
        return Decision(is_convex, 0.0, ["too many quadratic parts to add their Hessians"], [] if is_convex else bad)
    hessian, lines = found
    smallest, margin = hessian.smallest(), hessian.margin
    if is_convex or not bad:
        modulus = smallest - margin
        return Decision(True, modulus, lines) if modulus > 0 else Decision(True)
    lines.append(f"the smallest eigenvalue of this matrix is {smallest:.6g}, certain to ±{margin:.1g}")
    if smallest > margin:
        return Decision(True, smallest - margin, lines)
    return Decision(bool(smallest >= -margin), 0.0, lines, bad)


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
    return name in LINEAR or (name == "convert" and node.operands[0].dtype.kind == "f" == node.dtype.kind)


def _parts(proof: Proof) -> list[Node]:
    """The nonlinear values that the loss is a linear map of."""
    found: dict[Node, None] = {}
    stack, seen = [proof.loss], set[Node]()
    while stack:
        node = stack.pop()
        if node in seen or node in proof.constants or proof.degrees[node] <= 1:
            continue
        seen.add(node)
        if _is_link(proof, node) and node not in proof.chains:  # what was proven as a whole is not taken apart
            stack.extend(node.operands)
        elif not proof.facts[node].is_affine:
            found[node] = None
    return [node for node in proof.graph.nodes if node in found]


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


def quadratic_hessian(proof: Proof, loss: Sum) -> Hessian | None:
    """The Hessian of all quadratic parts together; None if there are so many that it would take too long."""
    total = zero_hessian(proof.theta.type.size)
    quadratic = _quadratic(proof, loss)
    others = [[node] for node in quadratic if node not in loss.good]  # their errors do not cancel
    if not proof.effort.affords(sum(proof.place[node] for (node,) in others[1:])):
        return None
    good = [node for node in quadratic if node in loss.good]
    for group in map(tuple, [good, *others] if good else others):
        if group not in loss.hessians:
            loss.hessians[group] = hessian_of(proof.theta, _weighted_sum([*group], loss.weights))
        total += loss.hessians[group]
    return total


def _quadratic(proof: Proof, loss: Sum) -> list[Node]:
    return [n for n in loss.parts if proof.degrees[n] == 2 and loss.weights[n].any()]


def _hessian(proof: Proof, loss: Sum) -> tuple[Hessian, list[str]] | None:
    """A constant matrix below the Hessian of the sum of the parts, everywhere; None if it would take too long to find."""
    total, lines = quadratic_hessian(proof, loss), dict[str, None]()
    if total is None:
        return None
    count = len(_quadratic(proof, loss))
    if count:
        lines[f"{count} quadratic part{'s' if count > 1 else ''}: a constant Hessian"] = None
    curved = [node for node in loss.parts if node in loss.good and proof.degrees[node] > 2]
    shares = [(node, share) for node in curved if (share := _share(proof, node, loss.weights[node])) is not None]
    for some in _few_at_a_time(shares, proof.theta.type.size):
        matrices = jacobians_of(proof.theta, [base for _, (base, _) in some])
        for (node, (_, modulus)), matrix in zip(some, matrices, strict=True):
            total += weighted(matrix, modulus)
            lines[f"{node.primitive.name}: a function of one affine number, curved everywhere"] = None
    return total, list(lines)


def _few_at_a_time(shares: list[_Named], size: int) -> Iterator[list[_Named]]:
    """Parts whose matrices fit in memory together."""
    some: list[_Named] = []
    count = 0
    for share in shares:
        own = share[0].type.size * size
        if some and count + own > MOST_ELEMENTS:
            yield some
            some, count = [], 0
        some.append(share)
        count += own
    if some:
        yield some


def affine_chain(proof: Proof, node: Node) -> Chain | None:
    """The chain from an affine value to a node, if there is one."""
    known = proof.chains.get(node)
    if known is not None and proof.degrees[known[0].base] <= 1:
        return known[0]
    chain = find_chain(node, proof.affine, proof.constants, proof.place)
    return chain if chain is not None and proof.degrees[chain.base] <= 1 else None


_Named = tuple[Node, tuple[Node, Array]]
"""A part f(A θ + b), the node A θ + b, and bounds of f'' from below, times the weights."""


def _share(proof: Proof, node: Node, weight: Array) -> tuple[Node, Array] | None:
    """A θ + b and w m, such that Aᵀ diag(w m) A lies below the Hessian of a part f(A θ + b) with f'' ≥ m."""
    if not (weight >= 0).all() or node.type.size * proof.theta.type.size > MOST_ELEMENTS:
        return None
    chain = affine_chain(proof, node)
    if chain is None:
        return None
    shape = shape_of(proof, chain)
    if shape is None:
        return None
    modulus = np.where(shape.convex, shape.modulus, 0.0)
    if not (modulus > 0).any() or not np.isfinite(modulus).all():
        return None
    return chain.base, modulus[chain.row] * weight.reshape(-1)


def _separable_modulus(proof: Proof, loss: Sum) -> tuple[float, list[str]]:
    """The modulus that squares of single parameters give, however many there are: a diagonal Hessian."""
    weights = loss.weights
    squares = [
        n for n in loss.parts if n in loss.good and _is_square_of_parameters(n, proof.theta) and (weights[n] > 0).all()
    ]
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

"""The proof: facts for every node, operands first, by the rules of each primitive; where they fall short, by bounds on
the second derivative of chains and by the eigenvalues of constant Hessians; at the end, part by part of the sum."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np

from ..autodiff import gradient
from ..graph import Array, Graph, Node, evaluate_nodes, make
from ..ops.structure import reshape
from .chains import Chain, Shape1D, analyse, find_chain, is_link
from .curvature_rules import facts_of
from .dominators import Dominators
from .effort import Effort
from .facts import Facts, compose, from_arrays, known, like
from .intervals import Interval
from .quadratic import MOST_PARAMETERS, degrees, hessian_of
from .shared import shared, shared_facts

__all__ = ["Proof", "prove_nodes", "shape_of"]

_MOST_LINKS, _MOST_TRIES = 200, 10
_LARGEST_ELEMENTWISE = 1 << 21

_EFFORT, _EFFORT_PER_NODE = 1 << 15, 2
"""Nodes that may be looked at in attempts that are stronger than the rules: many times what ordinary losses need."""


@dataclass(eq=False)
class Proof:
    """What is proven of every node. reasons: why. chains: for elementwise nodes decided by their second derivative.

    affine: the nodes that are. curved: those that are not, but convex or concave in each element. place: of each node in the order of
    evaluation. shapes: of functions of one number, by their forms and ranges: loops apply the same one at each step. effort: what is left
    for attempts beyond the rules.
    """

    graph: Graph
    constants: dict[Node, Array]
    degrees: dict[Node, int]
    facts: dict[Node, Facts] = field(default_factory=dict)
    reasons: dict[Node, str] = field(default_factory=dict)
    chains: dict[Node, tuple[Chain, Shape1D]] = field(default_factory=dict)
    affine: set[Node] = field(default_factory=set)
    curved: set[Node] = field(default_factory=set)
    place: dict[Node, int] = field(default_factory=dict)
    shapes: dict[Hashable, Shape1D | None] = field(default_factory=dict)
    effort: Effort = field(default_factory=lambda: Effort(_EFFORT))

    @property
    def theta(self) -> Node:
        return self.graph.inputs[0]

    @property
    def loss(self) -> Node:
        return self.graph.outputs[0]


def prove_nodes(graph: Graph, within: Interval, largest: int = _LARGEST_ELEMENTWISE) -> Proof:
    """Facts for every node. within: bounds of θ. largest: of values with more elements, only what holds for all of them is kept."""
    proof = Proof(graph, _constants(graph), {})
    proof.degrees.update(degrees(graph.nodes, proof.constants))
    proof.place.update((node, number) for number, node in enumerate(graph.nodes))
    proof.effort.left += _EFFORT_PER_NODE * len(graph.nodes)
    dominators = Dominators()
    for node in graph.nodes:
        if node in proof.constants:
            value = _numbers(proof.constants[node])
            proof.facts[node], proof.reasons[node] = known(value, value.size > largest), "a constant"
            continue
        if is_link(node):
            dominators.add(node, [operand for operand in node.operands if operand not in proof.constants])
        else:
            dominators.add_base(node)
        if node.is_input:
            proof.facts[node], proof.reasons[node] = like(within, True, True, ()), "the parameters"
        else:
            operands = [proof.facts[operand] for operand in node.operands]
            is_large = max(x.lower.size for x in operands) > largest
            found = (shared_facts(node, operands) if is_large else None) or facts_of(node, operands)
            facts, proof.reasons[node] = found
            proof.facts[node] = shared(facts) if facts.lower.size > largest else facts
            if node.dtype.kind == "f" and not bool((facts.convex | facts.concave).all()):
                _improve(proof, node, dominators)
        facts = proof.facts[node]
        if facts.is_affine:
            proof.affine.add(node)
        elif bool((facts.convex | facts.concave).all()):
            proof.curved.add(node)
    return proof


def _constants(graph: Graph) -> dict[Node, Array]:
    """The value of every node that does not depend on θ."""
    depends = {graph.inputs[0]}
    for node in graph.nodes:
        if any(operand in depends for operand in node.operands):
            depends.add(node)
    fixed = tuple(node for node in graph.nodes if node not in depends)
    return evaluate_nodes(Graph((), fixed), ())


def _numbers(value: Array) -> Array:
    return np.asarray(value, np.float64)


def _improve(proof: Proof, node: Node, dominators: Dominators) -> None:
    """Tries what is stronger than the rules."""
    if is_link(node):
        for base in _bases(proof, node, dominators):
            chain = find_chain(node, (base,), proof.constants, proof.place) if proof.effort.affords(1) else None
            if chain is not None and try_chain(proof, node, chain):
                return
    if node.type.size == 1 and proof.degrees[node] == 2 and proof.theta.type.size <= MOST_PARAMETERS:
        _try_quadratic(proof, node)


def _bases(proof: Proof, node: Node, dominators: Dominators) -> list[Node]:
    """Where a chain may begin: at affine values near the node, as far down as it goes, or at other values of known curvature."""
    found = list(islice(dominators.of(node), _MOST_LINKS + 1))
    near = [n for n in found if n in proof.affine and not n.is_input][:_MOST_TRIES]
    first = [n for n in found[-1:] if not is_link(n)]
    curved = [n for n in found if n in proof.curved][:_MOST_TRIES]
    return list(dict.fromkeys([*near, *first, *curved]))


def shape_of(proof: Proof, chain: Chain) -> Shape1D | None:
    """The chain's shape on the range of its base; None if it could not be found."""
    bounds, form = proof.facts[chain.base].bounds, chain.form
    if form is None:
        return analyse(chain, bounds, proof.effort)
    key = form, float(np.min(bounds.lower)), float(np.max(bounds.upper))
    if key not in proof.shapes:
        proof.shapes[key] = analyse(chain, bounds, proof.effort)
    return proof.shapes[key]


def try_chain(proof: Proof, node: Node, chain: Chain) -> bool:
    """Facts of an elementwise node from the second derivative along its base; whether all elements were decided."""
    base = proof.facts[chain.base]
    compares = any(link.dtype.kind == "b" for link in chain.nodes)  # a comparison with NaN is false, not NaN
    if not (base.is_defined_everywhere if compares else base.is_defined_on_convex):
        return False
    shape = shape_of(proof, chain)
    if shape is None or not (shape.convex.any() or shape.concave.any()):
        return False

    def spread(rows: Array) -> Array:
        return rows[chain.row].reshape(node.shape)

    monotone = [(spread(shape.rising), spread(shape.falling))]
    convex, concave = compose(spread(shape.convex), spread(shape.concave), monotone, [base])
    old = proof.facts[node]
    is_proven = bool((convex | concave).all())
    is_defined = shape.is_total or base.is_affine
    bounds = Interval(
        np.maximum(old.lower, spread(shape.bounds.lower)), np.minimum(old.upper, spread(shape.bounds.upper))
    )
    bounds = Interval(bounds.lower, np.maximum(bounds.upper, bounds.lower))
    degrees = old.convex_degree, old.concave_degree
    new = like(bounds, convex | old.convex, concave | old.concave, [base], *degrees, is_defined)
    if not shape.is_total:
        new = replace(new, is_defined_everywhere=False)
    if not is_proven:
        new = from_arrays(new.arrays, [old])
    proof.facts[node] = new
    if is_proven:
        proof.chains[node] = (chain, shape)
        sign = "≥ 0" if bool(convex.all()) else "≤ 0" if bool(concave.all()) else "of one sign for each element"
        proof.reasons[node] = f"a function of one number with second derivative {sign}, by interval arithmetic"
    return is_proven


def _try_quadratic(proof: Proof, node: Node) -> None:
    """A quadratic form, by the eigenvalues of its Hessian."""
    old = proof.facts[node]
    if bool((old.convex | old.concave).all()) or not old.is_defined_on_convex:
        return
    if not proof.effort.affords(proof.place[node]):
        return
    hessian = hessian_of(proof.theta, _scalar(node))
    if not np.isfinite(hessian.matrix).all():
        return
    values = np.linalg.eigvalsh(hessian.matrix)
    convex, concave = bool(values[0] >= -hessian.margin), bool(values[-1] <= hessian.margin)
    if not (convex or concave):
        return
    bounds, degree = old.bounds, np.nan
    if convex and _is_even_form(proof, node):
        lower = np.full(node.shape, _value_at_zero(proof, node))
        if (lower >= 0).all():
            bounds, degree = Interval(lower, np.full(node.shape, np.inf)), 2.0
    proof.facts[node] = like(bounds, convex, concave, [old], degree)
    end = values[0] if convex else values[-1]
    kind = "smallest" if convex else "largest"
    proof.reasons[node] = f"quadratic in the parameters; the {kind} eigenvalue of its Hessian is {end:.4g}"


def _value_at_zero(proof: Proof, node: Node) -> float:
    return float(evaluate_nodes(Graph((proof.theta,), (node,)), [np.zeros(proof.theta.shape)])[node].reshape(()))


def _is_even_form(proof: Proof, node: Node) -> bool:
    """Whether a quadratic has no linear part, so that it is smallest at θ = 0."""
    slope = gradient(_scalar(node), [proof.theta])[0]
    values = evaluate_nodes(Graph((proof.theta,), (slope,)), [np.zeros(proof.theta.shape)])
    return not values[slope].any()


def _scalar(node: Node) -> Node:
    return node if not node.shape else make(reshape, node, shape=())

"""The matrix A of an affine value A θ + b, some rows at a time: of many examples it is never formed as a whole."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..graph import Array, Node
from .effort import Effort
from .proof import Proof
from .quadratic import MOST_ELEMENTS, jacobian_of

__all__ = ["Jacobian"]

_MOST_NODES = 200
"""Of more nodes a vector is not taken apart: where values meet again and again, each is met over many paths."""


@dataclass(frozen=True, eq=False)
class _Term:
    """Rows of numbers (N, p), times a factor for each row, in the columns from `first` on."""

    numbers: Array
    factors: tuple[Array, ...]
    first: int


@dataclass(frozen=True, eq=False)
class Jacobian:
    """A (N, P), a sum of terms."""

    terms: tuple[_Term, ...]
    count: int
    size: int

    @classmethod
    def of(cls, proof: Proof, node: Node) -> Jacobian | None:
        """That of an affine node, whose elements are numbered; None if it would be too large."""
        count, size = node.type.size, proof.theta.type.size
        terms = _terms(proof, node, (), Effort(_MOST_NODES)) if len(node.shape) == 1 else None
        if terms is None:
            if count * size > MOST_ELEMENTS:
                return None
            terms = [_Term(jacobian_of(proof.theta, node), (), 0)]
        return cls(tuple(terms), count, size)

    def rows(self, places: slice) -> Array:
        """These rows, as an array of their own."""
        found = np.zeros((len(range(*places.indices(self.count))), self.size))
        for term in self.terms:
            part = term.numbers[places]
            for factor in term.factors:
                part = part * factor[places, None]
            found[:, term.first : term.first + part.shape[1]] += part
        return found


def _terms(proof: Proof, node: Node, factors: tuple[Array, ...], effort: Effort) -> list[_Term] | None:
    """The terms of a vector, times factors; None if it is not made of a few products of matrices and parameters alone."""
    if node in proof.constants:
        return []
    if not effort.affords(1):
        return None
    name, operands = node.primitive.name, node.operands
    if name in ("add", "subtract"):
        sign = np.broadcast_to(-1.0, node.shape)
        parts = [
            _terms(proof, operands[0], factors, effort),
            _terms(proof, operands[1], factors if name == "add" else (*factors, sign), effort),
        ]
        return None if parts[0] is None or parts[1] is None else parts[0] + parts[1]
    if name == "negative":
        return _terms(proof, operands[0], (*factors, np.broadcast_to(-1.0, node.shape)), effort)
    if name == "multiply":
        for x, other in (operands, operands[::-1]):
            if x in proof.constants:
                return _terms(proof, other, (*factors, proof.constants[x]), effort)
    if name == "divide" and operands[1] in proof.constants:
        return _terms(proof, operands[0], (*factors, 1 / proof.constants[operands[1]]), effort)
    if name == "dot" and operands[0] in proof.constants and len(operands[0].shape) == 2:
        place = _place(proof, operands[1])
        is_product = node.attributes["contract"] == ((1,), (0,)) and len(operands[1].shape) == 1
        return [_Term(proof.constants[operands[0]], factors, place)] if place is not None and is_product else None
    if name == "broadcast" and operands[0].type.size == 1:
        place = _place(proof, operands[0])
        return None if place is None else [_Term(np.broadcast_to(1.0, (*node.shape, 1)), factors, place)]
    return None


def _place(proof: Proof, node: Node) -> int | None:
    """Where in θ the elements of a node begin, if they are neighbours there."""
    shape, chain = node.type.size, []
    while node is not proof.theta:
        if node.primitive.name not in ("slice", "reshape"):
            return None
        chain.append(node)
        (node,) = node.operands
    places = np.arange(math.prod(node.shape))
    for link in reversed(chain):
        places = np.asarray(link.primitive.evaluate(places, **link.attributes))
    flat = places.reshape(-1)
    return int(flat[0]) if shape and (np.diff(flat) == 1).all() else None

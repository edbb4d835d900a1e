"""Parts of a loss whose Hessian is constant: found by degree, decided by eigenvalues.

An eigenvalue is trusted to within the rounding of the Hessian and of its decomposition: a Hessian whose smallest
eigenvalue is below 0 by no more than that counts as positive semi-definite (Xᵀ X of dependent columns is, in exact
numbers), and a modulus is lowered by it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..autodiff import batched, gradient, pushforward
from ..autodiff.reverse import active_nodes
from ..graph import Array, ArrayType, Graph, Node, evaluate, input_node, topological_order
from ..rewrite import simplify

__all__ = [
    "LINEAR",
    "MOST_ELEMENTS",
    "MOST_PARAMETERS",
    "Hessian",
    "degrees",
    "hessian_of",
    "jacobian_of",
    "jacobians_of",
    "weighted",
    "zero_hessian",
]

MOST_PARAMETERS = 1000
"""Beyond this many parameters no Hessian is formed."""

MOST_ELEMENTS = 1 << 24
"""Of a matrix that has to be formed, and of all batched values of one node; beyond, columns are computed in several goes."""

LINEAR = frozenset(
    {"sum", "broadcast", "reshape", "transpose", "slice", "place", "cumulative_sum", "add", "subtract", "negative"}
)
"""Primitives that are linear in all of their operands."""
_LINEAR_IN_FIRST = {"take", "scatter_add", "detach"}


def degrees(nodes: Sequence[Node], constants: dict[Node, Array]) -> dict[Node, int]:
    """The degree of each node as a polynomial of θ: 0, 1, 2, or 3 for anything else."""
    found: dict[Node, int] = {}
    for node in nodes:
        name = node.primitive.name
        of = [found[x] for x in node.operands]
        if node in constants:
            degree = 0
        elif node.is_input or (name == "convert" and node.dtype.kind == "f" and node.operands[0].dtype.kind == "f"):
            degree = 1 if node.is_input else of[0]
        elif name in LINEAR:
            degree = max(of)
        elif name in ("multiply", "dot"):
            degree = sum(of)
        elif (name in _LINEAR_IN_FIRST or name == "divide") and of[1:] in ([], [0]):
            degree = of[0]
        elif name == "solve" and of[0] == 0:
            degree = of[1]
        elif name == "where" and of[0] == 0:
            degree = max(of[1:])
        else:
            degree = 3
        found[node] = min(degree, 3)
    return found


@dataclass(frozen=True, eq=False)
class Hessian:
    """A symmetric matrix and a bound on the size (the spectral norm) of the error in it."""

    matrix: Array
    error: float

    def __add__(self, other: Hessian) -> Hessian:
        return Hessian(self.matrix + other.matrix, self.error + other.error)

    def smallest(self) -> float:
        """The smallest eigenvalue, as computed."""
        return float(np.linalg.eigvalsh(self.matrix)[0])

    @property
    def margin(self) -> float:
        """What the smallest eigenvalue may be wrong by. eigvalsh is backward stable: Golub and Van Loan, §8.3."""
        size = float(np.linalg.norm(self.matrix))
        return self.error + 16 * len(self.matrix) * 2.0**-53 * size


def _columns(outputs: Sequence[Node], theta: Node) -> list[Array]:
    """The linear parts of affine nodes: (P, *its shape) each. The offsets are never computed, so they cannot drown the rest."""
    size = theta.type.size
    tangent = input_node(theta.type)
    linear = simplify(Graph((theta, tangent), pushforward(outputs, [theta], [tangent])))
    active = active_nodes(linear.nodes, [tangent])
    largest = max((node.type.size for node in active), default=1)
    step = max(1, min(size, MOST_ELEMENTS // max(1, largest)))
    parts: list[tuple[Array, ...]] = []
    for start in range(0, size, step):
        unit = np.eye(size)[start : start + step]
        batch = input_node(ArrayType(unit.shape, theta.dtype))
        graph = Graph((theta, batch), batched(linear.outputs, [tangent], [batch], len(unit)))
        parts.append(evaluate(graph, [np.zeros(theta.shape), unit]))
    return [np.concatenate(columns) for columns in zip(*parts, strict=True)]


def _terms(output: Node) -> int:
    """The length of all sums that enter a node, together."""
    count = 0
    for node in topological_order([output]):
        if node.operands:
            count += max(1, node.operands[0].type.size // max(1, node.type.size)) if node.primitive.name == "sum" else 1
            if node.primitive.name == "dot":
                count += math.prod(node.operands[0].shape[axis] for axis in node.attributes["contract"][0])
    return count


def hessian_of(theta: Node, value: Node) -> Hessian:
    """The Hessian of a scalar node of degree 2."""
    (slope,) = simplify(Graph((theta,), gradient(value, [theta]))).outputs
    (matrix,) = _columns([slope], theta)
    matrix = (matrix + matrix.T) / 2
    size = float(np.abs(np.diag(matrix)).sum() + np.linalg.norm(matrix))
    return Hessian(matrix, 2.0**-51 * _terms(slope) * size)


def jacobian_of(theta: Node, value: Node) -> Array:
    """The matrix A of an affine node A θ + b: (elements, P)."""
    return jacobians_of(theta, [value])[0]


def jacobians_of(theta: Node, values: Sequence[Node]) -> list[Array]:
    """The same of several nodes. What they share is looked at once."""
    return [found.reshape(theta.type.size, -1).T for found in _columns(values, theta)] if values else []


def weighted(matrix: Array, weights: Array) -> Hessian:
    """Aᵀ diag(w) A for weights that are not negative."""
    product = (matrix * weights[:, None]).T @ matrix
    return Hessian(product, 4 * 2.0**-53 * (len(matrix) + matrix.shape[1]) * float(np.abs(np.diag(product)).sum()))


def zero_hessian(size: int) -> Hessian:
    return Hessian(np.zeros((size, size)), 0.0)

"""The curvature of a loss: eigenvalues of its Hessian, with bounds of their errors, and how they are spread.

For few parameters the Hessian is formed. For many, Lanczos' method sees it only through products with vectors, which are
compiled and run over tiles; each costs about two gradients.

Source: G. Golub and C. Van Loan, *Matrix Computations*, 4th ed. (2013), chapter 10; for the spread: L. Lin, Y. Saad and C. Yang,
*Approximating spectral densities of large matrices*, SIAM Review 58 (2016), stochastic Lanczos quadrature.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..autodiff import batched, gradient, pushforward
from ..compile.function import compiled, threads_for
from ..descent.data import data_of
from ..descent.norms import norm
from ..descent.problem import Problem, problem_of
from ..errors import ArgumentError
from ..graph import Array, ArrayType, Graph, constant, input_node
from ..rewrite import simplify
from .differences import Differences, is_long

__all__ = ["Spectrum", "curvature", "hessian_product", "krylov_of", "prepare_spectrum", "product_graph", "spectrum_of"]


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvalues of the Hessian ∇²f (P, P) at a point.

    smallest, largest: with bounds of their errors, and the directions (P,), of length 1, that belong to them.
    is_exact: whether the whole Hessian was formed; else the values come from `products` Hessian-vector products, there is an
    eigenvalue within the error of each, and further ones outside of them are improbable but not excluded.
    values, weights: where the eigenvalues lie, and which share of them; the weights add up to 1. vectors: (P, P), one column for
    each of the values, if the spectrum is exact.
    """

    smallest: float
    smallest_error: float
    smallest_direction: Array
    largest: float
    largest_error: float
    largest_direction: Array
    is_exact: bool
    products: int
    values: Array
    weights: Array
    vectors: Array | None = None

    @property
    def size(self) -> float:
        """The spectral norm: the largest |eigenvalue|."""
        return max(abs(self.smallest), abs(self.largest))

    @property
    def condition_number(self) -> float:
        """Largest by smallest eigenvalue; infinite where the smallest is not above 0 beyond its error."""
        return self.largest / self.smallest if self.smallest > self.smallest_error else float("inf")

    @property
    def negative_share(self) -> float:
        """The share of directions along which the loss curves downwards, beyond the error."""
        return float(np.sum(self.weights[self.values < -self.smallest_error]))

    def __str__(self) -> str:
        how = "of the whole Hessian" if self.is_exact else f"from {self.products} Hessian-vector products"
        return (
            f"eigenvalues {how}: from {self.smallest:.4g} ± {self.smallest_error:.1g} to {self.largest:.4g} ± "
            f"{self.largest_error:.1g}; {self.negative_share:.0%} negative"
        )


def curvature(loss: Callable[..., Any], parameters: Any, *, data: Any = None) -> Spectrum:
    """The eigenvalues of a loss's Hessian at given parameters, over all data.

    loss, parameters, data: as for `minimize`. Up to 300 parameters the Hessian is formed, beyond that only its products with vectors.

    >>> found = curvature(lambda x: x[0] ** 2 - 3 * x[1] ** 2, np.zeros(2))
    >>> round(found.smallest, 9), round(found.largest, 9), found.negative_share
    (-6.0, 2.0, 0.5)
    """
    given = data_of(data)
    problem = problem_of(loss, parameters, given, given.examples)
    if not problem.is_traced:
        raise ArgumentError("curvature needs a loss that can be traced")
    return spectrum_of(problem, problem.layout.vector(parameters), given.arrays)


_EXACT_PARAMETERS = 300
_EXACT_WORK = 4e9


_MANY_PARAMETERS = 20_000
_SHARPEST, _SHARP_WORK = 300, 4e8


def _rounds(size: int) -> tuple[int, int, int]:
    """Rounds of Lanczos for a probe, probes, and rounds that begin with the gradient. A round costs about two gradients."""
    return (24, 2, 24) if size <= _MANY_PARAMETERS else (9, 1, 6)


def _is_formed(size: int, examples: int) -> bool:
    """Whether the whole Hessian is formed."""
    return size <= _EXACT_PARAMETERS and (size <= 32 or float(size) ** 2 * examples <= _EXACT_WORK)


def prepare_spectrum(problem: Problem, vector: Array, arrays: Sequence[Array]) -> None:
    """Begins to compile what `spectrum_of` will need."""
    if _is_formed(vector.size, arrays[0].shape[0] if arrays else 1) and not is_long(problem.graph):
        _hessian(problem, vector, arrays)


def spectrum_of(
    problem: Problem,
    vector: Array,
    arrays: Sequence[Array],
    is_sharp: bool = False,
    differences: Differences | None = None,
) -> Spectrum:
    """The spectrum at a point, over given examples. is_sharp: takes many more products, as far as they are cheap. differences: of
    gradients, from which to take products at this point, if they are accurate enough.

    The probes of Lanczos' method are drawn from the point itself, so that no one direction is overlooked at every point.
    """
    size = vector.size
    examples = arrays[0].shape[0] if arrays else 1
    if _is_formed(size, examples):
        if differences is not None:
            matrix, error = differences.columns()
            rough = _of_matrix(matrix, error, float(np.finfo(vector.dtype).eps))
            if error + norm(matrix - matrix.T) <= _ACCURATE * rough.size:
                return rough
        return _exact(problem, vector, arrays)
    product = hessian_product(problem, vector, arrays) if differences is None else differences.product
    rounds, probes, _ = _rounds(size)
    if is_sharp:
        rounds, probes = int(np.clip(_SHARP_WORK / (size * max(examples, _SHARPEST)), rounds, _SHARPEST)), 1
    digest = hashlib.sha256(np.ascontiguousarray(vector).tobytes()).digest()
    generator = np.random.default_rng(list(digest))
    found = [_lanczos(product, generator.standard_normal(size), rounds) for _ in range(probes)]
    precision = float(np.finfo(vector.dtype).eps)
    error = 0.0 if differences is None else differences.error
    spectrum = _joined(found, precision, sum(len(pairs.values) for pairs in found), error)
    if differences is not None and not error <= _ACCURATE * spectrum.size:
        return spectrum_of(problem, vector, arrays, is_sharp)
    return spectrum


_ACCURATE = 1e-7
"""An error of differences that is a larger share of the largest eigenvalue is too large."""


def krylov_of(
    problem: Problem,
    vector: Array,
    arrays: Sequence[Array],
    direction: Array,
    differences: Differences | None = None,
) -> tuple[Array, Array]:
    """Approximate eigenvalues, and their vectors as columns, in the space that grows from a direction (P,). differences: as above."""
    if not np.any(direction):
        return np.zeros(1), np.zeros((vector.size, 1))
    product = hessian_product(problem, vector, arrays) if differences is None else differences.product
    found = _lanczos(product, direction, _rounds(vector.size)[2])
    if differences is not None and not differences.error <= _ACCURATE * float(np.max(np.abs(found.values))):
        return krylov_of(problem, vector, arrays, direction)
    return found.values, found.vectors.T


def product_graph(loss: Graph) -> Graph:
    """From (θ, *data) → loss to (θ, *data, v) → ∇²f · v."""
    (of_loss,) = simplify(Graph(loss.inputs, gradient(loss.outputs[0], loss.inputs[:1]))).outputs
    tangent = input_node(loss.inputs[0].type, "tangent")
    return Graph((*loss.inputs, tangent), pushforward([of_loss], loss.inputs[:1], [tangent]))


def hessian_product(problem: Problem, vector: Array, arrays: Sequence[Array]) -> Callable[[Array], Array]:
    """v (P,) → ∇²f · v (P,), in float64."""

    def make() -> Callable[..., tuple[Array, ...]]:
        return compiled(product_graph(problem.graph), range(1, len(problem.graph.inputs)), threads_for(arrays))

    function = problem.known.get("hessian product", make)

    def product(direction: Array) -> Array:
        (found,) = function(vector, *arrays, direction.astype(vector.dtype))
        return found.astype(np.float64)

    return product


def _hessian(problem: Problem, vector: Array, arrays: Sequence[Array]) -> Callable[..., tuple[Array, ...]]:
    """(θ, *data) → ∇²f (P, P)."""
    size = vector.size

    def make() -> Callable[..., tuple[Array, ...]]:
        inputs = problem.graph.inputs
        (of_loss,) = simplify(Graph(inputs, gradient(problem.graph.outputs[0], inputs[:1]))).outputs
        tangent = input_node(ArrayType((size,), vector.dtype), "tangent")
        (column,) = pushforward([of_loss], inputs[:1], [tangent])
        units = constant(np.eye(size, dtype=vector.dtype))
        graph = Graph(inputs, batched([column], [tangent], [units], size))
        return compiled(graph, range(1, len(inputs)), threads_for(arrays), runs_seldom=True)

    return problem.known.get("hessian", make)


def _exact(problem: Problem, vector: Array, arrays: Sequence[Array]) -> Spectrum:
    if is_long(problem.graph):  # then the program for one product is a good deal shorter
        product = hessian_product(problem, vector, arrays)
        columns = [product(unit) for unit in np.eye(vector.size)]
        return _of_matrix(np.stack(columns, axis=1), 0.0, float(np.finfo(vector.dtype).eps))
    (found,) = _hessian(problem, vector, arrays)(vector, *arrays)
    return _of_matrix(found.astype(np.float64), 0.0, float(np.finfo(vector.dtype).eps))


def _of_matrix(wide: Array, error: float, precision: float) -> Spectrum:
    """The spectrum of a Hessian (P, P). error: of its elements together, beside that of rounding with a precision: that of the
    parameters, whose last digits change the Hessian, too.
    """
    size = len(wide)
    if not np.isfinite(wide).all():
        return _unknown(size)
    symmetric = (wide + wide.T) / 2
    values, vectors = np.linalg.eigh(symmetric)
    asymmetry = norm(wide - wide.T)
    error += asymmetry + 8 * size * precision * float(np.max(np.abs(values), initial=0.0))
    return Spectrum(
        float(values[0]),
        error,
        vectors[:, 0],
        float(values[-1]),
        error,
        vectors[:, -1],
        True,
        size,
        values,
        np.full(size, 1 / size),
        vectors,
    )


def _unknown(size: int) -> Spectrum:
    nan, direction = float("nan"), np.zeros(size)
    return Spectrum(nan, nan, direction, nan, nan, direction, False, 0, np.zeros(0), np.zeros(0))


@dataclass(frozen=True, eq=False)
class _Ritz:
    """Approximate eigenvalues, bounds of their errors, their vectors, and their weights in the probe."""

    values: Array
    errors: Array
    vectors: Array
    weights: Array


def _lanczos(product: Callable[[Array], Array], probe: Array, rounds: int) -> _Ritz:
    """Lanczos with full reorthogonalisation."""
    from scipy.linalg import eigh_tridiagonal

    size = len(probe)
    rounds = min(rounds, size)
    basis = np.zeros((rounds, size))
    alpha, beta = np.zeros(rounds), np.zeros(rounds)
    basis[0] = probe / np.linalg.norm(probe)
    count = rounds
    for j in range(rounds):
        image = product(basis[j])
        if not np.isfinite(image).all():
            return _Ritz(np.full(1, np.nan), np.full(1, np.nan), np.zeros((1, size)), np.ones(1))
        alpha[j] = basis[j] @ image
        for _ in range(2):  # once is not enough where eigenvalues have converged
            image -= basis[: j + 1].T @ (basis[: j + 1] @ image)
        beta[j] = np.linalg.norm(image)
        if j + 1 == rounds:
            break
        if beta[j] <= 1e-13 * max(1e-300, float(np.max(np.abs(alpha[: j + 1])))):
            count = j + 1  # the probe lies in a space that the Hessian keeps
            break
        basis[j + 1] = image / beta[j]
    values, inner = eigh_tridiagonal(alpha[:count], beta[: count - 1])
    errors = np.abs(beta[count - 1] * inner[-1])
    return _Ritz(values, errors, inner.T @ basis[:count], inner[0] ** 2)


def _joined(found: Sequence[_Ritz], precision: float, products: int, error: float) -> Spectrum:
    """The extremes over all probes. error: of each product, beside that of rounding."""
    values = np.concatenate([pairs.values for pairs in found])
    if not np.isfinite(values).all():
        return _unknown(found[0].vectors.shape[1])
    errors = np.concatenate([pairs.errors for pairs in found])
    vectors = np.concatenate([pairs.vectors for pairs in found])
    weights = np.concatenate([pairs.weights for pairs in found]) / len(found)
    rounding = 64 * precision * float(np.max(np.abs(values))) + error
    low, high = int(np.argmin(values)), int(np.argmax(values))
    order = np.argsort(values)
    return Spectrum(
        float(values[low]),
        float(errors[low]) + rounding,
        vectors[low],
        float(values[high]),
        float(errors[high]) + rounding,
        vectors[high],
        False,
        products,
        values[order],
        weights[order],
    )

"""What a `dot` node multiplies: its axes, merged and sorted by their part in C[m, n] = Σ_k A[m, k] · B[k, n], with their strides."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...graph import Node
from ...ops.contraction import free_axes
from .views import View

__all__ = ["Axis", "Product", "needs_copy", "packed_size", "product_of", "runs_along_k"]


@dataclass(frozen=True)
class Axis:
    """One axis of a product: its length, and the strides with which A, B and C walk it."""

    extent: int
    a: int
    b: int
    c: int


@dataclass(frozen=True)
class Product:
    """C[m, n] = Σ_k A[m, k] B[k, n], repeated along the outer axes."""

    m: Axis
    n: Axis
    k: Axis
    outer: tuple[Axis, ...]

    def swapped(self) -> Product:
        """The same with A and B exchanged: Cᵀ = Bᵀ Aᵀ."""

        def swap(axis: Axis) -> Axis:
            return replace(axis, a=axis.b, b=axis.a)

        return Product(swap(self.n), swap(self.m), swap(self.k), tuple(swap(x) for x in self.outer))


def _merged(axes: list[Axis]) -> list[Axis]:
    """Neighbouring axes that A, B and C all walk as one are made one; axes of length one vanish."""
    result: list[Axis] = []
    for axis in axes:
        if axis.extent == 1:
            continue
        last = result[-1] if result else None
        if last and (last.a, last.b, last.c) == tuple(axis.extent * s for s in (axis.a, axis.b, axis.c)):
            result[-1] = replace(axis, extent=last.extent * axis.extent)
        else:
            result.append(axis)
    return result


_NONE = Axis(1, 0, 0, 0)


def product_of(node: Node, a: View, b: View, c: View) -> tuple[Product, bool]:
    """The axes of a `dot` node, sorted by their part in the product; and whether A and B were exchanged."""
    contract, batch = node.attributes["contract"], node.attributes["batch"]
    free_a = free_axes(len(a.shape), contract[0], batch[0])
    free_b = free_axes(len(b.shape), contract[1], batch[1])
    shared = len(batch[0])
    of_batch = [
        Axis(a.shape[i], a.strides[i], b.strides[j], c.strides[position])
        for position, (i, j) in enumerate(zip(*batch, strict=True))
    ]
    of_m = [Axis(a.shape[i], a.strides[i], 0, c.strides[shared + p]) for p, i in enumerate(free_a)]
    offset = shared + len(free_a)
    of_n = [Axis(b.shape[j], 0, b.strides[j], c.strides[offset + p]) for p, j in enumerate(free_b)]
    of_k = [Axis(a.shape[i], a.strides[i], b.strides[j], 0) for i, j in zip(*contract, strict=True)]
    m, n, k = _merged(of_m), _merged(of_n), _merged(of_k)
    chosen = [max(axes, key=lambda axis: axis.extent, default=_NONE) for axes in (m, n, k)]
    # The sums run innermost, so that what is left of k comes last among the outer axes.
    outer = [*_merged(of_batch), *(x for x in m if x is not chosen[0]), *(x for x in n if x is not chosen[1])]
    outer += [x for x in k if x is not chosen[2]]
    product = Product(chosen[0], chosen[1], chosen[2], tuple(outer))
    return (product.swapped(), True) if _is_better_swapped(product) else (product, False)


def _is_better_swapped(product: Product) -> bool:
    """Vectors lie along n: whether the strides suit that better if A and B are exchanged."""
    m, n = product.m, product.n

    def contiguous(axis: Axis, stride: int) -> bool:
        return axis.extent > 1 and stride == 1 and axis.c == 1

    if contiguous(n, n.b):
        return False
    if contiguous(m, m.a) or (n.extent == 1 and m.extent > 1 and m.a == 1):
        return True
    return n.extent > 1 and m.extent > 1 and m.c == 1 and n.c != 1


_LONG = 64
_FEW = 48


def runs_along_k(product: Product) -> bool:
    """Whether A and B are both contiguous along k, B is not so along n, and copying it would not pay for so few rows."""
    m, n, k = product.m, product.n, product.k
    is_contiguous = k.a == k.b == 1 and n.b != 1
    return is_contiguous and k.extent >= _LONG and m.extent <= _FEW and n.extent > 1


def needs_copy(product: Product) -> bool:
    """Whether B has to be copied, since it is not contiguous along n."""
    is_strided = product.n.extent > 1 and product.n.b != 1 and product.m.extent > 1
    return is_strided and not runs_along_k(product)


def packed_size(product: Product) -> int:
    """How many elements have to be set aside for a contiguous copy of B; 0 if it is read in place."""
    return product.n.extent * product.k.extent if needs_copy(product) else 0

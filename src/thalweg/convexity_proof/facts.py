"""What is known of a value as a function of the parameters θ, element by element.

Beside convex and concave, two degrees are kept of values that are never negative. A value has the *convex degree* k if
its k-th root is convex, the *concave degree* k if its k-th root is concave; degree ∞ stands for its logarithm. They make
one calculus of what are separate atoms elsewhere: degrees add in a product of concave values (geometric means), a sum has
the least convex degree (norms, log-sum-exp), and a convex value of degree a over a concave one of degree b has the convex
degree a - b (x²/y, reciprocals, log-likelihoods).

Sources: S. Boyd and L. Vandenberghe, *Convex Optimization* (2004), chapter 3; M. Grant, S. Boyd, Y. Ye, *Disciplined
convex programming* (2006).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..graph import Array
from .intervals import Interval

__all__ = [
    "Facts",
    "allows_concave",
    "allows_convex",
    "compose",
    "from_arrays",
    "is_repeated",
    "known",
    "like",
    "nothing",
    "restrict",
    "settle",
]


@dataclass(frozen=True, eq=False)
class Facts:
    """Proven of a value on the set of θ where it is defined, elementwise.

    bounds: of the value. convex, concave: both for affine values. convex_degree, concave_degree: see above; NaN where
    none is known. is_defined_on_convex: the set of θ where all elements are defined (not NaN) is convex.
    is_defined_everywhere: it is the whole space (or the whole of the given bounds). is_known: the value is a finite constant; what
    is computed from it may be one as well.
    """

    bounds: Interval
    convex: Array
    concave: Array
    convex_degree: Array
    concave_degree: Array
    is_defined_on_convex: bool = True
    is_defined_everywhere: bool = True
    is_known: bool = False

    @property
    def affine(self) -> Array:
        return self.convex & self.concave

    @property
    def is_affine(self) -> bool:
        """Whether all elements are affine."""
        return holds_everywhere(self.convex) and holds_everywhere(self.concave)

    @property
    def lower(self) -> Array:
        return self.bounds.lower

    @property
    def upper(self) -> Array:
        return self.bounds.upper

    @property
    def arrays(self) -> tuple[Array, ...]:
        return (self.lower, self.upper, self.convex, self.concave, self.convex_degree, self.concave_degree)

    def moved(self, move: Callable[[Array], Any]) -> Facts:
        """The same facts of the same elements in other places."""
        return from_arrays([np.asarray(move(array)) for array in self.arrays], [self])


def is_repeated(array: Array) -> bool:
    """Whether one number in memory stands for all elements."""
    return array.size > 0 and not any(array.strides)


def holds_everywhere(flags: Array) -> bool:
    """Whether all are true."""
    return bool(flags[(0,) * flags.ndim]) if is_repeated(flags) else bool(flags.all())


def from_arrays(arrays: Sequence[Array], operands: Sequence[Facts]) -> Facts:
    """The inverse of Facts.arrays, of a value that is defined where its operands are."""
    lower, upper, convex, concave, convex_degree, concave_degree = arrays
    bounds, domain = Interval(lower, upper), domain_of(operands)
    return Facts(bounds, convex, concave, convex_degree, concave_degree, *domain)


def domain_of(operands: Sequence[Facts]) -> tuple[bool, bool]:
    """Whether what is computed from all of these is defined on a convex set, and everywhere."""
    on_convex = all(operand.is_defined_on_convex for operand in operands)
    return on_convex, all(operand.is_defined_everywhere for operand in operands)


def settle(facts: Facts) -> Facts:
    """With all that the facts imply for one another."""
    lower, upper = facts.bounds
    is_known = (lower == upper) & np.isfinite(lower)
    convex, concave = facts.convex | is_known, facts.concave | is_known
    is_positive = lower >= 0
    convex_degree = np.where(is_positive & convex, np.fmax(facts.convex_degree, 1.0), facts.convex_degree)
    concave_degree = np.where(is_positive & concave, np.fmin(facts.concave_degree, 1.0), facts.concave_degree)
    convex_degree = np.where(is_known & is_positive, np.inf, convex_degree)
    concave_degree = np.where(is_known & is_positive, 0.0, concave_degree)
    with np.errstate(invalid="ignore"):
        convex, concave = convex | (convex_degree >= 1), concave | (concave_degree <= 1)
    lower = np.where(~np.isnan(convex_degree) | ~np.isnan(concave_degree), np.maximum(lower, 0.0), lower)
    bounds = Interval(lower, np.maximum(upper, lower))
    domain = facts.is_defined_on_convex, facts.is_defined_everywhere
    return Facts(bounds, convex, concave, convex_degree, concave_degree, *domain)


def like(
    bounds: Interval,
    convex: Any,
    concave: Any,
    operands: Sequence[Facts],
    convex_degree: Any = np.nan,
    concave_degree: Any = np.nan,
    is_defined: bool = True,
) -> Facts:
    """Settled facts of a value computed from operands."""
    shape = np.shape(bounds.lower)

    def full(value: Any, dtype: Any) -> Array:
        array = np.asarray(value, dtype)
        return array if array.shape == shape else np.broadcast_to(array, shape)

    on_convex, everywhere = domain_of(operands)
    degrees = full(convex_degree, float), full(concave_degree, float)
    return settle(
        Facts(
            bounds,
            full(convex, bool),
            full(concave, bool),
            *degrees,
            on_convex and is_defined,
            everywhere and is_defined,
        )
    )


def known(value: Any, is_shared: bool = False) -> Facts:
    """Facts of a constant. is_shared: degrees only where they are the same for all elements."""
    array = np.asarray(value, np.float64)
    least, most = np.min(array, initial=np.inf), np.max(array, initial=-np.inf)  # NaN, if there is one
    if array.size and not (np.isfinite(least) and np.isfinite(most)):
        return like(Interval(array, array), np.isfinite(array), np.isfinite(array), (), is_defined=False)
    # Settled at once, since data are large: see `settle`.
    everywhere = np.broadcast_to(np.True_, array.shape)
    is_same = is_shared or least >= 0 or most < 0
    is_positive = least >= 0 if is_same else array >= 0
    found = (np.where(is_positive, degree, np.nan) for degree in (np.inf, 0.0))
    convex, concave = (np.broadcast_to(degree, array.shape) for degree in found)
    return Facts(Interval(array, array), everywhere, everywhere, convex, concave, is_known=True)


def nothing(
    shape: tuple[int, ...], operands: Sequence[Facts], bounds: tuple[float, float] = (-np.inf, np.inf)
) -> Facts:
    """No more than bounds."""
    lower, upper = (np.full(shape, bound) for bound in bounds)
    return like(Interval(lower, upper), False, False, operands)


def undefined(x: Facts) -> Facts:
    """The same, defined nobody knows where."""
    return replace(x, is_defined_on_convex=False, is_defined_everywhere=False)


def restrict(x: Facts, lower: float, upper: float = np.inf) -> Facts:
    """The operand of a function that is NaN outside of [lower, upper]; what is left of θ must be convex."""
    is_convex_set = ((x.lower >= lower) | x.concave) & ((x.upper <= upper) | x.convex)
    low = np.clip(x.lower, lower, upper)
    bounds = Interval(low, np.maximum(np.clip(x.upper, lower, upper), low))
    on_convex = x.is_defined_on_convex and bool(is_convex_set.all())
    everywhere = x.is_defined_everywhere and bool(((x.lower >= lower) & (x.upper <= upper)).all())
    return settle(replace(x, bounds=bounds, is_defined_on_convex=on_convex, is_defined_everywhere=everywhere))


def allows_convex(x: Facts, rising: Any, falling: Any) -> Any:
    """Whether a convex function with this monotonicity in x stays convex as a function of θ."""
    return x.affine | (rising & x.convex) | (falling & x.concave)


def allows_concave(x: Facts, rising: Any, falling: Any) -> Any:
    """The mirror image."""
    return x.affine | (rising & x.concave) | (falling & x.convex)


def compose(
    convex: Any, concave: Any, monotone: Sequence[tuple[Any, Any]], operands: Sequence[Facts]
) -> tuple[Any, Any]:
    """The composition rule: f convex, and in each operand affine, or rising and convex, or falling and concave.

    convex, concave: f's curvature jointly in all operands, on their bounds. monotone: for each, where f rises and falls.
    Source: Boyd and Vandenberghe (2004), section 3.2.4.
    """
    for x, (rising, falling) in zip(operands, monotone, strict=True):
        convex = convex & allows_convex(x, rising, falling)
        concave = concave & allows_concave(x, rising, falling)
    return convex, concave

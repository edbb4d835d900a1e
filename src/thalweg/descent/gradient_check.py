"""Comparing gradients: automatic, given, and numerical, parameter by parameter.

The differences come with an estimate of their own error, from two step lengths, so that rounding is not taken for a mistake.
Where the slopes to the left and to the right differ however short the step, the loss has a kink; there any value between
them is right.

Source: J. Nocedal and S. Wright, *Numerical Optimization* (2006), chapter 8.1; L. Richardson (1911) for the extrapolation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np

from ..errors import ArgumentError, TracingError
from ..graph import Array, ArrayType
from .data import data_of
from .evaluation import evaluated, losses_at
from .gradients import Automatic, Given, GradientSource
from .parameters import layout_of
from .problem import Problem, problem_of

__all__ = ["Agreement", "GradientCheck", "LeafCheck", "check_gradient"]


class Agreement(Enum):
    """What a comparison came to."""

    AGREES = "agrees"
    KINK = "kink"
    DIFFERS = "differs"


@dataclass(frozen=True)
class LeafCheck:
    """The worst place of one array of the parameters, for one source of the gradient.

    name: the array's path. source: "automatic" or "given". checked: how many of its numbers were compared. index: of the worst
    place. found: the source's value there; expected: that of the differences, or the nearer of the slopes to both sides of a
    kink. absolute, relative: the error; allowed: how much of it rounding and the differences' own error explain.
    """

    name: str
    source: str
    checked: int
    size: int
    index: tuple[int, ...]
    found: float
    expected: float
    absolute: float
    relative: float
    allowed: float
    agreement: Agreement

    def __str__(self) -> str:
        place = f"{self.name}{list(self.index) if self.index else ''}"
        return (
            f"{self.source:10} {self.agreement.value:8} worst at {place or 'the parameter'}: {self.found:.8g}, "
            f"differences {self.expected:.8g}; error {self.absolute:.2g} (relative {self.relative:.2g}, "
            f"{self.allowed:.2g} is rounding); {self.checked:,} of {self.size:,} compared"
        )


@dataclass(frozen=True)
class GradientCheck:
    """What a gradient check found: one line for each array and source. passes: whether nothing differs."""

    leaves: tuple[LeafCheck, ...]

    @property
    def passes(self) -> bool:
        """Whether every gradient agrees with the differences, kinks aside."""
        return all(leaf.agreement is not Agreement.DIFFERS for leaf in self.leaves)

    def __str__(self) -> str:
        verdict = "The gradients agree." if self.passes else "The gradients differ."
        if self.passes and any(leaf.agreement is Agreement.KINK for leaf in self.leaves):
            verdict = "The gradients agree, as far as kinks allow."
        return "\n".join([verdict, *(f"  {leaf}" for leaf in self.leaves)])


_MOST = 1000


def check_gradient(
    loss: Callable[..., Any],
    parameters: Any,
    *,
    data: Any = None,
    gradient: Callable[..., Any] | None = None,
    seed: int = 0,
) -> GradientCheck:
    """Compares the automatic gradient, and one of the user's, with differences of the loss.

    loss, parameters, data: as for `minimize`. gradient: a function that takes what the loss takes and returns the gradient,
    nested as the parameters. A loss that cannot be traced has no automatic gradient. Of more than 1,000 numbers as many are
    compared, drawn with the seed.

    Raises what `minimize` raises for a loss, and ArgumentError if there is no gradient to check.

    >>> print(check_gradient(lambda x: np.sum(x**3), np.array([1.0, 2.0])))  # doctest: +ELLIPSIS
    The gradients agree.
      automatic  agrees   worst at ...
    """
    given = data_of(data)
    exact = _in_float64(parameters)
    sources: dict[str, GradientSource] = {}
    try:
        problem_of(loss, exact, given, given.examples)
        sources["automatic"] = Automatic()
    except TracingError:
        if gradient is None:
            raise
    if gradient is not None:
        if not callable(gradient):
            raise ArgumentError(f"gradient={gradient!r}: expected a function that returns the gradient")
        sources["given"] = Given(gradient)
    problems = {name: problem_of(loss, parameters, given, given.examples, source) for name, source in sources.items()}
    smooth = problem_of(loss, exact, given, given.examples, next(iter(sources.values())))
    vector = smooth.layout.vector(exact)
    places = _places(vector.size, seed)
    slopes = _slopes(lambda points: losses_at(smooth, points, given.arrays), vector, places)
    checks: list[LeafCheck] = []
    for name, problem in problems.items():
        own = problem.layout.vector(parameters)
        found = evaluated(problem, own, given.arrays)[1].astype(np.float64)
        checks += _compare(name, problem, found, places, slopes)
    return GradientCheck(tuple(checks))


def _in_float64(parameters: Any) -> Any:
    """Differences need all the digits there are."""
    layout = layout_of(parameters)
    wide = layout.vector(parameters).astype(np.float64)
    float64 = np.dtype(np.float64)
    types = tuple(ArrayType(type.shape, float64) for type in layout.types)
    return replace(layout, types=types, dtype=float64).tree(wide)


def _places(size: int, seed: int) -> Array:
    if size <= _MOST:
        return np.arange(size)
    return np.sort(np.random.default_rng(seed).choice(size, _MOST, replace=False))


@dataclass(frozen=True, eq=False)
class _Slopes:
    """Of each compared number: the slope, its error, and the slopes to both sides; whether there is a kink."""

    value: Array
    error: Array
    left: Array
    right: Array
    is_kink: Array


def _slopes(losses: Callable[[Array], Array], vector: Array, places: Array) -> _Slopes:
    """Central differences of two lengths, extrapolated; the slopes to both sides, likewise."""
    eps = float(np.finfo(np.float64).eps)
    (here,) = losses(vector[None])
    long = eps ** (1 / 4) * np.maximum(1.0, np.abs(vector[places]))
    rows = {}
    for name, factor in (("+2", 1.0), ("+1", 0.5), ("-1", -0.5), ("-2", -1.0)):
        found = []
        for start in range(0, len(places), _BLOCK):
            block = places[start : start + _BLOCK]
            points = np.repeat(vector[None], len(block), axis=0)
            points[np.arange(len(block)), block] += factor * long[start : start + _BLOCK]
            found.append(losses(points))
        rows[name] = np.concatenate(found)
    with np.errstate(all="ignore"):
        central_long = (rows["+2"] - rows["-2"]) / (2 * long)
        central_short = (rows["+1"] - rows["-1"]) / long
        value = (4 * central_short - central_long) / 3
        largest = np.max(np.abs([*rows.values(), np.full(len(places), here)]), axis=0)
        rounding = 16 * eps * largest / long
        error = np.abs(value - central_short) + rounding
        right = 2 * (2 * (rows["+1"] - here) / long) - (rows["+2"] - here) / long
        left = 2 * (2 * (here - rows["-1"]) / long) - (here - rows["-2"]) / long
        gap_long = np.abs((rows["+2"] - 2 * here + rows["-2"]) / long)
        gap_short = np.abs(2 * (rows["+1"] - 2 * here + rows["-1"]) / long)
        is_kink = (gap_short > 0.75 * gap_long) & (gap_short > 100 * rounding + 1e-4 * np.abs(value))
    return _Slopes(value, error, left, right, is_kink)


_BLOCK = 256


def _compare(name: str, problem: Problem, found: Array, places: Array, slopes: _Slopes) -> list[LeafCheck]:
    precision = float(np.finfo(problem.layout.dtype).eps)
    scale = float(np.max(np.abs(found), initial=0.0))
    allowed = 10 * slopes.error + 1e3 * precision * np.maximum(np.abs(found[places]), 1e-3 * scale)
    low, high = np.minimum(slopes.left, slopes.right), np.maximum(slopes.left, slopes.right)
    of_kink = np.clip(found[places], low, high)
    expected = np.where(slopes.is_kink, of_kink, slopes.value)
    absolute = np.abs(found[places] - expected)
    checks, start = [], 0
    for type, label in zip(problem.layout.types, problem.layout.names, strict=True):
        inside = np.flatnonzero((places >= start) & (places < start + type.size))
        if len(inside):
            ratio = np.where(np.isfinite(absolute[inside]), absolute[inside] / allowed[inside], np.inf)
            worst = int(inside[np.argmax(ratio)])
            index = np.unravel_index(int(places[worst]) - start, type.shape) if type.shape else ()
            differs = not float(np.max(ratio)) <= 1
            has_kink = bool(slopes.is_kink[inside].any())
            agreement = Agreement.DIFFERS if differs else Agreement.KINK if has_kink else Agreement.AGREES
            size = max(abs(float(expected[worst])), abs(float(found[places[worst]])))
            checks.append(
                LeafCheck(
                    label,
                    name,
                    len(inside),
                    type.size,
                    tuple(int(i) for i in index),
                    float(found[places[worst]]),
                    float(expected[worst]),
                    float(absolute[worst]),
                    float(absolute[worst]) / size if size else 0.0,
                    float(allowed[worst]),
                    agreement,
                )
            )
        start += type.size
    return checks

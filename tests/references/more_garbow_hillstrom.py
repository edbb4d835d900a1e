"""The 35 functions of Moré, Garbow and Hillstrom, Testing unconstrained optimization software (ACM TOMS 7, 1981).

Each is a sum of squares, with the paper's start and its minima; functions of any size stand here in the paper's sizes.
The values of the paper have six digits; the digits after them were computed here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy.optimize import brentq

from . import residuals_of_any_size as any_size
from . import residuals_of_fixed_size as fixed_size

Array = np.ndarray[Any, Any]
Residuals = Callable[[Any], Any]


@dataclass(frozen=True)
class Point:
    """A value of Σ r² and where it is taken, unless that place is not given."""

    value: float
    at: tuple[float, ...] = ()
    in_the_paper: bool = True


@dataclass(frozen=True)
class Problem:
    """One function of one size."""

    number: int
    name: str
    residuals: Residuals
    start: Array
    minima: tuple[Point, ...]  # local minima, the least first
    infima: tuple[Point, ...] = ()  # approached on a way to infinity
    saddles: tuple[Point, ...] = ()  # the gradient vanishes, yet other points nearby are lower

    def loss(self, x: Any) -> Any:
        """Σ r(x)²."""
        return np.sum(self.residuals(x) ** 2)


def _at(value: float, *at: float) -> tuple[Point, ...]:
    return (Point(value, at),)


def _problem(number: int, residuals: Residuals, start: Any, *minima: Point, **more: tuple[Point, ...]) -> Problem:
    function = residuals.func if isinstance(residuals, partial) else residuals
    name = f"{getattr(function, '__name__', '')}_{len(start)}"
    return Problem(number, name, residuals, np.array(start, dtype=np.float64), minima, **more)


def _of_fixed_size() -> list[Problem]:
    f, inf = fixed_size, np.inf
    # At the start of `biggs`, x₁ = x₅ and x₃ = x₆: a subspace that gradients do not leave, and in which the paper's
    # 5.65565e-3 is a minimum. Across it one curvature is -9.8e-3: a saddle.
    biggs_saddle = (1.71141599472, 17.683198180949, 1.163143660919, 5.186561551993, 1.71141599472, 1.163143660919)
    wood_saddle = (-0.967974024938, 0.947139140818, -0.969516310332, 0.951247665792)
    return [
        _problem(1, f.rosenbrock, [-1.2, 1], *_at(0, 1, 1)),
        _problem(
            2, f.freudenstein_roth, [0.5, -2], *_at(0, 5, 4), *_at(48.98425367924, 11.412778986901, -0.896805253274)
        ),
        _problem(3, f.powell_badly_scaled, [0, 1], *_at(0, 1.0981593297e-5, 9.106146739866)),
        _problem(4, f.brown_badly_scaled, [1, 1], *_at(0, 1e6, 2e-6)),
        _problem(5, f.beale, [1, 1], *_at(0, 3, 0.5)),
        _problem(6, f.jennrich_sampson, [0.3, 0.4], *_at(124.3621823556, 0.2578252136704, 0.2578252136704)),
        _problem(7, f.helical_valley, [-1, 0, 0], *_at(0, 1, 0, 0)),
        _problem(
            8,
            f.bard,
            [1, 1, 1],
            *_at(8.21487730658e-3, 0.082410559909, 1.133036097363, 2.343695173511),
            infima=_at(17.42869333333, 0.840666666667, -inf, -inf),
        ),
        _problem(9, f.gaussian, [0.4, 1, 0], *_at(1.12793276962e-8, 0.3989561378388, 1.000019084488, 0)),
        _problem(10, f.meyer, [0.02, 4000, 250], *_at(87.9458551706, 5.609636481e-3, 6181.346344756, 345.2236345726)),
        _problem(11, f.gulf, [5, 2.5, 0.15], *_at(0, 50, 25, 1.5)),
        _problem(12, f.box, [0, 10, 20], *_at(0, 1, 10, 1), *_at(0, 10, 1, -1), *_at(0, 1, 1, 0)),  # 0 at all (a, a, 0)
        _problem(13, f.powell_singular, [3, -1, 0, 1], *_at(0, 0, 0, 0, 0)),
        _problem(
            14, f.wood, [-3, -1, -3, -1], *_at(0, 1, 1, 1, 1), saddles=(Point(7.87696716518, wood_saddle, False),)
        ),
        _problem(
            15,
            f.kowalik_osborne,
            [0.25, 0.39, 0.415, 0.39],
            *_at(3.07505603849e-4, 0.192806933864, 0.191282344968, 0.123056510446, 0.136062338006),
            infima=_at(1.02734304870e-3, inf, -14.075883, -inf, -inf),
        ),
        _problem(
            16,
            f.brown_dennis,
            [25, 5, -5, -1],
            *_at(85822.2016264, -11.594439102, 13.203629764, -0.403439616710, 0.236778701749),
        ),
        _problem(
            17,
            f.osborne_1,
            [0.5, 1.5, -1, 0.01, 0.02],
            *_at(5.46489469748e-5, 0.375410052107, 1.935846912712, -1.464687136613, 0.01286753464, 0.022122699662),
        ),
        _problem(
            18,
            f.biggs,
            [1, 2, 1, 1, 1, 1],
            *_at(0, 1, 10, 1, 5, 4, 3),
            *_at(0, 4, 10, 3, 5, 1, 1),
            saddles=_at(5.6556499255e-3, *biggs_saddle),
        ),
        _problem(19, f.osborne_2, [1.3, 0.65, 0.65, 0.7, 0.6, 3, 5, 7, 2, 4.5, 5.5], *_at(4.01377362935e-2)),
    ]


def _brown_almost_linear(n: int) -> Problem:
    """Zero at (α, ..., α, α¹⁻ⁿ) for the positive roots of nαⁿ − (n + 1)αⁿ⁻¹ + 1: one is 1, another less.

    The paper also lists the value 1 at (0, ..., 0, n + 1) as a minimum. There f = (1 − (n + 1)aⁿ⁻¹ + naⁿ)² along
    (a, ..., a, n + 1 − na), which falls for small a > 0: a saddle, though all curvatures are at least 0.
    """
    less = float(brentq(lambda a: n * a**n - (n + 1) * a ** (n - 1) + 1, 0.0, 1 - 1e-6, xtol=1e-15))
    minima = [Point(0.0, (*[a] * (n - 1), a ** (1 - n))) for a in (1.0, less)]
    saddles = (Point(1.0, (*[0.0] * (n - 1), n + 1.0)),)
    return _problem(27, any_size.brown_almost_linear, [0.5] * n, *minima, saddles=saddles)


def _of_any_size() -> list[Problem]:
    f, n, m = any_size, 10, 20
    ones, grid = np.ones(n), np.arange(1, n + 1) / (n + 1)
    return [
        *(
            _problem(20, f.watson, np.zeros(size), Point(value))
            for size, value in {6: 2.28767005355e-3, 9: 1.39976013809e-6, 12: 4.72238110e-10}.items()
        ),
        _problem(21, f.extended_rosenbrock, [-1.2, 1] * 5, *_at(0, *ones)),
        _problem(22, f.extended_powell_singular, [3, -1, 0, 1] * 3, *_at(0, *np.zeros(12))),
        _problem(23, f.penalty_1, np.arange(1, 5), Point(2.2499775009e-5)),
        _problem(23, f.penalty_1, np.arange(1, 11), Point(7.08765146709e-5)),
        _problem(24, f.penalty_2, [0.5] * 4, Point(9.37629300736e-6)),
        _problem(24, f.penalty_2, [0.5] * 10, Point(2.93660537457e-4)),
        _problem(25, f.variably_dimensioned, 1 - np.arange(1, n + 1) / n, *_at(0, *ones)),
        _problem(26, f.trigonometric, ones / n, *_at(0, *0 * ones), Point(2.79505612188e-5, in_the_paper=False)),
        _brown_almost_linear(n),
        _problem(28, f.discrete_boundary_value, grid * (grid - 1), Point(0.0)),
        _problem(29, f.discrete_integral_equation, grid * (grid - 1), Point(0.0)),
        _problem(30, f.broyden_tridiagonal, -ones, Point(0.0)),
        _problem(31, f.broyden_banded, -ones, Point(0.0)),
        _problem(32, partial(f.linear_full_rank, m=m), ones, *_at(m - n, *-ones)),
        _problem(33, partial(f.linear_rank_1, m=m), ones, Point(m * (m - 1) / (2 * (2 * m + 1)))),
        _problem(34, partial(f.linear_rank_1_with_zeros, m=m), ones, Point((m**2 + 3 * m - 6) / (2 * (2 * m - 3)))),
        *_chebyquad(),
    ]


def _chebyquad() -> list[Problem]:
    """The paper lists 6.50395e-3 for n = 10, which is a local minimum; there are lower and higher ones."""
    minima = {
        7: (Point(0.0),),
        8: (Point(3.51687372568e-3),),
        9: (Point(0.0),),
        10: (Point(4.7727137e-3, (), False), Point(6.50395480088e-3), Point(9.50062885022e-3, (), False)),
    }
    return [_problem(35, any_size.chebyquad, np.arange(1, n + 1) / (n + 1), *points) for n, points in minima.items()]


PROBLEMS = (*_of_fixed_size(), *_of_any_size())
"""All 35, in the paper's order; `watson_6`, `watson_9` and so on are one function in several sizes."""

BY_NAME = {problem.name: problem for problem in PROBLEMS}


def load(name: str) -> Problem:
    """The problem of that name, such as `rosenbrock_2`."""
    if name not in BY_NAME:
        raise KeyError(f"there is no problem {name!r}; there are {', '.join(BY_NAME)}")
    return BY_NAME[name]

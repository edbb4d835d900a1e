"""Classical losses of a vector in plain NumPy, with their minima and saddles.

Functions of any dimension stand here with a start that fixes it. Points that have no closed form were computed by
Newton's method from a grid; the tests check slopes and curvatures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

Vector = tuple[float, ...]


@dataclass(frozen=True)
class Loss:
    """A loss, and what is known of it.

    `minima` are local; the global ones have the global value. The lists have all points of their kind, unless `has_more`.
    Without a minimum the global value is an infimum: −∞, or one that is not attained.
    """

    name: str
    function: Callable[[Any], Any]
    start: Vector
    minima: tuple[Vector, ...]
    global_value: float
    saddles: tuple[Vector, ...] = ()
    is_convex: bool = False
    has_more: bool = False
    is_smooth: bool = True  # if not, its minima are kinks

    @property
    def global_minima(self) -> tuple[Vector, ...]:
        """The minima with the global value."""
        return tuple(x for x in self.minima if abs(self.function(np.array(x)) - self.global_value) < 1e-9)


def sphere(x: Any) -> Any:
    return np.sum(x**2)


def ill_conditioned(x: Any) -> Any:
    """A quadratic bowl with curvatures from 2 to 2e6."""
    return np.sum(np.logspace(0, 6, len(x)) * x**2)


def booth(x: Any) -> Any:
    return (x[0] + 2 * x[1] - 7) ** 2 + (2 * x[0] + x[1] - 5) ** 2


def matyas(x: Any) -> Any:
    return 0.26 * (x[0] ** 2 + x[1] ** 2) - 0.48 * x[0] * x[1]


def zakharov(x: Any) -> Any:
    weighted = np.sum(np.arange(1, len(x) + 1) * x) / 2
    return np.sum(x**2) + weighted**2 + weighted**4


def quartic_valley(x: Any) -> Any:
    """Convex; the valley's floor rises with the fourth power, so that its curvature at the minimum is zero."""
    return (x[0] + x[1] - 2) ** 2 + (x[0] - x[1]) ** 4


def log_cosh(x: Any) -> Any:
    """A parabola that becomes a cone."""
    return np.sum(np.log(np.cosh(x)))


def unattained(x: Any) -> Any:
    """Convex, without a minimum: it falls to 0 as x₁ → ∞, as the logistic loss of separable data does."""
    return np.log1p(np.exp(-x[0])) + x[1] ** 2


def rosenbrock(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def himmelblau(x: Any) -> Any:
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def beale(x: Any) -> Any:
    return np.sum((np.array([1.5, 2.25, 2.625]) - x[0] * (1 - x[1] ** np.arange(1, 4))) ** 2)


def six_hump_camel(x: Any) -> Any:
    return (4 - 2.1 * x[0] ** 2 + x[0] ** 4 / 3) * x[0] ** 2 + x[0] * x[1] + (4 * x[1] ** 2 - 4) * x[1] ** 2


def three_hump_camel(x: Any) -> Any:
    return 2 * x[0] ** 2 - 1.05 * x[0] ** 4 + x[0] ** 6 / 6 + x[0] * x[1] + x[1] ** 2


def goldstein_price(x: Any) -> Any:
    a, b = x[0], x[1]
    first = 19 - 14 * a + 3 * a**2 - 14 * b + 6 * a * b + 3 * b**2
    second = 18 - 32 * a + 12 * a**2 + 48 * b - 36 * a * b + 27 * b**2
    return (1 + (a + b + 1) ** 2 * first) * (30 + (2 * a - 3 * b) ** 2 * second)


def branin(x: Any) -> Any:
    bend = x[1] - 5.1 / (4 * np.pi**2) * x[0] ** 2 + 5 / np.pi * x[0] - 6
    return bend**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x[0]) + 10


def easom(x: Any) -> Any:
    """A dip at (π, π) in a plateau."""
    return -np.cos(x[0]) * np.cos(x[1]) * np.exp(-((x[0] - np.pi) ** 2) - (x[1] - np.pi) ** 2)


def styblinski_tang(x: Any) -> Any:
    return np.sum(x**4 - 16 * x**2 + 5 * x) / 2


def rastrigin(x: Any) -> Any:
    return 10 * len(x) + np.sum(x**2 - 10 * np.cos(2 * np.pi * x))


def ackley(x: Any) -> Any:
    """Its global minimum is the tip of a cone: there is no gradient there."""
    return 20 + np.e - 20 * np.exp(-0.2 * np.sqrt(np.mean(x**2))) - np.exp(np.mean(np.cos(2 * np.pi * x)))


def double_well(x: Any) -> Any:
    """Descents that start with x₁ = 0 keep to it, and end at the saddle."""
    return (x[0] ** 2 - 1) ** 2 + x[1] ** 2


def saddle(x: Any) -> Any:
    return x[0] ** 2 - x[1] ** 2


def monkey_saddle(x: Any) -> Any:
    """Three ways down; all curvatures at 0 are zero."""
    return x[0] ** 3 - 3 * x[0] * x[1] ** 2


def griewank(x: Any) -> Any:
    return 1 + np.sum(x**2) / 4000 - np.prod(np.cos(x / np.sqrt(np.arange(1, len(x) + 1))))


def _grid(*coordinates: float) -> tuple[Vector, ...]:
    """All points of the plane with these coordinates."""
    return tuple(product(coordinates, repeat=2))


def _mixed(lows: Vector, highs: Vector) -> tuple[Vector, ...]:
    """The saddles of f(x₁) + f(x₂): a minimum of f in one coordinate, a maximum in the other."""
    return tuple(point for low, high in product(lows, highs) for point in ((low, high), (high, low)))


def _both_signs(*points: Vector) -> tuple[Vector, ...]:
    return tuple(tuple(sign * x for x in point) for point in points for sign in (1.0, -1.0))


TANG = (-2.90353402777, 2.74680277099)  # minima of Styblinski and Tang's polynomial, and then its maximum
TANG_HIGH = 0.15673125678
RASTRIGIN = (0.0, 0.994958637652, -0.994958637652)
RASTRIGIN_HIGH = (0.502546036555, -0.502546036555)
ORIGIN = (0.0, 0.0)

CONVEX = (
    Loss("sphere", sphere, (3.0, -2.0, 1.0), ((0.0,) * 3,), 0.0, is_convex=True),
    Loss("ill_conditioned", ill_conditioned, (1.0,) * 5, ((0.0,) * 5,), 0.0, is_convex=True),
    Loss("booth", booth, (-5.0, 5.0), ((1.0, 3.0),), 0.0, is_convex=True),
    Loss("matyas", matyas, (8.0, -5.0), (ORIGIN,), 0.0, is_convex=True),
    Loss("zakharov", zakharov, (1.0, 2.0, -1.0), ((0.0,) * 3,), 0.0, is_convex=True),
    Loss("quartic_valley", quartic_valley, (3.0, 0.5), ((1.0, 1.0),), 0.0, is_convex=True),
    Loss("log_cosh", log_cosh, (4.0, -7.0), (ORIGIN,), 0.0, is_convex=True),
    Loss("unattained", unattained, (0.5, 1.0), (), 0.0, is_convex=True),
)

OTHERS = (
    Loss("rosenbrock_2", rosenbrock, (-1.2, 1.0), ((1.0, 1.0),), 0.0),
    Loss(
        "rosenbrock_4",
        rosenbrock,
        (-1.2, 1.0, -1.2, 1.0),
        ((1.0,) * 4, (-0.775659226565, 0.613093365485, 0.382062846338, 0.145972018552)),
        0.0,
        saddles=((-0.656124635719, 0.443120040972, 0.204312248228, 0.0417434947761),),
    ),
    Loss("rosenbrock_20", rosenbrock, (-1.2, 1.0) * 10, ((1.0,) * 20,), 0.0, has_more=True),
    Loss(
        "himmelblau",
        himmelblau,
        (0.0, 0.0),
        (
            (3.0, 2.0),
            (3.58442834033, -1.84812652696),
            (-3.77931025338, -3.28318599129),
            (-2.80511808695, 3.13131251825),
        ),
        0.0,
        saddles=(
            (3.38515418361, 0.0738518798377),
            (0.0866775045554, 2.88425470117),
            (-3.07302575076, -0.081353044288),
            (-0.127961346731, -1.95371498024),
        ),
    ),
    Loss("beale", beale, (1.0, 1.0), ((3.0, 0.5),), 0.0, saddles=((0.0, 1.0), (0.100537937324, -2.64451358502))),
    Loss(
        "six_hump_camel",
        six_hump_camel,
        (2.0, 1.0),
        _both_signs(
            (0.0898420131003, -0.712656403021),
            (1.70360671497, -0.796083568673),
            (1.60710475292, 0.568651454884),
        ),
        -1.031628453490,
        saddles=(
            ORIGIN,
            *_both_signs(
                (1.1092053368, -0.76826809251), (1.63806798419, 0.228674069044), (1.29607026717, 0.605084388039)
            ),
        ),
    ),
    Loss(
        "three_hump_camel",
        three_hump_camel,
        (2.0, 2.0),
        (ORIGIN, *_both_signs((1.74755234583, -0.873776172915))),
        0.0,
        saddles=_both_signs((1.07054229182, -0.535271145912)),
    ),
    Loss(
        "goldstein_price",
        goldstein_price,
        (-1.0, 1.0),
        ((0.0, -1.0), (-0.6, -0.4), (1.8, 0.2), (1.2, 0.8)),
        3.0,
        saddles=((-0.4, -0.6), (1.2, -0.2), (1.4, 0.6), (0.6, 0.4)),
    ),
    Loss(
        "branin",
        branin,
        (2.0, 8.0),
        ((-np.pi, 12.275), (np.pi, 2.275), (3 * np.pi, 2.475)),
        0.397887357730,
        saddles=((0.0, 6.0), (2 * np.pi, 1.1)),
        has_more=True,
    ),
    Loss("easom", easom, (2.0, 4.0), ((np.pi, np.pi),), -1.0, has_more=True),
    Loss(
        "styblinski_tang",
        styblinski_tang,
        (0.5, -0.5),
        _grid(*TANG),
        -78.3323314075,
        saddles=_mixed(TANG, (TANG_HIGH,)),
    ),
    Loss(
        "rastrigin",
        rastrigin,
        (0.3, -1.3),
        _grid(*RASTRIGIN),
        0.0,
        saddles=_mixed(RASTRIGIN, RASTRIGIN_HIGH),
        has_more=True,
    ),
    Loss("ackley", ackley, (0.3, -0.4), (ORIGIN,), 0.0, has_more=True, is_smooth=False),
    Loss(
        "griewank",
        griewank,
        (5.0, -3.0),
        (ORIGIN, *product((3.1400226339, -3.1400226339), (4.43844448092, -4.43844448092))),
        0.0,
        saddles=tuple(product((1.57236791044, -1.57236791044), (2.22255330258, -2.22255330258))),
        has_more=True,
    ),
    Loss("double_well", double_well, (0.0, 2.0), ((1.0, 0.0), (-1.0, 0.0)), 0.0, saddles=(ORIGIN,)),
    Loss("saddle", saddle, (1.0, 0.0), (), -np.inf, saddles=(ORIGIN,)),
    Loss("monkey_saddle", monkey_saddle, (1.0, 0.0), (), -np.inf, saddles=(ORIGIN,)),
)

LOSSES = CONVEX + OTHERS
BY_NAME = {loss.name: loss for loss in LOSSES}


def load(name: str) -> Loss:
    """The loss of that name."""
    if name not in BY_NAME:
        raise KeyError(f"there is no loss {name!r}; there are {', '.join(BY_NAME)}")
    return BY_NAME[name]

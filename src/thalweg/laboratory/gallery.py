"""The gallery: functions with a shape worth knowing, each an ordinary loss with a window to look through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ArgumentError

__all__ = ["GALLERY", "Specimen", "Window", "specimen"]

Window = tuple[float, float, float, float]
"""What is seen: (x from, x to, y from, y to)."""

Loss = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class Specimen:
    """A function of the gallery.

    make: (number of its own) → loss of the parameters (dimension,). formula: for people. window, start, rate: to begin with.
    number: its own, such as a condition number, to begin with; numbers: all that it can take, empty if it has none.
    """

    dimension: int
    make: Callable[[float], Loss]
    formula: str
    window: Window
    start: tuple[float, ...]
    rate: float
    number: float = 1.0
    numbers: tuple[float, ...] = ()


def _bowl(condition: float) -> Loss:
    def loss(p: Any) -> Any:
        return 0.5 * (p[0] ** 2 + condition * p[1] ** 2)

    return loss


def _turned_bowl(condition: float) -> Loss:
    def loss(p: Any) -> Any:
        return 0.25 * ((p[0] + p[1]) ** 2 + condition * (p[0] - p[1]) ** 2)

    return loss


def _rosenbrock(b: float) -> Loss:
    return lambda p: (1 - p[0]) ** 2 + b * (p[1] - p[0] ** 2) ** 2


def _himmelblau(_: float) -> Loss:
    return lambda p: (p[0] ** 2 + p[1] - 11) ** 2 + (p[0] + p[1] ** 2 - 7) ** 2


def _saddle(_: float) -> Loss:
    return lambda p: 0.5 * (p[0] ** 2 - p[1] ** 2)


def _saddle_between_minima(_: float) -> Loss:
    return lambda p: 0.5 * p[0] ** 2 + 0.25 * p[1] ** 4 - 0.5 * p[1] ** 2


def _monkey_saddle(_: float) -> Loss:
    return lambda p: p[0] ** 3 - 3 * p[0] * p[1] ** 2


def _plateau(_: float) -> Loss:
    def loss(p: Any) -> Any:
        return 1 - np.exp(-0.5 * (p[0] ** 2 + p[1] ** 2))

    return loss


def _beale(_: float) -> Loss:
    def loss(p: Any) -> Any:
        x, y = p
        return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2

    return loss


def _rastrigin(_: float) -> Loss:
    return lambda p: 20 + p[0] ** 2 + p[1] ** 2 - 10 * (np.cos(2 * np.pi * p[0]) + np.cos(2 * np.pi * p[1]))


def _styblinski_tang(_: float) -> Loss:
    return lambda p: 0.5 * (p[0] ** 4 - 16 * p[0] ** 2 + 5 * p[0] + p[1] ** 4 - 16 * p[1] ** 2 + 5 * p[1])


def _ackley(_: float) -> Loss:
    def loss(p: Any) -> Any:
        x, y = p
        near = 20 * np.exp(-0.2 * np.sqrt(0.5 * (x**2 + y**2)))
        return 20 + np.e - near - np.exp(0.5 * (np.cos(2 * np.pi * x) + np.cos(2 * np.pi * y)))

    return loss


def _booth(_: float) -> Loss:
    return lambda p: (p[0] + 2 * p[1] - 7) ** 2 + (2 * p[0] + p[1] - 5) ** 2


def _parabola(_: float) -> Loss:
    return lambda p: (p[0] - 1) ** 2


def _double_valley(_: float) -> Loss:
    return lambda p: 0.25 * p[0] ** 4 - 0.5 * p[0] ** 2 + 0.15 * p[0] + 0.5


def _ripples(_: float) -> Loss:
    return lambda p: 0.1 * p[0] ** 2 + np.sin(2 * p[0]) + 1


def _step_of_sigmoids(_: float) -> Loss:
    return lambda p: 0.02 * p[0] ** 2 + 1 / (1 + np.exp(-4 * (np.abs(p[0]) - 2)))


GALLERY: Mapping[str, Specimen] = {
    "bowl": Specimen(2, _bowl, "½ (x² + κ y²)", (-3, 3, -2, 2), (-2.5, 1.2), 0.1, 10, (1, 2, 5, 10, 20, 50, 100)),
    "turned_bowl": Specimen(
        2, _turned_bowl, "¼ ((x + y)² + κ (x − y)²)", (-3, 3, -2, 2), (-1.0, 1.6), 0.1, 10, (1, 2, 5, 10, 20, 50, 100)
    ),
    "rosenbrock": Specimen(
        2, _rosenbrock, "(1 − x)² + b (y − x²)²", (-2.4, 2.4, -0.9, 2.3), (-1.2, 1.0), 0.001, 100, (1, 10, 100)
    ),
    "himmelblau": Specimen(2, _himmelblau, "(x² + y − 11)² + (x + y² − 7)²", (-7.5, 7.5, -5, 5), (-0.5, -1.5), 0.01),
    "saddle": Specimen(2, _saddle, "½ (x² − y²)", (-3, 3, -2, 2), (-2.2, 0.001), 0.1),
    "saddle_between_minima": Specimen(
        2, _saddle_between_minima, "½ x² + ¼ y⁴ − ½ y²", (-2.4, 2.4, -1.6, 1.6), (-2.0, 0.0), 0.1
    ),
    "monkey_saddle": Specimen(2, _monkey_saddle, "x³ − 3 x y²", (-1.5, 1.5, -1, 1), (0.8, 0.02), 0.02),
    "plateau": Specimen(2, _plateau, "1 − exp(−½ (x² + y²))", (-6, 6, -4, 4), (4.2, 2.2), 0.5),
    "beale": Specimen(
        2, _beale, "(1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)²", (-4.5, 4.5, -3, 3), (-2.0, 1.5), 0.002
    ),
    "rastrigin": Specimen(
        2, _rastrigin, "20 + x² + y² − 10 (cos 2πx + cos 2πy)", (-4.5, 4.5, -3, 3), (2.2, 1.7), 0.002
    ),
    "styblinski_tang": Specimen(
        2, _styblinski_tang, "½ Σ (z⁴ − 16 z² + 5 z), z = x, y", (-6, 6, -4, 4), (0.3, 0.2), 0.01
    ),
    "ackley": Specimen(
        2,
        _ackley,
        "20 + e − 20 e^(−0.2 √(½(x² + y²))) − e^(½(cos 2πx + cos 2πy))",
        (-4.5, 4.5, -3, 3),
        (3.2, 1.6),
        0.02,
    ),
    "booth": Specimen(2, _booth, "(x + 2y − 7)² + (2x + y − 5)²", (-6.5, 8.5, -2, 8), (-4.0, 6.5), 0.05),
    "parabola": Specimen(1, _parabola, "(x − 1)²", (-3, 5, 0, 0), (-2.5,), 0.1),
    "double_valley": Specimen(1, _double_valley, "¼ x⁴ − ½ x² + 0.15 x + ½", (-1.9, 1.9, 0, 0), (1.7,), 0.1),
    "ripples": Specimen(1, _ripples, "0.1 x² + sin 2x + 1", (-6, 6, 0, 0), (5.3,), 0.1),
    "flat_steps": Specimen(1, _step_of_sigmoids, "0.02 x² + σ(4 (|x| − 2))", (-5, 5, 0, 0), (4.6,), 0.5),
}
"""By the name that stands in a scene's address."""


def specimen(name: str) -> Specimen:
    """A function of the gallery. Raises ArgumentError for a name that it lacks."""
    if name not in GALLERY:
        raise ArgumentError(f"function={name!r}: expected one of {', '.join(GALLERY)}")
    return GALLERY[name]

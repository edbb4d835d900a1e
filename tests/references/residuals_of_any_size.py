"""Functions 20 to 35 of Moré, Garbow and Hillstrom (1981): residuals r(x), to be minimised as Σ r², for any n = len(x).

Plain NumPy that can be traced. The number of residuals is m, where it is not given by n.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def watson(x: Any) -> Any:
    """A polynomial of degree n − 1 for y' = 1 + y², y(0) = 0, at 29 points."""
    n = len(x)
    t = np.arange(1, 30)[:, np.newaxis] / 29
    j = np.arange(1, n)
    slope = (j * t ** (j - 1)) @ x[1:]
    value = t ** np.arange(n) @ x
    return np.concatenate([slope - value**2 - 1, np.stack([x[0], x[1] - x[0] ** 2 - 1])])


def extended_rosenbrock(x: Any) -> Any:
    odd, even = x[::2], x[1::2]
    return np.concatenate([10 * (even - odd**2), 1 - odd])


def extended_powell_singular(x: Any) -> Any:
    a, b, c, d = x[::4], x[1::4], x[2::4], x[3::4]
    return np.concatenate([a + 10 * b, np.sqrt(5) * (c - d), (b - 2 * c) ** 2, np.sqrt(10) * (a - d) ** 2])


def penalty_1(x: Any) -> Any:
    return np.concatenate([np.sqrt(1e-5) * (x - 1), np.stack([np.sum(x**2) - 0.25])])


def penalty_2(x: Any) -> Any:
    n = len(x)
    i = np.arange(2, n + 1)
    exponential = np.exp(x / 10)
    neighbours = exponential[1:] + exponential[:-1] - np.exp(i / 10) - np.exp((i - 1) / 10)
    each = exponential[1:] - np.exp(-0.1)
    weighted = np.sum(np.arange(n, 0, -1) * x**2) - 1
    return np.concatenate(
        [np.stack([x[0] - 0.2]), np.sqrt(1e-5) * neighbours, np.sqrt(1e-5) * each, np.stack([weighted])]
    )


def variably_dimensioned(x: Any) -> Any:
    weighted = np.sum(np.arange(1, len(x) + 1) * (x - 1))
    return np.concatenate([x - 1, np.stack([weighted, weighted**2])])


def trigonometric(x: Any) -> Any:
    n = len(x)
    return n - np.sum(np.cos(x)) + np.arange(1, n + 1) * (1 - np.cos(x)) - np.sin(x)


def brown_almost_linear(x: Any) -> Any:
    linear = x[:-1] + np.sum(x) - (len(x) + 1)
    return np.concatenate([linear, np.stack([np.prod(x) - 1])])


def _grid(n: int) -> tuple[float, Any]:
    """The step, and the n points within (0, 1)."""
    step = 1 / (n + 1)
    return step, step * np.arange(1, n + 1)


def discrete_boundary_value(x: Any) -> Any:
    """x'' = (x + t + 1)³/2 with zeros at both ends, by differences."""
    step, t = _grid(len(x))
    before = np.concatenate([np.zeros(1), x[:-1]])
    after = np.concatenate([x[1:], np.zeros(1)])
    return 2 * x - before - after + step**2 * (x + t + 1) ** 3 / 2


def discrete_integral_equation(x: Any) -> Any:
    """The same boundary value problem by its Green function."""
    step, t = _grid(len(x))
    cube = (x + t + 1) ** 3
    before = np.cumsum(t * cube)
    after = np.sum((1 - t) * cube) - np.cumsum((1 - t) * cube)
    return x + step / 2 * ((1 - t) * before + t * after)


def broyden_tridiagonal(x: Any) -> Any:
    before = np.concatenate([np.zeros(1), x[:-1]])
    after = np.concatenate([x[1:], np.zeros(1)])
    return (3 - 2 * x) * x - before - 2 * after + 1


def broyden_banded(x: Any) -> Any:
    """Five neighbours before and one after."""
    n = len(x)
    band = np.tril(np.ones((n, n)), 1) - np.tril(np.ones((n, n)), -6) - np.eye(n)
    return x * (2 + 5 * x**2) + 1 - band @ (x * (1 + x))


def linear_full_rank(x: Any, m: int) -> Any:
    mean = 2 / m * np.sum(x) + 1
    return np.concatenate([x - mean, -mean * np.ones(m - len(x))])


def linear_rank_1(x: Any, m: int) -> Any:
    return np.arange(1, m + 1) * np.sum(np.arange(1, len(x) + 1) * x) - 1


def linear_rank_1_with_zeros(x: Any, m: int) -> Any:
    """The first and last row and column are zero."""
    row = np.arange(m) * (np.arange(m) < m - 1)
    return row * np.sum(np.arange(2, len(x)) * x[1:-1]) - 1


def chebyquad(x: Any) -> Any:
    """Shifted Chebyshev polynomials: their means over the xⱼ against their integrals; m = n."""
    before, polynomial = np.ones(len(x)), 2 * x - 1
    means = []
    for i in range(1, len(x) + 1):
        integral = -1 / (i**2 - 1) if i % 2 == 0 else 0.0
        means.append(np.mean(polynomial) - integral)
        before, polynomial = polynomial, 2 * (2 * x - 1) * polynomial - before
    return np.stack(means)

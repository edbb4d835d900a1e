"""Random losses: compositions of random operations of parameters, affine maps and data of random signs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as special

ONE = [
    *(np.exp, np.expm1, np.log, np.log1p, np.sqrt, np.abs, np.tanh, np.sin, np.cos, np.arctan, np.sinh, np.cosh),
    *(np.arcsinh, special.expit, special.erf, special.erfc, special.log_expit, special.ndtr, np.square, np.sign),
    *(lambda x: np.log(1 + np.exp(x)), lambda x: 1 / x, lambda x: 1 / (1 + np.exp(-x)), lambda x: -x),
    *(lambda x: x**3, lambda x: x**4, lambda x: np.abs(x) ** 1.5, lambda x: x**0.5, lambda x: x**-2.0),
    *(lambda x: np.maximum(x, 0), lambda x: np.minimum(x, 1), lambda x: np.clip(x, -1, 2), lambda x: x * np.log(x)),
    *(lambda x: np.where(x > 0, x, 0.1 * x), lambda x: np.where(np.abs(x) <= 1, 0.5 * x**2, np.abs(x) - 0.5)),
    *(special.entr, lambda x: special.huber(0.7, x), lambda x: np.sqrt(1 + x**2), lambda x: 2.0**x, special.gammaln),
    *(lambda x: np.where(x < 0.5, x**2, x), lambda x: np.log(np.abs(x)), lambda x: np.floor(x), np.arcsin, np.arccosh),
]
CALM = [
    *(np.exp, np.abs, np.square, np.cosh, np.sqrt, np.log, special.expit, lambda x: -x, lambda x: x**4, lambda x: x**3),
    *(lambda x: np.log(1 + np.exp(x)), lambda x: np.maximum(x, 0), lambda x: np.maximum(x, 0) ** 2, lambda x: 1 / x),
    *(lambda x: special.huber(0.7, x), lambda x: np.sqrt(1 + x**2), lambda x: np.log(np.cosh(x)), lambda x: -np.log(x)),
    *(lambda x: np.where(x > 0, 2 * x, -x), lambda x: np.where(x > 1, x, x**2), lambda x: x * np.log(x), np.tanh),
    *(lambda x: np.where(np.abs(x) <= 1, x**2, 2 * np.abs(x) - 1), lambda x: np.where(x < 0, x**2, 0.5 * x**2)),
    *(lambda x: np.abs(x) + np.log1p(np.exp(-2 * np.abs(x))), lambda x: np.where(x > 0, x**2 + x, x**2 - x)),
    *(lambda x: np.exp(x) - x, lambda x: x**4 - x**2, lambda x: np.log(1 + x**2), lambda x: np.sqrt(np.abs(x))),
]
"""Operations from which convex losses come often; some are near misses."""

TWO = [
    *(np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum, np.hypot, np.logaddexp, np.add, np.subtract),
    *(special.rel_entr, special.kl_div, special.xlogy, lambda a, b: np.where(a > b, a, b), lambda a, b: a * a / b),
    *(np.fmax, lambda a, b: np.where(np.sqrt(a) >= b, a, b), lambda a, b: np.where(a == b, 0, a - b)),
    *(lambda a, b: np.where(a > 0, a, b), lambda a, b: np.sqrt(a) * np.sqrt(b), lambda a, b: np.exp(a - b)),
]
REDUCE = [
    *(np.sum, np.mean, np.max, np.min, np.linalg.norm, special.logsumexp, np.var, np.std, np.prod, np.ptp, np.sum),
    *(lambda x: x @ x, lambda x: np.sum(np.cumsum(x)), lambda x: np.linalg.norm(x, 1), lambda x: np.linalg.norm(x, 3)),
    *(lambda x: np.sum(np.abs(np.diff(x))), lambda x: x[0] * x[-1], lambda x: x[0], lambda x: x[-1] - x[0]),
]


def random_loss(seed: int) -> tuple[Callable[[Any], Any], int]:
    """A loss of a vector, and the number of its parameters. It takes traced values and arrays alike."""
    random = np.random.default_rng(seed)
    one = CALM if random.random() < 0.7 else ONE
    size = int(random.integers(1, 4))
    length = int(random.integers(1, 5))
    steps: list[tuple[Any, ...]] = []

    def constant(shape: tuple[int, ...]) -> Any:
        kind = random.integers(0, 4)
        value = np.round(random.standard_normal(shape) * random.choice([0.3, 1.0, 3.0]), 2)
        return (
            value
            if kind == 0
            else np.abs(value) + 0.1
            if kind == 1
            else -np.abs(value)
            if kind == 2
            else np.sign(value)
        )

    matrices = [constant((length, size)), constant((length, size))]
    offset = constant((length,))
    form = random.standard_normal((length, length))
    form = form @ form.T if random.random() < 0.6 else form + form.T
    for _ in range(int(random.choice([1, 1, 2, 2, 3, 4, 6]))):
        kind = random.random()
        if kind < 0.5:
            steps.append(("one", int(random.integers(len(one))), int(random.integers(100))))
        elif kind < 0.75:
            steps.append(("two", int(random.integers(len(TWO))), *random.integers(100, size=2).tolist()))
        elif kind < 0.9:
            steps.append(("scale", constant((length,)), int(random.integers(100)), random.random() < 0.5))
        else:
            steps.append(("matrix", constant((length, length)), int(random.integers(100))))
    endings = [
        (random.random() < 0.15, int(random.integers(len(REDUCE))), float(random.choice([1.0, 1.0, 0.5, -1.0])))
        for _ in range(int(random.integers(1, 4)))
    ]
    after = int(random.integers(len(one))) if random.random() < 0.3 else None

    def loss(x: Any) -> Any:
        values = [matrices[0] @ x + offset, matrices[1] @ x]
        for kind, *arguments in steps:
            if kind == "one":
                values.append(one[arguments[0]](values[-1 - min(arguments[1] % 3, len(values) - 1)]))
            elif kind == "two":
                a, b = (values[-1 - number % min(len(values), 3)] for number in arguments[1:])
                values.append(TWO[arguments[0]](a, b))
            elif kind == "scale":
                value = values[-1 - arguments[1] % min(len(values), 3)]
                values.append(value * arguments[0] if arguments[2] else value + arguments[0])
            else:
                values.append(arguments[0] @ values[-1 - arguments[1] % min(len(values), 3)])
        total: Any = 0.0
        for number, (is_form, ending, factor) in enumerate(endings):
            value = values[-1 - number % len(values)]
            part = value @ form @ value if is_form else REDUCE[ending](value)
            total = total + factor * part
        return total if after is None else one[after](total)

    return loss, size

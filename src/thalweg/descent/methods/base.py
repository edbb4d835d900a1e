"""What all methods of descent share: w ← w + μ Δw, with a direction Δw for which ∇f·Δw < 0, and a step μ.

A method is a frozen dataclass. Its numbers are inputs of the compiled program: another learning rate needs no other
program. To write one of your own, derive from `Method` and give the direction, in plain NumPy:

    @dataclass(frozen=True)
    class SignDescent(Method):
        learning_rate: float = 0.01

        def direction(self, now, state):
            return -np.sign(now.gradient), state
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Protocol

import numpy as np

from ...arguments import whole_number
from ...errors import ArgumentError
from ...graph import Array
from ..grid import Grid
from ..line_search import LineSearch

__all__ = [
    "Method",
    "Point",
    "Schedule",
    "SecondDerivatives",
    "check_count",
    "check_fraction",
    "check_learning_rate",
    "check_positive",
]

Schedule = Callable[[Any], Any]
"""A learning rate as a function of the step (0, 1, 2, ...), in plain NumPy."""


_NUMBER = (int, float, np.number)


def _is_number(value: Any) -> bool:
    return isinstance(value, _NUMBER) and not isinstance(value, bool)


def check_learning_rate(rate: Any) -> None:
    """Raises ArgumentError for a rate that cannot be one."""
    if callable(rate) or isinstance(rate, Grid):
        return
    if not _is_number(rate) or not (math.isfinite(rate) and rate > 0):
        raise ArgumentError(
            f"learning_rate={rate!r}: expected a number above 0, or a function of the step; "
            "try powers of ten, from 1e-4 to 1"
        )


def check_positive(name: str, value: Any) -> None:
    """Raises ArgumentError unless value > 0."""
    if not isinstance(value, Grid) and not (_is_number(value) and math.isfinite(value) and value > 0):
        raise ArgumentError(f"{name}={value!r}: expected a number above 0")


def check_fraction(name: str, value: Any) -> None:
    """Raises ArgumentError unless 0 ≤ value < 1."""
    if not isinstance(value, Grid) and not (_is_number(value) and 0 <= value < 1):
        raise ArgumentError(f"{name}={value!r}: expected a number from 0 up to, but not including, 1")


def check_count(name: str, value: Any) -> None:
    """Raises ArgumentError unless value is a whole number, 1 or more."""
    if not isinstance(value, Grid):
        whole_number(name, value)


class SecondDerivatives(Protocol):
    """Second derivatives of the loss at a point, as parts of the same graph."""

    def hessian(self) -> Any:
        """∇²f (P, P)."""
        ...

    def hessian_product(self, direction: Any) -> Any:
        """∇²f · direction (P,)."""
        ...


@dataclass(frozen=True)
class Point:
    """Where a descent stands before a step is taken.

    parameters: w (P,), all parameters as one vector. gradient: ∇f(w) (P,). loss: f(w). step: how many were taken.
    `hessian()` and `hessian_product(direction)` are computed only if a method asks for them.
    """

    parameters: Any
    gradient: Any
    loss: Any
    step: Any
    derivatives: SecondDerivatives | None = field(default=None, repr=False)

    def hessian(self) -> Any:
        """∇²f(w) (P, P)."""
        return self._derivatives().hessian()

    def hessian_product(self, direction: Any) -> Any:
        """∇²f(w) · direction (P,), without forming the Hessian."""
        return self._derivatives().hessian_product(direction)

    def _derivatives(self) -> SecondDerivatives:
        if self.derivatives is None:
            raise ArgumentError(
                "the method needs second derivatives, and there are none: the gradient is numerical or given. "
                "Use a loss in plain NumPy with the automatic gradient, or a method of first order such as tw.LBFGS()"
            )
        return self.derivatives


@dataclass(frozen=True)
class Method:
    """What all methods share. A method of your own derives from this class.

    initial_state: parameters (P,) → the method's memory, a nesting of arrays. By default there is none.
    direction: (now, state) → (Δw (P,), new state), where `now` is the `Point` that was reached. Required.
    rate: step → μ; by default the field `learning_rate`, a number or a schedule.
    line_search: finds μ by trying; the rate is then only the length that is tried first. By default there is none.

    A method whose steps start from a point further on has `looks_ahead = True` and `ahead(parameters, state) → (point, state)`.
    A method that needs several rounds for a direction, such as conjugate gradients on Hessian-vector products, also has
    `begin(now, state) → state` and `improve(now, state) → (state, is_done)`, which is repeated until it is done.
    """

    line_search: LineSearch | None = field(default=None, kw_only=True)

    scaled_from: ClassVar[int | None] = None
    """The step from which on Δw has a natural length, so that μ = 1 is tried first; None if it never has."""

    has_rounds: ClassVar[bool] = False
    """Whether a direction takes several rounds."""

    looks_ahead: ClassVar[bool] = False
    """Whether a step starts from another point than the parameters: from the one that `ahead` gives."""

    takes_proximal: ClassVar[bool] = False
    """Whether Δw is −∇f where the descent comes to rest, so that a penalty's proximal step may follow it."""

    def initial_state(self, parameters: Array) -> Any:
        """The memory that the method starts with."""
        return ()

    def direction(self, now: Point, state: Any) -> tuple[Any, Any]:
        """Δw and the memory for the next step."""
        raise ArgumentError(f"{type(self).__name__} has no method direction(self, now, state)")

    def ahead(self, parameters: Any, state: Any) -> tuple[Any, Any]:
        """The point that the step starts from, and the memory."""
        return parameters, state

    def factor(self, state: Any) -> Any:
        """Of a method that looks ahead: a factor on the rate, from its memory."""
        return 1.0

    def begin(self, now: Point, state: Any) -> Any:
        """The memory with which the rounds begin."""
        return state

    def improve(self, now: Point, state: Any) -> tuple[Any, Any]:
        """One round: the memory, and whether `direction` can be asked for."""
        raise ArgumentError(f"{type(self).__name__} has rounds but no method improve(self, now, state)")

    def __str__(self) -> str:
        """The method as it would be written; without a line search none is mentioned."""
        shown = [field.name for field in fields(self) if field.name != "line_search"]
        shown += ["line_search"] if self.line_search is not None else []
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    def rate(self, step: Any) -> Any:
        """How far to go: μ."""
        rate = getattr(self, "learning_rate", 1.0)
        return rate(step) if callable(rate) else rate

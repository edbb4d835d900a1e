"""What a scene is about: a loss and where to begin, with its values, gradients and curvatures at any points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..descent.evaluation import gradients_at, losses_at
from ..descent.minimize import plan_of
from ..descent.plan import Plan
from ..graph import Array
from ..transformations import hvp
from .gallery import Window

__all__ = ["Examples", "Subject"]


@dataclass(frozen=True, eq=False)
class Examples:
    """Small data, and the model that is fitted to them.

    X (N, n), y (N,): as the model sees them. features, target: what they are called. classes: their names, if y is 0 or 1.
    predict: (parameters, X) → predictions.
    """

    X: Array
    y: Array
    features: tuple[str, ...]
    target: str
    predict: Callable[[Any, Array], Array]
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Subject:
    """A loss to walk on.

    loss: of the parameters, and of the examples if there are any. parameters: where to begin, nested as the loss has them.
    names: of the parameters, one by one. window: what is seen, for one and two parameters. rate: a learning rate that does well.
    """

    loss: Callable[..., Any]
    parameters: Any
    names: tuple[str, ...]
    rate: float
    formula: str = ""
    window: Window | None = None
    examples: Examples | None = field(default=None)

    @property
    def data(self) -> tuple[Array, ...] | None:
        """What the loss gets after the parameters."""
        return None if self.examples is None else (self.examples.X, self.examples.y)

    @cached_property
    def plan(self) -> Plan:
        """The loss, traced. Raises what `minimize` raises."""
        return plan_of(self.loss, self.parameters, data=self.data)[0]

    @property
    def start(self) -> Array:
        """Where to begin, as one vector (P,)."""
        return self.plan.problem.layout.vector(self.parameters)

    @property
    def size(self) -> int:
        """The number of parameters P."""
        return self.plan.problem.layout.size

    def nested(self, vector: Array | Sequence[float]) -> Any:
        """A vector (P,) as the loss has it."""
        return self.plan.problem.layout.tree(np.array(vector, np.float64))

    def losses(self, points: Array) -> Array:
        """(M, P) → (M,)."""
        return losses_at(self.plan.problem, np.asarray(points, np.float64), self.plan.data.arrays)

    def gradients(self, points: Array) -> Array:
        """(M, P) → (M, P)."""
        return gradients_at(self.plan.problem, np.asarray(points, np.float64), self.plan.data.arrays)

    @cached_property
    def _hessian_product(self) -> Callable[..., Any]:
        layout, arrays = self.plan.problem.layout, self.data or ()
        return hvp(lambda vector: self.loss(layout.tree(vector), *arrays))

    def hessian_product(self, point: Array, direction: Array) -> Array:
        """∇²f(point) · direction, (P,)."""
        return np.asarray(self._hessian_product(point, direction))

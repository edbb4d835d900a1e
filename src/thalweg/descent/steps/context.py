"""What the stages of a step work with while they are traced: the loss and its derivatives, the method, the rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import optree

from ...autodiff import batched, pushforward
from ...errors import ArgumentError, LossError
from ...graph import Node, constant, inline, input_node, topological_order
from ...trace import Traced, as_traced
from ..methods.base import Method, Point, SecondDerivatives
from ..parameters import flatten
from ..penalties import Penalty
from ..problem import Problem
from ..stopping import Measurement, StoppingRule, evaluate
from .status import Status, status_of

__all__ = [
    "Context",
    "Stage",
    "State",
    "Turn",
    "along_units",
    "chosen",
    "dot_of",
    "is_finite",
    "kept_type",
    "kept_types",
    "norm_of",
]

FLOAT64 = np.dtype(np.float64)

State = dict[str, Any]
"""All that is carried from step to step, by name: arrays, or traced values while a stage is traced."""


@dataclass(frozen=True)
class Turn:
    """What a stage yields: the new state, and, of the stage that looks at a new point, a row of the history and the status."""

    state: State
    recorded: tuple[Any, ...] = ()
    status: Any = None


@dataclass(eq=False)
class _Derivatives:
    """Second derivatives of the loss at a point: forward mode over reverse mode."""

    context: Context
    parameters: Any
    _gradient: Node | None = field(default=None)

    def _gradient_node(self) -> Node:
        if self._gradient is None:
            nodes = [self.parameters.node, *(x.node for x in self.context.data)]
            self._gradient = inline(self.context.problem.with_gradient, nodes)[1]
        return self._gradient

    def _check_curvature(self) -> None:
        unit = input_node(self.parameters.node.type, "unit")
        (tangent,) = pushforward([self._gradient_node()], [self.parameters.node], [unit])
        if unit not in topological_order([tangent]):
            raise LossError(
                "the Hessian of the loss is zero everywhere: the loss is made of straight pieces, such as np.abs(x), so a method "
                "of second order has nothing to go by. Use tw.LBFGS() or tw.Adam(), or a smooth loss"
            )

    def hessian_product(self, direction: Any) -> Any:
        """∇²f · direction."""
        self._check_curvature()
        tangent = as_traced(direction).astype(self.parameters.dtype).node
        return Traced(pushforward([self._gradient_node()], [self.parameters.node], [tangent])[0])

    def hessian(self) -> Any:
        """∇²f: the products with all unit vectors at once."""
        self._check_curvature()
        size = self.parameters.shape[0]
        return Traced(along_units(self._gradient_node(), self.parameters.node, size))


def along_units(output: Node, parameters: Node, size: int) -> Node:
    """∂output/∂parameter for each of the parameters (P, *output.shape), in forward mode."""
    unit = input_node(parameters.type, "unit")
    (tangent,) = pushforward([output], [parameters], [unit])
    units = constant(np.eye(size, dtype=parameters.dtype))
    return batched([tangent], [unit], [units], size)[0]


@dataclass(eq=False)
class Context:
    """A problem, a method and a rule whose numbers are traced inputs. seconds: since the descent began. validation: loss
    and number of the last check on validation data. data: the batch, and the loss's own numbers. penalty: what acts by
    proximal steps. rate_factor: what a person multiplies the learning rate by."""

    problem: Problem
    method: Method
    rule: StoppingRule
    seconds: Any
    validation: tuple[Any, Any]
    data: Sequence[Any]
    own_method: Method
    penalty: Penalty | None = None
    rate_factor: Any = None

    def kinked(self, parameters: Any) -> Any:
        """The part of the penalty that has a kink, as float64; 0 if there is none."""
        if self.penalty is None:
            return np.float64(0)
        return as_traced(self.penalty.kinked(self.problem.layout.tree(parameters))).astype(FLOAT64)

    def proximal(self, parameters: Any, step: Any) -> Any:
        """The penalty's proximal step, on the vector of all parameters."""
        if self.penalty is None:
            return parameters
        leaves, _ = flatten(self.penalty.proximal(self.problem.layout.tree(parameters), step))
        vector: Any = np.concatenate([as_traced(leaf).reshape(-1) for leaf in leaves])
        return vector.astype(parameters.dtype)

    def evaluate(self, parameters: Any) -> tuple[Any, Any]:
        """Loss, as float64, and gradient at a point."""
        nodes = [parameters.node, *(x.node for x in self.data)]
        loss, gradient = inline(self.problem.with_gradient, nodes)
        return Traced(loss).astype(FLOAT64), Traced(gradient)

    def loss(self, parameters: Any) -> Any:
        """The loss alone."""
        (loss,) = inline(self.problem.graph, [parameters.node, *(x.node for x in self.data)])
        return Traced(loss).astype(FLOAT64)

    def derivatives(self, parameters: Any) -> SecondDerivatives | None:
        """Second derivatives at a point, where the gradient was derived from the graph."""
        return _Derivatives(self, parameters) if self.problem.is_differentiated else None

    def point(self, parameters: Any, gradient: Any, loss: Any, step: Any) -> Point:
        """What a method sees."""
        count = step.astype(parameters.dtype)
        return Point(parameters, gradient, loss, count, self.derivatives(parameters))

    def number(self, name: str) -> Any:
        """A number of the method, traced."""
        return getattr(self.method, name)

    def rules(self, state: State, loss: Any, norm: Any) -> tuple[Any, Any, list[Any]]:
        """Whether the rule fires, its new memory, and what each simple rule says."""
        fired: list[Any] = []
        now = Measurement(state["step"], loss, norm, self.seconds, *self.validation)
        stops, memory = evaluate(self.rule, now, state["rule"], fired)
        return stops, kept_types(memory, state["rule"], "a stopping rule changes its memory"), fired

    def status(
        self, loss: Any, norm: Any, stops: Any, fired: Sequence[Any], exceptions: Sequence[tuple[Any, Status]] = ()
    ) -> Any:
        """The status of a step, of which `stops` and `fired` come from `rules`."""
        return status_of(loss, norm, stops, fired, exceptions)

    def direction(self, now: Point, state: Any) -> tuple[Any, Any]:
        """The method's direction and memory, with the shapes that they had."""
        name = type(self.own_method).__name__
        own = replace(
            now, parameters=now.parameters.copy(), gradient=now.gradient.copy()
        )  # a method may write into what it is given
        leaves, structure = flatten(state)
        own_state = optree.tree_unflatten(structure, [leaf.copy() for leaf in leaves])
        direction, memory = _pair(self.method.direction(own, own_state), f"{name}.direction")
        kept = kept_type(direction, now.parameters, f"{name}.direction changes the shape of the parameters")
        return kept, kept_types(memory, state, f"{name}.direction changes its state")

    def rate(self, parameters: Any, step: Any) -> Any:
        """The learning rate, one number of the parameters' dtype."""
        rate = as_traced(self.method.rate(step.astype(parameters.dtype)))
        if rate.size != 1:
            name = type(self.own_method).__name__
            raise ArgumentError(f"{name}: the learning rate has the shape {rate.shape}; expected one number")
        own = rate.reshape(()).astype(parameters.dtype)
        return own if self.rate_factor is None else own * self.rate_factor.astype(parameters.dtype)

    def ascents(self, state: State, slope: Any) -> State:
        """How many directions did not point downhill, and the first step of which that is true."""
        is_ascent = ~(slope < 0) & ~(slope == 0)
        first = np.where(is_ascent & (state["ascents"] == 0), state["step"], state["first_ascent"])
        return {"ascents": state["ascents"] + np.where(is_ascent, 1, 0), "first_ascent": first}


def norm_of(vector: Any) -> Any:
    """The Euclidean norm, in float64; infinite beyond 1e154, where a descent has failed anyway.

    Written so that it is not taken for a norm that has to be protected from overflow, which would cost a second pass.
    """
    wide = vector.astype(FLOAT64)
    return np.sqrt(np.maximum(np.sum(wide * wide), 0.0))


def dot_of(a: Any, b: Any) -> Any:
    """The inner product, in float64."""
    return np.sum(a.astype(FLOAT64) * b.astype(FLOAT64))


def is_finite(vector: Any) -> Any:
    """Whether no element is infinite or NaN: 0 times either is NaN."""
    return np.isfinite(np.sum(vector * 0))


def _pair(value: Any, what: str) -> tuple[Any, Any]:
    if not isinstance(value, tuple) or len(value) != 2:
        raise ArgumentError(
            f"{what} returns {value!r}; expected a pair: the direction, and the state for the next step"
        )
    return value


def kept_type(new: Any, old: Any, what: str) -> Traced:
    """The new value with the old one's shape and dtype. Raises ArgumentError if it has another."""
    value = as_traced(new)
    if value.dtype != old.dtype and (value.dtype.kind == old.dtype.kind or value.dtype.kind in "bi"):
        value = value.astype(old.dtype)
    if value.shape == () and old.shape != ():
        value = np.broadcast_to(value, old.shape)  # type: ignore[assignment]  # traced, as it was
    if value.shape != old.shape or value.dtype != old.dtype:
        before, after = as_traced(old).node.type, value.node.type
        raise ArgumentError(f"{what}: {before} became {after}. Every step must keep shapes and dtypes.")
    return value


def chosen(condition: Any, yes: Any, no: Any) -> Any:
    """One nesting or the other."""
    yes_leaves, _ = flatten(yes)
    no_leaves, structure = flatten(no)
    leaves = [np.where(condition, a, b) for a, b in zip(yes_leaves, no_leaves, strict=True)]
    return optree.tree_unflatten(structure, leaves)


def kept_types(new: Any, old: Any, what: str) -> Any:
    """The new nesting with the old one's structure, shapes and dtypes. Raises ArgumentError if it has others."""
    new_leaves, new_structure = flatten(new)
    old_leaves, old_structure = flatten(old)
    if new_structure != old_structure:
        raise ArgumentError(f"{what}: {old_structure} became {new_structure}. Return the same nesting.")
    kept = [kept_type(a, b, what) for a, b in zip(new_leaves, old_leaves, strict=True)]
    return optree.tree_unflatten(old_structure, kept)


Stage = Callable[[Context, State], Turn]
"""A stage of a step, as a function to be traced."""

"""A loss, traced: checked once, as a graph of the parameter vector and the data."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import optree

from ..autodiff.reverse import active_nodes
from ..errors import DataError, LossError, SourceLine, TracingError
from ..graph import Array, ArrayType, Graph, Node
from ..rewrite import simplify
from ..trace import Traced, trace
from .gradients import Automatic, GradientSource, Numerical, called
from .parameters import Layout, layout_of, leaf_arrays
from .penalties import Penalty
from .reuse import Known, form_of, graph_key, with_own_constants

__all__ = ["UNTRACED_HINT", "Data", "Problem", "check_data", "check_finite", "data_of", "problem_of"]


@dataclass(frozen=True, eq=False)
class Data:
    """The arrays that the loss is given beside the parameters. arrays: all leaves. structure: of the arguments."""

    arrays: tuple[Array, ...]
    structure: Any

    @property
    def examples(self) -> int:
        """The number of examples: the length of every array's first axis; 0 if there are no data."""
        return self.arrays[0].shape[0] if self.arrays else 0


@dataclass(frozen=True, eq=False)
class Problem:
    """What is to be minimised.

    graph: (θ, *data, *numbers) → loss, for a number of examples. layout: how θ holds the parameters. source: of the gradient.
    is_traced: whether loss and gradient are graphs; else they are calls of Python functions, and cannot be compiled.
    known: steps and programs that were made for it. numbers: the named arguments of the loss that are inputs of the graph,
    so that every member of a population can have its own. penalty: what is not part of the graph, since it has a kink.
    """

    layout: Layout
    graph: Graph
    source: GradientSource
    is_traced: bool = True
    known: Known = field(default_factory=lambda: Known(32))
    numbers: tuple[str, ...] = ()
    penalty: Penalty | None = None

    @property
    def data_inputs(self) -> tuple[Node, ...]:
        """The inputs of the graph that are arrays of data."""
        return self.graph.inputs[1 : len(self.graph.inputs) - len(self.numbers)]

    @cached_property
    def with_gradient(self) -> Graph:
        """(θ, *data) → (loss, gradient (P,))."""
        return self.source.with_gradient(self.graph)

    @property
    def is_differentiated(self) -> bool:
        """Whether the gradient comes from the graph, so that there are second derivatives as well."""
        return isinstance(self.source, Automatic)


def data_of(data: Any) -> Data:
    """The data as arrays. `data` is what the loss gets after the parameters: a tuple of arguments, or one array.

    Raises DataError if arrays differ in length or are empty. NaN and infinity are looked for if a loss is not finite.
    """
    arguments = data if isinstance(data, tuple) else (data,)
    if data is None:
        arguments = ()
    arguments = tuple(_as_array(argument) for argument in arguments)
    leaves, structure = leaf_arrays(arguments)
    for number, array in enumerate(leaves):
        if not array.ndim:
            raise DataError(
                f"data[{number}] is a single number; data hold one row per example. Write it into the loss instead."
            )
        if array.shape[0] != leaves[0].shape[0]:
            raise DataError(
                f"data[0] has {leaves[0].shape[0]} rows and data[{number}] has {array.shape[0]}: "
                "all arrays of data need one row per example"
            )
        if not array.size:
            raise DataError(f"data[{number}] is empty: its shape is {array.shape}")
    return Data(tuple(leaves), structure)


def _as_array(argument: Any) -> Any:
    """Tables of other libraries as arrays; nestings stay."""
    if isinstance(argument, dict | list | tuple | np.ndarray):
        return np.asarray(argument) if isinstance(argument, list) else argument
    return np.asarray(argument)


def check_data(data: Data, name: str = "data") -> None:
    """Raises DataError, naming the row and the column, if the data hold NaN or infinity."""
    for number, array in enumerate(data.arrays):
        check_finite(array, f"{name}[{number}]")


def check_finite(array: Array, name: str) -> None:
    """Raises DataError, naming the row and the column, if an array of data holds NaN or infinity."""
    if array.dtype.kind != "f":
        return
    step = max(1, (1 << 20) // max(1, array[0].size))
    for start in range(0, array.shape[0], step):
        block = array[start : start + step]
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(np.sum(block, dtype=np.float64)):
                continue
        bad = np.argwhere(~np.isfinite(block))
        if bad.size:
            row, *rest = bad[0].tolist()
            column = f", column {rest[0]}" if rest else ""
            value = block[tuple(bad[0])]
            raise DataError(
                f"{name} holds {value} in row {row + start}{column} (counted from 0). Remove the row or fill the value "
                "in, for example with the column's median."
            )


def problem_of(
    loss: Callable[..., Any],
    parameters: Any,
    data: Data,
    rows: int,
    source: GradientSource | None = None,
    numbers: tuple[str, ...] = (),
    penalty: Penalty | None = None,
) -> Problem:
    """Traces the loss for the given number of examples. source: of the gradient; by default automatic. numbers: named
    arguments of the loss that are to be inputs of the graph. penalty: its smooth part joins the loss.

    Raises LossError if it is no loss: not a float, not a scalar, or independent of the parameters. A loss that cannot be
    traced is called as it is, if the source of the gradient can do with that; else raises TracingError.
    """
    layout = layout_of(parameters)
    source = source or Automatic()
    types = [ArrayType((layout.size,), layout.dtype)]
    types += [ArrayType((rows, *array.shape[1:]), array.dtype) for array in data.arrays]
    count = len(data.arrays)

    def arguments(vector: Any, *arrays: Any) -> tuple[Any, ...]:
        return (layout.tree(vector), *(optree.tree_unflatten(data.structure, arrays[:count]) if count else ()))

    def on_arrays(vector: Any, *arrays: Any) -> Sequence[Any]:
        named = dict(zip(numbers, arrays[count:], strict=True))
        given = arguments(vector, *arrays)
        value = _check_value(loss, loss(*given, **named))
        return (value if penalty is None else value + penalty.smooth(given[0]),)

    bound = source.bound(layout, types, arguments)
    is_traced = bound.is_traced
    try:
        graph = trace(on_arrays, types + [ArrayType((), layout.dtype)] * len(numbers), ["parameters"])
    except (TracingError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        if isinstance(source, Automatic):
            if isinstance(error, TracingError):
                raise TracingError(f"{error} {UNTRACED_HINT}") from None
            raise
        graph, is_traced = called(loss, layout, types, arguments), False
    if not is_traced:
        return Problem(layout, graph, bound, is_traced)
    kinked = penalty if penalty is not None and penalty.has_kink else None

    key = _key(graph, layout, source, numbers, kinked)

    def make() -> Problem:
        _check_dependence(loss, graph, source)
        own = graph if key is None else with_own_constants(graph)
        return Problem(layout, simplify(own), bound, numbers=numbers, penalty=kinked)

    found = _KNOWN.get(key, make)
    return found if kinked is None else dataclasses.replace(found, penalty=kinked)  # with its own numbers


_KNOWN = Known(32)


def _key(
    graph: Graph, layout: Layout, source: GradientSource, numbers: tuple[str, ...], penalty: Penalty | None
) -> Hashable | None:
    """What a problem is known by; a gradient that is given may refer to anything."""
    key = graph_key(graph) if isinstance(source, Automatic | Numerical) else None
    form = () if penalty is None else form_of(penalty)
    return None if key is None or form is None else (key, layout, source, numbers, form)


UNTRACED_HINT = (
    'Or, to run the loss as it is, uncompiled, pass gradient="numerical", or a function that returns the gradient.'
)


def _check_dependence(loss: Callable[..., Any], graph: Graph, source: GradientSource) -> None:
    if graph.inputs[0] not in graph.nodes:
        raise LossError(
            f"{describe(loss)} does not depend on the parameters: its gradient would be zero everywhere. "
            "Use the first argument in the value that is returned."
        )
    if isinstance(source, Automatic) and graph.outputs[0] not in active_nodes(graph.nodes, graph.inputs[:1]):
        raise LossError(
            f"{describe(loss)} depends on the parameters only through comparisons or whole numbers, so its gradient is zero "
            "everywhere. Use a smooth measure instead, such as the logistic loss for a share of errors."
        )


def _check_value(loss: Callable[..., Any], value: Any) -> Any:
    where = describe(loss)
    if value is None:
        raise LossError(f"{where} returns nothing. End it with `return` and the loss.")
    if isinstance(value, tuple | list | dict):
        raise LossError(
            f"{where} returns a {type(value).__name__}; a loss is one number. Return the loss alone, or the sum of its parts."
        )
    if not isinstance(value, Traced):
        raise LossError(
            f"{where} returns {value!r}, which does not depend on the parameters. Use the first argument in the value "
            "that is returned."
        )
    if value.shape != ():
        if value.size == 1:
            return value.reshape(())
        raise LossError(
            f"{where} returns an array of the shape {value.shape}; a loss is one number. Write np.mean(...) or np.sum(...) "
            "around it."
        )
    if value.dtype.kind != "f":
        raise LossError(f"{where} returns {value.dtype}; a loss is a floating-point number.")
    return value


def describe(function: Callable[..., Any]) -> str:
    """A function's name and the place where it is written."""
    while isinstance(function, functools.partial):
        function = function.func
    name = getattr(function, "__name__", type(function).__name__)
    code = getattr(function, "__code__", None)
    if code is None:
        return f"the loss {name}"
    return f"the loss {SourceLine(code.co_filename, code.co_firstlineno, name)}"

"""A loss, traced: checked once, as a graph of the parameter vector and the data."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Real
from typing import Any

import optree

from ..autodiff.reverse import active_nodes
from ..errors import LossError, SourceLine, TracingError
from ..graph import ArrayType, Graph, Node
from ..rewrite import simplify
from ..trace import LocalArray, Reading, Traced, as_traced, current_source, reads, trace
from .data import Data
from .gradients import Automatic, GradientSource, Numerical, called
from .parameters import Layout, has_plain_containers, key_orders, layout_of
from .penalties import Penalty
from .repeatable import first_difference
from .reuse import Known, form_of, graph_key, with_own_constants

__all__ = ["UNTRACED_HINT", "Problem", "problem_of"]


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
    types += [ArrayType((rows, *type.shape), type.dtype) for type in data.types]
    types += [ArrayType((), layout.dtype)] * len(numbers)
    # Where all that the loss refers to is known to be the same as before, it need not be traced to see that.
    reading = reads(loss) if penalty is None and isinstance(source, Automatic) else None
    nestings = layout.structure, data.structure
    key: Hashable | None = None
    if reading is not None and all(map(has_plain_containers, nestings)):
        orders = tuple(map(key_orders, nestings))
        key = reading, layout, tuple(types), data.structure, orders, numbers, current_source()
    return _UNCHANGED.get(
        key, lambda: _traced(loss, parameters, layout, types, data, source, numbers, penalty, reading)
    )


def _traced(
    loss: Callable[..., Any],
    parameters: Any,
    layout: Layout,
    types: Sequence[ArrayType],
    data: Data,
    source: GradientSource,
    numbers: tuple[str, ...],
    penalty: Penalty | None,
    reading: Reading | None,
) -> Problem:
    """reading: what the loss is known to depend on."""
    count = len(data.types)

    def arguments(vector: Any, *arrays: Any) -> tuple[Any, ...]:
        return (layout.tree(vector), *(optree.tree_unflatten(data.structure, arrays[:count]) if count else ()))

    def on_arrays(vector: Any, *arrays: Any) -> Sequence[Any]:
        named = dict(zip(numbers, arrays[count:], strict=True))
        value = _check_value(loss, loss(*arguments(vector, *arrays), **named))
        return (value if penalty is None else value + penalty.smooth(layout.tree(vector)),)

    of_arrays = types[: 1 + count]
    bound = source.bound(layout, of_arrays, arguments)
    is_traced = bound.is_traced
    try:
        graph = trace(on_arrays, types, ["parameters"])
    except (TracingError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        if isinstance(error, TypeError) and not isinstance(error, TracingError):
            _check_signature(loss, data, numbers)
        if isinstance(source, Automatic):
            if isinstance(error, TracingError):
                raise TracingError(f"{error} {UNTRACED_HINT}") from None
            if type(parameters) in (list, tuple) and all(isinstance(number, Real) for number in parameters):
                raise TracingError(
                    f"{describe(loss)} gets its parameters as they were given, a {type(parameters).__name__} of numbers, and fails: "
                    f"{error}. For a vector write np.array({list(parameters)[:4]})."
                ) from error
            raise
        graph, is_traced = called(loss, of_arrays, arguments), False
    if not is_traced:
        return Problem(layout, graph, bound, is_traced)
    kinked = penalty if penalty is not None and penalty.has_kink else None
    has_arrays = reading is not None and reading.has_arrays

    key = _key(graph, layout, source, numbers, kinked)

    def make() -> Problem:
        _check_dependence(loss, graph, source)
        if reading is None or has_arrays:  # into which it may write
            _check_repeatable(loss, graph, trace(on_arrays, types, ["parameters"]))
        own = graph if key is None and not has_arrays else with_own_constants(graph)
        return Problem(layout, simplify(own), bound, numbers=numbers, penalty=kinked)

    found = _KNOWN.get(key, make)
    return found if kinked is None else dataclasses.replace(found, penalty=kinked)  # with its own numbers


_UNCHANGED = Known(32)
_KNOWN = Known(32)


def _key(
    graph: Graph, layout: Layout, source: GradientSource, numbers: tuple[str, ...], penalty: Penalty | None
) -> Hashable | None:
    """What a problem is known by; a gradient that is given may refer to anything."""
    key = graph_key(graph) if isinstance(source, Automatic | Numerical) else None
    form = () if penalty is None else form_of(penalty)
    return None if key is None or form is None else (key, layout, source, numbers, form)


def _check_signature(loss: Callable[..., Any], data: Data, numbers: tuple[str, ...]) -> None:
    """Raises LossError if the loss cannot be called with the parameters and the data."""
    try:
        signature = inspect.signature(loss)
    except (TypeError, ValueError):  # of compiled code
        return
    given = data.structure.num_children
    try:
        signature.bind(*range(1 + given), **dict.fromkeys(numbers))
    except TypeError as error:
        told = f"the parameters and {given} argument{'s' * (given > 1)} of data" if given else "the parameters alone"
        raise LossError(
            f"{describe(loss)} takes {signature}, and is called with {told}: {error}. The parameters come first, nested in one argument; "
            "what is passed as data=(X, y) comes after them, and functools.partial(loss, name=...) gives it anything else."
        ) from None


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


def _check_repeatable(loss: Callable[..., Any], graph: Graph, again: Graph) -> None:
    node = first_difference(graph, again)
    if node is not None:
        raise LossError(
            f"{describe(loss)} is not the same from one call to the next: it first differs at {node.source or 'what it returns'}. Random "
            "numbers, the time and counters would stay for ever as they were when it was traced. Draw random numbers before the descent, "
            "and pass them with data=...; or make their generator within the loss, with a seed: np.random.default_rng(0)."
        )


def _check_value(loss: Callable[..., Any], value: Any) -> Any:
    where = describe(loss)
    if value is None:
        raise LossError(f"{where} returns nothing. End it with `return` and the loss.")
    if isinstance(value, tuple | list | dict):
        raise LossError(
            f"{where} returns a {type(value).__name__}; a loss is one number. Return the loss alone, or the sum of its parts."
        )
    value = as_traced(value) if isinstance(value, LocalArray) else value
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

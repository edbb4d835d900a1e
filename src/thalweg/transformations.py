"""Derivatives of functions, as functions: grad, value_and_grad, jacobian, hessian, jvp, vjp, hvp.

They work on arrays, compiled, and within one another and within a loss, where they are traced. The arguments that are
differentiated may be nestings of arrays. A function is traced once for each set of shapes, as it stands at that time:
values that it reads from outside of its arguments are constants from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, wraps
from itertools import accumulate
from typing import Any

import numpy as np
import optree

from .autodiff import batched, gradient, pullback, pushforward
from .descent.parameters import flatten, key_orders
from .descent.problem import describe
from .descent.reuse import with_own_constants
from .errors import ArgumentError, LossError
from .graph import ArrayType, Graph, Node, constant, inline, input_node
from .rewrite import simplify
from .trace import Traced, as_traced, holds_traced, trace
from .trace.traced import type_of
from .uncollected import uncollected

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]

Function = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class _Derived:
    """What was derived for arguments of one kind.

    graph: of the leaves of all arguments. form: of the function's value. structures: of the arguments that are differentiated;
    is_one: whether there is one that was not given in a tuple. whole: the numbers of the leaves that hold whole numbers and are taken
    as floats.
    """

    graph: Graph
    form: Any
    structures: list[Any]
    is_one: bool
    whole: list[int]

    @cached_property
    def compiled(self) -> Function:
        from .compile.function import compiled  # the compiler is loaded when it is first needed

        return compiled(self.graph)

    def __call__(self, leaves: list[Any]) -> list[Any]:
        """The outputs: arrays, or traced values if there is one among the leaves."""
        for number in self.whole:
            leaves[number] = leaves[number].astype(np.float64)
        if any(isinstance(leaf, Traced) for leaf in leaves):
            return [Traced(node) for node in inline(self.graph, [as_traced(leaf).node for leaf in leaves])]
        return list(self.compiled(*leaves))

    def like_arguments(self, results: Sequence[Any]) -> Any:
        """Results for the differentiated arguments, nested as these are."""
        trees, start = [], 0
        for structure in self.structures:
            end = start + structure.num_leaves
            trees.append(optree.tree_unflatten(structure, results[start:end]))
            start = end
        return trees[0] if self.is_one else tuple(trees)


def _positions(argnums: int | Sequence[int], count: int, function: Function) -> tuple[int, ...]:
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    for number in numbers:
        if not isinstance(number, int) or not -count <= number < count:
            raise ArgumentError(f"argnums={argnums!r}, but {describe(function)} was called with {count} arguments")
    return tuple(number % count for number in numbers)


def _type(leaf: Any) -> ArrayType:
    return leaf.node.type if isinstance(leaf, Traced) else type_of(leaf)


def _numbers_of(positions: Sequence[int], counts: Sequence[int]) -> tuple[int, ...]:
    starts = [0, *accumulate(counts)]
    return tuple(number for p in positions for number in range(starts[p], starts[p + 1]))


def _trace(function: Function, types: Sequence[ArrayType], structures: Any, counts: Any) -> tuple[Graph, Any]:
    """The function's graph, and the structure of what it returns."""
    structure: list[Any] = []

    def on_leaves(*leaves: Any) -> Sequence[Any]:
        arguments, start = [], 0
        for form, count in zip(structures, counts, strict=True):
            arguments.append(optree.tree_unflatten(form, leaves[start : start + count]))
            start += count
        value = function(*arguments)
        if value is None:
            raise LossError(f"{describe(function)} returns nothing. End it with `return` and its value.")
        found, form = flatten(value)
        structure.append(form)
        return found

    graph = simplify(with_own_constants(trace(on_leaves, types)))
    return graph, structure[0]


def _scalar(graph: Graph, function: Function) -> Node:
    (output, *others) = graph.outputs
    if others or output.type.size != 1:
        shapes = ", ".join(str(node.shape) for node in graph.outputs)
        raise LossError(
            f"grad needs a function of one number; {describe(function)} returns the shape {shapes}. "
            "Write np.sum(...) or np.mean(...) around it, or use jacobian."
        )
    if output.dtype.kind != "f":
        raise LossError(f"grad needs a floating-point value; {describe(function)} returns {output.dtype}")
    return output


def _transformed(
    function: Function,
    argnums: int | Sequence[int],
    derive: Callable[[Graph, tuple[int, ...], list[Node]], tuple[Node, ...]],
    finish: Callable[[_Derived, list[Any]], Any] = _Derived.like_arguments,
    extra: int = 0,
) -> Function:
    """A function that traces, derives and runs. finish: what becomes of the outputs. The last `extra` arguments go to `derive`, and
    not to the function."""
    cache: dict[Any, _Derived] = {}

    @uncollected()
    def derived(structures: Sequence[Any], leaves: Sequence[Any]) -> _Derived:
        split = len(structures) - extra
        positions = _positions(argnums, split, function)
        counts = [structure.num_leaves for structure in structures]
        own = sum(counts[:split])
        numbers = _numbers_of(positions, counts[:split])
        whole = [n for n in {*numbers, *range(own, len(leaves))} if leaves[n].dtype.kind in "iub"]
        types = [_type(leaf.astype(np.float64) if n in whole else leaf) for n, leaf in enumerate(leaves)]
        graph, form = _trace(function, types[:own], structures[:split], counts[:split])
        further = [input_node(type) for type in types[own:]]
        outputs = derive(graph, numbers, further)
        graph = simplify(Graph((*graph.inputs, *further), outputs))
        return _Derived(graph, form, [structures[p] for p in positions], isinstance(argnums, int), whole)

    @wraps(function)
    def transformed(*arguments: Any) -> Any:
        found, structure = flatten(arguments)
        leaves = [as_traced(leaf) if holds_traced(leaf) else np.asarray(leaf) for leaf in found]
        key = structure, key_orders(structure), *[(leaf.shape, leaf.dtype) for leaf in leaves]
        if key not in cache:
            cache[key] = derived(structure.children(), leaves)
        return finish(cache[key], cache[key](leaves))

    return transformed


def _number(value: Any) -> Any:
    """A loss as a scalar."""
    return value.reshape(()) if isinstance(value, Traced) else value.reshape(())[()]


def value_and_grad(function: Function, argnums: int | Sequence[int] = 0) -> Function:
    """The function that returns f(...) and its gradient.

    function: returns one floating-point number. argnums: which arguments to differentiate; a tuple gives a tuple.
    The gradient has the nesting and the shapes of the argument.

    >>> value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    (5.0, array([2., 4.]))
    """

    def derive(graph: Graph, numbers: tuple[int, ...], _: list[Node]) -> tuple[Node, ...]:
        output = _scalar(graph, function)
        seed = constant(np.ones(output.shape, output.dtype))
        return (output, *pullback([output], [seed], [graph.inputs[n] for n in numbers]))

    def finish(derived: _Derived, results: list[Any]) -> Any:
        return _plain(_number(results[0])), derived.like_arguments(results[1:])

    return _transformed(function, argnums, derive, finish)


def _plain(value: Any) -> Any:
    """float64 numbers as Python floats."""
    return float(value) if isinstance(value, np.float64) else value


def grad(function: Function, argnums: int | Sequence[int] = 0) -> Function:
    """The gradient of a function, as a function of the same arguments.

    function: returns one floating-point number. argnums: which arguments to differentiate; a tuple gives a tuple.

    >>> grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    both = value_and_grad(function, argnums)

    @wraps(function)
    def gradient_of(*arguments: Any) -> Any:
        return both(*arguments)[1]

    return gradient_of


def vjp(function: Function, argnums: int | Sequence[int] = 0) -> Function:
    """(*arguments, t) → tᵀ J: the adjoint t of the function's value, carried back to the arguments.

    >>> vjp(lambda x: x**2)(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([2., 4.])
    """

    def derive(graph: Graph, numbers: tuple[int, ...], seeds: list[Node]) -> tuple[Node, ...]:
        _check_like("vjp", seeds, graph.outputs)
        return pullback(graph.outputs, seeds, [graph.inputs[n] for n in numbers])

    return _transformed(function, argnums, derive, extra=1)


def jvp(function: Function, argnums: int = 0) -> Function:
    """(*arguments, v) → J v: the derivative of the function's value in the direction v of one argument.

    >>> jvp(lambda x: x**2)(np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    array([2., 0.])
    """

    def derive(graph: Graph, numbers: tuple[int, ...], tangents: list[Node]) -> tuple[Node, ...]:
        inputs = [graph.inputs[n] for n in numbers]
        _check_like("jvp", tangents, inputs)
        return pushforward(graph.outputs, inputs, tangents)

    def finish(derived: _Derived, results: list[Any]) -> Any:
        return optree.tree_unflatten(derived.form, results)

    return _transformed(function, argnums, derive, finish, extra=1)


def hvp(function: Function, argnums: int = 0) -> Function:
    """(*arguments, v) → ∇²f v: the Hessian times a vector, forward over reverse; the Hessian is never formed.

    Source: B. Pearlmutter, *Fast Exact Multiplication by the Hessian* (1994).

    >>> hvp(lambda x: np.sum(x**3))(np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    array([6., 0.])
    """

    def derive(graph: Graph, numbers: tuple[int, ...], tangents: list[Node]) -> tuple[Node, ...]:
        inputs = [graph.inputs[n] for n in numbers]
        _check_like("hvp", tangents, inputs)
        of_loss = simplify(Graph(graph.inputs, gradient(_scalar(graph, function), inputs)))
        return pushforward(of_loss.outputs, inputs, tangents)

    return _transformed(function, argnums, derive, extra=1)


def _check_like(name: str, given: Sequence[Node], wanted: Sequence[Node]) -> None:
    if [node.shape for node in given] != [node.shape for node in wanted]:
        shapes = ", ".join(str(node.shape) for node in given)
        expected = ", ".join(str(node.shape) for node in wanted)
        raise ArgumentError(f"{name}: the last argument has the shape {shapes}, expected {expected}")


def jacobian(function: Function, argnums: int | Sequence[int] = 0) -> Function:
    """The Jacobian of a function that returns one array: the shape of the value, then the shape of the argument.

    All rows (or columns, where there are fewer) are computed at once, as one batch.

    >>> jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    return _jacobian(function, argnums, f"jacobian needs a function of one array; {describe(function)} returns several")


def _jacobian(function: Function, argnums: int | Sequence[int], several: str) -> Function:
    """several: what is wrong with a function that returns several arrays."""

    def derive(graph: Graph, numbers: tuple[int, ...], _: list[Node]) -> tuple[Node, ...]:
        if len(graph.outputs) != 1:
            raise LossError(several)
        (output,) = graph.outputs
        inputs = [graph.inputs[n] for n in numbers]
        return tuple(_by_columns(output, x) if x.type.size < output.type.size else _by_rows(output, x) for x in inputs)

    return _transformed(function, argnums, derive)


def _basis(type: ArrayType) -> Node:
    """All unit arrays of a type, along a leading axis."""
    return constant(np.eye(type.size, dtype=type.dtype).reshape(type.size, *type.shape))


def _by_rows(output: Node, x: Node) -> Node:
    seed = input_node(output.type)
    (row,) = pullback([output], [seed], [x])
    (rows,) = batched([row], [seed], [_basis(output.type)], output.type.size)
    return Traced(rows).reshape((*output.shape, *x.shape)).node


def _by_columns(output: Node, x: Node) -> Node:
    tangent = input_node(x.type)
    (column,) = pushforward([output], [x], [tangent])
    (columns,) = batched([column], [tangent], [_basis(x.type)], x.type.size)
    order = (*range(1, 1 + len(output.shape)), 0)
    return Traced(columns).transpose(order).reshape((*output.shape, *x.shape)).node


def hessian(function: Function, argnums: int = 0) -> Function:
    """The Hessian of a function that returns one number: the shape of the argument, twice. The argument is one array.

    >>> hessian(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    array([[ 6.,  0.],
           [ 0., 12.]])
    """
    if not isinstance(argnums, int):
        raise ArgumentError(f"hessian takes one argument number, not argnums={argnums!r}")
    several = (
        f"hessian needs one array to differentiate by, and {describe(function)} was given several. Write the parameters as one vector, "
        "and take them apart in the function: a, b = p; or take products with the Hessian, tw.hvp"
    )
    return _jacobian(grad(function, argnums), argnums, several)

"""From a function in plain NumPy to an ONNX file."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ArgumentError, TracingError
from ...graph import Array, ArrayType, Graph, Node
from ...storage import write_whole
from ...trace import trace
from ..examples import MixedExamplesError, follow_examples
from ..prepare import prepare
from .builder import Builder
from .operators import Lowering, Value

__all__ = ["export_onnx", "lower_function"]

_COUNT = 1009


def export_onnx(function: Callable[..., Any], path: str | Path, *examples: Any) -> None:
    """Writes a function in plain NumPy as an ONNX file.

    function: takes arrays and returns an array, or a tuple of them; each has a row per example, and no row depends on others.
    examples: arrays like those that it will be called with; only dtypes, float32 or float64, and shapes count, and any number
    of rows. Inputs have the names of the function's arguments, outputs are called output, or output_0, output_1, ...
    ONNX Runtime has some functions, such as arctan and erf, in float32 only.
    Raises TracingError if it cannot be traced or ONNX lacks an operator, ArgumentError for other arguments, and ThalwegError if the
    extra `onnx` is not installed.
    """
    arrays = [np.asarray(example) for example in examples]
    if not arrays or any(array.ndim == 0 for array in arrays):
        raise ArgumentError("export_onnx needs an array with a row for each example, for each argument of the function")
    names = list(inspect.signature(function).parameters)[: len(arrays)]
    builder = Builder()
    inputs = [builder.input(name, array.dtype, *array.shape[1:]) for name, array in zip(names, arrays, strict=True)]
    types = [(array.dtype, array.shape[1:]) for array in arrays]
    found = lower_function(builder, function, inputs, types)
    for number, (name, kind) in enumerate(found):
        builder.output("output" if len(found) == 1 else f"output_{number}", name, kind.dtype, *kind.shape[1:])
    content = builder.serialised(f"{getattr(function, '__name__', 'function')}, traced by thalweg")
    try:
        write_whole(path, content)
    except OSError as error:
        raise ArgumentError(f"{path} cannot be written: {error.strerror or error}") from None


def lower_function(
    builder: Builder, function: Callable[..., Any], inputs: Sequence[str], types: Sequence[tuple[Any, tuple[int, ...]]]
) -> list[tuple[str, ArrayType]]:
    """Adds a function of some values (N, *shape) to an ONNX graph, and returns the names and types of what it returns.

    types: dtype and shape of a row of each input.
    """
    count = _COUNT
    while any(count in shape for _, shape in types):
        count += 1

    def as_sequence(*arguments: Any) -> Sequence[Any]:
        returned = function(*arguments)
        return returned if isinstance(returned, tuple) else (returned,)

    graph = trace(as_sequence, [ArrayType((count, *shape), np.dtype(dtype)) for dtype, shape in types])
    prepared = prepare(graph)
    _check_rows(prepared.graph, len(inputs), count)
    lowering = Lowering(builder, count, inputs[0])
    values: dict[Node, Value] = {}
    for number, node in enumerate(prepared.graph.inputs):
        is_array = number >= len(inputs)
        values[node] = Value(
            _constant(builder, prepared.values[number - len(inputs)], count) if is_array else inputs[number]
        )
    for node in prepared.graph.nodes:
        if node.is_constant:
            values[node] = lowering.constant(node)
        elif not node.is_input:
            values[node] = lowering.lower(node, [values[operand] for operand in node.operands])
    return [(lowering.spread(values[node], node), node.type) for node in prepared.graph.outputs]


def _constant(builder: Builder, array: Array, count: int) -> str:
    if count in array.shape:
        raise TracingError(
            "the function makes an array with a row for each example out of nothing; make it from its arguments"
        )
    return builder.constant(array)


def _check_rows(graph: Graph, inputs: int, count: int) -> None:
    """Raises TracingError unless each row of the outputs depends on the same row of the inputs alone."""
    try:
        totals = follow_examples(graph, graph.inputs[:inputs], count).totals
    except MixedExamplesError as error:
        raise _mixes(error.node) from None
    if totals:
        raise _mixes(next(iter(totals)))


def _mixes(node: Node) -> TracingError:
    where = f"{node.source}: " if node.source else ""
    return TracingError(
        f"{where}{node.primitive.name} mixes the rows of different examples; export what is computed row by row"
    )

"""From a function to a graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import TracingError
from ..graph import ArrayType, Graph, input_node
from .libraries import explained
from .patches import while_tracing
from .traced import Traced, as_traced

__all__ = ["trace"]


def trace(function: Callable[..., Sequence[Any]], types: Sequence[ArrayType], names: Sequence[str] = ()) -> Graph:
    """The graph of a function of arrays that returns a flat sequence of arrays."""
    labels = list(names) + [""] * (len(types) - len(names))
    inputs = tuple(input_node(type, name) for type, name in zip(types, labels, strict=True))
    try:
        with while_tracing():
            outputs = tuple(as_traced(output).node for output in function(*(Traced(node) for node in inputs)))
    except Exception as error:
        # NumPy asks a traced value for its number, and reports in its own words that it got none.
        reason = (
            error.__cause__ if isinstance(error, ValueError) and isinstance(error.__cause__, TracingError) else error
        )
        told = explained(error) or reason
        if told is error:
            raise
        raise told from (None if isinstance(reason, TracingError) else error)
    graph = Graph(inputs, outputs)
    declared = set(inputs)
    for node in graph.nodes:
        if any(operand.is_input and operand not in declared for operand in node.operands):
            raise TracingError(
                f"{node.source}: takes a traced value from elsewhere: from an earlier call of the loss, kept in a closure, a class or a default "
                "argument, or from a loss around this one. Make it anew in each call; give what comes from around as a parameter."
            )
    return graph

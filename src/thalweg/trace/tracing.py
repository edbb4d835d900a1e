"""From a function to a graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..graph import ArrayType, Graph, input_node
from .patches import while_tracing
from .traced import Traced, as_traced

__all__ = ["trace"]


def trace(function: Callable[..., Sequence[Any]], types: Sequence[ArrayType], names: Sequence[str] = ()) -> Graph:
    """The graph of a function of arrays that returns a flat sequence of arrays."""
    labels = list(names) + [""] * (len(types) - len(names))
    inputs = tuple(input_node(type, name) for type, name in zip(types, labels, strict=True))
    with while_tracing():
        outputs = function(*(Traced(node) for node in inputs))
    return Graph(inputs, tuple(as_traced(output).node for output in outputs))

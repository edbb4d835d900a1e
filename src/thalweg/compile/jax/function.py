"""A graph as a function that runs on a device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

from ...graph import Array, Graph
from ..device import Device
from ..prepare import prepare
from .finding import found
from .lowering import outputs_of
from .program import on_device, precise

__all__ = ["with_data"]


def with_data(graph: Graph, data: Sequence[Array], device: Device) -> Callable[..., Any]:
    """(*inputs before the data) → the graph's first output. The data, its last inputs, are put on the device once."""
    prepared, place = prepare(graph), found(device)
    own = len(graph.inputs) - len(data)

    def evaluate(*arrays: Any) -> Any:
        return outputs_of(prepared.graph, arrays, device.precision)[0]

    with precise():
        resident = [on_device(array, place) for array in (*data, *prepared.values)]
        jitted = jax.jit(evaluate)

    def function(*arrays: Array) -> Any:
        with precise():
            return jax.device_get(jitted(*(on_device(array, place) for array in arrays[:own]), *resident))

    return function

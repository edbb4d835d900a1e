"""A graph as a function that runs on a device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

from ...graph import Array, Graph
from ..device import Device
from ..prepare import prepare
from .evaluating import outputs_of
from .finding import found
from .program import on_device, precise
from .sweeps import Evaluator

__all__ = ["of_examples", "with_data"]


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


def of_examples(graph: Graph, data: int, device: Device) -> Callable[..., Any]:
    """A graph, ready to be compiled, as a function of arrays on the device. data: so many inputs, the last, hold examples.

    Call it where 64-bit numbers are on (`precise`).
    """
    evaluator = Evaluator(found(device).platform, device.precision, graph.inputs[len(graph.inputs) - data :])
    return jax.jit(lambda *arrays: evaluator(graph, arrays))

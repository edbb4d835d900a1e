"""Graphs whose parts repeat, as scans."""

import numpy as np
import pytest
from references.recurrences import PROGRAMS

from thalweg.compile.prepare import prepare
from thalweg.graph import ArrayType, evaluate
from thalweg.trace import trace
from thalweg.transformations import value_and_grad

jax = pytest.importorskip("jax")

import jax.numpy as jnp  # noqa: E402  # after the check that JAX is there

from thalweg.compile.jax.evaluating import outputs_of  # noqa: E402

jax.config.update("jax_enable_x64", True)


def prepared_gradient(program, steps):
    loss, start = program(steps)
    return prepare(trace(value_and_grad(loss), [ArrayType(start.shape, start.dtype)])), start


@pytest.mark.parametrize("program", PROGRAMS)
def test_scans_compute_what_the_graph_computes(program):
    prepared, start = prepared_gradient(program, 60)
    arrays = [start, *prepared.values]
    found = jax.jit(lambda *arrays: outputs_of(prepared.graph, arrays))(*map(jnp.asarray, arrays))
    for value, expected in zip(found, evaluate(prepared.graph, arrays), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("program", PROGRAMS)
def test_xla_gets_as_little_for_many_steps_as_for_few(program):
    lengths = []
    for steps in (60, 180):
        prepared, start = prepared_gradient(program, steps)
        arrays = [jnp.asarray(array) for array in (start, *prepared.values)]
        lowered = jax.jit(lambda *arrays, graph=prepared.graph: outputs_of(graph, arrays)).lower(*arrays)
        operations = [line for line in lowered.as_text().splitlines() if "stablehlo." in line]
        lengths.append(len(operations) - len(arrays))
    assert lengths[1] < 1.5 * lengths[0] + 2 * 180

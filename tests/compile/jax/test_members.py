"""Populations as one kernel: the members do what they do in a loop of kernels; and there is code for GPUs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import thalweg as tw

jax = pytest.importorskip("jax")

from thalweg.compile.jax import program  # noqa: E402  # after the check that JAX is there
from thalweg.compile.jax.members import members_kernel  # noqa: E402


def rosenbrock(p: Any) -> Any:
    return np.sum(100 * (p[1:] - p[:-1] ** 2) ** 2 + (1 - p[:-1]) ** 2)


def descend(method: tw.Method, **options: Any) -> tw.Population:
    result = tw.minimize(rosenbrock, np.zeros(3), start=tw.Gaussian(0.5), restarts=14, method=method, **options)
    assert isinstance(result, tw.Population)
    return result


def in_kernels(monkeypatch: pytest.MonkeyPatch, lowered: list[str]) -> None:
    """Populations run in their kernel, step by step on the processor. lowered: where the code for CUDA is put."""

    def descents(
        prepared: Any, loop: Any, device: Any, place: Any, data: Any, in_order: Any, one: Any
    ) -> Iterator[Any]:
        for_gpu = members_kernel(one.prepared, loop, loop.lanes, one.status)
        assert for_gpu is not None
        types = [jax.ShapeDtypeStruct(node.shape, node.dtype) for node in prepared.graph.inputs]
        number = jax.ShapeDtypeStruct((), np.int64)
        history = jax.ShapeDtypeStruct((1024, for_gpu.width), np.float64)
        carried = program.Carried(tuple(types[: loop.carried]), history, *[number] * 5)
        traced = jax.jit(for_gpu.stretch).trace(carried, types[loop.carried :], number, number, number)
        lowered.append(traced.lower(lowering_platforms=("cuda",)).as_text())
        yield members_kernel(one.prepared, loop, loop.lanes, one.status, is_interpreted=True)

    def descents_with_types(*arguments: Any) -> Iterator[Any]:
        with program.precise():
            yield from descents(*arguments)

    monkeypatch.setattr(program, "_descents", descents_with_types)
    monkeypatch.setattr(program, "_known", type(program._known)())


@pytest.mark.usefixtures("h200")
@pytest.mark.parametrize(
    "method", [tw.GradientDescent(tw.grid(1e-4, 1e-3, 1.0)), tw.LBFGS(memory=2)], ids=["rates, one too large", "L-BFGS"]
)
def test_members_descend_in_a_kernel_as_in_a_loop(method: tw.Method, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that end early wait for the others; more members than a program takes."""
    rule = tw.MaxSteps(30) | tw.GradientBelow(1e-2)
    wanted = descend(method, stop=rule)
    lowered: list[str] = []
    in_kernels(monkeypatch, lowered)
    found = descend(method, stop=rule, target="jax")
    assert lowered[0].count("xla.gpu.triton") == 1
    assert len(found.members) == len(wanted.members)
    for a, b in zip(found.members, wanted.members, strict=True):
        few = 8
        np.testing.assert_array_equal(a.history.step[:few], b.history.step[:few])
        np.testing.assert_allclose(a.history.loss[:few], b.history.loss[:few], rtol=1e-6)
        assert a.stopped_by.reason == b.stopped_by.reason
        if not isinstance(method, tw.LBFGS):
            assert (a.steps, a.evaluations, a.stopped_by) == (b.steps, b.evaluations, b.stopped_by)

"""Loops that were traced step by step become loops again, and compute the same."""

import numpy as np
import pytest

import thalweg as tw
from thalweg.compile.native import jit
from thalweg.compile.native.module import assemble
from thalweg.compile.prepare import prepare
from thalweg.compile.repeats import Repeat, parts_of, size_of
from thalweg.graph import ArrayType, Graph, evaluate, evaluate_nodes
from thalweg.trace import trace
from thalweg.transformations import value_and_grad


def oscillator(steps):
    def loss(p):
        x, v, path = 1.0, 0.0, []
        for step in range(steps):
            friction = np.where(v > 0, p[1] * v, p[2] * v)
            v = v - 0.05 * (p[0] * x + friction) + 0.01 * np.sin(0.3 * step)
            x = x + 0.05 * v
            path.append(x)
        return np.mean((np.array(path) - np.cos(0.05 * np.arange(steps))) ** 2)

    return loss, np.array([1.0, 0.1, 0.2])


def network(steps):
    """A recurrent network over a series, by hand."""
    rng = np.random.default_rng(0)
    series, target = rng.standard_normal((steps, 3)), rng.standard_normal(steps)

    def loss(p):
        W, U, v = p[:16].reshape(4, 4), p[16:28].reshape(4, 3), p[28:]
        h, total = np.zeros(4), 0.0
        for t in range(steps):
            h = np.tanh(W @ h + U @ series[t])
            total = total + (v @ h - target[t]) ** 2
        return total / steps

    return loss, 0.4 * rng.standard_normal(32)


def heat(steps):
    """A field that diffuses: arrays too long for registers, read from both ends of time."""

    def loss(field):
        first = field
        for _ in range(steps):
            field = field + 0.2 * (np.roll(field, 1) - 2 * field + np.roll(field, -1))
        return np.sum((field - np.sin(np.arange(field.size))) ** 2) + np.sum(first * field)

    return loss, np.random.default_rng(1).standard_normal(60)


def long_memory(steps):
    """Reads what was seven steps before, by hand."""

    def loss(p):
        values = [np.sin(p * k) for k in range(1, 8)]
        for step in range(steps):
            values.append(np.tanh(p[0] * values[-1] - 0.3 * values[-7]) + 0.1 * step * p[1])
        return np.sum(np.stack(values[::-1])[:, 0] ** 2) + np.sum(np.stack(values[7:]) * np.stack(values[:-7]))

    return loss, np.array([0.5, -0.2])


PROGRAMS = [oscillator, network, heat, long_memory]


def gradient_graph(loss, start):
    return trace(value_and_grad(loss), [ArrayType(start.shape, start.dtype)])


def prepared_gradient(program, steps):
    loss, start = program(steps)
    return prepare(gradient_graph(loss, start)), start


def parts(graph: Graph):
    return parts_of([node for node in graph.nodes if not (node.is_input or node.is_constant)], graph.outputs)


@pytest.mark.parametrize("program", PROGRAMS)
def test_steps_compute_what_the_graph_computes(program):
    prepared, start = prepared_gradient(program, 120)
    graph = prepared.graph
    values = evaluate_nodes(graph, [start, *prepared.values])
    found = [part for part in parts(graph) if isinstance(part, Repeat)]
    assert found
    for repeat in found:
        for step in range(repeat.count):
            own = {read: values[over_time[step]] for read, over_time in repeat.reads.items()}
            for node in repeat.nodes:
                operands = [own[x] if x in own else x.value if x.is_constant else values[x] for x in node.operands]
                own[node] = node.primitive.evaluate(*operands, **node.attributes)
            for written, over_time in repeat.writes.items():
                np.testing.assert_array_equal(own[written], values[over_time[step]])


@pytest.mark.parametrize("program", PROGRAMS)
def test_parts_follow_each_other(program):
    """Whatever a part reads was computed by a part before it."""
    prepared, _ = prepared_gradient(program, 120)
    known = set(prepared.graph.inputs)
    for part in parts(prepared.graph):
        if isinstance(part, Repeat):
            written = {node for over_time in part.writes.values() for node in over_time}
            for over_time in part.reads.values():
                assert {node for node in over_time if not node.is_constant} <= known | written
            known |= written
        else:
            for node in part:
                assert {x for x in node.operands if not x.is_constant} <= known
                known.add(node)
    assert {node for node in prepared.graph.outputs if not node.is_constant} <= known


@pytest.mark.parametrize("program", PROGRAMS)
def test_gradients_are_those_of_the_reference(program):
    loss, start = program(60)
    value, gradient = value_and_grad(loss)(start)
    expected = evaluate(gradient_graph(loss, start), [start])
    np.testing.assert_allclose(value, expected[0], rtol=1e-12)
    np.testing.assert_allclose(gradient, expected[1], rtol=1e-9, atol=1e-11)
    for number in range(2):
        step = np.zeros(start.size, complex)
        step[number] = 1e-30j
        if program is not oscillator:  # which compares
            np.testing.assert_allclose(gradient[number], loss(start + step).imag / 1e-30, rtol=1e-9)


@pytest.mark.parametrize("program", PROGRAMS)
def test_code_does_not_grow_with_the_steps(program):
    texts, sizes = [], []
    for steps in (60, 180):
        prepared, _ = prepared_gradient(program, steps)
        texts.append(len(assemble(prepared.graph, None, None, jit.vector_bytes()).text))
        sizes.append(size_of(parts(prepared.graph)))
    assert texts[1] < 1.5 * texts[0]
    assert sizes[1] < 3 * sizes[0]


def test_hessians_have_loops_too():
    loss, start = oscillator(30)
    step = 1e-5 * np.eye(3)
    gradient = tw.grad(loss)
    numerical = [(gradient(start + h) - gradient(start - h)) / 2e-5 for h in step]
    np.testing.assert_allclose(tw.hessian(loss)(start), numerical, rtol=1e-6, atol=1e-8)


def test_single_precision():
    loss, start = network(50)
    gradient = tw.grad(loss)(start.astype(np.float32))
    assert gradient.dtype == np.float32
    np.testing.assert_allclose(gradient, tw.grad(loss)(start), rtol=1e-3, atol=1e-4)


def test_members_of_a_population_share_a_loop():
    loss, start = oscillator(50)
    together = tw.minimize(loss, start, stop=tw.MaxSteps(20), method=tw.GradientDescent(tw.powers_of_ten(-3, -1)))
    for member, rate in zip(together.members, [0.001, 0.01, 0.1], strict=True):
        alone = tw.minimize(loss, start, stop=tw.MaxSteps(20), method=tw.GradientDescent(rate))
        np.testing.assert_allclose(member.parameters, alone.parameters, rtol=1e-9)


def test_short_programs_stay_as_they_are():
    prepared, _ = prepared_gradient(oscillator, 5)
    assert not any(isinstance(part, Repeat) for part in parts(prepared.graph))

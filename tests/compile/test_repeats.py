"""Loops that were traced step by step become loops again, and compute the same."""

import numpy as np
import pytest
from references.recurrences import PROGRAMS, network, oscillator

import thalweg as tw
from thalweg.compile.examples import follow_examples
from thalweg.compile.native import jit
from thalweg.compile.native.module import assemble
from thalweg.compile.prepare import prepare
from thalweg.compile.repeats import Repeat, parts_of, size_of
from thalweg.graph import ArrayType, Graph, evaluate, evaluate_nodes
from thalweg.trace import trace
from thalweg.transformations import value_and_grad


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


def assert_gradient_is_that_of_the_reference(loss, start):
    value, gradient = value_and_grad(loss)(start)
    expected = evaluate(gradient_graph(loss, start), [start])
    np.testing.assert_allclose(value, expected[0], rtol=1e-12)
    np.testing.assert_allclose(gradient, expected[1], rtol=1e-10)


def test_truth_values_that_differ_from_step_to_step():
    is_raised = np.random.default_rng(0).random(100) > 0.5

    def loss(p):
        is_high, x = p[0] > 0, p[0]
        for step in range(100):
            is_high = np.logical_xor(is_high, is_raised[step])
            x = np.where(is_high, x * p[1] + 0.1, np.tanh(x - p[2]))
        return x**2

    assert_gradient_is_that_of_the_reference(loss, np.array([0.5, 0.9, 0.1]))


@pytest.mark.parametrize("steps", [13, 14, 15])
def test_a_loop_goes_on_where_another_one_ends(steps):
    """It reads what the other one wrote, then what lies between, then what it writes itself."""
    numbers = np.random.default_rng(0).standard_normal((steps, 34))

    def loss(p):
        values = [np.sin(p[0] * k) for k in (1, 2, 3)]
        for step in range(steps):
            q = p if step < 9 else p[::-1]
            x = values[-1] * q[0] + values[-3]
            for k in range(34):
                x = x * q[k % 3] + numbers[step, k]
            values.append(x)
        return values[-1] ** 2

    assert_gradient_is_that_of_the_reference(loss, np.array([0.5, 0.9, 0.8]))


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


def series_network(params, X, y):
    """A recurrent network over the series of each example."""
    h = np.zeros((X.shape[0], 6))
    for t in range(X.shape[1]):
        h = np.tanh(X[:, t, :] @ params["U"] + h @ params["W"] + params["b"])
    return np.mean((h @ params["v"] - y) ** 2)


def series_data(examples, steps):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((examples, steps, 4))
    shapes = {"U": (4, 6), "W": (6, 6), "b": (6,), "v": (6,)}
    return X, X[:, :, 0].sum(1), {name: 0.3 * rng.standard_normal(shape) for name, shape in shapes.items()}


@pytest.mark.parametrize(("examples", "batch_size"), [(50, None), (5000, None), (200, 16)])
def test_loops_run_within_tiles(examples, batch_size):
    """Many examples are swept in tiles, with what is left over; the totals of each step are added up over them."""
    X, y, start = series_data(examples, 20)
    result = tw.minimize(
        series_network,
        start,
        data=(X, y),
        method=tw.GradientDescent(0.05),
        stop=tw.MaxSteps(3),
        batch_size=batch_size,
        seed=0,
    )
    expected = tw.minimize(
        series_network,
        start,
        data=(X, y),
        method=tw.GradientDescent(0.05),
        stop=tw.MaxSteps(3),
        batch_size=batch_size,
        seed=0,
        target="jax",
    )
    for name, value in expected.parameters.items():
        np.testing.assert_allclose(result.parameters[name], value, rtol=1e-9, atol=1e-11)


def test_code_of_tiles_does_not_grow_with_the_steps():
    texts = []
    for steps in (150, 450):
        X, y, start = series_data(300, steps)
        gradient = value_and_grad(lambda U, X, y, start=start: series_network({**start, "U": U}, X, y))
        arrays = (start["U"], X, y)
        prepared = prepare(trace(gradient, [ArrayType(array.shape, array.dtype) for array in arrays]))
        examples = follow_examples(prepared.graph, prepared.graph.inputs[1:3], 300)
        texts.append(len(assemble(prepared.graph, examples, None, jit.vector_bytes()).text))
    assert texts[1] < 1.3 * texts[0]


def test_steps_on_long_arrays_stay_in_registers():
    """Written out they read their data once; as a loop once for each step."""

    def loss(x):
        z = x
        for _ in range(80):
            z = 3.7 * z * (1 - z)
        return np.mean(z)

    prepared = prepare(gradient_graph(loss, np.full(10_000, 0.3)))
    assert not any(isinstance(part, Repeat) for part in parts(prepared.graph))


def test_functions_of_arrays_that_fit_in_cache_are_loops():
    """Most of a step's time goes into the functions; with many steps in one body, registers would have to be stored anyway."""

    def loss(x):
        z = x
        for _ in range(80):
            z = np.log(2 + z * z) * x
        return np.mean(z)

    def has_loops(size, **options):
        graph = prepare(gradient_graph(loss, np.full(size, 0.3))).graph
        nodes = [node for node in graph.nodes if not (node.is_input or node.is_constant)]
        return any(isinstance(part, Repeat) for part in parts_of(nodes, graph.outputs, **options))

    assert has_loops(1000)
    assert not has_loops(10_000)
    assert has_loops(10_000, shape_of=lambda node: node.shape and (500,))

"""Reverse and forward mode on whole graphs: the adjoint of every node, sums over paths, broadcasting, the cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import thalweg as tw
from thalweg.autodiff import adjoints, gradient
from thalweg.graph import ArrayType, Graph, constant, evaluate
from thalweg.rewrite import simplify
from thalweg.trace import trace

Array = np.ndarray[Any, Any]


def test_the_adjoint_of_every_node_is_known() -> None:
    """ŷ = v1 q1 + v2 q2 with q = tanh(W x + b): t_ŷ = 1, t_q = v, and so on, down to the weights."""
    W, b, v, x = np.array([[0.1, 0.2], [0.3, -0.4]]), np.array([0.1, -0.2]), np.array([0.5, -1.5]), np.array([1.0, 2.0])
    graph = trace(
        lambda W, b, v: (v @ np.tanh(W @ x + b),), [ArrayType(a.shape, a.dtype) for a in (W, b, v)], ["W", "b", "v"]
    )
    found = adjoints(graph.outputs, [constant(1.0)], graph.inputs)
    assert next(iter(found)) is graph.outputs[0]
    (tanh,) = [node for node in found if node.primitive.name == "tanh"]
    q = np.tanh(W @ x + b)
    values = evaluate(Graph(graph.inputs, tuple(found[n] for n in (tanh, *graph.inputs))), [W, b, v])
    np.testing.assert_allclose(values[0], v)
    np.testing.assert_allclose(values[1], np.outer(v * (1 - q**2), x))
    np.testing.assert_allclose(values[2], v * (1 - q**2))
    np.testing.assert_allclose(values[3], q)


def test_what_arrives_over_several_paths_adds_up() -> None:
    """w reaches the output through q1 and through q2."""
    a, b = 1.7, -0.3
    total = tw.grad(lambda w: np.sin(a * w) * np.exp(b * w))(np.float64(0.8))
    through_first = a * np.cos(a * 0.8) * np.exp(b * 0.8)
    through_second = b * np.sin(a * 0.8) * np.exp(b * 0.8)
    assert total == pytest.approx(through_first + through_second, rel=1e-14)


def test_the_gradient_costs_a_small_multiple_of_the_loss() -> None:
    """Forward values are used again: the number of nodes grows linearly with the length of the chain."""

    def nodes(length: int) -> int:
        def loss(x: Any) -> Any:
            for _ in range(length):
                x = np.sin(x) * x
            return np.sum(x)

        graph = trace(lambda x: (loss(x),), [ArrayType((3,), np.dtype(float))])
        return len(simplify(Graph(graph.inputs, gradient(graph.outputs[0], graph.inputs))).nodes)

    assert nodes(200) <= 2.1 * nodes(100)
    assert nodes(100) <= 8 * 100


def test_many_slices_of_one_array_cost_linear_memory() -> None:
    """Adjoints of x[0], x[1], ... are placed into one array, not each into an array of its own."""
    graph = trace(lambda x: (sum(np.sin(x[i]) for i in range(300)),), [ArrayType((300,), np.dtype(float))])
    derived = simplify(Graph(graph.inputs, gradient(graph.outputs[0], graph.inputs)))
    assert sum(node.type.size for node in derived.nodes) < 10 * 300
    x = np.linspace(0, 3, 300)
    np.testing.assert_allclose(evaluate(derived, [x])[0], np.cos(x))


def test_a_chain_of_values_that_are_read_in_parts_costs_linear_memory() -> None:
    """Each passes on the adjoint that has arrived at it; what was placed in it is not placed anew in all that come before."""

    def operands(count: int) -> int:
        def loss(x: Any) -> tuple[Any]:
            total: Any = 0.0
            for _ in range(count):
                total = total + x[0] * x[1]
                x = x + 0.1 * np.array([x[1], -x[0]])
            return (total,)

        graph = trace(loss, [ArrayType((2,), np.dtype(float))])
        nodes = Graph(graph.inputs, gradient(graph.outputs[0], graph.inputs)).nodes
        return sum(len(node.operands) for node in nodes)

    assert operands(80) < 2.2 * operands(40)


def test_first_order_taylor() -> None:
    """f(x + δ) = f(x) + ∇f(x)ᵀδ + O(δ²): a tenth of the step, a hundredth of the error."""

    def f(x: Any) -> Any:
        return np.sum(np.exp(np.sin(x)) * x)

    x, direction = np.array([0.3, -1.2, 2.0]), np.array([1.0, 0.5, -2.0])
    value, slope = tw.value_and_grad(f)(x)
    errors = [abs(f(x + h * direction) - value - h * slope @ direction) for h in (1e-2, 1e-3, 1e-4)]
    assert errors[1] == pytest.approx(errors[0] / 100, rel=0.1)
    assert errors[2] == pytest.approx(errors[1] / 100, rel=0.1)


shapes = st.lists(st.integers(1, 4), max_size=3).map(tuple)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    shapes,
    st.data(),
    st.sampled_from(["add", "multiply", "divide", "maximum", "hypot", "logaddexp", "arctan2", "power"]),
)
def test_broadcasting_of_random_shapes_against_jax(shape: tuple[int, ...], draw: st.DataObject, name: str) -> None:
    """One operand has some axes of length one, or fewer axes."""
    import jax
    import jax.numpy as jnp

    dropped = draw.draw(st.integers(0, len(shape)))
    other = tuple(1 if draw.draw(st.booleans()) else n for n in shape[dropped:])
    dtype = draw.draw(st.sampled_from(["float32", "float64"]))
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0.5, 2, shape).astype(dtype), rng.uniform(0.5, 2, other).astype(dtype)

    def loss(numpy: Any, a: Any, b: Any) -> Any:
        return numpy.sum(numpy.sin(getattr(numpy, name)(a, b)) * 1.5)

    with jax.enable_x64(True):
        wanted = jax.grad(lambda a, b: loss(jnp, a, b), (0, 1))(jnp.asarray(a), jnp.asarray(b))
        second = jax.grad(lambda a: jnp.sum(jax.grad(lambda a: loss(jnp, a, b))(a) ** 2))(jnp.asarray(a))
    found = tw.grad(lambda a, b: loss(np, a, b), argnums=(0, 1))(a, b)
    tolerance = 1e-4 if dtype == "float32" else 1e-9
    for ours, theirs in zip(found, wanted, strict=True):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, np.asarray(theirs), rtol=tolerance, atol=tolerance)
    ours = tw.grad(lambda a: np.sum(tw.grad(lambda a: loss(np, a, b))(a) ** 2))(a)
    np.testing.assert_allclose(ours, np.asarray(second), rtol=10 * tolerance, atol=10 * tolerance)

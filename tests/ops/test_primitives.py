"""Every primitive's rules: types, derivatives of both orders, batching, expansion, and the native target.

The registry is walked: a primitive without a sample fails.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from thalweg.autodiff import batched, pullback, pushforward
from thalweg.compile.function import compiled
from thalweg.graph import ArrayType, Graph, Node, constant, evaluate, input_node, make
from thalweg.ops import PRIMITIVES
from thalweg.rewrite import expand

Array = np.ndarray[Any, Any]
Sample = tuple[list[Array], dict[str, Any]]


def normal(rng: np.random.Generator, *shape: int) -> Array:
    return rng.standard_normal(shape)


def positive(rng: np.random.Generator, *shape: int) -> Array:
    return rng.uniform(0.3, 3.0, shape)


def inner(rng: np.random.Generator, *shape: int) -> Array:
    return rng.uniform(-0.9, 0.9, shape)


def spd(rng: np.random.Generator, n: int) -> Array:
    a = rng.standard_normal((n, n))
    return a @ a.T + n * np.eye(n)


def unary(draw: Callable[..., Array], **attributes: Any) -> Callable[[np.random.Generator], Sample]:
    return lambda rng: ([draw(rng, 3, 5)], attributes)


def binary(draw: Callable[..., Array], other: Callable[..., Array] | None = None) -> Callable[..., Sample]:
    return lambda rng: ([draw(rng, 3, 5), (other or draw)(rng, 3, 5)], {})


def booleans(count: int) -> Callable[[np.random.Generator], Sample]:
    return lambda rng: ([rng.random((3, 5)) > 0.5 for _ in range(count)], {})


def _where(rng: np.random.Generator) -> Sample:
    return [rng.random((3, 5)) > 0.5, normal(rng, 3, 5), normal(rng, 3, 5)], {}


def _take(rng: np.random.Generator) -> Sample:
    return [normal(rng, 4, 5), rng.integers(0, 4, (6, 5))], {"axis": 0}


def _scatter_add(rng: np.random.Generator) -> Sample:
    return [normal(rng, 6, 5), rng.integers(0, 4, (6, 5))], {"axis": 0, "extent": 4}


def _dot(rng: np.random.Generator) -> Sample:
    a, b = normal(rng, 2, 3, 4, 5), normal(rng, 5, 2, 6, 3)
    return [a, b], {"contract": ((3, 1), (0, 3)), "batch": ((0,), (1,))}


def _place(rng: np.random.Generator) -> Sample:
    windows = (((0, 1), (2, 1)), ((1, 0), (1, 2)))
    return [normal(rng, 3, 2), normal(rng, 4, 3)], {"windows": windows, "shape": (5, 6)}


SAMPLES: dict[str, Callable[[np.random.Generator], Sample]] = {
    **dict.fromkeys(("add", "subtract", "multiply", "maximum", "minimum", "logaddexp", "hypot"), binary(normal)),
    **dict.fromkeys(("divide", "power", "remainder"), binary(positive)),
    "arctan2": binary(normal),
    **dict.fromkeys(
        ("negative", "absolute", "sign", "floor", "ceil", "rint", "trunc", "exp", "expm1", "expit", "softplus"),
        unary(normal),
    ),
    **dict.fromkeys(("sin", "cos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "erf", "erfc"), unary(normal)),
    **dict.fromkeys(("log", "log1p", "sqrt", "gammaln"), unary(positive)),
    **dict.fromkeys(("tan", "arcsin", "arccos", "arctanh"), unary(inner)),
    "arccosh": lambda rng: ([1.2 + positive(rng, 3, 5)], {}),
    "polygamma": unary(positive, order=1),
    **dict.fromkeys(("less", "less_equal", "equal", "not_equal"), binary(normal)),
    **dict.fromkeys(("logical_and", "logical_or"), booleans(2)),
    "logical_not": booleans(1),
    "isfinite": unary(normal),
    "detach": unary(normal),
    "where": _where,
    "convert": unary(normal, dtype="float32"),
    "broadcast": lambda rng: ([normal(rng, 3, 1)], {"shape": (2, 3, 5)}),
    "reshape": lambda rng: ([normal(rng, 3, 4)], {"shape": (2, 6)}),
    "transpose": lambda rng: ([normal(rng, 3, 4, 2)], {"axes": (2, 0, 1)}),
    "slice": lambda rng: ([normal(rng, 6, 7)], {"window": ((1, 5), (2, -2)), "shape": (3, 3)}),
    "place": _place,
    **dict.fromkeys(
        ("sum", "maximum_reduce", "minimum_reduce", "logsumexp", "norm"),
        lambda rng: ([normal(rng, 3, 4, 5)], {"axes": (0, 2)}),
    ),
    "cumulative_sum": lambda rng: ([normal(rng, 3, 4)], {"axis": 1, "is_reversed": True}),
    "dot": _dot,
    "take": _take,
    "scatter_add": _scatter_add,
    "argsort": unary(normal),
    "solve": lambda rng: ([spd(rng, 3), normal(rng, 3, 2)], {}),
    "cholesky": lambda rng: ([spd(rng, 3)], {}),
    "slogdet": lambda rng: ([spd(rng, 3)], {}),
}

NAMES = sorted(set(PRIMITIVES) - {"input", "constant"})
FLAT = {"sign", "floor", "ceil", "rint", "trunc", "detach", "isfinite"}  # slope zero by convention


def node_of(name: str, seed: int = 0, dtype: str = "float64") -> tuple[Node, list[Node], list[Array]]:
    """A node of the primitive on inputs, and arrays for these."""
    arrays, attributes = SAMPLES[name](np.random.default_rng(seed))
    arrays = [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]
    inputs = [input_node(ArrayType(a.shape, a.dtype)) for a in arrays]
    return make(PRIMITIVES[name], *inputs, **attributes), inputs, arrays


def floats(inputs: list[Node]) -> list[int]:
    return [i for i, node in enumerate(inputs) if node.dtype.kind == "f"]


def directional(node: Node, inputs: list[Node], arrays: list[Array], tangents: list[Array]) -> Array:
    """The derivative in a direction, by central differences."""
    h = 1e-6

    def at(step: float) -> Array:
        moved = [a + step * t if a.dtype.kind == "f" else a for a, t in zip(arrays, tangents, strict=True)]
        if node.primitive.name == "cholesky":
            moved = [(moved[0] + moved[0].T) / 2]
        return evaluate(Graph(tuple(inputs), (node,)), moved)[0].astype(float)

    return (at(h) - at(-h)) / (2 * h)


def forward(node: Node, inputs: list[Node], arrays: list[Array], tangents: list[Array]) -> Array:
    seeds = [input_node(ArrayType(t.shape, t.dtype)) for t in tangents]
    chosen = floats(inputs)
    outputs = pushforward([node], [inputs[i] for i in chosen], [seeds[i] for i in chosen])
    return evaluate(Graph((*inputs, *seeds), outputs).check(), [*arrays, *tangents])[0]


def backward(node: Node, inputs: list[Node], arrays: list[Array], adjoint: Array) -> list[Array]:
    seed = input_node(ArrayType(adjoint.shape, adjoint.dtype))
    outputs = pullback([node], [seed], [inputs[i] for i in floats(inputs)])
    return list(evaluate(Graph((*inputs, seed), outputs).check(), [*arrays, adjoint]))


def tangents_for(arrays: list[Array], seed: int) -> list[Array]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(a.shape) if a.dtype.kind == "f" else a for a in arrays]


def test_every_primitive_has_a_sample() -> None:
    assert set(SAMPLES) == set(NAMES)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_the_inferred_type_is_that_of_the_value(name: str, dtype: str) -> None:
    node, _, arrays = node_of(name, dtype=dtype)
    value = np.asarray(node.primitive.evaluate(*arrays, **node.attributes))
    assert value.shape == node.shape
    assert value.dtype == node.dtype


@pytest.mark.parametrize("name", NAMES)
def test_forward_mode_agrees_with_differences(name: str) -> None:
    node, inputs, arrays = node_of(name)
    if node.dtype.kind != "f" or name in FLAT or name == "convert":
        return
    tangents = tangents_for(arrays, 1)
    found = forward(node, inputs, arrays, tangents)
    np.testing.assert_allclose(found, directional(node, inputs, arrays, tangents), rtol=2e-6, atol=2e-7)


@pytest.mark.parametrize("name", NAMES)
def test_reverse_mode_is_the_transpose_of_forward_mode(name: str) -> None:
    node, inputs, arrays = node_of(name)
    if node.dtype.kind != "f":
        return
    tangents = tangents_for(arrays, 2)
    if name == "cholesky":
        tangents = [(t + t.T) / 2 for t in tangents]
    adjoint = np.random.default_rng(3).standard_normal(node.shape).astype(node.dtype)
    if name == "cholesky":
        adjoint = np.tril(adjoint)
    left = np.sum(forward(node, inputs, arrays, tangents).astype(float) * adjoint)
    pulled = backward(node, inputs, arrays, adjoint)
    chosen = [tangents[i] for i in floats(inputs)]
    right = sum(np.sum(p.astype(float) * t) for p, t in zip(pulled, chosen, strict=True))
    tolerance = 1e-6 if name == "convert" else 1e-11
    np.testing.assert_allclose(left, right, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", NAMES)
def test_second_derivatives_agree_with_differences(name: str) -> None:
    """Forward over reverse, against differences of the gradient."""
    node, inputs, arrays = node_of(name)
    if node.dtype.kind != "f" or name in FLAT or name == "convert":
        return
    weights = np.random.default_rng(4).standard_normal(node.shape)
    chosen = floats(inputs)
    gradients = pullback([node], [constant(weights)], [inputs[i] for i in chosen])
    tangents = tangents_for(arrays, 5)
    if name == "cholesky":
        tangents = [(t + t.T) / 2 for t in tangents]
    seeds = [input_node(ArrayType(t.shape, t.dtype)) for t in tangents]
    outputs = pushforward(gradients, [inputs[i] for i in chosen], [seeds[i] for i in chosen])
    found = evaluate(Graph((*inputs, *seeds), outputs), [*arrays, *tangents])
    h = 1e-6

    def gradient_at(step: float) -> list[Array]:
        moved = [a + step * t if a.dtype.kind == "f" else a for a, t in zip(arrays, tangents, strict=True)]
        return list(evaluate(Graph(tuple(inputs), gradients), moved))

    for second, up, down in zip(found, gradient_at(h), gradient_at(-h), strict=True):
        np.testing.assert_allclose(second, (up - down) / (2 * h), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("which", ["all", "first", "last"])
@pytest.mark.parametrize("name", NAMES)
def test_batching_equals_a_loop(name: str, which: str) -> None:
    node, inputs, arrays = node_of(name)
    others = [node_of(name, seed)[2] for seed in (1, 2)]
    chosen = {"all": range(len(inputs)), "first": [0], "last": [len(inputs) - 1]}[which]
    stacked = [np.stack([arrays[i], *(other[i] for other in others)]) for i in chosen]
    batches = [input_node(ArrayType(s.shape, s.dtype)) for s in stacked]
    outputs = batched([node], [inputs[i] for i in chosen], batches, 3)
    found = evaluate(Graph((*inputs, *batches), outputs).check(), [*arrays, *stacked])[0]
    for number in range(3):
        member = list(arrays)
        for i, values in zip(chosen, stacked, strict=True):
            member[i] = values[number]
        wanted = evaluate(Graph(tuple(inputs), (node,)), member)[0]
        np.testing.assert_allclose(found[number], wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in NAMES if PRIMITIVES[name].expansion])
def test_an_expansion_has_the_same_value(name: str) -> None:
    node, inputs, arrays = node_of(name)
    graph = Graph(tuple(inputs), (node,))
    expanded = expand(graph).check()
    assert all(part.primitive.expansion is None for part in expanded.nodes)
    np.testing.assert_allclose(evaluate(expanded, arrays)[0], evaluate(graph, arrays)[0], rtol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_the_native_target_agrees_with_the_reference(name: str, dtype: str) -> None:
    """The value and, where there is one, the gradient."""
    node, inputs, arrays = node_of(name, seed=7, dtype=dtype)
    outputs = [node]
    if node.dtype.kind == "f":
        weights = np.random.default_rng(8).standard_normal(node.shape).astype(node.dtype)
        outputs += pullback([node], [constant(weights)], [inputs[i] for i in floats(inputs)])
    graph = Graph(tuple(inputs), tuple(outputs))
    tolerance = 2e-5 if dtype == "float32" or name == "convert" else 1e-12
    for found, wanted in zip(compiled(graph)(*arrays), evaluate(graph, arrays), strict=True):
        assert found.dtype == wanted.dtype
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", NAMES)
def test_the_jax_target_agrees_with_the_reference(name: str) -> None:
    """The value and, where there is one, the gradient, in float64; in float32 the types, since compiling takes long."""
    jax = pytest.importorskip("jax")
    from thalweg.compile.jax.evaluating import outputs_of
    from thalweg.compile.jax.program import precise

    for dtype in ("float64", "float32"):
        node, inputs, arrays = node_of(name, seed=7, dtype=dtype)
        outputs = [node]
        if node.dtype.kind == "f":
            weights = np.random.default_rng(8).standard_normal(node.shape).astype(node.dtype)
            outputs += pullback([node], [constant(weights)], [inputs[i] for i in floats(inputs)])
        graph = expand(Graph(tuple(inputs), tuple(outputs)))
        with precise():
            if dtype == "float32":
                types = jax.eval_shape(lambda *xs, g=graph: outputs_of(g, xs), *arrays)
                assert [type.dtype for type in types] == [output.dtype for output in graph.outputs]
                return
            found = outputs_of(graph, arrays)
        tolerance = 2e-5 if name == "convert" else 1e-12
        for value, wanted in zip(found, evaluate(graph, arrays), strict=True):
            assert value.dtype == wanted.dtype
            np.testing.assert_allclose(value, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", NAMES)
def test_every_primitive_has_a_lowering_to_jax(name: str) -> None:
    pytest.importorskip("jax")
    from thalweg.compile.jax.lowering import LOWERINGS

    assert (name in LOWERINGS) == (PRIMITIVES[name].expansion is None)


def test_the_checker_notices_a_rule_that_is_slightly_off() -> None:
    """A derivative that is wrong by 0.05 % must not pass."""
    node, inputs, arrays = node_of("sin")
    tangents = tangents_for(arrays, 1)
    wrong = 1.0005 * forward(node, inputs, arrays, tangents)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(wrong, directional(node, inputs, arrays, tangents), rtol=2e-6, atol=2e-7)


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_equal_arguments_share_the_derivative(name: str) -> None:
    x = input_node(ArrayType((1,), np.dtype(float)))
    y = input_node(ArrayType((1,), np.dtype(float)))
    node = make(PRIMITIVES[name], x, y)
    assert backward(node, [x, y], [np.ones(1), np.ones(1)], np.ones(1)) == [0.5, 0.5]

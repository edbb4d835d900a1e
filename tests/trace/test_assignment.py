"""Arrays that a loss fills and changes: the values are NumPy's own, and derivatives agree with complex steps and with JAX."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

import thalweg as tw
from thalweg.autodiff import batched
from thalweg.compile.function import compiled
from thalweg.graph import ArrayType, Graph, evaluate, input_node
from thalweg.rewrite import simplify
from thalweg.trace import trace

CASES: dict[str, Callable[..., Any]] = {}
DATA = np.array([0.5, -1.0, 2.0, 0.25, 3.0, -0.75])
MASK = DATA > 0


def case(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of (np, x) with x (6,); it is called with NumPy, with a NumPy whose arrays are complex, and traced."""
    CASES[function.__name__] = function
    return function


@case
def euler(np: Any, x: Any) -> Any:
    path = np.zeros((5, 2))
    path[0] = x[:2]
    for i in range(4):
        path[i + 1] = path[i] + 0.1 * np.array([path[i, 1], -x[2] * np.sin(path[i, 0])])
    return path


@case
def recursion(np: Any, x: Any) -> Any:
    y = np.empty(6)
    y[0] = x[0]
    for i in range(1, 6):
        y[i] = 0.5 * y[i - 1] + x[i] ** 2
    return y


@case
def a_view_of_an_array_that_changes(np: Any, x: Any) -> Any:
    y = x * 2
    view = y[1:4]
    rows = y.reshape(3, 2)
    copied = y[[0, 1, 2]]
    y[2] = x[0] * x[5]
    view[0] += 1.0
    rows[2] = rows[0] * x[1]
    return np.concatenate([y, view, rows.ravel(), rows.T[0], copied])


@case
def a_copy_that_changes(np: Any, x: Any) -> Any:
    y, z, w = x.copy(), np.array(x), np.copy(x)
    y[0], z[1], w[-1] = 1.0, x[0] * x[1], y[2]
    y[0] *= x[3]
    return np.stack([x, y, z, w])


@case
def the_parameters_themselves(np: Any, x: Any) -> Any:
    alias = x
    x[1:3] = x[0] * x[4]
    x *= 2.0
    alias[5] = alias[0] - x[5]
    return np.concatenate([x, alias])


@case
def boundary_conditions(np: Any, x: Any) -> Any:
    u = np.zeros((4, 5))
    u[1:-1, 1:-1] = x.reshape(2, 3)
    u[0, :] = 1.0
    u[:, -1] = DATA[:4]
    for _ in range(2):
        u[1:-1, 1:-1] = 0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:]) + u[1:-1, 1:-1] ** 2
    return u


@case
def masks_and_index_arrays(np: Any, x: Any) -> Any:
    y = np.array(DATA)
    y[MASK] = x[:4]
    z = np.ones((3, 2))
    z[[2, 0], [1, 0]] = x[:2]
    z[:, 0] *= x[2]
    w = np.zeros(6)
    w[[1, 1, 3]] += x[:3]
    return np.concatenate([y, z.ravel(), w, y[[0, 5, 0]], y[MASK]])


@case
def broadcasting(np: Any, x: Any) -> Any:
    y = np.zeros((3, 4))
    y[:] = x[0]
    y[1] = x[2:]
    y[:, 2] = x[:3]
    y[2, 1:3] = x[None, 4:]
    y[0, :2] = [x[1], 7.0]
    return y + y[::-1, ::-1] + y.T.T


@case
def steps_backwards(np: Any, x: Any) -> Any:
    y = np.zeros(6)
    y[::-2] = x[:3]
    y[-3::-1] += x[:4]
    y[1:] = y[:-1]
    return y[::-1] * x


@case
def known_numbers_stay_known(np: Any, x: Any) -> Any:
    steps = np.linspace(0.0, 1.0, 6)
    steps[0] = x[0]
    total = 0.0
    for i in range(1, 6):
        if steps[i] > 0.5:
            total += steps[i] * x[i]
    counts = np.arange(6)
    counts[counts > 3] = 0
    grid = np.arange(6) * np.ones(6)
    grid[3] = total
    return x[counts] * grid * len(steps)


@case
def in_place(np: Any, x: Any) -> Any:
    y = np.zeros(6)
    y += x
    y -= 1.0
    y[2:] *= y[:-2]
    y **= 2
    a = x[0]
    b = a
    a += 1.0
    a *= x[1]
    return y * a + b


@case
def out(np: Any, x: Any) -> Any:
    y = np.zeros(6)
    np.multiply(x, x, out=y)
    z = np.divide(x, DATA, out=np.zeros_like(x), where=MASK)
    roots = np.sqrt(DATA * x, out=np.ones(6), where=DATA * x.real > 0)
    np.add(y[:3], z[3:], out=y[3:])
    return y + z + roots


@case
def functions_that_write(np: Any, x: Any) -> Any:
    matrix = np.zeros((3, 3))
    np.fill_diagonal(matrix, x[:3])
    matrix.flat[1] = x[5]
    np.copyto(matrix[2], x[3:], where=np.array([True, True, False]))
    counts = np.zeros(4)
    np.add.at(counts, [0, 1, 1, 3, 1, 0], x)
    np.put(counts, [2], x[1])
    filled = np.full(3, x[4])
    filled[1] = 2.0
    filled.fill(x[0] * filled[1])
    return np.concatenate([matrix.ravel(), counts, filled, np.diag(matrix)])


@case
def a_matrix_in_blocks(np: Any, x: Any) -> Any:
    matrix = np.eye(4)
    matrix[:2, :2] = x[:4].reshape(2, 2)
    matrix[2, 3] = matrix[3, 2] = x[4]
    column = matrix[:, 1]
    column /= 2.0
    return np.linalg.solve(matrix + 5 * np.eye(4), matrix @ x[:4]) + matrix.sum(axis=0) + np.linalg.det(matrix)


@case
def constants_over_what_was_traced(np: Any, x: Any) -> Any:
    y = np.ones(6)
    y[:] = x
    y[2:4] = 0.0
    scale = 2.0 if y[2] == 0.0 and y[3] < 1 else 3.0
    return y * scale


@case
def chosen_by_traced_conditions(np: Any, x: Any) -> Any:
    y = x - 1.0
    y[y.real < 0] = 0.0
    rows = np.outer(x, x)
    rows[x.real > 1] = DATA
    return np.concatenate([y, rows.ravel()])


@case
def the_same_memory_or_a_copy(np: Any, x: Any) -> Any:
    """What asks for an array of a kind gets the array itself where it is one already."""
    y, kind = np.zeros(6), x.dtype
    y[:3] = x[:3]
    y.astype(kind, copy=False)[0] = x[5] ** 2
    y.astype(kind)[1] = 7.0
    np.asarray(y, kind)[3] = x[3]
    np.asarray(y, copy=True)[0] = 8.0
    np.ascontiguousarray(y.reshape(2, 3).T)[0] = 9.0
    np.ascontiguousarray(y.reshape(2, 3))[1, 1] = x[4]
    np.asarray(y.reshape(2, 3), order="F")[0] = 9.0
    x.astype(kind, copy=False)[0] *= 2.0
    np.ascontiguousarray(x.reshape(2, 3).T)[1:] = 9.0
    np.ascontiguousarray(x[:4])[1] = y[2] * x[0]
    return np.concatenate([y, x, np.ascontiguousarray(x[0])])


@case
def put_beyond_the_end_and_fewer_values(np: Any, x: Any) -> Any:
    y, z = np.zeros(6), np.zeros((2, 3))
    np.put(y, [-1, 9], x[:2], mode="clip")
    np.put(y, [8, -5], x[2], mode="wrap")
    np.put(z, [[0, 1], [2, 4]], x[:3])
    z.flat[5] = x[4]
    y[2:5] += z[0]
    z.flat = y[1:4]
    return np.concatenate([y, z.ravel()])


@case
def known_numbers_written_by_functions_stay_known(np: Any, x: Any) -> Any:
    places, levels = np.arange(6), np.ones(6)
    np.copyto(places, 0, where=places > 3)
    np.put(places, [0], 3)
    np.copyto(levels[2:], 5.0)
    levels = levels * 1.0
    levels[0] = x[0]
    np.copyto(levels[4:], 0.5)
    return (x[places] if levels[5].real < 1 else x) * levels


class _Complex:
    """NumPy, whose new arrays hold complex numbers."""

    def __getattr__(self, name: str) -> Any:
        function = getattr(np, name)
        if name in ("zeros", "ones", "empty", "eye"):
            return lambda *args: function(*args, dtype=complex)
        if name == "linspace":
            return lambda *args: _Ordered(function(*args, dtype=complex))
        if name == "array":
            return lambda value: value if isinstance(value, list) and value[0] is True else function(value, complex)
        return function


class _Ordered(np.ndarray[Any, Any]):
    """Complex numbers that are compared by their real parts."""

    def __new__(cls, array: Any) -> Any:
        return array.view(cls)

    def __getitem__(self, index: Any) -> Any:
        return _Number(super().__getitem__(index))


class _Number(complex):
    def __gt__(self, other: float) -> bool:
        return self.real > other


def weights(value: Any) -> Any:
    return np.cos(np.arange(np.size(value))).reshape(np.shape(value))


START = np.array([1.3, 0.7, 1.9, 0.4, 1.1, 0.6])


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients(name: str) -> None:
    function = CASES[name]
    value = function(np, START.copy())
    scale = weights(value)

    def loss(x: Any) -> Any:
        return np.sum(np.sin(function(np, x)) * scale)

    graph = simplify(trace(lambda x: (function(np, x), loss(x)), [ArrayType((6,), np.dtype(float))]).check())
    np.testing.assert_allclose(evaluate(graph, [START])[0], value, rtol=1e-12)
    found, gradient = tw.value_and_grad(loss)(START)
    np.testing.assert_allclose(found, np.sum(np.sin(value) * scale), rtol=1e-12)
    assert START[0] == 1.3

    expected = []
    for i in range(6):
        x = START.astype(complex)
        x[i] += 1e-200j
        expected.append(np.sum(np.sin(np.asarray(function(_Complex(), x))) * scale).imag * 1e200)
    np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-12)


def in_jax(x: Any) -> Any:
    y = jax.numpy.zeros((4, 3)).at[1].set(x[:3]).at[:, 0].multiply(2.0).at[2:, 1:].set(x[2:].reshape(2, 2) ** 2)
    y = y.at[jax.numpy.array([0, 3]), jax.numpy.array([1, 2])].add(x[0] * x[1])
    return jax.numpy.sum(jax.numpy.sin(y @ y.T))


def with_assignments(x: Any) -> Any:
    y = np.zeros((4, 3))
    y[1] = x[:3]
    y[:, 0] *= 2.0
    y[2:, 1:] = x[2:].reshape(2, 2) ** 2
    y[[0, 3], [1, 2]] += x[0] * x[1]
    return np.sum(np.sin(y @ y.T))


def test_derivatives_of_both_orders_and_populations_agree_with_jax() -> None:
    points = np.stack([START, START[::-1]])
    with jax.enable_x64(True):
        values, gradients, hessians = jax.jit(
            jax.vmap(lambda x: (in_jax(x), jax.grad(in_jax)(x), jax.hessian(in_jax)(x)))
        )(points)
    np.testing.assert_allclose(tw.grad(with_assignments)(START), gradients[0], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(tw.hessian(with_assignments)(START), hessians[0], rtol=1e-10, atol=1e-12)
    graph = trace(lambda x: (with_assignments(x),), [ArrayType((6,), np.dtype(float))])
    many = input_node(ArrayType((2, 6), np.dtype(float)))
    of_many = Graph((many,), batched(graph.outputs, graph.inputs, (many,), 2))
    np.testing.assert_allclose(evaluate(of_many, [points])[0], values, rtol=1e-10)


def test_single_precision_stays_single() -> None:
    def function(x: Any) -> Any:
        y = np.zeros(6, np.float32)
        y[2:] = x[2:]
        y[0] = x[0].astype(np.float64) * 2.0
        y += 1.0
        return y

    graph = trace(lambda x: (function(x),), [ArrayType((6,), np.dtype(np.float32))])
    assert graph.outputs[0].dtype == np.float32
    start = START.astype(np.float32)
    np.testing.assert_array_equal(compiled(graph)(start)[0], function(start))


def path_length(p: Any, count: int = 1001) -> Any:
    x = np.zeros((count, 2))
    x[0] = p
    for i in range(count - 1):
        x[i + 1] = 0.9 * x[i] + 0.1 * x[i, ::-1] ** 2
    return np.sum(x**2)


def nodes_and_seconds(count: int) -> tuple[int, float]:
    began = time.perf_counter()
    graph = trace(lambda p: (path_length(p, count),), [ArrayType((2,), np.dtype(float))])
    return len(graph), time.perf_counter() - began


def test_a_thousand_assignments_are_one_node() -> None:
    (few, _), (many, seconds) = nodes_and_seconds(501), nodes_and_seconds(1001)
    assert many < 2 * few
    assert seconds < 3.0
    graph = trace(lambda p: (path_length(p),), [ArrayType((2,), np.dtype(float))])
    assert sum(node.primitive.name == "place" for node in graph.nodes) == 1


def test_reading_all_of_an_array_while_it_is_filled_is_linear_in_nodes() -> None:
    def operands(count: int) -> int:
        def loss(x: Any) -> Any:
            y = np.zeros(count)
            for i in range(count):
                y[i] = x[0] + np.sum(y) * np.sum(y[: i + 1])
            return np.sum(y)

        graph = trace(lambda x: (loss(x),), [ArrayType((1,), np.dtype(float))])
        return sum(len(node.operands) for node in graph.nodes)

    assert operands(100) < 2.5 * operands(50)


def test_the_start_is_not_changed_and_penalties_see_it_as_it_was() -> None:
    def loss(p: Any) -> Any:
        p["w"] -= 3.0
        p["w"][0] = p["w"][0] * 2.0
        return np.sum(p["w"] ** 2)

    def same(p: Any) -> Any:
        return (2 * (p["w"][0] - 3.0)) ** 2 + np.sum((p["w"][1:] - 3.0) ** 2)

    start = {"w": np.array([1.0, 2.0])}
    found, expected = (tw.minimize(f, start, penalty=tw.L2(0.5)) for f in (loss, same))
    np.testing.assert_array_equal(start["w"], [1.0, 2.0])
    np.testing.assert_allclose(found.parameters["w"], expected.parameters["w"], rtol=1e-6)


def test_a_method_that_writes_into_what_it_is_given_changes_nothing_else() -> None:
    class Decaying(tw.Method):
        def initial_state(self, parameters: Any) -> Any:
            return np.zeros_like(parameters)

        def direction(self, now: Any, state: Any) -> Any:
            gradient = now.gradient
            gradient += 0.1 * now.parameters
            state *= 0.5
            state += gradient
            return -0.1 * state, state

    class Plain(Decaying):
        def direction(self, now: Any, state: Any) -> Any:
            state = 0.5 * state + (now.gradient + 0.1 * now.parameters)
            return -0.1 * state, state

    runs = [
        tw.minimize(lambda x: np.sum((x - 1.0) ** 4), np.zeros(3), method=method, stop=tw.MaxSteps(20))
        for method in (Decaying(), Plain())
    ]
    np.testing.assert_array_equal(runs[0].parameters, runs[1].parameters)
    np.testing.assert_array_equal(runs[0].history.gradient_norm, runs[1].history.gradient_norm)


def test_arrays_of_other_threads_and_of_libraries_are_ordinary() -> None:
    seen: list[type] = []

    def loss(x: Any) -> Any:
        other = threading.Thread(target=lambda: seen.append(type(np.zeros(2))))
        other.start()
        other.join()
        seen.append(type(np.polynomial.legendre.leggauss(3)[0]))
        return np.sum(x**2)

    tw.grad(loss)(START)
    assert set(seen) == {np.ndarray}
    assert type(np.zeros(2)) is np.ndarray


def test_traced_values_that_went_astray_are_noticed() -> None:
    ordinary = np.zeros(6)

    def loss(x: Any) -> Any:
        y = np.zeros(6)
        y[:] = x
        ordinary[:] = y
        return np.sum(ordinary * x)

    with pytest.raises(tw.TracingError, match=r"test_assignment.py:\d+ .*got traced values"):
        tw.grad(loss)(START)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.float32, np.complex128])
@pytest.mark.parametrize("when", ["before", "after"])
def test_bytes_that_stand_for_traced_values_are_not_read_as_other_numbers(dtype: Any, when: str) -> None:
    def loss(x: Any) -> Any:
        y = np.zeros(6)
        early = y.view(dtype)
        y[2] = x[0]
        return np.sum(np.abs(early if when == "before" else y.view(dtype))) + x[1]

    with pytest.raises(tw.TracingError, match=r"test_assignment.py:\d+ .*float64 that holds traced values"):
        tw.grad(loss)(START)


KEPT: dict[str, Callable[[Any, Any], Any]] = {
    "array": lambda kept, x: np.sum(kept * x),
    "computed": lambda kept, x: np.sum(np.exp(kept) * x),
    "sum": lambda kept, x: kept.sum() * x[0],
    "element": lambda kept, x: kept[1] * x[0],
    "copied": lambda kept, x: np.sum(kept.copy()[1:3] * x[0]),
}


@pytest.mark.parametrize("name", KEPT)
def test_arrays_kept_from_an_earlier_trace_are_refused(name: str) -> None:
    kept: list[Any] = []

    def loss(x: Any) -> Any:
        if not kept:
            kept.append(np.ones(6))
        total = KEPT[name](kept[0], x)
        kept[0][1] = x[1]
        return total

    tw.grad(loss)(START)
    assert repr(kept[0]).startswith("array([ 1., nan")
    with pytest.raises(tw.TracingError, match=r"test_assignment.py:\d+ .*earlier call"):
        tw.grad(lambda x: loss(x))(START)


def test_traced_values_from_elsewhere_are_refused() -> None:
    kept: list[Any] = []

    def loss(x: Any) -> Any:
        kept.append(x * 2.0)
        return np.sum(kept[0] * x)

    def around(x: Any) -> Any:
        return np.sum(tw.grad(lambda z: np.sum(z**2 * x))(START) * x)

    tw.grad(loss)(START)
    for function in (lambda x: loss(x), around):
        with pytest.raises(tw.TracingError, match=r"test_assignment.py:\d+ .*from elsewhere"):
            tw.grad(function)(START)


def test_tables_do_not_take_traced_values_for_missing_ones() -> None:
    pandas = pytest.importorskip("pandas")

    def loss(x: Any) -> Any:
        y = np.arange(6.0)
        y[0] = x[0]
        return pandas.Series(y, copy=True).sum() * x[1]

    with pytest.raises(tw.TracingError, match=r"test_assignment.py:\d+ .*pandas.Series cannot be traced"):
        tw.grad(loss)(START)


def test_arrays_of_known_numbers_print_as_numpy_prints_them() -> None:
    printed: list[str] = []

    def loss(x: Any) -> Any:
        y = np.arange(3.0)
        printed.extend([str(y), repr(y), f"{np.array([x, x])} {y[1]:.2f}"])
        return np.sum(x**2)

    tw.grad(loss)(START)
    assert printed == ["[0. 1. 2.]", "array([0., 1., 2.])", "Traced(float64[2, 6]) 1.00"]


def test_known_numbers_stand_in_the_graph_once_and_as_they_were() -> None:
    def function(x: Any) -> Any:
        steps = np.linspace(0.0, 1.0, 1000)
        before = sum(np.sum(steps * x[i]) for i in range(3))
        steps[10] = -7.0
        return before, np.sum(steps * x[0])

    graph = trace(function, [ArrayType((6,), np.dtype(float))])
    assert len({id(node.value) for node in graph.nodes if node.is_constant and node.shape == (1000,)}) == 2
    np.testing.assert_allclose(evaluate(graph, [START]), function(START))


def random_program(seed: int) -> Callable[[Any], Any]:
    """Forty random statements on a few arrays: views, copies, assignments, operations in place; the same ones at each call."""

    def program(x: Any) -> Any:
        draw = np.random.default_rng(seed)
        arrays: list[Any] = [x, np.zeros(12), np.ones((3, 4)), x * 1.5]

        def index(shape: tuple[int, ...]) -> Any:
            parts: list[Any] = []
            for extent in shape:
                kind = draw.integers(6)
                if kind == 0:
                    parts.append(int(draw.integers(-extent, extent)))
                elif kind == 1:
                    parts.append(draw.integers(0, extent, 2) if len(shape) == 1 or not parts else slice(None))
                elif kind == 2 and len(shape) == 1:
                    parts.append(draw.random(extent) > 0.5)
                else:
                    start = int(draw.integers(0, extent))
                    step = int(draw.choice([1, 1, 2, -1, -2]))
                    parts.append(slice(start, None, step) if draw.random() < 0.7 else slice(None, None, step))
            return tuple(parts) if len(parts) > 1 else parts[0]

        def some() -> Any:
            return arrays[draw.integers(len(arrays))]

        def fitting(shape: tuple[int, ...]) -> Any:
            """A value that can be assigned where the shape is."""
            source = some()
            kind = draw.integers(4)
            if kind == 0 or not source.size:
                return float(np.round(draw.normal(), 2))
            if kind == 1:
                return x[int(draw.integers(6))] * 0.5
            count = int(np.prod(shape))
            flat = source.reshape(-1)
            flat = flat[np.arange(count) % source.size] if kind == 2 or source.size < count else flat[:count]
            return flat.reshape(shape)

        for _ in range(40):
            a = some()
            if not a.ndim or not a.size:
                continue
            kind = draw.integers(8)
            if kind == 0:
                view = a[index(a.shape)]
                if np.ndim(view):
                    arrays.append(view)
            elif kind == 1:
                arrays.append((a.T, a.reshape(-1), a.copy(), np.flip(a), np.tile(a, 1).copy())[draw.integers(5)])
            elif kind == 2:
                arrays.append(np.ascontiguousarray(np.sin(a) * 0.9 + 0.1))  # what NumPy computes may lie otherwise
            elif kind == 3:
                a *= 0.5
            elif kind == 4:
                a += fitting(a.shape)
            else:
                where = index(a.shape)
                target = np.zeros(a.shape)[where]
                value = fitting(np.shape(target))
                if kind == 5:
                    a[where] += value
                else:
                    a[where] = value
            arrays = (
                arrays if len(arrays) < 9 else [arrays[i] for i in sorted(draw.choice(9, 7, replace=False).tolist())]
            )
        return np.concatenate([array.reshape(-1) for array in arrays])

    return program


@pytest.mark.parametrize("seed", range(40))
def test_random_programs_do_as_numpy_does(seed: int) -> None:
    program = random_program(seed)
    graph = trace(lambda x: (program(x),), [ArrayType((6,), np.dtype(float))])
    np.testing.assert_allclose(evaluate(graph.check(), [START])[0], program(START.copy()), rtol=1e-12, atol=1e-14)

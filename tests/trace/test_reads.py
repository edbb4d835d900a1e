"""What a trace depends on: a change of anything that a loss refers to is seen, or the loss is traced each time."""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.trace import reads

scale: Any = 2.0
shift = 1.0


def half(x: Any) -> Any:
    return x / 2


def loss(x: Any) -> Any:
    return scale * np.sum(half(x - shift) ** 2) + math.sqrt(2.0)


START = np.array([3.0, 4.0])


def minimum(function: Callable[..., Any]) -> float:
    return tw.minimize(function, START, stop=tw.MaxSteps(2)).loss


def test_what_is_the_same_is_known_to_be() -> None:
    assert reads(loss) is not None
    assert reads(loss) == reads(loss)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scale", 3.0),
        ("scale", 2),
        ("scale", True),
        ("scale", np.float32(2.0)),
        ("scale", -0.0),
        ("half", lambda x: x),
        ("shift", 0.0),
        ("math", np),
        ("np", math),
        ("sum", max),
    ],
)
def test_other_globals_are_other_readings(monkeypatch: pytest.MonkeyPatch, name: str, value: Any) -> None:
    def own(x: Any) -> Any:
        return sum([loss(x), shift])

    before = reads(own)
    monkeypatch.setitem(globals(), name, value)
    assert before is not None
    assert reads(own) != before


def test_zero_and_minus_zero_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "scale", 0.0)
    before = reads(loss)
    monkeypatch.setitem(globals(), "scale", -0.0)
    assert reads(loss) != before


def test_numpy_itself_may_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    before = reads(loss)
    monkeypatch.setattr(np, "sum", np.mean)
    assert reads(loss) != before


def test_closures_and_defaults_count() -> None:
    def made(factor: Any, power: Any) -> Callable[..., Any]:
        def own(x: Any, *, power: Any = power, plus: Any = 1.0) -> Any:
            return factor * np.sum(x**power) + plus

        return own

    assert reads(made(1.0, 2)) == reads(made(1.0, 2)) is not None
    assert len({reads(made(1.0, 2)), reads(made(2.0, 2)), reads(made(1.0, 4)), reads(made((1.0,), 2))}) == 4
    first = made(1.0, 2)
    before = reads(first)
    first.__kwdefaults__ = {"power": 2, "plus": 5.0}  # type: ignore[attr-defined]
    assert reads(first) != before
    changed = reads(first)
    first.__kwdefaults__ = {"plus": 2, "power": 5.0}  # type: ignore[attr-defined]
    assert reads(first) != changed


def test_whole_numbers_of_any_length_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "scale", 10**5000)  # more digits than Python writes
    before = reads(loss)
    assert before == reads(loss) is not None
    monkeypatch.setitem(globals(), "scale", 10**5000 + 1)
    assert reads(loss) != before


def test_functions_within_are_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    def own(x: Any) -> Any:
        return sum([(lambda part: scale * part**2)(part) for part in x])

    before = reads(own)
    assert before is not None
    monkeypatch.setitem(globals(), "scale", 7.0)
    assert reads(own) != before


def itself(x: Any, depth: int = 2) -> Any:
    return scale * np.sum(x**2) if depth == 0 else itself(x, depth - 1)


def _written(source: str) -> Callable[..., Any]:
    """A loss of a module that does not put off its annotations."""
    space: dict[str, Any] = {"np": np}
    exec(compile(source, "written", "exec", dont_inherit=True), space)
    own: Callable[..., Any] = space["own"]
    return own


KNOWN: dict[str, Callable[..., Any]] = {
    "generator": lambda x: sum(scale * part**2 for part in x),
    "tuple of a generator": lambda x: sum(tuple(scale * part**2 for part in x)),
    "nested comprehensions": lambda x: sum([sum([scale * x[i] for i in range(j)]) for j in range(2)]),
    "comprehension with a variable of its own": lambda x: sum([(lambda: scale * part)() for part in x]),
    "keys that are written": lambda x: {f"w{i}": scale * x[i] for i in range(2)}[f"{'w'}{1!r:>1}"],
    "unary plus": lambda x: +np.sum(scale * x),
    "star arguments": lambda x: (lambda *parts, **named: sum(parts) * named["by"])(*x, 1.0, by=scale),
    "keyword defaults": lambda x: (lambda z, /, w=scale, *, v=shift: z * w + v)(np.sum(x)),
    "unpacking": lambda x: sum([a * b for a, *_, b in [(scale, 1.0, np.sum(x))]]),
    "comparison with None": lambda x, axis=None: scale * np.sum(x, axis=axis) if axis is None else 0.0,
    "slices": lambda x: scale * np.sum(x[0:1]) + np.sum(x[:]),
    "calls of itself": itself,
}


@pytest.mark.parametrize("kind", KNOWN)
def test_losses_as_they_are_written_are_known_on_every_python(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    before = reads(KNOWN[kind])
    assert before == reads(KNOWN[kind]) is not None
    monkeypatch.setitem(globals(), "scale", 3.0)
    assert reads(KNOWN[kind]) != before


@pytest.mark.parametrize("head", ["inner(y: float) -> float", "__annotate__(y)"])
def test_annotations_within_a_loss_have_no_say_but_functions_do(head: str) -> None:
    name = head.partition("(")[0]
    own = _written(f"scale = 2.0\ndef own(x):\n    def {head}: return scale * y\n    return {name}(x)")
    before = reads(own)
    assert before == reads(own) is not None
    own.__globals__["scale"] = 3.0  # type: ignore[attr-defined]
    assert reads(own) != before


def _composed(depth: int, innermost: Callable[..., Any]) -> Callable[..., Any]:
    def twice(inner: Callable[..., Any]) -> Callable[..., Any]:
        return lambda x: inner(inner(x))

    for _ in range(depth):
        innermost = twice(innermost)
    return innermost


def test_functions_that_many_refer_to_are_looked_into_once() -> None:
    assert reads(_composed(2000, loss)) == reads(_composed(2000, loss)) is not None
    assert reads(_composed(2000, loss)) != reads(_composed(2000, half))


def test_functions_that_are_alike_are_not_the_same_one() -> None:
    def own(first: Any, second: Any) -> Callable[..., Any]:
        return lambda x: np.sum(x) * (2.0 if first == second else 1.0)

    one, other = (lambda: None for _ in range(2))
    assert reads(own(one, one)) == reads(own(other, other)) != reads(own(one, other))


class _Changing:
    """Answers differently each time."""

    def __init__(self) -> None:
        self.count = 0

    @property
    def T(self) -> float:
        self.count += 1
        return float(self.count)


class _Weight(np.float64):
    """A number with arithmetic of its own."""

    __slots__ = ()
    factor = 1.0

    def __mul__(self, other: Any) -> Any:
        return other * _Weight.factor


class _Space(dict[str, Any]):
    """Globals that are looked up in a way of their own."""

    def __getitem__(self, name: str) -> Any:
        return changing.T if name == "sum" else super().__getitem__(name)


def _elsewhere() -> Callable[..., Any]:
    space = _Space(np=np)
    exec("def own(x): return sum * np.sum(x**2)", space)
    own: Callable[..., Any] = dict(space)["own"]
    return own


weight = _Weight(2.0)
array, numbers, table, changing = np.ones(2), [1.0, 2.0], {"a": 1.0}, _Changing()
large, of_objects, masked = np.ones(1 << 15), np.ones(2, object), np.ma.ones(2)


def attempts(x: Any) -> Any:
    try:
        return np.sum(x**2)
    except ValueError:
        return 0.0


def counts(x: Any) -> Any:
    global shift
    shift += 1
    return np.sum(x**2)


def remembers(x: Any, seen: list[float] = []) -> Any:  # noqa: B006  # what is to be seen through
    seen.append(1.0)
    return len(seen) * np.sum(x**2)


def _with_cell() -> Callable[..., Any]:
    count = 0

    def own(x: Any) -> Any:
        nonlocal count
        count += 1
        return count * np.sum(x**2)

    return own


def imports(x: Any) -> Any:
    import tests.trace.test_reads as here

    return here.scale * np.sum(x**2)


def marks(x: Any) -> Any:
    marks.seen = 1  # type: ignore[attr-defined]
    return np.sum(x**2)


def settings() -> None:
    """Has an attribute."""


settings.size = 2.0  # type: ignore[attr-defined]


def configured(x: Any) -> Any:
    own: Any = settings
    return own.size * np.sum(x**2)


def _with_cell_and_comprehension() -> Callable[..., Any]:
    count = 0

    def own(x: Any) -> Any:
        nonlocal count
        count = 1 - count
        return sum([(lambda: count)() for count in range(2)]) + count * np.sum(x**2)

    return own


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.sum(large * x[0] ** 2),
        lambda x: np.sum(of_objects * x**2),
        lambda x: np.sum(masked * x**2),
        lambda x: np.sum(x**2) * numbers[0],
        lambda x: np.sum(x**2) * table["a"],
        lambda x: np.sum(x**2) * changing.T,
        lambda x: weight * np.sum(x**2),
        _elsewhere(),
        lambda x: np.sum(x**2) * np.random.random(),
        lambda x: np.sum(x**2) * random.random(),
        lambda x: np.sum((np if scale else math).exp(x)),
        lambda x: np.sum(x**2) * getattr(changing, "T"),  # noqa: B009  # another way to read it
        lambda x: np.sum(x**2) * len({*numbers}),
        lambda x: print("traced") or np.sum(x**2),
        lambda x: np.sum(np.fromfile("numbers") * x),
        lambda x: x.weights,
        lambda x: undefined * np.sum(x),  # type: ignore[name-defined]  # noqa: F821
        functools.partial(loss),
        functools.lru_cache(loss),
        tw.grad(loss),
        np.sum,
        _Changing().__init__,
        attempts,
        counts,
        remembers,
        _with_cell(),
        _with_cell_and_comprehension(),
        imports,
        marks,
        configured,
        lambda x: np.sum(x) * len((half if scale else np).__name__),
        lambda x: np.sum(x) * len((scale and np).__name__),
        lambda x: np.sum(x) * (2.0 if scale is shift else 1.0),
        lambda x: np.sum(x) * (2.0 if shift is (None if scale else numbers) else 1.0),
        lambda x: sum([part * np.sum(x) for part in {8, 0}]),  # equal to {0, 8}, which has them in another order
    ],
)
def test_what_may_change_is_not_known(function: Callable[..., Any]) -> None:
    assert reads(function) is None


OTHERS = {
    "values": np.full(2, 2.0),
    "sign of zero": np.array([1.0, -0.0]),
    "dtype": np.ones(2, np.float32),
    "shape": np.ones((1, 2)),
    "order": np.ones(4)[::2],
}


@pytest.mark.parametrize("kind", OTHERS)
def test_arrays_are_known_by_what_they_hold(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    def own(x: Any) -> Any:
        return np.sum(array * x**2)

    first = OTHERS[kind] + 0.0 if kind == "sign of zero" else np.ones(2)
    monkeypatch.setitem(globals(), "array", first)
    before = reads(own)
    monkeypatch.setitem(globals(), "array", first.copy())
    assert reads(own) == before is not None
    monkeypatch.setitem(globals(), "array", OTHERS[kind])
    assert reads(own) != before


def test_one_array_is_not_two_equal_ones() -> None:
    def own(first: Any, second: Any) -> Callable[..., Any]:
        return lambda x: np.sum(first * x) + np.sum(second * x)

    one, other = np.ones(2), np.ones(2)
    assert reads(own(one, one)) == reads(own(other, other)) != reads(own(one, other))


def test_a_descent_sees_what_is_written_into_an_array() -> None:
    """Also where an equal array, whose problem is known already, is written into afterwards."""
    place = np.array([1.0, 2.0])

    def made(target: Any) -> Callable[..., Any]:
        return lambda x: np.sum((x - target[::-1]) ** 2)

    def end(function: Callable[..., Any]) -> Any:
        return tw.minimize(function, START).parameters

    equal = place.copy()
    np.testing.assert_allclose(end(made(place)), [2.0, 1.0], atol=1e-6)
    place[0] = 7.0
    np.testing.assert_allclose(end(made(place)), [2.0, 7.0], atol=1e-6)
    np.testing.assert_allclose(end(made(equal)), [2.0, 1.0], atol=1e-6)
    place[0] = 1.0
    np.testing.assert_allclose(end(made(place)), [2.0, 1.0], atol=1e-6)


def test_a_loss_that_counts_in_an_array_is_refused() -> None:
    count = np.zeros(1)

    def own(x: Any) -> Any:
        count[0] += 1
        return np.sum((x - count[0]) ** 2)

    with pytest.raises(tw.errors.LossError, match="not the same from one call to the next"):
        tw.minimize(own, START)


def test_a_descent_sees_what_the_loss_refers_to_now(monkeypatch: pytest.MonkeyPatch) -> None:
    assert minimum(loss) == pytest.approx(math.sqrt(2.0))
    monkeypatch.setitem(globals(), "half", lambda x: np.sqrt(1 + x**2))
    assert minimum(loss) == pytest.approx(4 + math.sqrt(2.0))
    monkeypatch.setitem(globals(), "scale", 3.0)
    assert minimum(loss) == pytest.approx(6 + math.sqrt(2.0))


def test_an_unchanged_loss_is_traced_once() -> None:
    def own(x: Any) -> Any:
        return np.sum((x - 1.0) ** 2)

    seen: list[object] = []
    original = np.sum
    tw.minimize(own, START)
    first = tw.minimize(own, START).origin.plan.problem
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np, "sum", lambda x: seen.append(x) or original(x))
        tw.minimize(own, START)
    assert seen, "what NumPy has under the name now is called"
    assert tw.minimize(own, START).origin.plan.problem is first


def test_parameters_with_code_of_their_own_are_traced() -> None:
    from dataclasses import dataclass

    factor = [1.0]

    @dataclass(frozen=True)
    class Line:
        slope: Any

        def sum(self) -> Any:
            return factor[0] * np.sum(self.slope**2)

    def own(line: Any) -> Any:
        return line.sum() + 1.0

    start = Line(np.ones(2))
    steps = tw.MaxSteps(1)
    rate = tw.GradientDescent(0.1)
    before = tw.minimize(own, start, method=rate, stop=steps).history.loss[0]
    factor[0] = 2.0
    after = tw.minimize(own, start, method=rate, stop=steps).history.loss[0]
    assert (before, after) == (3.0, 5.0)


def test_the_order_of_keys_counts() -> None:
    def own(layers: dict[str, Any]) -> Any:
        return sum((i + 1) * np.sum((v - i) ** 2) for i, v in enumerate(layers.values()))

    for names in ("ab", "ba"):
        start = {name: np.zeros(2) for name in names}
        found = tw.minimize(own, start).parameters
        np.testing.assert_allclose([found[name] for name in names], [[0.0, 0.0], [1.0, 1.0]], atol=1e-6)
        slopes = tw.grad(lambda nested: own(nested[0]["x"]))([{"x": start}])[0]["x"]
        np.testing.assert_allclose([slopes[name] for name in names], [[0.0, 0.0], [-4.0, -4.0]])
    shared = tw.grad(own)
    for names in ("ab", "ba"):
        slopes = shared({name: np.zeros(2) for name in names})
        np.testing.assert_allclose([slopes[name] for name in names], [[0.0, 0.0], [-4.0, -4.0]])


def test_the_types_of_keys_count() -> None:
    def own(layers: dict[Any, Any]) -> Any:
        return sum([key // 2 * np.sum(v**2) if key is not True else 7.0 * np.sum(v**2) for key, v in layers.items()])

    found = tw.grad(lambda layers: own(layers) + np.sum(layers[1]))
    for key, slope in ((1, 1.0), (True, 15.0), (1.0, 1.0)):
        assert found({key: np.ones(2)})[key].tolist() == [slope, slope]
        first = tw.minimize(
            lambda layers: own(layers) + np.sum(layers[1]), {key: np.ones(2)}, stop=tw.MaxSteps(1)
        ).history.loss[0]
        assert first == (16.0 if key is True else 2.0)


def filled(x: Any) -> Any:
    y = np.empty(2)
    y[0] = x[0]
    y[1] = scale * x[1]
    y += shift
    return np.sum(y**2)


def test_losses_that_fill_arrays_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    before = reads(filled)
    assert before is not None
    assert minimum(filled) == minimum(filled)
    monkeypatch.setitem(globals(), "scale", 5.0)
    assert reads(filled) != before

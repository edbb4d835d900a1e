"""Populations: each member is a descent of its own, whatever becomes of the others; basins, rankings, rates."""

from __future__ import annotations

import dataclasses
import pickle
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from references.losses import load

import thalweg as tw

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Rows(tw.Start):
    """One row after another."""

    rows: list[Array]

    def leaf(self, shape: Any, given: Array, generator: np.random.Generator) -> Array:
        return self.rows.pop(0).reshape(shape)


def rosenbrock(p: Any) -> Any:
    return (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2


METHODS = [
    tw.GradientDescent(1e-3), tw.Momentum(1e-3), tw.Adam(0.02), tw.LBFGS(memory=4), tw.BFGS(), tw.ConjugateGradient(),
    tw.Newton(), tw.NewtonCG(), tw.LevenbergMarquardt(), tw.BarzilaiBorwein(), tw.RandomSearch(),
    tw.GradientDescent(1e-3, line_search=tw.Armijo()), tw.GradientDescent(0.1, line_search=tw.StrongWolfe()),
]  # fmt: skip
each_method = pytest.mark.parametrize(
    "method", METHODS, ids=lambda method: type(method).__name__ + ("+" if method.line_search else "")
)
STARTS = 1.5 * np.random.default_rng(3).standard_normal((19, 2))
RULE = tw.MaxSteps(40) | tw.GradientBelow(1e-9)


def descend(rows: Array, method: tw.Method, **more: Any) -> tw.Population:
    result = tw.minimize(
        rosenbrock, np.zeros(2), start=Rows(list(rows)), restarts=len(rows), method=method, stop=RULE, **more
    )
    assert isinstance(result, tw.Population)
    return result


def check_same(a: tw.Result, b: tw.Result) -> None:
    np.testing.assert_array_equal(a.parameters, b.parameters)
    np.testing.assert_array_equal(a.history.loss, b.history.loss)
    np.testing.assert_array_equal(a.history.step, b.history.step)
    assert (a.steps, a.evaluations, a.ascents, a.loss) == (b.steps, b.evaluations, b.ascents, b.loss)
    assert a.stopped_by == b.stopped_by


@each_method
def test_members_are_single_descents_and_do_not_see_each_other(method: tw.Method) -> None:
    """To rounding for as long as it does not grow; and to the bit whatever the threads and the other members do."""
    population = descend(STARTS, method, threads=1)
    for number, (start, member) in enumerate(zip(STARTS, population.members, strict=True)):
        seed = number if isinstance(method, tw.RandomSearch) else 0
        single = tw.minimize(rosenbrock, start, method=method, stop=RULE, seed=seed)
        few = min(len(single.history), len(member.history), 5)
        np.testing.assert_allclose(member.history.loss[:few], single.history.loss[:few], rtol=1e-8, atol=1e-18)
        assert member.loss == pytest.approx(rosenbrock(member.parameters), rel=1e-9, abs=1e-18)
    others = STARTS.copy()
    others[3], others[7], others[15] = 1.0, 1e200, 1e60  # at the minimum; not finite; overflows soon
    disturbed = descend(others, method, threads=2)
    for number in set(range(len(STARTS))) - {3, 7, 15}:
        check_same(disturbed.members[number], population.members[number])
    failed = disturbed.members[7]
    assert failed.stopped_by.reason == "not finite"
    assert disturbed.ranking[-1] in (7, 15)


def test_members_that_have_ended_cost_nothing_further() -> None:
    """999 of 1000 are at the minimum from the beginning; a hundred thousand steps of the last one take no thousand times longer."""
    rule = tw.MaxSteps(100_000) | tw.GradientBelow(1e-3)
    method = tw.GradientDescent(1e-9)
    rows = np.ones((1000, 2))
    rows[500] = -1.2, 1
    alone = tw.minimize(rosenbrock, rows[500], method=method, stop=rule)
    result = tw.minimize(
        rosenbrock, np.zeros(2), start=Rows(list(rows)), restarts=1000, method=method, stop=rule, threads=1
    )
    assert result.members[500].steps == 100_000
    assert result.members[0].steps == 0
    assert result.seconds < 100 * alone.seconds + 2


# Grids
def test_every_combination_of_grids_descends() -> None:
    method = tw.Momentum(tw.powers_of_ten(-5, -3), tw.grid(0.0, 0.5))
    population = tw.minimize(rosenbrock, np.array([-1.2, 1.0]), method=method, stop=tw.MaxSteps(60))
    assert len(population.members) == 6
    for choice, member in zip(population.choices, population.members, strict=True):
        single = tw.minimize(rosenbrock, np.array([-1.2, 1.0]), method=member.method, stop=tw.MaxSteps(60))
        assert member.method == tw.Momentum(choice["learning_rate"], choice["momentum"])
        np.testing.assert_allclose(member.parameters, single.parameters, rtol=1e-9)


@pytest.mark.parametrize(
    "method",
    [
        tw.AdamW(0.01, tw.grid(0.8, 0.9), tw.grid(0.99, 0.999), weight_decay=tw.grid(0, 0.1)),
        tw.GradientDescent(tw.grid(1, 1e-3)),
        tw.RMSProp(0.01, decay=tw.grid(0.9, 0.99), epsilon=tw.grid(1e-8, 1e-6)),
        tw.GradientDescent(0.01, line_search=tw.Armijo(decrease=tw.grid(1e-4, 0.3), most=tw.grid(20, 40))),
        tw.LBFGS(line_search=tw.StrongWolfe(curvature=tw.grid(0.5, 0.9))),
        tw.NewtonCG(rounds=tw.grid(1, 20)),
        tw.LevenbergMarquardt(damping=tw.grid(1e-3, 1.0), bend=tw.grid(0.5, 0.75)),
        tw.RandomSearch(tw.grid(0.1, 1.0)),
    ],
    ids=lambda method: type(method).__name__,
)
def test_grids_in_any_number(method: tw.Method) -> None:
    """Whole numbers and fractions mix: 1 and 0.001 go into one input of the program."""
    population = tw.minimize(rosenbrock, np.array([-1.2, 1.0]), method=method, stop=tw.MaxSteps(5))
    for number, member in enumerate(population.members):
        seed = number if isinstance(method, tw.RandomSearch) else 0
        single = tw.minimize(rosenbrock, np.array([-1.2, 1.0]), method=member.method, stop=tw.MaxSteps(5), seed=seed)
        np.testing.assert_allclose(member.parameters, single.parameters, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tw.grid(), "is empty"),
        (lambda: tw.grid(0.1, float("nan")), "expected finite numbers"),
        (lambda: tw.grid(0.1, "a"), "expected finite numbers"),
        (lambda: tw.powers_of_ten(0, -3), "the smaller one first"),
        (lambda: tw.powers_of_ten(-3, 0, per_decade=0), "per_decade=0"),
        (lambda: tw.minimize(rosenbrock, np.ones(2), method=tw.GradientDescent(tw.grid(-1, 1))), "learning_rate=-1"),
        (lambda: tw.minimize(rosenbrock, np.ones(2), method=tw.Momentum(0.1, tw.grid(0.5, 1))), r"momentum=1\.0"),
        (lambda: tw.minimize(rosenbrock, np.ones(2), method=tw.LBFGS(memory=tw.grid(3, 5))), "size of the method's memory"),
        (
            lambda: tw.minimize(
                rosenbrock, np.ones(2), method=tw.LBFGS(line_search=tw.StrongWolfe(tw.grid(0.1, 0.9), 0.5))
            ),
            "must be smaller than curvature",
        ),
        (lambda: tw.minimize(rosenbrock, np.ones(2), restarts=2, target="numpy"), "compiled code only"),
        (lambda: tw.minimize(lambda p: float(p[0]), np.ones(2), restarts=2, gradient="numerical"), "compiled code only"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_population(make: Any, message: str) -> None:
    with pytest.raises(tw.ArgumentError, match=message):
        make()


def test_powers_of_ten() -> None:
    np.testing.assert_allclose(tw.powers_of_ten(-3, 1).values, [1e-3, 1e-2, 1e-1, 1, 10], rtol=1e-12)
    np.testing.assert_allclose(tw.powers_of_ten(0, 1, per_decade=3).values, np.geomspace(1, 10, 4), rtol=1e-11)


# What they found
def test_the_four_minima_of_himmelblau() -> None:
    loss = load("himmelblau")
    population = tw.minimize(loss.function, np.zeros(2), start=tw.Uniform(-5, 5), restarts=80, seed=1)
    assert len(population.basins) == 4
    assert sum(len(basin.members) for basin in population.basins) == 80
    for minimum in loss.minima:
        assert min(np.linalg.norm(basin.parameters - np.array(minimum)) for basin in population.basins) < 1e-4
    for basin in population.basins:
        for number in basin.members:
            np.testing.assert_allclose(population.members[number].parameters, basin.parameters, atol=1e-3)
    losses = [population.members[number].loss for number in population.ranking]
    assert losses == sorted(losses)
    assert population.loss == losses[0]
    assert "minima         4, reached by 80 of 80" in str(population)


def test_a_double_valley() -> None:
    """Started at A it ends in the local minimum, started at B in the global one."""

    def valley(x: Any) -> Any:
        return x**4 - 2 * x**2 + 0.3 * x

    roots = np.sort(np.roots([4, 0, -4, 0.3]).real)
    ends = [tw.minimize(valley, at, method=tw.GradientDescent(0.01)) for at in (1.5, -1.5)]
    assert float(ends[0].parameters) == pytest.approx(roots[2], abs=1e-5)
    assert float(ends[1].parameters) == pytest.approx(roots[0], abs=1e-5)
    assert ends[1].loss < ends[0].loss
    both = tw.minimize(valley, 0.0, start=tw.Uniform(-2, 2), restarts=30, method=tw.GradientDescent(0.01))
    assert [float(basin.parameters) for basin in both.basins] == pytest.approx([roots[0], roots[2]], abs=1e-5)
    assert both.loss == pytest.approx(valley(roots[0]), rel=1e-9)


def test_members_that_did_not_come_to_rest_have_no_basin() -> None:
    population = tw.minimize(rosenbrock, np.zeros(2), restarts=5, method=tw.GradientDescent(1e-6), stop=tw.MaxSteps(5))
    assert population.basins == ()


def test_learning_rates_are_classified() -> None:
    """On ½·λx² gradient descent overshoots from 2/λ on; far below 1/(λ·steps) hardly anything happens."""
    population = tw.minimize(
        lambda x: 5 * np.sum(x**2),
        np.ones(2),
        method=tw.GradientDescent(tw.powers_of_ten(-6, 1)),
        stop=tw.MaxSteps(100),
    )
    kinds = {round(np.log10(rate.learning_rate)): rate.kind.value for rate in population.rates}
    assert kinds[1] == kinds[0] == "overshot"
    assert kinds[-1] == "good"
    assert kinds[-6] == kinds[-5] == kinds[-4] == "slow"
    assert all(
        rate.loss == member.loss or np.isinf(rate.loss)
        for rate, member in zip(population.rates, population.members, strict=True)
    )
    for part in ("good: 0.01, 0.1", "slow: 1e-06, 1e-05, 0.0001", "overshot: "):
        assert part in str(population)


def test_mini_batches_and_data_are_shared() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((500, 3))
    y = X @ np.arange(3.0)
    arguments: dict[str, Any] = {"data": (X, y), "batch_size": 32, "seed": 2, "stop": tw.MaxSteps(50)}

    def loss(w: Any, X: Any, y: Any) -> Any:
        return np.mean((X @ w - y) ** 2)

    population = tw.minimize(loss, np.zeros(3), method=tw.GradientDescent(tw.grid(1e-3, 1e-2, 1e-1)), **arguments)
    for member in population.members:
        single = tw.minimize(loss, np.zeros(3), method=member.method, **arguments)
        np.testing.assert_allclose(member.parameters, single.parameters, rtol=1e-9)
        assert member.loss == pytest.approx(loss(member.parameters, X, y), rel=1e-9)


def test_an_interrupted_population_keeps_what_was_reached() -> None:
    def interrupt(progress: tw.Progress) -> None:
        if progress.step > 100:
            raise KeyboardInterrupt

    population = tw.minimize(
        rosenbrock, np.zeros(2), restarts=7, method=tw.GradientDescent(1e-6), stop=tw.MaxSteps(10**9), on_progress=interrupt
    )  # fmt: skip
    for member in population.members:
        assert member.stopped_by.reason == "interrupted"
        assert member.steps > 100
        assert member.loss == pytest.approx(rosenbrock(member.parameters), rel=1e-12)


def test_nested_parameters_of_float32() -> None:
    start = {"a": np.zeros((2, 2), np.float32), "b": np.float32(0)}
    population = tw.minimize(
        lambda p: np.sum((p["a"] - 1) ** 2) + (p["b"] - 2) ** 2, start, restarts=9, method=tw.GradientDescent(0.1)
    )
    for member in population.members:
        assert member.parameters["a"].dtype == np.float32
        np.testing.assert_allclose(member.parameters["a"], 1, atol=1e-3)
    assert len(population.basins) == 1
    assert dataclasses.replace(population).loss == population.loss


@pytest.mark.parametrize("penalty", [None, tw.L1(0.01)])
@pytest.mark.parametrize("count", [2, 19])
def test_losses_after_mini_batches_are_of_all_examples(count: int, penalty: Any) -> None:
    """One member of the grid diverges. Each is made when it is asked for, once, and is stored with the population."""
    generator = np.random.default_rng(0)
    X = generator.standard_normal((300, 4))
    y = X @ np.array([1.0, -2.0, 0.0, 3.0]) + generator.standard_normal(300)
    rates = [*np.logspace(-3, -1, count - 1).tolist(), 1e3]
    options: dict[str, Any] = {"data": (X, y), "batch_size": 30, "penalty": penalty, "stop": tw.MaxSteps(100)}

    def squares(w: Any, X: Any, y: Any) -> Any:
        return np.mean((X @ w - y) ** 2)

    together = tw.minimize(squares, np.zeros(4), method=tw.GradientDescent(tw.grid(*rates)), **options)
    assert isinstance(together, tw.Population)
    kinked = 0.01 if penalty else 0.0
    for member, rate in zip(together.members, rates, strict=True):
        wanted = squares(member.parameters, X, y) + kinked * np.abs(member.parameters).sum()
        np.testing.assert_allclose(member.loss, wanted, rtol=1e-9)
        alone = tw.minimize(squares, np.zeros(4), method=tw.GradientDescent(rate), **options)
        np.testing.assert_allclose(member.gradient_norm, alone.gradient_norm, rtol=1e-6)
        assert member.stopped_by.reason == alone.stopped_by.reason
    assert together.members[-1].stopped_by.reason == "not finite"
    assert together.ranking[-1] == count - 1
    assert list(together.ranking[:-1]) == sorted(range(count - 1), key=lambda place: together.members[place].loss)
    assert together.members[0] is together.members[0]
    stored = pickle.loads(pickle.dumps(together))
    assert [member.loss for member in stored.members] == [member.loss for member in together.members]

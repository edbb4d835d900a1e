"""Update rules, step by step: against PyTorch and Optax, against formulas, and methods of one's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import thalweg as tw

Array = np.ndarray[Any, Any]
START = np.array([-1.2, 1.0])


def rosenbrock(p: Any) -> Any:
    return (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2


def after(method: tw.Method, steps: int, start: Array = START) -> Array:
    return tw.minimize(rosenbrock, start, method=method, stop=tw.MaxSteps(steps)).parameters  # type: ignore[no-any-return]


TORCH: dict[str, tuple[tw.Method, Callable[[Any, Any], Any]]] = {
    "gradient descent": (tw.GradientDescent(1e-3), lambda o, p: o.SGD(p, lr=1e-3)),
    "momentum": (tw.Momentum(1e-4, 0.8), lambda o, p: o.SGD(p, lr=1e-4, momentum=0.8)),
    "nesterov": (tw.Nesterov(1e-4, 0.8), lambda o, p: o.SGD(p, lr=1e-4, momentum=0.8, nesterov=True)),
    "adagrad": (tw.Adagrad(0.1), lambda o, p: o.Adagrad(p, lr=0.1)),
    "rmsprop": (tw.RMSProp(0.01, 0.95), lambda o, p: o.RMSprop(p, lr=0.01, alpha=0.95)),
    "adam": (tw.Adam(0.02, 0.8, 0.99), lambda o, p: o.Adam(p, lr=0.02, betas=(0.8, 0.99))),
    "adamw": (tw.AdamW(0.02, weight_decay=0.1), lambda o, p: o.AdamW(p, lr=0.02, weight_decay=0.1)),
}


@pytest.mark.parametrize("name", sorted(TORCH))
def test_every_step_is_pytorchs(name: str) -> None:
    torch = pytest.importorskip("torch")
    method, optimiser_of = TORCH[name]
    p = torch.tensor(START, requires_grad=True)
    optimiser = optimiser_of(torch.optim, [p])
    for step in range(1, 41):
        optimiser.zero_grad()
        rosenbrock(p).backward()
        optimiser.step()
        if step in (1, 2, 3, 10, 40):
            np.testing.assert_allclose(after(method, step), p.detach().numpy(), rtol=1e-12)


OPTAX: dict[str, tuple[tw.Method, Callable[[Any], Any]]] = {
    "momentum": (tw.Momentum(1e-4, 0.8), lambda o: o.sgd(1e-4, momentum=0.8)),
    "nesterov": (tw.Nesterov(1e-4, 0.8), lambda o: o.sgd(1e-4, momentum=0.8, nesterov=True)),
    "adam": (tw.Adam(0.02, 0.8, 0.99), lambda o: o.adam(0.02, b1=0.8, b2=0.99)),
    "adamw": (tw.AdamW(0.02, weight_decay=0.1), lambda o: o.adamw(0.02, weight_decay=0.1)),
    "cosine": (
        tw.GradientDescent(tw.schedules.cosine(1e-3, steps=30)),
        lambda o: o.sgd(o.cosine_decay_schedule(1e-3, 30)),
    ),
}


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", sorted(OPTAX))
def test_every_step_is_optaxs(name: str) -> None:
    optax = pytest.importorskip("optax")
    import jax

    method, optimiser_of = OPTAX[name]
    optimiser = optimiser_of(optax)
    p = jax.numpy.array(START)
    state = optimiser.init(p)
    for step in range(1, 41):
        updates, state = optimiser.update(jax.grad(rosenbrock)(p), state, p)
        p = optax.apply_updates(p, updates)
        if step in (1, 2, 3, 10, 40):
            np.testing.assert_allclose(after(method, step), p, rtol=1e-12)


def gradient(p: Array) -> Array:
    """By hand."""
    valley = p[1] - p[0] ** 2
    return np.array([-2 * (1 - p[0]) - 400 * p[0] * valley, 200 * valley])


def test_barzilai_borwein_without_a_search_is_its_formula() -> None:
    """Steps of sᵀs/sᵀy, or ‖s‖/‖y‖ where the loss curves downwards; the first of length 1 at most."""
    p, before = START.copy(), None
    for step in range(1, 21):
        g = gradient(p)
        length = min(1.0, 1 / float(np.linalg.norm(g)))
        if before is not None:
            s, y = p - before[0], g - before[1]
            length = s @ s / (s @ y) if s @ y > 0 else float(np.linalg.norm(s) / np.linalg.norm(y))
        before = (p, g)
        p = p - length * g
        found = after(tw.BarzilaiBorwein(line_search=None), step)
        np.testing.assert_allclose(found, p, rtol=1e-8 if step > 5 else 1e-12)


FORMULAS = {
    "fletcher_reeves": lambda g, old, d: g @ g / (old @ old),
    "polak_ribiere": lambda g, old, d: max(0.0, g @ (g - old) / (old @ old)),
    "hestenes_stiefel": lambda g, old, d: max(0.0, g @ (g - old) / (d @ (g - old))),
    "dai_yuan": lambda g, old, d: g @ g / (d @ (g - old)),
    "hager_zhang": lambda g, old, d: max(
        ((g - old) - 2 * d * ((g - old) @ (g - old)) / (d @ (g - old))) @ g / (d @ (g - old)),
        -1 / (np.linalg.norm(d) * min(0.01, np.linalg.norm(old))),
    ),
}


@pytest.mark.parametrize("formula", sorted(FORMULAS))
def test_conjugate_directions_are_the_published_formulas(formula: str) -> None:
    """Each step goes along −∇f + β Δw₋, whatever its length."""
    method = tw.ConjugateGradient(formula)
    points = [START, *(after(method, steps) for steps in range(1, 7))]
    direction = np.zeros(2)
    for number, (p, q) in enumerate(pairwise(points)):
        g = gradient(p)
        beta = FORMULAS[formula](g, gradient(points[number - 1]), direction) if number else 0.0
        direction = -g + beta * direction
        direction = direction if g @ direction < 0 else -g
        along = (q - p) / np.linalg.norm(q - p)
        np.testing.assert_allclose(along, direction / np.linalg.norm(direction), atol=1e-7)


def inverse_by_updates(pairs: list[tuple[Array, Array]], start: float) -> Array:
    """BFGS's inverse Hessian in its product form, (I − ρsyᵀ) H (I − ρysᵀ) + ρssᵀ."""
    inverse = start * np.eye(2)
    for s, y in pairs:
        rho = 1 / (s @ y)
        left = np.eye(2) - rho * np.outer(s, y)
        inverse = left @ inverse @ left.T + rho * np.outer(s, s)
    return inverse


@pytest.mark.parametrize(
    ("method", "memory", "scaled_by"),
    [(tw.BFGS(), None, "first"), (tw.LBFGS(), 10, "last"), (tw.LBFGS(memory=2), 2, "last")],
    ids=["bfgs", "lbfgs", "short memory"],
)
def test_quasi_newton_directions_are_the_published_formulas(
    method: tw.Method, memory: int | None, scaled_by: str
) -> None:
    points = [START, *(after(method, steps) for steps in range(1, 9))]
    gradients = [gradient(p) for p in points]
    for number in range(1, 8):
        pairs = [(points[i + 1] - points[i], gradients[i + 1] - gradients[i]) for i in range(number)]
        s, y = pairs[0] if scaled_by == "first" else pairs[-1]
        inverse = inverse_by_updates(pairs if memory is None else pairs[-memory:], (s @ y) / (y @ y))
        direction = -inverse @ gradients[number]
        step = points[number + 1] - points[number]
        np.testing.assert_allclose(
            step / np.linalg.norm(step), direction / np.linalg.norm(direction), atol=1e-6, err_msg=f"step {number}"
        )


@pytest.mark.parametrize(
    "method",
    [
        tw.LBFGS(), tw.BFGS(), tw.ConjugateGradient(), tw.BarzilaiBorwein(), tw.Newton(), tw.NewtonCG(),
        tw.LevenbergMarquardt(), tw.Adam(0.05), tw.Adagrad(0.5), tw.RMSProp(0.01), tw.Nesterov(0.02),
        tw.GradientDescent(0.1, line_search=tw.Armijo()), tw.GradientDescent(0.1, line_search=tw.StrongWolfe()),
        tw.Adam(0.05, line_search=tw.StrongWolfe()), tw.RandomSearch(2.0),
    ],
    ids=lambda method: type(method).__name__ + ("+" if method.line_search else ""),
)  # fmt: skip
def test_every_method_descends_on_nested_parameters_of_float32(method: tw.Method) -> None:
    """A paraboloid in a dict; both targets see the same first steps."""
    dtype = "float32"
    A = np.array([[2.0, 0.5], [0.5, 1.0]], dtype)

    def loss(p: Any) -> Any:
        r = A @ p["w"] - np.asarray([1, 2], dtype)
        return np.sum(r**2) + (p["b"][0] - 3) ** 2

    start = {"w": np.zeros(2, dtype), "b": (np.zeros((), dtype),)}
    result = tw.minimize(loss, start, method=method, stop=tw.MaxSteps(2000) | tw.GradientBelow(1e-4))
    assert result.parameters["w"].dtype == dtype
    assert result.loss < {tw.RandomSearch: 1.0, tw.Adagrad: 1e-2, tw.RMSProp: 1e-2}.get(type(method), 1e-6)
    first = [tw.minimize(loss, start, method=method, stop=tw.MaxSteps(3), target=t).loss for t in ("native", "numpy")]
    assert first[0] == pytest.approx(first[1], rel=1e-4, abs=1e-9)


def test_a_single_parameter_and_a_scalar() -> None:
    for method in (tw.LBFGS(), tw.BFGS(), tw.Newton(), tw.NewtonCG(), tw.LevenbergMarquardt(), tw.ConjugateGradient()):
        assert tw.minimize(lambda x: (x - 3) ** 2, 0.0, method=method).parameters == pytest.approx(3, abs=1e-6)
        assert tw.minimize(lambda x: (x[0] - 3) ** 2, np.zeros(1), method=method).parameters[0] == pytest.approx(
            3, abs=1e-6
        )


def test_lbfgs_with_thousands_of_parameters() -> None:
    scale = np.linspace(1, 100, 5000)
    result = tw.minimize(lambda x: np.sum(scale * (x - 1) ** 2), np.zeros(5000))
    np.testing.assert_allclose(result.parameters, 1, atol=1e-6)


# ∇f·Δw < 0
def test_a_direction_uphill_is_counted_and_said() -> None:
    @dataclass(frozen=True)
    class Uphill(tw.Method):
        learning_rate: float = 0.01

        def direction(self, now: tw.Point, state: Any) -> tuple[Any, Any]:
            return np.where(now.step < 3, -now.gradient, now.gradient), state

    result = tw.minimize(lambda x: np.sum(x**2), np.ones(2), method=Uphill(), stop=tw.MaxSteps(10))
    assert result.ascents == 7
    assert "7 times, first at step 3" in str(result.notes)
    np.testing.assert_array_equal(np.sign(result.history.slope), [-1] * 3 + [1] * 8)
    searched = tw.minimize(lambda x: np.sum(x**2), np.ones(2), method=Uphill(line_search=tw.Armijo()))
    assert searched.loss < 1e-12
    assert "steepest descent was taken instead" in str(searched.notes)


def test_the_slope_is_the_gradient_times_the_direction() -> None:
    result = tw.minimize(rosenbrock, START, method=tw.GradientDescent(1e-3), stop=tw.MaxSteps(20))
    np.testing.assert_allclose(result.history.slope, -(result.history.gradient_norm**2), rtol=1e-12)
    momentum = tw.minimize(rosenbrock, START, method=tw.Momentum(1e-3, 0.99), stop=tw.MaxSteps(200))
    assert momentum.ascents == np.sum(momentum.history.slope[:-1] > 0) > 0


# Methods of one's own
def test_a_method_of_ones_own_with_a_memory_and_a_search() -> None:
    """Momentum, written again, is Momentum."""

    @dataclass(frozen=True)
    class Mine(tw.Method):
        learning_rate: float = 0.01
        share: float = 0.9

        def initial_state(self, parameters: Array) -> Any:
            return {"velocity": np.zeros_like(parameters)}

        def direction(self, now: tw.Point, state: Any) -> tuple[Any, Any]:
            velocity = self.share * state["velocity"] - now.gradient
            return velocity, {"velocity": velocity}

    np.testing.assert_allclose(after(Mine(1e-3, 0.8), 50), after(tw.Momentum(1e-3, 0.8), 50), rtol=1e-12)
    assert rosenbrock(after(Mine(1e-3, 0.5, line_search=tw.Armijo()), 300)) < 0.05


def test_a_method_of_ones_own_with_the_hessian() -> None:
    @dataclass(frozen=True)
    class PlainNewton(tw.Method):
        def direction(self, now: tw.Point, state: Any) -> tuple[Any, Any]:
            return -np.linalg.solve(now.hessian(), now.gradient), state

    @dataclass(frozen=True)
    class Cauchy(tw.Method):
        def direction(self, now: tw.Point, state: Any) -> tuple[Any, Any]:
            g = now.gradient
            return -(np.sum(g * g) / np.sum(g * now.hessian_product(g))) * g, state

    np.testing.assert_allclose(after(PlainNewton(), 7), 1, rtol=1e-9)
    A = np.diag([1.0, 4.0])
    g = A @ np.ones(2)
    found = tw.minimize(lambda x: x @ A @ x / 2, np.ones(2), method=Cauchy(), stop=tw.MaxSteps(1)).parameters
    np.testing.assert_allclose(found, np.ones(2) - g @ g / (g @ A @ g) * g, rtol=1e-12)


class Broken(tw.Method):
    """Returns what it was made for. No dataclass of its own."""

    def __init__(self, value: Callable[[tw.Point, Any], Any]) -> None:
        super().__init__()
        object.__setattr__(self, "value", value)

    def initial_state(self, parameters: Array) -> Any:
        return {"a": np.zeros(2)}

    def direction(self, now: tw.Point, state: Any) -> tuple[Any, Any]:
        return self.value(now, state)  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (lambda now, state: now.gradient, "expected a pair"),
        (lambda now, state: (now.gradient[:1], state), "changes the shape of the parameters"),
        (lambda now, state: (now.gradient, {"a": now.gradient[:1]}), "changes its state"),
        (lambda now, state: (now.gradient, {"b": now.gradient}), "Return the same nesting"),
        (lambda now, state: (now.gradient, ()), "Return the same nesting"),
    ],
)
def test_a_method_that_changes_shapes_is_told(value: Any, message: str) -> None:
    with pytest.raises(tw.ThalwegError, match=message):
        tw.minimize(rosenbrock, START, method=Broken(value), stop=tw.MaxSteps(3))


# Learning rates as functions
def test_a_schedule_that_fails_is_named() -> None:
    result = tw.minimize(
        rosenbrock, START, method=tw.GradientDescent(lambda t: np.where(t > 5, np.nan, 1e-3)), stop=tw.MaxSteps(20)
    )
    assert result.steps == 6
    assert result.stopped_by.reason == "not finite"
    assert "schedule of the learning rate gives nan at step 6" in str(result.notes)
    assert np.isfinite(result.parameters).all()
    below = tw.minimize(rosenbrock, START, method=tw.GradientDescent(lambda t: 1e-5 - 1e-5 * t), stop=tw.MaxSteps(4))
    assert "below zero at step 2" in str(below.notes)


@pytest.mark.parametrize("search", [None, tw.Armijo()])
def test_a_schedule_has_to_give_one_number(search: Any) -> None:
    with pytest.raises(tw.ArgumentError, match=r"learning rate has the shape \(2,\)"):
        tw.minimize(rosenbrock, START, method=tw.GradientDescent(lambda t: np.array([1e-3, 1e-3]), line_search=search))


@pytest.mark.parametrize("rate", [lambda t: np.nan * t, lambda t: -0.1 + 0 * t, lambda t: 0 * t, 1e300])
def test_a_line_search_copes_with_any_first_length(rate: Any) -> None:
    result = tw.minimize(rosenbrock, START, method=tw.GradientDescent(rate, line_search=tw.Armijo()))
    assert result.loss < 1e-4
    assert (np.diff(result.history.loss) <= 0).all()


# Where losses are extreme
@pytest.mark.parametrize("scale", [1e150, 1e-3])
@pytest.mark.parametrize("method", [tw.LBFGS(), tw.Newton(), tw.GradientDescent(0.01, line_search=tw.Armijo())])
def test_scales(scale: float, method: tw.Method) -> None:
    result = tw.minimize(lambda x: scale * np.sum((x - 1) ** 2), np.array([0.0, 3.0]), method=method)
    np.testing.assert_allclose(result.parameters, 1, atol=1e-2)


@pytest.mark.parametrize("method", [tw.LBFGS(), tw.Newton()])
@pytest.mark.parametrize(
    "loss",
    [lambda x: -np.sum(np.exp(x)), lambda x: -np.sum(np.exp(np.exp(x))), lambda x: np.sum(np.log(x + 1)) - x[0] ** 3],
    ids=["-exp", "-exp exp", "log"],
)
def test_losses_without_a_minimum_end_with_finite_numbers(method: tw.Method, loss: Any) -> None:
    """At points where the loss is −∞ a search once went on for ever."""
    result = tw.minimize(loss, np.zeros(2), method=method, stop=tw.MaxSteps(500))
    assert result.loss < loss(np.zeros(2))
    assert np.isfinite(result.loss)
    assert np.isfinite(result.parameters).all()
    assert result.stopped_by.sentence


@pytest.mark.parametrize("method", [tw.LBFGS(), tw.Newton(), tw.Adam(0.1), tw.LevenbergMarquardt()])
def test_a_start_with_a_gradient_of_zero_is_not_left(method: tw.Method) -> None:
    def plain(x: Any) -> Any:
        return np.sum(np.maximum(np.absolute(x) - 1, 0) ** 2)

    result = tw.minimize(plain, np.array([0.5, 0.2]), method=method, stop=tw.GradientBelow(1e-9) | tw.MaxSteps(10))
    assert result.steps == 0
    assert "gradient's norm, 0" in str(result.stopped_by)


# Errors before the run
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tw.GradientDescent(float("nan")), "learning_rate=nan"),
        (lambda: tw.GradientDescent(float("inf")), "learning_rate=inf"),
        (lambda: tw.GradientDescent(True), "learning_rate=True"),
        (lambda: tw.Adam(-0.1), "learning_rate=-0.1"),
        (lambda: tw.Momentum(0.1, -0.1), "momentum=-0.1"),
        (lambda: tw.Nesterov(0.1, 1.5), r"momentum=1\.5"),
        (lambda: tw.LBFGS(memory=0), "memory=0"),
        (lambda: tw.LBFGS(memory=2.5), r"memory=2\.5"),
        (lambda: tw.LBFGS(line_search=None), "needs a line search"),
        (lambda: tw.BFGS(line_search=None), "needs a line search"),
        (lambda: tw.Newton(line_search=None), "needs a line search"),
        (lambda: tw.ConjugateGradient("fletcher"), "expected one of polak_ribiere"),
        (lambda: tw.NewtonCG(rounds=0), "rounds=0"),
        (lambda: tw.LevenbergMarquardt(damping=0.0), "damping"),
        (lambda: tw.LevenbergMarquardt(line_search=tw.Armijo()), "leave out line_search"),
        (lambda: tw.RandomSearch(0.0), "scale"),
        (lambda: tw.RandomSearch(line_search=tw.Armijo()), "leave out line_search"),
    ],
)
def test_numbers_are_checked(make: Any, message: str) -> None:
    with pytest.raises(tw.ArgumentError, match=message):
        make()


def squares(x: Any) -> Any:
    return np.sum(x**2)


@pytest.mark.parametrize("method", [tw.Newton(), tw.BFGS(), tw.LevenbergMarquardt()])
def test_matrices_that_are_too_large_are_refused(method: tw.Method) -> None:
    with pytest.raises(tw.ArgumentError, match=r"matrix|Hessian"):
        tw.minimize(squares, np.zeros(6000), method=method)


@pytest.mark.parametrize(
    "method", [tw.LBFGS(), tw.Newton(), tw.LevenbergMarquardt(), tw.RandomSearch(), tw.Adam(line_search=tw.Armijo())]
)
def test_methods_that_compare_losses_refuse_mini_batches(method: tw.Method) -> None:
    with pytest.raises(tw.ArgumentError, match="every step has to see the same examples"):
        tw.minimize(lambda w, x: np.mean((w - x) ** 2), 0.0, data=np.ones(9), batch_size=2, method=method)


def test_a_line_search_that_is_none_is_told() -> None:
    with pytest.raises(tw.ArgumentError, match="line_search=3 is no line search"):
        tw.minimize(rosenbrock, START, method=tw.GradientDescent(0.1, line_search=3))  # type: ignore[arg-type]


# Random search
def test_random_search_keeps_the_best_and_is_seeded() -> None:
    runs = [
        tw.minimize(rosenbrock, START, method=tw.RandomSearch(), stop=tw.MaxSteps(500), seed=seed) for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(runs[0].parameters, runs[1].parameters)
    assert not np.array_equal(runs[0].parameters, runs[2].parameters)
    assert (np.diff(runs[0].history.loss) <= 0).all()
    assert runs[0].loss == pytest.approx(rosenbrock(runs[0].parameters), rel=1e-12)


def test_random_search_draws_from_a_gaussian_and_loses_to_descent() -> None:
    """The best of n draws of a scalar around 0, seen as −x: its mean over seeds is that of a Gaussian's largest."""
    p = tw.minimize(
        lambda x: -x, 0.0, method=tw.RandomSearch(2.0), restarts=300, start=tw.Zeros(), stop=tw.MaxSteps(101)
    )
    best = np.array([float(member.parameters) for member in p.members])
    draws = np.max(2.0 * np.random.default_rng(0).standard_normal((20_000, 100)), axis=1)
    assert abs(best.mean() - draws.mean()) < 5 * draws.std() / np.sqrt(300)
    random = tw.minimize(rosenbrock, START, method=tw.RandomSearch(), stop=tw.MaxSteps(200)).loss
    assert tw.minimize(rosenbrock, START, stop=tw.MaxSteps(30)).loss < 1e-3 * random


def test_parts_of_a_state_may_change_places() -> None:
    """What the compiled loop commits reads all of the old state, also in a circle."""

    @dataclass(frozen=True)
    class Turns(tw.Method):
        learning_rate: float = 0.1

        def initial_state(self, parameters: Any) -> Any:
            return {"a": parameters + 1, "b": parameters + 2, "c": parameters + 3}

        def direction(self, now: Any, state: Any) -> Any:
            return -now.gradient + state["a"], {"a": state["b"], "b": state["c"], "c": state["a"]}

    start = np.arange(40.0)
    expected, parts = start.copy(), [start + 1, start + 2, start + 3]
    for number in range(5):
        expected = expected + 0.1 * (-2 * expected + parts[number % 3])
    found = tw.minimize(lambda x: np.sum(x**2), start, method=Turns(), stop=tw.MaxSteps(5))
    np.testing.assert_allclose(found.parameters, expected, rtol=1e-13)

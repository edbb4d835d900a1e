"""Every verdict of the catalogue is right, whatever the units; saddles are found wherever they lie; advice was tried."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg import VerdictKind

from .catalogue import CASES, GLOBAL, LOCAL, OVERLAPPING, SADDLE, VALLEY, Case, X, logistic

MINIMA = {GLOBAL, LOCAL, VALLEY}
OTHERS = {VerdictKind.STOPPED_BY_USER, VerdictKind.STOPPED_BY_VALIDATION, VerdictKind.UNKNOWN}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_catalogue_is_judged_right(case: Case) -> None:
    verdict = case.run().verdict
    assert verdict.kind in (case.truth, *case.also), str(verdict)


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 60
    assert {case.truth for case in CASES} >= set(VerdictKind) - OTHERS


@pytest.mark.parametrize("size", [2, 5, 30])
def test_saddles_lie_anywhere(size: int) -> None:
    """One direction of a random rotation is curved downwards; the start is the saddle itself."""
    for seed in range(20):
        generator = np.random.default_rng(seed)
        rotation = np.linalg.qr(generator.standard_normal((size, size)))[0]
        curvature = generator.uniform(0.5, 10, size)
        curvature[seed % size] = -generator.uniform(0.01, 1)

        def loss(x: Any, rotation: Any = rotation, curvature: Any = curvature) -> Any:
            return np.sum(curvature * (rotation @ x) ** 2) / 2

        verdict = tw.minimize(loss, np.zeros(size), method=tw.GradientDescent(1e-3), stop=tw.MaxSteps(2)).verdict
        assert verdict.kind is SADDLE
        along = abs(verdict.escape @ rotation[seed % size])
        assert along > 0.9, "the escape leads along the direction that is curved downwards"


def test_a_saddle_among_many_parameters() -> None:
    """Too many for the whole Hessian: Lanczos finds the one direction of 1,000."""
    curvature = np.linspace(0.1, 5, 1000)
    curvature[617] = -0.3

    def loss(x: Any) -> Any:
        return np.sum(curvature * x**2)

    verdict = tw.minimize(loss, np.zeros(1000), method=tw.GradientDescent(1e-3), stop=tw.MaxSteps(2)).verdict
    assert verdict.kind is SADDLE
    assert not verdict.spectrum.is_exact
    assert abs(verdict.escape[617]) > 0.9
    assert abs(verdict.spectrum.smallest + 0.6) <= verdict.spectrum.smallest_error


@pytest.mark.parametrize("units", [1e-6, 1e6])
@pytest.mark.parametrize("what", ["parameters", "loss"])
@pytest.mark.parametrize("name", ["quadratic", "saddle", "logistic"])
def test_units_do_not_matter(name: str, what: str, units: float) -> None:
    inside, outside = (units, 1.0) if what == "parameters" else (1.0, units)
    functions = {
        "quadratic": lambda x: np.sum((x - 3) ** 2 * np.array([1.0, 2.0, 3, 4, 5])),
        "saddle": lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4 + np.sum(x[2:] ** 2),
        "logistic": lambda x: logistic(x, X, OVERLAPPING),
    }
    start = np.array([1.0, 0, 0, 0, 0])
    function = functions[name]
    method = tw.GradientDescent(0.05 * inside**2 / outside) if name == "saddle" else tw.Newton()
    stop = tw.MaxSteps(400 if name == "saddle" else 12)
    result = tw.minimize(lambda x: outside * function(x / inside), inside * start, method=method, stop=stop)
    assert result.verdict.kind is (SADDLE if name == "saddle" else GLOBAL)


def test_the_gap_is_a_bound() -> None:
    def loss(w: Any, X: Any, y: Any) -> Any:
        return logistic(w, X, y) + 0.05 * np.sum(w**2)

    near = tw.minimize(loss, np.zeros(5), data=(X, OVERLAPPING), stop=tw.GradientBelow(1e-4))
    best = tw.minimize(loss, np.zeros(5), data=(X, OVERLAPPING), method=tw.Newton(), stop=tw.GradientBelow(1e-13))
    assert near.verdict.kind is GLOBAL
    assert 0 <= near.loss - best.loss <= near.verdict.gap
    assert near.verdict.gap <= near.gradient_norm**2 / 0.2 * (1 + 1e-6)


def test_overshooting_names_limit_cause_and_a_rate_that_works() -> None:
    data = X * np.array([1, 1, 1e6, 1, 1])

    def loss(w: Any, X: Any, y: Any) -> Any:
        return np.mean((X @ w - y) ** 2)

    verdict = tw.minimize(loss, np.zeros(5), data=(data, X[:, 0]), method=tw.GradientDescent(0.01)).verdict
    assert verdict.kind is VerdictKind.OVERSHOOTING
    largest = np.linalg.eigvalsh(2 * data.T @ data / len(data))[-1]
    assert verdict.evidence["largest stable rate"] == pytest.approx(2 / largest, rel=1e-6)
    assert "column 2" in verdict.evidence["cause"]
    assert "lowered the loss" in verdict.advice[0].tried


def test_a_stopped_descent_is_called_that() -> None:
    button = tw.Stop()
    button.press()
    verdict = tw.minimize(lambda x: np.sum(x**2), np.ones(2), stop=button | tw.MaxSteps(10)).verdict
    assert verdict.kind is VerdictKind.STOPPED_BY_USER


@pytest.mark.parametrize("separable", [False, True])
def test_early_stopping_is_no_reason_to_go_on(separable: bool) -> None:
    """Wide random features fit the training examples ever more closely; new ones soon no better."""
    generator = np.random.default_rng(0)
    X = generator.standard_normal((80, 60))
    y = (X[:, 0] + generator.standard_normal(80) > 0) * 1.0

    def logistic(w: Any, X: Any, y: Any) -> Any:
        return np.mean(np.log(1 + np.exp(X @ w)) - y * (X @ w))

    kept = slice(40 if separable else 70, None)
    rows = slice(0, 40 if separable else 70)
    result = tw.minimize(
        logistic,
        np.zeros(60),
        data=(X[rows], y[rows]),
        validation=(X[kept], y[kept]),
        method=tw.Adam(0.01),
        batch_size=10,
        stop=tw.ValidationStalls(3) | tw.MaxSteps(100_000),
    )
    verdict = result.verdict
    assert verdict.kind is VerdictKind.STOPPED_BY_VALIDATION
    assert not verdict.advice
    assert verdict.evidence["best validation loss"] == np.min(result.history.validation_loss)
    assert verdict.evidence["at step"] == result.steps < 100_000
    assert "more steps" not in str(result)


def test_where_a_loss_began_to_overflow_is_told_once() -> None:
    result = tw.minimize(lambda x: np.sum(np.exp(x**2)), np.ones(2), method=tw.GradientDescent(1.0))
    assert result.verdict.kind is VerdictKind.OVERSHOOTING
    assert str(result).count("to become infinite") == 1
    assert result.verdict.advice[0].for_shell().startswith("take --learning-rate 0.")


def test_a_verdict_is_plain_data() -> None:
    verdict = tw.minimize(lambda x: np.sum((x - 3.0) ** 2), np.zeros(2)).verdict
    plain = json.loads(json.dumps(verdict.to_dict()))
    assert plain["kind"] == "global_minimum"
    assert "global minimum" in str(verdict)


def test_members_of_populations_are_judged_too() -> None:
    many = tw.minimize(lambda x: np.sum(x**4 - 3 * x**2 + x), np.zeros(1), restarts=4, start=tw.Uniform(-2, 2))
    assert {member.verdict.kind for member in many.members} == {LOCAL}
    assert many.verdict.kind is LOCAL


@pytest.mark.parametrize("size", [3, 20, 150])
def test_eigenvalues_lie_within_their_bounds(size: int) -> None:
    from thalweg.descent.data import data_of
    from thalweg.descent.problem import problem_of
    from thalweg.diagnosis.spectrum import spectrum_of

    generator = np.random.default_rng(size)
    A = generator.standard_normal((size, size))
    A = (A + A.T) / 2

    def loss(x: Any) -> Any:
        return x @ A @ x / 2 + np.sum(np.sin(x))

    x = generator.standard_normal(size)
    true = np.linalg.eigvalsh(A - np.diag(np.sin(x)))
    spectrum = spectrum_of(problem_of(loss, x, data_of(None), 0), x, ())
    assert abs(spectrum.smallest - true[0]) <= spectrum.smallest_error
    assert abs(spectrum.largest - true[-1]) <= spectrum.largest_error
    assert spectrum.negative_share == pytest.approx(np.mean(true < 0))


def test_saddles_are_escaped_if_asked_for() -> None:
    def loss(x: Any) -> Any:
        return x[0] ** 2 - x[1] ** 2 + x[1] ** 4

    start, method = np.array([1.0, 0.0]), tw.GradientDescent(0.1)
    stuck = tw.minimize(loss, start, method=method)
    free = tw.minimize(loss, start, method=method, escape_saddles=True)
    assert stuck.verdict.kind is SADDLE
    assert free.verdict.kind is LOCAL
    np.testing.assert_allclose(np.abs(free.parameters), [0, 0.5**0.5], atol=1e-5)
    assert "escaped from a saddle point" in free.notes[0]


def test_a_gap_is_proven_without_a_penalty_as_well() -> None:
    """Logistic regression has no modulus everywhere, but one in a box around the end, which must hold the minimum."""
    rough = tw.minimize(logistic, np.zeros(5), data=(X, OVERLAPPING), stop=tw.GradientBelow(1e-5))
    best = tw.minimize(logistic, np.zeros(5), data=(X, OVERLAPPING), method=tw.Newton(), stop=tw.GradientBelow(1e-14))
    assert rough.verdict.convexity.modulus == 0
    assert rough.verdict.gap is not None
    assert 0 <= rough.loss - best.loss <= rough.verdict.gap < 1e-6


def _random_loss(seed: int) -> tuple[Any, Any]:
    """A polynomial and waves of two to six parameters, bounded below; and a start."""
    generator = np.random.default_rng(seed)
    n = int(generator.integers(2, 7))
    Q, A, W = (generator.standard_normal(shape) for shape in ((n, n), (2, n), (3, n)))
    c, a, q = generator.standard_normal(2), generator.standard_normal(3), generator.uniform(0.05, 0.3)

    def loss(x: Any) -> Any:
        waves, cubes = np.sum(a * np.sin(W @ x)), 0.1 * np.sum(c * (A @ x) ** 3)
        return x @ (Q @ x) / 2 + waves + cubes + q * np.sum(x**4) + 0.1 * np.sum((A @ x) ** 4)

    return loss, (1 + seed % 3) * generator.standard_normal(n)


def _complex_step(loss: Any, x: Any) -> Any:
    return np.array([loss(x + 1e-30j * unit).imag / 1e-30 for unit in np.eye(len(x))])


@pytest.mark.parametrize("seed", range(20))
def test_no_false_minimum_of_random_losses(seed: int) -> None:
    """Gradients by complex steps and their differences tell what is there, on their own."""
    loss, start = _random_loss(seed)
    method = [None, tw.GradientDescent(0.01), tw.Adam(0.01), tw.Newton()][seed % 4]
    stop = tw.MaxSteps([5, 50, 1000][seed % 3]) | tw.GradientBelow(1e-9)
    result = tw.minimize(loss, start, method=method, stop=stop)
    x = result.parameters
    if result.verdict.kind in MINIMA:
        rows = [(_complex_step(loss, x + h) - _complex_step(loss, x - h)) / 2e-4 for h in 1e-4 * np.eye(len(x))]
        values = np.linalg.eigvalsh((np.array(rows) + np.array(rows).T) / 2)
        assert values[0] > -1e-6 * values[-1]
        fall = float(np.sum(_complex_step(loss, x) ** 2)) / max(values[0], 1e-300)
        assert fall < 1e-4 * max(abs(loss(start) - result.loss), 1e-9)
    assert result.verdict.kind is not GLOBAL, "none of them is convex"


def test_a_kink_at_which_no_direction_is_known_has_a_verdict() -> None:
    result = tw.minimize(
        lambda p: np.abs(p[0] - p[1]), np.ones(2), method=tw.GradientDescent(0.25), stop=tw.MaxSteps(5)
    )
    assert result.verdict.kind is tw.VerdictKind.GLOBAL_MINIMUM


def test_steps_that_never_came_below_the_start_are_too_long() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    y = X @ np.array([1.0, -2.0, 0.5]) + 0.1 * rng.normal(size=400)
    result = tw.minimize(
        lambda w, X, y: np.mean((X @ w - y) ** 2),
        np.zeros(3),
        data=(X[:300], y[:300]),
        validation=(X[300:], y[300:]),
        method=tw.Adam(1000.0),
        batch_size=32,
        stop=tw.ValidationStalls(3) | tw.MaxSteps(60),
    )
    assert result.steps == 0
    assert result.verdict.kind is tw.VerdictKind.OVERSHOOTING


def test_how_fast_the_loss_still_fell_is_told_only_where_it_is_known() -> None:
    def told(steps: int) -> str:
        method = tw.GradientDescent(0.01)
        return tw.minimize(lambda x: np.sum(x**2), np.ones(2), method=method, stop=tw.MaxSteps(steps)).verdict.sentence

    assert told(3) == "it ran out of steps or time; the loss was still falling"
    gain = (2 * 0.98**54 - 2 * 0.98**60) / 3
    assert told(30).endswith(f"still falling, by {gain:.3g} a step at the end")


def test_steps_that_change_nothing_change_no_verdict() -> None:
    def found(function: Any, rate: float, steps: int) -> tw.Verdict:
        method = tw.GradientDescent(rate)
        return tw.minimize(function, np.array([-1.2, 1.0]), method=method, stop=tw.MaxSteps(steps)).verdict

    def rosenbrock(p: Any) -> Any:
        return (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2

    assert found(rosenbrock, 1e-4, 3_000_000).kind is tw.VerdictKind.LOCAL_MINIMUM
    stuck = found(lambda p: 1.0 + np.sum(p**2), 1e-18, 100)
    assert stuck.kind is tw.VerdictKind.STILL_DESCENDING
    assert stuck.sentence.startswith("the last steps changed nothing, but this is no minimum")


def small_portfolio(z: Any) -> Any:
    w = np.exp(z) / np.sum(np.exp(z))
    returns = np.array([4e-4, 5e-4, 1e-4, 7e-4])
    return 0.02 * (1e-3 * w @ w - returns @ w)


def badly_scaled(p: Any) -> Any:
    u, k = p[:-1], p[-1]
    return np.sum((1e3 * (k * (u[2:] - 2 * u[1:-1] + u[:-2]) + 0.01)) ** 2) + np.sum(
        (u - np.linspace(0, 1, 21) ** 0.5) ** 2
    )


@pytest.mark.parametrize(
    ("loss", "start", "steps"),
    [(small_portfolio, np.zeros(4), 10_000), (badly_scaled, np.append(np.zeros(21), 1.0), 200)],
)
def test_who_follows_the_advice_gets_to_a_minimum(loss: Any, start: Any, steps: int) -> None:
    result = tw.minimize(loss, start, stop=tw.GradientBelow(1e-6) | tw.MaxSteps(steps))
    assert result.verdict.kind is VerdictKind.STILL_DESCENDING
    (advice,) = result.verdict.advice
    assert f"  advice         {advice}" in str(result)
    name, code = re.search(r"(method|stop)=(.*)", advice.text).groups()  # type: ignore[union-attr]
    further = tw.minimize(loss, result.parameters, **{name: eval(code, {"tw": tw})})
    assert further.verdict.kind.is_minimum
    assert "advice" not in str(further)

"""Models: parameter counts, closed forms, agreement with scikit-learn and PyTorch, and what they print."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor, QuantileRegressor

import thalweg as tw
from thalweg.models import (
    ACTIVATIONS,
    LOSSES,
    Linear,
    Logistic,
    Perceptron,
    Poisson,
    Softmax,
    SupportVectorMachine,
    weights_of_classes,
)

rng = np.random.default_rng(0)
X = rng.standard_normal((200, 4))
W = rng.standard_normal((4, 3))


@pytest.mark.parametrize(("inputs", "outputs"), [(1, None), (7, None), (7, 1), (5, 3)])
def test_a_linear_layer_has_n_m_plus_m_parameters(inputs: int, outputs: int | None) -> None:
    model = Linear(inputs, outputs)
    m = outputs or 1
    assert model.parameter_count == inputs * m + m
    assert sum(np.size(leaf) for leaf in model.start().values()) == model.parameter_count


def test_a_perceptron_prints_itself_layer_by_layer() -> None:
    text = str(Perceptron(784, 10, hidden=(512, 256), objective="cross_entropy", activation="gelu"))
    assert text.splitlines() == [
        "Perceptron with CrossEntropy(): 535,818 parameters",
        "  1  784 → 512 gelu, 401,920 parameters",
        "  2  512 → 256 gelu, 131,328 parameters",
        "  3  256 → 10, 2,570 parameters",
    ]


@pytest.mark.parametrize("outputs", [None, 3])
def test_linear_regression_finds_the_parameters_that_made_the_data(outputs: int | None) -> None:
    model = Linear(4, outputs)
    w = W if outputs else W[:, 0]
    b = np.arange(3.0) if outputs else np.float64(2.0)
    result = tw.minimize(model.loss, model.start(), data=(X, X @ w + b), stop=tw.GradientBelow(1e-10))
    np.testing.assert_allclose(result.parameters["w"], w, atol=1e-8)
    np.testing.assert_allclose(result.parameters["b"], b, atol=1e-8)
    np.testing.assert_allclose(model.predict(result.parameters, X), X @ w + b, atol=1e-7)


def test_weights_of_examples_count_as_repetitions() -> None:
    counts = rng.integers(0, 4, 200)
    y = X[:, 0] + rng.standard_normal(200)
    model = Linear(4, objective="residual_sum_of_squares")
    weighted = tw.minimize(model.loss, model.start(), data=(X, y, counts.astype(float)))
    reference = LinearRegression().fit(np.repeat(X, counts, axis=0), np.repeat(y, counts))
    np.testing.assert_allclose(weighted.parameters["w"], reference.coef_, atol=1e-6)


def test_poisson_regression_agrees_with_scikit_learn() -> None:
    y = rng.poisson(np.exp(X @ W[:, 0] / 2 + 0.3)).astype(float)
    model = Poisson(4)
    result = tw.minimize(model.loss, model.start(), data=(X, y), stop=tw.GradientBelow(1e-9))
    reference = PoissonRegressor(alpha=0, tol=1e-10).fit(X, y)
    np.testing.assert_allclose(result.parameters["w"], reference.coef_, atol=1e-5)
    np.testing.assert_allclose(model.predict(result.parameters, X), reference.predict(X), rtol=1e-4)


def test_quantile_regression_agrees_with_linear_programming() -> None:
    y = X[:, 0] + rng.exponential(size=200)
    loss = tw.models.Quantile(0.8)
    model = Linear(4, objective=loss)
    result = tw.minimize(model.loss, model.start(), data=(X, y), stop=tw.MaxSteps(2000))
    reference = QuantileRegressor(quantile=0.8, alpha=0, solver="highs").fit(X, y)
    best = np.mean(loss(reference.predict(X), y))
    assert best <= result.loss + 1e-12
    assert result.loss < best * 1.002


def test_softmax_with_two_classes_is_logistic_regression() -> None:
    y = (X[:, 0] + rng.standard_normal(200) > 0).astype(np.int64)
    logistic, softmax = Logistic(4), Softmax(4, 2)
    one = tw.minimize(logistic.loss, logistic.start(), data=(X, y))
    two = tw.minimize(softmax.loss, softmax.start(), data=(X, y))
    assert one.loss == pytest.approx(two.loss, abs=1e-10)
    p = softmax.predict(two.parameters, X)
    np.testing.assert_allclose(logistic.predict(one.parameters, X), p[:, 1], atol=1e-5)
    np.testing.assert_array_equal(logistic.classify(one.parameters, X), np.argmax(p, axis=1))


def test_the_optimum_of_logistic_regression_is_that_of_scikit_learn() -> None:
    y = np.argmax(X @ W + rng.gumbel(size=(200, 3)), axis=1)
    model = Softmax(4, 3)

    def objective(p: Any, X: Any, y: Any) -> Any:
        return len(X) * model.loss(p, X, y) + np.sum(p["w"] ** 2) / 2

    ours = tw.minimize(objective, model.start(), data=(X, y), stop=tw.GradientBelow(1e-7) | tw.MaxSteps(500))
    reference = LogisticRegression(tol=1e-10, max_iter=10_000).fit(X, y)
    theirs = objective({"w": reference.coef_.T, "b": reference.intercept_}, X, y)
    assert ours.loss == pytest.approx(theirs, rel=1e-8)


@pytest.mark.parametrize("objective", ["hinge", "squared_hinge"])
@pytest.mark.parametrize("classes", [2, 3])
def test_support_vector_machines_separate_what_can_be_separated(objective: str, classes: int) -> None:
    centers = 6 * np.array([[1.0, 0], [-1, 0], [0, 1.5]])[:classes]
    y = rng.integers(0, classes, 150)
    points = centers[y] + 0.5 * rng.standard_normal((150, 2))
    model = SupportVectorMachine(2, None if classes == 2 else 3, objective=objective)
    result = tw.minimize(model.loss, model.start(), data=(points, y), method=tw.Adam(0.05), stop=tw.MaxSteps(500))
    np.testing.assert_array_equal(model.classify(result.parameters, points), y)
    assert result.loss < 0.01


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_perceptron_is_the_same_formula_in_pytorch(activation: str) -> None:
    torch = pytest.importorskip("torch")
    model = Perceptron(4, 3, hidden=(6, 5), activation=activation, objective="cross_entropy")
    y = rng.integers(0, 3, 200)
    start = model.start(seed=1)
    value, gradient = tw.value_and_grad(model.loss)(start, X, y)
    act = {
        **{"relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "identity": lambda x: x},
        **{"gelu": torch.nn.functional.gelu, "softplus": torch.nn.functional.softplus},
        "leaky_relu": torch.nn.functional.leaky_relu,
    }[activation]
    leaves = [{name: torch.tensor(part, requires_grad=True) for name, part in layer.items()} for layer in start]
    values = torch.tensor(X)
    for layer in leaves[:-1]:
        values = act(values @ layer["w"] + layer["b"])
    loss = torch.nn.functional.cross_entropy(values @ leaves[-1]["w"] + leaves[-1]["b"], torch.tensor(y))
    loss.backward()
    assert float(value) == pytest.approx(loss.item(), rel=1e-12)
    for ours, theirs in zip(gradient, leaves, strict=True):
        np.testing.assert_allclose(ours["w"], theirs["w"].grad.numpy(), atol=1e-12)
        np.testing.assert_allclose(ours["b"], theirs["b"].grad.numpy(), atol=1e-12)


@pytest.mark.parametrize(("activation", "variance"), [("relu", 2 / 400), ("tanh", 2 / 700), ("sigmoid", 2 / 700)])
def test_weights_are_drawn_as_fits_the_activation(activation: str, variance: float) -> None:
    model = Perceptron(400, 2, hidden=(300,), activation=activation)
    w = model.start(seed=3)[0]["w"]
    assert np.var(w) == pytest.approx(variance, rel=0.02)
    assert not model.start()[0]["b"].any()


def test_a_perceptron_with_more_than_a_million_parameters_trains() -> None:
    model = Perceptron(256, 10, hidden=(1024, 800), objective="cross_entropy")
    assert model.parameter_count > 1_000_000
    means = rng.standard_normal((10, 256)).astype(np.float32)
    y = rng.integers(0, 10, 600)
    data = means[y] + rng.standard_normal((600, 256)).astype(np.float32), y
    start = model.start(dtype=np.float32)
    before = model.loss(start, *data)
    result = tw.minimize(model.loss, start, data=data, batch_size=100, method=tw.Adam(1e-3), stop=tw.MaxSteps(24))
    assert result.loss < 0.1 * before
    assert result.parameters[0]["w"].dtype == np.float32


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_runs_compiled(name: str) -> None:
    loss = LOSSES[name]
    y = rng.integers(0, 2, 50) if loss.is_classification else rng.poisson(2.0, 50).astype(float)
    outputs = 2 if loss.has_score_per_class else None
    model = Linear(4, outputs, objective=name)
    start = {"w": 0.1 * rng.standard_normal(model.layers[0].shapes[0]), "b": np.zeros(model.layers[0].shapes[1])}
    value, _ = tw.value_and_grad(model.loss)(start, X[:50], y)
    assert float(value) == pytest.approx(float(model.loss(start, X[:50], y)), rel=1e-12)


def test_weights_of_classes_are_those_of_scikit_learn() -> None:
    from sklearn.utils.class_weight import compute_sample_weight

    y = np.array(["b", "a", "b", "b", "c"])
    for given in ("balanced", {"a": 3.0, "c": 0.5}):
        np.testing.assert_allclose(weights_of_classes(y, given), compute_sample_weight(given, y))
    with pytest.raises(tw.ArgumentError, match="there is no such class"):
        weights_of_classes(y, {"d": 1.0})
    with pytest.raises(tw.ArgumentError, match="balanced"):
        weights_of_classes(y, "even")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Linear(0), "inputs=0"),
        (lambda: Linear(3, objective="mse"), "'mse' is no loss"),
        (lambda: Softmax(3, 1), "one output for each class"),
        (lambda: SupportVectorMachine(3, objective="squared"), "hinge"),
        (lambda: Perceptron(3, hidden=(4, 0)), "hidden\\[1\\]"),
        (lambda: Perceptron(3, activation="step"), "activation='step'"),
        (lambda: tw.models.Huber(0), "delta=0"),
        (lambda: tw.models.Quantile(1.0), "level=1.0"),
        (lambda: Linear(3).classify(Linear(3).start(), X[:, :3]), "predicts numbers"),
    ],
)
def test_mistakes_are_named(make: Any, message: str) -> None:
    with pytest.raises(tw.ArgumentError, match=message):
        make()

"""Small data sets that show something, each with its model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..graph import Array
from ..models import Linear, Logistic, Model, Perceptron
from .gallery import Window
from .subject import Examples, Subject

__all__ = ["DATA_SETS", "MODELS", "chosen_model", "model_subject"]


def _worked_example() -> Subject:
    """The lectures' example, exactly: L(v) = ½ Σ (X v − y)²."""
    X, y = np.array([[1.0, 0.0], [-1.0, -1.0], [2.0, 0.0]]), np.array([2.0, 1.0, 5.0])

    def loss(v: Any, X: Any, y: Any) -> Any:
        return 0.5 * np.sum((X @ v - y) ** 2)

    examples = Examples(X, y, ("x₁", "x₂"), "y", lambda v, X: np.asarray(X @ v))
    formula = "½ Σ (X v − y)², X = [[1, 0], [−1, −1], [2, 0]], y = (2, 1, 5)"
    return Subject(loss, np.array([1.0, 1.0]), ("v₁", "v₂"), 0.01, formula, (-3.5, 8.5, -6, 2), examples)


def _line() -> Subject:
    generator = np.random.default_rng(4)
    x = np.sort(generator.uniform(-2, 2, 60))
    y = 0.8 * x + 0.5 + 0.7 * generator.standard_normal(60)
    return model_subject(Linear(1), x[:, None], y, ("x",), "y", window=(-1.6, 3.2, -1.2, 2.0), rate=0.1)


def _two_classes() -> Subject:
    generator = np.random.default_rng(7)
    x = np.concatenate([generator.normal(-1, 0.8, 30), generator.normal(1, 0.8, 30)])
    y = np.repeat([0.0, 1.0], 30)
    return model_subject(Logistic(1), x[:, None], y, ("x",), "y", ("0", "1"), (-3, 9, -4, 4), 1.0)


def _wave() -> Subject:
    """Amplitude and frequency of a wave: many valleys side by side, and few examples at a time see them differently."""
    generator = np.random.default_rng(3)
    x = np.sort(generator.uniform(-3, 3, 80))
    y = np.sin(2 * x) + 0.3 * generator.standard_normal(80)

    def loss(p: Any, X: Any, y: Any) -> Any:
        return np.mean((p[0] * np.sin(p[1] * X[:, 0]) - y) ** 2)

    examples = Examples(x[:, None], y, ("x",), "y", lambda p, X: np.asarray(p[0] * np.sin(p[1] * X[:, 0])))
    formula = "1/N Σ (a sin(b xᵢ) − yᵢ)²"
    return Subject(loss, np.array([0.6, 4.4]), ("a", "b"), 0.05, formula, (-3.5, 4.5, 0.0, 5.4), examples)


def _exclusive_or() -> Subject:
    generator = np.random.default_rng(1)
    X = generator.uniform(-1.5, 1.5, (80, 2))
    y = (X[:, 0] * X[:, 1] > 0).astype(float)
    X = X + 0.12 * np.sign(X)
    return model_subject(_perceptron(2, (4,), True), X, y, ("x₁", "x₂"), "y", ("0", "1"), rate=0.5)


def _bend() -> Subject:
    generator = np.random.default_rng(2)
    x = np.sort(generator.uniform(-2, 2, 50))
    y = np.tanh(2 * x) - 0.4 * x**2 + 0.12 * generator.standard_normal(50)
    return model_subject(_perceptron(1, (6,), False), x[:, None], y, ("x",), "y", rate=0.1)


def _perceptron(inputs: int, hidden: tuple[int, ...], is_classes: bool) -> Perceptron:
    return Perceptron(inputs, hidden=hidden, activation="tanh", objective="logistic" if is_classes else "squared")


DATA_SETS: Mapping[str, Callable[[], Subject]] = {
    "worked_example": _worked_example,
    "line": _line,
    "two_classes": _two_classes,
    "wave": _wave,
    "bend": _bend,
    "exclusive_or": _exclusive_or,
}
"""What makes them, by the name that stands in a scene's address."""

MODELS = ("linear", "perceptron")


def chosen_model(name: str, inputs: int, is_classes: bool, hidden: tuple[int, ...]) -> Model:
    """linear: linear or logistic regression, as the target is; perceptron: with tanh between its layers."""
    if name == "perceptron":
        return _perceptron(inputs, hidden, is_classes)
    if name != "linear":
        raise ArgumentError(f"model={name!r}: expected one of {', '.join(MODELS)}")
    return Logistic(inputs) if is_classes else Linear(inputs)


def model_subject(
    model: Model,
    X: Array,
    y: Array,
    features: tuple[str, ...],
    target: str,
    classes: tuple[str, ...] = (),
    window: Window | None = None,
    rate: float = 0.1,
    seed: int = 0,
) -> Subject:
    """A model and its data. window: for two parameters. seed: of the weights that are drawn."""
    examples = Examples(X, y, features, target, model.predict, classes)
    subject = Subject(model.loss, model.start(seed), (), rate, str(model.criterion), window, examples)
    is_line = isinstance(model, Linear) and subject.size == 2
    names = ("b", "w") if is_line else tuple(f"θ{number + 1}" for number in range(subject.size))
    return Subject(model.loss, model.start(seed), names, rate, _formula(model, classes), window, examples)


def _formula(model: Model, classes: tuple[str, ...]) -> str:
    if isinstance(model, Perceptron):
        widths = "–".join(str(layer.inputs) for layer in model.layers) + "–1"
        return f"1/N Σ Lᵢ, {widths}, tanh: {model.parameter_count} θ"
    return "1/N Σ log(1 + e^{zᵢ}) − yᵢ zᵢ, zᵢ = w xᵢ + b" if classes else "1/N Σ (w xᵢ + b − yᵢ)²"

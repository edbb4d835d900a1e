"""What is asked of a fit, and the words for it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from .. import descent
from ..arguments import whole_number
from ..descent import Method
from ..errors import ArgumentError
from ..models import LOSSES, Linear, Logistic, Loss, Model, Perceptron, Poisson, Softmax, SupportVectorMachine
from ..tables import Missing

__all__ = ["METHODS", "MODELS", "Settings", "loss_in_words", "loss_of_words"]

MODELS: Mapping[str, type[Model]] = {
    "linear": Linear,
    "logistic": Logistic,
    "softmax": Softmax,
    "support-vector-machine": SupportVectorMachine,
    "poisson": Poisson,
    "perceptron": Perceptron,
}
"""The models of tables, by name."""

METHODS: Mapping[str, type[Method]] = {
    "gradient-descent": descent.GradientDescent,
    "momentum": descent.Momentum,
    "nesterov": descent.Nesterov,
    "adagrad": descent.Adagrad,
    "rmsprop": descent.RMSProp,
    "adam": descent.Adam,
    "adamw": descent.AdamW,
    "accelerated-gradient": descent.AcceleratedGradient,
    "barzilai-borwein": descent.BarzilaiBorwein,
    "conjugate-gradient": descent.ConjugateGradient,
    "lbfgs": descent.LBFGS,
    "bfgs": descent.BFGS,
    "newton": descent.Newton,
    "newton-cg": descent.NewtonCG,
}
"""The methods of descent, by name."""


@dataclass(frozen=True)
class Settings:
    """What is asked of a fit of a table; what is None follows from the table.

    model: one of `MODELS`; by default a perceptron if `hidden` is given, else what the target and the objective say: linear for
    a number, logistic for two classes, softmax for more. hidden, activation: of a perceptron, by default (64, 32) and "relu".
    objective: a loss of `thalweg.models` or its name; with a number such as "quantile:0.9" or "huber:1.5", in standard
    deviations of the target where that is standardised.
    l1, l2: λ₁ and λ₂ in λ₁ Σ |w| + λ₂ Σ w², beside the mean loss of standardised features. By default λ₁ is 0, and λ₂ is what
    scikit-learn's Ridge, LogisticRegression and LinearSVC have, 1 / N or half of that; 5e-5 for perceptrons; 0 if λ₁ is given.
    method: a method of descent or the name of one of `METHODS`; by default L-BFGS, with L1 accelerated proximal steps, with
    mini-batches Adam. learning_rate: of the method. batch_size: rows in a mini-batch; by default all of them, and for perceptrons a
    tenth, at least 64 and at most 200. epochs: the most, over the training rows; by default 5,000 with all rows at once, 200 with
    mini-batches, which stop earlier when the loss on validation rows has not improved for `patience` epochs.
    class_weight: "balanced" or None. weights: a column with the weight of each row. ignore: a column, or several, to leave out.
    missing: as `Missing` has it. validation: the share of the rows kept for validation. seed: of all that is drawn.
    """

    model: str | None = None
    hidden: tuple[int, ...] | None = None
    activation: str = "relu"
    objective: str | Loss | None = None
    l1: float | None = None
    l2: float | None = None
    method: str | Method | None = None
    learning_rate: float | None = None
    batch_size: int | None = None
    epochs: int | None = None
    patience: int = 10
    class_weight: str | None = None
    weights: str | None = None
    ignore: str | Sequence[str] = ()
    missing: Missing = "impute"
    validation: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        _check_one_of("model", self.model, MODELS)
        if not isinstance(self.method, Method):
            _check_one_of("method", self.method, METHODS)
        _check_one_of("class_weight", self.class_weight, ("balanced",))
        _check_one_of("missing", self.missing, get_args(Missing))
        for name in ("l1", "l2", "learning_rate"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int | float) and math.isfinite(value) and value >= 0):
                raise ArgumentError(f"{name}={value!r}: expected a number, 0 or more")
        for name in ("batch_size", "epochs", "patience"):
            if getattr(self, name) is not None:
                whole_number(name, getattr(self, name))
        if self.hidden is not None and self.model not in (None, "perceptron"):
            raise ArgumentError(
                f"hidden={self.hidden!r}: only a perceptron has hidden layers; the model is {self.model}"
            )

    @property
    def ignored(self) -> tuple[str, ...]:
        """The columns of `ignore`."""
        return (self.ignore,) if isinstance(self.ignore, str) else tuple(self.ignore)

    def check_ignored(self, target: str | Sequence[str]) -> None:
        """Raises ArgumentError if a column is to be ignored, and is needed."""
        targets = (target,) if isinstance(target, str) else target
        for name in self.ignored:
            if name in targets or name == self.weights:
                what = "the target" if name in targets else "the column of weights"
                raise ArgumentError(f"ignore={name!r}: it is {what}, which is needed")


def _check_one_of(name: str, value: Any, allowed: Any) -> None:
    if value is not None and value not in allowed:
        raise ArgumentError(f"{name}={value!r} is unknown. Give one of {', '.join(map(repr, allowed))}.")


def loss_of_words(words: str | Loss) -> Loss:
    """A loss from its name and its number, if it has one. Raises ArgumentError.

    >>> loss_of_words("quantile:0.9")
    Quantile(level=0.9)
    """
    if isinstance(words, Loss):
        return words
    name, _, number = words.partition(":")
    found = LOSSES.get(name)
    fields = [] if found is None else [field for field in dataclasses.fields(found) if field.type == "float"]
    if found is None or (number and not fields):
        raise ArgumentError(
            f"objective={words!r} is unknown. Give one of {', '.join(LOSSES)}; huber and quantile take a number, such as quantile:0.9"
        )
    try:
        return dataclasses.replace(found, **{fields[0].name: float(number)}) if number else found
    except ValueError as error:
        raise ArgumentError(f"objective={words!r}: {error}") from None


def loss_in_words(loss: Loss) -> str | None:
    """The reverse; None for a loss of one's own.

    >>> loss_in_words(loss_of_words("huber:2"))
    'huber:2.0'
    """
    for name, known in LOSSES.items():
        numbers = [getattr(loss, field.name, None) for field in dataclasses.fields(known) if field.type == "float"]
        words = ":".join([name, *(repr(number) for number in numbers)])
        if type(loss) is type(known) and loss_of_words(words) == loss:
            return words
    return None

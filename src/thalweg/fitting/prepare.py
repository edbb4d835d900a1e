"""From a table to what a descent needs: the target, the rows of each part, features, weights of rows, the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ArgumentError, TableError
from ..graph import Array
from ..models import (
    Absolute,
    Hinge,
    Huber,
    LogisticLoss,
    Loss,
    Model,
    Perceptron,
    Poisson,
    PoissonDeviance,
    Quantile,
    Squared,
    SupportVectorMachine,
    weights_of_classes,
)
from ..tables import Encoding, Kind, Table, Target, complete_rows, refuse_missing, split_rows, target_of
from .settings import MODELS, Settings, loss_of_words

__all__ = ["Part", "Prepared", "as_classes", "as_targets", "dtype_of", "is_standardised", "model_for", "prepare"]

_HIDDEN = (64, 32)
_MOST_CLASSES_OF_NUMBERS = 20
"""Numbers with more different values are hardly meant as classes."""
_STANDARDISED = (Squared, Absolute, Quantile, Huber)
"""Losses of numbers whose targets are standardised. Counts keep their zero: their scores are logarithms."""


@dataclass(frozen=True, eq=False)
class Part:
    """Some rows, as a descent sees them. X: features (N, n). y: targets. weights: of the rows (N,), with the mean 1; or None."""

    X: Array
    y: Array
    weights: Array | None

    @property
    def count(self) -> int:
        """The number of rows."""
        return len(self.X)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the features."""
        return self.X.dtype

    @property
    def data(self) -> tuple[Array, ...]:
        """What a model's loss takes after the parameters."""
        return (self.X, self.y) if self.weights is None else (self.X, self.y, self.weights)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A table, understood: what will be fitted.

    training, validation: places in `target.rows`. fitted, kept: the examples of these rows; `kept` is None if there are none.
    mean, scale: of the target, () or (m,); 0 and 1 where it is not standardised. incomplete: how many rows were left out because
    a value is missing.
    """

    table: Table
    settings: Settings
    target: Target
    encoding: Encoding
    model: Model
    training: Array
    validation: Array
    fitted: Part
    kept: Part | None
    mean: Array
    scale: Array
    incomplete: int = 0

    @property
    def path(self) -> str:
        """Of the table."""
        return self.table.path

    @property
    def missing_marks(self) -> tuple[str, ...]:
        """Of the table."""
        return self.table.missing_marks


def prepare(table: Table, target: str | Sequence[str], settings: Settings | None = None) -> Prepared:
    """Understands a table: target, split, features, model. Raises TableError if it cannot be fitted, ArgumentError if not so.

    Rows without a target are always left out.
    """
    settings = settings or Settings()
    settings.check_ignored(target)
    found = target_of(table, target, as_classes=as_classes(settings))
    for name in settings.ignored:
        table.column(name)  # raises if it is not there
    without = {*found.names, *([settings.weights] if settings.weights else [])}
    incomplete = 0
    if settings.missing == "refuse":
        refuse_missing(table, found.rows, without={*without, *settings.ignored})
    if settings.missing == "drop":
        complete = complete_rows(table, found.rows, {*without, *settings.ignored})
        incomplete = len(found.rows) - len(complete)
        found = target_of(table, target, complete, as_classes=as_classes(settings))
    if len(found.rows) < 4:
        raise TableError(
            f"{table.path} has {len(found.rows)} rows that can be used; a fit needs 4 at least, better hundreds."
        )
    training, validation = split_rows(found.values, bool(found.classes), settings.seed, settings.validation)
    encoding = Encoding.learn(table, found.rows[training], without, settings.ignored)
    model = model_for(found, len(encoding.features), settings)
    _check_counts(table, found, model)
    mean, scale = _unit(found.values[training], model)
    weights = _weights(table, found, training, settings)

    def part(places: Array) -> Part:
        X, _ = encoding.transform(table, found.rows[places], dtype_of(model))
        y = as_targets((found.values[places] - mean) / scale, model, X)
        return Part(X, y, None if weights is None else weights[places].astype(X.dtype))

    kept = part(validation) if len(validation) else None
    return Prepared(
        table, settings, found, encoding, model, training, validation, part(training), kept, mean, scale, incomplete
    )


def as_targets(values: Array, model: Model, X: Array) -> Array:
    """Targets as the model's loss takes them: numbers like the features, or whole numbers of classes with a score each."""
    is_places = model.criterion.is_classification and model.outputs is not None
    return values.astype(np.int64 if is_places else X.dtype)


def dtype_of(model: Model) -> type[np.floating]:
    """Perceptrons need speed more than digits."""
    return np.float32 if isinstance(model, Perceptron) else np.float64


def as_classes(settings: Settings) -> bool | None:
    """Whether the target is to be taken as classes; None if it may decide."""
    if settings.objective is not None:
        return loss_of_words(settings.objective).is_classification
    if settings.model in (None, "perceptron"):
        return None
    return settings.model not in ("linear", "poisson")


def model_for(target: Target, features: int, settings: Settings) -> Model:
    """The model that settings and target ask for. Raises ArgumentError if they contradict one another."""
    objective = None if settings.objective is None else loss_of_words(settings.objective)
    kind = MODELS[settings.model or _default_model(target, settings, objective)]
    classes = len(target.classes)
    if objective is None:
        objective = _default_objective(kind, classes)
    if isinstance(objective, LogisticLoss) and classes > 2:
        if target.kind is Kind.NUMBER and classes > _MOST_CLASSES_OF_NUMBERS:
            raise ArgumentError(
                f"the target {target.name!r} is a number with {classes:,} different values, and logistic regression is for two "
                "classes: use the model linear"
            )
        raise ArgumentError(
            f"the target {target.name!r} has {classes} classes, and logistic regression is for two: use the model softmax, or for a "
            "perceptron the objective cross_entropy"
        )
    if classes:
        outputs = classes if classes > 2 or objective.has_score_per_class else None
    else:
        outputs = len(target.names) if len(target.names) > 1 else None
    if kind is Perceptron:
        hidden = _HIDDEN if settings.hidden is None else settings.hidden
        return Perceptron(features, outputs, hidden, settings.activation, "glorot", objective=objective)
    return kind(features, outputs, objective=objective)


def _default_model(target: Target, settings: Settings, objective: Loss | None) -> str:
    if settings.hidden is not None:
        return "perceptron"
    if isinstance(objective, Hinge):
        return "support-vector-machine"
    if isinstance(objective, PoissonDeviance):
        return "poisson"
    if not target.classes:
        return "linear"
    is_two = len(target.classes) == 2 and not (objective is not None and objective.has_score_per_class)
    return "logistic" if is_two else "softmax"


def _default_objective(kind: type[Model], classes: int) -> Loss:
    if kind is Perceptron:
        return loss_of_words("squared" if not classes else "logistic" if classes == 2 else "cross_entropy")
    if kind is SupportVectorMachine:
        return Hinge(is_squared=True)
    return kind(1, 2).criterion


def _check_counts(table: Table, target: Target, model: Model) -> None:
    if isinstance(model, Poisson) and not isinstance(model.criterion, PoissonDeviance):
        raise ArgumentError(f"objective={model.criterion}: the model poisson has the objective poisson")
    if not isinstance(model.criterion, PoissonDeviance):
        return
    negative = np.flatnonzero(np.reshape(target.values < 0, (len(target.rows), -1)).any(axis=1))
    if len(negative):
        row = int(target.rows[negative[0]])
        raise TableError(
            f"{table.place(row)}: the target {target.name!r} is below 0, and Poisson regression predicts counts, 0 or more. "
            "Choose the model linear."
        )


def is_standardised(model: Model) -> bool:
    """Whether the model takes targets of mean 0 and deviation 1."""
    return isinstance(model.criterion, _STANDARDISED)


def _unit(values: Array, model: Model) -> tuple[Array, Array]:
    """Mean and deviation of the target, where it is standardised."""
    if not is_standardised(model):
        return np.zeros(()), np.ones(())
    deviation = np.asarray(values.std(axis=0))
    return np.asarray(values.mean(axis=0)), np.where(deviation > 0, deviation, 1.0)


def _weights(table: Table, target: Target, training: Array, settings: Settings) -> Array | None:
    """The weight of each of the target's rows, so that the training rows have the mean 1."""
    own = None if settings.weights is None else _weights_of_rows(table, target, settings.weights)
    if settings.class_weight is None:
        return None if own is None else own / own[training].mean()
    if not target.classes:
        raise ArgumentError(
            f"class_weight={settings.class_weight!r}: the target {target.name!r} is a number and has no classes"
        )
    of_training = None if own is None else own[training]
    balanced = weights_of_classes(target.values[training], settings.class_weight, of_training)
    places = target.values.astype(np.int64)
    totals = np.bincount(places[training], weights=of_training)
    factors = np.bincount(places[training], weights=balanced) / np.maximum(totals, 1e-300)
    weights = factors[places] if own is None else own * factors[places]
    return np.asarray(weights / weights[training].mean())


def _weights_of_rows(table: Table, target: Target, name: str) -> Array:
    column = table.column(name)
    if column.kind not in (Kind.NUMBER, Kind.BOOLEAN):
        raise TableError(
            f"{table.path}: the column of weights, {name!r}, holds {column.kind.value} values, not numbers"
        )
    weights = column.values[target.rows]
    wrong = np.flatnonzero(~(weights >= 0))
    if len(wrong):
        row = int(target.rows[wrong[0]])
        raise TableError(
            f"{table.place(row)}, column {name!r}: a weight is a number, 0 or more; here it is "
            f"{'missing' if np.isnan(weights[wrong[0]]) else format(weights[wrong[0]], 'g')}"
        )
    if not weights.sum() > 0:
        raise TableError(f"{table.path}: the weights in {name!r} are 0 in every row")
    return weights

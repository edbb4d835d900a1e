"""From a table to a model, and from a model to predictions: what joins tables, models and descent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .descent import GradientBelow, MaxSteps, NoChange, Progress, Result
from .errors import ModelFileError, TableError
from .graph import Array
from .judged import minimize
from .live import Live
from .models import (
    linear_loss,
    linear_scores,
    logistic_loss,
    logistic_scores,
    predict_linear,
    predict_logistic,
)
from .tables import (
    Encoding,
    Missing,
    ModelKind,
    Table,
    Target,
    Unseen,
    complete_rows,
    load_model,
    refuse_missing,
    save_model,
    split_rows,
    target_of,
)
from .tables.missing import check_choice

__all__ = ["GRADIENT_THRESHOLD", "Model", "Prepared", "fit", "model_of", "prepare"]

GRADIENT_THRESHOLD = 1e-7


@dataclass(frozen=True, eq=False)
class Prepared:
    """A table, understood: what will be fitted.

    training, validation: places in `target.rows`. X: the features of the training rows. y: their target, standardised for a
    linear model. mean, scale: of the target. incomplete: how many rows were left out because a value is missing.
    """

    table: Table
    target: Target
    encoding: Encoding
    training: Array
    validation: Array
    X: Array
    y: Array
    mean: float
    scale: float
    incomplete: int = 0

    @property
    def parameter_count(self) -> int:
        """n·m + m, for n features and m = 1 output."""
        return len(self.encoding.features) + 1


@dataclass(frozen=True, eq=False)
class Model:
    """A fitted model.

    parameters: w and b, for standardised features. encoding: how a table becomes features. mean, scale: of the target.
    scores: by part ("training", "validation") and name. result: of the descent; None for a model that was loaded.
    """

    kind: ModelKind
    target: str
    classes: tuple[str, ...]
    encoding: Encoding
    parameters: Mapping[str, Array]
    mean: float
    scale: float
    scores: Mapping[str, Mapping[str, float]]
    result: Result | None = None

    def coefficients(self) -> tuple[Array, float]:
        """One coefficient for each feature, and the intercept, in the table's own units."""
        weights, intercept = self.parameters["w"], float(self.parameters["b"])
        return self.encoding.in_own_units(weights, intercept, self.mean, self.scale)

    def predict(
        self, table: Table, rows: Any = slice(None), *, missing: Missing = "impute", unseen: Unseen = "none"
    ) -> tuple[Array, dict[str, int]]:
        """Predictions (or the probability of the second class), and unseen categories by column.

        missing and unseen: as `Encoding.transform` has them.
        """
        X, counts = self.encoding.transform(table, rows, missing=missing, unseen=unseen)
        if self.kind is ModelKind.LINEAR:
            return predict_linear(self.parameters, X) * self.scale + self.mean, counts
        return predict_logistic(self.parameters, X), counts

    def save(self, path: str | Path) -> None:
        """Writes the model to a file."""
        description = {
            "kind": self.kind.value,
            "target": self.target,
            "classes": list(self.classes),
            "encoding": self.encoding.to_dict(),
            "mean": self.mean,
            "scale": self.scale,
            "scores": {part: dict(scores) for part, scores in self.scores.items()},
        }
        save_model(path, dict(self.parameters), description)

    @classmethod
    def load(cls, path: str | Path) -> Model:
        """Reads a model from a file."""
        tensors, plain = load_model(path)
        try:
            model = cls(
                ModelKind(plain["kind"]),
                plain["target"],
                tuple(plain["classes"]),
                Encoding.from_dict(plain["encoding"]),
                {"w": tensors["w"], "b": tensors["b"]},
                float(plain["mean"]),
                float(plain["scale"]),
                plain["scores"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"the model {path} does not hold what it should: {error!r}. Fit it again.") from None
        if tensors["w"].shape != (len(model.encoding.features),) or tensors["b"].shape != ():
            raise ModelFileError(f"the model {path} has not one coefficient for each feature. Fit it again.")
        return model


def prepare(table: Table, target: str, seed: int = 0, *, missing: Missing = "impute") -> Prepared:
    """Understands a table: target, split, features. Raises TableError if it cannot be fitted.

    missing: "impute" fills missing values with the training median, or takes them as a category; "drop" leaves out the rows
    that have any; "refuse" raises TableError with the place of the first. Rows without a target are always left out.
    """
    check_choice("missing", missing)
    found = target_of(table, target)
    incomplete = 0
    if missing == "refuse":
        refuse_missing(table, found.rows, target=target)
    if missing == "drop":
        complete = complete_rows(table, found.rows, target)
        incomplete = len(found.rows) - len(complete)
        found = target_of(table, target, complete)
    if len(found.rows) < 4:
        raise TableError(
            f"{table.path} has {len(found.rows)} rows that can be used; a fit needs 4 at least, better hundreds"
        )
    is_classes = found.kind is ModelKind.LOGISTIC
    training, validation = split_rows(found.values, is_classes, seed)
    encoding = Encoding.learn(table, found.rows[training], target)
    X, _ = encoding.transform(table, found.rows[training])
    y = found.values[training]
    mean, scale = (0.0, 1.0) if is_classes else (float(y.mean()), float(y.std()) or 1.0)
    return Prepared(table, found, encoding, training, validation, X, (y - mean) / scale, mean, scale, incomplete)


def fit(
    prepared: Prepared,
    seed: int = 0,
    on_progress: Callable[[Progress], object] | None = None,
    live: bool | Live = False,
) -> Model:
    """Descends to the model's optimum, which is the only one: by L-BFGS.

    The penalty on squared weights is 1 / N (half of that for classes), as scikit-learn's Ridge and LogisticRegression
    have it by default. on_progress, live: as for `minimize`.
    """
    count, features = prepared.X.shape
    is_linear = prepared.target.kind is ModelKind.LINEAR
    loss = linear_loss(1 / count) if is_linear else logistic_loss(0.5 / count)
    start = {"w": np.zeros(features), "b": np.zeros(())}
    data = (prepared.X, prepared.y)
    rule = GradientBelow(GRADIENT_THRESHOLD) | NoChange(20, 1e-14) | MaxSteps(5_000)
    result = minimize(loss, start, data=data, stop=rule, seed=seed, on_progress=on_progress, live=live)  # type: ignore[call-arg]  # judged adds it
    return model_of(prepared, result)


def model_of(prepared: Prepared, result: Result) -> Model:
    """The model whose parameters a descent has found, with its scores."""
    model = Model(
        prepared.target.kind,
        prepared.target.name,
        prepared.target.classes,
        prepared.encoding,
        result.parameters,
        prepared.mean,
        prepared.scale,
        {},
        result,
    )
    scores = {
        "training": score(model, prepared, prepared.training),
        "validation": score(model, prepared, prepared.validation),
    }
    return Model(**{**model.__dict__, "scores": scores})


def score(model: Model, prepared: Prepared, places: Array) -> dict[str, float]:
    """How good the model is on some rows; nothing if there are none."""
    if not len(places):
        return {}
    predicted, _ = model.predict(prepared.table, prepared.target.rows[places])
    y = prepared.target.values[places]
    return linear_scores(y, predicted) if model.kind is ModelKind.LINEAR else logistic_scores(y, predicted)

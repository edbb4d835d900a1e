"""A model of a table: a model over features, and what makes features of columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..descent import Result
from ..errors import ArgumentError, ModelFileError
from ..graph import Array
from ..models import ClassMetrics, Hinge, Metrics, Model, NumberMetrics, Perceptron, PoissonDeviance
from ..tables import Encoding, Kind, Missing, Table, Unseen, load_model, read_table, save_model
from .settings import MODELS, loss_in_words, loss_of_words

__all__ = ["TableModel"]


@dataclass(frozen=True, eq=False)
class TableModel:
    """A fitted model of a table.

    model: of standardised features. parameters: as the model has them. encoding: how a table becomes features. target: the names
    of the columns that it predicts. kind: of the target. classes: their names, if the target has any. mean, scale: of the target,
    () or one for each column. scores: by part ("training", "validation") and name. result: of the descent; None for a model
    that was loaded.
    """

    model: Model
    parameters: Any
    encoding: Encoding
    target: tuple[str, ...]
    kind: Kind
    classes: tuple[str, ...]
    mean: Array
    scale: Array
    scores: Mapping[str, Mapping[str, float]]
    result: Result | None = None

    @property
    def has_probabilities(self) -> bool:
        """Whether it predicts probabilities of classes; a support vector machine has scores."""
        return bool(self.classes) and not isinstance(self.model.criterion, Hinge)

    @property
    def is_linear(self) -> bool:
        """Whether it has one linear layer, and so coefficients."""
        return not isinstance(self.model, Perceptron)

    def predict_features(self, X: Array) -> Array:
        """Features (N, n) → numbers (N,) or (N, m); or for each class its probability, or its score, (N, K)."""
        X = np.asarray(X, self.layers[0]["w"].dtype)
        predicted = np.asarray(self.model.predict(self.parameters, X), np.float64)
        if not self.classes:
            return predicted * self.scale + self.mean
        if predicted.ndim > 1:
            return predicted
        other = 1 - predicted if self.has_probabilities else -predicted
        return np.stack([other, predicted], axis=1)

    def features(
        self, data: Any, rows: Any = slice(None), *, missing: Missing = "impute", unseen: Unseen = "none"
    ) -> Array:
        """The features (N, n) of a table, or of anything that `read_table` takes. missing, unseen: as `Encoding.transform` has them."""
        table = data if isinstance(data, Table) else read_table(data, expected=self.encoding.kinds)
        return self.encoding.transform(table, rows, self.layers[0]["w"].dtype, missing=missing, unseen=unseen)[0]

    def predict(self, data: Any, *, missing: Missing = "impute", unseen: Unseen = "none") -> Array:
        """For each row of a table a number (N,), or (N, m) for m targets, or the name of its class (N,). Raises TableError.

        data: a table, or anything that `read_table` takes. missing, unseen: as `Encoding.transform` has them.
        """
        predicted = self.predict_features(self.features(data, missing=missing, unseen=unseen))
        return np.array(self.classes)[np.argmax(predicted, axis=1)] if self.classes else predicted

    def probabilities(self, data: Any, *, missing: Missing = "impute", unseen: Unseen = "none") -> Array:
        """The probability of each class (N, K), in the order of `classes`. Raises ArgumentError for a model that has none."""
        if not self.has_probabilities:
            what = (
                "a support vector machine has scores, not probabilities" if self.classes else "its target is a number"
            )
            raise ArgumentError(f"this model predicts no probabilities: {what}. Use predict")
        return self.predict_features(self.features(data, missing=missing, unseen=unseen))

    def metrics(self) -> list[Metrics]:
        """Empty metrics, one for each column of the target."""
        if self.classes:
            return [ClassMetrics(len(self.classes), self.has_probabilities)]
        is_count = isinstance(self.model.criterion, PoissonDeviance)
        return [NumberMetrics(is_count) for _ in self.target]

    def coefficients(self) -> tuple[Array, Array]:
        """One coefficient for each feature, (n,) or (n, m), and the intercept, () or (m,), in the table's own units.

        Raises ArgumentError for a perceptron.
        """
        if not self.is_linear:
            raise ArgumentError("a perceptron has no coefficients: its layers are in `parameters`")
        layer = self.layers[0]
        return self.encoding.in_own_units(layer["w"], layer["b"], self.mean, self.scale)

    @property
    def layers(self) -> tuple[Mapping[str, Array], ...]:
        """The parameters, layer by layer: {"w": W, "b": b}."""
        return (self.parameters,) if isinstance(self.parameters, dict) else tuple(self.parameters)

    def save(self, path: str | Path) -> None:
        """Writes the model to a file. Raises ModelFileError."""
        objective = loss_in_words(self.model.criterion)
        if objective is None:
            raise ModelFileError(
                f"the model cannot be saved: its objective, {self.model.criterion}, is none of thalweg's, and a file holds no code"
            )
        own = {}
        if isinstance(self.model, Perceptron):
            own = {"hidden": self.model.hidden, "activation": self.model.activation}
        kind = next(name for name, kind in MODELS.items() if type(self.model) is kind)
        description = {
            "model": {"kind": kind, "outputs": self.model.outputs, "objective": objective, **own},
            "target": list(self.target),
            "kind": self.kind.value,
            "classes": list(self.classes),
            "encoding": self.encoding.to_dict(),
            "scores": {part: dict(scores) for part, scores in self.scores.items()},
        }
        unit = {"target.mean": self.mean, "target.scale": self.scale}
        save_model(path, _named(self.layers) | unit, description)

    @classmethod
    def load(cls, path: str | Path) -> TableModel:
        """Reads a model from a file. Raises ModelFileError if it is missing, damaged, of another version, or no model."""
        tensors, plain = load_model(path)
        try:
            encoding = Encoding.from_dict(plain["encoding"])
            described = dict(plain["model"])
            kind, objective = MODELS[described.pop("kind")], loss_of_words(described.pop("objective"))
            model = kind(len(encoding.features), objective=objective, **described)
            shapes = model.layers
            layers = tuple({name: tensors[f"{n}.{name}"] for name in ("w", "b")} for n in range(1, len(shapes) + 1))
            found = cls(
                model,
                layers if isinstance(model, Perceptron) else layers[0],
                encoding,
                tuple(plain["target"]),
                Kind(plain["kind"]),
                tuple(plain["classes"]),
                tensors["target.mean"],
                tensors["target.scale"],
                plain["scores"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"the model {path} does not hold what it should: {error!r}. Fit it again.") from None
        if [layer.shapes for layer in shapes] != [(layer["w"].shape, layer["b"].shape) for layer in layers]:
            raise ModelFileError(
                f"the model {path} has not one weight for each of its {len(encoding.features)} features. Fit it again."
            )
        return found


def _named(layers: tuple[Mapping[str, Array], ...]) -> dict[str, Array]:
    """1.w and 1.b of the first layer, and so on."""
    return {f"{n}.{name}": np.asarray(layer[name]) for n, layer in enumerate(layers, 1) for name in ("w", "b")}

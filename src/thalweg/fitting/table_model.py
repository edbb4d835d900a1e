"""A model of a table: a model over features, and what makes features of columns."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..arguments import TABLE_MODEL, SaysWhatItHas
from ..descent import Result
from ..errors import ArgumentError, ModelFileError
from ..graph import Array
from ..models import ClassMetrics, Hinge, Metrics, Model, NumberMetrics, Perceptron, PoissonDeviance
from ..storage import write_whole
from ..tables import Encoding, Kind, Missing, Table, Unseen, load_model, read_table, save_model
from ..tables.encoding import MISSING_CATEGORY
from .settings import MODELS, loss_in_words, loss_of_words

__all__ = ["TableModel"]


@dataclass(frozen=True, eq=False, repr=False)
class TableModel(SaysWhatItHas):
    """A fitted model of a table.

    model: of standardised features. parameters: as the model has them. encoding: how a table becomes features. target: the names
    of the columns that it predicts. kind: of the target. classes: their names, if the target has any. mean, scale: of the target,
    () or one for each column. scores: by part ("training", "validation") and name. result: of the descent; None for a model
    that was loaded. missing_marks: what else than `tables.MISSING` stood for a missing value in the table, and does in new rows.
    """

    _elsewhere: ClassVar = TABLE_MODEL
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
    missing_marks: tuple[str, ...] = ()

    def __repr__(self) -> str:
        part, scores = next(((part, told) for part, told in reversed(list(self.scores.items())) if told), ("", {}))
        told = f"; {part} {', '.join(f'{name} {value:.4g}' for name, value in scores.items())}" if scores else ""
        return f"<TableModel: {_kind_of(self.model)} of {', '.join(self.target)}{told}>"

    @property
    def has_probabilities(self) -> bool:
        """Whether it predicts probabilities of classes; a support vector machine has scores."""
        return bool(self.classes) and not isinstance(self.model.criterion, Hinge)

    @property
    def is_linear(self) -> bool:
        """Whether it has one linear layer, and so coefficients."""
        return not isinstance(self.model, Perceptron)

    @property
    def has_diverged(self) -> bool:
        """Whether the descent that fitted it went up instead of down, so that it predicts nothing. Not known of a loaded model."""
        from ..diagnosis import VerdictKind  # what judges is loaded only if a verdict is asked for

        verdict = None if self.result is None else self.result.verdict
        if verdict is None or verdict.kind is not VerdictKind.OVERSHOOTING:
            return False
        return not verdict.evidence["loss at the end"] < verdict.evidence["loss at the start"]

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
        table = data
        if not isinstance(data, Table):
            table = read_table(data, expected=self.encoding.kinds, missing_marks=self.missing_marks)
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

    def to_arrays(self) -> dict[str, Array]:
        """All that is needed to apply the model, as plain arrays.

        columns, categories, is_number, is_missing, fills, means, scales (n,): of each feature. A feature is a column's number,
        filled where it is missing, or 1 in rows that have the category (or, where is_missing says so, no value), else 0. Then
        x = (feature − means) / scales. 1.w, 1.b, 2.w, ...: the layers. target, target.mean, target.scale, classes: what comes out.
        model, activation, objective: names.
        """
        features = self.encoding.features
        is_missing = np.array([feature.category == MISSING_CATEGORY for feature in features])
        categories = np.array([feature.category or "" for feature in features])
        names = {"model": _kind_of(self.model), "objective": str(loss_in_words(self.model.criterion))}
        if isinstance(self.model, Perceptron):
            names["activation"] = self.model.activation
        return {
            "columns": np.array([feature.column for feature in features]),
            "categories": np.where(is_missing, "", categories),
            "is_number": np.array([feature.category is None for feature in features]),
            "is_missing": is_missing,
            "fills": np.array([feature.fill for feature in features]),
            "means": np.array([feature.mean for feature in features]),
            "scales": np.array([feature.scale for feature in features]),
            **_named(self.layers),
            "target": np.array(self.target),
            "target.mean": self.mean,
            "target.scale": self.scale,
            "classes": np.array(self.classes, dtype=np.str_),
            **{name: np.array(value) for name, value in names.items()},
        }

    def save_arrays(self, path: str | Path) -> None:
        """Writes `to_arrays` as an .npz file. Raises ModelFileError."""
        content = io.BytesIO()
        np.savez(content, **self.to_arrays())  # type: ignore[arg-type]  # NumPy's stubs take the arrays for its option
        _write(path, content.getvalue())

    def to_onnx(self, path: str | Path) -> None:
        """Writes the model as an ONNX file, for use without thalweg. Needs the extra `onnx`.

        Inputs are the columns, each (N,): numbers as float64, with NaN where missing (booleans are 0 and 1, dates days since
        1970-01-01), categories as strings, "" where missing. Outputs are the target's columns as float64; or "label", the names of
        classes, and "probabilities", or "scores" of a support vector machine, (N, K). Raises ThalwegError.
        """
        from .onnx_model import onnx_content  # loads the ONNX library only here

        what = "probabilities" if self.has_probabilities else "scores"
        content = onnx_content(
            self.encoding, self.missing_marks, self.predict_features, self.target, self.classes, what
        )
        _write(path, content)

    def save(self, path: str | Path) -> None:
        """Writes the model to a file. Raises ModelFileError."""
        objective = loss_in_words(self.model.criterion)
        if objective is None:
            raise ModelFileError(
                f"the model cannot be saved: its objective, {self.model.criterion}, is none of thalweg's, and a file holds no code"
            )
        own = {}
        if isinstance(self.model, Perceptron):
            own = {"hidden": self.model.hidden, "activation": self.model.activation, "drawn": self.model.drawn}
        description = {
            "model": {"kind": _kind_of(self.model), "outputs": self.model.outputs, "objective": objective, **own},
            "target": list(self.target),
            "kind": self.kind.value,
            "classes": list(self.classes),
            "encoding": self.encoding.to_dict(),
            "missing_marks": list(self.missing_marks),
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
                missing_marks=tuple(plain.get("missing_marks", ())),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"the model {path} does not hold what it should: {error!r}. Fit it again.") from None
        if [layer.shapes for layer in shapes] != [(layer["w"].shape, layer["b"].shape) for layer in layers]:
            raise ModelFileError(
                f"the model {path} has not one weight for each of its {len(encoding.features)} features. Fit it again."
            )
        return found


def _write(path: str | Path, content: bytes) -> None:
    try:
        write_whole(path, content)
    except OSError as error:
        raise ModelFileError(
            f"the model cannot be written to {path}: {error.strerror or error}. Nothing was changed there."
        ) from None


def _kind_of(model: Model) -> str:
    return next(name for name, kind in MODELS.items() if type(model) is kind)


def _named(layers: tuple[Mapping[str, Array], ...]) -> dict[str, Array]:
    """1.w and 1.b of the first layer, and so on."""
    return {f"{n}.{name}": np.asarray(layer[name]) for n, layer in enumerate(layers, 1) for name in ("w", "b")}

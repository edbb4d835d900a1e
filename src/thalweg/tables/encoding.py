"""From columns to features: numbers are standardised, categories become one feature each, missing values are filled.

All that is learnt comes from the training rows. Columns are matched by name, so that their order does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..errors import TableError
from ..graph import Array
from .table import Column, Kind, Table

__all__ = ["Encoding", "Feature"]

MISSING_CATEGORY = "\0missing"
"""Stands for a missing value; no cell of a table can hold it."""


@dataclass(frozen=True)
class Feature:
    """One feature: a number, or whether a column holds one category.

    mean, scale: of the training rows. fill: what stands for a missing number. category: None for a number.
    """

    column: str
    mean: float
    scale: float
    fill: float = 0.0
    category: str | None = None

    @property
    def name(self) -> str:
        if self.category == MISSING_CATEGORY:
            return f"{self.column} is missing"
        return self.column if self.category is None else f"{self.column} = {self.category}"


@dataclass(frozen=True)
class Encoding:
    """How a table becomes features. left_out: columns that are not used, each with the reason."""

    features: tuple[Feature, ...]
    left_out: Mapping[str, str]

    @classmethod
    def learn(cls, table: Table, rows: Array, target: str) -> Encoding:
        """Learns from the given rows. Raises TableError if no column can be used."""
        features: list[Feature] = []
        left_out: dict[str, str] = {}
        for column in table.columns:
            if column.name == target:
                continue
            found, reason = _features(column, rows)
            features.extend(found)
            if reason:
                left_out[column.name] = reason
        if not features:
            raise TableError(f"{table.path} has no column that could predict {target!r}: {left_out}")
        return cls(tuple(features), left_out)

    @property
    def names(self) -> list[str]:
        """The names of the features."""
        return [feature.name for feature in self.features]

    def transform(self, table: Table, rows: Any = slice(None)) -> tuple[Array, dict[str, int]]:
        """The features (rows, n), float64, and for each column how many values training never saw.

        Raises TableError if a column is not there or holds another kind of values.
        """
        count = len(table.columns[0].values[rows])
        result = np.empty((count, len(self.features)))
        unseen: dict[str, int] = {}
        by_column: dict[str, list[int]] = {}
        for index, feature in enumerate(self.features):
            by_column.setdefault(feature.column, []).append(index)
        for name, indices in by_column.items():
            column = table.column(name)
            raw, unknown = _raw(column, [self.features[i] for i in indices], rows, table.path)
            for position, index in enumerate(indices):
                feature = self.features[index]
                result[:, index] = (raw[position] - feature.mean) / feature.scale
            if unknown:
                unseen[name] = unknown
        return result, unseen

    def in_own_units(
        self, weights: Array, intercept: float, mean: float = 0.0, scale: float = 1.0
    ) -> tuple[Array, float]:
        """Coefficients for the table's own units, from weights of standardised features and of a target (y - mean) / scale."""
        own = weights * scale / np.array([feature.scale for feature in self.features])
        shift = own @ np.array([feature.mean for feature in self.features])
        return own, float(intercept * scale + mean - shift)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for a file."""
        return {"features": [asdict(f) for f in self.features], "left_out": dict(self.left_out)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Encoding:
        """The reverse of `to_dict`."""
        return cls(tuple(Feature(**f) for f in plain["features"]), dict(plain["left_out"]))


def _features(column: Column, rows: Array) -> tuple[list[Feature], str]:
    """The features of a column, or why it has none."""
    if column.kind is Kind.TEXT:
        return [], "nearly every value differs"
    values = column.values[rows]
    missing = column.is_missing[rows]
    if missing.all():
        return [], "missing in every row"
    if column.kind is Kind.CATEGORY:
        return _category_features(column, values, missing)
    present = values[~missing]
    fill = float(np.median(present))
    filled = np.where(missing, fill, values)
    scale = float(filled.std())
    if scale <= 1e-12 * max(1.0, abs(float(filled.mean()))):
        return [], "the same in every row"
    features = [Feature(column.name, float(filled.mean()), scale, fill)]
    share = float(missing.mean())
    if share > 0:
        deviation = (share * (1 - share)) ** 0.5
        features.append(Feature(column.name, share, deviation, category=MISSING_CATEGORY))
    return features, ""


def _category_features(column: Column, values: Array, missing: Array) -> tuple[list[Feature], str]:
    counts = np.bincount(values[~missing], minlength=len(column.categories))
    named = [(name, count) for name, count in zip(column.categories, counts, strict=True) if count]
    if missing.any():
        named.append((MISSING_CATEGORY, int(missing.sum())))
    if len(named) == 1:
        return [], "the same in every row"
    features = []
    for name, count in named:
        share = count / len(values)
        scale = (share * (1 - share)) ** 0.5
        features.append(Feature(column.name, float(share), float(scale), category=name))
    return features, ""


def _raw(column: Column, features: Sequence[Feature], rows: Any, path: str) -> tuple[list[Array], int]:
    """The values of a column's features before they are standardised, and how many categories are new."""
    values, missing = column.values[rows], column.is_missing[rows]
    is_category = features[0].category is not None
    if is_category != (column.values.dtype.kind == "i") and not missing.all():
        expected = "categories" if is_category else "numbers"
        raise TableError(
            f"{path}: the column {column.name!r} held {expected} at training, and holds {column.kind.value} values now. "
            f"Say what it is with --kind {column.name}={'category' if is_category else 'number'}"
        )
    if not is_category:
        return [np.where(missing, f.fill, values) if f.category is None else missing.astype(float) for f in features], 0
    position = {name: number for number, name in enumerate(column.categories)}
    raw = [
        missing.astype(float)
        if f.category == MISSING_CATEGORY
        else (values == position.get(f.category or "", -2)).astype(float)
        for f in features
    ]
    known = [position[f.category] for f in features if f.category in position]
    return raw, int(np.count_nonzero(~missing & ~np.isin(values, known)))

"""From columns to features: numbers are standardised, categories become one feature each, missing values are filled.

All that is learnt comes from the training rows. Columns are matched by name, so that their order does not matter.

A number has one feature, filled with the training median where it is missing; if it is missing in any training row, a second
feature says so. A category has one feature for each value that training saw (and one for "missing", if that occurred): 1 in
its rows, 0 elsewhere. Every feature is then standardised, the ones of categories too, which keeps the fit well conditioned;
`Encoding.in_own_units` undoes it. A value that training never saw is encoded as none of the known ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..beside import shared
from ..errors import TableError
from ..graph import Array
from .column import Column, Kind
from .missing import Missing, Unseen, check_choice, refuse_missing
from .names import no_such_column
from .table import Table, counted
from .threads import threads_for

__all__ = [
    "IGNORED",
    "MISSING_CATEGORY",
    "Encoding",
    "Feature",
    "check_size",
    "features_of_category",
    "features_of_number",
    "fill_features",
    "places_of_categories",
    "span_of",
]

MISSING_CATEGORY = "\0missing"
"""Stands for a missing value; no cell of a table can hold it."""
IGNORED = "ignored, as asked"
"""Why a column is not used."""
_CONSTANT = "the same in every row"
_BLOCK = 1 << 15
"""Rows of features that are written at a time, and stay in cache."""
_SURELY_THERE = 1 << 30
"""Bytes of features for which it is not asked whether there is memory."""
_LARGEST = 1e150
"""The square of a larger number, which the standard deviation needs, is infinite; that of a smaller one than 1 / this is 0."""


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
        """As it is shown: `size`, `colour = red` or `size is missing`."""
        if self.category == MISSING_CATEGORY:
            return f"{self.column} is missing"
        return self.column if self.category is None else f"{self.column} = {self.category}"


@dataclass(frozen=True)
class Encoding:
    """How a table becomes features. left_out: columns that are not used, each with the reason."""

    features: tuple[Feature, ...]
    left_out: Mapping[str, str]

    @classmethod
    def learn(cls, table: Table, rows: Array, without: Collection[str], ignored: Collection[str] = ()) -> Encoding:
        """Learns from the given rows, an array of their numbers. without: columns that are no features, such as the target. ignored:
        those that are to be left out.

        Raises TableError if no column can be used.
        """
        columns = [column for column in table.columns if column.name not in without]
        features: list[Feature] = []
        left_out: dict[str, str] = {}

        def learnt(column: Column) -> tuple[list[Feature], str]:
            return ([], IGNORED) if column.name in ignored else _features(column, rows, table.path)

        of_columns = shared(learnt, columns, threads_for(len(rows) * len(columns)))
        for column, (found, reason) in zip(columns, of_columns, strict=True):
            features.extend(found)
            if reason:
                left_out[column.name] = reason
        return cls.of(features, left_out, without, table.path)

    @classmethod
    def of(
        cls, features: Sequence[Feature], left_out: Mapping[str, str], without: Collection[str], path: str
    ) -> Encoding:
        """The encoding with these features. Raises TableError if there are none; path: the table, for the message."""
        if not features:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out.items()) or "there is no other column"
            predicted = ", ".join(map(repr, without))
            raise TableError(f"{path} has no column that could predict {predicted} ({reasons})")
        return cls(tuple(features), left_out)

    @property
    def names(self) -> list[str]:
        """The names of the features."""
        return [feature.name for feature in self.features]

    @property
    def kinds(self) -> dict[str, Kind]:
        """The columns that are needed, each as number or category: what to read a table of new rows with."""
        kinds: dict[str, Kind] = {}
        for feature in self.features:  # the first feature of a number is the number itself
            kinds.setdefault(feature.column, Kind.NUMBER if feature.category is None else Kind.CATEGORY)
        return kinds

    def _check_room(self, path: str, rows_bytes: int) -> None:
        """Raises TableError if the features are larger than the memory; the usual cause is a column of many different words."""
        from .available import available_memory

        needed = rows_bytes * len(self.features)
        if needed < _SURELY_THERE or needed <= available_memory():
            return
        most, count = Counter(feature.column for feature in self.features).most_common(1)[0]
        raise TableError(
            f"{path}: the features of all rows would take {needed / 1e9:.3g} GB, which is more than the memory that is available. Column "
            f"{most!r} alone makes {count:,} of {len(self.features):,} features. Leave it out: --ignore {most} (in Python: ignore={[most]!r})."
        )

    def transform(
        self,
        table: Table,
        rows: Any = slice(None),
        dtype: npt.DTypeLike = np.float64,
        *,
        missing: Missing = "impute",
        unseen: Unseen = "none",
    ) -> tuple[Array, dict[str, int]]:
        """The features (rows, n), C-contiguous, and for each column how many values training never saw.

        rows: a slice or an array of numbers of rows. missing: fill what is missing, or refuse it. unseen: take a category
        that training never saw as none of the known ones, or refuse it. Raises TableError if columns are not there or hold
        another kind of values, or for what is refused. `Differences` says what else differs from the training rows.
        """
        if not table.absent_is_zero:
            self.check_columns(table.names(), table.path)
        check_choice("missing", missing)
        check_choice("unseen", unseen)
        if missing == "refuse":
            refuse_missing(table, np.arange(table.row_count)[rows], self.kinds)
        if unseen == "refuse":
            self._refuse_unseen(table, rows)
        chosen = np.arange(table.row_count)[rows]
        indices = self.indices()
        self._check_room(table.path, len(chosen) * np.dtype(dtype).itemsize)
        result = np.empty((len(chosen), len(self.features)), dtype)
        columns = {name: table.column(name) for name in indices}
        for name, column in columns.items():
            _check_kind(column, [self.features[index] for index in indices[name]], table.path)

        def fill(first: int) -> Counter[str]:
            """Writes some rows, of which each thread has its own: they would wait for each other where they write side by side."""
            unknown: Counter[str] = Counter()
            span, part = span_of(chosen[first : first + _BLOCK]), result[first : first + _BLOCK]
            for name, column in columns.items():
                places = indices[name]  # which follow one another, so that the block is a view
                features = self.features[places[0] : places[-1] + 1]
                unknown[name] += fill_features(part[:, places[0] : places[-1] + 1], features, column, span)
            return unknown

        counts = sum(shared(fill, range(0, len(chosen), _BLOCK), threads_for(result.size)), Counter[str]())
        return result, {name: counts[name] for name in columns if counts[name]}

    def in_own_units(self, weights: Array, intercept: Any, mean: Any = 0.0, scale: Any = 1.0) -> tuple[Array, Array]:
        """Coefficients (n,) or (n, m) and intercept () or (m,) in the table's own units.

        weights: (n,) or (n, m), of the standardised features, and intercept, for a target (y - mean) / scale.
        """
        scales = np.array([feature.scale for feature in self.features])
        own = ((weights * scale).T / scales).T
        shift = np.array([feature.mean for feature in self.features]) @ own
        return own, np.asarray(intercept * scale + mean - shift)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for a file."""
        return {"features": [asdict(f) for f in self.features], "left_out": dict(self.left_out)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Encoding:
        """The reverse of `to_dict`."""
        return cls(tuple(Feature(**f) for f in plain["features"]), dict(plain["left_out"]))

    def indices(self) -> dict[str, list[int]]:
        """The places of each column's features, which follow one another."""
        places: dict[str, list[int]] = {}
        for index, feature in enumerate(self.features):
            places.setdefault(feature.column, []).append(index)
        return places

    def _refuse_unseen(self, table: Table, rows: Any) -> None:
        for name, indices in self.indices().items():
            column, categories = table.column(name), [self.features[index].category for index in indices]
            if categories[0] is None or not column.categories:
                continue
            values = column.values[rows]
            places = np.flatnonzero((places_of_categories(categories, column)[values] < 0) & (values >= 0))
            if len(places):
                row = int(np.arange(table.row_count)[rows][places[0]])
                raise TableError(
                    f"{table.place(row)}, column {name!r}: training never saw {column.value_name(values[places[0]])!r}, and such "
                    f"values are refused ({counted(len(places), 'row')}). Correct the cell, or take it as none of the known: "
                    "--unseen none (in Python: unseen='none')."
                )

    def check_columns(self, names: Sequence[str], path: str) -> None:
        """Raises TableError if columns that are needed are not among these. path: of the table, for the message."""
        absent = [name for name in self.kinds if name not in set(names)]
        others = [name for name in names if name not in self.kinds]  # a column that is used was not meant for another
        if len(absent) == 1:
            raise no_such_column(path, absent[0], others or names)
        if absent:
            raise TableError(
                f"{path} has no columns {', '.join(map(repr, absent))}, on which the model was fitted. It has {', '.join(names)}."
            )


def _features(column: Column, rows: Array, path: str) -> tuple[list[Feature], str]:
    """The features of a column, or why it has none."""
    if column.kind is Kind.TEXT:
        return [], column.advice or f"{len(column.categories):,} different values are too many to learn from"
    if column.kind is Kind.OTHER:
        return [], f"holds {column.note} values; make columns of numbers, text or dates of them"
    if column.kind is Kind.DATE:
        return [], f"dates are not used, unless as days since 1970-01-01: --kind {column.name}=number"
    chosen = replace(column, values=column.values[rows])
    values, missing = chosen.values, chosen.is_missing
    if missing.all():
        return [], "missing in every row"
    if column.categories:
        return _category_features(column, values, missing)
    return _number_features(column.name, values, missing, path)


def _number_features(name: str, values: Array, missing: Array, path: str) -> tuple[list[Feature], str]:
    present = values[~missing] if missing.any() else values
    largest = float(np.abs(present).max())
    check_size(name, largest, path)
    fill = _median(present)
    filled = values if present is values else np.where(missing, fill, values)
    return features_of_number(name, float(filled.mean()), float(filled.std()), fill, float(missing.mean()), largest)


def _median(values: Array) -> float:
    """The median of numbers, none of them NaN, in a sixth of the time that NumPy's own takes."""
    middle = len(values) // 2
    parted = np.partition(values, middle)
    upper = float(parted[middle])
    return upper if len(values) % 2 else (float(parted[:middle].max()) + upper) / 2


def check_size(name: str, largest: float, path: str) -> None:
    """Raises TableError if numbers are too large, or too small, for their squares. largest: of their sizes."""
    if largest > _LARGEST:
        raise TableError(
            f"{path}: the column {name!r} holds numbers as large as {largest:g}. Give it in a larger unit."
        )
    if 0 < largest < 1 / _LARGEST:
        raise TableError(
            f"{path}: the column {name!r} holds no numbers larger than {largest:g}. Give it in a smaller unit."
        )


def features_of_number(
    name: str, mean: float, scale: float, fill: float, missing: float, largest: float
) -> tuple[list[Feature], str]:
    """The features of a column of numbers, or why it has none. mean, scale: once filled. missing: the share of rows."""
    if not scale > 1e-12 * largest:
        return [], _CONSTANT
    features = [Feature(name, mean, scale, fill)]
    return features + ([_share_feature(name, missing, MISSING_CATEGORY)] if missing else []), ""


def _category_features(column: Column, values: Array, missing: Array) -> tuple[list[Feature], str]:
    counts = np.bincount(values[~missing], minlength=len(column.categories))
    named = {name: int(count) for name, count in zip(column.categories, counts, strict=True) if count}
    return features_of_category(column.name, named, int(missing.sum()))


def features_of_category(name: str, counts: Mapping[str, int], missing: int) -> tuple[list[Feature], str]:
    """The features of a column of categories, of which each was counted, or why it has none."""
    named = {**counts, MISSING_CATEGORY: missing} if missing else counts
    if len(named) == 1:
        return [], _CONSTANT
    rows = sum(named.values())
    return [_share_feature(name, count / rows, category) for category, count in named.items()], ""


def _share_feature(column: str, share: float, category: str) -> Feature:
    """A feature that is 1 in a share of the rows, and 0 in the others."""
    return Feature(column, share, (share * (1 - share)) ** 0.5, category=category)


def _check_kind(column: Column, features: list[Feature], path: str) -> None:
    """Raises TableError for categories where training saw numbers, or the other way round."""
    was_category = features[0].category is not None
    if was_category == bool(column.categories) or column.is_missing.all():
        return
    before, now = ("categories", "category") if was_category else ("numbers", "number")
    raise TableError(
        f"{path}: the column {column.name!r} held {before} at training, and holds {column.kind.value} values now. "
        f"If they are meant as before, say so with --kind {column.name}={now}"
    )


def fill_features(block: Array, features: Sequence[Feature], column: Column, rows: Any) -> int:
    """Writes the features (rows, k) of some rows of a column; returns in how many the category is unknown."""
    chosen = replace(column, values=column.values[rows])
    values, absent = chosen.values, chosen.is_missing
    if features[0].category is not None:
        return _fill_category(block, features, column, values, absent)
    _fill_number(block, features, values, absent)
    return 0


def _fill_number(block: Array, features: Sequence[Feature], values: Array, missing: Array) -> None:
    any_missing = bool(missing.any())
    for place, feature in enumerate(features):
        raw = missing if feature.category is not None else values
        if any_missing and feature.category is None:
            raw = np.where(missing, feature.fill, values)
        np.divide(raw - feature.mean, feature.scale, out=block[:, place], casting="same_kind")


def _fill_category(block: Array, features: Sequence[Feature], column: Column, values: Array, missing: Array) -> int:
    """Writes the features of a category, all of them 0 and then one of each row 1, and counts the unseen values."""
    means, scales = np.array([f.mean for f in features]), np.array([f.scale for f in features])
    block[:] = -means / scales
    place_of = places_of_categories([f.category for f in features], column)
    place = np.full(len(values), place_of[-1]) if missing.all() else place_of[values]
    hit = np.flatnonzero(place >= 0)
    block[hit, place[hit]] = ((1 - means) / scales)[place[hit]]
    return int(np.count_nonzero((place < 0) & ~missing))


def span_of(rows: Array) -> Any:
    """What chooses rows: a slice if they follow one another."""
    is_run = len(rows) > 0 and int(rows[-1] - rows[0]) == len(rows) - 1 and bool((np.diff(rows) == 1).all())
    return slice(int(rows[0]), int(rows[-1]) + 1) if is_run else rows


def places_of_categories(categories: list[str | None], column: Column) -> Array:
    """For each category of a column, and last for a missing value, its place among known ones, or -1."""
    known = {category: place for place, category in enumerate(categories)}
    return np.array([known.get(name, -1) for name in (*column.categories, MISSING_CATEGORY)])

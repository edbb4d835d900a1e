"""Understanding a table that does not fit in memory, in one pass: kinds, target, rows of each part, features.

What differs from a table in memory: kinds are inferred from the first 100,000 rows; a row's number alone decides whether it is
kept for validation; the median that stands for missing numbers is that of 32,768 to 65,536 training rows drawn at random, so
its rank is off by less than 1 %, nearly always. Both are fewer rows where memory is scarce.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from ..errors import TableError
from ..graph import Array
from .column import Column, Kind
from .encoding import IGNORED, Encoding, Feature, check_size, features_of_category, features_of_number
from .marks import advice_on_marks, likely_mark
from .names import is_pandas_index, no_such_column
from .part import Part
from .source import Source
from .split import hashes_of_rows, is_held_row
from .summary import CategorySummary, NumberSummary, RowSample
from .table import Table, no_rows
from .target import Target, class_name, target_of

__all__ = ["Split", "Survey", "survey", "tables_of"]

_ROWS_FOR_KINDS = 100_000
_MOST_CATEGORIES = 1_000
_MOST_TARGETS = 1_001
_SAMPLED = 1 << 16
_ROWS = 1 << 16


@dataclass(frozen=True)
class Split:
    """Which rows are used, and for what. targets: columns that must have a value; complete: further such columns, where rows with
    missing values are left out. seed, share: as `is_held_row` has them."""

    targets: tuple[str, ...]
    complete: tuple[str, ...]
    seed: int
    share: float

    def rows(self, table: Table, first: int) -> tuple[Array, Array]:
        """The places of the training rows and of the validation rows in a table whose first row has this number."""
        is_used = np.ones(table.row_count, bool)
        for name in (*self.targets, *self.complete):
            is_used &= ~table.column(name).is_missing
        is_held = is_held_row(first, table.row_count, self.seed, self.share)
        return np.flatnonzero(is_used & ~is_held), np.flatnonzero(is_used & is_held)


@dataclass(frozen=True, eq=False)
class Survey:
    """What was found out of a table in one pass.

    pieces: what can be read alone; firsts: the number of the first row of each. training, validation: how many rows of each
    piece are used. target: with values of some rows only. numbers: of each column of the target, over training rows.
    class_weights: the sum of the training rows' weights for each class; weights: of all, and the number of rows.
    kinds: of all columns, as the first `rows_for_kinds` rows show them; described: what they hold; gaps: those with missing values.
    dropped: rows without a target; incomplete: rows that were left out because a value is missing.
    """

    source: Source
    kinds: Mapping[str, Kind]
    pieces: tuple[Part, ...]
    firsts: tuple[int, ...]
    row_count: int
    split: Split
    training: tuple[int, ...]
    validation: tuple[int, ...]
    target: Target
    numbers: tuple[NumberSummary, ...]
    class_weights: Array
    weights: NumberSummary
    encoding: Encoding
    gaps: frozenset[str]
    described: Mapping[str, str]
    rows_for_kinds: int
    incomplete: int


def survey(
    source: Source,
    target: str | Sequence[str],
    *,
    kinds: Mapping[str, Kind] | None = None,
    ignored: Collection[str] = (),
    weights: str | None = None,
    missing: str = "impute",
    as_classes: bool | None = None,
    seed: int = 0,
    share: float = 0.2,
    memory: int = 1 << 30,
) -> Survey:
    """Reads the table once. ignored: columns that are to be left out; weights is none of the features. The others are as for `fit`.

    Raises TableError, with the place, for what cannot be used.
    """
    names = (target,) if isinstance(target, str) else tuple(target)
    rows = min(_ROWS_FOR_KINDS, max(1_000, memory // 256 // len(source.names())))
    found = _kinds(source, kinds or {}, rows)
    for name in (*names, *([weights] if weights else [])):
        if name not in found:
            raise no_such_column(source.path, name, list(found))
    without = {*names, *ignored, weights}
    features = [name for name, column in found.items() if name not in without and column.kind.is_used]
    split = Split(names, tuple(features) if missing == "drop" else (), seed, share)
    work = _Work(source, found, rows, features, split, ignored, weights, missing, memory)
    work.read()
    return work.survey(as_classes)


def tables_of(
    piece: Part, first: int, source: Source, kinds: Mapping[str, Kind], columns: Sequence[str]
) -> Iterator[Table]:
    """The rows of a piece, whose first row has this number in the source, as tables of some columns."""
    schema = pa.schema([source.schema.field(name) for name in columns])
    for batch in piece.batches(schema):
        for start in range(0, len(batch), _ROWS):
            part = pa.Table.from_batches([batch.slice(start, _ROWS)])
            yield Table.of_arrow(part, source, None, kinds, first + start)
        first += len(batch)


def _kinds(source: Source, given: Mapping[str, Kind], rows: int) -> dict[str, Column]:
    """The columns, as the first rows show them."""
    for name in given:
        if name not in source.names():
            raise no_such_column(source.path, name, source.names())
    batches = []
    count = 0
    for batch in source.batches():
        batches.append(batch.slice(0, rows - count))
        count += len(batches[-1])
        if count >= rows:
            break
    if not count:
        raise no_rows(source.path)
    table = Table.of_arrow(pa.Table.from_batches(batches), source, None, given)
    names = [column for column in table.columns if not is_pandas_index(column.name)]
    return {column.name: replace(column, values=column.values[:0].copy()) for column in names}


class _Work:
    """A survey that is being made."""

    def __init__(
        self,
        source: Source,
        columns: Mapping[str, Column],
        rows_for_kinds: int,
        features: Sequence[str],
        split: Split,
        ignored: Collection[str],
        weights: str | None,
        missing: str,
        memory: int,
    ) -> None:
        self.source, self.columns, self.split, self.ignored, self.weights = source, columns, split, ignored, weights
        self.rows_for_kinds = rows_for_kinds
        self.kinds = {name: column.kind for name, column in columns.items()}
        self.refuses = missing == "refuse"
        self.numbers = {name: NumberSummary() for name in features if self.kinds[name] in (Kind.NUMBER, Kind.BOOLEAN)}
        self.categories = {
            name: CategorySummary(_MOST_CATEGORIES) for name in features if self.kinds[name] is Kind.CATEGORY
        }
        most = memory // 64 // (8 * max(1, len(self.numbers)))
        self.sample = RowSample(max(1024, min(_SAMPLED, most)))
        self.targets = tuple(NumberSummary() for _ in split.targets)
        self.different: tuple[dict[str, float], ...] = tuple({} for _ in split.targets)
        self.of_class: dict[str, float] = {}
        self.of_weights = NumberSummary()
        self.pieces = tuple(source.pieces())
        self.gaps: set[str] = set()
        self.firsts: list[int] = []
        self.training: list[int] = []
        self.validation: list[int] = []
        self.row_count = self.dropped = self.incomplete = 0

    def read(self) -> None:
        """The pass."""
        needed = dict.fromkeys([*self.split.targets, *self.numbers, *self.categories])
        if self.weights:
            needed[self.weights] = None
        for piece in self.pieces:
            self.firsts.append(self.row_count)
            training = validation = 0
            for table in tables_of(piece, self.row_count, self.source, self.kinds, list(needed)):
                used = self._add(table)
                training, validation = training + used[0], validation + used[1]
            pa.default_memory_pool().release_unused()
            self.training.append(training)
            self.validation.append(validation)
        self.rows_for_kinds = min(self.rows_for_kinds, self.row_count)

    def _add(self, table: Table) -> tuple[int, int]:
        first = self.row_count
        self.row_count += table.row_count
        rows, held = self.split.rows(table, first)
        has_target = ~np.any([table.column(name).is_missing for name in self.split.targets], axis=0)
        self.dropped += int(np.count_nonzero(~has_target))
        self.incomplete += int(np.count_nonzero(has_target)) - len(rows) - len(held)
        if self.refuses:
            self._refuse(table, np.flatnonzero(has_target), first)
        for name, numbers in self.numbers.items():
            column = table.column(name)
            numbers.add(column.values[rows])
            if name not in self.gaps and column.missing_count:
                self.gaps.add(name)
        for name, categories in self.categories.items():
            categories.add(table.column(name), rows)
        hashes = hashes_of_rows(first, table.row_count, self.split.seed + 1)[rows]
        self.sample.add(hashes, [(name, table.column(name).values[rows]) for name in self.numbers])
        self._add_targets(table, rows, np.concatenate([rows, held]), first)
        return len(rows), len(held)

    def _add_targets(self, table: Table, rows: Array, used: Array, first: int) -> None:
        columns = [replace(table.column(name), words=self.columns[name].words) for name in self.split.targets]
        for column, numbers, different in zip(columns, self.targets, self.different, strict=True):
            if not column.categories:
                numbers.add(column.values[rows])
            if len(different) <= _MOST_TARGETS:
                for value in np.unique(column.values[used])[: _MOST_TARGETS + 1].tolist():
                    different[class_name(column, value)] = value
        weights = self._weights_in(table, rows, used, first)
        column = columns[0]
        if len(self.different[0]) <= _MOST_TARGETS:
            codes, places = np.unique(column.values[rows], return_inverse=True)
            totals = np.bincount(places, weights=weights, minlength=len(codes))
            for code, total in zip(codes.tolist(), totals.tolist(), strict=True):
                label = class_name(column, code)
                self.of_class[label] = self.of_class.get(label, 0.0) + total

    def _weights_in(self, table: Table, rows: Array, used: Array, first: int) -> Array | None:
        if self.weights is None:
            return None
        column = table.column(self.weights)
        if column.kind not in (Kind.NUMBER, Kind.BOOLEAN):
            raise TableError(
                f"{table.path}: the column of weights, {self.weights!r}, holds {column.kind.value} values, not numbers"
            )
        wrong = used[~(column.values[used] >= 0)]
        if len(wrong):
            raise TableError(
                f"{self.source.place(first + int(wrong[0]))}, column {self.weights!r}: a weight is a number, 0 or more"
            )
        self.of_weights.add(column.values[rows])
        return np.asarray(column.values[rows], np.float64)

    def _refuse(self, table: Table, rows: Array, first: int) -> None:
        for name in (*self.numbers, *self.categories):
            absent = rows[table.column(name).is_missing[rows]]
            if len(absent):
                raise TableError(
                    f"{self.source.place(first + int(absent[0]))}, column {name!r}: the value is missing, and missing values are "
                    "refused. Fill it in the table, or have it filled: --missing impute (in Python: missing='impute')."
                )

    def survey(self, as_classes: bool | None) -> Survey:
        """What was found. Raises TableError if it is not enough to fit a model."""
        count = sum(self.training)
        if count + sum(self.validation) < 4 or not count:
            raise TableError(f"{self.source.path} has {count} rows that can be used; a fit needs 4 at least")
        target = self._target(as_classes)
        encoding = self._encoding()
        totals = np.array([self.of_class.get(name, 0.0) for name in target.classes])
        return Survey(
            self.source,
            self.kinds,
            self.pieces,
            tuple(self.firsts),
            self.row_count,
            self.split,
            tuple(self.training),
            tuple(self.validation),
            target,
            self.targets,
            totals,
            self.of_weights,
            encoding,
            frozenset(self.gaps),
            self._described(),
            self.rows_for_kinds,
            self.incomplete,
        )

    def _target(self, as_classes: bool | None) -> Target:
        """The target, from all its different values (or the first thousand of them)."""
        for name, numbers in zip(self.split.targets, self.targets, strict=True):
            if numbers.count:
                check_size(name, max(abs(numbers.least), abs(numbers.largest)), self.source.path)
        most = max(len(different) for different in self.different)
        columns = []
        for name, different in zip(self.split.targets, self.different, strict=True):
            kind = self.kinds[name]
            if kind is Kind.CATEGORY:
                categories = tuple(sorted(different))
                values: Array = np.arange(len(categories))
            else:
                categories, values = (), np.array(sorted(different.values()))
            columns.append(Column(name, kind, np.resize(values, most), categories, words=self.columns[name].words))
        found = target_of(Table(self.source.path, tuple(columns), most), self.split.targets, as_classes=as_classes)
        return replace(found, dropped=self.dropped)

    def _encoding(self) -> Encoding:
        features: list[Feature] = []
        left_out: dict[str, str] = {}
        for name, column in self.columns.items():
            if name in self.numbers:
                found, reason = self._of_number(name)
            elif name in self.categories:
                categories = self.categories[name]
                found, reason = features_of_category(name, dict(sorted(categories.counts.items())), categories.missing)
                if categories.are_too_many:
                    found, reason = [], f"more than {_MOST_CATEGORIES:,} different values are too many to learn from"
            elif not column.kind.is_used and name not in self.split.targets:
                found, reason = [], f"holds {column.kind.value} values, as the first {self.rows_for_kinds:,} rows show"
                reason = f"{reason}; {column.advice}" if column.kind is Kind.TEXT and column.advice else reason
                reason = IGNORED if name in self.ignored else reason
            else:
                continue
            features.extend(found)
            if reason:
                left_out[name] = reason
        return Encoding.of(features, left_out, self.split.targets, self.source.path)

    def _of_number(self, name: str) -> tuple[list[Feature], str]:
        numbers = self.numbers[name]
        if not numbers.count:
            return [], "missing in every row"
        largest = max(abs(numbers.least), abs(numbers.largest))
        check_size(name, largest, self.source.path)
        fill = self.sample.median(name)
        fill = numbers.mean if np.isnan(fill) else fill  # so few are present that the sample has none
        share = numbers.missing / (numbers.count + numbers.missing)
        return features_of_number(name, *numbers.filled(fill), fill, share, largest)

    def _described(self) -> dict[str, str]:
        """Of each column its kind, and what its training rows hold, for a person."""
        found = {name: f"{column.kind.value}" for name, column in self.columns.items()}
        for name, numbers in self.numbers.items():
            if numbers.count:
                column = self.columns[name]
                between = " or " if column.kind is Kind.BOOLEAN else " to "
                found[name] += f"; {column.value_name(numbers.least)}{between}{column.value_name(numbers.largest)}"
                if mark := likely_mark(self.sample.present(name)):
                    found[name] += f"; {mark} lies apart: {advice_on_marks([mark])}"
        for name, categories in self.categories.items():
            shown = ", ".join(sorted(categories.counts)[:4]) + (", ..." if len(categories.counts) > 4 else "")
            found[name] += f"; {len(categories.counts):,} different: {shown}"
            if advice := self.columns[name].advice:
                found[name] += f"; {advice}"
        absent = {name: numbers.missing for name, numbers in self.numbers.items()}
        absent |= {name: categories.missing for name, categories in self.categories.items()}
        for name, count in absent.items():
            if count:
                found[name] += f"; {count:,} missing"
        return found

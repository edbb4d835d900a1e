"""Small tables that a page loads: kept by a digest of their text while the laboratory runs."""

from __future__ import annotations

import hashlib
import tempfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np

from ..errors import ArgumentError, TableError
from ..tables import Encoding, Table, read_table, target_of
from .data_sets import chosen_model, model_subject
from .scene import Topic
from .subject import Subject

__all__ = ["LARGEST_TEXT", "LoadedTables"]

LARGEST_TEXT = 1 << 18
_MOST_ROWS = 2000
_MOST_FEATURES = 30
_MOST_TABLES = 16
_NAME = "table.csv"


@dataclass(frozen=True, eq=False)
class LoadedTables:
    """The tables of the last loads, by digest."""

    _tables: OrderedDict[str, Table]
    _lock: Lock

    @classmethod
    def none(cls) -> LoadedTables:
        """No tables yet."""
        return cls(OrderedDict(), Lock())

    def load(self, text: str) -> tuple[str, Table]:
        """Reads CSV, and returns the table's digest and the table. Raises TableError."""
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        table = self._read(text)
        with self._lock:
            self._tables[digest] = table
            while len(self._tables) > _MOST_TABLES:
                self._tables.popitem(last=False)
        return digest, table

    def _read(self, text: str) -> Table:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / _NAME
            path.write_text(text, encoding="utf-8")
            try:
                table = read_table(path, format="csv")
            except TableError as error:
                raise TableError(str(error).replace(str(path), "the table")) from None
        if table.row_count > _MOST_ROWS:
            raise TableError(
                f"the table has {table.row_count:,} rows, and the laboratory shows {_MOST_ROWS:,} at most: paste fewer, "
                "or fit the whole with thalweg fit"
            )
        return table

    def subject(self, topic: Topic) -> Subject:
        """A model of a loaded table. Raises ArgumentError for one that is not there, TableError for one that cannot be fitted."""
        with self._lock:
            table = self._tables.get(topic.table)
        if table is None:
            raise ArgumentError("this table is no longer here: load it again")
        try:
            return _subject(table, topic)
        except TableError as error:
            raise TableError(str(error).replace(table.path, "the table")) from None


def targets(table: Table) -> list[str]:
    """The columns that a model can predict: numbers, and two classes."""
    found = []
    for column in table.columns:
        try:
            if len(target_of(table, column.name).classes) in (0, 2):
                found.append(column.name)
        except TableError:
            continue  # text, a date, or one value throughout
    return found


def _subject(table: Table, topic: Topic) -> Subject:
    target = target_of(table, topic.target)
    if len(target.classes) not in (0, 2):
        raise TableError(
            f"{topic.target!r} has {len(target.classes)} classes, and the laboratory shows two: choose another column, or fit it "
            "with thalweg fit"
        )
    encoding = Encoding.learn(table, target.rows, [topic.target])
    if len(encoding.features) > _MOST_FEATURES:
        raise TableError(
            f"the table has {len(encoding.features)} features, and the laboratory takes {_MOST_FEATURES} at most"
        )
    X, _ = encoding.transform(table, target.rows)
    is_classes = bool(target.classes)
    y = target.values if is_classes else (target.values - target.values.mean()) / (target.values.std() or 1.0)
    model = chosen_model(topic.model, X.shape[1], is_classes, topic.hidden or (6,))
    classes = tuple(target.classes) if is_classes else ()
    if not np.isfinite(X).all():
        raise TableError("the features hold numbers that are not finite")
    window = (-3.0, 3.0, -2.0, 2.0)
    return model_subject(model, X, y, tuple(encoding.names), topic.target, classes, window, 0.1, topic.seed)

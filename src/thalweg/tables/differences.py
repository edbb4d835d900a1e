"""How new rows differ from those of training, told in sentences; it grows batch by batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import numpy as np

from .encoding import MISSING_CATEGORY, Encoding, places_of_categories
from .source import Source
from .table import Table, counted

__all__ = ["Differences"]


class Differences:
    """Values that training never saw, and missing values where training saw none, counted over tables of new rows."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._missing: Counter[str] = Counter()
        self._unseen: dict[str, Counter[str]] = {}

    def add(self, table: Table) -> None:
        """Looks through a table that has the columns that are needed."""
        for name, indices in self._encoding.indices().items():
            column = table.column(name)
            categories = [self._encoding.features[index].category for index in indices]
            if MISSING_CATEGORY not in categories:
                self._missing[name] += column.missing_count
            if categories[0] is not None and column.categories:
                is_unseen = places_of_categories(categories, column)[:-1] < 0
                counts = np.bincount(column.values[column.values >= 0], minlength=len(column.categories))
                found = {
                    column.categories[code]: int(counts[code]) for code in np.flatnonzero(is_unseen & (counts > 0))
                }
                self._unseen.setdefault(name, Counter()).update(found)

    def notes(self, source: Source | Table, known: Collection[str] = ()) -> list[str]:
        """The sentences, and one for columns that training did not have, but for those that are known, such as the target."""
        notes = []
        for name, indices in self._encoding.indices().items():
            feature = self._encoding.features[indices[0]]
            if missing := self._missing[name]:
                is_number = feature.category is None
                fill = f"the training median, {feature.fill:g}," if is_number else "no category"
                notes.append(
                    f"{name} is missing in {counted(missing, 'row')}, and never was at training: {fill} stands for it"
                )
            if unseen := self._unseen.get(name):
                names = sorted(unseen)
                shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
                rows = counted(unseen.total(), "row")
                notes.append(f"{rows} of {name} hold what training never saw ({shown}): taken as none of the known")
        expected = {*self._encoding.indices(), *self._encoding.left_out, *known}
        more = [name for name in source.names() if name not in expected]
        if more and not source.absent_is_zero:
            notes.append(f"not used, since the model was fitted without: {', '.join(more)}")
        return notes

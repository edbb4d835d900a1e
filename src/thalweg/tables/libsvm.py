"""LIBSVM's files: `label index:value index:value ...`; what a line does not name is 0."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from ..errors import TableError
from ..graph import Array
from . import compute as pc
from .arrow import as_numpy, as_truth
from .part import Part
from .text import TextFile, blocks_of_lines, line_of_row, read_text

__all__ = ["LABEL", "LibsvmFile", "is_libsvm"]

LABEL = "y"
_FIRST_LINE = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?([ \t]+(qid|\d+):[^\s:]+)+\s*(#.*)?")
_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
_LABEL = f"^{_NUMBER}$"
_PAIR = rf"^\d{{1,18}}:{_NUMBER}$"
_MOST_FEATURES = 200_000
_LARGEST = 4 << 30
"""Bytes of a table of numbers that a file may become; thalweg has no sparse tables yet."""


def is_libsvm(text: str) -> bool:
    """Whether a file that begins like this is one of LIBSVM's.

    >>> is_libsvm("-1 3:1 11:0.5"), is_libsvm("time 10:30")
    (True, False)
    """
    line = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    return bool(_FIRST_LINE.fullmatch(line.strip()))


@dataclass(frozen=True, eq=False)
class _Rows:
    """labels: one for each row. row, index, value: of each number that is written."""

    labels: Array
    row: Array
    index: Array
    value: Array


class LibsvmFile(Part):
    """A file of LIBSVM's: the label is the column y, and the features are x1, x2, ... as they are counted in the file.

    Comments after # are left out, and so are qid (groups of a ranking).
    """

    absent = "zero"

    def __init__(self, path: str) -> None:
        self.path = path
        self.how = "LIBSVM"
        self._text: TextFile = read_text(path, "utf-8")

    def schema(self) -> Any:
        return self._schema

    @cached_property
    def _schema(self) -> Any:
        return self._schema_of(self._rows())

    def batches(self, schema: Any) -> Iterator[Any]:
        for rows in self._rows():
            yield from self._batches(rows, schema)

    def table(self, schema: Any = None) -> Any:
        read = list(self._rows())
        schema = schema or self._schema_of(read)
        size = sum(len(rows.labels) for rows in read) * len(schema) * 8
        if size > _LARGEST:
            raise TableError(
                f"{self.path} would take {size / 2**30:,.1f} GiB as a table of {len(schema) - 1:,} features, most of them 0, and "
                "thalweg has no sparse tables yet. Keep the rows or the features that matter most."
            )
        return pa.Table.from_batches((batch for rows in read for batch in self._batches(rows, schema)), schema)

    def place(self, row: int) -> str:
        line = line_of_row(self._text, row, lambda text: bool(text.partition(b"#")[0].strip()))
        return super().place(row) if line is None else f"{self.path}, line {line:,} (row {row + 1:,})"

    def _batches(self, rows: _Rows, schema: Any) -> Iterator[Any]:
        width = len(schema)
        place_of = {int(name[1:]): place for place, name in enumerate(schema.names) if name != LABEL}
        known = np.full(max(place_of, default=0) + 1, -1)
        known[list(place_of)] = list(place_of.values())
        step = max(1, (32 << 20) // (8 * width))
        for start in range(0, len(rows.labels), step):
            stop = min(start + step, len(rows.labels))
            low, high = np.searchsorted(rows.row, [start, stop])
            dense = np.zeros((width, stop - start))
            dense[schema.get_field_index(LABEL)] = rows.labels[start:stop]
            dense[known[rows.index[low:high]], rows.row[low:high] - start] = rows.value[low:high]
            yield pa.RecordBatch.from_arrays([pa.array(values) for values in dense], schema=schema)

    def _rows(self) -> Iterator[_Rows]:
        for line, block in blocks_of_lines(self._text):
            if (rows := self._parsed(line, block)) is not None:
                yield rows

    def _parsed(self, first_line: int, block: bytes) -> _Rows | None:
        """A block of whole lines. All of it at once, in Arrow and NumPy: nothing runs once for each number."""
        lines = pa.array(block.decode().split("\n"))
        if b"#" in block:
            lines = pc.replace_substring_regex(lines, "#.*", "")
        lines = pc.utf8_trim_whitespace(lines)
        tokens = pc.utf8_split_whitespace(lines)
        counts = as_numpy(pc.list_value_length(tokens), np.int64, 0)
        counts[as_numpy(pc.utf8_length(lines), np.int64, 0) == 0] = 0
        # An empty line is one empty token.
        flat = tokens.filter(pc.greater(pc.utf8_length(lines), 0)).flatten()
        line_of = np.repeat(np.arange(len(counts)) + first_line, counts)
        if not len(flat):
            return None
        is_label = np.zeros(len(flat), bool)
        is_label[np.cumsum(counts[counts > 0]) - counts[counts > 0]] = True
        labels, pairs, lines_of_pairs = (
            flat.filter(pa.array(is_label)),
            flat.filter(pa.array(~is_label)),
            line_of[~is_label],
        )
        self._check(labels, _LABEL, line_of[is_label], "a number is expected first, the label,")
        is_group = as_truth(pc.starts_with(pairs, "qid:"))
        if is_group.any():
            pairs, lines_of_pairs = pairs.filter(pa.array(~is_group)), lines_of_pairs[~is_group]
        self._check(pairs, _PAIR, lines_of_pairs, "index:value is expected, such as 3:0.5,")
        parts = pc.split_pattern(pairs, ":").flatten()
        index = as_numpy(pc.cast(parts.take(pa.array(np.arange(0, len(parts), 2))), pa.int64()), np.int64, 0)
        value = as_numpy(pc.cast(parts.take(pa.array(np.arange(1, len(parts), 2))), pa.float64()), np.float64, 0)
        row_of_line = np.cumsum(counts > 0) - 1
        row = row_of_line[lines_of_pairs - first_line]
        order = np.lexsort((index, row))
        twice = np.flatnonzero((np.diff(index[order]) == 0) & (np.diff(row[order]) == 0))
        if len(twice):
            at = order[twice[0]]
            raise TableError(f"{self.path}, line {lines_of_pairs[at]:,}: the index {index[at]} occurs twice")
        return _Rows(as_numpy(pc.cast(labels, pa.float64()), np.float64, 0), row, index, value)

    def _schema_of(self, blocks: Iterable[_Rows]) -> Any:
        low, high = 1, 0
        for rows in blocks:
            if len(rows.index):
                low, high = min(low, int(rows.index.min())), max(high, int(rows.index.max()))
        if high > _MOST_FEATURES:
            raise TableError(
                f"{self.path} has a feature of index {high:,}, and thalweg, which has no sparse tables yet, takes up to "
                f"{_MOST_FEATURES:,}. Keep the features that matter most, and count them from 1."
            )
        return pa.schema([(LABEL, pa.float64()), *((f"x{number}", pa.float64()) for number in range(low, high + 1))])

    def _check(self, tokens: Any, pattern: str, lines: Array, expected: str) -> None:
        wrong = np.flatnonzero(~as_truth(pc.match_substring_regex(tokens, pattern)))
        if len(wrong):
            found = tokens[int(wrong[0])].as_py()
            raise TableError(f"{self.path}, line {lines[wrong[0]]:,}: {expected} and not {found!r}")

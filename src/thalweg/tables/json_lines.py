"""JSON lines: one object on each line."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.json

from ..errors import TableError
from .arrow import common_type, encoded
from .part import Part, cast_batch
from .text import blocks_of_lines, line_of_row, read_text

__all__ = ["JsonLines"]

_LARGEST = 1 << 63
"""Arrow's integers have 64 bits."""


class JsonLines(Part):
    """A file of JSON lines. What an object does not name is missing in its row."""

    absent = "missing"

    def __init__(self, path: str, encoding: str | None = None) -> None:
        self.path = path
        self._text = read_text(path, encoding)
        self.how = "JSON lines"
        if self._text.sample.lstrip().startswith("["):
            raise TableError(
                f"{path} is one JSON array, and JSON lines are expected: an object on each line. To convert it: "
                "jq -c '.[]', or in pandas to_json(path, orient='records', lines=True)."
            )

    def schema(self) -> Any:
        return self._schema

    @cached_property
    def _schema(self) -> Any:
        return _union(table.schema for table in self._tables())

    def batches(self, schema: Any) -> Iterator[Any]:
        for table in self._tables():
            for batch in table.to_batches():
                yield cast_batch(batch, schema, self)

    def table(self, schema: Any = None) -> Any:
        tables = list(self._tables())
        own = schema or _union(table.schema for table in tables)
        batches = [cast_batch(batch, own, self) for table in tables for batch in table.to_batches()]
        table = pa.Table.from_batches(batches, own)
        return table if schema else encoded(table)

    def place(self, row: int) -> str:
        line = line_of_row(self._text, row, lambda text: bool(text.strip()))
        return super().place(row) if line is None else f"{self.path}, line {line:,} (row {row + 1:,})"

    def _tables(self) -> Iterator[Any]:
        for line, block in blocks_of_lines(self._text):
            if not block.strip():
                continue
            try:
                yield _read(block)
            except pa.ArrowInvalid:
                yield self._slowly(line, block)

    def _slowly(self, line: int, block: bytes) -> Any:
        """Line by line: finds the error, or writes columns whose values have several types as text, for Arrow to read."""
        rows = [
            self._object(number, text) for number, text in enumerate(block.decode().split("\n"), line) if text.strip()
        ]
        kinds: dict[str, set[str]] = {}
        for row in rows:
            for name, value in row.items():
                if value is not None:
                    kinds.setdefault(name, set()).add(_kind(value))
        as_text = {name for name, found in kinds.items() if len(found) > 1}
        try:
            return _read(_written(rows, as_text))
        except pa.ArrowInvalid:  # lists and objects whose insides differ
            return _read(_written(rows, as_text | {name for name, found in kinds.items() if "nested" in found}))

    def _object(self, number: int, text: str) -> dict[str, Any]:
        place = f"{self.path}, line {number:,}"
        try:
            value = json.loads(text, parse_constant=_constant)
        except (json.JSONDecodeError, RecursionError) as error:
            what = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else "too deep"
            raise TableError(
                f'{place}: this is not JSON: {what}. Each line holds one object: {{"name": value, ...}}'
            ) from None
        if not isinstance(value, dict):
            raise TableError(
                f"{place}: a JSON object is expected, as in the other lines, and not {text.strip()[:40]!r}."
            )
        for name, each in value.items():
            if isinstance(each, float) and math.isinf(each):
                raise TableError(
                    f"{place}, column {name!r}: the value is infinite, or larger than a float64 can hold. Correct it, or write "
                    "null if the value is missing."
                )
        return value


def _read(block: bytes) -> Any:
    options = pyarrow.json.ReadOptions(block_size=max(len(block), 1 << 20))
    return pyarrow.json.read_json(pa.BufferReader(block), read_options=options)


def _constant(name: str) -> float | None:
    return None if name == "NaN" else float(name)


def _kind(value: Any) -> str:
    if isinstance(value, bool | str):
        return type(value).__name__
    return "number" if isinstance(value, int | float) else "nested"


def _written(rows: list[dict[str, Any]], as_text: set[str]) -> bytes:
    def plain(name: str, value: Any) -> Any:
        if name in as_text and value is not None and not isinstance(value, str):
            return json.dumps(value, ensure_ascii=False)
        return float(value) if isinstance(value, int) and not -_LARGEST <= value < _LARGEST else value

    return "\n".join(json.dumps({name: plain(name, value) for name, value in row.items()}) for row in rows).encode()


def _union(schemas: Iterator[Any]) -> Any:
    types: dict[str, Any] = {}
    for schema in schemas:
        for field in schema:
            types[field.name] = common_type(types.get(field.name, field.type), field.type)
    return pa.schema(list(types.items()))

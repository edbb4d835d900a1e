"""JSON lines: one object on each line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.json

from ..errors import TableError
from .arrow import common_type
from .part import Part, cast_batch
from .text import blocks_of_lines, read_text

__all__ = ["JsonLines"]


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
        schema = schema or _union(table.schema for table in tables)
        return pa.Table.from_batches(
            [cast_batch(batch, schema, self) for table in tables for batch in table.to_batches()], schema
        )

    def place(self, row: int) -> str:
        count = -1
        for line, block in blocks_of_lines(self._text):
            for number, text in enumerate(block.split(b"\n"), line):
                count += bool(text.strip())
                if count == row:
                    return f"{self.path}, line {number:,} (row {row + 1:,})"
        return super().place(row)

    def _tables(self) -> Iterator[Any]:
        for line, block in blocks_of_lines(self._text):
            if not block.strip():
                continue
            try:
                yield pyarrow.json.read_json(
                    pa.BufferReader(block), read_options=pyarrow.json.ReadOptions(block_size=max(len(block), 1 << 20))
                )
            except pa.ArrowInvalid:
                yield self._slowly(line, block)

    def _slowly(self, line: int, block: bytes) -> Any:
        """Line by line: finds the error, if there is one, and allows for columns of values of several types."""
        rows = []
        for number, text in enumerate(block.decode().split("\n"), line):
            if not text.strip():
                continue
            try:
                value = json.loads(text)
            except (json.JSONDecodeError, RecursionError) as error:
                what = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else "too deep"
                raise TableError(
                    f"{self.path}, line {number:,}: this is not JSON: {what}. Each line holds one object: "
                    '{"name": value, ...}'
                ) from None
            if not isinstance(value, dict):
                raise TableError(
                    f"{self.path}, line {number:,}: a JSON object is expected, as in the other lines, and not {text.strip()[:40]!r}."
                )
            rows.append(value)
        names = dict.fromkeys(name for row in rows for name in row)
        return pa.table({name: _array([row.get(name) for row in rows]) for name in names})


def _union(schemas: Iterator[Any]) -> Any:
    types: dict[str, Any] = {}
    for schema in schemas:
        for field in schema:
            types[field.name] = common_type(types.get(field.name, field.type), field.type)
    return pa.schema(list(types.items()))


def _array(values: list[Any]) -> Any:
    """Values of one type as Arrow takes them, numbers as float64; of several types as text."""
    types = {type(value) for value in values if value is not None}
    if types <= {int, float}:
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    if len(types) > 1:
        return pa.array(
            [value if value is None or isinstance(value, str) else json.dumps(value) for value in values], pa.string()
        )
    return pa.array(values)

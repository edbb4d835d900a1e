"""Tables: reading files, kinds of columns, and features."""

from .encoding import Encoding
from .read import read_table, table_of_arrow
from .split import split_rows
from .table import Column, Kind, Table
from .target import ModelKind, Target, target_of

__all__ = [
    "Column",
    "Encoding",
    "Kind",
    "ModelKind",
    "Table",
    "Target",
    "read_table",
    "split_rows",
    "table_of_arrow",
    "target_of",
]
